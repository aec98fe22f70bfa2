"""Tiles that are the same on every machine and in every version, since they are formulas."""

import numpy as np
import numpy.typing as npt


def pattern(number: int, size: int) -> npt.NDArray[np.uint8]:
    """A tile uint8 [size, size, 3]: gradients and stripes that depend on the number."""
    y, x, band = np.meshgrid(np.arange(size), np.arange(size), np.arange(3), indexing="ij")
    stripes = ((x * (number + 1) + y * (number % 3)) // 5) % 2
    values = 7 * number + (5 + number) * x + (9 - number) * y + 60 * band + 90 * stripes
    return (values % 256).astype(np.uint8)
