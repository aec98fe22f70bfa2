"""What stays the same while a search runs."""

from dataclasses import dataclass

from scenehash.codes import Codes

from .costs import Planner
from .explanation import Trace
from .kernels import Kernels
from .row_mapping import RowFilter
from .words import Words


@dataclass(frozen=True)
class SearchContext:
    """A search: what in, what for, and by what means.

    words: the codes of all rows, [N, W]. queries: uint8 [Q, B], and query_words, the same as words
    [Q, W]. allowed: the rows that may be found. threads: how many
    may share a scan. trace: where it is noted what was done.
    """

    words: Words
    queries: Codes
    query_words: Words
    allowed: RowFilter
    planner: Planner
    kernels: Kernels
    threads: int
    trace: Trace
