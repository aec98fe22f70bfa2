"""Places along a Hilbert curve: places near each other on it are near on the Earth.

Source: Warren, "Hacker's Delight", 2nd edition, 2013, chapter 16.
"""

import numpy as np
import numpy.typing as npt

# Cells of the curve along a side: a quarter of a kilometre at the equator, and its highest key.
SIDE_BITS = 16
BEYOND = 1 << (2 * SIDE_BITS)

Keys = npt.NDArray[np.int64]


def hilbert_keys(longitudes: npt.NDArray[np.float64], latitudes: npt.NDArray[np.float64]) -> Keys:
    """The positions of places in degrees, float64 [N] each, along the curve: int64 [N].

    BEYOND if one is not a number.
    """
    last = (1 << SIDE_BITS) - 1
    placed = np.isfinite(longitudes) & np.isfinite(latitudes)
    x = np.where(placed, (longitudes + 180) / 360 * last, 0).clip(0, last).astype(np.int64)
    y = np.where(placed, (latitudes + 90) / 180 * last, 0).clip(0, last).astype(np.int64)
    keys = np.zeros(len(x), np.int64)
    side = 1 << (SIDE_BITS - 1)
    while side:
        right, upper = (x & side) > 0, (y & side) > 0
        keys += side * side * ((3 * right) ^ upper)
        # The quarter's own curve, turned and mirrored into the same place for all.
        mirrored = ~upper & right
        x, y = np.where(mirrored, last - x, x), np.where(mirrored, last - y, y)
        x, y = np.where(upper, x, y), np.where(upper, y, x)
        side //= 2
    return np.where(placed, keys, BEYOND)
