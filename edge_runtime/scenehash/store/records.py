"""The stored data of a scene."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import blake2b
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from scenehash.codes import Codes
from scenehash.errors import LineageError, StoreError
from scenehash.printable import printable
from scenehash.tiling import Window

CHECKSUM_BYTES = 8
# The one decode parameter that does not affect pixels: the state of the file.
FILE = "file"

Footprints = npt.NDArray[np.float64]


class SceneVectors(NamedTuple):
    """Representations of a scene's tiles, int8 [T, D], and the id of their vector space."""

    frame: str
    values: npt.NDArray[np.int8]


@dataclass(frozen=True)
class HashedScene:
    """A scene to store: codes uint8 [T, K/8], one for each of its T windows.

    content: the id of the file's content, 32 hexadecimal digits. time: its acquisition time; UTC if
    without a time zone. footprints: float64 [T, 4, 2], the corners of each window as (longitude,
    latitude) in degrees, WGS 84. labels: the user's labels. decode_params: how the file becomes
    pixels, such as its bands and their stretch: plain values for JSON; FILE has the state of the
    file, to tell whether it is still this scene's file, see scenes.Scene.origin. thumbnails: a
    small JPEG of each tile, None for a tile without; a store that keeps none drops them. vectors:
    the tiles' representations; a store that keeps none in that frame drops them.
    """

    content: str
    path: str
    windows: Sequence[Window]
    codes: Codes
    time: datetime | None = None
    footprints: Footprints | None = None
    labels: Sequence[str] = ()
    decode_params: Mapping[str, object] = field(default_factory=dict)
    thumbnails: Sequence[bytes | None] | None = None
    vectors: SceneVectors | None = None


class Tile(NamedTuple):
    """A stored tile: see HashedScene; footprint has the corners of its window."""

    scene: str
    window: Window
    time: datetime | None
    footprint: tuple[tuple[float, float], ...] | None
    labels: tuple[str, ...]
    decode_params: Mapping[str, object]


class PlacedTile(NamedTuple):
    """A tile and its row; station: None if there is only one."""

    station: str | None
    row: int
    tile: Tile


class SceneMark(NamedTuple):
    """The version of a scene: seal is its record's checksum in hexadecimal."""

    first_row: int
    tiles: int
    seal: str


class SceneFile(NamedTuple):
    """How to read a stored scene again: the path of its file, and its decode parameters."""

    path: str
    decode_params: Mapping[str, object]


@dataclass(frozen=True)
class SceneRecord:
    """A scene in the catalog: its rows are first_row ... first_row + tiles - 1.

    time: seconds since 1970, UTC. windows: int64 [T, 4], as (x, y, width, height). codes_checksum:
    of the scene's codes.
    """

    content: str
    path: str
    time: float | None
    labels: tuple[str, ...]
    decode_params: Mapping[str, object]
    first_row: int
    windows: npt.NDArray[np.int64]
    footprints: Footprints | None
    codes_checksum: bytes

    @property
    def tiles(self) -> int:
        """The number of tiles T of the scene."""
        return len(self.windows)

    def hashed(
        self,
        codes: Codes,
        thumbnails: Sequence[bytes | None] | None = None,
        vectors: SceneVectors | None = None,
    ) -> HashedScene:
        """The scene with its codes uint8 [T, K/8], ready to add to another store."""
        return HashedScene(
            self.content,
            self.path,
            [Window(*window) for window in self.windows.tolist()],
            codes,
            None if self.time is None else time_at(self.time),
            self.footprints,
            self.labels,
            self.decode_params,
            thumbnails,
            vectors,
        )

    def replaced(self) -> "SceneRecord":
        """The record of the scene after another scene's file has replaced its file."""
        file = self.decode_params.get(FILE)
        state = {**(file if isinstance(file, Mapping) else {}), "replaced": True}
        return replace(self, decode_params={**self.decode_params, FILE: state})

    def is_of_the_file_of(self, other: "SceneRecord") -> bool:
        """Whether both were read from the same bytes, for example in other bands."""
        own, others = self.decode_params.get(FILE), other.decode_params.get(FILE)
        if not (isinstance(own, Mapping) and isinstance(others, Mapping)):
            return False
        return "digest" in own and own["digest"] == others.get("digest")

    def checksum(self) -> bytes:
        """A checksum of all fields, 8 bytes of BLAKE2b."""
        decode_params = json.dumps(self.decode_params, sort_keys=True)
        words = (
            self.content,
            self.path,
            self.time,
            self.labels,
            decode_params,
            self.first_row,
            self.codes_checksum,
        )
        places = b"" if self.footprints is None else self.footprints.astype("<f8").tobytes()
        return digest(repr(words).encode() + self.windows.astype("<i8").tobytes() + places)


def record_of(scene: HashedScene, first_row: int, bits: int) -> SceneRecord:
    """The record of a scene whose first tile gets that row.

    Raises LineageError when its codes do not fit the store, StoreError when its footprints do not
    fit.
    """
    tiles = len(scene.windows)
    footprints = scene.footprints
    if footprints is not None and footprints.shape != (tiles, 4, 2):
        raise StoreError(
            f"{scene.path}: footprints of shape {footprints.shape} for {tiles} tiles, "
            f"not ({tiles}, 4, 2)"
        )
    if footprints is not None and not np.isfinite(footprints).all():
        raise StoreError(f"{scene.path}: a footprint has a corner that is not a number")
    if not tiles or scene.codes.shape != (tiles, bits // 8):
        raise LineageError(
            f"{scene.path}: codes of shape {scene.codes.shape} for {tiles} tiles do not fit a "
            f"store of {bits} bits"
        )
    windows = [(window.x, window.y, window.width, window.height) for window in scene.windows]
    return SceneRecord(
        scene.content,
        scene.path,
        None if scene.time is None else seconds(scene.time),
        tuple(sorted(set(scene.labels))),
        scene.decode_params,
        first_row,
        np.array(windows, np.int64),
        None if footprints is None else footprints.astype(np.float64),
        checksum(scene.codes),
    )


def checksum(codes: Codes) -> bytes:
    """The checksum of codes uint8 [N, width]."""
    return digest(np.ascontiguousarray(codes).data)


def digest(data: bytes | memoryview) -> bytes:
    """8 bytes of BLAKE2b."""
    return blake2b(data, digest_size=CHECKSUM_BYTES).digest()


# Of the year 9999, as open ends are given: what is later rounds to a year that no datetime has.
LATEST = 253_402_300_799.999


def time_at(number: float) -> datetime:
    """The time of seconds since 1970, in UTC; TypeError or ValueError on an invalid value."""
    try:
        return datetime.fromtimestamp(number, UTC)
    except (OSError, OverflowError) as error:
        raise ValueError(f"{number}: no time") from error


def parse_time(text: str) -> datetime:
    """The time in a text such as 2026-11-24 or 2026-11-24T08:30:00Z; UTC if without a time zone.

    Raises ValueError on another text.
    """
    try:
        time = datetime.fromisoformat(text)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{printable(str(text))}: not a time such as 2026-11-24 or 2026-11-24T08:30:00Z"
        ) from error
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def seconds(time: datetime) -> float:
    """A time as seconds since 1970; UTC if without a time zone."""
    return min((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp(), LATEST)
