"""The new codes of a store's scenes, made outside the store, which does not change."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from scenehash.codes import Codes
from scenehash.errors import StoreError
from scenehash.files import path_from
from scenehash.progress import Progress, Task
from scenehash.store import CodeStore, SceneRecord, SceneVectors
from scenehash.store.files.rehash_work import Done, How, RehashWork

from .report import Moved, SetAside
from .rereading import Place, Reread, Rereading, reread

# Scenes and tiles per group.
GROUP, TILES_A_GROUP = 1000, 1 << 16


class NewCodes:
    """New codes of scenes by content id, kept in the work folder of a rehash.

    made: the scenes with new codes, and their source. places: the present paths of scenes that have
    moved. unreachable: scenes without new codes, and the reasons.
    """

    def __init__(self, how: Rereading, work: RehashWork, progress: Progress) -> None:
        self.made: dict[str, How | Moved] = {}
        self.places: dict[str, Place] = {}
        self.unreachable: dict[str, SetAside] = {}
        self._how, self._work, self._progress = how, work, progress

    def make(self, store: CodeStore) -> int:
        """Make the missing new codes of a store's scenes; returns the number of these scenes.

        Codes are kept as soon as they are made: after an interruption, the next rehash continues.
        """
        known = self.made.keys() | self.unreachable.keys()
        contents = [content for content in store.contents() if content not in known]
        if contents:
            with self._progress.task("rehash", 0) as task:
                for group in _groups(store, contents):
                    task.plan(sum(record.tiles for record in group))
                    self._make_group(store, group, task)
        return len(contents)

    def find(self, record: SceneRecord) -> Done | None:
        """The new codes of a scene; None if there are none."""
        return self._work.find(record)

    def codes_of(self, record: SceneRecord) -> Codes | None:
        """The new codes uint8 [T, K/8] of a scene; None when there are none."""
        done = self._work.find(record)
        return None if done is None else done.codes

    def of(self, record: SceneRecord) -> Codes:
        """The new codes uint8 [T, K/8] of a scene, which must exist."""
        codes = self.codes_of(record)
        if codes is None:
            raise StoreError(
                f"{record.path}: its new codes are lost; nothing was changed: give the "
                "same command again"
            )
        return codes

    def _make_group(self, store: CodeStore, group: Sequence[SceneRecord], task: Task) -> None:
        there = [(record, done) for record in group if (done := self._work.find(record))]
        self._note(there)
        left = _without(group, there)
        for made in (self._of_codes(store, left), self._of_vectors(store, left)):
            self._work.put(made)
            self._note(made)
            left = _without(left, made)
        task.advance(sum(record.tiles for record in group) - sum(one.tiles for one in left))
        for some in reread(left, self._how, task):
            read = list(self._of_scenes(some))
            self._work.put(read)
            self._note(read)

    def _of_codes(
        self, store: CodeStore, records: Sequence[SceneRecord]
    ) -> list[tuple[SceneRecord, Done]]:
        """New codes that are leading bits of the stored codes."""
        if store.lineage != self._how.model.lineage or store.bits < self._how.bits:
            return []
        width = self._how.bits // 8
        return [
            (record, Done("codes", np.ascontiguousarray(store.codes(_rows(record))[:, :width])))
            for record in records
        ]

    def _of_vectors(
        self, store: CodeStore, records: Sequence[SceneRecord]
    ) -> list[tuple[SceneRecord, Done]]:
        """New codes of scenes whose stored representations are complete and usable."""
        model, space = self._how.model, self._how.model.representation
        if not (records and model.adapted and space and store.vectors.frame == space.frame):
            return []
        rows = np.concatenate([_rows(record) for record in records])
        there, vectors = store.vectors.read(rows)
        codes = model.codes_of(vectors, self._how.bits)
        found, made, first = np.isin(rows, there), [], 0
        for record in records:
            own, found = found[: record.tiles], found[record.tiles :]
            last = first + int(own.sum())
            if own.all():
                made.append((record, Done("vectors", codes[first:last])))
            first = last
        return made

    def _of_scenes(self, some: Iterable[Reread]) -> Iterator[tuple[SceneRecord, Done]]:
        """New codes from scene files; records the scenes that cannot be read."""
        space = self._how.model.representation
        for record, hashed, moved, reason in some:
            if hashed is None:
                self.unreachable[record.content] = SetAside(path_from(record.path), reason)
                continue
            vectors = None
            if hashed.vectors is not None and space is not None:
                vectors = SceneVectors(space.frame, hashed.vectors)
            yield record, Done("scene", hashed.codes, vectors, moved)

    def _note(self, made: Iterable[tuple[SceneRecord, Done]]) -> None:
        for record, done in made:
            self.made[record.content] = done.how
            if done.moved is not None:
                self.places[record.content] = done.moved
                self.made[record.content] = Moved(path_from(done.moved[0]), record.path)


def _groups(store: CodeStore, contents: Sequence[str]) -> Iterator[list[SceneRecord]]:
    """The scenes of these contents that there are, some at a time."""
    group: list[SceneRecord] = []
    tiles = 0
    for content in contents:
        record = store.find_scene(content)
        if record is None:  # deleted, meanwhile
            continue
        group.append(record)
        tiles += record.tiles
        if len(group) >= GROUP or tiles >= TILES_A_GROUP:
            yield group
            group, tiles = [], 0
    if group:
        yield group


def _rows(record: SceneRecord) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    return np.arange(record.first_row, record.first_row + record.tiles)


def _without(
    records: Sequence[SceneRecord], made: Iterable[tuple[SceneRecord, Done]]
) -> list[SceneRecord]:
    there = {record.content for record, _ in made}
    return [record for record in records if record.content not in there]
