"""The expected costs of each way of searching, to choose the first one to try."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from .masks import radii, within
from .multi_index import MultiIndex
from .segment import Segment


@dataclass(frozen=True, eq=False)
class Planner:
    """Costs in nanoseconds, measured on x86-64 with numpy 2.4; only their ratios matter.

    min_segment: fewer rows than this get no derived data. max_segment: more rows than this are
    split, which limits the memory for building. bytes_per_row: the maximum size of derived data.
    """

    min_segment: int = 1 << 16
    max_segment: int = 11 << 20
    bytes_per_row: int = 24
    scan_word: float = 0.7
    # For ascending rows: 0.4 in long runs, up to 4 if they are scattered in a large archive.
    scan_gathered: float = 1.0
    probe_step: float = 150_000.0
    probe_window: float = 75.0
    probe_entry: float = 1.2
    # Per word of a compared code.
    probe_candidate: float = 15.0
    # Reading a segment file from front to back to compare its checksum.
    check_byte: float = 0.7

    def times(self, factors: Mapping[str, float]) -> "Planner":
        """The same costs, some of them multiplied."""
        return replace(self, **{name: getattr(self, name) * by for name, by in factors.items()})

    def scan(self, codes: int, words: int) -> float:
        """Comparing consecutive codes of this many words."""
        return self.scan_word * codes * words

    def gathered_scan(self, codes: int, words: int) -> float:
        """Comparing codes that are first copied together, in their order."""
        return (self.scan_gathered + self.scan_word * words) * codes

    def probe(self, buckets: int, entries: float) -> float:
        """Reading buckets with this total number of entries."""
        return self.probe_step + self.probe_window * buckets + self.probe_entry * entries

    def entries_for(self, cost: float, buckets: int) -> float:
        """The number of entries in this many buckets that a cost allows."""
        return _quotient(cost - self.probe(buckets, 0), self.probe_entry)

    def candidates(self, codes: int, words: int) -> float:
        """Comparing this many codes of this many words from buckets."""
        return self.probe_candidate * codes * words

    def candidates_for(self, cost: float, words: int) -> float:
        """The number of such comparisons that a cost allows."""
        return _quotient(cost, self.probe_candidate * words)

    def check(self, size: int) -> float:
        """Checking a file with this many bytes."""
        return self.check_byte * size

    def first_distance(self, segment: Segment, rows: int) -> int:
        """The first distance to search for this many rows: half of all queries need no more.

        Or a larger one if it costs little more, since that may save a second reading.
        """
        # Three leading bits are exact enough, and keep the cache small.
        spare = max(0, rows.bit_length() - 3)
        key = self, rows >> spare << spare
        if key not in segment.first_distances:
            segment.first_distances[key] = self._first_distance(segment, key[1])
        return segment.first_distances[key]

    def _first_distance(self, segment: Segment, rows: int) -> int:
        half, most = segment.reached(rows)
        if segment.index is None:
            return half
        dear = 1.3 * self.probe_step + self._expected(segment.index, half)
        for distance in range(most, half, -1):
            if self.probe_step + self._expected(segment.index, distance) < dear:
                return distance
        return half

    def _expected(self, index: MultiIndex, distance: int) -> float:
        """The cost of a search to a distance, if all buckets are as full as the query's own."""
        buckets = buckets_within(distance, index.substrings, index.bits)
        return self.probe(buckets, buckets * index.fullness)


def _quotient(cost: float, each: float) -> float:
    return -1.0 if cost < 0 else cost / each if each else math.inf


@lru_cache(4096)
def buckets_within(distance: int, substrings: int, bits: int) -> int:
    """How many buckets a search to a distance reads."""
    return sum(within(bits)[radius] for radius in radii(distance, substrings, bits) if radius >= 0)
