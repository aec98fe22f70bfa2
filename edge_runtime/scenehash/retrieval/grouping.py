"""Hits grouped by place: several pictures of one place are one find."""

from collections.abc import Sequence

import numpy as np

from scenehash.geo import Floats, bounding_boxes, overlap
from scenehash.store import Hit

# Intersection over union of two bounding boxes from which on they are of one place.
MIN_OVERLAP = 0.5


def group_by_place(hits: Sequence[Hit]) -> list[list[int]]:
    """The rows of hits in groups of one place each, in the order of their best hits.

    A hit belongs to the first group whose best hit its bounding box overlaps by MIN_OVERLAP or
    more; one without a footprint has a group of its own.
    """
    groups: list[list[int]] = []
    heads: list[Floats] = []
    for hit in hits:
        box = None if hit.footprint is None else bounding_boxes(np.array([hit.footprint]))[0]
        at = None if box is None or not heads else _first_overlapping(np.stack(heads), box)
        if at is None:
            groups.append([hit.row])
            # No box overlaps one of NaN.
            heads.append(np.full(4, np.nan) if box is None else box)
        else:
            groups[at].append(hit.row)
    return groups


def _first_overlapping(boxes: Floats, box: Floats) -> int | None:
    found = np.flatnonzero(overlap(boxes, box) >= MIN_OVERLAP)
    return int(found[0]) if len(found) else None
