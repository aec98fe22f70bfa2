"""Preparation for the first searches, in the background, at the start of a server."""

import contextlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from scenehash.errors import ScenehashError
from scenehash.store import CodeStore

# The maximum number of tiles to check before searches.
MOST_TILES = 2_000_000
# Seconds left to requests for each second of work.
REST = 3.0


@contextlib.contextmanager
def warming(store: Path) -> Iterator[None]:
    """In the context a thread reads the index and compares the newest scenes with their checksums.

    All readers of the store in this process use the results; searches report damage.
    """
    end = threading.Event()
    thread = threading.Thread(target=_warm, args=(store, end), daemon=True)
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()


def _warm(path: Path, end: threading.Event) -> None:
    # The next request reports a store that cannot be read.
    with contextlib.suppress(ScenehashError), CodeStore.open(path) as store:
        store.warm()
        compared, began = 0, time.monotonic()
        for tiles in store.check_newest():
            compared += tiles
            if compared >= MOST_TILES or end.wait(REST * (time.monotonic() - began)):
                return
            began = time.monotonic()
