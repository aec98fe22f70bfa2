"""A check of all data on the disk against its checksums."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from scenehash.errors import StoreDamagedError

from ..catalog.catalog import Catalog
from ..files.folder import CATALOG
from ..rows import Ranges
from ..search.snapshot import Snapshot


def find_damage(snapshot: Snapshot) -> Iterator[str]:
    """The damage of a store, a line each, by scene where possible."""
    catalog, rows = snapshot.catalog, snapshot.state.rows
    for line in catalog.damage():
        yield f"{CATALOG}: {line}"
    taken = taken_rows(catalog)
    free = uncovered(taken, rows)
    for first, count in zip(free.first.tolist(), free.count.tolist(), strict=True):
        yield f"{CATALOG}: rows {first} to {first + count - 1} have no scene"
    for (first, count), (following, _) in pairwise([*taken, (rows, 0)]):
        if first + count > following:
            yield f"{CATALOG}: row {following} is more than there are, or in two scenes"
    for scene in catalog.scenes.numbers():
        try:
            snapshot.read_scene(scene)
        except StoreDamagedError as damage:
            yield str(damage)


def uncovered(taken: Sequence[tuple[int, int]], rows: int) -> Ranges:
    """Those of the first rows that are not taken; see taken_rows."""
    free, expected = [], 0
    for first, count in [*taken, (rows, 0)]:
        if first > expected:
            free.append((expected, first - expected))
        expected = max(expected, first + count)
    return Ranges.of(free)


def taken_rows(catalog: Catalog) -> list[tuple[int, int]]:
    """First row and number of rows of all scenes and deletions, ascending."""
    taken = [(first, tiles) for _, first, tiles in catalog.scenes.spans().tolist()]
    taken += [(first, count) for first, count, _ in catalog.deleted().tolist()]
    return sorted(taken)
