"""The blocked scan: every code is compared, in blocks that fit in the cache."""

import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from .pending import Ranking
from .row_mapping import RowMapping
from .topk import TopK
from .words import Comparer, Words

# Bytes of codes a block: a block, its differences and its distances stay in the processor's
# second-level cache.
BLOCK_BYTES = 512 * 1024
# The first block is this small: it gives a limit under which few codes of later blocks are.
FIRST_BLOCK = 2048

# Only in the first scan the system must clear a comparer's new memory.
_thread = threading.local()

Span = tuple[int, int]


@dataclass(frozen=True)
class ScanJob:
    """The input of a scan.

    words: the codes of items, [N, W]. mapping: from items to rows. queries: [Q, W]. best: [Q], the
    best rows of each query so far, among other rows. limits: [Q], the largest useful distances.
    """

    words: Words
    mapping: RowMapping
    queries: Words
    best: Sequence[TopK]
    limits: Sequence[int]

    def rankings(self) -> list[Ranking]:
        """One ranking per query."""
        return [
            Ranking(best, limit, self.mapping)
            for best, limit in zip(self.best, self.limits, strict=True)
        ]

    def largest_block(self) -> int:
        """How many codes make a block."""
        return max(1, int(BLOCK_BYTES // (self.words.shape[1] * self.words.itemsize)))


# An implementation of `scan_blocks`.
ScanSpan = Callable[[ScanJob, Span], list[TopK]]


def scan(job: ScanJob, threads: int, scan_span: ScanSpan) -> list[TopK]:
    """The best rows of each query after comparing all codes; threads: share the codes."""
    count = len(job.words)
    if threads == 1 or count < threads * FIRST_BLOCK:
        return scan_span(job, (0, count))
    cuts = [count * share // threads for share in range(threads + 1)]
    fresh = replace(job, best=[TopK.none(best.k, best.limit()) for best in job.best])
    with ThreadPoolExecutor(threads) as pool:
        shares = list(pool.map(lambda span: scan_span(fresh, span), itertools.pairwise(cuts)))
    found = list(job.best)
    for share in shares:
        found = [
            one.joined(more.distances, more.rows) for one, more in zip(found, share, strict=True)
        ]
    return found


def scan_blocks(job: ScanJob, span: Span) -> list[TopK]:
    """`scan` of the items span[0] to span[1] - 1 alone, by numpy."""
    largest = job.largest_block()
    comparer = _comparer(largest, job.words)
    tiled = [comparer.tiled(query) for query in job.queries]
    rankings = job.rankings()
    for start, stop in _blocks(*span, largest):
        block = job.words[start:stop]
        earliest = job.mapping.earliest(start)
        for ranking, query in zip(rankings, tiled, strict=True):
            limit = ranking.limit(earliest)
            if limit < 0:
                continue
            distances = comparer.distances(block, query)
            if distances.min() <= limit:
                close = np.flatnonzero(distances <= limit)
                ranking.add(distances[close], close + start)
    return [ranking.settled() for ranking in rankings]


def _comparer(block: int, words: Words) -> Comparer:
    """The comparer of this thread for words of this kind."""
    kept: dict[tuple[int, str], Comparer] = _thread.__dict__.setdefault("comparers", {})
    kind = (words.shape[1], words.dtype.str)
    if kind not in kept:
        kept[kind] = Comparer(block, words)
    return kept[kind]


def _blocks(start: int, end: int, largest: int) -> Iterator[Span]:
    """A span in pieces: a small one first, then ever larger ones."""
    size = min(FIRST_BLOCK, largest)
    while start < end:
        yield start, min(start + size, end)
        start, size = start + size, min(4 * size, largest)
