"""Open stores for those who read: each is used by one thread at a time, and follows the writer."""

import contextlib
import os
import queue
from collections.abc import Iterator
from pathlib import Path

from scenehash.errors import LineageError, StoreBusyError
from scenehash.store import CodeStore
from scenehash.store.opening import no_store

# Seconds that a request waits for its turn.
PATIENCE = 10.0


class Readers:
    """At most so many open stores of one folder.

    A store sees what was committed when its turn began: no reader waits for a writer. A store that
    got another model's codes, or in whose place another was put, is opened again.
    """

    def __init__(self, path: Path, count: int) -> None:
        """Raises StoreError when there is no store."""
        self._path = path
        self._free: queue.LifoQueue[_Reader | None] = queue.LifoQueue()
        for _ in range(count - 1):
            self._free.put(None)
        self._free.put(_Reader(path))

    @contextlib.contextmanager
    def store(self) -> Iterator[CodeStore]:
        """A store that is up to date; StoreBusyError when all are in use for long."""
        try:
            reader = self._free.get(timeout=PATIENCE)
        except queue.Empty as error:
            raise StoreBusyError(f"{self._path}: too many requests wait; try again") from error
        try:
            if reader is None or not reader.is_up_to_date(self._path):
                reader, former = None, reader
                if former is not None:
                    former.store.close()
                reader = _Reader(self._path)
            yield reader.store
        finally:
            self._free.put(reader)

    def close(self) -> None:
        """Close all that are not in use."""
        with contextlib.suppress(queue.Empty):
            while True:
                reader = self._free.get_nowait()
                if reader is not None:
                    reader.store.close()


class _Reader:
    def __init__(self, path: Path) -> None:
        self._identity = _identity(path)
        self.store = CodeStore.open(path)

    def is_up_to_date(self, path: Path) -> bool:
        """Take over what has been committed; False when the store has to be opened again."""
        if self._identity != _identity(path):
            return False
        try:
            self.store.refresh()
        except LineageError:
            return False
        return True


def _identity(path: Path) -> tuple[int, int]:
    """What tells a store from another one in the same folder; StoreError when there is none."""
    try:
        status = os.stat(path / "catalog.sqlite")  # noqa: PTH116
    except OSError as error:
        raise no_store(path) from error
    return status.st_dev, status.st_ino
