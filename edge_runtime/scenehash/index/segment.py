"""Segments: derived data of a range of rows: its distinct codes or rows in sorted order."""

import bisect
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from scenehash.codes import Codes

from .multi_index import MultiIndex
from .topk import Rows
from .words import Words, as_words


@dataclass(frozen=True)
class Segment:
    """The rows first to last - 1 as N items, ascending by their codes.

    rows: uint32 [last - first], row numbers minus first, by item, ascending within an item. starts:
    uint32 [N + 1], the start of each item's rows; None: each item has one row. codes: uint8 [N, B],
    the items' codes if rows share them; None: the rows' codes. reach: uint32 [S, K + 1], for S
    sampled rows the number of other rows within each distance.
    """

    first: int
    last: int
    rows: npt.NDArray[np.uint32]
    starts: npt.NDArray[np.uint32] | None
    codes: Codes | None
    index: MultiIndex | None
    reach: npt.NDArray[np.uint32]

    @property
    def items(self) -> int:
        return len(self.rows) if self.starts is None else len(self.starts) - 1

    @property
    def nbytes(self) -> int:
        return sum(array.nbytes for array in self.arrays().values())

    def reached(self, rows: int) -> tuple[int, int]:
        """The distances within which half of the sampled rows, and all, have so many others."""
        ends = np.sort((self.reach < rows).sum(axis=1)).tolist()
        return ends[len(ends) // 2], ends[-1]

    @cached_property
    def first_distances(self) -> dict[tuple[object, int], int]:
        """What a planner found out about this segment, by planner and rows wanted."""
        return {}

    def item_of(self, code: Codes) -> int | None:
        """The item with exactly this code, uint8 [B]; None: there is none, or no code is shared."""
        if self.codes is None:
            return None
        wanted = code.tobytes()
        begin, end = (0, self.items) if self.index is None else self.index.first_bucket(code)
        item = begin + bisect.bisect_left(range(begin, end), wanted, key=self._bytes_of)
        return item if item < self.items and self._bytes_of(item) == wanted else None

    def _bytes_of(self, item: int) -> bytes:
        assert self.codes is not None
        return bytes(self.codes[item])

    def words(self, items: Rows, words: Words) -> Words:
        """The codes of items [P], as words [P, W]; words: the codes of all rows."""
        if self.codes is None:
            return np.asarray(words[self.rows[items].astype(np.int64) + self.first])
        return np.asarray(as_words(self.codes)[items])

    def rows_behind(self, items: Rows) -> Rows:
        """The number of rows of each of items [P]."""
        if self.starts is None:
            return np.ones(len(items), np.int64)
        return self.starts[items + 1].astype(np.int64) - self.starts[items]

    def rows_of(self, items: Rows, most: int) -> tuple[Rows, Rows]:
        """The rows [R] of items [P], at most this many of each, and the item of each row [R]."""
        if self.starts is None:
            return self.rows[items].astype(np.int64) + self.first, np.arange(len(items))
        begin = self.starts[items].astype(np.int64)
        count = np.minimum(self.rows_behind(items), most)
        source = np.repeat(np.arange(len(items)), count)
        at = np.arange(len(source)) - (np.cumsum(count) - count)[source] + begin[source]
        return self.rows[at].astype(np.int64) + self.first, source

    def arrays(self) -> dict[str, npt.NDArray[np.generic]]:
        """All arrays by name, for `from_arrays`."""
        arrays: dict[str, npt.NDArray[np.generic]] = {"rows": self.rows, "reach": self.reach}
        if self.starts is not None and self.codes is not None:
            arrays |= {"starts": self.starts, "codes": self.codes}
        if self.index is not None:
            arrays |= {
                "offsets": self.index.offsets,
                "sketches": self.index.sketches,
                "slots": self.index.slots,
            }
        return arrays

    @classmethod
    def from_arrays(
        cls, first: int, last: int, bits: int, arrays: dict[str, npt.NDArray[np.generic]]
    ) -> "Segment":
        """The segment with these `arrays`; bits: of its multi-index."""
        index = None
        if "sketches" in arrays:
            index = MultiIndex(bits, arrays["offsets"], arrays["sketches"], arrays["slots"])  # type: ignore[arg-type]
        return cls(
            first,
            last,
            arrays["rows"],  # type: ignore[arg-type]
            arrays.get("starts"),  # type: ignore[arg-type]
            arrays.get("codes"),  # type: ignore[arg-type]
            index,
            arrays["reach"],  # type: ignore[arg-type]
        )
