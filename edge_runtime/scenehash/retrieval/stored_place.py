"""The stored tile at a place."""

import numpy as np
import numpy.typing as npt

from scenehash.errors import NotStoredError
from scenehash.geo import Box, Floats, Point
from scenehash.store import Searchable
from scenehash.store.records import seconds


def row_at(store: Searchable, latitude: float, longitude: float) -> tuple[int, str | None]:
    """The row and the station of the tile whose footprint contains a place, in degrees.

    Of several tiles, the newest by acquisition time; of these, the tile whose middle is nearest; of
    these, the last by station and row. Raises NotStoredError when there is none, ConfigurationError
    on an invalid place.
    """
    Point(latitude, longitude).checked()
    tiles = store.tiles_meeting(Box(longitude, latitude, longitude, latitude))
    corners = np.array([placed.tile.footprint for placed in tiles]).reshape(-1, 4, 2)
    around = np.stack(
        [(corners[..., 0] - longitude + 180) % 360 - 180, corners[..., 1] - latitude], axis=-1
    )
    found: list[tuple[float, float, str, int]] = []
    for number in np.flatnonzero(_hold_the_origin(around)).tolist():
        station, row, tile = tiles[number]
        acquired = float("-inf") if tile.time is None else seconds(tile.time)
        away = float(np.hypot(*around[number].mean(axis=0)))
        found.append((acquired, -away, station or "", row))
    if not found:
        raise NotStoredError(
            f"{store.address}: no stored tile shows {latitude:g},{longitude:g} "
            "(latitude, longitude)"
        )
    *_, station, row = max(found)
    return row, station or None


def _hold_the_origin(rings: Floats) -> npt.NDArray[np.bool_]:
    """Which of rings float64 [N, 4, 2] contain the origin, or have it on their edge: bool [N].

    Their corners go around a convex shape: the origin must be on one side of all edges.
    """
    there = np.roll(rings, -1, axis=1)
    sides = rings[..., 0] * there[..., 1] - rings[..., 1] * there[..., 0]
    return np.asarray((sides >= 0).all(axis=1) | (sides <= 0).all(axis=1), np.bool_)
