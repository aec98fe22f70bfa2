"""Rows and positions: a tile's permanent number, and the present place of its code in codes.bin."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Ranges:
    """Ranges of rows, ascending and disjoint: first int64 [N] and count int64 [N]."""

    first: Rows
    count: Rows

    @classmethod
    def of(cls, pairs: list[tuple[int, int]] | Rows) -> "Ranges":
        """From pairs (first, count), ascending; adjacent ranges become one."""
        table = np.array(pairs, np.int64).reshape(-1, 2)
        first, count = table[:, 0], table[:, 1]
        opens = np.ones(len(table), np.bool_)
        opens[1:] = first[1:] != first[:-1] + count[:-1]
        starts = np.flatnonzero(opens)
        return cls(first[opens], np.add.reduceat(count, starts) if len(starts) else count)

    @classmethod
    def covering(cls, rows: Rows) -> "Ranges":
        """From single rows, ascending."""
        return cls.of(np.stack([rows, np.ones_like(rows)], axis=1))

    def checked(self, end: int) -> "Ranges":
        """The ranges themselves; ValueError unless they are disjoint, from row 0 to before end."""
        ends = self.first + self.count
        apart = (self.first[1:] > ends[:-1]).all() and (self.count > 0).all()
        if len(self) and not (apart and self.first[0] >= 0 and ends[-1] <= end):
            raise ValueError("rows that are missing, or given twice")
        return self

    def __len__(self) -> int:
        return len(self.first)

    def total(self) -> int:
        """The total number of rows."""
        return int(self.count.sum())

    def expanded(self) -> Rows:
        """All rows, int64, ascending."""
        before = np.cumsum(self.count) - self.count
        return np.repeat(self.first - before, self.count) + np.arange(self.total())

    def parts(self, most: int) -> Iterator[tuple[int, int]]:
        """First and last row of each range; long ranges in parts of at most this many rows."""
        for first, count in zip(self.first.tolist(), self.count.tolist(), strict=True):
            for start in range(first, first + count, most):
                yield start, min(start + most, first + count) - 1

    def contain(self, rows: Rows) -> npt.NDArray[np.bool_]:
        """Which of rows int64 [N] lie in a range: bool [N]."""
        if not len(self):
            return np.zeros(len(rows), np.bool_)
        at = np.searchsorted(self.first, rows, side="right") - 1
        inside = at >= 0
        inside[inside] = rows[inside] < (self.first + self.count)[at[inside]]
        return inside


@dataclass(frozen=True)
class RowMap:
    """The position of each row's code in codes.bin; dropped: the rows without a code."""

    dropped: Ranges

    def positions(self, rows: Rows) -> Rows:
        """The positions of rows that were not dropped."""
        if not len(self.dropped):
            return rows
        before = np.concatenate([[0], np.cumsum(self.dropped.count)])
        positions: Rows = rows - before[np.searchsorted(self.dropped.first, rows, side="right")]
        return positions

    def rows(self, positions: Rows) -> Rows:
        """The rows at positions."""
        if not len(self.dropped):
            return positions
        after = np.cumsum(self.dropped.count)
        gaps = self.dropped.first - (after - self.dropped.count)
        skipped = np.concatenate([[0], after])
        rows: Rows = positions + skipped[np.searchsorted(gaps, positions, side="right")]
        return rows
