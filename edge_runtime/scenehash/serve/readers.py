"""Open stores, or collections, for readers: each is used by one thread at a time.

A store follows its writer; the collection of an engine follows its pushes.
"""

import contextlib
import os
import queue
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from scenehash.engines import EngineStore
from scenehash.errors import LineageError, StoreBusyError
from scenehash.store import CodeStore, Searchable
from scenehash.store.files.folder import CATALOG
from scenehash.store.files.opening import no_store

# Seconds for a request to wait for its turn.
PATIENCE = 10.0
# Seconds between two checks of a collection for new pushes.
ENGINE_AGE = 5.0

Read_co = TypeVar("Read_co", bound=Searchable, covariant=True)


class Reader(Protocol[Read_co]):
    """An open store or collection."""

    @property
    def store(self) -> Read_co:
        """The store, or the collection."""

    def is_up_to_date(self) -> bool:
        """Read the newest committed state; False when it must be opened again."""

    def close(self) -> None:
        """Close it."""


class Readers(Generic[Read_co]):
    """A limited number of open readers of one store or of one collection.

    A store shows the committed state at the beginning of its use: no reader waits for a writer. If
    the store has codes of another model, or another store is in its place, it is opened again.
    """

    def __init__(self, name: str, open_one: Callable[[], Reader[Read_co]], count: int) -> None:
        """name: for messages. Raises the errors of open_one."""
        self._name, self._open_one = name, open_one
        self._free: queue.LifoQueue[Reader[Read_co] | None] = queue.LifoQueue()
        for _ in range(count - 1):
            self._free.put(None)
        self._free.put(open_one())

    @contextlib.contextmanager
    def store(self) -> Iterator[Read_co]:
        """An up-to-date store; StoreBusyError when all are in use for too long."""
        try:
            reader = self._free.get(timeout=PATIENCE)
        except queue.Empty as error:
            raise StoreBusyError(f"{self._name}: too many requests wait; try again") from error
        try:
            if reader is None or not reader.is_up_to_date():
                reader, former = None, reader
                if former is not None:
                    former.close()
                reader = self._open_one()
            yield reader.store
        finally:
            self._free.put(reader)

    def close(self) -> None:
        """Close all unused readers."""
        with contextlib.suppress(queue.Empty):
            while True:
                reader = self._free.get_nowait()
                if reader is not None:
                    reader.close()


class OpenStore:
    """An open store of a folder; StoreError when there is none."""

    def __init__(self, path: Path) -> None:
        self._path, self._identity = path, _identity(path)
        self.store = CodeStore.open(path)

    def close(self) -> None:
        """See Reader."""
        self.store.close()

    def is_up_to_date(self) -> bool:
        """See Reader."""
        if self._identity != _identity(self._path):
            return False
        try:
            self.store.refresh()
        except LineageError:
            return False
        return True


class EngineReader:
    """An open collection of an engine; EngineError when no store was pushed to it."""

    def __init__(self, address: str) -> None:
        self.store, self._asked = EngineStore.open(address), time.monotonic()

    def close(self) -> None:
        """See Reader."""
        self.store.close()

    def is_up_to_date(self) -> bool:
        """See Reader."""
        if time.monotonic() - self._asked < ENGINE_AGE:
            return True
        try:
            self.store.refresh()
        except LineageError:
            return False
        self._asked = time.monotonic()
        return True


def _identity(path: Path) -> tuple[int, int]:
    """A value that differs between stores in the same folder; StoreError when there is none."""
    try:
        status = os.stat(path / CATALOG)  # noqa: PTH116
    except OSError as error:
        raise no_store(path) from error
    return status.st_dev, status.st_ino
