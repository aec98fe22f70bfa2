"""codes.bin: the packed codes of a store, row after row, only ever appended to."""

import os
from hashlib import blake2b
from pathlib import Path

import numpy as np

from .codes import Codes
from .errors import StoreDamagedError, StoreError

CHECKSUM_BYTES = 8


class CodesFile:
    """The file of a store's codes, each width bytes long.

    The catalog says how many rows are committed; what lies past them is not there.
    """

    def __init__(self, path: Path, width: int) -> None:
        self._path = path
        self._width = width

    def append(self, codes: Codes, rows: int) -> None:
        """Write codes uint8 [N, width] behind the committed rows, and flush them to the disk."""
        try:
            with self._path.open("r+b") as file:
                file.truncate(rows * self._width)
                file.seek(rows * self._width)
                file.write(np.ascontiguousarray(codes).data)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise StoreError(
                f"{self._path}: cannot be written ({error.strerror}); "
                "what was stored before is intact"
            ) from error

    def read(self, rows: int) -> Codes:
        """Map the committed rows into memory: uint8 [rows, width], read-only."""
        if rows == 0:
            return np.zeros((0, self._width), np.uint8)
        try:
            size = self._path.stat().st_size
            if size >= rows * self._width:
                return np.memmap(self._path, np.uint8, mode="r", shape=(rows, self._width))
        except OSError as error:
            raise StoreDamagedError(f"{self._path}: cannot be read ({error.strerror})") from error
        raise StoreDamagedError(
            f"{self._path}: {size} bytes, but {rows} rows of {self._width} bytes were committed; "
            "restore the file from a backup, or ingest into a new store"
        )


def checksum(codes: Codes) -> bytes:
    """The checksum of codes uint8 [N, width], 8 bytes of BLAKE2b."""
    return blake2b(np.ascontiguousarray(codes).data, digest_size=CHECKSUM_BYTES).digest()
