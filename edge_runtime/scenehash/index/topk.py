"""The k nearest rows so far, in the order of every search: (distance, row)."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

NO_ROW = -1

Distances = npt.NDArray[np.int32]
Rows = npt.NDArray[np.int64]


def search_order(distances: npt.NDArray[np.integer], rows: Rows) -> npt.NDArray[np.intp]:
    """The indices [N] that sort distances and rows [N] into the order of every search."""
    return np.lexsort((rows, distances))


@dataclass(frozen=True)
class TopK:
    """At most k rows and their distances, ascending by (distance, row).

    farthest: larger distances are of no interest.
    """

    k: int
    farthest: int
    distances: Distances
    rows: Rows

    @classmethod
    def none(cls, k: int, farthest: int) -> "TopK":
        """Nothing found yet."""
        return cls(k, farthest, np.empty(0, np.int32), np.empty(0, np.int64))

    def limit(self, first_row: int = 0) -> int:
        """The largest distance at which a row from first_row on could be among the k.

        -1 if none could.
        """
        if len(self.rows) < self.k:
            return self.farthest
        last, latest = self._worst
        # A later row at the same distance ranks lower.
        return last - 1 if latest < first_row else last

    @cached_property
    def _worst(self) -> tuple[int, int]:
        """The k-th distance, and the last row among those at that distance."""
        return (int(self.distances[-1]), int(self.rows[-1])) if self.k else (-1, NO_ROW)

    def joined(self, distances: npt.NDArray[np.integer], rows: Rows) -> "TopK":
        """The k nearest of these and others [N] in any order, of which none is among these."""
        if len(self.rows):
            distances = np.concatenate([self.distances, distances])
            rows = np.concatenate([self.rows, rows])
        if len(rows) > self.k:
            kept = distances <= self._cut(distances)
            distances, rows = distances[kept], rows[kept]
        order = search_order(distances, rows)[: self.k]
        nearest = distances[order].astype(np.int32)
        count = int(nearest.searchsorted(self.farthest, side="right"))
        return TopK(self.k, self.farthest, nearest[:count], rows[order][:count])

    def _cut(self, distances: npt.NDArray[np.integer]) -> int:
        """A distance beyond which none of these [N], more than k, is among the k nearest."""
        if not self.k:
            return self.farthest
        return min(self.farthest, int(np.partition(distances, self.k - 1)[self.k - 1]))
