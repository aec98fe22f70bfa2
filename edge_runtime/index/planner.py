"""What a way of searching is likely to cost, and so which one to try first."""

from dataclasses import dataclass

import numpy as np

from .masks import radii, within
from .segment import Segment


@dataclass(frozen=True)
class Planner:
    """Costs in nanoseconds, measured on x86-64 with numpy 2.4; their ratios are what matters.

    min_segment: fewer rows than this are not worth derived data. max_segment: more rows than this
    are split, which bounds the memory that building takes. bytes_per_row: the most that derived
    data may take.
    """

    min_segment: int = 1 << 16
    max_segment: int = 11 << 20
    bytes_per_row: int = 24
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

    def first_distance(self, segment: Segment, rows: float) -> int:
        """How far to look first for so many rows: as far as half of all queries have to.

        Or farther, as long as that costs little more: it may save a second look.
        """
        reached: list[int] = np.sort((segment.reach < rows).sum(axis=1)).tolist()
        half, most = reached[len(reached) // 2], reached[-1]
        dear = 1.3 * self.probe_step + self.probe(*expected_buckets(segment, half))
        for distance in range(most, half, -1):
            if self.probe_step + self.probe(*expected_buckets(segment, distance)) < dear:
                return distance
        return half


def expected_buckets(segment: Segment, distance: int) -> tuple[int, float]:
    """How many buckets a search to a distance looks into, and the entries in that many."""
    if segment.index is None:
        return 0, 0.0
    bits, count = segment.index.bits, segment.index.substrings
    buckets = sum(within(bits)[radius] for radius in radii(distance, count, bits) if radius >= 0)
    return buckets, buckets * segment.items / (1 << bits)
