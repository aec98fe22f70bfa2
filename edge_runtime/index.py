"""Exact search over packed codes in memory."""

import numpy as np
import numpy.typing as npt

from .codes import Codes
from .errors import LineageError

# Rows a block: its distances and the running best stay in the processor's second-level cache.
BLOCK = 32 * 1024
NO_ROW = -1

Distances = npt.NDArray[np.int32]
Rows = npt.NDArray[np.int64]


class CodeIndex:
    """Packed codes uint8 [N, K/8], searchable by Hamming distance.

    Results are those of a brute-force scan, ordered by (distance, row). The codes may be a memory
    map; they are read in place.
    """

    def __init__(self, codes: Codes) -> None:
        self._bytes = codes.shape[1]
        self._words = _as_words(codes)

    def __len__(self) -> int:
        return len(self._words)

    def search(
        self, queries: Codes, k: int, radius: int | None = None, rows: Rows | None = None
    ) -> tuple[Distances, Rows]:
        """Find the k nearest rows of each query.

        queries: uint8 [Q, K/8]. radius: leave out rows that are farther, in bits. rows: int64,
        ascending, search only these. Returns distances int32 [Q, k] and rows int64 [Q, k]; where
        there are fewer than k, the rest has row -1 and distance K + 1. Raises LineageError when
        the queries have another width than the codes.
        """
        if queries.ndim != 2 or queries.shape[1] != self._bytes:
            raise LineageError(
                f"queries of shape {queries.shape} do not fit codes of {self._bytes * 8} bits"
            )
        words = self._words if rows is None else self._words[rows]
        beyond = self._bytes * 8 + 1
        limit = beyond if radius is None else min(radius + 1, beyond)
        distances = np.full((len(queries), k), beyond, np.int32)
        found = np.full((len(queries), k), NO_ROW, np.int64)
        for number, query in enumerate(_as_words(queries)):
            near, positions = _scan(words, query, k, limit)
            distances[number, : len(near)] = near
            found[number, : len(near)] = positions if rows is None else rows[positions]
        return distances, found


def _scan(
    words: npt.NDArray[np.unsignedinteger],
    query: npt.NDArray[np.unsignedinteger],
    k: int,
    limit: int,
) -> tuple[Distances, Rows]:
    """The k nearest of words [N, W] below the limit, as distances and positions."""
    best = np.empty(0, np.uint16)
    where = np.empty(0, np.int64)
    for start in range(0, len(words), BLOCK):
        distances = _distances(words[start : start + BLOCK], query)
        # A later row at the same distance ranks behind, so only nearer ones are of interest.
        nearer = np.flatnonzero(distances < limit)
        if len(nearer) == 0:
            continue
        best = np.concatenate([best, distances[nearer]])
        where = np.concatenate([where, nearer + start])
        order = np.argsort(best, kind="stable")[:k]
        best, where = best[order], where[order]
        if k and len(best) == k:
            limit = int(best[-1])
    return best.astype(np.int32), where


def _distances(
    words: npt.NDArray[np.unsignedinteger], query: npt.NDArray[np.unsignedinteger]
) -> npt.NDArray[np.uint16]:
    counts = np.bitwise_count(words ^ query)
    total: npt.NDArray[np.uint16] = counts[:, 0].astype(np.uint16)
    for column in range(1, counts.shape[1]):
        total += counts[:, column]
    return total


def _as_words(codes: Codes) -> npt.NDArray[np.unsignedinteger]:
    """View codes uint8 [N, B] as [N, W] of the widest unsigned integer that divides a code."""
    for dtype in (np.uint64, np.uint32, np.uint16):
        if codes.shape[1] % np.dtype(dtype).itemsize == 0:
            return np.ascontiguousarray(codes).view(dtype)
    return codes
