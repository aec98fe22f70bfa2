"""Reading ahead: scene files to tiles, in a thread, while the caller hashes."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

from scenehash.errors import InputError, ScenehashError
from scenehash.printable import printable
from scenehash.tiles import Image

from .report import SetAside

# Tiles that wait to be hashed, as bytes of pixels.
BYTES_AHEAD = 24 << 20
REASON_LENGTH = 200
# After this time without data a file is given up: its disk or network does not answer.
STALLED_SECONDS = 300.0
# The time to wait for a reader at the end: its file may not answer.
LEAVE_SECONDS = 10.0


class Images(NamedTuple):
    """Tiles of the scene that is being read; skipped: the number of tiles with too few valid
    pixels.
    """

    images: list[Image]
    skipped: int


Event = TypeVar("Event")


class ReadAhead(Generic[Event]):
    """Events of scene files, in their order, from a thread of its own; a context manager.

    read: yields the events of the file with this number. An error of a file gives SetAside as its
    last event. An error of the store is raised when the caller takes events.
    """

    def __init__(self, paths: Sequence[Path], read: Callable[[int], Iterator[Event]]) -> None:
        self._paths, self._read = paths, read
        self._events: deque[Event | SetAside | BaseException | None] = deque()
        self._bytes = 0
        self._changed = threading.Condition()
        self._stopped = False
        # The file that is being read, and the time of its last event; None while there is no room.
        self._number = 0
        self._since: float | None = None
        self._thread = self._reader(0)

    def __enter__(self) -> Iterator[Event | SetAside]:
        self._thread.start()
        return self._taken()

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify()
        self._thread.join(LEAVE_SECONDS)

    def _reader(self, first: int) -> threading.Thread:
        return threading.Thread(target=self._run, args=(first,), daemon=True)

    def _taken(self) -> Iterator[Event | SetAside]:
        while True:
            with self._changed:
                while not self._changed.wait_for(lambda: self._events, STALLED_SECONDS / 10):
                    self._give_up_a_stalled_file()
                event = self._events.popleft()
                self._bytes -= _size(event)
                self._changed.notify()
            if event is None:
                return
            if isinstance(event, BaseException):
                raise event
            yield event

    def _give_up_a_stalled_file(self) -> None:
        """Leave a file that does not answer, with its thread, and continue in another thread."""
        if self._since is None or time.monotonic() - self._since < STALLED_SECONDS:
            return
        reason = f"no data for {STALLED_SECONDS:.0f} s; check whether its disk answers"
        self._events.append(SetAside(self._paths[self._number], reason))
        self._thread = self._reader(self._number + 1)
        self._since = None
        self._thread.start()

    def _run(self, first: int) -> None:
        end: BaseException | None = None
        try:
            for number in range(first, len(self._paths)):
                with self._changed:
                    if self._thread is not threading.current_thread():
                        return
                    self._number, self._since = number, time.monotonic()
                for event in self._events_of(number):
                    if not self._put(event):
                        return
        except BaseException as error:
            end = error
        self._put(end)

    def _events_of(self, number: int) -> Iterator[Event | SetAside]:
        try:
            yield from self._read(number)
        except InputError as error:
            yield SetAside(self._paths[number], error.reason)
        except (ScenehashError, MemoryError):
            raise  # an error of the store, an option or the machine, not of one file
        except Exception as error:  # an error of one file must not stop the others
            what = printable(" ".join(str(error).split()))[:REASON_LENGTH]
            reason = f"cannot be read (unexpected {type(error).__name__}: {what})"
            yield SetAside(self._paths[number], reason)

    def _put(self, event: Event | SetAside | BaseException | None) -> bool:
        """Pass an event on when there is room; returns whether the caller wants more events."""
        with self._changed:
            if self._thread is not threading.current_thread():
                return False
            self._since = None
            self._changed.wait_for(lambda: self._stopped or self._bytes < BYTES_AHEAD)
            self._events.append(event)
            self._bytes += _size(event)
            self._since = time.monotonic()
            self._changed.notify()
            return not self._stopped


def _size(event: object) -> int:
    return sum(image.nbytes for image in event.images) if isinstance(event, Images) else 0
