"""Different real images of a kind for tests: seeded views of the demo's tiles."""

import functools
import zlib
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from scenehash.demo.tiles import KINDS, demo_tiles
from scenehash.tiles import Image

SMALLEST_VIEW = 0.7
# Decoded once a process; who draws of them changes none.
_tiles = functools.cache(demo_tiles)


def read_pixels(path: Path) -> Image:
    """A written picture, uint8 RGB [H, W, 3]."""
    pixels = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
    assert pixels is not None, path
    return np.asarray(pixels, np.uint8)


def draw(kind: str, seed: int, size: int = 256) -> Image:
    """Draw a view uint8 RGB [size, size, 3] of a tile of a kind, the same for the same arguments.

    The seed chooses the tile, a square of it, a rotation by quarters and a mirror image.
    """
    rng = np.random.default_rng((zlib.crc32(kind.encode()), seed))
    tiles = _tiles(kind)
    tile = tiles[seed % len(tiles)]
    side = int(rng.uniform(SMALLEST_VIEW, 1) * len(tile))
    top, left = rng.integers(0, len(tile) - side, 2, endpoint=True)
    square = np.rot90(tile[top : top + side, left : left + side], int(rng.integers(4)))
    square = np.ascontiguousarray(square[:, :: rng.choice((1, -1))])
    how = cv2.INTER_AREA if side > size else cv2.INTER_LINEAR_EXACT
    return np.asarray(cv2.resize(square, (size, size), interpolation=how), np.uint8)


def archive(per_kind: int, seed: int = 0) -> Iterator[tuple[str, Image]]:
    """Views of each kind: a file name, such as harbor_03.png, and the pixels."""
    for kind in KINDS:
        for number in range(per_kind):
            yield f"{kind}_{number:02d}.png", draw(kind, seed * 1000 + number)


def enlarged(kind: str, size: int) -> Image:
    """A scene of one place, uint8 RGB [size, size, 3]: a tile of a kind, enlarged."""
    tile = _tiles(kind)[0]
    return np.asarray(
        cv2.resize(tile, (size, size), interpolation=cv2.INTER_LINEAR_EXACT), np.uint8
    )
