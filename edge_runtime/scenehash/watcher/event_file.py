"""Events in a rotating file: JSON Lines, each event exactly once, even if the process is killed."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from scenehash.errors import InputError
from scenehash.files import flush_folder

from .events import BEGINNING, number_of
from .sinks import Event

# How much of a file's end is read at once to find its last whole line.
BLOCK = 1 << 16
# A longer line is not an event.
LONGEST_LINE = 16 << 20
# FILE.1 to FILE.999: a file with a longer number, such as a date, belongs to others.
MOST_ROTATED = 999


class EventFile:
    """A file of events, FILE, and older files FILE.1, FILE.2 ..., of which the highest is the
    oldest.

    The last complete line is the last delivered event. Text after it was being written when the
    process or the machine stopped, and is cut off. Before a file exceeds rotate_bytes it is
    renamed; rotated_files old files are kept.
    """

    def __init__(
        self,
        path: Path,
        store: str,
        delivered: Callable[[str], int],
        rotate_bytes: int,
        rotated_files: int,
    ) -> None:
        """delivered: the progress of each sink in the store, by name; the file may be ahead.

        Raises OSError, and InputError when the path has something else.
        """
        self.name = f"file {path.absolute()}"
        self.delivered = delivered(self.name)
        self._path, self._store = path, store
        self._rotate_bytes = rotate_bytes
        self._rotated_files = min(rotated_files, MOST_ROTATED)
        self._file: IO[bytes] | None = None
        self._recover()

    def deliver(self, events: Sequence[Event]) -> None:
        """Write events and flush them to the disk. After an OSError, the complete lines in the file
        count as delivered.
        """
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
        """Cut off an incomplete line, and find the last event that was written."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        if self._path.exists() and not self._path.is_file():
            raise InputError(f"{self._path}: events need a regular file; choose another name")
        file = self._path.open("ab+", buffering=0)
        try:
            size = file.seek(0, os.SEEK_END)
            if not _is_ours(file):
                raise InputError(f"{self._path}: not a file of events; choose another name")
            whole = _end_of_last_line(file, size)
            if whole < size:
                file.truncate(whole)
            flush_folder(self._path.parent)
        except BaseException:
            file.close()
            raise
        self._file = file
        for path in (self._path, *self._rotated().values()):
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
        """Rename the files, the oldest first; a kill at any moment loses no line."""
        self._flush()
        self.close()
        for number, path in reversed(self._rotated().items()):
            if number >= self._rotated_files:
                path.unlink(missing_ok=True)
            else:
                path.rename(self._numbered(number + 1))
        self._path.rename(self._numbered(1))
        self._file = self._path.open("ab+", buffering=0)
        flush_folder(self._path.parent)

    def _rotated(self) -> dict[int, Path]:
        """The existing files FILE.1, FILE.2 ..., the newest first."""
        found = {}
        with os.scandir(self._path.parent) as entries:
            for entry in entries:
                name, _, suffix = entry.name.rpartition(".")
                if name == self._path.name and suffix.isascii() and suffix.isdecimal():
                    number = int(suffix) if len(suffix) <= len(str(MOST_ROTATED)) else 0
                    if suffix == str(number) and number and entry.is_file():
                        found[number] = Path(entry.path)
        return dict(sorted(found.items()))

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")


def _is_ours(file: IO[bytes]) -> bool:
    """Whether a file begins as events do, as far as it goes; zeros are what a power cut leaves."""
    file.seek(0)
    head, beginning = file.read(BLOCK).rstrip(b"\0"), BEGINNING.encode()
    return head.startswith(beginning) or beginning.startswith(head)


def _end_of_last_line(file: IO[bytes], size: int) -> int:
    """The end of the last complete line in a file."""
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
            if not 0 < end - start <= LONGEST_LINE:
                return None
            file.seek(start)
            line = file.read(end - start)
    except FileNotFoundError:
        return None
    return number_of(line.decode(errors="replace"), store)
