"""Is a scene like nothing that is stored? Is its place stored already, and has it changed?"""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

from scenehash.codes import Codes, hamming
from scenehash.geo import Box, bounding_boxes
from scenehash.store import CodeStore, HashedScene
from scenehash.store.records import seconds

Floats = npt.NDArray[np.float64]

# The share of both boxes together that a repeat's and its predecessor's have in common.
SAME_PLACE = 0.5


@dataclass(frozen=True)
class Repeat:
    """A stored tile of the same place at another time.

    distance: between the two codes, in bits. overlap: intersection over union of the two bounding
    boxes, 0 to 1. changed: whether the codes are so far apart that the place looks changed.
    """

    row: int
    scene: str
    time: datetime
    distance: int
    overlap: float
    changed: bool


def novelty(codes: Codes, store: CodeStore) -> list[int | None]:
    """Bits from each of codes uint8 [N, K/8] to the nearest stored one; None in an empty store."""
    return [hits[0].distance if hits else None for hits in store.search(codes, 1)]


def change_distance(bits: int) -> int:
    """Bits beyond which a place looks changed: a quarter of all.

    Two views of one UC Merced place, cropped and lit otherwise, are beyond it in 0.4 % of cases;
    two views of different kinds in 99.8 %.
    """
    return bits // 4


def find_repeats(
    scene: HashedScene, store: CodeStore, same_place: float = SAME_PLACE
) -> list[Repeat | None]:
    """For each tile of a scene, the stored tile that shows its place; None where there is none.

    That is one whose bounding box has an intersection over union of at least same_place with the
    tile's, and whose acquisition time is known and another; of several, the one nearest in time,
    then that of the largest overlap, then the first row.
    """
    none: list[Repeat | None] = [None] * len(scene.windows)
    if scene.footprints is None or scene.time is None:
        return none
    around = Box(*bounding_boxes(scene.footprints.reshape(1, -1, 2))[0].tolist())
    rows, footprints = store.footprints_meeting(around)
    if not len(rows):
        return none
    boxes = bounding_boxes(footprints)
    # From south to north: what a tile may overlap stands together.
    order = np.argsort(boxes[:, 1], kind="stable")
    rows, boxes = rows[order], boxes[order]
    south, tallest = boxes[:, 1], (boxes[:, 3] - boxes[:, 1]).max()
    codes, apart = store.codes(rows), _apart(rows, seconds(scene.time), store)
    found: list[Repeat | None] = []
    for box, code in zip(bounding_boxes(scene.footprints), scene.codes, strict=True):
        near = slice(*np.searchsorted(south, (box[1] - tallest, box[3])).tolist())
        overlaps = overlap(boxes[near], box)
        fitting = np.flatnonzero((overlaps >= same_place) & (apart[near] > 0))
        if len(fitting):
            keys = rows[near][fitting], -overlaps[fitting], apart[near][fitting]
            at = fitting[np.lexsort(keys)[0]]
            distance = int(hamming(codes[near][at : at + 1], code)[0])
            found.append(_repeat(int(rows[near][at]), distance, float(overlaps[at]), store))
        else:
            found.append(None)
    return found


def overlap(boxes: Floats, box: Floats) -> Floats:
    """Intersection over union, in degrees, of boxes float64 [N, 4] with one float64 [4]: [N].

    A box is (west, south, east, north), west > east when it crosses the antimeridian.
    """
    west, south, east, north = boxes.T
    width, height = (east - west) % 360, north - south
    own_width, own_height = (box[2] - box[0]) % 360, box[3] - box[1]
    # How far the other's west is east of this one's; beyond half the globe it is west of it.
    step = (west - box[0] + 180) % 360 - 180
    across = np.minimum(own_width, step + width) - np.maximum(0.0, step)
    along = np.minimum(box[3], north) - np.maximum(box[1], south)
    common = np.maximum(0.0, across) * np.maximum(0.0, along)
    union = width * height + own_width * own_height - common
    result: Floats = np.divide(common, union, out=np.zeros_like(union), where=union > 0)
    return result


def _apart(rows: npt.NDArray[np.int64], time: float, store: CodeStore) -> Floats:
    """Seconds between a time and the acquisition of each row: float64 [N]; 0 where unknown."""
    tiles = store.tiles(rows.tolist())
    times = [tiles[row].time for row in rows.tolist()]
    return np.array([0.0 if when is None else abs(seconds(when) - time) for when in times])


def _repeat(row: int, distance: int, overlap: float, store: CodeStore) -> Repeat:
    tile = store.tiles([row])[row]
    assert tile.time is not None
    changed = distance > change_distance(store.bits)
    return Repeat(row, tile.scene, tile.time, distance, overlap, changed)
