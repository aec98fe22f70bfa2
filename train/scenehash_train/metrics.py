"""Retrieval quality, by the protocol of docs/protocol.md: each image queries all others."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace

import numpy as np
import numpy.typing as npt

from scenehash.codes import Codes, unpack
from scenehash.model.linear_code import Vectors
from scenehash.retrieval.mixing import Mixing
from scenehash.store import TileSample
from scenehash.store.search.sample import SAMPLED

from .data import Labels, memberships

Scores = Callable[[slice], npt.NDArray[np.float32]]

DEPTH = 20
QUERIES_AT_ONCE = 512


@dataclass(frozen=True)
class Quality:
    """Mean retrieval quality over all queries, each figure 0 to 1.

    The last two, graded, are given where some images have several classes.
    """

    map_at_20: float
    map_at_20_hits: float
    precision_at_20: float
    acg_at_20: float | None = None
    ndcg_at_20: float | None = None

    def as_dict(self) -> dict[str, float]:
        """The figures by name."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def retrieval_quality(codes: Codes, labels: Labels, seed: int, k: int = DEPTH) -> Quality:
    """Quality of codes uint8 [N, K/8] with classes int64 [N], or memberships bool [N, C].

    An image is relevant when it shares a class with the query. Ranked by (Hamming distance,
    position), positions being a shuffle by the seed, so that the order of folders has no effect.
    map_at_20 divides the sum of a query's precisions by min(k, relevant images), map_at_20_hits by
    the relevant images among the k hits, as the public code of Roy et al. does: the latter is too
    favourable, and serves for comparison with the paper only.
    """
    order = np.random.default_rng(seed).permutation(len(labels))
    signs = np.where(unpack(codes[order]), np.float32(1), np.float32(-1))
    # The dot product of signs is K - 2 * distance: exact in float32, and a matrix product is fast.
    return _quality(lambda queries: signs[queries] @ signs.T, labels[order], k)


def confusion(codes: Codes, labels: Labels, seed: int, k: int = DEPTH) -> npt.NDArray[np.float64]:
    """Of the first k hits of the queries of class i, the fraction of class j, float64 [C, C].

    The diagonal is precision@k by class. Ranked as in retrieval_quality. Rows of classes without an
    image are NaN.
    """
    order = np.random.default_rng(seed).permutation(len(labels))
    codes, members = codes[order], memberships(labels[order])
    signs = np.where(unpack(codes), np.float32(1), np.float32(-1))
    found = np.zeros((members.shape[1], members.shape[1]))
    depth = min(k, len(labels) - 1)
    for query in range(len(labels)):
        scores = signs @ signs[query]
        scores[query] = -np.inf
        ranked = np.argsort(-scores, kind="stable")[:depth]
        found[members[query]] += members[ranked].sum(axis=0)
    with np.errstate(invalid="ignore"):
        fractions: npt.NDArray[np.float64] = found / (members.sum(axis=0) * depth)[:, np.newaxis]
    return fractions


def cosine_quality(vectors: npt.NDArray[np.float32], labels: Labels, k: int = DEPTH) -> Quality:
    """Quality of real vectors float32 [N, D], ranked by cosine: the reference without bits."""
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return _quality(lambda queries: unit[queries] @ unit.T, labels, k)


def mixed_quality(
    codes: Codes,
    vectors: Vectors,
    labels: Labels,
    seed: int,
    k: int = DEPTH,
    adapted: bool = False,
) -> Quality:
    """Quality of the second look of a search: codes uint8 [N, K/8] with vectors int8 [N, D].

    As a store ranks that keeps representations: the nearest by codes, see retrieval_quality, are
    ordered by codes and vectors together; scenehash.retrieval.mixing. adapted: whether the codes
    are those of an adapted model.
    """
    order = np.random.default_rng(seed).permutation(len(labels))
    codes, vectors = codes[order], vectors[order]
    mixing = Mixing.of(TileSample(codes[:SAMPLED], vectors[:SAMPLED]), adapted)
    signs = np.where(unpack(codes), np.float32(1), np.float32(-1))

    def scores(queries: slice) -> npt.NDArray[np.float32]:
        likeness = signs[queries] @ signs.T
        mixed = np.full_like(likeness, -np.inf)
        for place, query in enumerate(range(queries.start, queries.stop)):
            likeness[place, query] = -np.inf
            near = np.argsort(-likeness[place], kind="stable")[: max(mixing.nearest, k)]
            own = slice(query, query + 1)
            mixed[place, near] = mixing.scores(codes[near], codes[own], vectors[near], vectors[own])
        return mixed

    return _quality(scores, labels[order], k)


def _quality(scores: Scores, labels: Labels, k: int) -> Quality:
    members = memberships(labels).astype(np.float32)
    counts = members.sum(axis=1)
    several = labels.dtype == np.bool_
    sums, graded = np.zeros(3), np.zeros(2)
    for start in range(0, len(labels), QUERIES_AT_ONCE):
        queries = slice(start, min(start + QUERIES_AT_ONCE, len(labels)))
        block = scores(queries)
        common = members[queries] @ members.T
        # A query is not its own hit.
        itself = np.arange(len(block)), np.arange(queries.start, queries.stop)
        block[itself], common[itself] = -np.inf, 0
        ranked = np.argsort(-block, axis=1, kind="stable")[:, : min(k, len(labels) - 1)]
        relevant = np.take_along_axis(common, ranked, axis=1) > 0
        found = relevant.cumsum(axis=1)
        precisions = (relevant * found / np.arange(1, relevant.shape[1] + 1)).sum(axis=1)
        possible = np.maximum(np.minimum((common > 0).sum(axis=1), k), 1)
        hits = np.maximum(found[:, -1], 1)
        sums += [
            (precisions / possible).sum(),
            (precisions / hits).sum(),
            (found[:, -1] / k).sum(),
        ]
        if several:
            gains = common / (counts[queries, np.newaxis] + counts - common)
            graded += _graded(gains, ranked, k)
    quality = Quality(*(float(value) for value in sums / len(labels)))
    if several:
        acg, ndcg = (float(value) for value in graded / len(labels))
        quality = replace(quality, acg_at_20=acg, ndcg_at_20=ndcg)
    return quality


def _graded(
    gains: npt.NDArray[np.float32], ranked: npt.NDArray[np.int64], k: int
) -> npt.NDArray[np.float64]:
    """The sums over Q queries of ACG@k and NDCG@k, float64 [2].

    gains: [Q, N], the gain of each image for each query, 0 to 1: the number of common classes over
    the number of classes that either has. ACG@k is the mean gain of the first k; NDCG@k the sum of
    gain / log2(1 + rank), over the same sum of the ideal ranking. A query without relevant images
    counts 0.
    Sources: Jarvelin and Kekalainen, "Cumulated Gain-Based Evaluation of IR Techniques", ACM TOIS
    2002; Zhao, Huang, Wang, Tan, "Deep Semantic Ranking Based Hashing for Multi-Label Image
    Retrieval", CVPR 2015, which has both for codes.
    """
    depth = ranked.shape[1]
    discounts = 1 / np.log2(np.arange(2, depth + 2))
    got = np.take_along_axis(gains, ranked, axis=1).astype(np.float64)
    best = np.sort(np.partition(gains, -depth, axis=1)[:, -depth:], axis=1)[:, ::-1]
    ideal = best.astype(np.float64) @ discounts
    ndcg = np.divide(got @ discounts, ideal, out=np.zeros(len(got)), where=ideal > 0)
    return np.array([got.sum() / k, ndcg.sum()])
