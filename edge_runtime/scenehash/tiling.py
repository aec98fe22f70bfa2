"""Windows: the parts of a scene that become tiles."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from .errors import ConfigurationError, InputError

if TYPE_CHECKING:
    import numpy as np  # `scenehash --help` does without
    import numpy.typing as npt

Scalar = TypeVar("Scalar", bound="np.generic")

# Tiles a scene may have: 185,000 x 185,000 pixels in tiles of 256. Each takes some 500 bytes.
MOST_TILES = 1 << 19


class PixelSize(NamedTuple):
    """The size of a pixel on the ground in metres, along a row and along a column."""

    across: float
    down: float


@dataclass(frozen=True, slots=True)
class Window:
    """A part of a scene that becomes one tile: its upper left corner and its size, in pixels.

    If tiles are cut in metres, it is a square on the ground; otherwise it is a square of pixels.
    """

    x: int
    y: int
    width: int
    height: int

    def cut(self, image: "npt.NDArray[Scalar]") -> "npt.NDArray[Scalar]":
        """The window's pixels of an image [H, W, ...]."""
        return image[self.y : self.y + self.height, self.x : self.x + self.width]

    def overlap(self, other: "Window") -> float:
        """Intersection over union with another window of the same scene, 0 to 1."""
        across = min(self.x + self.width, other.x + other.width) - max(self.x, other.x)
        down = min(self.y + self.height, other.y + other.height) - max(self.y, other.y)
        common = max(across, 0) * max(down, 0)
        return common / (self.width * self.height + other.width * other.height - common)


@dataclass(frozen=True)
class Tiling:
    """How a scene is cut into tiles.

    pixels: side of a tile in the scene's pixels; metres: side on the ground; without either, the
    side is the model's tile size. overlap: the fraction of a tile, 0 to 0.9, that the next tile
    shows again. whole: a scene is one tile, its largest centred square. min_valid: the fraction of
    a tile, 0 to 1, that must be valid, or else the tile is not hashed. Raises ConfigurationError on
    impossible values.
    """

    pixels: int | None = None
    metres: float | None = None
    overlap: float = 0.0
    whole: bool = False
    min_valid: float = 0.5

    def __post_init__(self) -> None:
        if self.pixels is not None and self.metres is not None:
            raise ConfigurationError("give a tile's size in pixels or in metres, not in both")
        if (self.pixels is not None and self.pixels < 1) or (
            self.metres is not None and not 0 < self.metres < inf
        ):
            raise ConfigurationError("a tile's size must be greater than 0")
        if not 0 <= self.overlap <= 0.9:
            raise ConfigurationError(f"overlap {self.overlap:g}: give a fraction from 0 to 0.9")
        if not 0 <= self.min_valid <= 1:
            raise ConfigurationError(f"valid share {self.min_valid:g}: give a fraction from 0 to 1")

    @classmethod
    def of_text(cls, tile: str | None, whole: bool = False) -> "Tiling":
        """A tiling with the size of a tile as text: pixels, "512", or metres, "300m"."""
        try:
            metres = float(tile.removesuffix("m")) if tile and tile.endswith("m") else None
            pixels = int(tile) if tile and metres is None else None
        except ValueError as error:
            raise ConfigurationError(
                f"--tile {tile}: give pixels, such as 512, or metres, such as 300m"
            ) from error
        return cls(pixels, metres, whole=whole)

    def sides(self, tile_size: int, pixel_size: PixelSize | None) -> tuple[int, int] | None:
        """Width and height of a tile in pixels; None when they depend on an unknown pixel size."""
        if self.metres is None:
            side = self.pixels or tile_size
            return side, side
        if pixel_size is None:
            return None
        width, height = (max(1, round(self.metres / metres)) for metres in pixel_size)
        return width, height

    def windows(self, height: int, width: int, sides: tuple[int, int]) -> list[Window]:
        """Cut a scene into windows of sides (width, height) pixels, row by row.

        The last windows are moved inwards, so that they cover the whole scene. A scene that is less
        than two tiles high and wide is one tile: its largest centred part with the shape of a tile.
        A scene that is narrower than a tile gets smaller tiles of that shape. Raises InputError for
        more than MOST_TILES windows.
        """
        across, down = (1, 1) if self.whole and self.metres is None else sides
        largest = min(width / across, height / down)
        if self.whole or (width < 2 * across and height < 2 * down):
            across, down = max(1, round(across * largest)), max(1, round(down * largest))
            return [Window((width - across) // 2, (height - down) // 2, across, down)]
        if largest < 1:
            across, down = max(1, round(across * largest)), max(1, round(down * largest))
        strides = [max(1, round(side * (1 - self.overlap))) for side in (across, down)]
        many = (1 + (width - across) // strides[0]) * (1 + (height - down) // strides[1])
        if many > MOST_TILES:
            raise InputError(
                f"{width}x{height} pixels would be {many:,} tiles, and a scene may have "
                f"{MOST_TILES:,}; give larger tiles with --tile"
            )
        return [
            Window(x, y, across, down)
            for y in _starts(height, down, strides[1])
            for x in _starts(width, across, strides[0])
        ]


def rows_of(windows: list[Window]) -> Iterator[list[Window]]:
    """The windows of each row, for windows in row-by-row order."""
    row: list[Window] = []
    for window in windows:
        if row and window.y != row[0].y:
            yield row
            row = []
        row.append(window)
    if row:
        yield row


def _starts(length: int, side: int, stride: int) -> list[int]:
    starts = list(range(0, length - side + 1, stride))
    if starts[-1] + side < length:
        starts.append(length - side)
    return starts
