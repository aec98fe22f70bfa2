"""Segments: derived data about a range of rows, its distinct codes or its rows in sorted order."""

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
    """The rows first to last - 1, seen as N items, which ascend by their codes.

    rows: uint32 [last - first], row numbers less first, item by item, ascending within an item.
    starts: uint32 [N + 1], where in rows an item's own begin; None: each has one. codes: uint8
    [N, B], the items' codes where rows share them; None: they are those of the rows. reach: uint32
    [S, K + 1], for S sampled rows how many others are within each distance.
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
        """The item that has exactly this code, uint8 [B]; None: none has it, or none is shared."""
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
        """The codes of items [P], as words [P, W]; words: those of all rows."""
        if self.codes is None:
            return np.asarray(words[self.rows[items].astype(np.int64) + self.first])
        return np.asarray(as_words(self.codes)[items])

    def rows_behind(self, items: Rows) -> Rows:
        """How many rows each of items [P] has."""
        if self.starts is None:
            return np.ones(len(items), np.int64)
        return self.starts[items + 1].astype(np.int64) - self.starts[items]

    def rows_of(self, items: Rows, most: int) -> tuple[Rows, Rows]:
        """The rows [R] of items [P], at most so many of each, and which item each is from [R]."""
        if self.starts is None:
            return self.rows[items].astype(np.int64) + self.first, np.arange(len(items))
        begin = self.starts[items].astype(np.int64)
        count = np.minimum(self.rows_behind(items), most)
        source = np.repeat(np.arange(len(items)), count)
        at = np.arange(len(source)) - (np.cumsum(count) - count)[source] + begin[source]
        return self.rows[at].astype(np.int64) + self.first, source

    def arrays(self) -> dict[str, npt.NDArray[np.generic]]:
        """All arrays by name, as `from_arrays` takes them."""
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
        """The segment of which `arrays` were these; bits: of its multi-index."""
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
