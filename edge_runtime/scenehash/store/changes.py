"""What changes the codes of a store: each is one commit, and nothing of it is there before."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from scenehash.errors import StoreError

from .check import taken_rows, uncovered
from .codes_file import CodesFile
from .records import HashedScene, SceneRecord, record_of
from .rows import Ranges
from .snapshot import Snapshot


def append(
    view: Snapshot,
    scenes: Sequence[tuple[HashedScene, SceneRecord]],
    also: Callable[[Sequence[SceneRecord]], object] = lambda _: None,
) -> None:
    """Store new scenes behind all others, whatever first rows their records have.

    also: what else to write in the same transaction.
    """
    state, records, row = view.state, [], view.state.rows
    for _, record in scenes:
        records.append(replace(record, first_row=row))
        row += record.tiles
    view.file.append(np.concatenate([scene.codes for scene, _ in scenes]), state.positions)
    with view.catalog.transaction():
        view.catalog.insert(records)
        also(records)
        positions = state.positions + row - state.rows
        view.catalog.change(replace(state, rows=row, positions=positions))


def repair(view: Snapshot, number: int, scene: HashedScene) -> SceneRecord:
    """Put a scene in the place of its damaged entry, in the same rows where that can be."""
    catalog, state, tiles = view.catalog, view.state, len(scene.windows)
    rows, positions = state.rows, state.positions
    with catalog.transaction():
        catalog.remove_damaged(number)
        free = uncovered(taken_rows(catalog), rows)
        fitting = free.first[free.count == tiles]
        if len(fitting):
            first_row = int(fitting[0])
            view.file.overwrite(scene.codes, int(view.row_map.positions(fitting)[0]))
        else:
            first_row = rows
            view.file.append(scene.codes, positions)
            rows, positions = rows + tiles, positions + tiles
            for first, count in zip(free.first.tolist(), free.count.tolist(), strict=True):
                catalog.mark_deleted(first, count)
        record = record_of(scene, first_row, state.bits)
        catalog.insert([record])
        revision = state.revision + 1
        catalog.change(replace(state, rows=rows, positions=positions, revision=revision))
    return record


def compact(folder: Path, view: Snapshot) -> None:
    """Write the codes that are not deleted to a new file, and make it the store's."""
    state = view.state
    compacted = CodesFile(folder, state.bits // 8, state.generation + 1)
    try:
        compacted.make(view.living_parts())
    except StoreError:
        compacted.path.unlink(missing_ok=True)
        raise
    before, now = view.row_map.dropped, view.dead
    dropped = np.stack(
        [np.concatenate([before.first, now.first]), np.concatenate([before.count, now.count])],
        axis=1,
    )
    with view.catalog.transaction():
        view.catalog.mark_dropped(Ranges.of(dropped[np.argsort(dropped[:, 0])]))
        positions = state.positions - now.total()
        view.catalog.change(replace(state, generation=state.generation + 1, positions=positions))
