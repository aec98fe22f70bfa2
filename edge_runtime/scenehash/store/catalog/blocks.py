"""Blocks, the entries of the R*Tree: up to 64 consecutive tiles of a scene and their bounding box.

One entry per tile would cost more than all other work of a commit, and would hardly be faster.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from scenehash.geo import Floats, bounding_boxes

from ..records import SceneRecord

TILES_A_BLOCK = 64


class Block(NamedTuple):
    """An entry. Its id is twice the first row, plus one for the eastern hemisphere.

    every: each tile from first_row to last_row reaches into this entry's box. The sides are
    float32, rounded outwards, as SQLite stores them.
    """

    id: int
    west: float
    east: float
    south: float
    north: float
    first_row: int
    last_row: int
    every: bool


def blocks_of(records: Sequence[SceneRecord]) -> Iterator[Block]:
    """The blocks of scenes, by id; none for a scene without footprints.

    A block has one entry for each hemisphere that its tiles reach into, so that the box of tiles on
    both sides of the antimeridian does not go around the Earth.
    """
    placed = [record for record in records if record.footprints is not None]
    if not placed:
        return
    boxes = bounding_boxes(np.concatenate([record.footprints for record in placed]))
    rows = np.concatenate(
        [np.arange(record.first_row, record.first_row + record.tiles) for record in placed]
    )
    starts = np.concatenate(
        [np.arange(record.tiles) % TILES_A_BLOCK == 0 for record in placed]
    ).nonzero()[0]
    ends = np.append(starts[1:], len(rows)) - 1
    halves = [_entries(*half, starts) for half in (_western(boxes), _eastern(boxes))]
    spans = zip(rows[starts].tolist(), rows[ends].tolist(), strict=True)
    for at, (first, last) in enumerate(spans):
        for eastern, (some, every, sides) in enumerate(halves):
            if some[at]:
                west, east, south, north = sides[at]
                yield Block(2 * first + eastern, west, east, south, north, first, last, every[at])


def _western(boxes: Floats) -> tuple[npt.NDArray[np.bool_], Floats]:
    """Which boxes reach into the western hemisphere, and their sides in it."""
    west, south, east, north = boxes.T
    crossing = west > east
    left = np.where(crossing, -180.0, west)
    right = np.where(crossing & (west < 0), 0.0, np.minimum(east, 0.0))
    return crossing | (west <= 0), np.stack([left, right, south, north])


def _eastern(boxes: Floats) -> tuple[npt.NDArray[np.bool_], Floats]:
    """Which boxes reach into the eastern hemisphere, and their sides in it."""
    west, south, east, north = boxes.T
    crossing = west > east
    left = np.where(crossing & (east > 0), 0.0, np.maximum(west, 0.0))
    right = np.where(crossing, 180.0, east)
    return crossing | (east >= 0), np.stack([left, right, south, north])


def _entries(
    reaches: npt.NDArray[np.bool_], sides: Floats, starts: npt.NDArray[np.int64]
) -> tuple[list[bool], list[bool], list[list[float]]]:
    """For each block: whether any and whether all of its tiles reach in, and their bounding box."""
    some = np.logical_or.reduceat(reaches, starts)
    every = np.logical_and.reduceat(reaches, starts)
    around = []
    for side, smallest in zip(sides, (True, False, True, False), strict=True):
        outwards, extreme = (-np.inf, np.minimum) if smallest else (np.inf, np.maximum)
        inside = np.where(reaches, side, -outwards)
        around.append(_float32(extreme.reduceat(inside, starts), outwards))
    return some.tolist(), every.tolist(), np.stack(around, axis=1).tolist()


def _float32(sides: Floats, outwards: float) -> npt.NDArray[np.float32]:
    near = sides.astype(np.float32)
    inwards = near > sides if outwards < 0 else near < sides
    return np.where(inwards, np.nextafter(near, np.float32(outwards)), near)
