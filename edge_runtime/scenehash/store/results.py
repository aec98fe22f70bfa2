"""What a store answers with."""

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


@dataclass(frozen=True)
class Added:
    """What became of scenes that were added or merged: how many of each.

    labelled: duplicates whose labels were added to those of the stored scene. set_aside: what is
    damaged of those that a merge left out, a line each. first_rows: the first
    row of each scene that an add stored, in their order.
    """

    stored: int = 0
    duplicates: int = 0
    repaired: int = 0
    labelled: int = 0
    set_aside: tuple[str, ...] = ()
    first_rows: tuple[int, ...] = ()

    def document(self) -> dict[str, object]:
        """The same as plain values, as JSON has them."""
        return {
            "scenes_stored": self.stored,
            "scenes_duplicate": self.duplicates,
            "scenes_repaired": self.repaired,
            "scenes_labelled": self.labelled,
            "set_aside": list(self.set_aside),
        }

    def __add__(self, other: "Added") -> "Added":
        return Added(
            self.stored + other.stored,
            self.duplicates + other.duplicates,
            self.repaired + other.repaired,
            self.labelled + other.labelled,
            self.set_aside + other.set_aside,
            self.first_rows + other.first_rows,
        )


@dataclass(frozen=True)
class Quarantined:
    """An input that could not be ingested: why, and when that was tried last, in UTC."""

    path: str
    reason: str
    time: datetime

    def document(self) -> dict[str, object]:
        """The entry as plain values, as JSON has them."""
        return {"path": self.path, "reason": self.reason, "time": self.time.isoformat()}
