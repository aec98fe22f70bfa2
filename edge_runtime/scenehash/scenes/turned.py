"""Images with an orientation in EXIF or in a TIFF.

Each window is read in its stored orientation and then turned: no image is in memory twice, or whole
for that purpose.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from scenehash.tiling import Window

from .exif import UPRIGHT
from .source import Pixels, Source, Valid


class TurnedSource:
    """A source in its visible orientation, from an orientation of 2 to 8.

    Source: Exif 2.32, section 4.6.4: 2 and 4 are mirrored, 3 is turned by 180 degrees, 5 to 8 have
    rows and columns exchanged.
    """

    def __init__(self, source: Source, orientation: int) -> None:
        self._source = source
        self._is_transposed = orientation >= 5
        self._from_below = orientation in (3, 4, 7, 8)
        self._from_right = orientation in (2, 3, 6, 7)
        self.height, self.width = self._exchanged(source.height, source.width)
        self.bands, self.nodata = source.bands, source.nodata
        self.significant_bits = source.significant_bits
        self.is_white_zero, self.has_mask = source.is_white_zero, source.has_mask
        self.has_collar, self.is_coarse_cheap = source.has_collar, source.is_coarse_cheap

    def dtype_of(self, bands: Sequence[int]) -> np.dtype[Any]:
        return self._source.dtype_of(bands)

    def read(
        self, bands: Sequence[int], window: Window, shape: tuple[int, int], is_sample: bool = False
    ) -> Pixels:
        stored = self._source.read(bands, self._stored(window), self._exchanged(*shape), is_sample)
        return np.moveaxis(self._upright(np.moveaxis(stored, 0, 2)), 2, 0)

    def read_mask(self, bands: Sequence[int], window: Window, shape: tuple[int, int]) -> Valid:
        stored, as_stored = self._stored(window), self._exchanged(*shape)
        return self._upright(self._source.read_mask(bands, stored, as_stored))

    def close(self) -> None:
        self._source.close()

    def _exchanged(self, one: int, other: int) -> tuple[int, int]:
        return (other, one) if self._is_transposed else (one, other)

    def _stored(self, window: Window) -> Window:
        """The window of the stored image for a visible window."""
        x, y, width, height = window.x, window.y, window.width, window.height
        if self._from_right:
            x = self.width - x - width
        if self._from_below:
            y = self.height - y - height
        return Window(*self._exchanged(x, y), *self._exchanged(width, height))

    def _upright(self, pixels: Pixels) -> Pixels:
        """Pixels [H, W, ...] in the visible orientation."""
        if self._is_transposed:
            pixels = np.swapaxes(pixels, 0, 1)
        if self._from_below:
            pixels = pixels[::-1]
        if self._from_right:
            pixels = pixels[:, ::-1]
        return np.ascontiguousarray(pixels)


def turned(source: Source, orientation: int) -> Source:
    """A source in its visible orientation; the source itself if it needs no turn."""
    return source if orientation == UPRIGHT else TurnedSource(source, orientation)
