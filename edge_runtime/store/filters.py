"""Which rows of a store a search considers."""

from dataclasses import dataclass
from datetime import datetime

from ..places import Box, Near
from .records import seconds


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

    def on_scenes(self) -> tuple[str, list[str | int | float]]:
        """The SQL condition on table scene, all but the box, and its parameters."""
        parts: list[str] = ["1"]
        values: list[str | int | float] = []
        for condition, value in (
            ("scene.path = ?", self.scene),
            ("scene.first_row + scene.tiles - 1 > ?", self.newer_than),
            ("scene.time >= ?", None if self.since is None else seconds(self.since)),
            ("scene.time <= ?", None if self.until is None else seconds(self.until)),
            ("scene.scene IN (SELECT scene FROM label WHERE label = ?)", self.label),
        ):
            if value is not None:
                parts.append(condition)
                values.append(value)
        return " AND ".join(parts), values
