"""The code store as others use it.

The commit rule: codes are appended to codes.bin and flushed to the disk, then the catalog commits
the rows, the row count and the checksums in one SQLite transaction. Whatever was not committed is
not there, and the next writer overwrites it.
"""

import contextlib
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Literal, overload

import numpy as np
import numpy.typing as npt

from ..codes import Codes, check_bits
from ..errors import LineageError, StoreDamagedError, StoreError
from ..index import NO_ROW, CodeIndex, Explanation
from ..index.nearest import Distances
from ..places import Box
from ..scenes import Window
from .alerts import Alert
from .catalog import Catalog, State, is_vacant
from .check import codes_of, damage_of, entry_damage_of, find_damage, uncovered
from .codes_file import CodesFile
from .filters import Filter
from .folder import CATALOG, INDEX, lock, make_folder
from .outbox import Noted, Outbox
from .raw_check import differs_from_sum, write_sum
from .records import Footprints, HashedScene, SceneRecord, Tile, record_of
from .rows import Ranges, RowMap, Rows
from .selection import TooBroad, rows_where

# Codes not in the index that are worth starting to index while scenes still come in.
INDEX_EVERY = 250_000
# How many times the hits that are wanted are looked at for those that meet a broad filter.
BROAD = 3
# Codes copied at once by a compaction, and scenes committed together by a merge.
PART, GROUP = 1 << 20, 256


@dataclass(frozen=True)
class Hit:
    """A row of a store and its Hamming distance to the query; rank 1 is the nearest.

    time is in UTC; footprint has the corners of the window as (longitude, latitude) in degrees;
    labels are the scene's; reading says how its pixels are made of its file.
    """

    rank: int
    distance: int
    row: int
    scene: str
    window: Window
    time: datetime | None = None
    footprint: tuple[tuple[float, float], ...] | None = None
    labels: tuple[str, ...] = ()
    reading: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Added:
    """What became of scenes that were added or merged: how many of each.

    set_aside: what is damaged of those that a merge left out, a line each.
    """

    stored: int = 0
    known: int = 0
    repaired: int = 0
    set_aside: tuple[str, ...] = ()

    def __add__(self, other: "Added") -> "Added":
        return Added(
            self.stored + other.stored,
            self.known + other.known,
            self.repaired + other.repaired,
            self.set_aside + other.set_aside,
        )


@dataclass(frozen=True)
class Quarantined:
    """An input that could not be ingested: why, and when that was tried last, in UTC."""

    path: str
    reason: str
    time: datetime


class CodeStore:
    """An open store. Any number may read it; one at a time may write.

    A store sees what was committed when it was opened, or last refreshed; it refreshes itself
    rather than show a tile that has been deleted since.
    """

    def __init__(self, path: Path, catalog: Catalog, lock: IO[bytes] | None) -> None:
        self.path = path
        self._catalog = catalog
        self._lock = lock
        self._indexing: threading.Thread | None = None
        self._see()

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
        return self._state.positions - self._dead.total()

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
        return self._state.uuid

    @property
    def lineage(self) -> str:
        """Id of the training run whose codes the store holds."""
        return self._state.lineage

    @property
    def bits(self) -> int:
        """Width K of a code."""
        return self._state.bits

    @property
    def model(self) -> str:
        """Name of the model that made the codes, for people."""
        return self._state.model

    @property
    def rows(self) -> int:
        """The number that the next tile gets: one more than the highest row that ever was."""
        return self._state.rows

    @property
    def deleted(self) -> int:
        """How many deleted tiles still have their codes on the disk, until compact."""
        return self._dead.total()

    @property
    def indexed(self) -> int:
        """How many codes the index on the disk covers; the others are scanned."""
        return self._state.positions - self._index.pending

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
        if self._catalog.state() != self._state:
            self._see()

    def counts(self) -> tuple[int, int]:
        """How many scenes and tiles are stored."""
        return self._catalog.counts()

    def knows(self, content: str) -> bool:
        """Whether a scene of this content id is stored, and undamaged."""
        scene = self._catalog.find([content]).get(content)
        return scene is not None and self._damage_of(scene) is None

    def add(
        self,
        scenes: Sequence[HashedScene],
        noting: Callable[[Sequence[SceneRecord]], Noted] | None = None,
    ) -> Added:
        """Store scenes: all of them, durable when this returns, or none.

        A scene whose content is stored already is left out; where what is stored of it is damaged,
        it is repaired. noting: what is to be committed with the other ones, of which it is told
        what rows they get; it is not called when there are none. Raises StoreError when the disk
        refuses; what was stored before is intact.
        """
        self._check_writable()
        known = self._catalog.find([scene.content for scene in scenes])
        beside = self._catalog.at_paths([scene.path for scene in scenes])
        fresh: dict[str, HashedScene] = {}
        repaired = 0
        for scene in scenes:
            record_of(scene, 0, self.bits)
            damaged = self._damaged(known.get(scene.content), beside.get(scene.path, ()))
            if damaged is not None:
                self._repair(damaged, scene)
                repaired += 1
            elif scene.content not in known:
                fresh[scene.content] = scene
        if fresh:
            self._append(list(fresh.values()), noting)
        return Added(len(fresh), len(scenes) - len(fresh) - repaired, repaired)

    def paths(self, where: Filter) -> list[str]:
        """The paths of the scenes of which a tile meets a filter."""
        scenes = self._catalog.scenes_of(self._ranges_where(where))
        return [self._catalog.path_of(scene) for scene in scenes]

    def quarantine(self) -> list[Quarantined]:
        """The inputs that could not be ingested, by path, until they are or are released."""
        return [
            Quarantined(path, reason, datetime.fromtimestamp(time, UTC))
            for path, reason, time in self._catalog.quarantine()
        ]

    def note_quarantine(self, reasons: Mapping[str, str], released: Sequence[str]) -> None:
        """Put inputs into the quarantine, by path with a reason, and take others out, durably."""
        self._check_writable()
        held = {item.path for item in self.quarantine()}
        now = datetime.now(UTC).timestamp()
        added = [(path, reason, now) for path, reason in reasons.items()]
        gone = sorted(held.intersection(released))
        if added or gone:
            with self._committing():
                self._catalog.change_quarantine(added, gone)

    @property
    def outbox(self) -> Outbox:
        """Events and how far they are delivered, to be read; note and deliver write them."""
        return self._catalog.outbox

    def note(self, noted: Noted, after: int = 0) -> None:
        """Commit events, arrivals and a quarantine that belong to no scene that is stored.

        after: events get numbers beyond this one.
        """
        with self._committing():
            self._note(noted, after)

    def deliver(self, delivered: Mapping[str, int], most: int) -> None:
        """Note the last event that each of some sinks has delivered, durably.

        Events that all sinks have delivered are forgotten, and those beyond the newest so many.
        """
        with self._committing():
            self._catalog.outbox.deliver(delivered, most)

    def alerts(self) -> list[Alert]:
        """The watch list, by name. StoreDamagedError on a damaged entry."""
        return self._catalog.watch_list.alerts(self.bits // 8)

    def put_alert(self, alert: Alert) -> None:
        """Add an alert, or put it in the place of the one of that name, durably."""
        with self._committing():
            self._catalog.watch_list.put(alert)

    def remove_alert(self, name: str) -> None:
        """Remove an alert, durably. StoreError when there is none of that name."""
        with self._committing():
            self._catalog.watch_list.remove(name)

    def delete(self, where: Filter) -> int:
        """Delete the scenes of which a tile meets a filter, durably; returns how many there were.

        Their rows are never given again. Their codes stay in codes.bin until compact.
        """
        with self._committing():
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
        if not (count := self._dead.total()):
            return 0
        state = self._state
        compacted = CodesFile(self.path, self.bits // 8, state.generation + 1)
        try:
            compacted.make(self._living_parts())
        except StoreError:
            compacted.path.unlink(missing_ok=True)
            raise
        dropped = sorted(
            zip(
                np.concatenate([self._map.dropped.first, self._dead.first]).tolist(),
                np.concatenate([self._map.dropped.count, self._dead.count]).tolist(),
                strict=True,
            )
        )
        with self._catalog.transaction():
            self._catalog.mark_dropped(Ranges.of(dropped))
            self._catalog.change(
                replace(state, generation=state.generation + 1, positions=state.positions - count)
            )
        self._see()
        self._sweep()
        # The codes are dropped; a disk without room to rewrite the catalog takes nothing from that.
        with contextlib.suppress(StoreError):
            self._catalog.shrink()
        return count

    def merge(self, other: "CodeStore") -> Added:
        """Store what another store of the same lineage has; the same content is kept once.

        Scenes are taken in groups, each durable: interrupted, give the same call again. A damaged
        scene of the other store is set aside. Raises LineageError when the other store's codes are
        of another lineage or width.
        """
        self.check(other.lineage, other.bits)
        total = Added()
        for group, damaged in other._groups():
            total = total + self.add(group) + Added(set_aside=damaged)
        return total

    def codes(self, rows: npt.NDArray[np.int64]) -> Codes:
        """The stored codes of rows int64 [N]: uint8 [N, K/8]. StoreError on a row not there."""
        gone = self._map.dropped.contain(rows) | self._dead.contain(rows)
        for row in rows[gone | (rows < 0) | (rows >= self.rows)][:1]:
            raise StoreError(f"{self.path}: no such row as {row} (see: scenehash store info)")
        return np.array(self._codes[self._map.positions(rows)])

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
            some = some[~(self._map.dropped.contain(some) | self._dead.contain(some))]
            yield some, self._codes[self._map.positions(some)]

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
            distances, found, explanation = self._search(
                codes, min(k, len(self)), radius, where, threads
            )
            hits = self._hits(distances, found)
            if hits is not None:
                return (hits, explanation) if explain else hits
            self._see()

    def scenes(self) -> Iterator[tuple[SceneRecord, Codes]]:
        """Every stored scene, by its first row: what the catalog says of it, and its codes.

        Raises StoreDamagedError, with the scene's name, on one that is damaged.
        """
        for scene, _, _ in self._catalog.scenes():
            damage = self._damage_of(scene)
            if damage is not None:
                raise StoreDamagedError(damage)
            record, _ = self._catalog.record(scene)
            yield record, codes_of(record, self._codes, self._map)

    def build_index(self) -> None:
        """Bring the index up to date now; a writer does so by itself as scenes come in.

        Raises StoreError when it cannot be written; searches do without what is missing.
        """
        try:
            self._index.build()
        except OSError as error:
            raise StoreError(
                f"{self.path / INDEX}: the index cannot be written ({error.strerror})"
            ) from error

    def verify(self) -> list[str]:
        """Read everything back and say what is damaged, a line each, by scene; none is good."""
        self.refresh()
        damage: list[str] = []
        try:
            damage += find_damage(self._catalog, self._codes, self._map, self.rows)
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
        while True:
            with self._catalog.snapshot():
                state = self._catalog.state()
                dropped, dead = (self._catalog.deleted(dropped=which) for which in (True, False))
            file = CodesFile(self.path, state.bits // 8, state.generation)
            try:
                codes = file.read(state.positions)
                break
            except StoreDamagedError:
                # A compaction may have removed the file since the catalog was read.
                if self._catalog.state() == state:
                    raise
        self._state, self._codes_file, self._codes = state, file, codes
        self._map, self._dead = RowMap(dropped), dead
        # The positions that a filter selects; None for one that is too broad to list them.
        self._selected: dict[Filter, Rows | None] = {}
        self._index = CodeIndex(
            codes,
            self._map.positions(dead.expanded()) if len(dead) else None,
            self.path / INDEX,
            f"{state.uuid}-{state.generation}-{state.revision}",
        )

    def _check_writable(self) -> None:
        if self._lock is None:
            raise StoreError(f"{self.path}: the store was opened for reading only")

    @contextlib.contextmanager
    def _committing(self) -> Iterator[None]:
        """What is written to the catalog inside is committed; no codes come or go."""
        self._check_writable()
        with self._catalog.transaction():
            yield
            self._catalog.change(self._state)
        self._see()

    def _note(self, noted: Noted, after: int = 0) -> None:
        now = datetime.now(UTC).timestamp()
        held = [(path, reason, now) for path, reason in noted.set_aside.items()]
        self._catalog.change_quarantine(held, ())
        self._catalog.outbox.insert(noted, after)

    def _append(
        self,
        scenes: Sequence[HashedScene],
        noting: Callable[[Sequence[SceneRecord]], Noted] | None,
    ) -> None:
        records, row = [], self.rows
        for scene in scenes:
            records.append(record_of(scene, row, self.bits))
            row += len(scene.windows)
        positions = self._state.positions
        self._codes_file.append(np.concatenate([scene.codes for scene in scenes]), positions)
        with self._catalog.transaction():
            self._catalog.insert(records)
            if noting is not None:
                self._note(noting(records))
            self._catalog.change(
                replace(self._state, rows=row, positions=positions + row - self.rows)
            )
        self._see()
        self._index_behind()

    def _index_behind(self) -> None:
        """Index in a thread what has come in, when that has become much."""
        busy = self._indexing is not None and self._indexing.is_alive()
        if not busy and self._index.pending >= INDEX_EVERY:
            index = self._index

            def build() -> None:
                # A disk too full for an index is none of this scene's business.
                with contextlib.suppress(OSError):
                    index.build()

            self._indexing = threading.Thread(target=build, daemon=True)
            self._indexing.start()

    def _damage_of(self, scene: int) -> str | None:
        return damage_of(self._catalog, self._codes, self._map, scene)

    def _damaged(self, known: int | None, beside: Sequence[int]) -> int | None:
        """Of the scene of the same content, or else those of the same path, one that is damaged."""
        if known is not None:
            return known if self._damage_of(known) is not None else None
        for scene in beside:
            if entry_damage_of(self._catalog, scene) is not None:
                return scene
        return None

    def _repair(self, number: int, scene: HashedScene) -> None:
        """Put a scene in the place of its damaged entry, in the same rows where that can be."""
        tiles = len(scene.windows)
        with self._catalog.transaction():
            self._catalog.remove_damaged(number)
            free = uncovered(self._catalog, self.rows)
            rows, positions = self.rows, self._state.positions
            fitting = free.first[free.count == tiles]
            if len(fitting):
                first_row = int(fitting[0])
                self._codes_file.overwrite(scene.codes, int(self._map.positions(fitting)[0]))
            else:
                first_row = rows
                self._codes_file.append(scene.codes, positions)
                rows, positions = rows + tiles, positions + tiles
                for first, count in zip(free.first.tolist(), free.count.tolist(), strict=True):
                    self._catalog.mark_deleted(first, count)
            self._catalog.insert([record_of(scene, first_row, self.bits)])
            revision = self._state.revision + 1
            self._catalog.change(
                replace(self._state, rows=rows, positions=positions, revision=revision)
            )
        self._see()

    def _living_parts(self) -> Iterator[Codes]:
        """The codes that are not deleted, in parts."""
        living = np.ones(len(self._codes), np.bool_)
        living[self._map.positions(self._dead.expanded())] = False
        for start in range(0, len(living), PART):
            yield self._codes[start : start + PART][living[start : start + PART]]

    def _sweep(self) -> None:
        """Remove files of codes that no catalog names any more."""
        for path in self.path.glob("codes*.bin"):
            if path != self._codes_file.path:
                path.unlink(missing_ok=True)

    def _groups(self) -> Iterator[tuple[list[HashedScene], tuple[str, ...]]]:
        """All scenes as they would be added elsewhere, in groups, and what is damaged of some."""
        scenes: list[HashedScene] = []
        damaged: list[str] = []
        for number, _, _ in self._catalog.scenes():
            damage = self._damage_of(number)
            if damage is not None:
                damaged.append(damage)
                continue
            record, _ = self._catalog.record(number)
            scenes.append(record.hashed(codes_of(record, self._codes, self._map)))
            if len(scenes) == GROUP:
                yield scenes, tuple(damaged)
                scenes, damaged = [], []
        if scenes or damaged:
            yield scenes, tuple(damaged)

    def _ranges_where(self, where: Filter) -> Ranges:
        return Ranges.covering(rows_where(self._catalog, where))

    def _search(
        self, codes: Codes, k: int, radius: int | None, where: Filter | None, threads: int
    ) -> tuple[Distances, Rows, Explanation]:
        """Distances and positions of the nearest, as CodeIndex.search gives them."""
        if where is None:
            return self._index.search(codes, k, radius, None, threads, explain=True)
        if where not in self._selected:
            try:
                self._selected[where] = self._positions_where(where, narrow=True)
            except TooBroad:
                self._selected[where] = None
        within = self._selected[where]
        if within is None:
            answer = self._search_broad(codes, k, radius, where, threads)
            if answer is not None:
                return answer
            self._selected[where] = within = self._positions_where(where)
        return self._index.search(codes, k, radius, within, threads, explain=True)

    def _search_broad(
        self, codes: Codes, k: int, radius: int | None, where: Filter, threads: int
    ) -> tuple[Distances, Rows, Explanation] | None:
        """The same for a filter that holds for many: search in all, and keep what meets it.

        None when it does not hold for enough of the nearest.
        """
        wanted = min(BROAD * k, len(self))
        distances, found, explanation = self._index.search(
            codes, wanted, radius, None, threads, explain=True
        )
        rows = self._map.rows(found)
        tiles = self._catalog.tiles(np.unique(rows[found != NO_ROW]).tolist())
        kept = (found != NO_ROW) & np.isin(rows, sorted(where.holding(tiles)))
        ended = (found == NO_ROW).any(axis=1) | (wanted == len(self))
        if not ((kept.sum(axis=1) >= k) | ended).all():
            return None
        order = np.argsort(~kept, axis=1, kind="stable")[:, :k]
        left = np.take_along_axis(kept, order, axis=1)
        distances = np.where(left, np.take_along_axis(distances, order, axis=1), self.bits + 1)
        found = np.where(left, np.take_along_axis(found, order, axis=1), NO_ROW)
        return distances.astype(np.int32), found, explanation

    def _positions_where(self, where: Filter, narrow: bool = False) -> Rows:
        """The positions, in what this store sees, of the rows for which a filter holds."""
        rows = rows_where(self._catalog, where, narrow)
        rows = rows[rows < self.rows]
        return self._map.positions(rows[~self._map.dropped.contain(rows)])

    def _hits(
        self, distances: npt.NDArray[np.int32], positions: npt.NDArray[np.int64]
    ) -> list[list[Hit]] | None:
        """Hits with what the catalog says of them; None when one has been deleted since."""
        found = self._map.rows(positions)
        found[positions == NO_ROW] = NO_ROW
        wanted = np.unique(found[found != NO_ROW]).tolist()
        tiles = self._catalog.tiles(wanted)
        if len(tiles) < len(wanted):
            return None
        return [
            [
                Hit(rank, distance, row, *tiles[row])
                for rank, (distance, row) in enumerate(zip(near, at, strict=True), start=1)
                if row != NO_ROW
            ]
            for near, at in zip(distances.tolist(), found.tolist(), strict=True)
        ]
