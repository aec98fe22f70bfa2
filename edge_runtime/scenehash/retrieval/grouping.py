"""Groups of hits: pictures of one place, and near-duplicates.

Merely similar tiles do not form a group, though their codes are often identical within one kind of
scene: if two hits have thumbnails, the thumbnails decide, not the codes.
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
# The number of groups with which a hit's thumbnail is compared, the nearest codes first.
COMPARED = 8


def group_hits(
    hits: Sequence[Hit], codes: Codes, thumbnails: Mapping[int, bytes] | None = None
) -> list[list[int]]:
    """Indices of hits in groups, in the order of their best hits.

    codes: uint8 [N, K/8] of the hits. thumbnails: a JPEG by row, for hits that have one. A hit
    belongs to the first group whose best hit it overlaps, on the ground or in the same scene;
    otherwise to a group whose best hit has a thumbnail of the same place; or, if one of the two has
    no thumbnail, to a group with the same code.
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
    """The best hits of groups, with which other hits are compared."""

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
        """The group of a hit; None if it begins a new group."""
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
