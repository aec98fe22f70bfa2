"""A collection of an engine, with the interface of a store for searches."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np
import numpy.typing as npt

from scenehash.codes import Codes, nearest_hamming
from scenehash.errors import EngineError, LineageError, NotStoredError, StoreError
from scenehash.geo import Box
from scenehash.index import Explanation
from scenehash.store import Filter, Hit, SearchRequest, TileSample
from scenehash.store.records import PlacedTile, Tile, seconds
from scenehash.store.rows import Rows
from scenehash.store.search.resolving import resolve
from scenehash.store.search.sample import NO_TILES
from scenehash.store.search.searchable import check_codes
from scenehash.store.search.selection import around, is_box

from .address import Address
from .backend import Backend, Conditions, Document, Found
from .tiles import (
    ROWS,
    EngineScene,
    StoredTile,
    boxes_of,
    number_of,
    station_and_row,
    tile_of,
)

HEAD = "head"
FORMAT = 1
# If hits must be checked here, request MORE times the wanted number.
MORE = 3
# The number of tiles in the first request for one place.
A_STACK = 10_000
# Tries of a search: a found tile may be gone before the request for its facts.
TRIES = 3


@dataclass(frozen=True)
class Head:
    """The lineage and the width of a collection's codes, and their shelf."""

    lineage: str
    bits: int
    model: str

    @property
    def shelf(self) -> str:
        """The name of the shelf for these codes."""
        return blake2b(f"{self.lineage}:{self.bits}".encode(), digest_size=5).hexdigest()

    def document(self) -> Document:
        """The head as plain values."""
        return {
            "format": FORMAT,
            "lineage": self.lineage,
            "bits": self.bits,
            "model": self.model,
        }

    @classmethod
    def of(cls, document: Mapping[str, object], address: str) -> "Head":
        """Raises EngineError on a collection of a newer format, or of something else."""
        match document:
            case {"format": 1, "lineage": str(lineage), "bits": int(bits), "model": str(model)}:
                return cls(lineage, bits, model)
        raise EngineError(
            f"{address}: not a collection that this scenehash reads (format "
            f"{document.get('format')}); update scenehash, or choose another collection"
        )


@dataclass(frozen=True)
class Station:
    """A station in a collection.

    number: for its tiles' numbers. store: the id of the store that is pushed. rows: one more than
    its highest row. labels, first, last, placed: facts about its scenes, for filters.
    """

    name: str
    number: int
    store: str
    tiles: int
    scenes: int
    rows: int
    labels: tuple[str, ...]
    first: float | None
    last: float | None
    placed: bool

    def document(self) -> Document:
        """The station as plain values."""
        return {**vars(self), "labels": list(self.labels)}

    @classmethod
    def of(cls, document: Mapping[str, object]) -> "Station":
        """From plain values."""
        values = json.loads(json.dumps(document))
        return cls(**{**values, "labels": tuple(values["labels"])})


def stations_key(shelf: str) -> str:
    """The beginning of the keys of a shelf's stations; their names follow."""
    return f"{shelf}/station/"


def connect(text: str) -> Backend:
    """Connect to an engine by its address.

    Raises ConfigurationError, MissingExtraError without its client, and EngineError.
    """
    address = Address.of(text)
    if address.kind == "pg":
        from .postgres import Postgres

        return Postgres(address)
    from .milvus import Milvus

    return Milvus(address)


class EngineStore:
    """An open collection of an engine; see scenehash.store.Searchable.

    It knows the stations at its opening, and asks the engine again when a tile of another station
    appears.
    """

    def __init__(self, address: str, backend: Backend) -> None:
        self.address = address
        self.backend = backend
        found = backend.read(HEAD)
        if found is None:
            raise _nothing_there(address)
        self.head = Head.of(found, address)
        self.thumbnails, self.vectors = NoPictures(), NoRepresentations()
        self._stations = self._read_stations()

    @classmethod
    def open(cls, address: str) -> "EngineStore":
        """Open a collection by its address; EngineError when no store was pushed to it."""
        file = Address.of(address).file
        if file is not None and not file.exists():  # a client makes it
            raise _nothing_there(address)
        backend = connect(address)
        try:
            return cls(address, backend)
        except BaseException:
            backend.close()
            raise

    def __enter__(self) -> "EngineStore":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __len__(self) -> int:
        return self.backend.count(self.head.shelf)

    def __repr__(self) -> str:
        return f"EngineStore({self.address!r}, bits={self.bits})"

    @property
    def lineage(self) -> str:
        """Id of the training run that made these codes."""
        return self.head.lineage

    @property
    def bits(self) -> int:
        """Width K of a code."""
        return self.head.bits

    @property
    def model(self) -> str:
        """Name of the model that made the codes, for people."""
        return self.head.model

    @property
    def stations(self) -> list[Station]:
        """The stations whose tiles are in the collection, by name."""
        return sorted(self._stations.values(), key=lambda station: station.name)

    def check(self, lineage: str, bits: int) -> None:
        """Raise LineageError unless the codes have this lineage and width."""
        check_codes(self, lineage, bits, "collection")

    def resolve(self, where: Filter) -> Filter:
        """The filter with full names; StoreError when no tile can meet it."""
        return resolve(_Known(self), where, self.address)

    def sample(self) -> TileSample:
        """No tiles: an engine keeps no representations."""
        return NO_TILES

    def refresh(self) -> None:
        """Read which stations were pushed since; LineageError when the codes now have another
        model.
        """
        found = self.backend.read(HEAD)
        if found is None or Head.of(found, self.address) != self.head:
            raise LineageError(f"{self.address}: now has codes of another model; open it again")
        self._stations = self._read_stations()

    def ask(self) -> None:
        """Send the engine a small request; EngineError when it does not answer."""
        self.backend.read(HEAD)

    def model_file(self) -> Path | None:
        """None: an engine keeps no model file."""
        return None

    def notes(self) -> list[str]:
        """Notes for a person about a search, one line each."""
        return []

    def close(self) -> None:
        """Close the connection."""
        self.backend.close()

    def search_any(self, request: SearchRequest) -> tuple[list[Hit], Explanation]:
        """The k tiles nearest to any of the codes, by distance, station and row."""
        for _ in range(TRIES):
            started = time.perf_counter()
            found = self._nearest(request)
            searched = time.perf_counter()
            hits = self._hits(found)
            if hits is not None:
                took = {"search": searched - started, "facts": time.perf_counter() - searched}
                return hits, self._explanation(request, found, took)
            self._stations = self._read_stations()
        raise self._unsteady()

    def count_within(self, request: SearchRequest) -> int | None:
        """The number of tiles that meet a request with a radius; None: above the engine's limit."""
        if _is_looked_at(request):
            return None
        radius = self.bits if request.radius is None else request.radius
        return self.backend.count_within(
            self.head.shelf, request.codes, radius, self._conditions(request.where)
        )

    def stored_tile(self, row: int, station: str | None = None) -> tuple[Codes, Tile]:
        """The code uint8 [1, K/8] and the tile in a row; NotStoredError when the row does not
        exist.
        """
        if station is None and len(self._stations) != 1:
            names = ", ".join(own.name for own in self.stations)
            raise StoreError(
                f"{self.address}: several stations have a row {row}; write row:STATION/{row} with "
                f"one of the stations {names}"
            )
        self.resolve(Filter(station=station))
        (wanted,) = (own for own in self.stations if station in (None, own.name))
        number = number_of(wanted.number, row) if 0 <= row < ROWS else None
        found = {} if number is None else self.backend.tiles_at(self.head.shelf, [number])
        if number not in found:
            raise NotStoredError(
                f"{self.address}: no row {row}{f' of station {station}' * bool(station)}"
            )
        tile = found[number]
        scenes = self.backend.scenes_at(self.head.shelf, [tile.scene])
        if tile.scene not in scenes:
            raise EngineError(f"{self.address}: row {row} is being pushed; try again")
        code = np.frombuffer(tile.code, np.uint8)[None]
        return code, tile_of(scenes[tile.scene], tile.place)

    def tiles_meeting(self, box: Box) -> list[PlacedTile]:
        """The tiles whose bounding box meets a box, by station and row."""
        code = np.zeros((1, self.bits // 8), np.uint8)
        for _ in range(TRIES):
            where = self._conditions(Filter(bbox=box))
            numbers: list[int] = []
            # Usually there are few; many tiles are requested in parts.
            for most in (A_STACK, sum(where.rows.values()) + 1):
                found = self.backend.nearest(self.head.shelf, code, most, None, where)
                numbers = found.numbers.tolist()
                if len(numbers) < most:
                    break
            tiles = self._tiles(numbers)
            if tiles is not None:
                return sorted(tiles, key=lambda placed: (placed.station or "", placed.row))
            self._stations = self._read_stations()
        raise self._unsteady()

    def codes_of(self, hits: Sequence[Hit]) -> Codes:
        """The codes uint8 [N, K/8] of hits of this collection."""
        by_name = {own.name: own.number for own in self.stations}
        numbers = [number_of(by_name[str(hit.station)], hit.row) for hit in hits]
        found = self.backend.tiles_at(self.head.shelf, numbers)
        if any(number not in found for number in numbers):
            raise EngineError(f"{self.address}: a hit was deleted during the search; search again")
        data = b"".join(found[number].code for number in numbers)
        return np.frombuffer(data, np.uint8).reshape(-1, self.bits // 8)

    def _nearest(self, request: SearchRequest) -> Found:
        """The nearest tiles that meet all conditions of a request, also those that no engine can
        check.
        """
        where, shelf, k = request.where, self.head.shelf, request.k
        conditions = self._conditions(where)
        looked_at = _is_looked_at(request)
        wanted, requests = (MORE * k if looked_at else k), 0
        while True:
            found = self.backend.nearest(shelf, request.codes, wanted, request.radius, conditions)
            requests += found.requests
            if not looked_at:
                return found
            kept = self._passing(found, where, request.unlike)
            if kept.sum() >= k or len(found.numbers) < wanted:
                return Found(found.distances[kept][:k], found.numbers[kept][:k], requests)
            wanted *= MORE

    def _passing(
        self, found: Found, where: Filter | None, unlike: Codes | None
    ) -> npt.NDArray[np.bool_]:
        numbers = found.numbers.tolist()
        tiles = self.backend.tiles_at(self.head.shelf, numbers)
        kept = np.array([number in tiles for number in numbers], np.bool_)
        some = [tiles[number] for number in numbers if number in tiles]
        if not some:
            return kept
        if where is not None and where.on_places:
            kept[kept] = where.there(boxes_of([tile.place for tile in some]))
            some = [tiles[number] for number, own in zip(numbers, kept, strict=True) if own]
        if unlike is not None and some:
            codes = np.frombuffer(b"".join(tile.code for tile in some), np.uint8)
            nearest = nearest_hamming(codes.reshape(len(some), -1), unlike)
            kept[kept] = found.distances[kept] < nearest
        return kept

    def _unsteady(self) -> EngineError:
        return EngineError(f"{self.address}: tiles change faster than they can be read; try again")

    def _hits(self, found: Found) -> list[Hit] | None:
        """Hits with their facts; None as in _tiles."""
        tiles = self._tiles(found.numbers.tolist())
        if tiles is None:
            return None
        return [
            Hit(rank, distance, row, *facts, hamming_rank=rank, station=station)
            for rank, (distance, (station, row, facts)) in enumerate(
                zip(found.distances.tolist(), tiles, strict=True), 1
            )
        ]

    def _tiles(self, numbers: Sequence[int]) -> list[PlacedTile] | None:
        """Tiles with their facts; None when a tile or its station is not known, any more or yet."""
        if not numbers:
            return []
        tiles: dict[int, StoredTile] = self.backend.tiles_at(self.head.shelf, numbers)
        firsts = sorted({tile.scene for tile in tiles.values()})
        scenes: dict[int, EngineScene] = self.backend.scenes_at(self.head.shelf, firsts)
        names = {station.number: station.name for station in self._stations.values()}
        placed: list[PlacedTile] = []
        for number in numbers:
            tile = tiles.get(number)
            own, row = station_and_row(number)
            if tile is None or tile.scene not in scenes or own not in names:
                return None
            facts = tile_of(scenes[tile.scene], tile.place)
            placed.append(PlacedTile(names[own], row, facts))
        return placed

    def _explanation(
        self, request: SearchRequest, found: Found, seconds_by_stage: dict[str, float]
    ) -> Explanation:
        reason = (
            f"scan: {self.backend.name} compares all codes that meet the filter "
            f"({self.backend.plan}); {found.requests} requests"
        )
        compared = len(request.codes) * sum(own.tiles for own in self._stations.values())
        plans = {"scan": len(request.codes)}
        return Explanation(plans, compared, seconds_by_stage, (reason,), self.backend.name)

    def _conditions(self, where: Filter | None) -> Conditions:
        stations = self.stations
        rows = {station.number: station.rows for station in stations}
        if where is None:
            return Conditions(tuple(own.number for own in stations), rows)
        chosen = [own.number for own in stations if where.station in (None, own.name)]
        around_it = around(where).pieces() if where.on_places else []
        boxes = [Box(*map(float, box)) for box in around_it]
        scenes = None if where.scene is None else self._scenes_at(where.scene)
        return Conditions(
            tuple(chosen),
            rows,
            where.station is None,
            where.newer_than,
            scenes,
            None if where.since is None else seconds(where.since),
            None if where.until is None else seconds(where.until),
            where.label,
            tuple(boxes),
            tuple(scene for path in where.other_than or () for scene in self._scenes_at(path)),
        )

    def _scenes_at(self, path: str) -> tuple[int, ...]:
        return tuple(self.backend.scenes_of_path(self.head.shelf, path))

    def _read_stations(self) -> dict[int, Station]:
        found = self.backend.documents(stations_key(self.head.shelf)).values()
        stations = [Station.of(document) for document in found]
        return {station.number: station for station in stations}


def _nothing_there(address: str) -> EngineError:
    return EngineError(
        f"{address}: nothing was pushed there; push a store with: "
        f"scenehash push --store STORE --to {address}"
    )


def _is_looked_at(request: SearchRequest) -> bool:
    """Whether each hit must be checked here, since no engine can check all its conditions."""
    where = request.where
    return request.unlike is not None or (where is not None and not is_box(where))


class NoPictures:
    """The thumbnails of an engine: there are none."""

    kept = False

    def of(self, rows: Sequence[int]) -> Mapping[int, bytes]:
        """None of any row."""
        del rows
        return {}


class NoRepresentations:
    """The representations of an engine: there are none."""

    frame: str | None = None

    def read(self, rows: Rows) -> tuple[Rows, npt.NDArray[np.int8]]:
        """None of any row."""
        del rows
        return np.zeros(0, np.int64), np.zeros((0, 1), np.int8)


class _Known:
    """The stored values of a collection for filters: see scenehash.store.search.resolving."""

    def __init__(self, engine: EngineStore) -> None:
        self._engine = engine

    def stations(self) -> list[str]:
        return [own.name for own in self._engine.stations]

    def labels(self) -> list[str]:
        return sorted({label for own in self._engine.stations for label in own.labels})

    def times(self) -> tuple[float, float] | None:
        stations = self._engine.stations
        firsts = [own.first for own in stations if own.first is not None]
        lasts = [own.last for own in stations if own.last is not None]
        return (min(firsts), max(lasts)) if firsts and lasts else None

    def has_footprints(self) -> bool:
        return any(own.placed for own in self._engine.stations)

    def has_path(self, path: str) -> bool:
        return bool(self._engine.backend.scenes_of_path(self._engine.head.shelf, path))

    def paths_ending(self, ending: str, most: int) -> list[str]:
        return self._engine.backend.paths_ending(self._engine.head.shelf, ending, most)
