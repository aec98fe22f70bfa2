"""Views of a tile: augmented versions of the same scene."""

from hashlib import blake2b

import numpy as np

from scenehash.tiles import Image, to_tile

from .config import CentresSettings, Config

# Views 0 to 7 are the rotations by 0, 90, 180 and 270 degrees, from 4 on mirrored first: an image
# taken from above has no upright side.
ROTATE_FLIP = tuple(range(8))
# Views 8 to 15 add a random crop, resolution and colour.
RANDOM_AUGMENT = tuple(range(8, 16))
PLAIN = (0,)

MIN_CROP = 0.6
COARSEST = 48
SATURATION = (0.3, 1.3)
CONTRAST = (0.4, 1.2)
COLOUR_CAST = 0.08
BRIGHTNESS = 0.15


def views_of(config: Config) -> tuple[int, ...]:
    """The views of an image that a configuration trains on."""
    if not isinstance(config.settings, CentresSettings):
        return PLAIN
    return ROTATE_FLIP + RANDOM_AUGMENT if config.settings.random_augment else ROTATE_FLIP


def view_of(tile: Image, view: int, content: str) -> Image:
    """A tile uint8 [S, S, 3] in one of its 16 views; content seeds the random ones."""
    if view in ROTATE_FLIP:
        return rotate_flip(tile, view)
    seed = blake2b(f"{content} {view}".encode(), digest_size=8).digest()
    return random_augment(rotate_flip(tile, view % 8), np.random.default_rng(int.from_bytes(seed)))


def rotate_flip(tile: Image, view: int) -> Image:
    """A tile uint8 [S, S, 3] in one of its 8 rotations and flips."""
    flipped = tile[:, ::-1] if view >= 4 else tile
    return np.ascontiguousarray(np.rot90(flipped, view % 4))


def random_augment(tile: Image, rng: np.random.Generator) -> Image:
    """A random crop of a tile uint8 [S, S, 3], at another resolution and in other colours.

    The resolution is drawn log-uniformly, down to 48 pixels a side: an archive may be ten times
    coarser than the one that trains.
    """
    size = len(tile)
    side = max(1, round(size * rng.uniform(MIN_CROP, 1)))
    top, left = rng.integers(size - side + 1, size=2)
    part = to_tile(tile[top : top + side, left : left + side], size)
    coarse = round(float(np.exp(rng.uniform(np.log(min(COARSEST, size)), np.log(size)))))
    pixels = to_tile(to_tile(part, coarse), size).astype(np.float32)
    grey = pixels.mean(axis=2, keepdims=True)
    pixels = grey + (pixels - grey) * rng.uniform(*SATURATION)
    pixels = pixels.mean() + (pixels - pixels.mean()) * rng.uniform(*CONTRAST)
    pixels *= np.exp(rng.normal(0, COLOUR_CAST, 3) + rng.normal(0, BRIGHTNESS))
    changed: Image = np.clip(np.rint(pixels), 0, 255).astype(np.uint8)
    return changed
