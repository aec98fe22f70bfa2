"""Search by examples: several at once, others that hits must not be like, and a second look."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from scenehash.codes import nearest_hamming, unpack
from scenehash.errors import ConfigurationError
from scenehash.index import Explanation
from scenehash.store import CodeStore, Filter, Hit

from .place_match import same_place_first
from .query import Query

# Hits that a second look orders anew, for each that is wanted; and at least so many.
LOOKED_AT, LEAST_LOOKED_AT = 5, 100
# Hits of which thumbnails are compared with the query.
PLACES_LOOKED_AT = 300


@dataclass(frozen=True)
class Found:
    """Hits, nearest first, and how the store was searched for them."""

    hits: list[Hit]
    explanation: Explanation


def search_by_examples(
    store: CodeStore,
    like: Sequence[Query],
    k: int,
    radius: int | None = None,
    where: Filter | None = None,
    unlike: Sequence[Query] = (),
    rerank: bool = False,
) -> Found:
    """The k stored tiles nearest to any of some examples, nearest first, ties by row.

    like: a tile's distance is that to the nearest of them. unlike: a tile that is as near to one of
    them, or nearer, is left out. radius, where: see CodeStore.search; as exact. rerank: order the
    nearest by a second look: by how sure the query is of its bits, see second_look, and where the
    store keeps thumbnails, those of the query's place before all others, see same_place_first.
    Raises ConfigurationError when that is wanted of a stored tile, which has no logits.
    """
    if not rerank:
        return _nearest_to_any(store, like, k, radius, where, unlike)
    logits = [query.logits for query in like if query.logits is not None]
    if len(logits) < len(like):
        raise ConfigurationError("a second look (--rerank) needs an image: a row has bits alone")
    wide = max(LOOKED_AT * k, LEAST_LOOKED_AT)
    pictured = store.thumbnails.kept
    most = max(wide, PLACES_LOOKED_AT) if pictured else wide
    found = _nearest_to_any(store, like, most, radius, where, unlike)
    hits = second_look(store, logits, found.hits[:wide]) + found.hits[wide:]
    if pictured:
        images = [query.image for query in like if query.image is not None]
        hits = same_place_first(store, images, hits)
    return Found(_ranked(hits[:k]), found.explanation)


def second_look(
    store: CodeStore, logits: Sequence[npt.NDArray[np.float32]], hits: Sequence[Hit]
) -> list[Hit]:
    """Order hits by asymmetric distance: how sure the query is of a bit counts.

    logits: float32 [K] for each example. A bit in which a stored code differs weighs as much as the
    size of the query's logit, so that hits at equal Hamming distance are told apart. Source: Gordo,
    Perronnin, Gong, Lazebnik, "Asymmetric distances for binary embeddings", IEEE TPAMI 36(1), 2014.
    """
    if not hits:
        return []
    stored = unpack(store.codes(np.array([hit.row for hit in hits])))
    distances = np.min([_asymmetric(one, stored) for one in logits], axis=0)
    return _ranked([hits[position] for position in np.argsort(distances, kind="stable")])


def _nearest_to_any(
    store: CodeStore,
    like: Sequence[Query],
    k: int,
    radius: int | None,
    where: Filter | None,
    unlike: Sequence[Query],
) -> Found:
    codes = np.stack([query.code for query in like])
    wanted = k
    while True:
        found, explanation = store.search(codes, wanted, radius, where, explain=True)
        # The nearest of all examples are among the nearest of each.
        best: dict[int, Hit] = {}
        for hit in sorted((hit for hits in found for hit in hits), key=lambda hit: hit.distance):
            best.setdefault(hit.row, hit)
        hits = sorted(best.values(), key=lambda hit: (hit.distance, hit.row))
        complete = all(len(one) < wanted for one in found) or wanted >= len(store)
        if not complete:
            hits = hits[:wanted]  # further ones might have others between them
        hits = _not_like(store, hits, unlike)
        if len(hits) >= k or complete:
            return Found(_ranked(hits[:k]), explanation)
        wanted *= 4


def _not_like(store: CodeStore, hits: list[Hit], unlike: Sequence[Query]) -> list[Hit]:
    if not unlike or not hits:
        return hits
    codes = store.codes(np.array([hit.row for hit in hits]))
    nearest = nearest_hamming(codes, np.stack([query.code for query in unlike]))
    return [hit for hit, other in zip(hits, nearest, strict=True) if hit.distance < other]


def _asymmetric(
    logits: npt.NDArray[np.float32], stored: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float32]:
    differs = stored != (logits > 0)
    weights: npt.NDArray[np.float32] = np.abs(logits) / np.abs(logits).mean()
    total: npt.NDArray[np.float32] = differs @ weights
    return total


def _ranked(hits: Sequence[Hit]) -> list[Hit]:
    return [replace(hit, rank=rank) for rank, hit in enumerate(hits, start=1)]
