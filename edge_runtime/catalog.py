"""The catalog of a store: an SQLite file, and the only place where anything is committed."""

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .errors import StoreBusyError, StoreDamagedError, StoreError
from .filters import Filter
from .scenes import Window

FORMAT = 1
APPLICATION_ID = 0x5343_4E48  # "SCNH": tells `file` and us that this SQLite file is a catalog
BUSY_SECONDS = 10.0

SCHEMA = """
CREATE TABLE store (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    lineage TEXT NOT NULL,
    bits INTEGER NOT NULL,
    model TEXT NOT NULL,
    rows INTEGER NOT NULL
);
CREATE TABLE scene (
    scene INTEGER PRIMARY KEY,
    content TEXT NOT NULL UNIQUE,
    path TEXT NOT NULL,
    first_row INTEGER NOT NULL,
    tiles INTEGER NOT NULL,
    checksum BLOB NOT NULL
);
CREATE TABLE tile (
    row INTEGER PRIMARY KEY,
    scene INTEGER NOT NULL REFERENCES scene,
    x INTEGER NOT NULL,
    y INTEGER NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL
);
CREATE INDEX scene_by_path ON scene (path);
"""


@dataclass(frozen=True)
class Identity:
    """Whose codes a store holds."""

    lineage: str
    bits: int
    model: str


@dataclass(frozen=True)
class SceneEntry:
    """A scene in the catalog: its rows are first_row ... first_row + len(windows) - 1."""

    content: str
    path: str
    first_row: int
    windows: Sequence[Window]
    checksum: bytes


@dataclass(frozen=True)
class SceneCodes:
    """Where a scene's codes are, and the checksum that they must have."""

    path: str
    first_row: int
    tiles: int
    checksum: bytes


class Catalog:
    """An open catalog. Every method raises StoreError, or one below it, on what SQLite refuses."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self._path = path
        self._connection = connection
        with self._guard():
            self.identity = self._read_identity()

    @classmethod
    def create(cls, path: Path, identity: Identity) -> "Catalog":
        """Make an empty catalog; a half-made one of an earlier try is taken over."""
        with _guard(path):
            connection = _connect(path, writable=True)
            connection.executescript(
                "BEGIN IMMEDIATE;"
                f"PRAGMA application_id = {APPLICATION_ID};"
                f"PRAGMA user_version = {FORMAT};" + SCHEMA
            )
            connection.execute(
                "INSERT INTO store VALUES (1, ?, ?, ?, 0)",
                (identity.lineage, identity.bits, identity.model),
            )
            connection.execute("COMMIT")
        return cls(path, connection)

    @classmethod
    def open(cls, path: Path, writable: bool) -> "Catalog":
        """Open the catalog at path."""
        with _guard(path):
            connection = _connect(path, writable)
        return cls(path, connection)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def rows(self) -> int:
        """How many rows are committed."""
        return int(self._one("SELECT rows FROM store")[0])

    def counts(self) -> tuple[int, int]:
        """How many scenes and tiles are committed."""
        found = self._one("SELECT (SELECT count(*) FROM scene), (SELECT count(*) FROM tile)")
        return int(found[0]), int(found[1])

    def knows(self, content: str) -> bool:
        """Whether a scene of this content is committed."""
        query = "SELECT EXISTS (SELECT 1 FROM scene WHERE content = ?)"
        return bool(self._one(query, content)[0])

    def commit(self, entries: Sequence[SceneEntry], rows: int) -> None:
        """Commit scenes whose codes are on disk already, and the new row count: all or nothing."""
        with self._guard():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                for entry in entries:
                    self._insert(entry)
                self._connection.execute("UPDATE store SET rows = ?", (rows,))
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def tile(self, row: int) -> tuple[str, Window]:
        """The path of a row's scene, and the row's window in it."""
        path, *window = self._one(
            "SELECT path, x, y, width, height FROM tile JOIN scene USING (scene) WHERE row = ?", row
        )
        return str(path), Window(*window)

    def rows_where(self, where: Filter) -> npt.NDArray[np.int64]:
        """The rows for which a filter holds, ascending."""
        condition, values = where.condition()
        query = f"SELECT row FROM tile JOIN scene USING (scene) WHERE {condition} ORDER BY row"
        with self._guard():
            found = self._connection.execute(query, values).fetchall()
        return np.array(found, np.int64).reshape(-1)

    def scene_codes(self) -> Iterator[SceneCodes]:
        """Every scene's place in codes.bin, in the order of rows."""
        query = "SELECT path, first_row, tiles, checksum FROM scene ORDER BY first_row"
        with self._guard():
            for found in self._connection.execute(query):
                yield SceneCodes(*found)

    def damage(self) -> list[str]:
        """What SQLite's own integrity check finds wrong with the file."""
        with self._guard():
            found = self._connection.execute("PRAGMA integrity_check").fetchall()
        return [str(line[0]) for line in found if line[0] != "ok"]

    def _insert(self, entry: SceneEntry) -> None:
        scene = self._connection.execute(
            "INSERT INTO scene (content, path, first_row, tiles, checksum) VALUES (?, ?, ?, ?, ?)",
            (entry.content, entry.path, entry.first_row, len(entry.windows), entry.checksum),
        ).lastrowid
        self._connection.executemany(
            "INSERT INTO tile VALUES (?, ?, ?, ?, ?, ?)",
            (
                (entry.first_row + offset, scene, window.x, window.y, window.width, window.height)
                for offset, window in enumerate(entry.windows)
            ),
        )

    def _read_identity(self) -> Identity:
        kind = self._connection.execute("PRAGMA application_id").fetchone()[0]
        version = self._connection.execute("PRAGMA user_version").fetchone()[0]
        if kind != APPLICATION_ID:
            raise StoreError(f"{self._path}: not the catalog of a scenehash store")
        if version != FORMAT:
            raise StoreError(
                f"{self._path}: store format {version}, and this scenehash reads format "
                f"{FORMAT}: update scenehash"
            )
        found = self._connection.execute("SELECT lineage, bits, model FROM store").fetchone()
        return Identity(*found)

    def _one(self, query: str, *values: str | int) -> Any:
        with self._guard():
            return self._connection.execute(query, values).fetchone()

    def _guard(self) -> "contextlib.AbstractContextManager[None]":
        return _guard(self._path)


def is_vacant(path: Path) -> bool:
    """Whether there is no catalog at path yet, or one whose making was interrupted."""
    if not path.exists():
        return True
    with _guard(path), contextlib.closing(_connect(path, writable=True)) as connection:
        return connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is None


def _connect(path: Path, writable: bool) -> sqlite3.Connection:
    if writable:
        connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
        # FULL: a commit has reached the disk when it returns, not only the system's cache.
        connection.execute("PRAGMA synchronous = FULL")
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


def _read_only(uri: str) -> sqlite3.Connection:
    connection = sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None)
    connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    return connection


@contextlib.contextmanager
def _guard(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into ours."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if error.sqlite_errorname.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            raise StoreBusyError(f"{path}: another process holds the catalog; try again") from error
        if error.sqlite_errorname.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN")):
            raise StoreError(
                f"{path}: not with these permissions ({error}); "
                "change those of the store's folder, or choose another store"
            ) from error
        if error.sqlite_errorname == "SQLITE_FULL":
            raise StoreError(
                f"{path}: the disk is full; what was stored before is intact: "
                "free some space, and give the same command again"
            ) from error
        raise StoreError(f"{path}: the catalog cannot be used ({error})") from error
    except sqlite3.DatabaseError as error:
        raise StoreDamagedError(
            f"{path}: the catalog is damaged ({error}); restore it from a backup, or ingest again"
        ) from error
