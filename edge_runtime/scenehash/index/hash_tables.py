"""Building the tables of a multi-index."""

import numpy as np
import numpy.typing as npt

from scenehash.codes import Codes

from .multi_index import COLUMN, MAX_SUBSTRINGS, MAX_WINDOW, MultiIndex, sketch_columns
from .words import columns

Columns = npt.NDArray[np.uint16]


def build_tables(sorted_codes: Codes, budget: int) -> MultiIndex | None:
    """A multi-index over ascending items uint8 [N, B].

    With as many tables as fit in budget bytes; None if not even one fits.
    """
    values = columns(sorted_codes)
    for substrings in range(min(MAX_SUBSTRINGS, sorted_codes.shape[1] * 8 // COLUMN), 0, -1):
        for bits in (_key_bits(len(values)), _key_bits(len(values)) - 1):
            first = _offsets(_keys(values, 0, bits), bits)
            slot = np.min_scalar_type(int(np.diff(first).max()) - 1)
            needed = 4 * substrings * len(first) + 4 * MAX_WINDOW
            needed += (4 * substrings + slot.itemsize * (substrings - 1)) * len(values)
            if needed <= budget:
                return _tables(values, substrings, bits, first, slot)
    return None


def _key_bits(items: int) -> int:
    """How many bits of a column make the key: buckets of 16 to 32 items, where 16 bits allow."""
    return int(min(max(items.bit_length() - 5, 4), COLUMN))


def _keys(values: Columns, table: int, bits: int) -> Columns:
    return np.asarray(values[:, table] >> np.uint16(COLUMN - bits))


def _offsets(keys: Columns, bits: int) -> npt.NDArray[np.int64]:
    """Where each key's run begins once sorted: int64 [2^bits + 1]."""
    return np.concatenate([[0], np.cumsum(np.bincount(keys, minlength=1 << bits))])


def _tables(
    values: Columns,
    substrings: int,
    bits: int,
    first: npt.NDArray[np.int64],
    slot: np.dtype[np.unsignedinteger],
) -> MultiIndex:
    """first: offsets of the first table. slot: the type of an entry of slots."""
    count = len(values)
    offsets = np.empty((substrings, len(first)), np.uint32)
    sketches = np.zeros(substrings * count + MAX_WINDOW, np.uint32)
    slots = np.empty((substrings - 1, count), slot)
    for table in range(substrings):
        keys = _keys(values, table, bits)
        offsets[table] = _offsets(keys, bits) + table * count
        own = sketches[table * count : (table + 1) * count]
        for column in sketch_columns(table, values.shape[1]):
            own <<= np.uint32(COLUMN)
            if column < values.shape[1]:
                own |= values[:, column]
        if table:
            order = np.argsort(keys, kind="stable")
            own[:] = own[order]
            slots[table - 1] = order - first[_keys(values, 0, bits)[order]]
    return MultiIndex(bits, offsets, sketches, slots.reshape(-1))
