"""Scenes and tiles in the form of an engine.

A tile's number combines its station and its row in one integer: it is the tile's key, and a range
of numbers selects a station's tiles. An engine only needs numbers, codes and bytes.
"""

import hashlib
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from scenehash.codes import Codes
from scenehash.geo import Floats, bounding_boxes
from scenehash.store import SceneRecord
from scenehash.store.records import Tile
from scenehash.tiling import Window

# A station has rows below this, and a number below STATIONS.
ROWS = 1 << 40
STATIONS = 1 << 22
# The box of a tile without a footprint, which meets no box on the Earth.
NOWHERE = (0.0, 91.0, 0.0, -91.0)
WINDOW, CORNERS = struct.Struct("<4q"), struct.Struct("<8d")

Numbers = npt.NDArray[np.int64]


class Span(NamedTuple):
    """Numbers from low to before high."""

    low: int
    high: int


def number_of(station: int, row: int) -> int:
    """The number of a tile, from the number of its station and its row."""
    return station * ROWS + row


def station_and_row(number: int) -> tuple[int, int]:
    """The number of a tile's station, and the tile's row."""
    return divmod(number, ROWS)


def stations_of(numbers: Numbers) -> Numbers:
    """The numbers of the stations of tiles, int64 [N] each."""
    return numbers // ROWS


def span_of(station: int, first: int = 0, end: int = ROWS) -> Span:
    """The numbers of a station's tiles in the rows from first to before end."""
    return Span(number_of(station, first), number_of(station, end))


class EngineMark(NamedTuple):
    """The version of a scene in an engine.

    first: the number of its first tile. seal: 16 hexadecimal digits, which change with the scene;
    "" while its tiles are incomplete.
    """

    first: int
    tiles: int
    seal: str


@dataclass(frozen=True)
class EngineScene:
    """A scene in an engine: its mark, and its facts for hits. time: seconds since 1970, UTC."""

    mark: EngineMark
    content: str
    path: str
    time: float | None
    labels: tuple[str, ...]
    decode_params: Mapping[str, object]


@dataclass(frozen=True)
class EngineTiles:
    """The tiles of a scene: codes uint8 [T, K/8], boxes float64 [T, 4], NOWHERE for a tile without
    a footprint, and their places as packed bytes.
    """

    scene: EngineScene
    codes: Codes
    boxes: Floats
    places: tuple[bytes, ...]

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def numbers(self) -> Numbers:
        """The numbers int64 [T] of the tiles."""
        return np.arange(self.scene.mark.first, self.scene.mark.first + len(self))


class StoredTile(NamedTuple):
    """A tile from an engine. scene: the number of its scene's first tile."""

    scene: int
    place: bytes
    code: bytes


def station_number(name: str, taken: Iterable[int]) -> int:
    """The number of a new station: derived from its name, so that two new stations get different
    ones.
    """
    number = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest()) % STATIONS
    others = set(taken)
    while number in others:
        number = (number + 1) % STATIONS
    return number


def tiles_of(record: SceneRecord, codes: Codes, seal: str, station: int) -> EngineTiles:
    """A scene in the form of an engine, under the number of its station."""
    mark = EngineMark(number_of(station, record.first_row), record.tiles, seal)
    scene = EngineScene(
        mark, record.content, record.path, record.time, record.labels, record.decode_params
    )
    boxes = np.tile(np.array(NOWHERE), (record.tiles, 1))
    if record.footprints is not None:
        boxes = bounding_boxes(record.footprints)
    return EngineTiles(scene, codes, boxes, tuple(_places(record)))


def tile_of(scene: EngineScene, place: bytes) -> Tile:
    """The tile in a place of a scene."""
    corners = footprint_of(place)
    return Tile(
        scene.path,
        Window(*WINDOW.unpack_from(place)),
        None if scene.time is None else datetime.fromtimestamp(scene.time, UTC),
        corners,
        scene.labels,
        scene.decode_params,
    )


def footprint_of(place: bytes) -> tuple[tuple[float, float], ...] | None:
    """The corners of a tile's window; None without a footprint."""
    if len(place) < WINDOW.size + CORNERS.size:
        return None
    corners = CORNERS.unpack_from(place, WINDOW.size)
    return tuple(zip(corners[::2], corners[1::2], strict=True))


def boxes_of(places: Sequence[bytes]) -> Floats:
    """The bounding boxes float64 [N, 4] of tiles; NOWHERE for tiles without a footprint."""
    boxes = np.tile(np.array(NOWHERE), (len(places), 1))
    footprints = [footprint_of(place) for place in places]
    there = [number for number, corners in enumerate(footprints) if corners is not None]
    if there:
        boxes[there] = bounding_boxes(np.array([footprints[number] for number in there]))
    return boxes


def _places(record: SceneRecord) -> Iterable[bytes]:
    windows = record.windows.astype("<i8").tobytes()
    corners = b"" if record.footprints is None else record.footprints.astype("<f8").tobytes()
    wide = CORNERS.size if corners else 0
    for tile in range(record.tiles):
        window = windows[tile * WINDOW.size : (tile + 1) * WINDOW.size]
        yield window + corners[tile * wide : (tile + 1) * wide]
