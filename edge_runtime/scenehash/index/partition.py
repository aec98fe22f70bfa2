"""A partition of the rows, and the cheapest way to compare all its codes."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from .costs import Planner
from .row_mapping import ItemRows, RowFilter, RowList, RowMapping, RowRange
from .segment import Segment
from .words import Words, as_words

# Why rows are searched without derived data: there is none; or reading it, in order to compare its
# checksum, would cost more than searches without it have cost so far.
NO_INDEX = "these rows have no index yet"
UNREAD = "so far, reading the index of these rows cost more than a search without it"


@dataclass(frozen=True)
class ScanPlan:
    """A way to compare all codes of a partition.

    words: the codes, made on demand. reason: the scanned rows, for people.
    """

    name: str
    cost: float
    codes: int
    words: Callable[[], Words]
    mapping: RowMapping
    reason: str


@dataclass(frozen=True)
class Partition:
    """The rows first to last - 1, with their derived data if it may be used.

    words: the codes of these rows, [last - first, W]. lacking: why there is no segment.
    """

    first: int
    last: int
    segment: Segment | None
    words: Words
    lacking: str = NO_INDEX
    # Plans for searches that may find every row, by the planner's costs.
    _plans: dict[Planner, ScanPlan] = field(default_factory=dict)

    def cheapest_scan(self, allowed: RowFilter, planner: Planner) -> ScanPlan:
        """The cheapest plan for a search in the allowed rows, at least one."""
        if not allowed.everything:
            return self._plan(allowed, planner)
        if planner not in self._plans:
            self._plans[planner] = self._plan(allowed, planner)
        return self._plans[planner]

    def _plan(self, allowed: RowFilter, planner: Planner) -> ScanPlan:
        segment, count = self.segment, self.last - self.first
        best = self._range(self.first, self.last, allowed, planner, "scan", f"{count:,} codes")
        if segment is not None and segment.codes is not None:
            distinct = segment.codes
            cost = planner.scan(segment.items, self.words.shape[1])
            if cost < best.cost:
                best = ScanPlan(
                    "scan_distinct",
                    cost,
                    segment.items,
                    lambda: as_words(distinct),
                    ItemRows(segment, allowed),
                    f"{segment.items:,} distinct codes of {count:,}",
                )
        if allowed.subset is None:
            return best
        begin, end = np.searchsorted(allowed.subset, (self.first, self.last))
        rows, others = allowed.subset[begin:end], RowFilter(allowed.dead)
        if rows[-1] - rows[0] + 1 == len(rows):
            reason = f"{len(rows):,} consecutive rows"
            first, last = int(rows[0]), int(rows[-1]) + 1
            return self._range(first, last, others, planner, "scan_range", reason)
        cost = planner.gathered_scan(len(rows), self.words.shape[1])
        if cost < best.cost:
            best = ScanPlan(
                "scan_subset",
                cost,
                len(rows),
                lambda: self.words.take(rows - self.first, axis=0),
                RowList(rows, others),
                f"{len(rows):,} rows of {count:,}",
            )
        return best

    def _range(
        self, first: int, last: int, allowed: RowFilter, planner: Planner, name: str, reason: str
    ) -> ScanPlan:
        words = self.words[first - self.first : last - self.first]
        cost = planner.scan(last - first, self.words.shape[1])
        return ScanPlan(name, cost, last - first, lambda: words, RowRange(first, allowed), reason)
