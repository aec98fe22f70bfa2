"""Windows: which squares of a scene become tiles."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .errors import ConfigurationError, InputError

if TYPE_CHECKING:
    from .tiles import Image  # OpenCV, which a store does without

# Tiles a scene may have: 185,000 x 185,000 pixels in tiles of 256. Each takes some 500 bytes.
MOST_TILES = 1 << 19


@dataclass(frozen=True, slots=True)
class Window:
    """A square of a scene: its left upper corner and its size, in pixels."""

    x: int
    y: int
    width: int
    height: int

    def cut(self, image: "Image") -> "Image":
        """The window's pixels of an image [H, W, 3]."""
        return image[self.y : self.y + self.height, self.x : self.x + self.width]


@dataclass(frozen=True)
class Tiling:
    """How a scene is cut into tiles.

    pixels: side of a tile in the scene's pixels; metres: the same on the ground; without either it
    is the model's tile size. overlap: the share of a tile, 0 to 0.9, that its neighbour sees again.
    whole: a scene is one tile, its largest centred square. min_valid: the share of a tile, 0 to 1,
    that must hold data for it to be hashed. Raises ConfigurationError on what makes no sense.
    """

    pixels: int | None = None
    metres: float | None = None
    overlap: float = 0.0
    whole: bool = False
    min_valid: float = 0.5

    def __post_init__(self) -> None:
        if self.pixels is not None and self.metres is not None:
            raise ConfigurationError("a tile's size is given in pixels or in metres, not in both")
        if (self.pixels is not None and self.pixels < 1) or (
            self.metres is not None and self.metres <= 0
        ):
            raise ConfigurationError("a tile's size is more than nothing")
        if not 0 <= self.overlap <= 0.9:
            raise ConfigurationError(f"overlap {self.overlap:g}: it is a share from 0 to 0.9")
        if not 0 <= self.min_valid <= 1:
            raise ConfigurationError(f"valid share {self.min_valid:g}: it is from 0 to 1")

    def side(self, tile_size: int, metres_per_pixel: float | None) -> int | None:
        """Side of a tile in the scene's pixels; None when it depends on an unknown resolution."""
        if self.metres is None:
            return self.pixels or tile_size
        return None if metres_per_pixel is None else max(1, round(self.metres / metres_per_pixel))

    def windows(self, height: int, width: int, side: int) -> list[Window]:
        """Cut a scene into windows of side x side pixels, row by row.

        The last ones are moved inwards, so that nothing is left out. A scene less than two tiles
        high and wide is one tile: its largest centred square. One narrower than a tile gets tiles
        as wide as it is. Raises InputError when there would be more than MOST_TILES.
        """
        smaller = min(height, width)
        if self.whole or max(height, width) < 2 * side:
            left, top = (width - smaller) // 2, (height - smaller) // 2
            return [Window(left, top, smaller, smaller)]
        side = min(side, smaller)
        stride = max(1, round(side * (1 - self.overlap)))
        many = (1 + (height - side) // stride) * (1 + (width - side) // stride)
        if many > MOST_TILES:
            raise InputError(
                f"{width}x{height} pixels would be {many:,} tiles, and a scene may have "
                f"{MOST_TILES:,}; give larger tiles with --tile"
            )
        return [
            Window(x, y, side, side)
            for y in _starts(height, side, stride)
            for x in _starts(width, side, stride)
        ]


def rows_of(windows: list[Window]) -> Iterator[list[Window]]:
    """Windows, given row by row, a row at a time."""
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
