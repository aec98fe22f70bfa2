"""Codes adapted to the tiles that a station really receives, without labels or with a few.

adapt.py      the public function: from a store to a model file
sample.py     tiles of the store, their representations and labels
fitting.py    from representations to a code
judging.py    is that code better? on tiles that it was not fitted on, without labels
"""

from .adapt import Adapted, adapt

__all__ = ["Adapted", "adapt"]
