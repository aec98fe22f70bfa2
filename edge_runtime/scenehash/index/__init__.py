"""Exact search over packed codes: the result of brute force, faster.

A scan can answer every search. With derived data (segments, built by `CodeIndex.build`) most
searches compare only a small part of the codes.

code_index.py      CodeIndex, the interface for other packages
context.py         the constants of a search
executor.py        searches one partition: by buckets while that is cheaper, else by a scan
probe.py           buckets of a segment's multi-index, in steps; candidates.py reads and compares
scan.py            compares all codes of a partition.py
pending.py         from compared items to the nearest rows; row_mapping.py maps items to rows
costs.py           the expected costs of each way
topk.py            the nearest rows so far
explanation.py     what a search did, and why
kernels.py         the innermost loops; kernel_loader.py chooses numpy's or compiled.py's,
                   which numba makes of compiled_loops.py
segment.py         derived data of a range of rows: build.py and hash_tables.py make it,
                   multi_index.py has its tables, segment_file.py stores it, segment_set.py owns all
words.py, masks.py codes as machine words; numbers by their number of set bits
"""

from typing import TYPE_CHECKING

from scenehash.lazy_names import lazy_names

from .topk import NO_ROW

if TYPE_CHECKING:
    from .code_index import CodeIndex
    from .explanation import Explanation

__all__ = ["NO_ROW", "CodeIndex", "Explanation"]

# Who only stores does not search.
__getattr__ = lazy_names(__name__, {"CodeIndex": "code_index", "Explanation": "explanation"})
