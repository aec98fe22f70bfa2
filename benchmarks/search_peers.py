"""What scenehash is measured beside, all behind one function: queries to distances and rows."""

import time
from collections.abc import Callable

import faiss
import numpy as np
import numpy.typing as npt
from usearch.index import MetricKind, search

from scenehash.codes import Codes

Answer = tuple[npt.NDArray[np.integer], npt.NDArray[np.integer]]
Search = Callable[[Codes], Answer]


class TooSlowError(Exception):
    """A peer would take longer than it may; says how long."""


def faiss_flat(codes: Codes, k: int, _threads: int, _budget: float) -> Search:
    """IndexBinaryFlat: a scan, exact; ties in no stated order."""
    index = faiss.IndexBinaryFlat(codes.shape[1] * 8)
    index.add(codes)
    return lambda queries: index.search(queries, k)


def faiss_multi_hash(codes: Codes, k: int, _threads: int, budget: float) -> Search:
    """IndexBinaryMultiHash with substrings of 16 bits, 2 of them flipped: fast, not exact."""
    bits = codes.shape[1] * 8
    index = faiss.IndexBinaryMultiHash(bits, min(bits // 16, 4), 16)
    index.nflip = 2
    started, size = time.perf_counter(), 20_000
    for begin in range(0, len(codes), size):
        index.add(codes[begin : begin + size])
        share = min(1.0, (begin + size) / len(codes))
        if (taken := time.perf_counter() - started) > budget * share and taken > budget / 10:
            raise TooSlowError(f"would take {taken / share:.0f} s to build")
    return lambda queries: index.search(queries, k)


def usearch_exact(codes: Codes, k: int, threads: int, _budget: float) -> Search:
    """usearch's exact search: a scan."""

    def run(queries: Codes) -> Answer:
        found = search(codes, queries, k, MetricKind.Hamming, exact=True, threads=threads)
        shape = (len(queries), -1)
        return found.distances.reshape(shape).astype(np.int32), found.keys.reshape(shape)

    return run


PEERS = {
    "FAISS flat": faiss_flat,
    "FAISS multi-hash": faiss_multi_hash,
    "usearch exact": usearch_exact,
}


def set_threads(threads: int) -> None:
    faiss.omp_set_num_threads(threads)
