"""Looking into the buckets of a segment's multi-index, and comparing the codes found there."""

from dataclasses import dataclass

from scenehash.codes import Codes

from .segment import Segment
from .topk import Rows
from .words import Counts, Words, distances


@dataclass(frozen=True)
class CandidateSet:
    """What was found in buckets.

    entries: how many there were. items, near: [C], in some order, with all within the distance; one
    may come twice. None where there were more entries or items than wanted.
    """

    entries: int
    items: Rows | None
    near: Counts | None


def look(
    segment: Segment,
    every: Words,
    query: Codes,
    word: Words,
    distance: int,
    most_entries: float,
    most_items: float,
) -> CandidateSet:
    """Find the items of a segment within a distance of a query, uint8 [B] and the same as words.

    every: the codes of all rows. It gives up at more than so many entries or items.
    """
    assert segment.index is not None
    buckets = segment.index.buckets(query, distance)
    if buckets.entries > most_entries:
        return CandidateSet(buckets.entries, None, None)
    items = segment.index.candidates(query, buckets)
    if len(items) > most_items:
        return CandidateSet(buckets.entries, None, None)
    return CandidateSet(buckets.entries, items, distances(segment.words(items, every), word))
