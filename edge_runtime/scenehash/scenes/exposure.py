"""Tiles that show nothing: of one colour, or overexposed. They are only similar to each other."""

from typing import Literal

import numpy as np

from scenehash.tiles import Image

# Standard deviation, of 255, that JPEG's noise on one colour stays under.
BLANK_DEVIATION = 1.0
WHITE, SATURATED_SHARE = 254, 0.5
# Pixels sampled along a side; where a few of them differ by RANGE, no more are needed.
SAMPLED, FEW, RANGE = 64, 8, 16


def shows_nothing(image: Image) -> Literal["blank", "saturated"] | None:
    """The problem of a tile, uint8 RGB [H, W, 3]; None if it shows something.

    Saturated: at least half of the pixels are white. Blank: all have nearly the same colour.
    """
    # Few pixels settle it for most tiles: all of them would cost a twentieth of hashing the tile.
    green = _sample(image, FEW)[:, 1]
    varies = int(green.max()) - int(green.min()) > RANGE
    if varies and np.count_nonzero(green >= WHITE) < SATURATED_SHARE / 2 * len(green):
        return None
    pixels = _sample(image, SAMPLED)
    if np.mean(pixels.min(axis=1) >= WHITE) >= SATURATED_SHARE:
        return "saturated"
    return "blank" if pixels.std(axis=0).max() < BLANK_DEVIATION else None


def _sample(image: Image, side: int) -> Image:
    """Pixels [N, 3] spread over an image, about this many along a side."""
    step = max(1, min(image.shape[:2]) // side)
    return image[::step, ::step].reshape(-1, 3)
