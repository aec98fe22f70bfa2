"""Other orders of the nearest hits. Each hit keeps its distance and its rank by distance."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from scenehash.codes import unpack
from scenehash.errors import ConfigurationError
from scenehash.store import Hit, Searchable

from .mixing import Mixing, largest_cosines
from .options import Rerank
from .place_match import same_place_first
from .query import Logits, Query

# Hits compared by the certainty of bits, per wanted hit, and the minimum number.
WEIGHED, LEAST_WEIGHED = 5, 100
# The number of hits for thumbnails, and for representations alone.
PLACES, REPRESENTED = 300, 300
# A bit counts in full where the query's logit has this share of the mean size, and less below it.
# Of several weights tried on UC Merced, EuroSAT and AID at 150 px the one that never lost to none.
FULL = 0.5


@dataclass(frozen=True)
class Reranked:
    """How hits were reordered.

    compared: the number of nearest hits that each order compared, by its name, in the order of
    their application: the last one has priority. same_place compares no hit without a thumbnail;
    vectors and mixed compare no hit without a vector.
    """

    compared: Mapping[str, int]

    @property
    def by(self) -> tuple[str, ...]:
        """The names of the orders; the first has priority."""
        return tuple(reversed(list(self.compared)))

    def document(self) -> dict[str, object]:
        """The fields as plain values for JSON."""
        return {"by": list(self.by), "compared": dict(self.compared)}


def shortlist(k: int, by: Sequence[str], mixing: Mixing | None) -> int:
    """The number of hits to search for, to get k of them in these orders; mixing: of "mixed"."""
    wide = {
        "bit_certainty": max(WEIGHED * k, LEAST_WEIGHED),
        "vectors": max(k, REPRESENTED),
        "mixed": max(k, 0 if mixing is None else mixing.nearest),
        "same_place": max(k, PLACES),
    }
    return max([k, *(wide[name] for name in by)])


def orders(
    store: Searchable, queries: Sequence[Query], rerank: Rerank | None, adapted: bool
) -> tuple[str, ...]:
    """The orders for the hits of queries: see search.

    adapted: whether an adapted model made the store's codes: such codes are made from vectors, so
    that vectors add nothing. Raises ConfigurationError when the store, or a query, lacks data for a
    requested order.
    """
    if rerank == "none":
        return ()
    if rerank == "bits" and any(query.logits is None for query in queries):
        raise ConfigurationError(
            "re-ranking by the certainty of bits (--rerank bits) needs images: a stored tile or a "
            "code has only bits"
        )
    if rerank in ("vectors", "mixed"):
        _check_vectors(store, queries)
    if rerank == "thumbnails" and not store.thumbnails.kept:
        raise ConfigurationError(
            f"--rerank thumbnails: {store.address} keeps no thumbnails; make them with: "
            f"scenehash store thumbnails {store.address}"
        )
    pictured = store.thumbnails.kept and any(query.thumbnails for query in queries)
    mixed = not adapted and all(has_vector(query, store) for query in queries)
    by = {
        None: ("mixed",) * mixed,
        "bits": ("bit_certainty",),
        "vectors": ("vectors",),
        "mixed": ("mixed",),
    }
    return by.get(rerank, ()) + ("same_place",) * pictured


def reranked(
    store: Searchable,
    queries: Sequence[Query],
    hits: Sequence[Hit],
    k: int,
    by: Sequence[str],
    mixing: Mixing | None,
) -> tuple[list[Hit], Reranked]:
    """The first k hits in these orders; mixing: of "mixed"."""
    compared = {}
    if "bit_certainty" in by:
        wide = hits[: shortlist(k, ["bit_certainty"], mixing)]
        logits = [query.logits for query in queries if query.logits is not None]
        hits = [*by_bit_certainty(store, logits, wide), *hits[len(wide) :]]
        compared["bit_certainty"] = len(wide)
    for order in ("vectors", "mixed"):
        if order in by:
            wide = hits[: shortlist(k, [order], mixing)]
            own = _by_vectors(store, queries, wide, mixing if order == "mixed" else None)
            hits = [*own, *hits[len(wide) :]]
            compared[order] = sum(hit.cosine is not None for hit in hits)
    if "same_place" in by:
        hits = same_place_first(store, queries, hits)
        compared["same_place"] = sum(hit.same_place is not None for hit in hits)
    ranked = [replace(hit, rank=rank) for rank, hit in enumerate(hits[:k], start=1)]
    return ranked, Reranked(compared)


def _by_vectors(
    store: Searchable, queries: Sequence[Query], hits: Sequence[Hit], mixing: Mixing | None
) -> list[Hit]:
    """Order hits by the cosine of their stored vectors and the queries' vectors, the largest first.

    The nearest of all queries' tiles counts. mixing: order by the weighted sum of cosine and codes.
    A hit without a stored vector keeps its place.
    """
    asked = np.concatenate([query.vectors.values for query in queries if query.vectors])
    there, kept = store.vectors.read(np.array([hit.row for hit in hits], np.int64))
    cosines = largest_cosines(kept, asked)
    cosine_of = dict(zip(there.tolist(), cosines, strict=True))
    places = [place for place, hit in enumerate(hits) if hit.row in cosine_of]
    some = [hits[place] for place in places]
    scores = cosines
    if mixing is not None and some:
        codes = np.concatenate([query.codes for query in queries])
        scores = mixing.scores(store.codes_of(some), codes, kept, asked, cosines)
    result = list(hits)
    for place, best in zip(places, np.argsort(-scores, kind="stable"), strict=True):
        result[place] = replace(some[best], cosine=round(float(cosines[best]), 4))
    return result


def has_vector(query: Query, store: Searchable) -> bool:
    """Whether a query has a representation in the frame of the store's vectors."""
    frame = store.vectors.frame
    return frame is not None and query.vectors is not None and query.vectors.frame == frame


def _check_vectors(store: Searchable, queries: Sequence[Query]) -> None:
    if store.vectors.frame is None:
        raise ConfigurationError(
            f"--rerank: {store.address} keeps no representations; make them with: "
            f"scenehash store vectors {store.address}"
        )
    for query in queries:
        if not has_vector(query, store):
            raise ConfigurationError(
                f"--rerank: {query.text}: it has no representation in the store's frame"
            )


def by_bit_certainty(store: Searchable, logits: Sequence[Logits], hits: Sequence[Hit]) -> list[Hit]:
    """Order hits by asymmetric distance: an uncertain bit of the query has less weight.

    logits: float32 [T, K] for each query; the nearest of all T counts. This separates hits at the
    same Hamming distance. Source: Gordo, Perronnin, Gong, Lazebnik, "Asymmetric distances for
    binary embeddings", IEEE TPAMI 36(1), 2014.
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
