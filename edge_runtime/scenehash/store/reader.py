"""What a store answers: searches, tiles, codes, what is damaged."""

import contextlib
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import numpy.typing as npt

from scenehash.codes import Codes, nearest_hamming
from scenehash.errors import LineageError, NotStoredError, StoreDamagedError, StoreError
from scenehash.geo import Box
from scenehash.index.topk import NO_ROW, Distances

from .catalog import Catalog, Restoration
from .database import damaged_values
from .earlier import Earlier, earlier_of
from .entry import read_record
from .filters import Filter
from .folder import CATALOG, INDEX
from .listing import ScenePage, TimeHistogram, list_scenes, scene_file, time_histogram
from .model_file import sound_model
from .records import Footprints, SceneFile, SceneMark, SceneRecord, SceneVectors, Tile
from .request import SearchRequest
from .resolving import InCatalog, resolve
from .results import Hit
from .rows import Ranges, Rows
from .sample import TileSample, draw_rows, rows_of_sample
from .scene_table import SCENES_DAMAGED
from .selection import ROWS_DAMAGED, rows_where
from .snapshot import PART, Snapshot
from .station import origin_of
from .thumbnails import Thumbnails
from .tile_file import TileFile
from .tile_table import Owned
from .vectors import Vectors

if TYPE_CHECKING:
    from scenehash.index import Explanation

Answer = TypeVar("Answer")
# Comparisons of codes, to count what is within a radius: some seconds at most.
MOST_COUNTED = 200_000_000
# Scenes whose entries are read together.
SCENES_READ = 5000
# Scenes that are compared with their checksums before others are let in.
CHECKED_TOGETHER = 20
# Tiles whose vectors are compared with their checksums together.
VECTORS_READ = 1 << 13


class StoreReader:
    """The part of an open store that changes nothing; see CodeStore."""

    def __init__(self, path: Path, catalog: Catalog) -> None:
        self.path = path
        self._catalog = catalog
        self._indexing: threading.Thread | None = None
        # By their ids: what was compared with its checksum, or was not there.
        self._sound_models: dict[str, Path | None] = {}
        self._snapshot = Snapshot.of(path, catalog)
        # What was drawn, and of what.
        self._sample: tuple[tuple[object, ...], TileSample] | None = None
        self.thumbnails = Thumbnails(path, catalog)
        self.vectors = Vectors(path, catalog)

    def __len__(self) -> int:
        """How many tiles can be found."""
        return len(self._snapshot)

    @property
    def address(self) -> str:
        """The store's folder, as text."""
        return str(self.path)

    @property
    def uuid(self) -> str:
        """The store's id, which copies of it share: 32 hexadecimal digits."""
        return self._snapshot.state.uuid

    @property
    def lineage(self) -> str:
        """Id of the training run whose codes the store holds."""
        return self._snapshot.state.lineage

    @property
    def bits(self) -> int:
        """Width K of a code."""
        return self._snapshot.state.bits

    @property
    def model(self) -> str:
        """Name of the model that made the codes, for people."""
        return self._snapshot.state.model

    @property
    def station(self) -> str | None:
        """The name of the station whose store this is; None until name_station gives it one."""
        return self._catalog.station()

    @property
    def rows(self) -> int:
        """The number that the next tile gets: one more than the highest row that ever was."""
        return self._snapshot.state.rows

    @property
    def deleted(self) -> int:
        """How many deleted tiles still have their codes on the disk, until compact."""
        return self._snapshot.dead.total()

    @property
    def indexed(self) -> int:
        """How many codes the index on the disk covers; the others are scanned."""
        return self._snapshot.index.covered

    def check(self, lineage: str, bits: int) -> None:
        """Raise LineageError unless codes of this lineage and width belong in the store."""
        if lineage == self.lineage and bits != self.bits:
            raise LineageError(
                f"{self.path}: holds codes of {self.bits} bits, not of {bits}; leave out --bits, "
                "or choose another store"
            )
        if lineage != self.lineage:
            raise LineageError(
                f"{self.path}: holds {self.bits}-bit codes of model {self.model} (lineage "
                f"{self.lineage}), not {bits}-bit codes of lineage {lineage}; name that model "
                "with --model, or choose another store"
            )

    @property
    def trouble(self) -> str | None:
        """What is wrong with what is derived of tiles, in a line for a person; None: nothing is."""
        return self.thumbnails.trouble or self.vectors.trouble

    def notes(self) -> list[str]:
        """What a person should know of a search in the store, a line each."""
        left = [str(one) for one in self.earlier()]
        return left if self.trouble is None else [*left, self.trouble]

    def refresh(self) -> None:
        """Take over what has been committed since.

        Raises LineageError when the store has another model's codes by now: open it again.
        """
        if self._catalog.checksum() != self._snapshot.committed.checksum:
            fresh = Snapshot.of(self.path, self._catalog, self._snapshot)
            state = fresh.state
            if (state.lineage, state.bits) != (self.lineage, self.bits):
                raise LineageError(
                    f"{self.path}: was rehashed in the meantime: it holds {state.bits}-bit codes "
                    f"of model {state.model} (lineage {state.lineage}) now; start again, with "
                    "that model"
                )
            self._snapshot = fresh

    def model_file(self) -> Path | None:
        """The file of the model whose codes these are, where the store keeps it; otherwise None.

        It is as it was when it was kept.
        """
        identity = self._catalog.model_id()
        if identity is not None and identity not in self._sound_models:
            self._sound_models[identity] = sound_model(self.path, identity)
        return None if identity is None else self._sound_models[identity]

    @property
    def keeps_model(self) -> bool:
        """Whether the store keeps the file of the model whose codes these are."""
        return self._catalog.model_id() is not None

    def earlier(self) -> list[Earlier]:
        """What could not follow the store to the model whose codes it holds, see earlier.py."""
        return earlier_of(self.path)

    def restorations(self) -> list[Restoration]:
        """When this store was restored from a backup, the newest last."""
        return self._catalog.restorations()

    def counts(self) -> tuple[int, int]:
        """How many scenes and tiles are stored."""
        return self._catalog.scenes.count()

    def knows(self, content: str) -> bool:
        """Whether a scene of this content id is stored, and undamaged."""
        with self._pinned():
            scene = self._catalog.scenes.find([content]).get(content)
            return scene is not None and self._snapshot.is_sound(scene)

    def has_scene(self, content: str) -> bool:
        """Whether a scene of this content id is stored, sound or not."""
        return content in self._catalog.scenes.find([content])

    def find_scene(self, content: str) -> SceneRecord | None:
        """The record of the scene of this content id; None when there is none.

        StoreDamagedError when it is damaged.
        """
        with self._catalog.database.snapshot(), _remedy():
            scene = self._catalog.scenes.find([content]).get(content)
            return None if scene is None else read_record(self._catalog, scene)

    def contents(self) -> list[str]:
        """The content ids of all scenes, by their first rows."""
        return self._catalog.scenes.contents()

    def scene_marks(self) -> Iterator[SceneMark]:
        """The first row, the number of tiles and the checksum of every scene, by first row."""
        numbers = self._catalog.scenes.numbers()
        for start in range(0, len(numbers), SCENES_READ):
            entries = self._catalog.scenes.entries(numbers[start : start + SCENES_READ])
            for entry in sorted(entries, key=lambda entry: entry.first_row):
                seal = entry.checksum.hex() if isinstance(entry.checksum, bytes) else "damaged"
                yield SceneMark(entry.first_row, entry.tiles, seal)

    def scenes_from(
        self, first_rows: Sequence[int]
    ) -> Iterator[tuple[SceneRecord, Codes] | StoreDamagedError]:
        """The scenes that begin in rows, in that order, and their codes uint8 [T, K/8]; what is
        damaged of one.

        One that is not there any more is left out.
        """
        with self._pinned():
            snapshot, owned = self._snapshot, self._catalog.tiles.owners(first_rows)
        scenes = {own.row: own.scene for own in owned}
        yield from self._read_each(snapshot, [scenes[row] for row in first_rows if row in scenes])

    def box_around(self, scene: SceneMark) -> Box | None:
        """A box around the tiles of a scene, to seven digits; None for one without a place."""
        return self._catalog.tiles.box_around(scene.first_row, scene.tiles)

    def times(self) -> tuple[float, float] | None:
        """The first and the last acquisition time, in seconds since 1970; None when there is
        none."""
        return self._catalog.scenes.times()

    def has_footprints(self) -> bool:
        """Whether any tile has a footprint."""
        return self._catalog.tiles.has_footprints()

    def read_scene(self, content: str) -> tuple[SceneRecord, Codes] | None:
        """The scene of this content id, and its codes uint8 [T, K/8]; None when there is none.

        StoreDamagedError when it is damaged.
        """
        with self._pinned(), _remedy():
            scene = self._catalog.scenes.find([content]).get(content)
            return None if scene is None else self._snapshot.read_scene(scene)

    def scene_of(self, row: int) -> SceneRecord | None:
        """The record of the scene that a row belongs to; None for a row that has no tile.

        StoreDamagedError when it is damaged.
        """
        with self._catalog.database.snapshot(), _remedy():
            owned = self._catalog.tiles.owners([row])
            return read_record(self._catalog, owned[0].scene) if owned else None

    def scenes_of(self, rows: Sequence[int]) -> Iterator[tuple[SceneRecord, list[int]]]:
        """The scenes that rows belong to, one by one, each with those of its tiles.

        A row that has no tile is left out. StoreDamagedError on a scene that is damaged.
        """
        by_scene: dict[int, list[int]] = {}
        for owned in self._catalog.tiles.owners(rows):
            by_scene.setdefault(owned.scene, []).append(owned.row)
        for own in by_scene.values():
            record = self.scene_of(own[0])
            if record is not None:  # not deleted, meanwhile
                yield record, own

    def scene_file(self, content: str) -> SceneFile | None:
        """The file of the scene of this content id; None when there is none.

        StoreDamagedError when it is damaged.
        """
        with self._pinned(), _remedy():
            return scene_file(self._catalog, self._snapshot, content)

    def content_of(self, row: int) -> str:
        """The content id of the scene whose tile is in a row; NotStoredError on a row not there."""
        self.tile(row)
        (content, *_) = self._catalog.tiles.origins([row])[row]
        return content.hex()

    def paths(self, where: Filter) -> list[str]:
        """The paths of the scenes with a tile that meets a filter.

        StoreDamagedError on one whose entry is damaged.
        """
        return [record.path for _, record in self._records_where(where)]

    def damaged_paths(self) -> list[str]:
        """The paths of the scenes that are damaged, as far as they can be read."""
        with self._pinned():
            return [self._catalog.scenes.path_of(scene) for scene in self._damaged_scenes()]

    def scene_rows(self) -> list[tuple[int, int, bytes]]:
        """First row, number of tiles and content id of every scene, by first row."""
        return self._catalog.scenes.rows()

    def deleted_rows(self) -> Ranges:
        """All rows that had a tile once and have none any more."""
        return Ranges.of(self._catalog.deleted()[:, :2])

    def scenes_in(self, rows: Ranges) -> Iterator[tuple[SceneRecord, Codes] | StoreDamagedError]:
        """The scenes that have a tile in ranges of rows, by first row, as _each_scene."""
        with self._pinned():
            snapshot, numbers = self._snapshot, self._catalog.tiles.scenes_in(rows)
        return self._read_each(snapshot, numbers)

    def records_under(self, path: str) -> list[SceneRecord]:
        """The records of the scenes at a path, or in the folder that it is, by path.

        StoreDamagedError on one that is damaged.
        """
        with self._catalog.database.snapshot(), _remedy():
            scenes = self._catalog.scenes.under(path)
            return [read_record(self._catalog, scene) for scene in scenes]

    def list_scenes(
        self,
        where: Filter | None = None,
        most: int = 100,
        after: int | None = None,
        newest: bool = True,
    ) -> ScenePage:
        """Scenes of which a tile meets a filter, a page of at most so many; the newest first, or
        the oldest.

        The newest is the one that was stored last. after: `next` of the page before. A page of a
        filter on places may have fewer scenes, and yet be not the last. Raises StoreError as
        resolve, StoreDamagedError on a scene that is damaged.
        """
        wanted = self.resolve(where) if where else Filter()
        with self._pinned(), _remedy():
            return list_scenes(self._catalog, self._snapshot, wanted, most, after, newest)

    def label_counts(self) -> list[tuple[str, int]]:
        """All labels, by name, and how many scenes have each."""
        with damaged_values(SCENES_DAMAGED):
            return self._catalog.scenes.label_counts()

    def time_histogram(self, bins: int = 60, where: Filter | None = None) -> TimeHistogram:
        """How many scenes were acquired when: in equal spans from the first to the last of them.

        where: only scenes that meet its conditions on scenes (label, since, until, scene).
        """
        wanted = self.resolve(where) if where else Filter()
        with self._catalog.database.snapshot(), damaged_values(SCENES_DAMAGED):
            return time_histogram(self._catalog, bins, wanted)

    def resolve(self, where: Filter) -> Filter:
        """The filter, with the whole path of a scene that it names by its last parts.

        Raises StoreError when it can meet no tile: no stored scene has the label or the path, or
        any time or footprint; or when several scenes end in that path.
        """
        with self._catalog.database.snapshot(), damaged_values(SCENES_DAMAGED):
            return resolve(InCatalog(self._catalog), where, str(self.path))

    def codes(self, rows: npt.NDArray[np.int64]) -> Codes:
        """The stored codes of rows int64 [N]: uint8 [N, K/8]. StoreError on a row not there.

        StoreDamagedError on one that is not as it was committed.
        """

        def ask() -> Codes:
            snapshot, numbers = self._snapshot, rows.tolist()
            with _remedy():
                sound = snapshot.sound(numbers)
                self._check_there(snapshot, [row for row in numbers if row not in sound])
            return np.array(snapshot.codes_at(rows))

        return self._settled(ask)

    def tile(self, row: int) -> Tile:
        """The tile in a row. StoreError on a row not there, StoreDamagedError as codes."""
        self._check_number(row)

        def ask() -> Tile:
            with _remedy():
                tiles = self._snapshot.tiles([row])
                self._check_there(self._snapshot, [] if row in tiles else [row])
            return tiles[row]

        return self._settled(ask)

    def tiles(self, rows: Sequence[int]) -> dict[int, Tile]:
        """The tiles in rows; a row that has none is left out. StoreDamagedError as codes."""

        def ask() -> dict[int, Tile]:
            with _remedy():
                return self._snapshot.tiles(rows)

        return self._settled(ask)

    def stored_tile(self, row: int, station: str | None = None) -> tuple[Codes, Tile]:
        """The code uint8 [1, K/8] and the tile in a row; StoreError as codes.

        station: None, or the store's own; NotStoredError for another.
        """
        if station is not None:
            self.resolve(Filter(station=station))
        self._check_number(row)
        return self.codes(np.array([row])), self.tile(row)

    def codes_of(self, hits: Sequence[Hit]) -> Codes:
        """The codes uint8 [N, K/8] of hits of this store; StoreError as codes."""
        return self.codes(np.array([hit.row for hit in hits], np.int64))

    def living(self, where: Filter | None = None) -> Iterator[tuple[Rows, Codes]]:
        """All rows that have a tile, or those that meet a filter: rows int64 [N], ascending, and
        their codes uint8 [N, K/8], in parts."""
        snapshot = self._snapshot
        end = snapshot.state.rows
        chosen = None if where is None else rows_where(self._catalog, where, end)
        for start in range(0, end if chosen is None else len(chosen), PART):
            if chosen is None:
                some = np.arange(start, min(start + PART, end))
            else:
                some = chosen[start : start + PART]
            some = some[snapshot.has(some)]
            yield some, snapshot.codes_at(some)

    def sample(self) -> TileSample:
        """Some tiles that have a vector, drawn at random: the same until the store has changed."""
        snapshot = self._snapshot
        first = rows_of_sample(snapshot.state.rows)
        # Both as they were before: what is written meanwhile is another state.
        drawn_of = (snapshot.committed.checksum, self.vectors.state())
        if self._sample is None or self._sample[0] != drawn_of:
            rows = draw_rows(first)
            there, vectors = self.vectors.read(rows[snapshot.has(rows)])
            self._sample = drawn_of, TileSample(np.array(snapshot.codes_at(there)), vectors)
        return self._sample[1]

    def tiles_a_day(self) -> float | None:
        """How many tiles a day were acquired; None when the times of the scenes do not tell."""
        with damaged_values(SCENES_DAMAGED):
            return self._catalog.scenes.tiles_a_day()

    def footprints_meeting(self, box: Box) -> tuple[Rows, Footprints]:
        """The tiles whose bounding box meets a box: rows int64 [N], ascending, and footprints
        float64 [N, 4, 2]."""
        rows = rows_where(self._catalog, Filter(bbox=box), self.rows)
        ranges = Ranges.covering(rows)
        found = [
            self._catalog.tiles.footprints(first, first + count - 1)
            for first, count in zip(ranges.first.tolist(), ranges.count.tolist(), strict=True)
        ]
        footprints = [some for _, some in found]
        return rows, np.concatenate([np.zeros((0, 4, 2)), *footprints])

    def search(
        self,
        codes: Codes,
        k: int,
        radius: int | None = None,
        where: Filter | None = None,
        threads: int = 1,
    ) -> list[list[Hit]]:
        """The k nearest stored tiles of each code uint8 [Q, K/8], nearest first, ties by row.

        radius: leave out tiles that are farther, in bits. where: search only the rows for which
        the filter holds. StoreDamagedError on a hit that is not as it was committed: each is
        compared with the checksums of its scene before it is shown.
        """
        request = SearchRequest(codes, k, radius, where, threads=threads)
        return self.search_explained(request)[0]

    def search_explained(self, request: SearchRequest) -> "tuple[list[list[Hit]], Explanation]":
        """The same, and what the search did and where its time went."""
        return self._found(request, Snapshot.search)

    def search_any(self, request: SearchRequest) -> "tuple[list[Hit], Explanation]":
        """The k stored tiles nearest to any of the codes, nearest first, ties by row."""
        (hits,), explanation = self._found(request, Snapshot.search_any)
        return hits, explanation

    def count_within(self, request: SearchRequest) -> int | None:
        """How many tiles meet a request with a radius, whatever its k; None: too many to count."""
        codes, radius, unlike = request.codes, request.radius, request.unlike
        if len(codes) * len(self) > MOST_COUNTED:
            return None
        within = 0
        for _, some in self.living(request.where):
            if not len(some):
                continue
            distances = nearest_hamming(some, codes)
            counted = distances <= (self.bits if radius is None else radius)
            if unlike is not None:
                counted &= distances < nearest_hamming(some, unlike)
            within += int(counted.sum())
        return within

    def scenes(self) -> Iterator[tuple[SceneRecord, Codes]]:
        """Every stored scene, by its first row: its record, and its codes uint8 [T, K/8].

        One that is deleted meanwhile is left out. Raises StoreDamagedError, with the scene's name,
        on one that is damaged.
        """
        for found in self._each_scene():
            if isinstance(found, StoreDamagedError):
                raise found
            yield found

    def thumbnails_by_scene(self) -> Iterator[tuple[SceneRecord, list[bytes | None]]]:
        """Every sound scene, by its first row, with a thumbnail of each tile that has one."""
        for found in self._each_scene():
            if not isinstance(found, StoreDamagedError):
                yield found[0], self.thumbnails.of_scene(found[0])

    def vectors_by_scene(self) -> Iterator[tuple[SceneRecord, SceneVectors | None]]:
        """Every sound scene, by its first row, with the vectors of all its tiles, or None."""
        for found in self._each_scene():
            if not isinstance(found, StoreDamagedError):
                yield found[0], self.vectors.read_scene(found[0])

    def vectors_missing(self) -> int:
        """How many tiles have no sound vector."""
        return sum(
            len(some) - len(self.vectors.of(some.tolist()))
            for rows, _ in self.living()
            for some in np.array_split(rows, 1 + len(rows) // VECTORS_READ)
        )

    def thumbnail_count(self) -> int:
        """How many tiles there is a thumbnail of."""
        return self._count(self.thumbnails)

    def vector_count(self) -> int:
        """How many tiles there is a vector of."""
        return self._count(self.vectors)

    def warm(self) -> None:
        """Read the index and load its fastest loops now, where there is one: searches do so by
        themselves once they have taken as long."""
        if self.indexed:
            self._snapshot.index.warm()

    def check_newest(self) -> Iterator[int]:
        """Compare scenes with their checksums, the newest first, some at a time: searches in this
        process need not any more.

        Each step gives how many tiles were compared. Damage is left to whoever reads the scene.
        """
        numbers = self._catalog.scenes.numbers()[::-1]
        for start in range(0, len(numbers), CHECKED_TOGETHER):
            tiles = 0
            with contextlib.suppress(StoreDamagedError):
                some = numbers[start : start + CHECKED_TOGETHER]
                for entry in self._catalog.scenes.entries(some):
                    tiles += entry.tiles
                    owned = Owned(entry.first_row, entry.number, entry.checksum)
                    with contextlib.suppress(StoreDamagedError):
                        self._snapshot.check([owned])
            yield tiles

    def build_index(self) -> None:
        """Bring the index up to date now; a writer does so by itself as scenes come in.

        Raises StoreError when it cannot be written; searches do without what is missing.
        """
        if self._indexing is not None:
            self._indexing.join()
        try:
            self._snapshot.index.build()
        except OSError as error:
            raise StoreError(
                f"{self.path / INDEX}: the index cannot be written ({error.strerror})"
            ) from error

    def close(self) -> None:
        """Close the files."""
        if self._indexing is not None:
            self._indexing.join()
        self.thumbnails.close()
        self.vectors.close()
        self._catalog.close()

    def _count(self, kept: TileFile) -> int:
        rows = kept.rows() if kept.kept else np.zeros(0, np.int64)
        return int(self._snapshot.has(rows).sum())

    def _renew(self) -> None:
        """Take over what is committed now."""
        self._snapshot = Snapshot.of(self.path, self._catalog, self._snapshot)

    def _found(
        self,
        request: SearchRequest,
        search: Callable[[Snapshot, SearchRequest], "tuple[Distances, Rows, Explanation]"],
    ) -> "tuple[list[list[Hit]], Explanation]":
        """The hits of a search in the snapshot."""

        def ask() -> "tuple[list[list[Hit]], Explanation]":
            snapshot = self._snapshot
            distances, rows, explanation = search(snapshot, request)
            return self._hits(snapshot, distances, rows, request.where), explanation

        return self._settled(ask)

    def _damaged_scenes(self) -> list[int]:
        scenes = self._catalog.scenes.numbers()
        return [scene for scene in scenes if not self._snapshot.is_sound(scene)]

    def _records_where(self, where: Filter) -> list[tuple[int, SceneRecord]]:
        """Number and record of each scene with a tile that meets a filter."""
        with self._catalog.database.snapshot(), _remedy():
            rows = rows_where(self._catalog, where, self.rows)
            scenes = self._catalog.tiles.scenes_in(Ranges.covering(rows))
            return [(scene, read_record(self._catalog, scene)) for scene in scenes]

    def _each_scene(self) -> Iterator[tuple[SceneRecord, Codes] | StoreDamagedError]:
        """Every scene that is stored now, by its first row; what is damaged of one that is."""
        with self._pinned():
            snapshot, numbers = self._snapshot, self._catalog.scenes.numbers()
        yield from self._read_each(snapshot, numbers)

    def _read_each(
        self, snapshot: Snapshot, numbers: Sequence[int]
    ) -> Iterator[tuple[SceneRecord, Codes] | StoreDamagedError]:
        for number in numbers:
            try:
                yield snapshot.read_scene(number)
            except StoreDamagedError as damage:
                if self._catalog.scenes.has(number):
                    yield damage

    @contextlib.contextmanager
    def _pinned(self) -> Iterator[None]:
        """All that is read inside is what is committed now; other threads wait meanwhile."""
        while True:
            self.refresh()
            with self._catalog.database.snapshot():
                if self._catalog.checksum() == self._snapshot.committed.checksum:
                    yield
                    return

    def _settled(self, ask: Callable[[], Answer]) -> Answer:
        """An answer from the snapshot; where that fails, from what is committed now.

        What is read may have been deleted or changed since the snapshot was taken: damage is only
        what is damaged at one moment.
        """
        try:
            return ask()
        except StoreDamagedError as damage:
            if self._catalog.database.is_changing:
                raise StoreError(
                    f"{self.path}: a transaction that has changed the store must be committed "
                    "before the store is read"
                ) from damage
            if self._catalog.checksum() == self._snapshot.committed.checksum:
                raise
        with self._pinned():
            return ask()

    def _check_there(self, snapshot: Snapshot, missing: Sequence[int]) -> None:
        """Raise StoreError when there are rows in which no tile was found."""
        there = snapshot.has(np.array(missing, np.int64))
        for row in np.array(missing, np.int64)[there][:1]:
            raise StoreDamagedError(f"row {row}: its entry in the catalog is gone")
        for row in missing[:1]:
            raise self._no_such(row)

    def _check_number(self, row: int) -> None:
        """Raise NotStoredError on a number of more than 64 bits."""
        if abs(row) > sys.maxsize:
            raise self._no_such(row)

    def _no_such(self, row: int) -> NotStoredError:
        return NotStoredError(f"{self.path}: no such row as {row} (see: scenehash store info)")

    def _hits(
        self, snapshot: Snapshot, distances: Distances, rows: Rows, where: Filter | None
    ) -> list[list[Hit]]:
        """Hits with the tiles in their rows; StoreDamagedError on one without, or a wrong one."""
        wanted = np.unique(rows[rows != NO_ROW]).tolist()
        with _remedy():
            tiles = snapshot.tiles(wanted)
            self._check_there(snapshot, [row for row in wanted if row not in tiles])
        own = self.station
        if where is not None and not where.holds(tiles):
            raise StoreDamagedError(f"{self.path / CATALOG}: {ROWS_DAMAGED}")
        return [
            [
                Hit(rank, distance, row, *tiles[row], station=origin_of(tiles[row].scene, own))
                for rank, (distance, row) in enumerate(zip(near, at, strict=True), start=1)
                if row != NO_ROW
            ]
            for near, at in zip(distances.tolist(), rows.tolist(), strict=True)
        ]


@contextlib.contextmanager
def _remedy() -> Iterator[None]:
    """Say what to do about a scene that is damaged."""
    try:
        yield
    except StoreDamagedError as damage:
        raise StoreDamagedError(
            f"{damage}; ingest that scene again, or give up what is damaged: "
            "scenehash store delete --damaged"
        ) from damage
