"""What a search finds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from scenehash.tiling import Window


@dataclass(frozen=True)
class Hit:
    """A row of a store and its Hamming distance to the query; rank 1 is the nearest.

    time is in UTC; footprint has the corners of the window as (longitude, latitude) in degrees;
    labels are the scene's; decode_params: how its pixels are made of its file. same_place: whether
    the tile shows the query's place; None where that was not compared. cosine: that of its vector
    and the query's, likewise. match: one word for how much the hit means, and hamming_rank: its
    rank by distance, whatever order it is shown in; where a search says so (scenehash.search).
    station: the name of the station that the tile is from, where it has one.
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
        """The hit as plain values, as JSON has them."""
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
