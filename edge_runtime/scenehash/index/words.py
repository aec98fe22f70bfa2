"""Codes as machine words, and the Hamming distance between them."""

import sys

import numpy as np
import numpy.typing as npt

from scenehash.codes import Codes

Words = npt.NDArray[np.unsignedinteger]
Counts = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]

# Codes that a query is laid out against: long enough that numpy's loop over them is worth starting.
_TILE = 512


def as_words(codes: Codes) -> Words:
    """View codes uint8 [N, B] as [N, W] of the widest unsigned integer that divides a code."""
    for dtype in (np.uint64, np.uint32, np.uint16):
        if codes.shape[1] % np.dtype(dtype).itemsize == 0:
            return np.ascontiguousarray(codes).view(dtype)
    return np.ascontiguousarray(codes)


def distances(words: Words, query: Words) -> Counts:
    """Hamming distances [N] between words [N, W] and one query [W]."""
    total: Counts = np.bitwise_count(words[:, 0] ^ query[0])
    for column in range(1, len(query)):
        total = np.add(total, np.bitwise_count(words[:, column] ^ query[column]), dtype=np.uint16)
    return total


class Comparer:
    """Hamming distances between blocks of words and queries, always in the same memory.

    numpy takes new memory from the system for every large array, and clearing it would take most of
    a scan's time.
    """

    def __init__(self, block: int, words: Words) -> None:
        self._width = words.shape[1]
        self._differences = np.empty(block * self._width, words.dtype)
        self._counts = np.empty(block * self._width, np.uint8)

    def tiled(self, query: Words) -> Words:
        """A query [W] as `distances` takes it: repeated where a code has several words."""
        return query if self._width == 1 else np.tile(query, _TILE)

    def distances(self, block: Words, tiled: Words) -> Counts:
        """Hamming distances [N] between block [N, W] and a query; valid until the next call."""
        flat = block.reshape(-1)
        differences, counts = self._differences[: len(flat)], self._counts[: len(flat)]
        whole = len(flat) // len(tiled) * len(tiled)
        np.bitwise_xor(
            flat[:whole].reshape(-1, len(tiled)), tiled,
            out=differences[:whole].reshape(-1, len(tiled)),
        )  # fmt: skip
        np.bitwise_xor(flat[whole:], tiled[: len(flat) - whole], out=differences[whole:])
        np.bitwise_count(differences, out=counts)
        return _summed(counts, self._width)


def _summed(counts: npt.NDArray[np.uint8], width: int) -> Counts:
    """Add each width neighbours of [N * width] into [N].

    Two or four bytes at once in one wide number: numpy's sum along a short axis is slower by far.
    """
    if width == 1:
        return counts
    if width == 2:
        pairs = counts.view(np.uint16)
        return np.asarray(((pairs >> 8) + pairs) & 0xFF, np.uint16)
    if width == 4:
        fours = counts.view(np.uint32)
        halves = (fours & 0x00FF00FF) + ((fours >> 8) & 0x00FF00FF)
        return np.asarray(halves + (halves >> 16)).astype(np.uint16)
    columns_ = counts.reshape(-1, width)
    total = columns_[:, 0].astype(np.uint16)
    for column in range(1, width):
        total += columns_[:, column]
    return total


def flagged(flags: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """np.flatnonzero of flags [N], faster where few are set: first the eights that have any."""
    whole = len(flags) // 8 * 8
    eights = flags[:whole].view(np.uint64)
    some = np.flatnonzero(eights.astype(np.bool_))
    inside = np.flatnonzero(eights[some].view(np.bool_))
    found: npt.NDArray[np.int64] = (some[inside >> 3] << 3) + (inside & 7)
    if whole == len(flags):
        return found
    return np.concatenate([found, np.flatnonzero(flags[whole:]) + whole])


def columns(codes: Codes) -> npt.NDArray[np.uint16]:
    """The code as 16-bit numbers [N, ceil(B / 2)], bit 0 the most significant bit of the first.

    The last one of an odd number of bytes is filled up with zeros.
    """
    if codes.shape[1] % 2:
        codes = np.pad(codes, ((0, 0), (0, 1)))
    pairs = np.ascontiguousarray(codes).view(np.uint16)
    return pairs.byteswap() if sys.byteorder == "little" else pairs
