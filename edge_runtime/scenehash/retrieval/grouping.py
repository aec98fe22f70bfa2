"""Hits grouped: pictures of one place, and near-duplicates, are one find.

Apart from what is merely similar, which codes of one kind of scene often are to the bit: where two
hits have thumbnails, these decide, and not the codes.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from scenehash.codes import Codes, hamming
from scenehash.geo import Floats, bounding_boxes, overlap
from scenehash.store import Hit

from .place_match import Texture, middle_of, shared_area, texture_of

# Intersection over union of two bounding boxes from which on they are of one place: two squares of
# one size that have a quarter of their area in common, as tiles that overlap by half have.
MIN_OVERLAP = 1 / 7
# The share of a code's bits in which two pictures of one place may differ: see watcher/novelty.py.
MOST_BITS = 1 / 4
# Groups that a hit's thumbnail is compared with, those first whose codes are nearest.
COMPARED = 8


def group_hits(
    hits: Sequence[Hit], codes: Codes, thumbnails: Mapping[int, bytes] | None = None
) -> list[list[int]]:
    """The places of hits in groups, in the order of their best hits.

    codes: uint8 [N, K/8] of the hits. thumbnails: a JPEG by row, of those that have one. A hit
    belongs to the first group whose best hit it overlaps on the ground, or in the same scene; else
    to one whose best hit has a thumbnail that shows the same; or, where one of them has none, to
    one with the very same code.
    """
    groups: list[list[int]] = []
    heads = _Heads(codes, thumbnails or {})
    for number, hit in enumerate(hits):
        at = heads.find(number, hit)
        if at is None:
            groups.append([number])
            heads.add(number, hit)
        else:
            groups[at].append(number)
    return groups


class _Heads:
    """The best hits of groups, and what others are compared with."""

    def __init__(self, codes: Codes, thumbnails: Mapping[int, bytes]) -> None:
        self._codes, self._thumbnails = codes, thumbnails
        self._numbers: list[int] = []
        self._hits: list[Hit] = []
        self._boxes: list[Floats] = []
        self._textures: dict[int, Texture] = {}

    def add(self, number: int, hit: Hit) -> None:
        self._numbers.append(number)
        self._hits.append(hit)
        self._boxes.append(_box(hit))

    def find(self, number: int, hit: Hit) -> int | None:
        """The group that a hit belongs to; None when it is the first of its own."""
        if not self._hits:
            return None
        same = overlap(np.stack(self._boxes), _box(hit)) >= MIN_OVERLAP
        same |= [
            (head.station, head.scene) == (hit.station, hit.scene)
            and head.window.overlap(hit.window) >= MIN_OVERLAP
            for head in self._hits
        ]
        if same.any():
            return int(np.argmax(same))
        distances = hamming(self._codes[self._numbers], self._codes[number])
        near = np.argsort(distances, kind="stable")[:COMPARED]
        limit = int(MOST_BITS * 8 * self._codes.shape[1])
        for at in near[distances[near] <= limit].tolist():
            if self._show_the_same(self._hits[at], hit, int(distances[at])):
                return int(at)
        return None

    def _show_the_same(self, head: Hit, hit: Hit, distance: int) -> bool:
        if head.row not in self._thumbnails or hit.row not in self._thumbnails:
            return distance == 0
        middle = middle_of(self._thumbnails[hit.row])
        return middle is not None and shared_area(middle, self._texture(head.row)) > 0

    def _texture(self, row: int) -> Texture:
        if row not in self._textures:
            self._textures[row] = texture_of(self._thumbnails[row])
        return self._textures[row]


def _box(hit: Hit) -> Floats:
    """The bounding box of a hit, float64 [4]; no box overlaps one of NaN."""
    if hit.footprint is None:
        return np.full(4, np.nan)
    box: Floats = bounding_boxes(np.array([hit.footprint]))[0]
    return box
