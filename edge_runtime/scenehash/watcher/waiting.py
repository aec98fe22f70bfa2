"""Waiting for changes in a folder."""

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from scenehash.errors import extras_remedy

from .sinks import Log

# Seconds between two scans of a folder.
INTERVAL = 0.5


class Waiting(Protocol):
    """A way to wait."""

    def wait(self) -> bool:
        """Return after a while, or earlier after a change; returns whether something may have
        changed.
        """


class Polling:
    """Waits for an interval, in seconds; works for every folder, also on a network."""

    def __init__(self, interval: float, stop: threading.Event) -> None:
        self._interval, self._stop = interval, stop

    def wait(self) -> bool:
        """See Waiting."""
        self._stop.wait(self._interval)
        return True


class Notified:
    """Waits for notifications of the system, through watchfiles; for local disks only.

    A new folder, or a mounted disk, at the same path is noticed within the interval. If the system
    refuses, as it does above some number of folders, this class polls.
    """

    def __init__(
        self, folders: Sequence[Path], interval: float, stop: threading.Event, log: Log
    ) -> None:
        """Raises ImportError without watchfiles."""
        import watchfiles

        self._watch, self._deleted = watchfiles.watch, watchfiles.Change.deleted
        self._folders, self._interval, self._stop, self._log = folders, interval, stop, log
        self._watched: dict[Path, tuple[int, int]] | None = None
        self._changes: Iterator[set[tuple[Any, str]]] = iter(())
        self._refused = False

    def wait(self) -> bool:
        """See Waiting."""
        there = {folder: found for folder in self._folders if (found := _identity(folder))}
        # Changes before the system began to watch gave no notification.
        anew = there != self._watched
        if anew:
            self._watched = there
            self._changes = self._watch(
                *there,
                watch_filter=None,
                debounce=50,
                step=20,
                stop_event=self._stop,
                rust_timeout=round(1000 * self._interval),
                yield_on_timeout=True,
                ignore_permission_denied=True,
            )
        if self._refused or not there:
            self._stop.wait(self._interval)
            return self._refused or anew
        try:
            changes = next(self._changes, set())
            # A new folder in its place may get the same inode number.
            if any((self._deleted, str(folder)) in changes for folder in there):
                self._watched = None
            return bool(changes) or anew
        except (OSError, RuntimeError) as error:
            # If a folder has just disappeared, the system did not refuse.
            if {folder: _identity(folder) for folder in there} == there:
                self._refused = True
                self._log(f"no notifications of new files ({error}); polling the folders")
            return True


def waiting(folders: Sequence[Path], poll: bool, stop: threading.Event, log: Log) -> Waiting:
    """Wait for notifications of the system, or poll if asked to, or without watchfiles."""
    if not poll:
        try:
            return Notified(folders, INTERVAL, stop, log)
        except ImportError:
            log(f"polling the folders; for notifications {extras_remedy('watch')}")
    return Polling(INTERVAL, stop)


def _identity(folder: Path) -> tuple[int, int] | None:
    """A value that differs between two folders at the same path; None if there is none."""
    try:
        status = folder.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
