"""The compiled loops as kernels: preparing their arrays, and converting their results."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .candidates import BucketQuery, CandidateSet
from .compiled_loops import (
    BLOCK,
    ENTRIES,
    compiled_find,
    compiled_rank,
    compiled_select,
    unrolled,
)
from .kernels import Kernels
from .pending import rank_items
from .row_mapping import ItemRows, RowMapping
from .scan import FIRST_BLOCK, ScanJob, Span
from .segment import Segment
from .topk import Rows, TopK
from .words import Counts, Words, as_words

# What the planner's costs are multiplied by: measured as those were. Comparing a candidate, which
# is waiting for memory, costs more beside the rest because nothing else hides it.
COSTS = {
    "scan_word": 0.3,
    "probe_step": 0.8,
    "probe_window": 0.5,
    "probe_entry": 0.3,
    "probe_candidate": 2.0,
}
# So many rows that may not be found are allowed for by searching for as many more.
_LEFT_OUT = 1000
_NO_ROWS = np.empty(0, np.uint32)


def compiled_kernels(word: np.dtype[Any], width: int) -> Kernels:
    """Kernels for codes of this many words of a type."""
    try:
        loops = _Loops.compiled(word, width, keep=True)
    except RuntimeError:
        # numba finds no writable folder.
        loops = _Loops.compiled(word, width, keep=False)
    return Kernels("numba", loops.scan, loops.candidates, loops.rank, COSTS)


@dataclass(frozen=True)
class _Loops:
    unrolled: tuple[int, ...]
    select_loop: Callable[..., int]
    find_loop: Callable[..., tuple[int, int]]
    rank_loop: Callable[..., int]

    @classmethod
    def compiled(cls, word: np.dtype[Any], width: int, keep: bool) -> "_Loops":
        same = unrolled(width)
        select = compiled_select(word, len(same), keep)
        return cls(same, select, compiled_find(word, keep), compiled_rank(keep))

    def scan(self, job: ScanJob, span: Span) -> list[TopK]:
        """As `scan_blocks`. In one go, unless it is uncertain which rows may be found."""
        left_out = job.mapping.allowed.left_out
        certain = left_out is not None and left_out <= _LEFT_OUT
        wanted = job.best[0].k + (left_out or 0) if certain else len(job.words) + 1
        begin, end = span
        if certain:
            stopped, selected = self._select(job, span, wanted, job.limits)
            if stopped == end:
                return [
                    self._ranked(job.mapping, *found, best)
                    for found, best in zip(selected, job.best, strict=True)
                ]
        # In blocks: each lowers the limits for the next.
        rankings, size = job.rankings(), FIRST_BLOCK
        while begin < end:
            earliest = job.mapping.earliest(begin)
            limits = [ranking.limit(earliest) for ranking in rankings]
            stop = min(begin + size, end)
            begin, selected = self._select(job, (begin, stop), wanted, limits)
            size = min(4 * size, job.largest_block())
            for ranking, (distances, items) in zip(rankings, selected, strict=True):
                ranking.add(distances, items)
        return [ranking.settled() for ranking in rankings]

    def _select(
        self, job: ScanJob, span: Span, wanted: int, limits: Sequence[int]
    ) -> tuple[int, list[tuple[Counts, Rows]]]:
        """For each query the items of a span within its limit that are of the nearest wanted.

        And where it stopped: before the end when more were near than there was room for.
        """
        begin, end = span
        ordered, count = job.mapping.ordered, len(job.queries)
        room = min(wanted if ordered else 4 * wanted, end - begin) + 2 * BLOCK
        found = np.empty(count, np.int64)
        distances, items = np.empty((count, room), np.uint16), np.empty((count, room), np.int64)
        stopped = self.select_loop(
            job.words.reshape(-1), begin, end, np.ascontiguousarray(job.queries), self.unrolled,
            wanted, ordered, np.array(limits, np.int64), found, distances, items,
        )  # fmt: skip
        return stopped, [
            (distances[number, :kept], items[number, :kept])
            for number, kept in enumerate(found.tolist())
        ]

    def _ranked(self, mapping: RowMapping, distances: Counts, items: Rows, best: TopK) -> TopK:
        """As `rank`, of items that ascend by (distance, item)."""
        if not mapping.ordered or len(best.rows):
            return self.rank(mapping, items, distances, best)
        rows, source = mapping.expand(items, best.k)
        if len(rows) < len(items):
            distances = distances[source]
        nearest = distances[: best.k].astype(np.int32)
        return TopK(best.k, best.farthest, nearest, rows[: best.k])

    def rank(self, mapping: RowMapping, items: Rows, distances: Counts, best: TopK) -> TopK:
        """As `rank_items`."""
        if not isinstance(mapping, ItemRows) or not mapping.allowed.everything:
            return rank_items(mapping, items, distances, best)
        segment, k = mapping.segment, best.k
        nearest, rows = np.empty(k, np.int32), np.empty(k, np.int64)
        starts = _NO_ROWS if segment.starts is None else segment.starts
        table = segment.rows, starts, segment.first
        count = self.rank_loop(items, distances, table, best.farthest, nearest, rows)
        nearest, rows = nearest[:count], rows[:count]
        return (
            best.joined(nearest, rows) if len(best.rows) else TopK(k, best.farthest, nearest, rows)
        )

    def candidates(self, segment: Segment, words: Words, query: BucketQuery) -> CandidateSet:
        """As `find_candidates` of numpy."""
        index = segment.index
        assert index is not None
        shape = index.shape(len(query.columns), query.distance)
        codes = segment.rows, segment.first, words.reshape(-1)
        if segment.codes is not None:
            codes = _NO_ROWS, 0, as_words(segment.codes).reshape(-1)
        # No more than the entries of all buckets.
        room = int(min(query.max_items, len(index.sketches))) + ENTRIES
        items, distances = np.empty(room, np.int64), np.empty(room, np.uint16)
        work = (
            np.empty(ENTRIES, np.uint32), np.empty(shape.count, np.uint32),
            np.empty(shape.count, np.uint32), items, np.empty(room, np.int64), distances,
        )  # fmt: skip
        entries, count = self.find_loop(
            index.tables,
            shape.buckets,
            (np.append(query.columns, np.uint16(0)), query.words),
            codes,
            int(min(query.max_entries, sys.maxsize >> 1)),
            work,
        )
        if 0 <= count <= query.max_items:
            return CandidateSet(entries, items[:count], distances[:count])
        return CandidateSet(entries, None, None)
