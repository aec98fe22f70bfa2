"""The result of a search."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from scenehash.tiling import Window


@dataclass(frozen=True)
class Hit:
    """A row of a store and its Hamming distance to the query; rank 1 is the nearest.

    time: in UTC. footprint: the corners of the window as (longitude, latitude) in degrees. labels:
    the scene's labels. decode_params: how the scene's file becomes pixels. same_place: whether the
    tile shows the query's place; None if not compared. cosine: of the tile's vector and the
    query's; None if not compared. match: one word for the meaning of the distance, and
    hamming_rank: the rank by distance in any order of hits; only scenehash.search sets them.
    station: the name of the tile's station, if it has one.
    """

    rank: int
    distance: int
    row: int
    scene: str
    window: Window
    time: datetime | None = None
    footprint: tuple[tuple[float, float], ...] | None = None
    labels: tuple[str, ...] = ()
    decode_params: Mapping[str, object] = field(default_factory=dict)
    same_place: bool | None = None
    cosine: float | None = None
    match: str | None = None
    hamming_rank: int | None = None
    station: str | None = None

    def document(self) -> dict[str, object]:
        """The hit as plain values for JSON."""
        window = self.window
        return {
            "rank": self.rank,
            "distance": self.distance,
            "row": self.row,
            "scene": self.scene,
            "window": [window.x, window.y, window.width, window.height],
            "time": None if self.time is None else self.time.isoformat(),
            "footprint": self.footprint,
            "labels": list(self.labels),
            "same_place": self.same_place,
            "cosine": self.cosine,
            "match": self.match,
            "hamming_rank": self.hamming_rank,
            "station": self.station,
        }
