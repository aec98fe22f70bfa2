"""Is what the disk gives back what was committed?"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from scenehash.codes import Codes
from scenehash.errors import StoreDamagedError, StoreError

from .blocks import blocks_of
from .catalog import Catalog
from .folder import CATALOG
from .records import SceneRecord, checksum
from .rows import Ranges, RowMap


def find_damage(catalog: Catalog, codes: Codes, row_map: RowMap, rows: int) -> Iterator[str]:
    """What is damaged in a store of that many rows, a line each, by scene where it is one's."""
    for line in catalog.damage():
        yield f"{CATALOG}: {line}"
    taken = taken_rows(catalog)
    free = uncovered(taken, rows)
    for first, count in zip(free.first.tolist(), free.count.tolist(), strict=True):
        yield f"{CATALOG}: rows {first} to {first + count - 1} have no scene"
    for (first, count), (following, _) in pairwise([*taken, (rows, 0)]):
        if first + count > following:
            yield f"{CATALOG}: row {following} is more than there are, or in two scenes"
    for scene, _, _ in catalog.scenes():
        try:
            read_scene(catalog, codes, row_map, scene)
        except StoreDamagedError as damage:
            yield str(damage)


def read_scene(
    catalog: Catalog, codes: Codes, row_map: RowMap, scene: int
) -> tuple[SceneRecord, Codes]:
    """A scene by its number in the catalog: its entry, and its codes uint8 [T, K/8].

    Raises StoreDamagedError, with the scene's path and what is damaged, unless all of it is sound.
    """
    record = read_entry(catalog, scene)
    first = int(row_map.positions(np.array([record.first_row]))[0])
    own = codes[first : first + record.tiles]
    if checksum(own) != record.checksum:
        raise StoreDamagedError(
            f"{record.path}: its codes are damaged (rows from {record.first_row})"
        )
    return record, own


def read_entry(catalog: Catalog, scene: int) -> SceneRecord:
    """A scene's entry in the catalog; StoreDamagedError as read_scene."""
    try:
        record, seal = catalog.record(scene)
    except StoreError as error:
        raise StoreDamagedError(
            f"{catalog.path_of(scene)}: its entry in the catalog is damaged"
        ) from error
    if record.seal() != seal:
        raise StoreDamagedError(f"{record.path}: its entry in the catalog is damaged")
    if catalog.labelled(scene) != record.labels:
        raise StoreDamagedError(f"{record.path}: its labels in the catalog are damaged")
    if catalog.blocks(record) != list(blocks_of([record])):
        raise StoreDamagedError(f"{record.path}: its places in the catalog are damaged")
    return record


def uncovered(taken: Sequence[tuple[int, int]], rows: int) -> Ranges:
    """Those of so many rows that are not taken; see taken_rows."""
    free, expected = [], 0
    for first, count in [*taken, (rows, 0)]:
        if first > expected:
            free.append((expected, first - expected))
        expected = max(expected, first + count)
    return Ranges.of(free)


def taken_rows(catalog: Catalog) -> list[tuple[int, int]]:
    """First row and number of rows of all scenes and deletions, ascending."""
    taken = [(first, tiles) for _, first, tiles in catalog.scenes()]
    for deleted in (catalog.deleted(dropped=True), catalog.deleted(dropped=False)):
        taken += zip(deleted.first.tolist(), deleted.count.tolist(), strict=True)
    return sorted(taken)
