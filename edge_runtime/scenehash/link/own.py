"""The scenes of a store as both ends of a link count them, each computed once."""

import numpy as np

from scenehash.errors import StoreDamagedError
from scenehash.store import CodeStore
from scenehash.store.links import OwnScene
from scenehash.store.rows import Ranges

from .digest_tree import Entry
from .pieces import piece_of

# Scenes whose digests are kept together.
AT_ONCE = 1000


def own_entries(store: CodeStore) -> list[Entry]:
    """All scenes of a store that is open for writing, by first row; damaged ones are left out."""
    links, codes = store.links, f"{store.lineage}-{store.bits}"
    known = {one.first_row: one for one in links.own()}
    here = store.scene_rows()
    rows = {row for row, _, _ in here}
    if gone := [row for row in known if row not in rows]:
        links.forget_own(gone)
    new = [
        (row, tiles)
        for row, tiles, content in here
        if row not in known or known[row][1:3] != (content, codes)
    ]
    for start in range(0, len(new), AT_ONCE):
        ranges = Ranges.of(np.array(new[start : start + AT_ONCE], np.int64))
        links.put_own(_counted(store, ranges, codes))
    return [Entry(one.first_row, one.digest) for one in links.own()]


def _counted(store: CodeStore, ranges: Ranges, codes: str) -> list[OwnScene]:
    counted = []
    for found in store.scenes_in(ranges):
        if not isinstance(found, StoreDamagedError):
            record, own = found
            digest = piece_of(record, own, 0, record.tiles).digest()
            content = bytes.fromhex(record.content)
            counted.append(OwnScene(record.first_row, content, codes, digest))
    return counted
