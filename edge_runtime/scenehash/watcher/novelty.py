"""Whether the place of a tile was seen before, and has changed since."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

from scenehash.codes import hamming
from scenehash.geo import Floats, bounding_boxes, box_around, overlap
from scenehash.store import CodeStore, HashedScene
from scenehash.store.records import seconds

# The minimum intersection over union of two bounding boxes of one place.
MIN_OVERLAP = 0.5


@dataclass(frozen=True)
class Repeat:
    """A stored tile of the same place at another time.

    distance: between the two codes, in bits. overlap: intersection over union of the two bounding
    boxes, 0 to 1. changed: whether the distance is more than change_distance: a hint that the place
    has changed.
    """

    row: int
    scene: str
    time: datetime
    distance: int
    overlap: float
    changed: bool


def change_distance(bits: int) -> int:
    """The largest distance, in bits, of an unchanged place: a quarter of the code's bits.

    On UC Merced's test images, 0.4 % of the pairs of one image, cropped and lit differently, exceed
    it, and 99.8 % of the pairs of images of two classes.
    """
    return bits // 4


def find_repeats(
    scene: HashedScene, store: CodeStore, min_overlap: float = MIN_OVERLAP
) -> list[Repeat | None]:
    """For each tile of a scene, a stored tile of the same place; None if there is none.

    Its bounding box overlaps the tile's by at least min_overlap, and its acquisition time is known
    and different. Of several tiles, the nearest in time counts, then the largest overlap, then the
    first row.
    """
    none: list[Repeat | None] = [None] * len(scene.windows)
    if scene.footprints is None or scene.time is None:
        return none
    around = box_around(scene.footprints)
    rows, footprints = store.footprints_meeting(around)
    if not len(rows):
        return none
    boxes = bounding_boxes(footprints)
    # Sorted by latitude: the boxes that a tile may overlap are a slice.
    order = np.argsort(boxes[:, 1], kind="stable")
    rows, boxes = rows[order], boxes[order]
    south, tallest = boxes[:, 1], (boxes[:, 3] - boxes[:, 1]).max()
    codes, time_gaps = store.codes(rows), _time_gaps(rows, seconds(scene.time), store)
    found: list[Repeat | None] = []
    for box, code in zip(bounding_boxes(scene.footprints), scene.codes, strict=True):
        near = slice(*np.searchsorted(south, (box[1] - tallest, box[3])).tolist())
        overlaps = overlap(boxes[near], box)
        fitting = np.flatnonzero((overlaps >= min_overlap) & (time_gaps[near] > 0))
        if len(fitting):
            keys = rows[near][fitting], -overlaps[fitting], time_gaps[near][fitting]
            best = fitting[np.lexsort(keys)[0]]
            distance = int(hamming(codes[near][best : best + 1], code)[0])
            found.append(_repeat(int(rows[near][best]), distance, float(overlaps[best]), store))
        else:
            found.append(None)
    return found


def _time_gaps(rows: npt.NDArray[np.int64], time: float, store: CodeStore) -> Floats:
    """Seconds between a time and the acquisition time of each row: float64 [N]; 0 if unknown."""
    tiles = store.tiles(rows.tolist())
    times = [tiles[row].time for row in rows.tolist()]
    return np.array([0.0 if when is None else abs(seconds(when) - time) for when in times])


def _repeat(row: int, distance: int, overlap: float, store: CodeStore) -> Repeat:
    tile = store.tiles([row])[row]
    assert tile.time is not None
    changed = distance > change_distance(store.bits)
    return Repeat(row, tile.scene, tile.time, distance, overlap, changed)
