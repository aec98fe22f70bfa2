"""A segment on disk: written atomically, mapped into memory, used after a check.

Layout, all numbers little-endian: 8 bytes magic; uint32 length and uint32 CRC-32 of the header; the
header, JSON: format version, key, bits of a code, rows, the CRC-32 of their codes, and for each
array its dtype, shape and offset; then the arrays, each at a multiple of 64 bytes. The header has
the CRC-32 of all following bytes.
"""

import contextlib
import json
import mmap
import os
import struct
import threading
import time
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from scenehash.codes import Codes
from scenehash.files import PARTIAL, atomic_path

from .segment import Segment

MAGIC, VERSION = b"scenehsh", 3
SUFFIX = ".segment"
_PREFIX = struct.Struct("<8sII")
_ALIGNMENT = 64
# The age in seconds at which incomplete files of killed processes are removed.
_ABANDONED = 3600.0

Identity = tuple[int, int, int, int]

# What this process knows about files by their identity, so that a store that is opened, searched
# and refreshed many times checks each file once: True good, False damaged.
_verdicts: dict[Identity, bool] = {}
# The same for whether a file has the codes of an origin.
_bound: dict[tuple[Identity, str], bool] = {}
# The cost of scans instead of a check so far, in nanoseconds.
_debts: dict[Identity, float] = {}
_lock = threading.Lock()


class SegmentFile:
    """A file that claims to be a segment of certain codes. Its arrays are not checked yet."""

    def __init__(self, path: Path, header: dict[str, Any], payload: memoryview, at: Identity):
        self.path = path
        self.first, self.last = int(header["first"]), int(header["last"])
        self.size = len(payload)
        self._header = header
        self._payload = payload
        self._identity = at
        self._segment: Segment | None = None

    @classmethod
    def open(cls, path: Path, key: str, bits: int) -> "SegmentFile | None":
        """Map a file; None when it is missing, unreadable, has a damaged header or another key."""
        try:
            with path.open("rb") as file:
                status = os.fstat(file.fileno())
                mapped = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        except (OSError, ValueError):  # ValueError: an empty file cannot be mapped
            return None
        identity = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
        if len(mapped) < _PREFIX.size:
            return None
        magic, length, crc = _PREFIX.unpack_from(mapped)
        head = mapped[_PREFIX.size : _PREFIX.size + length]
        if magic != MAGIC or zlib.crc32(head) != crc:
            return None
        header = json.loads(bytes(head))
        payload = mapped[_PREFIX.size + length :]
        about = {"version": VERSION, "key": key, "bits": bits, "size": len(payload)}
        if any(header.get(name) != value for name, value in about.items()):
            return None
        return cls(path, header, payload, identity)

    @property
    def damaged(self) -> bool:
        """Whether a check has found damage."""
        return _verdicts.get(self._identity) is False

    def is_due(self, scan: float, check: float) -> bool:
        """Whether to check now, instead of spending another `scan` nanoseconds without the file.

        True when scans have cost as much as a check: then both together cost at most twice the
        better choice, for any number of later searches.
        """
        with _lock:
            _debts[self._identity] = _debts.get(self._identity, 0.0) + scan
            return self._identity in _verdicts or _debts[self._identity] >= check

    def segment(self, codes: Codes, origin: str) -> Segment | None:
        """The segment, after a check of its checksums.

        None when the file is damaged, or has other codes than these, uint8 [N, B], of an origin:
        see CodeIndex.
        """
        if self._identity not in _verdicts:
            _verdicts[self._identity] = zlib.crc32(self._payload) == self._header["crc"]
        if not (_verdicts[self._identity] and self._is_of(codes, origin)):
            return None
        if self._segment is None:
            self._segment = Segment.from_arrays(
                self.first, self.last, self._header["index_bits"], self._arrays()
            )
        return self._segment

    def _is_of(self, codes: Codes, origin: str) -> bool:
        known = (self._identity, origin)
        if known not in _bound or not origin:
            _bound[known] = _checksum(codes, self.first, self.last) == self._header["codes_crc"]
        return _bound[known]

    def _arrays(self) -> dict[str, npt.NDArray[np.generic]]:
        return {
            name: np.ndarray(tuple(shape), dtype, self._payload, offset)
            for name, (dtype, shape, offset) in self._header["arrays"].items()
        }


def write(
    folder: Path, segment: Segment, codes: Codes, key: str, origin: str
) -> SegmentFile | None:
    """Write a segment of codes uint8 [N, B] into a folder, and map it.

    It has its name only when all of it is on the disk. Raises OSError when that fails.
    """
    arrays, offsets, size = segment.arrays(), {}, 0
    for name, array in arrays.items():
        offsets[name] = size
        size += -(-array.nbytes // _ALIGNMENT) * _ALIGNMENT
    crc = 0
    for array in arrays.values():
        crc = zlib.crc32(_padding(array), zlib.crc32(_bytes(array), crc))
    bits = 8 * codes.shape[1]
    header = {
        "version": VERSION,
        "key": key,
        "bits": bits,
        "first": segment.first,
        "last": segment.last,
        "codes_crc": _checksum(codes, segment.first, segment.last),
        "index_bits": 0 if segment.index is None else segment.index.bits,
        "size": size,
        "crc": crc,
        "arrays": {
            name: [array.dtype.str, array.shape, offsets[name]] for name, array in arrays.items()
        },
    }
    head = json.dumps(header).encode()
    head += b" " * (-(_PREFIX.size + len(head)) % _ALIGNMENT)
    path = folder / f"{segment.first:012d}-{segment.last:012d}{SUFFIX}"
    with atomic_path(path) as partial:
        with partial.open("wb") as file:
            file.write(_PREFIX.pack(MAGIC, len(head), zlib.crc32(head)) + head)
            for array in arrays.values():
                file.write(_bytes(array))
                file.write(_padding(array))
        written = SegmentFile.open(partial, key, bits)
    if written is not None:
        written.path = path
        # This process has just computed its checksum.
        _verdicts[written._identity] = True
        _bound[written._identity, origin] = True
    return written


def list_files(folder: Path, key: str, bits: int) -> list[SegmentFile]:
    """The files in a folder that claim to be segments of these codes."""
    files = [SegmentFile.open(path, key, bits) for path in _names(folder, f"*{SUFFIX}")]
    return [file for file in files if file is not None and not file.damaged]


def remove_others(folder: Path, before: list[Path], kept: list[Path]) -> None:
    """Remove the earlier files that are not among those to keep.

    Nobody needs them: a process that has one mapped continues with it, and a file that cannot be
    removed only takes space.
    """
    now = time.time()
    for path in _names(folder, f".*{PARTIAL}"):
        with contextlib.suppress(OSError):
            if now - path.stat().st_mtime > _ABANDONED:
                path.unlink()
    for path in set(before) - set(kept):
        with contextlib.suppress(OSError):
            path.unlink()


def names(folder: Path) -> list[Path]:
    """The segment files in a folder, of whatever codes."""
    return _names(folder, f"*{SUFFIX}")


def _names(folder: Path, pattern: str) -> list[Path]:
    try:
        return sorted(path for path in folder.glob(pattern))
    except OSError:
        return []


def _checksum(codes: Codes, first: int, last: int) -> int:
    return zlib.crc32(np.ascontiguousarray(codes[first:last]).data)


def _bytes(array: npt.NDArray[np.generic]) -> memoryview:
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data


def _padding(array: npt.NDArray[np.generic]) -> bytes:
    return b"\0" * (-array.nbytes % _ALIGNMENT)
