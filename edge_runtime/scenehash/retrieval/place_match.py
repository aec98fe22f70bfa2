"""Whether a stored tile shows the place of a query, by comparing shifted thumbnails.

Codes distinguish kinds of scenes, not places: for a crop of one of two forest tiles, either tile
may be nearer. So the middle of the crop is searched for in the tile's thumbnail by normalised
cross-correlation, which does not depend on brightness and contrast. Both are band-pass filtered:
slow gradients are the same everywhere, and the finest grain changes when an image is shifted by
half a pixel. Source: Lewis, "Fast normalized cross-correlation", Vision Interface, 1995.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt

from scenehash.codes import hamming
from scenehash.scenes.thumbnails import SIDE
from scenehash.store import Hit, Searchable

from .query import Query

# A crop may be shifted by this share of its side; what is inside of that on all sides is searched
# for.
FARTHEST = 0.2
MARGIN = int(np.ceil(FARTHEST * SIDE))
# Standard deviations of the two Gaussians of the band-pass filter, in pixels.
FINE, COARSE = 1.0, 6.0
# The least correlation of two pictures of one place: benchmarks/same_place.py has distributions.
ALIKE = 0.9
# Grey levels, standard deviation: pictures with less texture look the same everywhere.
LEAST_TEXTURE = 1.0
# The number of a query's tiles with which a hit is compared.
TILES_COMPARED = 8

Texture = npt.NDArray[np.float32]


def same_place_first(store: Searchable, queries: Sequence[Query], hits: Sequence[Hit]) -> list[Hit]:
    """Move the hits that show the place of a query to the front, and mark all hits as compared.

    The tiles of queries must be as large on the ground as stored tiles. The larger the shown part
    of a query, the farther in front is the hit; equal hits, and all other hits, keep their order. A
    hit without a thumbnail is not compared. If queries have many tiles, each hit is compared with
    the few tiles whose codes are nearest.
    """
    if not hits:
        return []
    middles = _Middles([jpeg for query in queries for jpeg in query.thumbnails])
    codes = np.concatenate([query.codes for query in queries if query.thumbnails])
    rows = [hit.row for hit in hits]
    thumbnails, stored = store.thumbnails.of(rows), store.codes_of(hits)
    compared: list[tuple[float, Hit]] = []
    for hit, code in zip(hits, stored, strict=True):
        if hit.row not in thumbnails:
            compared.append((0.0, hit))
            continue
        texture = texture_of(thumbnails[hit.row])
        near = np.argsort(hamming(codes, code), kind="stable")[:TILES_COMPARED].tolist()
        shared = max((shared_area(middle, texture) for middle in middles.of(near)), default=0.0)
        compared.append((shared, replace(hit, same_place=shared > 0)))
    return [hit for _, hit in sorted(compared, key=lambda pair: -pair[0])]


class _Middles:
    """The middles of thumbnails, made at their first use."""

    def __init__(self, thumbnails: Sequence[bytes]) -> None:
        self._thumbnails = thumbnails
        self._known: dict[int, Texture | None] = {}

    def of(self, numbers: Sequence[int]) -> Iterator[Texture]:
        """The middles of the thumbnails with these numbers, where there is one."""
        for number in numbers:
            if number not in self._known:
                self._known[number] = middle_of(self._thumbnails[number])
            middle = self._known[number]
            if middle is not None:
                yield middle


def alikeness(middle: Texture, texture: Texture) -> tuple[float, float, float]:
    """The similarity of the middle of a picture to a part of another, -1 to 1, and the place of
    that part.

    middle: float32 [SIDE - 2 MARGIN] * 2, texture: [SIDE] * 2. Place: the shift of the picture to
    the right and down, in pixels of the thumbnail.
    """
    found = np.asarray(cv2.matchTemplate(texture, middle, cv2.TM_CCOEFF_NORMED), np.float32)
    _, best, _, (x, y) = cv2.minMaxLoc(found)
    across, down = _peak(found[y], x), _peak(found[:, x], y)
    return float(best), across - MARGIN, down - MARGIN


def shared_area(middle: Texture, texture: Texture) -> float:
    """The share of its area, to the hundredth, that a picture has in common with another; 0 for
    none.

    Arguments as in alikeness.
    """
    similarity, across, down = alikeness(middle, texture)
    if similarity < ALIKE:
        return 0.0
    return round((1 - abs(across) / SIDE) * (1 - abs(down) / SIDE), 2)


def middle_of(thumbnail: bytes) -> Texture | None:
    """The part of a thumbnail that is searched for in others, float32 [SIDE - 2 MARGIN] * 2.

    None when it has too little texture.
    """
    middle = texture_of(thumbnail)[MARGIN : SIDE - MARGIN, MARGIN : SIDE - MARGIN]
    return np.ascontiguousarray(middle) if middle.std() >= LEAST_TEXTURE else None


def texture_of(thumbnail: bytes) -> Texture:
    """A thumbnail's grey levels, band-pass filtered: float32 [SIDE, SIDE]."""
    grey = np.asarray(cv2.imdecode(np.frombuffer(thumbnail, np.uint8), cv2.IMREAD_GRAYSCALE))
    levels = np.asarray(cv2.resize(grey, (SIDE, SIDE)), np.float32)
    return cv2.GaussianBlur(levels, (0, 0), FINE) - cv2.GaussianBlur(levels, (0, 0), COARSE)


def _peak(values: npt.NDArray[np.float32], at: int) -> float:
    """The position of a curve's maximum between samples, by the parabola through three samples."""
    if not 0 < at < len(values) - 1:
        return float(at)
    before, here, after = values[at - 1 : at + 2].tolist()
    bend = before - 2 * here + after
    return at + (0.5 * (before - after) / bend if bend else 0.0)
