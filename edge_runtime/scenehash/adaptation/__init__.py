"""Codes adapted to the tiles of a station, without labels or with a few.

adapt.py      the public function: from a store to a model file
sample.py     tiles of the store, their representations and labels
fitting.py    from representations to a code
judging.py    the evaluation of that code, on held-out tiles, without labels
"""

from .adapt import Adapted, adapt

__all__ = ["Adapted", "adapt"]
