"""Whether a ground store has what its stations have: row for row."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from scenehash import CodeStore


def assert_merged(ground: Path, stations: Sequence[Path]) -> None:
    """The ground store has the scenes of all stations and no others, and knows all their rows."""
    with CodeStore.open(ground) as merged:
        contents = set()
        for station in stations:
            with CodeStore.open(station) as store:
                known = {one.first_row: one for one in merged.links.scenes(store.uuid)}
                assert len(known) == len(store.contents())
                for record, codes in store.scenes():
                    contents.add(record.content)
                    found = merged.read_scene(record.content)
                    assert found is not None
                    own, own_codes = found
                    linked = known[record.first_row]
                    assert linked.content.hex() == record.content
                    assert linked.tiles == record.tiles
                    assert np.array_equal(own.windows, record.windows)
                    assert own.time == record.time
                    assert set(record.labels) <= set(own.labels)
                    assert np.array_equal(own_codes, codes)
                    if record.footprints is None:
                        assert own.footprints is None
                    else:
                        assert own.footprints is not None
                        assert own.footprints.tobytes() == record.footprints.tobytes()
        assert sorted(merged.contents()) == sorted(contents)
        assert merged.verify() == []
