"""Another order for the nearest hits, that says so and hides nothing: each keeps its distance and
its rank by distance."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from scenehash.codes import unpack
from scenehash.errors import ConfigurationError
from scenehash.store import Hit, SceneVectors, Searchable

from .place_match import same_place_first
from .query import Logits, Query

# Hits that are compared by the certainty of bits for each that is wanted; and at least so many.
WEIGHED, LEAST_WEIGHED = 5, 100
# Hits of which thumbnails are compared with the query's, and representations.
PLACES, REPRESENTED = 300, 300
# A bit counts in full where the query's logit has this share of the mean size, and less below it.
# Of several weights tried on UC Merced, EuroSAT and AID at 150 px the one that never lost to none.
FULL = 0.5


Rerank = Literal["vectors", "bits", "thumbnails", "none"]


@dataclass(frozen=True)
class Reranked:
    """How hits were ordered anew.

    compared: how many of the nearest each order looked at, by its name, in the order in which they
    were applied: the last decides first. A hit without a thumbnail is not looked at by same_place,
    nor one without a vector by vectors.
    """

    compared: Mapping[str, int]

    @property
    def by(self) -> tuple[str, ...]:
        """The names of the orders, that which decides first in front."""
        return tuple(reversed(list(self.compared)))

    def document(self) -> dict[str, object]:
        """The same as plain values, as JSON has them."""
        return {"by": list(self.by), "compared": dict(self.compared)}


def shortlist(k: int, by: Sequence[str]) -> int:
    """How many hits to search for, for k of them in an order by these."""
    wide = {
        "bit_certainty": max(WEIGHED * k, LEAST_WEIGHED),
        "vectors": max(k, REPRESENTED),
        "same_place": max(k, PLACES),
    }
    return max([k, *(wide[name] for name in by)])


def orders(store: Searchable, queries: Sequence[Query], rerank: Rerank | None) -> tuple[str, ...]:
    """By what the hits of queries are ordered anew: see search.

    Raises ConfigurationError when the store, or a query, lacks what that needs.
    """
    if rerank == "none":
        return ()
    if rerank == "bits" and any(query.logits is None for query in queries):
        raise ConfigurationError(
            "re-ranking by the certainty of bits (--rerank bits) needs images: a stored tile or a "
            "code has bits alone"
        )
    if rerank == "vectors":
        _check_vectors(store, queries)
    if rerank == "thumbnails" and not store.thumbnails.kept:
        raise ConfigurationError(
            f"--rerank thumbnails: {store.address} keeps no thumbnails; make them with: "
            f"scenehash store thumbnails {store.address}"
        )
    pictured = store.thumbnails.kept and any(query.thumbnails for query in queries)
    by = {"bits": ("bit_certainty",), "vectors": ("vectors",)}
    return by.get(str(rerank), ()) + ("same_place",) * pictured


def reranked(
    store: Searchable, queries: Sequence[Query], hits: Sequence[Hit], k: int, by: Sequence[str]
) -> tuple[list[Hit], Reranked]:
    """The first k hits in an order by these."""
    compared = {}
    if "bit_certainty" in by:
        wide = hits[: shortlist(k, ["bit_certainty"])]
        logits = [query.logits for query in queries if query.logits is not None]
        hits = [*by_bit_certainty(store, logits, wide), *hits[len(wide) :]]
        compared["bit_certainty"] = len(wide)
    if "vectors" in by:
        wide = hits[: shortlist(k, ["vectors"])]
        vectors = [query.vectors for query in queries if query.vectors is not None]
        hits = [*by_vectors(store, vectors, wide), *hits[len(wide) :]]
        compared["vectors"] = sum(hit.cosine is not None for hit in hits)
    if "same_place" in by:
        hits = same_place_first(store, queries, hits)
        compared["same_place"] = sum(hit.same_place is not None for hit in hits)
    ranked = [replace(hit, rank=rank) for rank, hit in enumerate(hits[:k], start=1)]
    return ranked, Reranked(compared)


def by_vectors(
    store: Searchable, vectors: Sequence[SceneVectors], hits: Sequence[Hit]
) -> list[Hit]:
    """Order hits by the cosine of their kept vectors and the query's, the largest first.

    vectors: int8 [T, D] for each query; the nearest of all T counts. A hit of which no vector is
    kept stays at its place among the others.
    """
    there, kept = store.vectors.read(np.array([hit.row for hit in hits], np.int64))
    likeness = _unit(kept) @ _unit(np.concatenate([own.values for own in vectors])).T
    cosines = dict(zip(there.tolist(), likeness.max(axis=1).tolist(), strict=True))
    places = [place for place, hit in enumerate(hits) if hit.row in cosines]
    order = sorted(places, key=lambda place: -cosines[hits[place].row])
    result = list(hits)
    for place, best in zip(places, order, strict=True):
        result[place] = replace(hits[best], cosine=round(cosines[hits[best].row], 4))
    return result


def _check_vectors(store: Searchable, queries: Sequence[Query]) -> None:
    frame = store.vectors.frame
    if frame is None:
        raise ConfigurationError(
            f"--rerank vectors: {store.address} keeps no vectors; make them with: "
            f"scenehash store vectors {store.address}"
        )
    for query in queries:
        if query.vectors is None or query.vectors.frame != frame:
            raise ConfigurationError(
                f"--rerank vectors: {query.text}: there is no vector of it in the store's frame"
            )


def _unit(vectors: npt.NDArray[np.int8]) -> npt.NDArray[np.float32]:
    """Vectors int8 [N, D] of length 1: float32 [N, D]."""
    floats = vectors.astype(np.float32)
    unit: npt.NDArray[np.float32] = floats / np.maximum(
        np.linalg.norm(floats, axis=1, keepdims=True), 1e-9
    )
    return unit


def by_bit_certainty(store: Searchable, logits: Sequence[Logits], hits: Sequence[Hit]) -> list[Hit]:
    """Order hits by asymmetric distance: a bit that the query is unsure of counts less.

    logits: float32 [T, K] for each query; the nearest of all T counts. Hits at one Hamming distance
    are told apart so. Source: Gordo, Perronnin, Gong, Lazebnik, "Asymmetric distances for binary
    embeddings", IEEE TPAMI 36(1), 2014.
    """
    if not hits:
        return []
    stored = unpack(store.codes_of(hits))
    every = np.concatenate(logits)
    nearest = np.full(len(hits), np.inf, np.float32)
    for one in every:
        np.minimum(nearest, _asymmetric(one, stored), out=nearest)
    return [hits[number] for number in np.argsort(nearest, kind="stable")]


def _asymmetric(
    logits: npt.NDArray[np.float32], stored: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float32]:
    sizes = np.abs(logits)
    full = FULL * max(float(sizes.mean()), 1e-9)
    weights = np.minimum(sizes, full) / full
    total: npt.NDArray[np.float32] = (stored != (logits > 0)) @ weights.astype(np.float32)
    return total
