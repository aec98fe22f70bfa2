"""Is what the disk gives back what was committed?"""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from ..codes import Codes
from ..errors import StoreError
from .blocks import blocks_of
from .catalog import Catalog
from .folder import CATALOG
from .records import SceneRecord, checksum
from .rows import Ranges, RowMap


def find_damage(catalog: Catalog, codes: Codes, row_map: RowMap, rows: int) -> Iterator[str]:
    """What is damaged in a store of that many rows, a line each, by scene where it is one's."""
    for line in catalog.damage():
        yield f"{CATALOG}: {line}"
    for line in (*catalog.outbox.damage(), *catalog.watch_list.damage(codes.shape[1])):
        yield f"{CATALOG}: {line}"
    free = uncovered(catalog, rows)
    for first, count in zip(free.first.tolist(), free.count.tolist(), strict=True):
        yield f"{CATALOG}: rows {first} to {first + count - 1} have no scene"
    taken = _taken(catalog)
    for (first, count), (following, _) in pairwise([*taken, (rows, 0)]):
        if first + count > following:
            yield f"{CATALOG}: row {following} is more than there are, or in two scenes"
    for scene, _, _ in catalog.scenes():
        reason = damage_of(catalog, codes, row_map, scene)
        if reason is not None:
            yield reason


def damage_of(catalog: Catalog, codes: Codes, row_map: RowMap, scene: int) -> str | None:
    """What is damaged of a scene, by its number in the catalog; None when nothing is."""
    damage = entry_damage_of(catalog, scene)
    if damage is None:
        record, _ = catalog.record(scene)
        if checksum(codes_of(record, codes, row_map)) != record.checksum:
            damage = f"{record.path}: its codes are damaged (rows from {record.first_row})"
    return damage


def entry_damage_of(catalog: Catalog, scene: int) -> str | None:
    """What is damaged of a scene's entry in the catalog; None when nothing is."""
    try:
        record, seal = catalog.record(scene)
    except StoreError:
        return f"{catalog.path_of(scene)}: its entry in the catalog is damaged"
    if record.seal() != seal:
        return f"{record.path}: its entry in the catalog is damaged"
    if catalog.labelled(scene) != record.labels:
        return f"{record.path}: its labels in the catalog are damaged"
    if catalog.blocks(record) != list(blocks_of([record])):
        return f"{record.path}: its places in the catalog are damaged"
    return None


def codes_of(record: SceneRecord, codes: Codes, row_map: RowMap) -> Codes:
    """The stored codes of a scene, uint8 [T, K/8]."""
    first = int(row_map.positions(np.array([record.first_row]))[0])
    return codes[first : first + record.tiles]


def uncovered(catalog: Catalog, rows: int) -> Ranges:
    """The rows that belong to no scene and were not deleted."""
    free, expected = [], 0
    for first, count in [*_taken(catalog), (rows, 0)]:
        if first > expected:
            free.append((expected, first - expected))
        expected = max(expected, first + count)
    return Ranges.of(free)


def _taken(catalog: Catalog) -> list[tuple[int, int]]:
    """First row and number of rows of all scenes and deletions, ascending."""
    taken = [(first, tiles) for _, first, tiles in catalog.scenes()]
    for deleted in (catalog.deleted(dropped=True), catalog.deleted(dropped=False)):
        taken += zip(deleted.first.tolist(), deleted.count.tolist(), strict=True)
    return sorted(taken)
