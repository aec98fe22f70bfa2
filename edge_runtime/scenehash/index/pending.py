"""From items and their distances to the nearest rows."""

from collections.abc import Callable

import numpy as np

from .multi_index import MAX_SUBSTRINGS
from .row_mapping import RowMapping
from .topk import Rows, TopK
from .words import Counts

# Items per ranking, as a multiple of k.
RANKED_AT_ONCE = 4

Rank = Callable[[RowMapping, Rows, Counts, TopK], TopK]


def rank_items(mapping: RowMapping, items: Rows, distances: Counts, best: TopK) -> TopK:
    """The best rows of a query, with the rows of items [N] at distances [N] in any order.

    Items may repeat. None of the rows is among the best so far.
    """
    k = best.k
    # Each table of a multi-index gives an item at most once.
    enough = MAX_SUBSTRINGS * k
    if len(items) > enough > 0:
        near = np.partition(distances, enough - 1)[enough - 1]
        some = np.flatnonzero(distances <= near)
        rows, of_rows = _rows_behind(mapping, items[some], distances[some], k)
        # The nearest items stand for at least k rows, unless some of those are not allowed.
        if len(rows) >= k:
            return best.joined(of_rows, rows)
    rows, of_rows = _rows_behind(mapping, items, distances, k)
    return best.joined(of_rows, rows)


def _rows_behind(
    mapping: RowMapping, items: Rows, distances: Counts, k: int
) -> tuple[Rows, Counts]:
    items, once = np.unique(items, return_index=True)
    rows, source = mapping.expand(items, k)
    return rows, distances[once][source]


class Ranking:
    """The results of one query so far: the best rows, and items that are not ranked yet.

    Ranking costs as much as comparing thousands of codes, so it waits until it pays.
    """

    def __init__(self, best: TopK, limit: int, mapping: RowMapping) -> None:
        self._best = best
        self._limit = limit
        self._mapping = mapping
        self._waiting: list[tuple[Counts, Rows]] = []
        self._count = 0

    def limit(self, earliest: int) -> int:
        """The largest useful distance of a row from earliest on."""
        return min(self._limit, self._best.limit(earliest))

    def add(self, distances: Counts, items: Rows) -> None:
        """Take items [N] at distances [N], all within the limit."""
        self._waiting.append((distances, items))
        self._count += len(items)
        if self._count > RANKED_AT_ONCE * self._best.k:
            self.settled()

    def settled(self) -> TopK:
        """The best of all added rows."""
        if not self._waiting:
            return self._best
        distances, items = self._waiting[0]
        if len(self._waiting) > 1:
            distances = np.concatenate([part for part, _ in self._waiting])
            items = np.concatenate([part for _, part in self._waiting])
        self._waiting, self._count = [], 0
        self._best = rank_items(self._mapping, items, distances, self._best)
        return self._best
