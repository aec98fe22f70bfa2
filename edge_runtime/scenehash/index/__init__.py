"""Exact search over packed codes: what brute force would return, sooner.

A scan answers every search. Derived data beside the codes (segments, built by `CodeIndex.build`)
lets most searches compare a small part of them.

code_index.py      CodeIndex, what others use
context.py         what stays the same while a search runs
executor.py        searches one partition: by buckets while that is cheaper, else by a scan
probe.py           buckets of a segment's multi-index, in steps; candidates.py reads and compares
scan.py            compares all codes of a partition.py
pending.py         from what was compared to the nearest rows; row_mapping.py knows those behind it
costs.py           what each way is likely to cost
topk.py            the nearest so far
explanation.py     what a search did, and why
kernels.py         the innermost loops; kernel_loader.py chooses numpy's or compiled.py's,
                   which numba makes of compiled_loops.py
segment.py         derived data of a range of rows: build.py and hash_tables.py make it,
                   multi_index.py is its tables, segment_file.py keeps it, segment_set.py owns all
words.py, masks.py codes as machine words; numbers by how many bits they have set
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
