"""Rows and positions: a tile's number for good, and where its code is in codes.bin today."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Ranges:
    """Ranges of rows, ascending and apart: first int64 [N] and count int64 [N]."""

    first: Rows
    count: Rows

    @classmethod
    def of(cls, pairs: list[tuple[int, int]] | Rows) -> "Ranges":
        """From pairs (first, count), ascending; neighbours that touch become one."""
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
        """The ranges themselves; ValueError unless they lie apart, from row 0 to before end."""
        ends = self.first + self.count
        apart = (self.first[1:] > ends[:-1]).all() and (self.count > 0).all()
        if len(self) and not (apart and self.first[0] >= 0 and ends[-1] <= end):
            raise ValueError("rows that are missing, or given twice")
        return self

    def __len__(self) -> int:
        return len(self.first)

    def total(self) -> int:
        """How many rows there are in all."""
        return int(self.count.sum())

    def expanded(self) -> Rows:
        """All rows, int64, ascending."""
        before = np.cumsum(self.count) - self.count
        return np.repeat(self.first - before, self.count) + np.arange(self.total())

    def parts(self, most: int) -> Iterator[tuple[int, int]]:
        """First and last row of each range, of long ones in parts of at most so many rows."""
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
    """Which position of codes.bin holds a row's code; dropped are the rows that have none."""

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
