"""Searching one partition: the rows of a segment, or rows that no segment covers."""

from collections.abc import Sequence

from .context import SearchContext
from .explanation import SKIPPED
from .partition import Partition
from .probe import probe
from .row_mapping import ItemRows
from .scan import ScanJob, scan
from .topk import TopK


def search_partition(
    context: SearchContext, partition: Partition, best: Sequence[TopK]
) -> list[TopK]:
    """The best rows of each query, after also searching a partition.

    best: the best rows of each query so far, all of them earlier rows.
    """
    found, trace = list(best), context.trace
    if context.allowed.count(partition.first, partition.last) == 0:
        trace.answered(SKIPPED, "the filter leaves no row", len(found))
        return found
    plan = partition.cheapest_scan(context.allowed, context.planner)
    left: list[int] = []
    limits: list[int] = []
    reasons: dict[str, None] = {}
    for number, own in enumerate(found):
        limit, reason = own.limit(partition.first), partition.lacking
        if limit < 0:
            trace.answered(SKIPPED, "k rows at distance 0 were found before")
            continue
        if partition.segment is not None:
            with trace.stage("multi_index"):
                rows = ItemRows(partition.segment, context.allowed)
                probed = probe(context, rows, number, own, plan.cost)
            if probed.best is not None:
                found[number] = probed.best
                trace.answered("multi_index", probed.reason)
                continue
            limit, reason = probed.limit, probed.reason
        left.append(number)
        limits.append(limit)
        reasons[reason] = None
    if left:
        with trace.stage(plan.name):
            queries = context.query_words
            some = queries if len(left) == len(found) else queries[left]
            job = ScanJob(plan.words(), plan.mapping, some, [found[n] for n in left], limits)
            scanned = scan(job, context.threads, context.kernels.scan)
        trace.codes += plan.codes * len(left)
        trace.answered(plan.name, "; ".join([plan.reason, *reasons]), len(left))
        for number, own in zip(left, scanned, strict=True):
            found[number] = own
    return found
