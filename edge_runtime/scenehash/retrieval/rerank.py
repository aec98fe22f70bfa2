"""Another order for the nearest hits, that says so and hides nothing: each keeps its distance and
its rank by distance."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from scenehash.codes import unpack
from scenehash.errors import ConfigurationError
from scenehash.store import CodeStore, Hit

from .place_match import same_place_first
from .query import Logits, Query

# Hits that are compared by the certainty of bits for each that is wanted; and at least so many.
WEIGHED, LEAST_WEIGHED = 5, 100
# Hits of which thumbnails are compared with the query's.
PLACES = 300
# A bit counts in full where the query's logit has this share of the mean size, and less below it.
# Of several weights tried on UC Merced, EuroSAT and AID at 150 px the one that never lost to none.
FULL = 0.5


@dataclass(frozen=True)
class Reranked:
    """How hits were ordered anew.

    compared: how many of the nearest each order looked at, by its name, in the order in which they
    were applied: the last decides first. A hit without a thumbnail is not looked at by same_place.
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
    wide = {"bit_certainty": max(WEIGHED * k, LEAST_WEIGHED), "same_place": max(k, PLACES)}
    return max([k, *(wide[name] for name in by)])


def orders(store: CodeStore, queries: Sequence[Query], rerank: bool | None) -> tuple[str, ...]:
    """By what the hits of queries are ordered anew: see search.

    Raises ConfigurationError when bits are to be weighed of a query that has no logits.
    """
    if rerank is False:
        return ()
    if rerank and any(query.logits is None for query in queries):
        raise ConfigurationError(
            "re-ranking by the certainty of bits (--rerank) needs images: a stored tile or a code "
            "has bits alone"
        )
    pictured = store.thumbnails.kept and any(query.thumbnails for query in queries)
    return ("bit_certainty",) * bool(rerank) + ("same_place",) * pictured


def reranked(
    store: CodeStore, queries: Sequence[Query], hits: Sequence[Hit], k: int, by: Sequence[str]
) -> tuple[list[Hit], Reranked]:
    """The first k hits in an order by these."""
    compared = {}
    if "bit_certainty" in by:
        wide = hits[: shortlist(k, ["bit_certainty"])]
        logits = [query.logits for query in queries if query.logits is not None]
        hits = [*by_bit_certainty(store, logits, wide), *hits[len(wide) :]]
        compared["bit_certainty"] = len(wide)
    if "same_place" in by:
        hits = same_place_first(store, queries, hits)
        compared["same_place"] = sum(hit.same_place is not None for hit in hits)
    ranked = [replace(hit, rank=rank) for rank, hit in enumerate(hits[:k], start=1)]
    return ranked, Reranked(compared)


def by_bit_certainty(store: CodeStore, logits: Sequence[Logits], hits: Sequence[Hit]) -> list[Hit]:
    """Order hits by asymmetric distance: a bit that the query is unsure of counts less.

    logits: float32 [T, K] for each query; the nearest of all T counts. Hits at one Hamming distance
    are told apart so. Source: Gordo, Perronnin, Gong, Lazebnik, "Asymmetric distances for binary
    embeddings", IEEE TPAMI 36(1), 2014.
    """
    if not hits:
        return []
    stored = unpack(store.codes(np.array([hit.row for hit in hits])))
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
