"""Thumbnails: small pictures of tiles, as JPEG."""

import cv2
import numpy as np

from scenehash.tiles import Image, to_tile

# 64 x 64 pixels show what a tile is, and tell it from others; 1.6 kB on average.
SIDE, QUALITY = 64, 80


def make_thumbnail(image: Image) -> bytes:
    """A JPEG of the largest centred square of uint8 RGB [H, W, 3], SIDE x SIDE pixels."""
    small = cv2.cvtColor(to_tile(image, SIDE), cv2.COLOR_RGB2BGR)
    return cv2.imencode(".jpg", small, (cv2.IMWRITE_JPEG_QUALITY, QUALITY))[1].tobytes()


def decode_thumbnail(jpeg: bytes) -> Image:
    """The pixels of a thumbnail, uint8 RGB [SIDE, SIDE, 3]."""
    decoded = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR_RGB)
    return np.asarray(decoded, np.uint8)
