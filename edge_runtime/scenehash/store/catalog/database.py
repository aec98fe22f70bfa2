"""SQLite for a store: durable, shared by threads, with errors that name a remedy."""

import contextlib
import errno
import functools
import os
import sqlite3
import struct
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from scenehash.errors import StoreBusyError, StoreDamagedError, StoreError

BUSY_SECONDS = 10.0
CATALOG_DAMAGED = (
    "the catalog is damaged ({}); restore it from a backup, or ingest again into a new store"
)
VALUES_AT_ONCE = 10_000
# Each table and its columns. The tables of an R-tree are SQLite's own.
TABLES = (
    "SELECT name, (SELECT group_concat(name) FROM pragma_table_info(one.name)) "
    "FROM sqlite_master AS one WHERE type = 'table' AND name NOT GLOB 'block_*' "
    "AND sql NOT LIKE 'CREATE VIRTUAL TABLE %'"
)

# The errors of decoding a damaged value.
WRONG_VALUES = (
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
    struct.error,
)

Transacting = Callable[[], AbstractContextManager[None]]


class Database:
    """An open SQLite file: statements, and transactions of several statements.

    Threads share its one connection: each statement, transaction and snapshot holds the lock, so
    that no thread reads uncommitted data of another. Every method raises StoreError, or a subclass,
    on an error of SQLite.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self.lock = threading.RLock()
        self._connection = connection
        # How many entries had been written when the open transaction began.
        self._writes_before: int | None = None

    @classmethod
    def open(cls, path: Path, writable: bool) -> "Database":
        """Open a file; if writable, make it if it does not exist."""
        with our_errors(path):
            return cls(path, connect(path, writable))

    @property
    def is_changing(self) -> bool:
        """Whether the open transaction, if any, has written something."""
        return self._writes_before not in (None, self._connection.total_changes)

    def run(self, statement: str, values: Sequence[object] = ()) -> None:
        """Run a statement without results."""
        with self._guard():
            self._connection.execute(statement, values)

    def run_all(self, statement: str, rows: Iterable[Sequence[object]]) -> None:
        """Run a statement once for each row of values."""
        with self._guard():
            self._connection.executemany(statement, rows)

    def run_script(self, script: str) -> None:
        """Run several statements; the caller ends a transaction that they begin."""
        with self._guard():
            self._connection.executescript(script)

    def one(self, query: str, *values: str | float | bytes) -> Any:
        """The first row of a query; None if there is none."""
        with self._guard():
            return self._connection.execute(query, values).fetchone()

    def all(self, query: str, *values: str | float | bytes) -> list[Any]:
        """All rows of a query."""
        with self._guard():
            return self._connection.execute(query, values).fetchall()

    def all_in(
        self, query: str, values: Sequence[str | bytes | int], *before: str | float
    ) -> list[Any]:
        """The rows of a query for each of the given values of its last column.

        before: the values for the conditions before that column.
        """
        found = []
        for start in range(0, len(values), VALUES_AT_ONCE):
            some = values[start : start + VALUES_AT_ONCE]
            found += self.all(f"{query} IN ({', '.join('?' * len(some))})", *before, *some)
        return found

    def other_tables(self, schema: str) -> list[str]:
        """The tables of a schema that have other columns in the file."""
        with self._guard():
            return other_tables(self._connection, schema)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All writes inside are committed together at the end, or none of them."""
        with self._guard(), transaction(self._connection):
            self._writes_before = self._connection.total_changes
            try:
                yield
            finally:
                self._writes_before = None

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[None]:
        """All reads inside see one moment; inside a transaction, they see the transaction."""
        with self._guard(), snapshot(self._connection):
            yield

    def copy_to(self, to: Path) -> None:
        """Write the committed state, or the state of the open snapshot, to a new file.

        OSError when the disk of that file is full.
        """
        with self._guard():
            _copy(self._connection, to)

    def close(self) -> None:
        """Close the file."""
        with self.lock:
            self._connection.close()

    @contextlib.contextmanager
    def _guard(self) -> Iterator[None]:
        with self.lock, our_errors(self.path):
            yield


def connect(path: Path, writable: bool) -> sqlite3.Connection:
    """Open a database; if writable, make it if it does not exist."""
    if writable:
        connection = sqlite3.connect(
            path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA journal_mode = WAL")
        # FULL: a commit has reached the disk when it returns, not only the system's cache.
        connection.execute("PRAGMA synchronous = FULL")
        # Deleted entries are overwritten by zeros: no byte in the file is without meaning.
        connection.execute("PRAGMA secure_delete = ON")
        return connection
    try:
        return _read_only(f"{path.absolute().as_uri()}?mode=ro")
    except sqlite3.OperationalError:
        if _roll_back(path):
            return _read_only(f"{path.absolute().as_uri()}?mode=ro")
        # WAL readers write to a side file; where the folder cannot be written to, nobody else
        # writes to it either, and the file may be read as it is, unless commits wait in the WAL.
        log = path.with_name(path.name + "-wal")
        if os.access(path.parent, os.W_OK) or (log.exists() and log.stat().st_size):
            raise
        return _read_only(f"{path.absolute().as_uri()}?immutable=1")


def copy_database(path: Path, to: Path) -> None:
    """Write the committed state of a database to a new file.

    Raises sqlite3.Error, or OSError when the disk of that file is full.

    It opens no writing connection, and no writer waits.
    """
    with contextlib.closing(connect(path, writable=False)) as connection:
        _copy(connection, to)


def other_tables(connection: sqlite3.Connection, schema: str) -> list[str]:
    """The tables of a database that differ from a schema in their columns; sqlite3.Error.

    CREATE TABLE IF NOT EXISTS does not change a table. Tables that are not in the schema, or not in
    the database, are ignored.
    """
    wanted = _tables(schema)
    found = connection.execute(TABLES).fetchall()
    return [name for name, columns in found if wanted.get(name, columns) != columns]


@functools.cache
def _tables(schema: str) -> dict[str, str]:
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(schema)
        return dict(connection.execute(TABLES).fetchall())


def _copy(connection: sqlite3.Connection, to: Path) -> None:
    with contextlib.closing(sqlite3.connect(to, isolation_level=None)) as copy:
        # The copy is temporary, and need not be durable.
        copy.execute("PRAGMA journal_mode = OFF")
        copy.execute("PRAGMA synchronous = OFF")
        try:
            # All pages in one step: a write restarts a copy in several steps.
            connection.backup(copy)
        except sqlite3.OperationalError as error:
            if getattr(error, "sqlite_errorname", "") == "SQLITE_FULL":
                # The disk of the copy: the database is only read.
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(to)) from error
            raise


def _roll_back(path: Path) -> bool:
    """Undo the changes of a process that was killed while it made the file.

    Returns whether that was done. SQLite must write for this, so that a read-only connection
    refuses.
    """
    journal = path.with_name(path.name + "-journal")
    if not journal.exists() or not os.access(path.parent, os.W_OK):
        return False
    with contextlib.closing(sqlite3.connect(path, timeout=BUSY_SECONDS)) as writer:
        writer.execute("SELECT count(*) FROM sqlite_master").fetchone()
    return True


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All writes inside are committed together at the end, or none of them."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextlib.contextmanager
def snapshot(connection: sqlite3.Connection) -> Iterator[None]:
    """All reads inside see one moment; inside a transaction, they see the transaction."""
    if connection.in_transaction:
        yield
        return
    connection.execute("BEGIN")
    try:
        yield
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


@contextlib.contextmanager
def our_errors(path: Path, damaged: str = CATALOG_DAMAGED) -> Iterator[None]:
    """Turn SQLite's errors into ours; damaged: the text for damage, with {} for the reason."""
    try:
        yield
    except sqlite3.OperationalError as error:
        reason = " ".join(str(error).split())
        name = getattr(error, "sqlite_errorname", "")
        if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_PROTOCOL")):
            raise StoreBusyError(f"{path}: another process holds the catalog; try again") from error
        if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN")):
            raise StoreError(
                f"{path}: the permissions do not allow it ({reason}); "
                "change the permissions of the store's folder, or choose another store"
            ) from error
        if name == "SQLITE_FULL":
            raise StoreError(
                f"{path}: the disk is full; all data stored before is intact: "
                "free some space, and run the same command again"
            ) from error
        if name.startswith("SQLITE_IOERR"):
            raise StoreError(
                f"{path}: the disk reports an error ({reason}); all data stored before is intact"
            ) from error
        if name in ("SQLITE_ERROR", ""):
            # Our statements are always the same, so the schema or a text is damaged.
            raise _damaged(path, damaged, reason) from error
        raise StoreError(f"{path}: the catalog cannot be used ({reason}); try again") from error
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        # With a damaged schema, Python may fail to decode SQLite's message.
        raise _damaged(path, damaged, " ".join(str(error).split())) from error
    except MemoryError as error:
        if not is_of_sqlite(error):
            raise
        raise _damaged(path, damaged, "SQLite needs more memory than is free") from error


def is_of_sqlite(error: MemoryError) -> bool:
    """Whether SQLite raised it: a damaged length may ask for gigabytes of memory."""
    return type(error) is MemoryError and not error.args


@contextlib.contextmanager
def damaged_values(what: str) -> Iterator[None]:
    """Raise StoreDamagedError if a column value cannot be decoded inside.

    what: the owner of the values, with the words that they are damaged. SQLite's columns take
    values of any type, so one flipped bit may turn a number into text. Only decoding belongs
    inside: our own errors would be reported as damage.
    """
    try:
        yield
    except WRONG_VALUES as error:
        raise StoreDamagedError(what) from error


def _damaged(path: Path, damaged: str, reason: str) -> StoreDamagedError:
    return StoreDamagedError(f"{path}: {damaged.format(reason)}")


def _read_only(uri: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    return connection
