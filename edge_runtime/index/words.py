"""Codes as machine words, and the Hamming distance between them."""

import sys

import numpy as np
import numpy.typing as npt

from ..codes import Codes

Words = npt.NDArray[np.unsignedinteger]


def as_words(codes: Codes) -> Words:
    """View codes uint8 [N, B] as [N, W] of the widest unsigned integer that divides a code."""
    for dtype in (np.uint64, np.uint32, np.uint16):
        if codes.shape[1] % np.dtype(dtype).itemsize == 0:
            return np.ascontiguousarray(codes).view(dtype)
    return np.ascontiguousarray(codes)


Counts = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]


def distances(words: Words, query: Words) -> Counts:
    """Hamming distances [N] between words [N, W] and one query [W]."""
    counts: npt.NDArray[np.uint8] = np.bitwise_count(words ^ query)
    if counts.shape[1] == 1:
        return counts[:, 0]
    if counts.shape[1] == 2:
        return _sum_of_pairs(counts)[:, 0]
    if counts.shape[1] == 4:
        halves = _sum_of_pairs(counts)
        pairs: npt.NDArray[np.uint16] = halves[:, 0] + halves[:, 1]
        return pairs
    total = counts[:, 0].astype(np.uint16)
    for column in range(1, counts.shape[1]):
        total += counts[:, column]
    return total


def _sum_of_pairs(counts: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint16]:
    """Add neighbours of [N, 2n] into [N, n].

    Two bytes at once in one wide operation: numpy's sum along a short axis is ten times slower.
    """
    both = counts.view(np.uint16)
    return (both & 0xFF) + (both >> 8)


def columns(codes: Codes) -> npt.NDArray[np.uint16]:
    """The code as 16-bit numbers [N, ceil(B / 2)], bit 0 the most significant bit of the first.

    The last one of an odd number of bytes is filled up with zeros.
    """
    if codes.shape[1] % 2:
        codes = np.pad(codes, ((0, 0), (0, 1)))
    pairs = np.ascontiguousarray(codes).view(np.uint16)
    return pairs.byteswap() if sys.byteorder == "little" else pairs
