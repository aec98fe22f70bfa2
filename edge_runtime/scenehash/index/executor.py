"""Searching one part of a store: the rows of a segment, or rows that no segment covers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from scenehash.codes import Codes

from .explanation import Trace
from .kernels import Kernels
from .planner import Planner
from .probe import probe
from .row_mapping import ItemRows, Placement, RowFilter, RowList, RowRange
from .scan import scan
from .segment import Segment
from .topk import Nearest
from .words import Words, as_words


@dataclass(frozen=True)
class Part:
    """The rows first to last - 1, with their derived data where that may be used."""

    first: int
    last: int
    segment: Segment | None


@dataclass(frozen=True)
class ScanPlan:
    """A way to compare all codes of a part."""

    name: str
    cost: float
    codes: int
    words: Callable[[], Words]
    placement: Placement
    reason: str


def search_part(
    part: Part,
    every: Words,
    queries: Codes,
    nearest: Sequence[Nearest],
    allowed: RowFilter,
    planner: Planner,
    threads: int,
    trace: Trace,
    kernels: Kernels,
) -> list[Nearest]:
    """What is nearest to each query, after a part of the store was searched as well.

    every: all codes as words [N, W]. queries: uint8 [Q, B], with what each has found before, in
    earlier rows only.
    """
    found = list(nearest)
    words = as_words(queries)
    possible = allowed.count(part.first, part.last)
    plan = _cheapest_scan(part, every, allowed, planner)
    left: list[int] = []
    limits: list[int] = []
    reasons: dict[str, None] = {}
    for number, query in enumerate(queries):
        limit, reason = found[number].limit(part.first), "no derived data"
        if limit < 0 or possible == 0:
            trace.answered("nothing nearer", "there are k rows at distance 0, or none to search")
            continue
        if part.segment is not None:
            with trace.stage("multi-index"):
                probed = probe(
                    ItemRows(part.segment, allowed), every, query, words[number], found[number],
                    planner, plan.cost, trace, kernels,
                )  # fmt: skip
            if probed.found is not None:
                found[number] = probed.found
                trace.answered("multi-index", probed.reason)
                continue
            limit, reason = probed.limit, probed.reason
        left.append(number)
        limits.append(limit)
        reasons[reason] = None
    if left:
        with trace.stage(plan.name):
            scanned = scan(
                plan.words(),
                plan.placement,
                words[left],
                [found[number] for number in left],
                limits,
                threads,
                kernels.scan,
            )
        trace.codes += plan.codes * len(left)
        trace.answered(plan.name, "; ".join([plan.reason, *reasons]), len(left))
        for number, near in zip(left, scanned, strict=True):
            found[number] = near
    return found


def _cheapest_scan(part: Part, every: Words, allowed: RowFilter, planner: Planner) -> ScanPlan:
    width = every.shape[1]
    count = part.last - part.first
    best = ScanPlan(
        "scan",
        planner.scan(count, width),
        count,
        lambda: every[part.first : part.last],
        RowRange(part.first, allowed),
        f"{count:,} codes",
    )
    segment = part.segment
    if segment is not None and segment.codes is not None:
        distinct = segment.codes
        cost = planner.scan(segment.items, width)
        if cost < best.cost:
            best = ScanPlan(
                "scan distinct",
                cost,
                segment.items,
                lambda: as_words(distinct),
                ItemRows(segment, allowed),
                f"{segment.items:,} distinct codes of {count:,}",
            )
    if allowed.subset is not None:
        begin, end = np.searchsorted(allowed.subset, (part.first, part.last))
        rows = allowed.subset[begin:end]
        if len(rows) and rows[-1] - rows[0] + 1 == len(rows):
            return _range_scan(int(rows[0]), int(rows[-1]) + 1, every, allowed, planner)
        cost = planner.gathered_scan(len(rows), width)
        if cost < best.cost:
            best = ScanPlan(
                "scan subset",
                cost,
                len(rows),
                lambda: every.take(rows, axis=0),
                RowList(rows, RowFilter(allowed.dead)),
                f"{len(rows):,} rows of {count:,}",
            )
    return best


def _range_scan(
    first: int, last: int, every: Words, allowed: RowFilter, planner: Planner
) -> ScanPlan:
    """A scan of rows that follow each other; no others may be found."""
    return ScanPlan(
        "scan range",
        planner.scan(last - first, every.shape[1]),
        last - first,
        lambda: every[first:last],
        RowRange(first, RowFilter(allowed.dead)),
        f"{last - first:,} rows that follow each other",
    )
