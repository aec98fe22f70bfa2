"""Exact multi-index hashing: only codes that are similar in one substring are compared.

After Norouzi, Punjani, Fleet, "Fast exact search in Hamming space with multi-index hashing" (IEEE
TPAMI 36(6), 2014). Two additions: each entry of a bucket also has a sketch, 32 more bits of its
code, so that a sequential read dismisses most of a bucket; and buckets are read in windows of one
width, which numpy copies and compares as one array.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt

from scenehash.codes import Codes

from .masks import masks, radii, within
from .topk import Rows
from .words import flagged

# A code is cut into 16-bit columns; a table is keyed by the leading bits of one column.
COLUMN = 16
# More tables would be keyed by columns that codes of 64 bits do not have.
MAX_SUBSTRINGS = 4
# The widest window that is read at once, and so what is left free behind the last entry.
MAX_WINDOW = 512


@dataclass(frozen=True)
class MultiIndex:
    """Tables over N items in the order of the first column's key.

    offsets: uint32 [M, 2^bits + 1], the start of each bucket of each table in sketches. sketches:
    uint32 [M * N + MAX_WINDOW]. slots: unsigned [(M - 1) * N], for each entry of the later tables
    its item's slot in the item's bucket of the first table.
    """

    bits: int
    offsets: npt.NDArray[np.uint32]
    sketches: npt.NDArray[np.uint32]
    slots: npt.NDArray[np.unsignedinteger]

    @property
    def substrings(self) -> int:
        return len(self.offsets)

    def __len__(self) -> int:
        return (len(self.sketches) - MAX_WINDOW) // self.substrings

    def first_bucket(self, code: Codes) -> tuple[int, int]:
        """The range of items in the first table's bucket of a code uint8 [B]."""
        key = (int(code[0]) << 8 | int(code[1])) >> (COLUMN - self.bits)
        return int(self.offsets[0, key]), int(self.offsets[0, key + 1])

    def shape(self, columns: int, distance: int) -> "Shape":
        """The buckets that hold every item within a distance of a query with this many columns."""
        return _shape(distance, self.substrings, self.bits, columns)

    def buckets(self, columns: npt.NDArray[np.uint16], distance: int) -> "Buckets":
        """The buckets that together hold every item within a distance of a query [C]."""
        shape = self.shape(len(columns), distance)
        keys = shape.masks.copy()
        begin = 0
        for table, count in enumerate(shape.per_table):
            keys[begin : begin + count] ^= np.uint32(int(columns[table]) >> (COLUMN - self.bits))
            begin += count
        keys += shape.tables
        offsets = self.offsets.reshape(-1)
        starts = offsets[keys]
        keys += np.uint32(1)
        return Buckets(starts, offsets[keys] - starts, shape.room, shape.per_table)

    def candidates(self, columns: npt.NDArray[np.uint16], buckets: "Buckets") -> Rows:
        """Items [C] in some buckets, with all items within the distance; items may repeat."""
        windows = buckets.windows()
        width = windows.width
        if len(windows.starts) == 0:
            return np.empty(0, np.int64)
        # A view in which element s is the whole window that starts at entry s. Copying elements
        # of such a type is one memcpy each, three times as fast as copying rows of a 2-d view.
        view = np.ndarray(
            (len(self.sketches) - width + 1,), f"V{4 * width}", self.sketches, strides=(4,)
        )
        sketches = view[windows.starts].view(np.uint32).reshape(-1, width)
        values = columns.tolist()
        begin = 0
        for table, count in windows.runs:
            part = sketches[begin : begin + count]
            part ^= np.uint32(_sketch(values, table))
            begin += count
        near = np.bitwise_count(sketches) <= windows.room[:, None]
        at = flagged(near.reshape(-1))
        window = at // width
        inside = at - window * width
        kept = inside < windows.lengths[window]
        return self._items(windows.starts[window[kept]] + inside[kept])

    def _items(self, entries: Rows) -> Rows:
        """The items [E] of entries [E] of the tables, in another order."""
        first = entries < len(self)
        behind = entries[~first]
        keys = self.sketches[behind] >> np.uint32(2 * COLUMN - self.bits)
        items = self.offsets[0][keys] + self.slots[behind - len(self)].astype(np.int64)
        return np.concatenate([entries[first], items])

    @cached_property
    def tables(self) -> tuple[object, ...]:
        """All of it as a compiled loop takes it."""
        slots = self.slots.view(np.uint8)
        return self.offsets, self.sketches, slots, self.slots.itemsize, self.bits

    @cached_property
    def fullness(self) -> float:
        """The mean number of other codes in a code's bucket."""
        lengths: npt.NDArray[np.int64] = np.diff(self.offsets).astype(np.int64)
        return float((lengths * lengths).sum() / max(1, lengths.sum()))


@dataclass(frozen=True)
class Buckets:
    """Buckets to read. room: what is left of the distance for a code's other bits."""

    starts: npt.NDArray[np.uint32]
    lengths: npt.NDArray[np.uint32]
    room: npt.NDArray[np.uint8]
    per_table: tuple[int, ...]

    @property
    def entries(self) -> int:
        return int(self.lengths.sum())

    def windows(self) -> "Windows":
        """The same entries in pieces of at most one width."""
        filled = int(np.count_nonzero(self.lengths))
        mean = self.entries / max(1, filled)
        width = min(max(8, int(mean + mean**0.5 + 7) // 8 * 8), MAX_WINDOW)
        starts, lengths, room, per_table = self.starts, self.lengths, self.room, self.per_table
        if filled < 0.8 * len(lengths):
            some = np.flatnonzero(lengths)
            starts, lengths, room = starts[some], lengths[some], room[some]
            per_table = _per_table(some, per_table)
        long = np.flatnonzero(lengths > width)
        if len(long) == 0:
            return Windows(width, starts, lengths, room, tuple(enumerate(per_table)))
        more = (lengths[long] - 1) // width
        source = np.repeat(long, more)
        ordinal = np.arange(1, len(source) + 1) - np.repeat(np.cumsum(more) - more, more)
        skipped = (ordinal * width).astype(np.uint32)
        return Windows(
            width,
            np.concatenate([starts, starts[source] + skipped]),
            np.concatenate([lengths, lengths[source] - skipped]),
            np.concatenate([room, room[source]]),
            (*enumerate(per_table), *enumerate(_per_table(source, per_table))),
        )


def _per_table(chosen: Rows, per_table: tuple[int, ...]) -> tuple[int, ...]:
    """How many of the chosen buckets, ascending, are of each table, which has so many in all."""
    ends = np.searchsorted(chosen, np.cumsum(per_table))
    return tuple(np.diff(ends, prepend=0).tolist())


@dataclass(frozen=True)
class Windows:
    """Pieces of buckets, each read as width entries, of which lengths are the bucket's own.

    starts, lengths: uint32 [P]. room: as in Buckets. runs: which table the windows are of, and how
    many follow each other.
    """

    width: int
    starts: npt.NDArray[np.uint32]
    lengths: npt.NDArray[np.uint32]
    room: npt.NDArray[np.uint8]
    runs: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Shape:
    """Which buckets a search to a distance reads, whatever the query.

    masks: uint32 [P], what to XOR the query's keys with. tables: uint32 [P], where the offsets of
    their tables begin. room: uint8 [P], as in Buckets. per_table: how many are of each table.
    sketched: int64 [M, 2], which columns of a code each table's sketches hold.
    """

    masks: npt.NDArray[np.uint32]
    tables: npt.NDArray[np.uint32]
    room: npt.NDArray[np.uint8]
    per_table: tuple[int, ...]
    sketched: npt.NDArray[np.int64]

    @cached_property
    def buckets(self) -> tuple[object, ...]:
        """All of it as a compiled loop takes it."""
        return self.masks, self.room, np.array(self.per_table, np.int64), self.sketched

    @property
    def count(self) -> int:
        """How many buckets those are."""
        return len(self.masks)


@lru_cache(256)
def _shape(distance: int, substrings: int, bits: int, count: int) -> Shape:
    """count: columns of a code."""
    parts, room, per_table = [], [], []
    for table, radius in enumerate(radii(distance, substrings, bits)):
        # In numeric order neighbouring windows are near each other in memory, whatever the query.
        near = np.sort(masks(bits)[: within(bits)[radius] if radius >= 0 else 0])
        # A code is wanted from the first of the tables where it agrees best. What neither the key
        # nor the sketch shows of it is then no nearer than the key, or another table has it.
        apart = np.bitwise_count(near).astype(np.int16)
        hidden = set(range(substrings)) - {table, *sketch_columns(table, count)}
        left = distance - apart - sum(apart + (other < table) for other in hidden)
        parts.append(near[left >= 0])
        room.append(left[left >= 0])
        per_table.append(len(parts[-1]))
    return Shape(
        np.concatenate(parts),
        np.repeat(np.arange(substrings) * ((1 << bits) + 1), per_table).astype(np.uint32),
        np.concatenate(room).astype(np.uint8),
        tuple(per_table),
        np.array([sketch_columns(table, count) for table in range(substrings)], np.int64),
    )


def sketch_columns(table: int, count: int) -> tuple[int, int]:
    """Which two of count columns a table's sketches hold; count itself: none, zeros.

    Tables behind the first hold column 0 in front: it leads to the item. Otherwise the last ones:
    of a column that has a table something is known even where it is not shown.
    """
    others = [column for column in range(count - 1, 0, -1) if column != table] + [count, count]
    return (others[0], others[1]) if table == 0 else (0, others[0])


def _sketch(columns: list[int], table: int) -> int:
    high, low = sketch_columns(table, len(columns))
    padded = [*columns, 0]
    return padded[high] << COLUMN | padded[low]
