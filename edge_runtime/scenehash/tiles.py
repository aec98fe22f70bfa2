"""The tile: uint8 RGB [S, S, 3], the input of a model.

The package scenes has the steps before it (reading, bands, stretch). The model's graph has the
steps after it (scaling, normalising).
"""

import cv2
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]

# Sides of a tile that a model may have, in pixels.
MIN_TILE_SIZE, MAX_TILE_SIZE = 32, 1024


def to_tile(image: Image, size: int) -> Image:
    """Cut the largest centred square out of uint8 RGB [H, W, 3] and resize it to [size, size, 3].

    If nothing changes, the result is a view of the image. See resized.
    """
    height, width = image.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return resized(image[top : top + side, left : left + side], size)


def resized(image: Image, size: int) -> Image:
    """Resize uint8 RGB [H, W, 3] to [size, size, 3].

    Shrinking averages areas; enlarging is bilinear, in integers: the same bits on every processor.
    If the size is the same, the result is the image itself.
    """
    height, width = image.shape[:2]
    if max(height, width) > size:
        smaller = min(width, size), min(height, size)
        image = np.asarray(cv2.resize(image, smaller, interpolation=cv2.INTER_AREA), np.uint8)
    if min(height, width) < size:
        larger = cv2.resize(image, (size, size), interpolation=cv2.INTER_LINEAR_EXACT)
        image = np.asarray(larger, np.uint8)
    return image
