"""A transaction: changes that are committed together, or not at all."""

import contextlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from scenehash.codes import Codes
from scenehash.errors import StoreDamagedError, StoreError

from ..catalog.entry import read_record
from ..files.codes_file import CodesFile
from ..reading.verify import taken_rows, uncovered
from ..records import HashedScene, SceneRecord, checksum, record_of
from ..rows import Ranges
from ..search.snapshot import Snapshot
from .changes import mark_replaced, update_scene
from .switch import Switch

# Scenes per write of new checksums.
GROUP = 1000


class Transaction:
    """Changes that are committed together, inside a transaction of the catalog.

    Codes are flushed to the disk before the catalog commits. The codes of a transaction without a
    commit lie after the committed codes, and have no effect.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self.failed = False
        self._snapshot, self._catalog, self._state = snapshot, snapshot.catalog, snapshot.state
        self._added: set[str] = set()

    @contextlib.contextmanager
    def joined(self) -> Iterator[None]:
        """A part of the transaction; if it fails, the whole transaction commits nothing."""
        try:
            yield
        except BaseException:
            self.failed = True
            raise

    def has_added(self, content: str) -> bool:
        """Whether the transaction has added a scene with this content."""
        return content in self._added

    def append(self, scenes: Sequence[tuple[HashedScene, SceneRecord]]) -> list[SceneRecord]:
        """Add new scenes after all others, whatever first rows their records have."""
        state, records, row = self._state, [], self._state.rows
        for _, record in scenes:
            records.append(replace(record, first_row=row))
            row += record.tiles
        codes = np.concatenate([scene.codes for scene, _ in scenes])
        self._snapshot.file.append(codes, state.positions)
        self._catalog.scenes.insert(records)
        self._state = replace(state, rows=row, positions=state.positions + row - state.rows)
        self._added.update(record.content for record in records)
        return records

    def repair(self, number: int, scene: HashedScene) -> SceneRecord:
        """Replace a scene's damaged entry, in the same rows if possible."""
        catalog, state, tiles = self._catalog, self._state, len(scene.windows)
        rows, positions = state.rows, state.positions
        before = taken_rows(catalog)
        catalog.scenes.remove_damaged(number)
        taken = taken_rows(catalog)
        free = uncovered(taken, rows)
        fitting = free.first[free.count == tiles]
        if len(fitting):
            first_row = int(fitting[0])
            (position, *_) = self._snapshot.row_map.positions(fitting).tolist()
            self._snapshot.file.overwrite(scene.codes, position)
        else:
            first_row = rows
            self._snapshot.file.append(scene.codes, positions)
            rows, positions = rows + tiles, positions + tiles
            # Other rows without a scene are of other scenes: they are named until those come.
            for first, count in _within(free, Counter(before) - Counter(taken)):
                catalog.mark_deleted(first, count)
        record = record_of(scene, first_row, state.bits)
        catalog.scenes.insert([record])
        self._state = replace(state, rows=rows, positions=positions, revision=state.revision + 1)
        self._added.add(record.content)
        return record

    def give_up(self, scenes: Sequence[int]) -> None:
        """Delete damaged scenes, and all rows without a scene."""
        for scene in scenes:
            self._catalog.scenes.remove_damaged(scene)
        free = uncovered(taken_rows(self._catalog), self._state.rows)
        for first, count in zip(free.first.tolist(), free.count.tolist(), strict=True):
            self._catalog.mark_deleted(first, count)

    def compact(self, folder: Path) -> None:
        """Write the codes that are not deleted to a new file, and make it the store's file."""
        state = self._state
        compacted = CodesFile(folder, state.bits // 8, state.generation + 1)
        compacted.make(self._snapshot.living_parts())
        before, now = self._snapshot.row_map.dropped, self._snapshot.dead
        dropped = np.stack(
            [np.concatenate([before.first, now.first]), np.concatenate([before.count, now.count])],
            axis=1,
        )
        self._catalog.mark_dropped(Ranges.of(dropped[np.argsort(dropped[:, 0])]))
        positions = state.positions - now.total()
        self._state = replace(state, generation=state.generation + 1, positions=positions)

    def switch(self, folder: Path, to: Switch) -> None:
        """Write codes of another model, for all scenes that stay, to a new file.

        Raises StoreDamagedError when a scene's entry, or the table of rows, is unreliable.
        """
        catalog, state = self._catalog, self._state
        self.remove(to.leaving)
        for content, (path, origin) in to.moved.items():
            update_scene(catalog, content, path, (), origin)
        mark_replaced(catalog, {path: content for content, (path, _) in to.moved.items()})
        taken = taken_rows(catalog)
        if len(uncovered(taken, state.rows)) or sum(count for _, count in taken) != state.rows:
            raise StoreDamagedError(
                f"{folder}: some rows belong to no scene, or to two; see: scenehash store verify"
            )
        switched = CodesFile(folder, to.bits // 8, state.generation + 1)
        switched.make(self._switched(to))
        deleted = Ranges.of(catalog.deleted()[:, :2])
        catalog.mark_dropped(deleted)
        self._state = replace(
            state,
            lineage=to.lineage,
            bits=to.bits,
            model=to.model,
            positions=state.rows - deleted.total(),
            generation=state.generation + 1,
        )

    def remove(self, contents: Sequence[str]) -> int:
        """Delete the scenes with these contents; returns how many of them existed."""
        numbers = self._catalog.scenes.find(contents).values()
        for number in numbers:
            record = read_record(self._catalog, number)
            self._catalog.scenes.remove(number, record)
            self._catalog.mark_deleted(record.first_row, record.tiles)
        return len(numbers)

    def _switched(self, to: Switch) -> Iterator[Codes]:
        """The codes of all scenes in the order of their rows; also writes their new checksums."""
        changed: list[tuple[int, SceneRecord]] = []
        for number in self._catalog.scenes.numbers():
            record = read_record(self._catalog, number)
            codes = to.codes_of(record)
            if codes.shape != (record.tiles, to.bits // 8):
                raise StoreError(f"{record.path}: codes of shape {codes.shape} do not fit")
            changed.append((number, replace(record, codes_checksum=checksum(codes))))
            if len(changed) == GROUP:
                self._catalog.scenes.change_codes(changed)
                changed = []
            yield codes
        self._catalog.scenes.change_codes(changed)

    def finish(self) -> bool:
        """Write the store's state, last before the commit; returns whether anything was changed.

        Raises StoreError when a part has failed.
        """
        if self.failed:
            raise StoreError("a part of the transaction failed: the store keeps nothing of it")
        if not self._catalog.database.is_changing:
            return False
        self._catalog.change(self._state)
        return True


def _within(free: Ranges, spans: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """First row and number of the rows of ranges that lie in spans of the same form."""
    for span, length in spans:
        for first, count in zip(free.first.tolist(), free.count.tolist(), strict=True):
            start, end = max(first, span), min(first + count, span + length)
            if start < end:
                yield start, end - start
