"""A scene: one raster as it was delivered, read a few tiles at a time."""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from scenehash.errors import InputError
from scenehash.tiles import Image
from scenehash.windows import Tiling, Window

from .files import content_id
from .times import Acquired

Footprints = npt.NDArray[np.float64]


class Tile(NamedTuple):
    """A window and its pixels, uint8 RGB [H, W, 3]; None where too little of it holds data."""

    window: Window
    image: Image | None


class Scene(ABC):
    """An open scene.

    time: when it was acquired, where that is known. time_beside: the same where the file does not
    say it itself, see times.Acquired. height and width in pixels. metres_per_pixel: on the ground,
    where it is known. reading: how its pixels are made of the file, as plain values, for the same
    pixels another time. asked: what of that was asked for, and is not what the file says. warnings:
    what its reader wants a person to know. is_large: whether reading all its bytes takes a while.
    """

    path: Path
    time: datetime | None = None
    time_beside: datetime | None = None
    height: int
    width: int
    metres_per_pixel: float | None = None
    reading: Mapping[str, object] = {}
    asked: Mapping[str, object] = {}
    warnings: Sequence[str] = ()
    is_large: bool = False

    @property
    @abstractmethod
    def digest(self) -> str:
        """The id of all bytes that its pixels and its place are made of; InputError.

        All of them are read for it: the file's, and those beside it that count, see parts.
        """

    @property
    def stamp(self) -> str | None:
        """What changes when those bytes do, found without reading them; None where that is not."""
        return None

    @property
    def content(self) -> str:
        """The id of the scene: two of the same id are one; InputError.

        It is the digest, but where the time comes from beside the file, or bands were asked for:
        the same bytes of another day, or in other bands, are another scene.
        """
        apart = dict(self.asked)
        if self.time_beside is not None:
            apart["time"] = self.time_beside.isoformat()
        if not apart:
            return self.digest
        return content_id(json.dumps([self.digest, apart], sort_keys=True).encode())

    @property
    def origin(self) -> dict[str, str]:
        """What tells, another time, whether the file still has the pixels of now; see shows."""
        stamp = self.stamp
        return {"digest": self.digest} if stamp is None else {"digest": self.digest, "stamp": stamp}

    def shows(self, origin: Mapping[str, object]) -> bool:
        """Whether its pixels are those that it had when an origin was noted; InputError."""
        if "digest" not in origin:
            return True
        stamp = self.stamp
        return (stamp is not None and stamp == origin.get("stamp")) or (
            self.digest == origin["digest"]
        )

    def take_time(self, acquired: Acquired) -> None:
        """Take over when it was acquired."""
        self.time, self.time_beside, warnings = acquired
        self.warnings = (*self.warnings, *warnings)

    def windows(self, tiling: Tiling, tile_size: int) -> list[Window]:
        """The windows of all tiles; InputError when their size on the ground cannot be known."""
        side = tiling.side(tile_size, self.metres_per_pixel)
        if side is None:
            raise InputError(
                "tiles are wanted in metres, but the file does not say how large its pixels are; "
                "give their size in pixels"
            )
        return tiling.windows(self.height, self.width, side)

    @abstractmethod
    def tiles(
        self, windows: Sequence[Window], tile_size: int, min_valid: float = 0.0
    ) -> Iterator[list[Tile]]:
        """The tiles of windows, some at a time, in their order; InputError on damage.

        A window much larger than tile_size may come at a coarser resolution.
        """

    @abstractmethod
    def overview(self, side: int) -> Image:
        """The whole scene, uint8 RGB, at most side pixels high and wide."""

    def pixels(self, window: Window, side: int) -> Image:
        """The pixels of a window, uint8 RGB; a large one comes as side x side."""
        ((tile,),) = self.tiles([window], side)
        assert tile.image is not None  # without a least share of data none is left out
        return tile.image

    def footprints(self, windows: Sequence[Window]) -> Footprints | None:
        """Corners float64 [N, 4, 2] of windows, longitude and latitude, from the left upper one
        clockwise; None for a scene that is nowhere."""
        del windows
        return None

    def position(self, longitude: float, latitude: float) -> tuple[float, float] | None:
        """Column and row of a place in the scene; None for a scene that is nowhere."""
        del longitude, latitude
        return None

    def close(self) -> None:  # noqa: B027 - a scene may have nothing to close
        """Close the file."""

    def __enter__(self) -> "Scene":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
