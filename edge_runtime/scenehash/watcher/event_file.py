"""Events in a file that rotates: JSON Lines, each event just once, whenever the process ends."""

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import IO

from scenehash.files import flush_folder

from .events import number_of
from .sinks import Event

# How much of a file's end is read at once to find its last whole line.
BLOCK = 1 << 16


class EventFile:
    """A file of events, FILE, and the ones before it, FILE.1, FILE.2 ..., the highest the oldest.

    The last whole line in them says what was delivered; what lies behind it was being written when
    the process or the machine stopped, and is cut off. Before a file becomes larger than
    rotate_bytes it is renamed; keep of those are kept.
    """

    def __init__(
        self,
        path: Path,
        store: str,
        delivered: Callable[[str], int],
        rotate_bytes: int,
        keep: int,
    ) -> None:
        """delivered: what the store remembers of a sink, by its name; the file may know more."""
        self.name = f"file {path.absolute()}"
        self.delivered = delivered(self.name)
        self._path, self._store = path, store
        self._rotate_bytes, self._keep = rotate_bytes, keep
        self._file: IO[bytes] | None = None
        self._recover()

    def tell(self, events: Sequence[Event]) -> None:
        """Write events and flush them to the disk. Raises OSError; then what is in the file counts
        for as much as there is of it."""
        try:
            if self._file is None:
                self._recover()
            for event in events:
                if event.number > self.delivered:
                    self._write(event)
            self._flush()
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            file, self._file = self._file, None
            file.close()

    def _recover(self) -> None:
        """Cut off what is no whole line, and find out which event was written last."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = self._path.open("ab+", buffering=0)
        size = file.seek(0, os.SEEK_END)
        whole = _end_of_last_line(file, size)
        if whole < size:
            file.truncate(whole)
        flush_folder(self._path.parent)
        self._file = file
        for path in (self._path, *self._rotated()):
            number = _last_number(path, self._store)
            if number is not None:
                self.delivered = max(self.delivered, number)
                return

    def _write(self, event: Event) -> None:
        data = event.line.encode() + b"\n"
        assert self._file is not None
        size = self._file.seek(0, os.SEEK_END)
        if size and size + len(data) > self._rotate_bytes:
            self._rotate()
        written = self._file.write(data)
        if written != len(data):
            raise OSError(f"{self._path}: only {written} of {len(data)} bytes were written")
        self.delivered = event.number

    def _flush(self) -> None:
        assert self._file is not None
        os.fsync(self._file.fileno())

    def _rotate(self) -> None:
        """Rename the files, the oldest first: killed at any moment, each line is in one of them."""
        self._flush()
        self.close()
        names = [self._path, *self._rotated()]
        for path in names[self._keep :]:
            path.unlink(missing_ok=True)
        for at in range(min(self._keep, len(names)) - 1, -1, -1):
            if names[at].exists():
                names[at].rename(self._path.with_name(f"{self._path.name}.{at + 1}"))
        self._file = self._path.open("ab+", buffering=0)
        flush_folder(self._path.parent)

    def _rotated(self) -> list[Path]:
        """FILE.1, FILE.2 ... up to the highest that is there, gaps included."""
        numbers = _suffixes(self._path)
        last = max(numbers, default=0)
        return [self._path.with_name(f"{self._path.name}.{at}") for at in range(1, last + 1)]


def _suffixes(path: Path) -> Iterable[int]:
    for other in path.parent.glob(f"{path.name}.*"):
        suffix = other.name.removeprefix(f"{path.name}.")
        if suffix.isdecimal():
            yield int(suffix)


def _end_of_last_line(file: IO[bytes], size: int) -> int:
    """Where the last line of a file that ends as lines do ends."""
    end = size
    while end > 0:
        start = max(0, end - BLOCK)
        file.seek(start)
        at = file.read(end - start).rfind(b"\n")
        if at >= 0:
            return start + at + 1
        end = start
    return 0


def _last_number(path: Path, store: str) -> int | None:
    """The number of the last event in a file, when that is one of this store."""
    try:
        with path.open("rb") as file:
            end = _end_of_last_line(file, path.stat().st_size)
            start = _end_of_last_line(file, max(0, end - 1))
            file.seek(start)
            line = file.read(end - start)
    except FileNotFoundError:
        return None
    return number_of(line.decode(errors="replace"), store) if line else None
