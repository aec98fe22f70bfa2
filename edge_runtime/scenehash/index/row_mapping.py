"""The mapping from compared items to rows, and the rows that a search may find.

An item is a compared code: of one row, or of several rows.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from .segment import Segment
from .topk import Rows


@dataclass(frozen=True)
class RowFilter:
    """The rows that a search may find: all without the dead ones, or only a subset.

    Both int64, ascending.
    """

    dead: Rows | None = None
    subset: Rows | None = None

    @property
    def everything(self) -> bool:
        return self.subset is None and (self.dead is None or len(self.dead) == 0)

    @property
    def left_out(self) -> int | None:
        """The maximum number of rows to leave out; None: many, all outside a subset."""
        if self.subset is not None:
            return None
        return 0 if self.dead is None else len(self.dead)

    def kept(self, rows: Rows, source: Rows) -> tuple[Rows, Rows]:
        """The allowed rows of rows [R], each with its source [R]."""
        if self.everything:
            return rows, source
        keep = np.ones(len(rows), np.bool_)
        if self.dead is not None:
            keep &= ~_contains(self.dead, rows)
        if self.subset is not None:
            keep &= _contains(self.subset, rows)
        return rows[keep], source[keep]

    def count(self, first: int, last: int) -> int:
        """About how many of the rows first to last - 1 are allowed."""
        if self.subset is not None:
            begin, end = np.searchsorted(self.subset, (first, last))
            return int(end - begin)
        if self.dead is None:
            return last - first
        begin, end = np.searchsorted(self.dead, (first, last))
        return last - first - int(end - begin)


class RowMapping(Protocol):
    """The rows of items.

    ordered: each item has one row, and rows ascend as items do.
    """

    @property
    def allowed(self) -> RowFilter: ...

    @property
    def ordered(self) -> bool: ...

    def expand(self, items: Rows, k: int) -> tuple[Rows, Rows]:
        """The rows [R] of items [P], and for each the index in [P] of its item.

        Only allowed rows; at most k rows of one item are needed.
        """

    def earliest(self, item: int) -> int:
        """A lower limit of the rows of this item and later items."""


@dataclass(frozen=True)
class RowRange:
    """Item i is row first + i."""

    first: int
    allowed: RowFilter

    @property
    def ordered(self) -> bool:
        return True

    def expand(self, items: Rows, _k: int) -> tuple[Rows, Rows]:
        return self.allowed.kept(items + self.first, np.arange(len(items)))

    def earliest(self, item: int) -> int:
        return self.first + item


@dataclass(frozen=True)
class RowList:
    """Item i is the i-th of rows, int64 ascending."""

    rows: Rows
    allowed: RowFilter

    @property
    def ordered(self) -> bool:
        return True

    def expand(self, items: Rows, _k: int) -> tuple[Rows, Rows]:
        return self.allowed.kept(self.rows[items], np.arange(len(items)))

    def earliest(self, item: int) -> int:
        return int(self.rows[item])


@dataclass(frozen=True)
class ItemRows:
    """Item i is that of a segment."""

    segment: Segment
    allowed: RowFilter

    @property
    def ordered(self) -> bool:
        return False

    def expand(self, items: Rows, k: int) -> tuple[Rows, Rows]:
        if self.allowed.everything:
            return self.segment.rows_of(items, k)
        # Thousands of rows may share a code: ask about a few, and about more where too few pass.
        most = 8 * k
        rows, source = self.allowed.kept(*self.segment.rows_of(items, most))
        lengths = self.segment.rows_behind(items)
        while True:
            done = (lengths <= most) | (np.bincount(source, minlength=len(items)) >= k)
            short = np.flatnonzero(~done)
            if len(short) == 0:
                return rows, source
            most *= 8
            more, of_short = self.allowed.kept(*self.segment.rows_of(items[short], most))
            others = done[source]
            rows = np.concatenate([rows[others], more])
            source = np.concatenate([source[others], short[of_short]])

    def earliest(self, _item: int) -> int:
        return self.segment.first


def _contains(ascending: Rows, rows: Rows) -> npt.NDArray[np.bool_]:
    """Whether each of rows [R] is one of those ascending."""
    if len(ascending) == 0:
        return np.zeros(len(rows), np.bool_)
    at = np.minimum(np.searchsorted(ascending, rows), len(ascending) - 1)
    return np.asarray(ascending[at] == rows)
