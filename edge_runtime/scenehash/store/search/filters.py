"""Filters: the rows of a store that a search considers."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

from scenehash.errors import ConfigurationError
from scenehash.geo import Box, Floats, Near, bounding_boxes, meeting, within

from ..records import Tile, seconds
from .area import Area


@dataclass(frozen=True)
class Filter:
    """Conditions on the tiles of a store. A tile must meet all given conditions.

    scene: the path of a scene at its ingest (CodeStore.resolve finds it by the end of the path).
    label: one of its labels. since, until: its acquisition time, both ends included; times without
    a time zone are UTC. bbox: (west, south, east, north) in degrees, west > east across the
    antimeridian; it meets the bounding box of the tile's footprint. near: (latitude, longitude,
    kilometres); the bounding box has a point within this distance. area: polygons; the bounding box
    meets one of them. newer_than: rows after this one. station: the name of the tile's station.
    other_than: paths of scenes at their ingest; only tiles of other scenes match. A scene without a
    time, or a tile without a footprint, meets no condition on it.
    """

    scene: str | None = None
    newer_than: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    bbox: tuple[float, float, float, float] | None = None
    label: str | None = None
    near: tuple[float, float, float] | None = None
    area: Area | None = None
    station: str | None = None
    other_than: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if self.bbox is not None:
            Box(*self.bbox).checked()
        if self.near is not None:
            Near(*self.near).checked()
        if self.newer_than is not None and abs(self.newer_than) >= sys.maxsize:
            raise ConfigurationError(f"newer than {self.newer_than}: no row has that number")

    def __bool__(self) -> bool:
        """Whether there is any condition."""
        return self != Filter()

    @property
    def on_places(self) -> bool:
        """Whether a condition is about places."""
        return self.bbox is not None or self.near is not None or self.area is not None

    def holds(self, tiles: Mapping[int, Tile]) -> bool:
        """Whether all tiles, by row, meet the filter."""
        since = None if self.since is None else seconds(self.since)
        until = None if self.until is None else seconds(self.until)
        for row, tile in tiles.items():
            time = None if tile.time is None else seconds(tile.time)
            if not (
                (self.scene is None or tile.scene == self.scene)
                and tile.scene not in (self.other_than or ())
                and (self.newer_than is None or row > self.newer_than)
                and (self.label is None or self.label in tile.labels)
                and (since is None or (time is not None and time >= since))
                and (until is None or (time is not None and time <= until))
                and (not self.on_places or tile.footprint is not None)
            ):
                return False
        if not (self.on_places and tiles):
            return True
        boxes = bounding_boxes(np.array([tile.footprint for tile in tiles.values()]))
        return bool(self.there(boxes).all())

    def there(self, boxes: Floats) -> npt.NDArray[np.bool_]:
        """Which of the tiles' bounding boxes float64 [N, 4] meet the conditions on places."""
        result = np.ones(len(boxes), np.bool_)
        if self.bbox is not None:
            result &= meeting(boxes, Box(*self.bbox))
        if self.near is not None:
            result &= within(boxes, Near(*self.near))
        if self.area is not None:
            result &= self.area.meeting(boxes)
        return result
