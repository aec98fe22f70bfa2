"""Which rows of a store a search considers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

from ..places import Box, Floats, Near, bounding_boxes, meeting, within
from .records import Tile, seconds


@dataclass(frozen=True)
class Filter:
    """Conditions on the tiles of a store; all that are given must hold.

    scene: the path of a scene, as it was ingested. label: one of its labels. since, until: its
    acquisition time, both ends included; without a time zone they are UTC. bbox: (west, south,
    east, north) in degrees, west > east across the antimeridian; the bounding box of the tile's
    footprint meets it. near: (latitude, longitude, kilometres); that box has a point within the
    distance. newer_than: rows after this one. A scene without a time, or a tile without a
    footprint, meets no condition on it.
    """

    scene: str | None = None
    newer_than: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    bbox: tuple[float, float, float, float] | None = None
    label: str | None = None
    near: tuple[float, float, float] | None = None

    def __post_init__(self) -> None:
        if self.bbox is not None:
            Box(*self.bbox).checked()
        if self.near is not None:
            Near(*self.near).checked()

    def __bool__(self) -> bool:
        """Whether there is any condition at all."""
        return self != Filter()

    def on_scenes(self) -> tuple[str, list[str | float]]:
        """The SQL condition on table scene, and its parameters; "" when there is none."""
        conditions: list[tuple[str, str | float | None]] = [
            ("scene.path = ?", self.scene),
            ("scene.first_row + scene.tiles - 1 > ?", self.newer_than),
            ("scene.time >= ?", None if self.since is None else seconds(self.since)),
            ("scene.time <= ?", None if self.until is None else seconds(self.until)),
            ("scene.scene IN (SELECT scene FROM label WHERE label = ?)", self.label),
        ]
        given = [(condition, value) for condition, value in conditions if value is not None]
        return " AND ".join(condition for condition, _ in given), [value for _, value in given]

    def holding(self, tiles: Mapping[int, Tile]) -> set[int]:
        """Those rows, of tiles by their rows, for which all conditions hold."""
        rows = [row for row, tile in tiles.items() if self._holds_but_place(row, tile)]
        if self.bbox is None and self.near is None:
            return set(rows)
        rows = [row for row in rows if tiles[row].footprint is not None]
        rings = np.array([tiles[row].footprint for row in rows], np.float64).reshape(-1, 4, 2)
        kept = self.there(bounding_boxes(rings)).tolist()
        return {row for row, is_there in zip(rows, kept, strict=True) if is_there}

    def _holds_but_place(self, row: int, tile: Tile) -> bool:
        if self.scene is not None and tile.scene != self.scene:
            return False
        if self.newer_than is not None and row <= self.newer_than:
            return False
        if self.label is not None and self.label not in tile.labels:
            return False
        time = None if tile.time is None else seconds(tile.time)
        if self.since is not None and (time is None or time < seconds(self.since)):
            return False
        return self.until is None or (time is not None and time <= seconds(self.until))

    def there(self, boxes: Floats) -> npt.NDArray[np.bool_]:
        """Which of the bounding boxes float64 [N, 4] of tiles meet the conditions on places."""
        result = np.ones(len(boxes), np.bool_)
        if self.bbox is not None:
            result &= meeting(boxes, Box(*self.bbox))
        if self.near is not None:
            result &= within(boxes, Near(*self.near))
        return result
