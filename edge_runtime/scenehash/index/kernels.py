"""Kernels: the loops that take most of a search's time, by numpy or as machine code."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from .candidates import BucketQuery, CandidateSet, find_candidates
from .pending import Rank, rank_items
from .scan import ScanSpan, scan_blocks
from .segment import Segment
from .words import Words

FindCandidates = Callable[[Segment, Words, BucketQuery], CandidateSet]


@dataclass(frozen=True)
class Kernels:
    """The loops.

    name: for people. scan: as `scan_blocks`; candidates: as `find_candidates`; rank: as
    `rank_items`. costs: factors for the planner's costs, which are for numpy.
    """

    name: str
    scan: ScanSpan
    candidates: FindCandidates
    rank: Rank
    costs: Mapping[str, float] = field(default_factory=dict)


NUMPY = Kernels("numpy", scan_blocks, find_candidates, rank_items)
