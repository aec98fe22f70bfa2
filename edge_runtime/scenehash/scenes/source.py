"""Sources of pixels: the interface of decoded images and open rasters for a scene."""

from collections.abc import Sequence
from typing import Any, Protocol

import cv2
import numpy as np
import numpy.typing as npt

from scenehash.tiling import Window

from .bands import Bands

Pixels = npt.NDArray[Any]
Valid = npt.NDArray[np.bool_]


class Source(Protocol):
    """The bands of a file, in the types and at the resolution of the file.

    nodata: by band, the value that marks pixels without data. significant_bits: the number of used
    bits of an integer, if the file has it. is_white_zero: the smallest value means white. has_mask:
    the file has a separate mask of valid pixels. has_collar: warping may have left black margins.
    is_coarse_cheap: the whole can be read at a low resolution without reading all data.
    """

    height: int
    width: int
    bands: Bands
    nodata: Sequence[float | None]
    significant_bits: int | None
    is_white_zero: bool
    has_mask: bool
    has_collar: bool
    is_coarse_cheap: bool

    def dtype_of(self, bands: Sequence[int]) -> np.dtype[Any]:
        """The type of the pixels of some bands as they are read: integers or floats."""

    def read(
        self, bands: Sequence[int], window: Window, shape: tuple[int, int], is_sample: bool = False
    ) -> Pixels:
        """Pixels [B, H, W] of bands, numbered from 1, of a window, shrunk to shape (H, W).

        is_sample: values of the file itself, without averages. Raises InputError.
        """

    def read_mask(self, bands: Sequence[int], window: Window, shape: tuple[int, int]) -> Valid:
        """The valid pixels by the masks of the file and of some bands, bool [H, W]; InputError."""

    def close(self) -> None:
        """Close the file."""


class ArraySource:
    """A source with its pixels in memory: [H, W, B], from a decoded image."""

    nodata: Sequence[float | None]
    significant_bits: int | None = None
    is_white_zero = False
    has_collar = False
    is_coarse_cheap = True

    def __init__(self, pixels: Pixels, bands: Bands, mask: Valid | None = None) -> None:
        self._pixels, self._mask = pixels, mask
        self.has_mask = mask is not None
        self.height, self.width = pixels.shape[:2]
        self.bands = bands
        self.nodata = (None,) * len(bands.names)

    def dtype_of(self, bands: Sequence[int]) -> np.dtype[Any]:
        del bands
        dtype: np.dtype[Any] = self._pixels.dtype
        return dtype

    def read(
        self, bands: Sequence[int], window: Window, shape: tuple[int, int], is_sample: bool = False
    ) -> Pixels:
        pixels: Pixels = window.cut(self._pixels)
        if shape != pixels.shape[:2] and is_sample:
            pixels = _nearest(pixels, shape)
        elif shape != pixels.shape[:2]:
            shrunk = cv2.resize(pixels, shape[::-1], interpolation=cv2.INTER_AREA)
            pixels = shrunk.reshape(*shape, -1)
        planes = np.moveaxis(pixels, 2, 0)
        numbers = [number - 1 for number in bands]
        if numbers == list(range(len(numbers))):
            return planes[: len(numbers)]
        return planes[numbers]

    def read_mask(self, bands: Sequence[int], window: Window, shape: tuple[int, int]) -> Valid:
        del bands
        if self._mask is None:
            return np.ones(shape, np.bool_)
        return _nearest(window.cut(self._mask), shape)

    def close(self) -> None:
        """Nothing is open."""


def _nearest(pixels: Pixels, shape: tuple[int, int]) -> Pixels:
    """Pixels [H, W, ...] at a lower resolution by nearest neighbour, the same as GDAL's."""
    rows, columns = (
        ((np.arange(new) + 0.5) * (old / new)).astype(np.intp)
        for new, old in zip(shape, pixels.shape[:2], strict=True)
    )
    nearest: Pixels = pixels[rows[:, np.newaxis], columns]
    return nearest
