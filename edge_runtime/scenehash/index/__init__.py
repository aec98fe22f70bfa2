"""Exact search over packed codes: what brute force would return, sooner.

A scan answers every search. SegmentSet data beside the codes (segments, built by `CodeIndex.build`)
lets most searches look at a small part of them: `planner` knows what things cost, `parts` decides,
`scan` and `probe` find, `segment_file` keeps.
"""

from .code_index import CodeIndex
from .explanation import Explanation
from .topk import NO_ROW

__all__ = ["NO_ROW", "CodeIndex", "Explanation"]
