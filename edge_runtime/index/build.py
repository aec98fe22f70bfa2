"""Building a segment: sort the codes of a range of rows, see what is the same, index the rest."""

import numpy as np
import numpy.typing as npt

from ..codes import Codes
from . import multi_index
from .segment import Segment
from .words import as_words, columns, distances

# The most that derived data may take, in bytes a row.
BYTES_PER_ROW = 24
# Rows of equal codes are kept together when there are at most so many codes a row.
DISTINCT_SHARE = 0.5
# Rows sampled to learn how far neighbours are.
SAMPLES = 16


def build_segment(codes: Codes, first: int, last: int) -> Segment:
    """The segment of rows first to last - 1 of codes uint8 [N, B].

    Takes about 50 bytes of memory a row of the segment while it works.
    """
    own = np.ascontiguousarray(codes[first:last])
    order = np.argsort(_sort_keys(own), kind="stable").astype(np.uint32)
    ordered = own[order]
    begins = np.flatnonzero(_differs_from_previous(ordered))
    share = len(begins) / len(own)
    shared = 4 + share * (4 + codes.shape[1])
    reach = _reach(own)
    if share > DISTINCT_SHARE or shared > BYTES_PER_ROW:
        index = multi_index.build(ordered, BYTES_PER_ROW - 4)
        return Segment(first, last, order, None, None, index, reach)
    starts = np.append(begins, len(own)).astype(np.uint32)
    distinct = ordered[begins]
    index = multi_index.build(distinct, (BYTES_PER_ROW - shared) / share)
    return Segment(first, last, order, starts, distinct, index, reach)


def _sort_keys(codes: Codes) -> npt.NDArray[np.uint64]:
    """Numbers [N] that ascend by the first column of codes, equal for equal codes.

    Different codes of more than 64 bits may share a number, and then do as well as two items.
    """
    parts = columns(codes)
    if parts.shape[1] <= 4:
        keys = np.zeros(len(codes), np.uint64)
        for column in range(4):
            keys <<= np.uint64(16)
            if column < parts.shape[1]:
                keys |= parts[:, column]
        return keys
    mixed = np.zeros(len(codes), np.uint64)
    for column in range(1, parts.shape[1]):
        mixed ^= parts[:, column]
        mixed *= np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(29)
    return (parts[:, 0].astype(np.uint64) << np.uint64(48)) | (mixed >> np.uint64(16))


def _differs_from_previous(ordered: Codes) -> npt.NDArray[np.bool_]:
    words = as_words(ordered)
    differs = np.ones(len(words), np.bool_)
    np.any(words[1:] != words[:-1], axis=1, out=differs[1:])
    return differs


def _reach(codes: Codes) -> npt.NDArray[np.uint32]:
    """For sampled rows, how many others are within each distance: uint32 [S, K + 1]."""
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
