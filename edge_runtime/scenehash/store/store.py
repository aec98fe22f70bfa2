"""The code store as others use it.

The commit rule: codes are appended to codes.bin and flushed to the disk, then the catalog commits
the rows, the row count and the checksums in one SQLite transaction. Whatever was not committed is
not there, and the next writer overwrites it.
"""

import contextlib
import threading
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Literal, overload

import numpy as np
import numpy.typing as npt

from scenehash.codes import Codes, check_bits
from scenehash.errors import LineageError, StoreDamagedError, StoreError
from scenehash.geo import Box
from scenehash.index import NO_ROW, Explanation
from scenehash.index.topk import Distances

from .alerts import Alerts
from .catalog import Catalog, State, is_vacant
from .check import find_damage, read_entry
from .codes_file import CodesFile
from .file_checksum import differs_from_sum, write_sum
from .filters import Filter
from .folder import CATALOG, INDEX, lock, make_folder
from .outbox import Outbox
from .quarantine import Quarantine
from .records import Footprints, HashedScene, SceneRecord, Tile, record_of
from .results import Added, Hit
from .rows import Ranges, Rows
from .selection import rows_where
from .snapshot import PART, Snapshot
from .thumbnails import Thumbnails
from .transaction import Transaction

# Codes not in the index that are worth starting to index while scenes still come in.
INDEX_EVERY = 250_000
# Scenes committed together by a merge.
GROUP = 256


class CodeStore:
    """An open store. Any number may read it; one at a time may write.

    A store sees what was committed when it was opened, or last refreshed; it refreshes itself
    rather than show a tile that has been deleted since. alerts: what a watch matches new scenes
    against. outbox: its events until they are delivered. quarantine: inputs that could not be
    ingested. thumbnails: small pictures of tiles, where the store keeps them.
    """

    def __init__(self, path: Path, catalog: Catalog, lock: IO[bytes] | None) -> None:
        self.path = path
        self._catalog = catalog
        self._lock = lock
        self._indexing: threading.Thread | None = None
        self._transaction: Transaction | None = None
        self.thumbnails = Thumbnails(path, catalog)
        self._see()
        self.alerts = Alerts(catalog, self.transaction, self.bits)
        self.outbox = Outbox(catalog, self.transaction)
        self.quarantine = Quarantine(catalog, self.transaction)

    def __enter__(self) -> "CodeStore":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __len__(self) -> int:
        """How many tiles can be found."""
        return len(self._view)

    def __repr__(self) -> str:
        return f"CodeStore({str(self.path)!r}, tiles={len(self)}, bits={self.bits})"

    @classmethod
    def open(cls, path: str | Path, writable: bool = False, wait: bool = False) -> "CodeStore":
        """Open the store in a folder.

        Raises StoreError when there is none or it cannot be read (or written, if writable), and
        StoreBusyError when this one wants to write and another process does; with wait, it waits
        until that has finished.
        """
        path = Path(path)
        if not (path / CATALOG).is_file():
            raise StoreError(
                f"{path}: no scenehash store here; make one with: "
                f"scenehash ingest IMAGES --store {path}"
            )
        with contextlib.ExitStack() as undo:
            held = undo.enter_context(lock(path, wait)) if writable else None
            catalog = undo.enter_context(contextlib.closing(Catalog.open(path / CATALOG, writable)))
            store = cls(path, catalog, held)
            if writable:
                store._sweep()
            undo.pop_all()
        return store

    @classmethod
    def create(cls, path: str | Path, lineage: str, bits: int, model: str) -> "CodeStore":
        """Make an empty store in a folder that is new or empty, and open it for writing.

        Codes of that lineage and width alone can be added; model is a name for people. Raises
        StoreError when the folder holds something else, or cannot be written to.
        """
        store = cls._create(Path(path), State(uuid.uuid4().hex, lineage, check_bits(bits), model))
        if store is None:
            raise StoreError(f"{path}: there is a store here already")
        return store

    @classmethod
    def open_or_create(
        cls, path: str | Path, lineage: str, bits: int, model: str, wait: bool = False
    ) -> "CodeStore":
        """Open the store in a folder for writing, or make one where there is none.

        Raises LineageError when the store holds codes of another lineage or width.
        """
        path, state = Path(path), State(uuid.uuid4().hex, lineage, check_bits(bits), model)
        store = cls._create(path, state, wait) if is_vacant(path / CATALOG) else None
        if store is None:
            store = cls.open(path, writable=True, wait=wait)
        try:
            store.check(lineage, bits)
        except LineageError:
            store.close()
            raise
        return store

    @property
    def uuid(self) -> str:
        """What tells this store from all others, copies of it apart: 32 hexadecimal digits."""
        return self._view.state.uuid

    @property
    def lineage(self) -> str:
        """Id of the training run whose codes the store holds."""
        return self._view.state.lineage

    @property
    def bits(self) -> int:
        """Width K of a code."""
        return self._view.state.bits

    @property
    def model(self) -> str:
        """Name of the model that made the codes, for people."""
        return self._view.state.model

    @property
    def rows(self) -> int:
        """The number that the next tile gets: one more than the highest row that ever was."""
        return self._view.state.rows

    @property
    def deleted(self) -> int:
        """How many deleted tiles still have their codes on the disk, until compact."""
        return self._view.dead.total()

    @property
    def indexed(self) -> int:
        """How many codes the index on the disk covers; the others are scanned."""
        return self._view.index.covered

    def check(self, lineage: str, bits: int) -> None:
        """Raise LineageError unless codes of this lineage and width belong in the store."""
        if (lineage, bits) != (self.lineage, self.bits):
            raise LineageError(
                f"{self.path}: holds {self.bits}-bit codes of model {self.model} (lineage "
                f"{self.lineage}), not {bits}-bit codes of lineage {lineage}; name that model "
                "with --model, or choose another store"
            )

    def refresh(self) -> None:
        """See what has been committed since."""
        if self._catalog.state() != self._view.state:
            self._see()

    def counts(self) -> tuple[int, int]:
        """How many scenes and tiles are stored."""
        return self._catalog.counts()

    def knows(self, content: str) -> bool:
        """Whether a scene of this content id is stored, and undamaged."""
        scene = self._catalog.find([content]).get(content)
        return scene is not None and self._view.is_sound(scene)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is changed inside is durable together when it ends, or nothing of it is.

        Scenes, alerts, events and the quarantine alike; inside another transaction this one is
        part of that. Raises StoreError when the disk refuses; what was stored before is intact.
        """
        self._check_writable()
        if self._transaction is not None:
            with self._transaction.joined():
                yield
            return
        with self._catalog.transaction():
            self.refresh()
            self._transaction = Transaction(self._view)
            try:
                yield
                changed = self._transaction.finish()
            finally:
                self._transaction = None
        if changed:
            self._see()
            self._index_behind()

    def add(self, scenes: Sequence[HashedScene]) -> Added:
        """Store scenes: all of them, durable when this returns, or none; see also transaction.

        A scene whose content is stored already is left out; where what is stored of it is damaged,
        it is repaired. Raises StoreError when the disk refuses; what was stored before is intact.
        """
        with self._changing() as transaction:
            known = self._catalog.find([scene.content for scene in scenes])
            beside = self._catalog.at_paths([scene.path for scene in scenes])
            fresh: dict[str, tuple[HashedScene, SceneRecord]] = {}
            repaired = 0
            for scene in scenes:
                record = record_of(scene, 0, self.bits)
                if transaction.has_added(scene.content):
                    continue
                damaged = self._damaged(known.get(scene.content), beside.get(scene.path, ()))
                if damaged is not None:
                    self._picture([scene], [transaction.repair(damaged, scene)])
                    repaired += 1
                elif scene.content not in known:
                    fresh[scene.content] = scene, record
            records = transaction.append(list(fresh.values())) if fresh else []
            # Of rows that are not committed after all, no thumbnail shows.
            self._picture([scene for scene, _ in fresh.values()], records)
        rows = tuple(record.first_row for record in records)
        return Added(len(fresh), len(scenes) - len(fresh) - repaired, repaired, first_rows=rows)

    def paths(self, where: Filter) -> list[str]:
        """The paths of the scenes of which a tile meets a filter."""
        scenes = self._catalog.scenes_of(self._ranges_where(where))
        return [self._catalog.path_of(scene) for scene in scenes]

    def delete(self, where: Filter) -> int:
        """Delete the scenes of which a tile meets a filter, durably; returns how many there were.

        Their rows are never given again. Their codes stay in codes.bin until compact.
        """
        with self.transaction():
            scenes = self._catalog.scenes_of(self._ranges_where(where))
            for scene in scenes:
                record, _ = self._catalog.record(scene)
                self._catalog.remove(scene, record)
                self._catalog.mark_deleted(record.first_row, record.tiles)
        return len(scenes)

    def compact(self) -> int:
        """Drop the codes of deleted rows from the disk; returns how many there were.

        Rows keep their numbers. Readers that have the store open go on with the old file until they
        refresh. Killed at any instant, the store is as it was before, or as it is afterwards.
        """
        self._check_writable()
        if self._transaction is not None:
            raise StoreError(f"{self.path}: compact works in a transaction of its own")
        with self._changing() as transaction:
            if count := self.deleted:
                transaction.compact(self.path)
        if not count:
            return 0
        self._sweep()
        self.thumbnails.drop(self._view.row_map.dropped)
        # The codes are dropped; a disk without room to rewrite the catalog takes nothing from that.
        with contextlib.suppress(StoreError):
            self._catalog.shrink()
        return count

    def merge(self, other: "CodeStore") -> Added:
        """Store what another store of the same lineage has; the same content is kept once.

        Scenes are taken in groups, each durable: interrupted, give the same call again. A damaged
        scene of the other store is set aside. Thumbnails come along where this store keeps them; an
        empty one does when the other does. Raises LineageError when the other store's codes are
        of another lineage or width.
        """
        self.check(other.lineage, other.bits)
        if not self.rows and other.thumbnails.kept:
            self.keep_thumbnails()
        total = Added()
        for group, damaged in other._groups(self.thumbnails.kept):
            added = self.add(group)
            total += Added(added.stored, added.known, added.repaired, damaged)
        return total

    def keep_thumbnails(self, kept: bool = True) -> None:
        """Keep thumbnails of what is added from now on, durably; or keep none, and remove those.

        Damage in their file is put right as far as that can be. StoreError when the disk refuses.
        """
        if kept != self.thumbnails.kept:
            with self.transaction():
                self._catalog.keep_thumbnails(kept)
        if kept:
            self.thumbnails.make()
        else:
            self.thumbnails.remove()

    def thumbnails_by_scene(self) -> Iterator[tuple[SceneRecord, list[bytes | None]]]:
        """Every sound scene, by its first row, with a thumbnail of each tile that has one."""
        for scene, _, _ in list(self._catalog.scenes()):
            with contextlib.suppress(StoreDamagedError):
                record = read_entry(self._catalog, scene)
                yield record, self.thumbnails.of_scene(record)

    def thumbnail_count(self) -> int:
        """How many tiles there is a thumbnail of."""
        rows = self.thumbnails.rows() if self.thumbnails.kept else np.zeros(0, np.int64)
        return int(self._view.has(rows).sum())

    def codes(self, rows: npt.NDArray[np.int64]) -> Codes:
        """The stored codes of rows int64 [N]: uint8 [N, K/8]. StoreError on a row not there."""
        for row in rows[~self._view.has(rows)][:1]:
            raise StoreError(f"{self.path}: no such row as {row} (see: scenehash store info)")
        return np.array(self._view.codes_at(rows))

    def tile(self, row: int) -> Tile:
        """What is known of the tile in a row. StoreError on a row not there."""
        tiles = self._catalog.tiles([row])
        if row not in tiles:
            raise StoreError(f"{self.path}: no such row as {row} (see: scenehash store info)")
        return tiles[row]

    def tiles(self, rows: Sequence[int]) -> dict[int, Tile]:
        """What is known of the tiles in rows; a row that has none is left out."""
        return self._catalog.tiles(rows)

    def living(self, where: Filter | None = None) -> Iterator[tuple[Rows, Codes]]:
        """All rows that have a tile, or those that meet a filter: rows int64 [N], ascending, and
        their codes uint8 [N, K/8], in parts."""
        chosen = None if where is None else rows_where(self._catalog, where)
        for start in range(0, self.rows if chosen is None else len(chosen), PART):
            if chosen is None:
                some = np.arange(start, min(start + PART, self.rows))
            else:
                some = chosen[start : start + PART]
            some = some[self._view.has(some)]
            yield some, self._view.codes_at(some)

    def footprints_meeting(self, box: Box) -> tuple[Rows, Footprints]:
        """The tiles whose bounding box meets a box: rows int64 [N], ascending, and footprints
        float64 [N, 4, 2]."""
        rows = rows_where(self._catalog, Filter(bbox=box))
        ranges = Ranges.covering(rows)
        found = [
            self._catalog.footprints(first, first + count - 1)
            for first, count in zip(ranges.first.tolist(), ranges.count.tolist(), strict=True)
        ]
        footprints = [some for _, some in found]
        return rows, np.concatenate([np.zeros((0, 4, 2)), *footprints])

    @overload
    def search(
        self,
        codes: Codes,
        k: int,
        radius: int | None = None,
        where: Filter | None = None,
        threads: int = 1,
        explain: Literal[False] = False,
    ) -> list[list[Hit]]: ...

    @overload
    def search(
        self,
        codes: Codes,
        k: int,
        radius: int | None = None,
        where: Filter | None = None,
        threads: int = 1,
        *,
        explain: Literal[True],
    ) -> tuple[list[list[Hit]], Explanation]: ...

    def search(
        self,
        codes: Codes,
        k: int,
        radius: int | None = None,
        where: Filter | None = None,
        threads: int = 1,
        explain: bool = False,
    ) -> list[list[Hit]] | tuple[list[list[Hit]], Explanation]:
        """The k nearest stored tiles of each code uint8 [Q, K/8], nearest first, ties by row.

        radius: leave out tiles that are farther, in bits. where: search only the rows for which
        the filter holds. explain: say, too, what the search did and where its time went.
        """
        while True:
            distances, rows, explanation = self._view.search(codes, k, radius, where, threads)
            hits = self._hits(distances, rows)
            if hits is not None:
                return (hits, explanation) if explain else hits
            self._see()

    def scenes(self) -> Iterator[tuple[SceneRecord, Codes]]:
        """Every stored scene, by its first row: what the catalog says of it, and its codes.

        Raises StoreDamagedError, with the scene's name, on one that is damaged.
        """
        for scene, _, _ in self._catalog.scenes():
            yield self._view.read_scene(scene)

    def build_index(self) -> None:
        """Bring the index up to date now; a writer does so by itself as scenes come in.

        Raises StoreError when it cannot be written; searches do without what is missing.
        """
        if self._indexing is not None:
            self._indexing.join()
        try:
            self._view.index.build()
        except OSError as error:
            raise StoreError(
                f"{self.path / INDEX}: the index cannot be written ({error.strerror})"
            ) from error

    def verify(self) -> list[str]:
        """Read everything back and say what is damaged, a line each, by scene; none is good."""
        self.refresh()
        damage: list[str] = []
        try:
            damage += find_damage(self._catalog, self._view.codes, self._view.row_map, self.rows)
            for line in (*self.outbox.damage(), *self.alerts.damage()):
                damage.append(f"{CATALOG}: {line}")
        except StoreDamagedError as error:
            damage.append(str(error))
        if not damage and differs_from_sum(self.path, self._catalog):
            damage.append(f"{CATALOG}: a byte without meaning is not what it was: a failing disk?")
        return damage

    def close(self) -> None:
        """Close the files, and let another process write."""
        if self._indexing is not None:
            self._indexing.join()
        try:
            if self._lock is not None:
                write_sum(self.path, self._catalog)
        finally:
            self.thumbnails.close()
            self._catalog.close()
            if self._lock is not None:
                self._lock.close()

    @classmethod
    def _create(cls, path: Path, state: State, wait: bool = False) -> "CodeStore | None":
        """Make a store; None when there is one already."""
        if not is_vacant(path / CATALOG):
            return None
        make_folder(path)
        with contextlib.ExitStack() as undo:
            held = undo.enter_context(lock(path, wait))
            if not is_vacant(path / CATALOG):
                return None
            CodesFile(path, state.bits // 8, state.generation).make()
            catalog = undo.enter_context(contextlib.closing(Catalog.create(path / CATALOG, state)))
            store = cls(path, catalog, held)
            undo.pop_all()
        return store

    def _see(self) -> None:
        """Take over what is committed now."""
        self._view = Snapshot.of(self.path, self._catalog)

    def _check_writable(self) -> None:
        if self._lock is None:
            raise StoreError(f"{self.path}: the store was opened for reading only")

    @contextlib.contextmanager
    def _changing(self) -> Iterator[Transaction]:
        """The transaction that is open, or else one of its own."""
        with self.transaction():
            assert self._transaction is not None
            yield self._transaction

    def _picture(self, scenes: Sequence[HashedScene], records: Sequence[SceneRecord]) -> None:
        """Keep the thumbnails that scenes bring, under the rows that their records have."""
        if self.thumbnails.kept:
            pairs = zip(scenes, records, strict=True)
            pictured = [(record, scene.thumbnails) for scene, record in pairs if scene.thumbnails]
            self.thumbnails.put([record for record, _ in pictured], [own for _, own in pictured])

    def _index_behind(self) -> None:
        """Index in a thread what has come in, when that has become much."""
        busy = self._indexing is not None and self._indexing.is_alive()
        if not busy and self._view.index.pending >= INDEX_EVERY:
            index = self._view.index

            def build() -> None:
                # A disk too full for an index is none of this scene's business.
                with contextlib.suppress(OSError):
                    index.build()

            self._indexing = threading.Thread(target=build, daemon=True)
            self._indexing.start()

    def _damaged(self, known: int | None, beside: Sequence[int]) -> int | None:
        """Of the scene of the same content, or else those of the same path, one that is damaged."""
        if known is not None:
            return None if self._view.is_sound(known) else known
        for scene in beside:
            try:
                read_entry(self._catalog, scene)
            except StoreDamagedError:
                return scene
        return None

    def _sweep(self) -> None:
        """Remove files of codes that no catalog names any more."""
        for path in self.path.glob("codes*.bin"):
            if path != self._view.file.path:
                path.unlink(missing_ok=True)

    def _groups(self, pictured: bool) -> Iterator[tuple[list[HashedScene], tuple[str, ...]]]:
        """All scenes as they would be added elsewhere, in groups, and what is damaged of some.

        pictured: with their thumbnails.
        """
        scenes: list[HashedScene] = []
        damaged: list[str] = []
        for number, _, _ in self._catalog.scenes():
            try:
                record, codes = self._view.read_scene(number)
            except StoreDamagedError as damage:
                damaged.append(str(damage))
                continue
            pictures = self.thumbnails.of_scene(record) if pictured else None
            scenes.append(record.hashed(codes, pictures))
            if len(scenes) == GROUP:
                yield scenes, tuple(damaged)
                scenes, damaged = [], []
        if scenes or damaged:
            yield scenes, tuple(damaged)

    def _ranges_where(self, where: Filter) -> Ranges:
        return Ranges.covering(rows_where(self._catalog, where))

    def _hits(self, distances: Distances, rows: Rows) -> list[list[Hit]] | None:
        """Hits with what the catalog says of them; None when one has been deleted since."""
        wanted = np.unique(rows[rows != NO_ROW]).tolist()
        tiles = self._catalog.tiles(wanted)
        if len(tiles) < len(wanted):
            return None
        return [
            [
                Hit(rank, distance, row, *tiles[row])
                for rank, (distance, row) in enumerate(zip(near, at, strict=True), start=1)
                if row != NO_ROW
            ]
            for near, at in zip(distances.tolist(), rows.tolist(), strict=True)
        ]
