"""Searching one segment by its multi-index, in steps, for as long as that is the cheaper way."""

from dataclasses import dataclass

import numpy as np

from scenehash.codes import Codes

from .explanation import Trace
from .kernels import Kernels
from .multi_index import MultiIndex
from .planner import Planner, buckets_within
from .row_mapping import ItemRows
from .topk import Nearest
from .words import Words


@dataclass(frozen=True)
class Probed:
    """What looking into buckets gave.

    found: the nearest, or None when they are not certain to be. limit: at least as far as the
    farthest of them. reason: for people.
    """

    found: Nearest | None
    limit: int
    reason: str


def probe(
    place: ItemRows,
    every: Words,
    query: Codes,
    word: Words,
    nearest: Nearest,
    planner: Planner,
    ceiling: float,
    trace: Trace,
    kernels: Kernels,
) -> Probed:
    """Search a segment for a query, uint8 [B] and the same as words [W].

    every: the codes of all rows. nearest: what was found in other segments. ceiling: the cost at
    which a scan is the better way.
    """
    segment = place.segment
    index = segment.index
    limit = nearest.limit(segment.first)
    allowed = max(1, place.allowed.count(segment.first, segment.last))
    same = segment.item_of(query)
    if same is not None:
        rows, _ = place.expand(np.array([same]), nearest.k)
        found = nearest.joined(np.zeros(len(rows), np.int32), rows)
        if found.limit() <= 0:
            return Probed(found, 0, "enough rows have the very code")
    if index is None:
        return Probed(None, limit, "no multi-index")
    wanted = nearest.k * (segment.last - segment.first) // allowed
    distance = min(limit, planner.first_distance(segment, wanted))
    spent, fullness = 0.0, segment.items / (1 << index.bits)
    while True:
        ahead = buckets_within(distance, index.substrings, index.bits)
        if spent + planner.probe(ahead, ahead * fullness) > ceiling:
            return Probed(None, limit, "too many buckets would have to be looked into")
        count, left = index.shape(len(query), distance).count, ceiling - spent
        most = planner.entries_for(left, count)
        room = planner.candidates_for(left - planner.probe(count, 0), every.shape[1])
        looked = kernels.look(segment, every, query, word, distance, most, room)
        if looked.entries > most:
            return Probed(None, limit, "the buckets to look into are too full")
        trace.codes += looked.entries
        cost = planner.probe(count, looked.entries)
        if looked.items is not None:
            cost += planner.candidates(len(looked.items), every.shape[1])
        if looked.items is None or looked.near is None or spent + cost > ceiling:
            return Probed(None, limit, "too many codes there look near enough")
        items, near = looked.items, looked.near
        close = near <= distance
        if np.count_nonzero(close) < nearest.k:
            # What is farther says at least how far to look.
            close = near <= limit
        items, once = np.unique(items[close], return_index=True)
        rows, source = place.expand(items, nearest.k)
        found = nearest.joined(near[close][once][source], rows)
        limit = min(limit, found.limit(segment.first))
        if distance >= limit:
            return Probed(found, limit, "few buckets hold all that is near enough")
        spent += cost
        fullness = looked.entries / max(1, count)
        distance = _next_distance(index, distance, limit, fullness, spent, planner)


def _next_distance(
    index: MultiIndex, distance: int, limit: int, fullness: float, spent: float, planner: Planner
) -> int:
    """How far to look next: as far as costs about what was spent, so that steps stay few."""
    distance += 1
    while distance < limit:
        ahead = buckets_within(distance + 1, index.substrings, index.bits)
        if planner.probe(ahead, ahead * fullness) > 2 * spent:
            break
        distance += 1
    return distance
