"""Building a segment: sort the codes of a range of rows, find equal ones, index the rest."""

import numpy as np
import numpy.typing as npt

from scenehash.codes import Codes

from .hash_tables import build_tables
from .segment import Segment
from .words import as_words, columns, distances

# The size of a file's header and of the padding between its arrays.
SMALL_BYTES = 2048
# Rows of equal codes are kept together when there are at most so many codes a row.
DISTINCT_SHARE = 0.6
# Rows sampled for the distances of neighbours.
SAMPLES = 16


def build_segment(codes: Codes, first: int, last: int, bytes_per_row: int) -> Segment:
    """The segment of rows first to last - 1 of codes uint8 [N, B], with this many bytes per row.

    Takes about 50 bytes of memory per row of the segment while it works.
    """
    own = np.ascontiguousarray(codes[first:last])
    order = _order(own)
    ordered = own[order]
    begins = np.flatnonzero(_differs_from_previous(ordered))
    share = len(begins) / len(own)
    reach = _reach(own)
    # What is left for tables, once the rows themselves and what is small are taken off.
    budget = (bytes_per_row - 4) * len(own) - reach.nbytes - SMALL_BYTES
    shared = (4 + codes.shape[1]) * len(begins)
    if share > DISTINCT_SHARE or shared > budget:
        index = build_tables(ordered, budget)
        return Segment(first, last, order, None, None, index, reach)
    starts = np.append(begins, len(own)).astype(np.uint32)
    distinct = ordered[begins]
    index = build_tables(distinct, budget - shared)
    return Segment(first, last, order, starts, distinct, index, reach)


def _order(codes: Codes) -> npt.NDArray[np.uint32]:
    """The indices of the codes [N] in ascending order; stable."""
    values = columns(codes)
    keys = []
    for begin in range(0, values.shape[1], 4):
        key = np.zeros(len(codes), np.uint64)
        for column in range(begin, min(begin + 4, values.shape[1])):
            key <<= np.uint64(16)
            key |= values[:, column]
        keys.append(key)
    order = np.argsort(keys[0], kind="stable") if len(keys) == 1 else np.lexsort(keys[::-1])
    return order.astype(np.uint32)


def _differs_from_previous(ordered: Codes) -> npt.NDArray[np.bool_]:
    words = as_words(ordered)
    differs = np.ones(len(words), np.bool_)
    np.any(words[1:] != words[:-1], axis=1, out=differs[1:])
    return differs


def _reach(codes: Codes) -> npt.NDArray[np.uint32]:
    """For sampled rows, the number of other rows within each distance: uint32 [S, K + 1]."""
    words = as_words(codes)
    samples = np.random.default_rng(len(codes)).choice(len(codes), min(SAMPLES, len(codes)), False)
    counts = np.zeros((len(samples), codes.shape[1] * 8 + 1), np.uint32)
    for start in range(0, len(words), 1 << 16):
        block = words[start : start + (1 << 16)]
        for number, sample in enumerate(samples):
            counts[number] += np.bincount(
                distances(block, words[sample]), minlength=counts.shape[1]
            ).astype(np.uint32)
    counts[:, 0] -= 1
    return np.cumsum(counts, axis=1, dtype=np.uint32)
