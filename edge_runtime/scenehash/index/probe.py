"""Searching one segment by its multi-index, in steps, as long as that is cheaper than a scan."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .candidates import BucketQuery
from .context import SearchContext
from .costs import Planner, buckets_within
from .multi_index import MultiIndex
from .row_mapping import ItemRows
from .topk import TopK
from .words import columns


@dataclass(frozen=True)
class Probed:
    """The result of reading buckets.

    best: the best rows with this segment, or None if they are not certain. limit: at least the
    distance of the farthest of them. reason: for people.
    """

    best: TopK | None
    limit: int
    reason: str


def probe(
    context: SearchContext, rows: ItemRows, number: int, best: TopK, ceiling: float
) -> Probed:
    """Search a segment for one of the queries.

    rows: of the segment. number: of the query. best: the best rows of other partitions. ceiling:
    the cost at which a scan is cheaper.
    """
    segment, planner, trace = rows.segment, context.planner, context.trace
    index = segment.index
    limit = best.limit(segment.first)
    same = segment.item_of(context.queries[number])
    if same is not None:
        found = context.kernels.rank(rows, np.array([same]), np.zeros(1, np.uint16), best)
        if found.limit() <= 0:
            return Probed(found, 0, "k rows have exactly the query's code")
    if index is None:
        return Probed(None, limit, "this part of the rows has no multi-index")
    allowed = max(1, rows.allowed.count(segment.first, segment.last))
    wanted = best.k * (segment.last - segment.first) // allowed
    distance = min(limit, planner.first_distance(segment, wanted))
    width, query = context.words.shape[1], context.query_words[number]
    values: npt.NDArray[np.uint16] | None = None
    spent, fullness = 0.0, segment.items / (1 << index.bits)
    while True:
        ahead = buckets_within(distance, index.substrings, index.bits)
        if spent + planner.probe(ahead, ahead * fullness) > ceiling:
            return Probed(None, limit, "the multi-index would have to read too many buckets")
        if values is None:
            (values,) = columns(context.queries[number : number + 1])
        count, left = index.shape(len(values), distance).count, ceiling - spent
        most = planner.entries_for(left, count)
        room = planner.candidates_for(left - planner.probe(count, 0), width)
        asked = BucketQuery(query, values, distance, most, room)
        candidates = context.kernels.candidates(segment, context.words, asked)
        if candidates.entries > most:
            return Probed(None, limit, "the buckets near the query are too full")
        trace.codes += candidates.entries
        cost = planner.probe(count, candidates.entries)
        items, distances = candidates.items, candidates.distances
        if items is not None:
            cost += planner.candidates(len(items), width)
        if items is None or distances is None or spent + cost > ceiling:
            return Probed(None, limit, "too many codes in the buckets are near enough to compare")
        # Some may be farther, but they limit the distance to search.
        found = context.kernels.rank(rows, items, distances, best)
        limit = min(limit, found.limit(segment.first))
        if distance >= limit:
            return Probed(found, limit, "few buckets hold all codes that are near enough")
        spent += cost
        fullness = candidates.entries / max(1, count)
        distance = _next_distance(index, distance, limit, fullness, spent, planner)


def _next_distance(
    index: MultiIndex, distance: int, limit: int, fullness: float, spent: float, planner: Planner
) -> int:
    """The distance to search to next: what costs about as much again, so that steps stay few."""
    distance += 1
    while distance < limit:
        ahead = buckets_within(distance + 1, index.substrings, index.bits)
        if planner.probe(ahead, ahead * fullness) > 2 * spent:
            break
        distance += 1
    return distance
