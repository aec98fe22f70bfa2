"""Retrieval quality, by the protocol of docs/protocol.md: each image queries all others."""

from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from edge_runtime.codes import Codes, unpack

Labels = npt.NDArray[np.int64]
Scores = Callable[[slice], npt.NDArray[np.float32]]

DEPTH = 20
QUERIES_AT_ONCE = 512


@dataclass(frozen=True)
class Quality:
    """Mean retrieval quality over all queries, each figure 0 to 1."""

    map_at_20: float
    map_at_20_hits: float
    precision_at_20: float

    def as_dict(self) -> dict[str, float]:
        """The figures by name."""
        return asdict(self)


def retrieval_quality(codes: Codes, labels: Labels, seed: int, k: int = DEPTH) -> Quality:
    """Quality of codes uint8 [N, K/8] with classes int64 [N].

    Ranked by (Hamming distance, position), where positions are a shuffle by the seed, so that the
    order of folders cannot help. map_at_20 divides a query's precisions by min(k, relevant
    images), map_at_20_hits by the relevant ones found among the k, as the code of Roy et al. does;
    the latter flatters, and is there for comparison with the paper alone.
    """
    order = np.random.default_rng(seed).permutation(len(labels))
    signs = np.where(unpack(codes[order]), np.float32(1), np.float32(-1))
    # The dot product of signs is K - 2 * distance: exact in float32, and a matrix product is fast.
    return _quality(lambda queries: signs[queries] @ signs.T, labels[order], k)


def confusion(codes: Codes, labels: Labels, seed: int, k: int = DEPTH) -> npt.NDArray[np.float64]:
    """What is found for what, float64 [C, C]: of the first k hits of the queries of class i, the
    fraction of class j. Its diagonal is precision@k by class. Ranked as retrieval_quality does.
    """
    order = np.random.default_rng(seed).permutation(len(labels))
    codes, labels = codes[order], labels[order]
    signs = np.where(unpack(codes), np.float32(1), np.float32(-1))
    classes = int(labels.max()) + 1
    found = np.zeros((classes, classes))
    for query in range(len(labels)):
        scores = signs @ signs[query]
        scores[query] = -np.inf
        ranked = np.argsort(-scores, kind="stable")[: min(k, len(labels) - 1)]
        found[labels[query]] += np.bincount(labels[ranked], minlength=classes)
    fractions: npt.NDArray[np.float64] = found / found.sum(axis=1, keepdims=True)
    return fractions


def cosine_quality(vectors: npt.NDArray[np.float32], labels: Labels, k: int = DEPTH) -> Quality:
    """Quality of real vectors float32 [N, D], ranked by cosine: the ceiling without bits."""
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return _quality(lambda queries: unit[queries] @ unit.T, labels, k)


def _quality(scores: Scores, labels: Labels, k: int) -> Quality:
    relevant_images = np.bincount(labels)[labels] - 1
    sums = np.zeros(3)
    for start in range(0, len(labels), QUERIES_AT_ONCE):
        queries = slice(start, min(start + QUERIES_AT_ONCE, len(labels)))
        block = scores(queries)
        # A query is not its own answer.
        block[np.arange(len(block)), np.arange(queries.start, queries.stop)] = -np.inf
        ranked = np.argsort(-block, axis=1, kind="stable")[:, : min(k, len(labels) - 1)]
        relevant = labels[ranked] == labels[queries, np.newaxis]
        found = relevant.cumsum(axis=1)
        precisions = (relevant * found / np.arange(1, relevant.shape[1] + 1)).sum(axis=1)
        possible = np.maximum(np.minimum(relevant_images[queries], k), 1)
        hits = np.maximum(found[:, -1], 1)
        sums += [
            (precisions / possible).sum(),
            (precisions / hits).sum(),
            (found[:, -1] / k).sum(),
        ]
    return Quality(*(float(value) for value in sums / len(labels)))
