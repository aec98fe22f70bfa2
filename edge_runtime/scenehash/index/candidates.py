"""Candidates: the codes in the buckets of a segment's multi-index, compared with a query."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .segment import Segment
from .topk import Rows
from .words import Counts, Words, distances


@dataclass(frozen=True)
class BucketQuery:
    """A reading of the buckets that hold every item within a distance of a query.

    words: the query [W]; columns: the same as 16-bit columns [C]. max_entries, max_items: the
    limits of bucket entries and of compared items, beyond which the reading stops.
    """

    words: Words
    columns: npt.NDArray[np.uint16]
    distance: int
    max_entries: float
    max_items: float


@dataclass(frozen=True)
class CandidateSet:
    """The contents of buckets.

    entries: their number. items, distances: [C], in some order, with all items within the distance;
    items may repeat. None if there were more entries or items than allowed.
    """

    entries: int
    items: Rows | None
    distances: Counts | None


def find_candidates(segment: Segment, words: Words, query: BucketQuery) -> CandidateSet:
    """Find the items of a segment within a distance of a query; words: the codes of all rows."""
    assert segment.index is not None
    buckets = segment.index.buckets(query.columns, query.distance)
    if buckets.entries > query.max_entries:
        return CandidateSet(buckets.entries, None, None)
    items = segment.index.candidates(query.columns, buckets)
    if len(items) > query.max_items:
        return CandidateSet(buckets.entries, None, None)
    found = distances(segment.words(items, words), query.words)
    return CandidateSet(buckets.entries, items, found)
