"""Views of a tile: what else the same scene could have looked like."""

from hashlib import blake2b

import numpy as np

from scenehash.tiles import Image, to_tile

from .config import CentresSettings, Config

# A view below 8 is a quarter turn (0-3), mirrored when 4 is added: nadir images have no up.
TURNS = tuple(range(8))
# From 8 on, the scene as another sensor could have seen it.
VARIED = tuple(range(8, 16))
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
    return TURNS + VARIED if config.settings.varied else TURNS


def view_of(tile: Image, view: int, content: str) -> Image:
    """A tile [S, S, 3] in one of its 16 views; content seeds those that are drawn at random."""
    if view in TURNS:
        return turned(tile, view)
    seed = blake2b(f"{content} {view}".encode(), digest_size=8).digest()
    return varied(turned(tile, view % 8), np.random.default_rng(int.from_bytes(seed)))


def turned(tile: Image, view: int) -> Image:
    """A tile [S, S, 3] in one of its 8 turns and mirrorings."""
    mirrored = tile[:, ::-1] if view >= 4 else tile
    return np.ascontiguousarray(np.rot90(mirrored, view % 4))


def varied(tile: Image, rng: np.random.Generator) -> Image:
    """A part of a tile [S, S, 3], at another resolution and in other colours, as [S, S, 3].

    Resolution is drawn evenly in its logarithm, down to 48 pixels a side: an archive may be a tenth
    as sharp as the one that trains.
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
