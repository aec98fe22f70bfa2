"""What a way of searching is likely to cost, and so which one to try first."""

from dataclasses import dataclass

import numpy as np

from .masks import radii, within
from .segment import Segment


@dataclass(frozen=True)
class Planner:
    """Costs in nanoseconds, measured on x86-64 with numpy 2.4; their ratios are what matters.

    min_segment: fewer rows than this are not worth derived data. max_segment: more rows than this
    are split, which bounds the memory that building takes.
    """

    min_segment: int = 1 << 16
    max_segment: int = 11 << 20
    scan_word: float = 0.7
    scan_gathered: float = 12.0
    probe_step: float = 150_000.0
    probe_window: float = 75.0
    probe_entry: float = 1.2
    # Reading a segment file from front to back to compare its checksum.
    check_byte: float = 0.7

    def scan(self, codes: int, words: int) -> float:
        """Comparing codes of so many words that lie in a row."""
        return self.scan_word * codes * words

    def gathered_scan(self, codes: int, words: int) -> float:
        """Comparing codes that are scattered."""
        return (self.scan_gathered + self.scan_word * words) * codes

    def probe(self, buckets: int, entries: float) -> float:
        """Looking into buckets with so many entries in all."""
        return self.probe_step + self.probe_window * buckets + self.probe_entry * entries

    def check(self, size: int) -> float:
        """Checking a file of so many bytes."""
        return self.check_byte * size


def expected_distance(segment: Segment, rows: float) -> int:
    """The distance within which a query has about so many rows of a segment, at the median."""
    reached = (segment.reach < rows).sum(axis=1)
    return int(min(np.median(reached), segment.reach.shape[1] - 1))


def buckets_within(segment: Segment, distance: int) -> int:
    """How many buckets a search to a distance looks into."""
    if segment.index is None:
        return 0
    bits = segment.index.bits
    return sum(
        within(bits)[radius]
        for radius in radii(distance, segment.index.substrings, bits)
        if radius >= 0
    )


def expected_entries(segment: Segment, distance: int) -> float:
    """How many entries those buckets hold if they are as full as the average one."""
    return buckets_within(segment, distance) * segment.items / (1 << _bits(segment))


def _bits(segment: Segment) -> int:
    return 0 if segment.index is None else segment.index.bits
