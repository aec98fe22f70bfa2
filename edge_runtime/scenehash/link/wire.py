"""Numbers, texts and columns in a bundle: see docs/link.md.

The input of a reader is untrusted: a length is compared with the remaining bytes before memory is
taken for it, and an impossible value is a BundleError.
"""

import struct
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from scenehash.errors import BundleError

Integers = npt.NDArray[np.int64]

VARINT_BYTES = 10
MOST = (1 << 63) - 1
NOT_TEXT = "a text that is not UTF-8"


class Writer:
    """Puts values one after the other."""

    def __init__(self) -> None:
        self._data = bytearray()

    def __len__(self) -> int:
        return len(self._data)

    def data(self) -> bytes:
        """All written bytes."""
        return bytes(self._data)

    def raw(self, data: bytes | memoryview) -> None:
        """Bytes whose number the reader knows."""
        self._data += data

    def byte(self, value: int) -> None:
        """A number from 0 to 255."""
        self._data.append(value)

    def number(self, value: int) -> None:
        """A number from 0 on: LEB128, 7 bits a byte, the lowest first."""
        while value > 127:
            self._data.append(value & 127 | 128)
            value >>= 7
        self._data.append(value)

    def signed(self, value: int) -> None:
        """A number of either sign: zigzag, then as number."""
        self.number(2 * value if value >= 0 else -2 * value - 1)

    def double(self, value: float) -> None:
        """A number as an IEEE double, little-endian."""
        self._data += struct.pack("<d", value)

    def blob(self, data: bytes) -> None:
        """Bytes, with their number before them."""
        self.number(len(data))
        self._data += data

    def text(self, text: str) -> None:
        """A text in UTF-8, with the number of its bytes before it."""
        self.blob(text.encode(errors="backslashreplace"))

    def column(self, values: Integers) -> None:
        """Integers of either sign, int64 [N]: each minus the one before, as signed."""
        self.signeds(np.diff(values, prepend=np.int64(0)))

    def signeds(self, values: Integers) -> None:
        """Integers of either sign, int64 [N], each as signed."""
        zigzag = ((values << 1) ^ (values >> 63)).astype(np.int64).view(np.uint64)
        shifts = np.arange(0, 7 * VARINT_BYTES, 7, dtype=np.uint64)
        groups = (zigzag[:, None] >> shifts).astype(np.uint64)
        there = groups != 0
        there[:, 0] = True
        digits = (groups & np.uint64(127)).astype(np.uint8)
        digits[:, :-1] |= np.where(there[:, 1:], 128, 0).astype(np.uint8)
        self._data += digits[there].tobytes()

    def spans(self, spans: Sequence[tuple[int, int]]) -> None:
        """Ascending disjoint ranges (start, end): their number, then gaps and lengths."""
        self.number(len(spans))
        before = 0
        for start, end in spans:
            self.number(start - before)
            self.number(end - start)
            before = end


class Reader:
    """Reads values from bytes, in the order of their writing."""

    def __init__(self, data: bytes | memoryview) -> None:
        self._data, self._at = memoryview(data), 0

    @property
    def left(self) -> int:
        """The number of unread bytes."""
        return len(self._data) - self._at

    def raw(self, count: int) -> bytes:
        """This many bytes."""
        if not 0 <= count <= self.left:
            raise BundleError(f"{count:,} bytes are declared, and {self.left:,} are left")
        found = bytes(self._data[self._at : self._at + count])
        self._at += count
        return found

    def byte(self) -> int:
        """A number from 0 to 255."""
        return self.raw(1)[0]

    def number(self, most: int = MOST) -> int:
        """A number from 0 to most; see Writer."""
        value, data = 0, self._data
        for shift in range(0, 7 * VARINT_BYTES, 7):
            if self._at >= len(data):
                raise BundleError("it ends in the middle of a number")
            digit = data[self._at]
            self._at += 1
            value |= (digit & 127) << shift
            if digit < 128:
                if value > most:
                    raise BundleError(f"the number {value:,} is above the limit of {most:,}")
                return value
        raise BundleError("a number longer than ten bytes")

    def signed(self) -> int:
        """A number of either sign."""
        value = self.number((1 << 64) - 1)
        return (value >> 1) ^ -(value & 1)

    def double(self) -> float:
        """An IEEE double."""
        (value,) = struct.unpack("<d", self.raw(8))
        return float(value)

    def count(self, smallest: int = 1) -> int:
        """The number of following items, of at least this many bytes each."""
        return self.number(self.left // max(smallest, 1))

    def blob(self) -> bytes:
        """Bytes with their number before them."""
        return self.raw(self.number(self.left))

    def text(self) -> str:
        """A text."""
        try:
            return self.blob().decode()
        except UnicodeDecodeError as error:
            raise BundleError(NOT_TEXT) from error

    def column(self, count: int) -> Integers:
        """This many integers, int64 [N], written as a column."""
        found: Integers = np.cumsum(self.signeds(count), dtype=np.int64)
        return found

    def signeds(self, count: int) -> Integers:
        """This many integers of either sign, int64 [N]."""
        if count > self.left:
            raise BundleError(f"{count:,} numbers are declared, and {self.left:,} bytes are left")
        if not count:
            return np.zeros(0, np.int64)
        most = min(self.left, VARINT_BYTES * count)
        data = np.frombuffer(self._data[self._at : self._at + most], np.uint8)
        ends = np.flatnonzero(data < 128)[:count]
        if len(ends) < count:
            raise BundleError("it ends in the middle of a column")
        starts = np.concatenate([[0], ends[:-1] + 1])
        if (ends - starts >= VARINT_BYTES).any():
            raise BundleError("a number longer than ten bytes")
        size = int(ends[-1]) + 1
        places = np.arange(size) - np.repeat(starts, ends - starts + 1)
        digits = (data[:size] & 127).astype(np.uint64) << (7 * places).astype(np.uint64)
        zigzag = np.add.reduceat(digits, starts)
        self._at += size
        half = (zigzag >> np.uint64(1)).view(np.int64)
        found: Integers = half ^ -(zigzag & np.uint64(1)).astype(np.int64)
        return found

    def spans(self, most: int) -> list[tuple[int, int]]:
        """Ranges written as spans, none beyond most."""
        spans, before = [], 0
        for _ in range(self.count(2)):
            start = before + self.number(most)
            before = start + self.number(most)
            if before > most or before == start:
                raise BundleError("a range without an end, or too large")
            spans.append((start, before))
        return spans

    def done(self) -> None:
        """Raise BundleError unless all bytes were read."""
        if self.left:
            raise BundleError(f"{self.left:,} bytes are left over")
