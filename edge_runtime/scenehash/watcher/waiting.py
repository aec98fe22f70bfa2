"""How to wait until something may have changed in a folder."""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from .sinks import Log

# Seconds between two scans of a folder.
INTERVAL = 0.5


class Waiting(Protocol):
    """A way to wait."""

    def wait(self) -> bool:
        """Return after a while, or earlier when something has changed; whether it may have."""


class Polling:
    """Waits for an interval, in seconds: for every folder, on a network too."""

    def __init__(self, interval: float, stop: threading.Event) -> None:
        self._interval, self._stop = interval, stop

    def wait(self) -> bool:
        """See Waiting."""
        self._stop.wait(self._interval)
        return True


class Notified:
    """Waits for a notification of the system, through watchfiles: for local disks only."""

    def __init__(self, folders: Sequence[Path], interval: float, stop: threading.Event) -> None:
        """Raises ImportError without watchfiles, OSError when the system refuses."""
        import watchfiles

        self._changes = watchfiles.watch(
            *folders,
            watch_filter=None,
            debounce=50,
            step=20,
            stop_event=stop,
            rust_timeout=round(1000 * interval),
            yield_on_timeout=True,
            ignore_permission_denied=True,
        )

    def wait(self) -> bool:
        """See Waiting."""
        return bool(next(self._changes, ()))


def waiting(folders: Sequence[Path], poll: bool, stop: threading.Event, log: Log) -> Waiting:
    """Wait for notifications of the system, or by polling: when asked to, or without watchfiles."""
    if not poll:
        try:
            return Notified(folders, INTERVAL, stop)
        except ImportError:
            log("polling the folders; for notifications: pip install 'scenehash[watch]'")
    return Polling(INTERVAL, stop)
