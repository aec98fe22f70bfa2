"""The compiled loops as kernels: their arrays made ready, their answers as searches take them."""

import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from scenehash.codes import Codes

from .candidates import CandidateSet
from .compiled_loops import BLOCK, ENTRIES, compiled_look, compiled_select, unrolled
from .kernels import Kernels
from .row_mapping import Placement
from .scan import BLOCK_BYTES, Scan, Span, blocks
from .segment import Segment
from .topk import Nearest, Rows
from .words import Counts, Words, as_words

# What the planner's costs are multiplied by: measured as those were. Comparing a candidate, which
# is waiting for memory, looks dear beside the rest because nothing else hides it.
COSTS = {
    "scan_word": 0.3,
    "probe_step": 0.8,
    "probe_window": 0.5,
    "probe_entry": 0.3,
    "probe_candidate": 2.0,
}
# So many rows that may not be found are allowed for by looking for as many more.
_LEFT_OUT = 1000
# Room for so many items is made at first, more when there are more.
_ITEMS = 4096
_NO_ROWS = np.empty(0, np.uint32)


def compiled_kernels(word: np.dtype[Any], width: int) -> Kernels:
    """Kernels for codes of so many words of a type."""
    try:
        loops = _Loops.compiled(word, width, keep=True)
    except RuntimeError:
        # numba finds no folder that it may write to.
        loops = _Loops.compiled(word, width, keep=False)
    return Kernels("numba", loops.scan, loops.look, COSTS)


class _Loops:
    def __init__(self, select: Callable[..., int], look: Callable[..., tuple[int, int]]) -> None:
        self._select_loop = select
        self._look_loop = look

    @classmethod
    def compiled(cls, word: np.dtype[Any], width: int, keep: bool) -> "_Loops":
        return cls(compiled_select(word, len(unrolled(width)), keep), compiled_look(word, keep))

    def scan(
        self,
        words: Words,
        placement: Placement,
        queries: Words,
        nearest: Sequence[Nearest],
        limits: Sequence[int],
        span: Span,
    ) -> list[Nearest]:
        """As `scan_blocks`. In one go, unless it is uncertain which rows may be found."""
        scans = [
            Scan(before, limit, placement) for before, limit in zip(nearest, limits, strict=True)
        ]
        left_out = placement.allowed.left_out
        pieces, wanted = [span], nearest[0].k
        if left_out is not None and left_out <= _LEFT_OUT:
            wanted += left_out
        else:
            pieces = list(blocks(*span, BLOCK_BYTES // (words.shape[1] * words.itemsize)))
            wanted = len(words) + 1
        for piece in pieces:
            if piece[0] == piece[1]:
                continue
            earliest = placement.earliest(piece[0])
            bounds = np.array([one.limit(earliest) for one in scans], np.int64)
            selected = self._select(words, queries, piece, bounds, wanted, placement.ordered)
            for one, (near, positions) in zip(scans, selected, strict=True):
                one.add(near, positions)
        return [one.settled() for one in scans]

    def _select(
        self, words: Words, queries: Words, span: Span, limits: Rows, wanted: int, ordered: bool
    ) -> list[tuple[Counts, Rows]]:
        """For each query the codes of a span within its limit that are of the nearest wanted."""
        begin, end = span
        count, farthest = len(queries), 8 * words.shape[1] * words.itemsize
        room = min(wanted if ordered else 4 * wanted, end - begin) + 2 * BLOCK
        near = np.empty((count, room), np.uint16)
        positions = np.empty((count, room), np.int64)
        tally = np.zeros((count, farthest + 1), np.int64)
        within, found = np.zeros(count, np.int64), np.zeros(count, np.int64)
        flat, queries = words.reshape(-1), np.ascontiguousarray(queries)
        while True:
            begin = self._select_loop(
                flat, begin, end, queries, unrolled(words.shape[1]), limits, wanted, ordered,
                tally, within, near, positions, found,
            )  # fmt: skip
            if begin == end:
                break
            near, positions = _doubled(near), _doubled(positions)
        return [
            (near[number, :kept], positions[number, :kept])
            for number, kept in enumerate(found.tolist())
        ]

    def look(
        self,
        segment: Segment,
        every: Words,
        query: Codes,
        word: Words,
        distance: int,
        most_entries: float,
        most_items: float,
    ) -> CandidateSet:
        """As `look` of numpy."""
        index = segment.index
        assert index is not None
        shape = index.shape(len(query), distance)
        keys, sketches = index.own(query)
        rows, first, codes = segment.rows, segment.first, every
        if segment.codes is not None:
            rows, first, codes = _NO_ROWS, 0, as_words(segment.codes)
        starts, ends = np.empty(shape.count, np.uint32), np.empty(shape.count, np.uint32)
        room = _ITEMS
        while True:
            items, at = np.empty(room, np.int64), np.empty(room, np.int64)
            near = np.empty(room, np.uint16)
            entries, count = self._look_loop(
                index.offsets, index.bits, shape.masks, shape.room,
                np.array(shape.per_table, np.int64), np.array(keys, np.uint32),
                np.array(sketches, np.uint32), index.sketches, index.places.view(np.uint8),
                index.places.itemsize, rows, first, codes.reshape(-1), word,
                int(min(most_entries, sys.maxsize >> 1)),
                np.empty(ENTRIES, np.uint32), starts, ends, items, at, near,
            )  # fmt: skip
            if 0 <= count <= room:
                return CandidateSet(entries, items[:count], near[:count])
            if count < 0 or room > most_items:
                return CandidateSet(entries, None, None)
            room *= 4


def _doubled(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """An array [Q, R] with room for as much again behind each of Q."""
    return np.concatenate([array, np.empty_like(array)], axis=1)
