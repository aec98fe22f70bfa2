"""Hits of one place are a group; nothing else is."""

import numpy as np

from scenehash.retrieval.grouping import group_by_place
from scenehash.scenes import Window
from scenehash.store import Hit

SQUARE = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float64)


def hit(rank: int, at: tuple[float, float] | None, side: float = 1.0) -> Hit:
    ring = None
    if at is not None:
        corners = SQUARE * side + at
        corners[:, 0] = (corners[:, 0] + 180) % 360 - 180
        ring = tuple((float(x), float(y)) for x, y in corners)
    return Hit(rank, rank, 100 + rank, f"/{rank}.tif", Window(0, 0, 1, 1), footprint=ring)


def test_overlapping_footprints_are_one_place_and_others_are_not() -> None:
    hits = [
        hit(1, (10, 0)),
        hit(2, (10.2, 0)),  # overlap 0.8 / 1.2
        hit(3, (10.6, 0)),  # 0.4 / 1.6 with the first
        hit(4, None),
        hit(5, (10, 0), 3.0),  # holds the first, but is nine times as large
        hit(6, (10.7, 0.1)),
        hit(7, None),
    ]
    assert group_by_place(hits) == [[101, 102], [103, 106], [104], [105], [107]]


def test_a_place_on_the_antimeridian_is_one_place() -> None:
    assert group_by_place([hit(1, (179.6, 0)), hit(2, (-180.3, 0))]) == [[101, 102]]


def test_no_hits_are_no_groups() -> None:
    assert group_by_place([]) == []
