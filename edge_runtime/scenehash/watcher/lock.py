"""One watch per store, because two would deliver the same events."""

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

from scenehash.errors import StoreBusyError, StoreError

WATCH_LOCK = "watch.lock"


@contextlib.contextmanager
def watch_lock(store: Path) -> Iterator[None]:
    """Become the only watch of a store; StoreBusyError if another watch uses it."""
    try:
        file = (store / WATCH_LOCK).open("ab")
    except OSError as error:
        raise StoreError(f"{store}: cannot be written to ({error.strerror})") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StoreBusyError(
                f"{store}: another scenehash watch uses this store; "
                "one watch may have several folders"
            ) from error
        yield
