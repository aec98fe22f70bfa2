"""Scenes that are made from their number alone, for stores under test."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from scenehash import CodeStore
from scenehash.scenes import Window
from scenehash.store import HashedScene

LINEAGE = "a" * 16
TILE = 0.01  # degrees


def scene(number: int, tiles: int = 1, bits: int = 64) -> HashedScene:
    """A scene that is nowhere and was taken at no time."""
    codes = np.random.default_rng(number).integers(0, 256, (tiles, bits // 8), np.uint8)
    windows = [Window(256 * tile, 0, 256, 256) for tile in range(tiles)]
    return HashedScene(f"{number:032x}", f"/scenes/{number}.png", windows, codes)


def placed(
    number: int,
    tiles: int = 1,
    corner: tuple[float, float] = (8.0, 47.0),
    labels: tuple[str, ...] = (),
) -> HashedScene:
    """A scene whose tiles lie in a row eastwards of a corner, taken on day number of 2026."""
    plain = scene(number, tiles)
    ring = np.array([[0, 0], [TILE, 0], [TILE, TILE], [0, TILE]]) + corner
    footprints = ring + np.arange(tiles)[:, None, None] * [TILE, 0.0]
    footprints[..., 0] = (footprints[..., 0] + 180) % 360 - 180
    time = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=number)
    return HashedScene(
        plain.content, plain.path, plain.windows, plain.codes, time, footprints, labels
    )


def make(path: Path, scenes: int = 0, bits: int = 64) -> CodeStore:
    """A store, open for writing, of scenes 0, 1, 2 ... of one, two and three tiles in turn."""
    store = CodeStore.create(path, LINEAGE, bits, "a-model")
    store.add([scene(number, 1 + number % 3, bits) for number in range(scenes)])
    return store
