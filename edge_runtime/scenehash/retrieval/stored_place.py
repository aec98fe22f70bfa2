"""The stored tile that shows a place."""

import numpy as np
import numpy.typing as npt

from scenehash.errors import NotStoredError
from scenehash.geo import Box, Floats, Point
from scenehash.store import CodeStore
from scenehash.store.records import seconds


def row_at(store: CodeStore, latitude: float, longitude: float) -> int:
    """The row of the tile whose footprint holds a place, in degrees.

    Of several, those acquired last; of these, the one whose middle is nearest; of these, the last
    row. Raises NotStoredError when there is none, ConfigurationError on a place that is none.
    """
    Point(latitude, longitude).checked()
    rows, footprints = store.footprints_meeting(Box(longitude, latitude, longitude, latitude))
    around = np.stack(
        [(footprints[..., 0] - longitude + 180) % 360 - 180, footprints[..., 1] - latitude], axis=-1
    )
    inside = _hold_the_origin(around)
    tiles = store.tiles(rows[inside].tolist())
    found: list[tuple[float, float, int]] = []
    for row, corners in zip(rows[inside].tolist(), around[inside], strict=True):
        if row in tiles:
            time = tiles[row].time
            acquired = float("-inf") if time is None else seconds(time)
            found.append((acquired, -float(np.hypot(*corners.mean(axis=0))), row))
    if not found:
        raise NotStoredError(
            f"{store.path}: no stored tile shows {latitude:g},{longitude:g} (latitude, longitude)"
        )
    return max(found)[2]


def _hold_the_origin(rings: Floats) -> npt.NDArray[np.bool_]:
    """Which of rings float64 [N, 4, 2] hold the origin, or have it on their edge: bool [N].

    Their corners go round a convex shape: the origin is on one side of all edges.
    """
    there = np.roll(rings, -1, axis=1)
    sides = rings[..., 0] * there[..., 1] - rings[..., 1] * there[..., 0]
    return np.asarray((sides >= 0).all(axis=1) | (sides <= 0).all(axis=1), np.bool_)
