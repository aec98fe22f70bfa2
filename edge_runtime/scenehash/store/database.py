"""SQLite as a store needs it: durable, in WAL mode, and with errors that say what to do."""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from scenehash.errors import StoreBusyError, StoreDamagedError, StoreError

BUSY_SECONDS = 10.0


def connect(path: Path, writable: bool) -> sqlite3.Connection:
    """Open a database, made when it is not there and writable is true."""
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
        # WAL readers write to a side file; where the folder cannot be written to, nobody else
        # writes to it either, and the file may be read as it is, unless commits wait in the WAL.
        log = path.with_name(path.name + "-wal")
        if log.exists() and log.stat().st_size:
            raise
        return _read_only(f"{path.absolute().as_uri()}?immutable=1")


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All that is written inside is committed at the end, or nothing of it."""
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
    """All that is read inside is of one moment; inside a transaction, of that one's."""
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
def our_errors(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into ours."""
    try:
        yield
    except sqlite3.OperationalError as error:
        reason = " ".join(str(error).split())
        name = getattr(error, "sqlite_errorname", "")
        if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            raise StoreBusyError(f"{path}: another process holds the catalog; try again") from error
        if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN")):
            raise StoreError(
                f"{path}: not with these permissions ({reason}); "
                "change those of the store's folder, or choose another store"
            ) from error
        if name == "SQLITE_FULL":
            raise StoreError(
                f"{path}: the disk is full; what was stored before is intact: "
                "free some space, and give the same command again"
            ) from error
        if name.startswith("SQLITE_IOERR"):
            raise StoreError(
                f"{path}: the disk refuses ({reason}); what was stored before is intact"
            ) from error
        raise StoreError(f"{path}: the catalog cannot be used ({reason})") from error
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        # A schema of damaged text makes a message that Python cannot decode.
        reason = " ".join(str(error).split())
        raise StoreDamagedError(
            f"{path}: the catalog is damaged ({reason}); restore it from a backup, or ingest again "
            "into a new store"
        ) from error


def _read_only(uri: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    return connection
