"""The blocked scan: every code is compared, a block at a time while it is in the cache."""

import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from .row_mapping import Placement
from .topk import Nearest, Rows
from .words import Comparer, Counts, Words

# Bytes of codes a block: a block, its differences and its distances stay in the processor's
# second-level cache.
BLOCK_BYTES = 512 * 1024
# The first block is this small: it gives a limit under which few codes of later blocks are.
FIRST_BLOCK = 2048
# So many times k codes are ranked in one go.
RANKED_AT_ONCE = 4

# A comparer's memory is new, and cleared by the system page by page, only in the first scan.
_thread = threading.local()


Span = tuple[int, int]
# A way to do what `scan_blocks` does.
ScanSpan = Callable[
    [Words, Placement, Words, Sequence[Nearest], Sequence[int], Span], list[Nearest]
]


def scan(
    words: Words,
    placement: Placement,
    queries: Words,
    nearest: Sequence[Nearest],
    limits: Sequence[int],
    threads: int,
    scan_span: ScanSpan,
) -> list[Nearest]:
    """What is nearest to each query after all of words [N, W] were compared with it.

    queries: [Q, W], with what each has found before, among other rows. limits: [Q] distances
    beyond which none is wanted. threads: how many share the codes.
    """
    cuts = [len(words) * share // threads for share in range(threads + 1)]
    if threads == 1 or len(words) < threads * FIRST_BLOCK:
        return scan_span(words, placement, queries, nearest, limits, (0, len(words)))
    fresh = [Nearest.none(before.k, before.limit()) for before in nearest]
    with ThreadPoolExecutor(threads) as pool:
        shares = list(
            pool.map(
                lambda span: scan_span(words, placement, queries, fresh, limits, span),
                itertools.pairwise(cuts),
            )
        )
    found = list(nearest)
    for share in shares:
        found = [
            one.joined(more.distances, more.rows) for one, more in zip(found, share, strict=True)
        ]
    return found


def scan_blocks(
    words: Words,
    placement: Placement,
    queries: Words,
    nearest: Sequence[Nearest],
    limits: Sequence[int],
    span: Span,
) -> list[Nearest]:
    """`scan` of the positions span[0] to span[1] - 1 alone, by numpy."""
    largest = max(1, BLOCK_BYTES // (words.shape[1] * words.itemsize))
    comparer = _comparer(largest, words)
    tiled = [comparer.tiled(query) for query in queries]
    scans = [Scan(before, limit, placement) for before, limit in zip(nearest, limits, strict=True)]
    for start, stop in blocks(*span, largest):
        block = words[start:stop]
        earliest = placement.earliest(start)
        for one, query in zip(scans, tiled, strict=True):
            limit = one.limit(earliest)
            if limit < 0:
                continue
            near = comparer.distances(block, query)
            if near.min() <= limit:
                close = np.flatnonzero(near <= limit)
                one.add(near[close], close + start)
    return [one.settled() for one in scans]


def _comparer(block: int, words: Words) -> Comparer:
    """The comparer of this thread for words of this kind."""
    kept: dict[tuple[int, str], Comparer] = _thread.__dict__.setdefault("comparers", {})
    kind = (words.shape[1], words.dtype.str)
    if kind not in kept:
        kept[kind] = Comparer(block, words)
    return kept[kind]


def blocks(start: int, end: int, largest: int) -> Iterator[Span]:
    """A span in pieces: a small one first, then ever larger ones."""
    size = min(FIRST_BLOCK, largest)
    while start < end:
        yield start, min(start + size, end)
        start, size = start + size, min(4 * size, largest)


class Scan:
    """What one query has found so far: the nearest rows, and what is yet to be ranked with them.

    Ranking costs as much as comparing thousands of codes, so it waits until it pays.
    """

    def __init__(self, before: Nearest, limit: int, placement: Placement) -> None:
        self._found = before
        self._limit = limit
        self._placement = placement
        self._waiting: list[tuple[Counts, Rows]] = []
        self._count = 0

    def limit(self, earliest: int) -> int:
        """The largest distance at which a row from earliest on is still wanted."""
        return min(self._limit, self._found.limit(earliest))

    def add(self, near: Counts, positions: Rows) -> None:
        """Take the codes at positions [N], at distances near [N], all within the limit."""
        self._waiting.append((near, positions))
        self._count += len(positions)
        if self._count > RANKED_AT_ONCE * self._found.k:
            self.settled()

    def settled(self) -> Nearest:
        """The nearest of all that was added."""
        if not self._waiting:
            return self._found
        near = np.concatenate([part for part, _ in self._waiting])
        positions = np.concatenate([part for _, part in self._waiting])
        self._waiting, self._count = [], 0
        k = self._found.k
        some = np.arange(len(near))
        if len(near) > 2 * k > 0:
            # The k nearest codes stand for at least k rows, unless some of those are not allowed.
            some = np.flatnonzero(near <= np.partition(near, k - 1)[k - 1])
        rows, source = self._placement.expand(positions[some], k)
        if len(rows) < k:
            some = np.arange(len(near))
            rows, source = self._placement.expand(positions, k)
        self._found = self._found.joined(near[some][source], rows)
        return self._found
