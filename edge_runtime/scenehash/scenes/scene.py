"""A scene: one raster as it was delivered, read a few tiles at a time."""

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

Footprints = npt.NDArray[np.float64]


class Tile(NamedTuple):
    """A window and its pixels, uint8 RGB [H, W, 3]; None where too little of it holds data."""

    window: Window
    image: Image | None


class Scene(ABC):
    """An open scene.

    time: when it was acquired, where that is known. height and width in pixels. metres_per_pixel:
    on the ground, where it is known. reading: how its pixels are made of the file, as plain values,
    for the same pixels another time. warnings: what its reader wants a person to know. is_large:
    whether reading all its bytes takes a while.
    """

    path: Path
    time: datetime | None = None
    height: int
    width: int
    metres_per_pixel: float | None = None
    reading: Mapping[str, object] = {}
    warnings: Sequence[str] = ()
    is_large: bool = False

    @property
    @abstractmethod
    def content(self) -> str:
        """The id of the file's bytes, all of which are read for it; InputError."""

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
