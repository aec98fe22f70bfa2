"""Whether a ground store has what its stations have: row for row."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from scenehash import CodeStore


def assert_merged(ground: Path, stations: Sequence[Path]) -> None:
    """The ground store has the scenes of all stations and no others, and knows all their rows.

    Each scene has the labels that it has at any station, and its path at one of them.
    """
    with CodeStore.open(ground) as merged:
        contents = set()
        paths: dict[str, set[str]] = {}
        labels: dict[str, set[str]] = {}
        for station in stations:
            with CodeStore.open(station) as store:
                known = {one.first_row: one for one in merged.links.scenes.of_store(store.uuid)}
                assert len(known) == len(store.contents())
                for record, codes in store.scenes():
                    contents.add(record.content)
                    paths.setdefault(record.content, set()).add(f"{store.station}:{record.path}")
                    labels.setdefault(record.content, set()).update(record.labels)
                    found = merged.read_scene(record.content)
                    assert found is not None
                    own, own_codes = found
                    linked = known[record.first_row]
                    assert linked.content.hex() == record.content
                    assert linked.tiles == record.tiles
                    assert np.array_equal(own.windows, record.windows)
                    assert own.time == record.time
                    assert np.array_equal(own_codes, codes)
                    if record.footprints is None:
                        assert own.footprints is None
                    else:
                        assert own.footprints is not None
                        assert own.footprints.tobytes() == record.footprints.tobytes()
        assert sorted(merged.contents()) == sorted(contents)
        for content in contents:
            shown = merged.find_scene(content)
            assert shown is not None
            assert set(shown.labels) == labels[content]
            assert shown.path in paths[content]
        assert merged.verify() == []
