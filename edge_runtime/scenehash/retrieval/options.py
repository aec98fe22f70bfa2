"""The options of a search. Light to import: commands take them from here."""

from typing import Literal

# The number of hits.
DEFAULT_HITS = 20
# Orders of the nearest hits, see rerank.py.
Rerank = Literal["mixed", "vectors", "bits", "thumbnails", "none"]
