"""The tile: uint8 RGB [S, S, 3], what a model takes.

What comes before it (reading, bands, stretch) is in scenes; what follows (scaling, normalising) is
inside the model's graph.
"""

import cv2
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]

# Sides of a tile that a model may have, in pixels.
MIN_TILE_SIZE, MAX_TILE_SIZE = 32, 1024


def to_tile(image: Image, size: int) -> Image:
    """Cut the largest centred square out of uint8 RGB [H, W, 3] and resize it to [size, size, 3].

    Shrinking averages areas; enlarging is bilinear. Without either it is a view of the image.
    """
    height, width = image.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = image[top : top + side, left : left + side]
    if side != size:
        # INTER_LINEAR_EXACT is integer arithmetic: the same bits on every processor.
        how = cv2.INTER_AREA if side > size else cv2.INTER_LINEAR_EXACT
        square = np.asarray(cv2.resize(square, (size, size), interpolation=how), np.uint8)
    return square
