"""Which rows stand behind the positions of scanned codes, and which of them may be found."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from .segment import Segment
from .topk import Rows


@dataclass(frozen=True)
class RowFilter:
    """Which rows a search may find: all, less the dead ones, and of a subset only its own.

    Both int64, ascending.
    """

    dead: Rows | None = None
    subset: Rows | None = None

    @property
    def everything(self) -> bool:
        return self.subset is None and (self.dead is None or len(self.dead) == 0)

    @property
    def left_out(self) -> int | None:
        """How many rows may not be found, at most; None: many, of a subset all others."""
        if self.subset is not None:
            return None
        return 0 if self.dead is None else len(self.dead)

    def of(self, rows: Rows, source: Rows) -> tuple[Rows, Rows]:
        """Those of rows [R] that may be found, each still with its source [R]."""
        if self.everything:
            return rows, source
        keep = np.ones(len(rows), np.bool_)
        if self.dead is not None:
            keep &= ~_contains(self.dead, rows)
        if self.subset is not None:
            keep &= _contains(self.subset, rows)
        return rows[keep], source[keep]

    def count(self, first: int, last: int) -> int:
        """About how many of the rows first to last - 1 may be found."""
        if self.subset is not None:
            begin, end = np.searchsorted(self.subset, (first, last))
            return int(end - begin)
        if self.dead is None:
            return last - first
        begin, end = np.searchsorted(self.dead, (first, last))
        return last - first - int(end - begin)


class Placement(Protocol):
    """What stands behind the positions of the codes that are scanned.

    ordered: whether rows ascend as positions do.
    """

    @property
    def allowed(self) -> RowFilter: ...

    @property
    def ordered(self) -> bool: ...

    def expand(self, positions: Rows, k: int) -> tuple[Rows, Rows]:
        """The rows [R] behind positions [P] and for each which of the positions it is from.

        Only rows that may be found; where many stand behind one position, k of them are enough.
        """

    def earliest(self, position: int) -> int:
        """No row behind this position or a later one is smaller than this."""


@dataclass(frozen=True)
class RowRange:
    """Position p is row first + p."""

    first: int
    allowed: RowFilter

    @property
    def ordered(self) -> bool:
        return True

    def expand(self, positions: Rows, _k: int) -> tuple[Rows, Rows]:
        return self.allowed.of(positions + self.first, np.arange(len(positions)))

    def earliest(self, position: int) -> int:
        return self.first + position


@dataclass(frozen=True)
class RowList:
    """Position p is the p-th of rows, int64 ascending."""

    rows: Rows
    allowed: RowFilter

    @property
    def ordered(self) -> bool:
        return True

    def expand(self, positions: Rows, _k: int) -> tuple[Rows, Rows]:
        return self.allowed.of(self.rows[positions], np.arange(len(positions)))

    def earliest(self, position: int) -> int:
        return int(self.rows[position])


@dataclass(frozen=True)
class ItemRows:
    """Position p is item p of a segment."""

    segment: Segment
    allowed: RowFilter

    @property
    def ordered(self) -> bool:
        return False

    def expand(self, positions: Rows, k: int) -> tuple[Rows, Rows]:
        if self.allowed.everything:
            return self.segment.rows_of(positions, k)
        # Thousands of rows may share a code: ask about a few, and about more where too few pass.
        most = 8 * k
        rows, source = self.allowed.of(*self.segment.rows_of(positions, most))
        lengths = self.segment.rows_behind(positions)
        while True:
            done = (lengths <= most) | (np.bincount(source, minlength=len(positions)) >= k)
            short = np.flatnonzero(~done)
            if len(short) == 0:
                return rows, source
            most *= 8
            more, of_short = self.allowed.of(*self.segment.rows_of(positions[short], most))
            kept = done[source]
            rows = np.concatenate([rows[kept], more])
            source = np.concatenate([source[kept], short[of_short]])

    def earliest(self, _position: int) -> int:
        return self.segment.first


def _contains(ascending: Rows, rows: Rows) -> npt.NDArray[np.bool_]:
    """Whether each of rows [R] is one of those ascending."""
    if len(ascending) == 0:
        return np.zeros(len(rows), np.bool_)
    place = np.minimum(np.searchsorted(ascending, rows), len(ascending) - 1)
    return np.asarray(ascending[place] == rows)
