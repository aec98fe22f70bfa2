"""The index over packed codes, for all other packages."""

import itertools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np

from scenehash.codes import Codes
from scenehash.errors import LineageError

from .context import SearchContext
from .costs import Planner
from .executor import search_partition
from .explanation import Explanation, Trace
from .kernel_loader import kernels_for, note_search, warm
from .kernels import NUMPY
from .partition import Partition
from .row_mapping import RowFilter
from .segment_set import SegmentSet
from .topk import NO_ROW, Distances, Rows, TopK
from .words import as_words


class CodeIndex:
    """Packed codes uint8 [N, K/8], searchable by Hamming distance.

    A row is the index of a code in that array; a store calls it a position, since the store's own
    rows keep their numbers when other rows are dropped. Results are the same as those of a
    brute-force scan, ordered by (distance, row). The codes may be a memory map; the index reads
    them in place. dead: int64, ascending rows that no search returns. folder: where derived data is
    kept; None: only in memory. key: identifies the codes; the index uses derived data only if its
    key and the checksum of its codes are the same. origin: identifies an array that, in this
    process, has only been appended to; the checksum of such codes is compared once. planner: the
    costs of operations; for tests. Several threads may use an index.
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
        # Planners with the costs of kernels, by name.
        self._planners: dict[str, Planner] = {}
        self._segments = SegmentSet(codes, folder, key, origin, self._planner)

    def __len__(self) -> int:
        return len(self._codes)

    def __repr__(self) -> str:
        return f"CodeIndex(rows={len(self)}, bits={self._codes.shape[1] * 8})"

    @property
    def pending(self) -> int:
        """The number of rows that `build` would add to the derived data."""
        return self._segments.pending()

    @property
    def covered(self) -> int:
        """The number of rows in the derived data; a search scans the other rows."""
        return self._segments.covered()

    @property
    def nbytes(self) -> int:
        """The size of the derived data in bytes."""
        return self._segments.nbytes()

    def build(self) -> None:
        """Bring the derived data up to date with all codes, and write it to the folder if any.

        A search scans the last few rows, which stay outside. Raises OSError when the folder cannot
        be written to; searches then use the derived data that exists.
        """
        self._segments.build()

    def warm(self) -> str:
        """Read the derived data and load the fastest loops for codes like these now.

        Returns the name of the loops: "numba" if it is installed, which takes up to a few seconds,
        once in a process. Without this call, both happen when searches have taken as long.
        """
        self._segments.check()
        return warm(self._words).name

    def search(
        self,
        queries: Codes,
        k: int,
        radius: int | None = None,
        rows: Rows | None = None,
        threads: int = 1,
    ) -> tuple[Distances, Rows]:
        """Find the k nearest rows of each query.

        queries: uint8 [Q, K/8]. radius: leave out rows with a larger distance, in bits. rows:
        int64, ascending; search only these. Returns distances int32 [Q, k] and rows int64 [Q, k];
        if there are fewer than k rows, the rest has row -1 and distance K + 1. Raises LineageError
        when the queries have another width than the codes.
        """
        return self.search_explained(queries, k, radius, rows, threads)[:2]

    def search_explained(
        self,
        queries: Codes,
        k: int,
        radius: int | None = None,
        rows: Rows | None = None,
        threads: int = 1,
    ) -> tuple[Distances, Rows, Explanation]:
        """As search, with an explanation of what the search did and of its times."""
        if queries.ndim != 2 or queries.shape[1] != self._codes.shape[1]:
            raise LineageError(
                f"queries of shape {queries.shape} do not fit codes of "
                f"{self._codes.shape[1] * 8} bits"
            )
        bits = self._codes.shape[1] * 8
        farthest = bits if radius is None else min(radius, bits)
        kernels = kernels_for(self._words)
        if kernels.name not in self._planners:
            self._planners[kernels.name] = self._planner.times(kernels.costs)
        context = SearchContext(
            self._words,
            queries,
            as_words(queries),
            RowFilter(self._dead, rows),
            self._planners[kernels.name],
            kernels,
            threads,
            Trace(kernels.name),
        )
        partitions = self._segments.partitions(len(queries), context.planner)
        best = _search_on_threads(context, partitions, TopK.none(k, farthest))
        if kernels is NUMPY:
            note_search(self._words, sum(context.trace.seconds.values()))
        distances, found = _padded(best, k, bits + 1)
        return distances, found, context.trace.explanation()


def _search_on_threads(
    context: SearchContext, partitions: list[Partition], start: TopK
) -> list[TopK]:
    """The best of each query, several queries at a time on several threads."""
    count = max(1, min(context.threads, len(context.queries)))
    if count == 1:
        return _search(context, partitions, start)
    cuts = [len(context.queries) * share // count for share in range(count + 1)]
    shares = [
        replace(
            context,
            queries=context.queries[begin:end],
            query_words=context.query_words[begin:end],
            threads=context.threads // count,
            trace=Trace(context.trace.kernels),
        )
        for begin, end in itertools.pairwise(cuts)
    ]
    with ThreadPoolExecutor(count) as pool:
        answers = list(pool.map(lambda share: _search(share, partitions, start), shares))
    for share in shares:
        context.trace.merge(share.trace)
    return [own for best in answers for own in best]


def _search(context: SearchContext, partitions: list[Partition], start: TopK) -> list[TopK]:
    best = [start] * len(context.queries)
    for partition in partitions:
        best = search_partition(context, partition, best)
    return best


def _padded(best: list[TopK], k: int, beyond: int) -> tuple[Distances, Rows]:
    """Distances int32 [Q, k] and rows int64 [Q, k]; those that are lacking are at a distance."""
    if len(best) == 1 and len(best[0].rows) == k:
        return best[0].distances[None], best[0].rows[None]
    distances = np.full((len(best), k), beyond, np.int32)
    rows = np.full((len(best), k), NO_ROW, np.int64)
    for number, own in enumerate(best):
        distances[number, : len(own.rows)] = own.distances
        rows[number, : len(own.rows)] = own.rows
    return distances, rows
