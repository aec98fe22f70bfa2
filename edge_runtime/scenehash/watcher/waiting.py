"""Waiting until something may have changed in a folder."""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol


class Waiting(Protocol):
    """A way to wait."""

    def wait(self) -> bool:
        """Return after a while, or earlier when something has changed; whether it may have."""


class Polling:
    """Looks again after an interval, in seconds: good for every folder, on a network too."""

    def __init__(self, interval: float, stop: threading.Event) -> None:
        self._interval, self._stop = interval, stop

    def wait(self) -> bool:
        """See Waiting."""
        self._stop.wait(self._interval)
        return True


class Notified:
    """Is told by the system of changes, through watchfiles; on this machine's own disks only."""

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
