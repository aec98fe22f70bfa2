"""The index over packed codes that everything else uses."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal, overload

import numpy as np

from scenehash.codes import Codes
from scenehash.errors import LineageError

from .executor import search_part
from .explanation import Explanation, Trace
from .kernels import kernels_for, searched, warm
from .planner import Planner
from .row_mapping import RowFilter
from .segment_set import SegmentSet
from .topk import NO_ROW, Distances, Nearest, Rows
from .words import as_words


class CodeIndex:
    """Packed codes uint8 [N, K/8], searchable by Hamming distance.

    Results are those of a brute-force scan, ordered by (distance, row). The codes may be a memory
    map; they are read in place. dead: int64, ascending rows that are never found. folder: where
    derived data is kept; None: in memory only. key: what the codes are; derived data of another
    key is not used, nor is what was derived from other codes than these, by their checksum. origin:
    names codes that, in this process, have only been appended to; of those a checksum is compared
    once. planner: what things cost; for tests. An index may be used by several threads.
    """

    def __init__(
        self,
        codes: Codes,
        dead: Rows | None = None,
        folder: Path | None = None,
        key: str = "",
        origin: str = "",
        planner: Planner | None = None,
    ) -> None:
        self._codes = codes
        self._words = as_words(codes)
        self._dead = dead
        self._planner = planner or Planner()
        self._derived = SegmentSet(codes, folder, key, origin, self._planner)

    def __len__(self) -> int:
        return len(self._codes)

    def __repr__(self) -> str:
        return f"CodeIndex(rows={len(self)}, bits={self._codes.shape[1] * 8})"

    @property
    def pending(self) -> int:
        """How many rows `build` would add to the derived data."""
        return self._derived.pending()

    @property
    def covered(self) -> int:
        """How many rows there is derived data for; the others are scanned."""
        return self._derived.covered()

    @property
    def nbytes(self) -> int:
        """How many bytes the derived data takes."""
        return self._derived.nbytes()

    def build(self) -> None:
        """Bring the derived data up to date with all codes, and write it to the folder if any.

        A few rows past it are left to be scanned. Raises OSError when the folder cannot be written
        to; searches go on with what there is.
        """
        self._derived.build()

    def warm(self) -> str:
        """Make searches of codes like these as fast as they get, now; says by what they work.

        "numba", where it is installed: its loops are loaded, which takes up to a few seconds, once
        in a process. Otherwise that happens behind searches once they have taken a second.
        """
        return warm(self._words).name

    @overload
    def search(
        self,
        queries: Codes,
        k: int,
        radius: int | None = None,
        rows: Rows | None = None,
        threads: int = 1,
        explain: Literal[False] = False,
    ) -> tuple[Distances, Rows]: ...

    @overload
    def search(
        self,
        queries: Codes,
        k: int,
        radius: int | None = None,
        rows: Rows | None = None,
        threads: int = 1,
        *,
        explain: Literal[True],
    ) -> tuple[Distances, Rows, Explanation]: ...

    def search(
        self,
        queries: Codes,
        k: int,
        radius: int | None = None,
        rows: Rows | None = None,
        threads: int = 1,
        explain: bool = False,
    ) -> tuple[Distances, Rows] | tuple[Distances, Rows, Explanation]:
        """Find the k nearest rows of each query.

        queries: uint8 [Q, K/8]. radius: leave out rows that are farther, in bits. rows: int64,
        ascending, search only these. Returns distances int32 [Q, k] and rows int64 [Q, k]; where
        there are fewer than k, the rest has row -1 and distance K + 1. With explain, an Explanation
        as well. Raises LineageError when the queries have another width than the codes.
        """
        if queries.ndim != 2 or queries.shape[1] != self._codes.shape[1]:
            raise LineageError(
                f"queries of shape {queries.shape} do not fit codes of "
                f"{self._codes.shape[1] * 8} bits"
            )
        bits = self._codes.shape[1] * 8
        farthest = bits if radius is None else min(radius, bits)
        kernels = kernels_for(self._words)
        planner = self._planner.times(kernels.costs)
        trace = Trace(kernels.name)
        parts = self._derived.parts(len(queries), planner)
        allowed = RowFilter(self._dead, rows)

        def some(share: Codes, threads: int, trace: Trace) -> list[Nearest]:
            nearest = [Nearest.none(k, farthest)] * len(share)
            for part in parts:
                nearest = search_part(
                    part, self._words, share, nearest, allowed, planner, threads, trace, kernels
                )
            return nearest

        nearest = _shared_out(some, queries, threads, trace)
        searched(self._words, kernels, sum(trace.seconds.values()))
        distances = np.full((len(queries), k), bits + 1, np.int32)
        found = np.full((len(queries), k), NO_ROW, np.int64)
        for number, near in enumerate(nearest):
            distances[number, : len(near.rows)] = near.distances
            found[number, : len(near.rows)] = near.rows
        return (distances, found, trace.explanation()) if explain else (distances, found)


def _shared_out(
    some: Callable[[Codes, int, Trace], list[Nearest]], queries: Codes, threads: int, trace: Trace
) -> list[Nearest]:
    """The nearest of each query, several queries at a time on several threads.

    some: for a share of the queries, with so many threads each.
    """
    count = max(1, min(threads, len(queries)))
    if count == 1:
        return some(queries, threads, trace)
    shares = np.array_split(queries, count)
    traces = [Trace(trace.kernels) for _ in shares]
    with ThreadPoolExecutor(count) as pool:
        answers = list(pool.map(some, shares, [threads // count] * count, traces))
    for own in traces:
        trace.merge(own)
    return [near for nearest in answers for near in nearest]
