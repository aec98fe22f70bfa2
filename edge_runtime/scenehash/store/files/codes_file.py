"""codes.bin: the packed codes of a store, one after another; the file only grows."""

import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

import numpy as np

from scenehash.codes import Codes
from scenehash.errors import StoreDamagedError, StoreError
from scenehash.files import atomic_path

CODES = "codes.bin"
INTACT = "all data stored before is intact"


class CodesFile:
    """The file with a store's codes, each width bytes long.

    The catalog has the number of committed codes; bytes after them have no meaning. Each compaction
    writes a new generation of the file: codes.bin, codes.1.bin, codes.2.bin ...
    """

    def __init__(self, folder: Path, width: int, generation: int) -> None:
        self.path = folder / (f"codes.{generation}.bin" if generation else CODES)
        self.generation = generation
        self._width = width

    def append(self, codes: Codes, position: int) -> None:
        """Write codes uint8 [N, width] at the end, from a position, and flush them."""
        with self._refusals(), self.path.open("r+b") as file:
            file.truncate(position * self._width)
            self._put(file, codes, position)

    def overwrite(self, codes: Codes, position: int) -> None:
        """Write codes uint8 [N, width] over those at a position, and flush them to the disk."""
        with self._refusals(), self.path.open("r+b") as file:
            self._put(file, codes, position)

    def make(self, parts: Iterable[Codes] = ()) -> None:
        """Write the file again from codes uint8 [N, width] in parts, atomically."""
        with self._refusals(), atomic_path(self.path) as partial, partial.open("wb") as file:
            for part in parts:
                file.write(np.ascontiguousarray(part).data)

    def read(self, committed: int) -> Codes:
        """Map the committed codes into memory: uint8 [committed, width], read-only."""
        try:
            size = self.path.stat().st_size
            if committed == 0:
                return np.zeros((0, self._width), np.uint8)
            if size >= committed * self._width:
                return np.memmap(self.path, np.uint8, mode="r", shape=(committed, self._width))
        except OSError as error:
            raise StoreDamagedError(f"{self.path}: cannot be read ({error.strerror})") from error
        raise StoreDamagedError(
            f"{self.path}: {size} bytes, but {committed} codes of {self._width} bytes were "
            "committed; restore the file from a backup, or ingest into a new store"
        )

    def identity(self) -> tuple[int, ...]:
        """A value that changes with the file: device, inode, bytes, time of the last change; ()
        without.
        """
        try:
            status = self.path.stat()
        except OSError:
            return ()
        return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns

    def _put(self, file: IO[bytes], codes: Codes, position: int) -> None:
        file.seek(position * self._width)
        file.write(np.ascontiguousarray(codes).data)
        file.flush()
        os.fsync(file.fileno())

    @contextlib.contextmanager
    def _refusals(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StoreError(
                f"{self.path}: cannot be written ({error.strerror}); {INTACT}"
            ) from error
