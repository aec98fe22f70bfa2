"""The constants of a search."""

from dataclasses import dataclass

from scenehash.codes import Codes

from .costs import Planner
from .explanation import Trace
from .kernels import Kernels
from .row_mapping import RowFilter
from .words import Words


@dataclass(frozen=True)
class SearchContext:
    """A search: its codes, its queries and its settings.

    words: the codes of all rows, [N, W]. queries: uint8 [Q, B], and query_words, the same as words
    [Q, W]. allowed: the rows that may be found. threads: the number of threads for a scan. trace:
    the record of the search.
    """

    words: Words
    queries: Codes
    query_words: Words
    allowed: RowFilter
    planner: Planner
    kernels: Kernels
    threads: int
    trace: Trace
