"""Derived data of a store's tiles, by row, in an SQLite file next to the catalog.

No other data of a store depends on it. Each value has a checksum over itself and its origin: the
scene's content, the window, the decode parameters. A value whose checksum does not match the
present tile of its row has no effect: no kill between two commits, repair, compaction, damaged byte
or file of another store can make a wrong value count.
"""

import contextlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from scenehash.errors import StoreError
from scenehash.files import atomic_path

from ..catalog.catalog import Catalog
from ..catalog.database import connect, other_tables, transaction
from ..records import FILE, SceneRecord, digest
from ..rows import Ranges, Rows

# Rows per statement.
AT_ONCE = 500

# What is kept of each tile of a scene; None for one of which nothing is.
Values = Sequence[bytes | None]


class TileFile:
    """Derived data of a store's tiles in a file of their own, as bytes.

    No method raises on disk errors or damage: the file then has fewer values. trouble: the last
    problem, in a line for a person; None if there was none.
    """

    # The file, its table, the column of the values, and the command that makes what is missing.
    NAME, TABLE, COLUMN, REMEDY = "", "", "", ""

    def __init__(self, folder: Path, catalog: Catalog) -> None:
        self.path = folder / self.NAME
        self.trouble: str | None = None
        self._catalog, self._lock = catalog, catalog.database.lock
        self._connections: dict[bool, sqlite3.Connection] = {}
        # A changed bit may change the type of a value.
        self._values = f"row, CAST(coalesce({self.COLUMN}, '') AS BLOB), seal"

    @property
    def kept(self) -> bool:
        """Whether the store keeps these values for new scenes."""
        raise NotImplementedError

    @property
    def kind(self) -> str:
        """The kind of the values, if it can change: a part of their checksums."""
        return ""

    def of(self, rows: Sequence[int]) -> dict[int, bytes]:
        """The values of rows; a row without a sound value is left out."""
        if not self.kept:
            return {}
        kind = self.kind
        origins = {
            row: (content, window, of_pixels(params))
            for row, (content, window, params) in self._catalog.tiles.origins(rows).items()
        }
        return {
            row: value
            for row, value, checksum in self._read(rows)
            if row in origins and checksum == _checksum(origin_of(*origins[row]), kind, value)
        }

    def of_scene(self, record: SceneRecord) -> list[bytes | None]:
        """The values of a scene's tiles, in their order; None for each tile without one."""
        rows = range(record.first_row, record.first_row + record.tiles)
        found = self.of(rows)
        return [found.get(row) for row in rows]

    def put(self, records: Sequence[SceneRecord], values: Sequence[Values]) -> bool:
        """Store values of the tiles of scenes by their rows; replaces existing values.

        Returns whether that succeeded.
        """
        with self._noting(), transaction(connection := self._connection(writable=True)):
            connection.executemany(
                f"INSERT OR REPLACE INTO {self.TABLE} VALUES (?, ?, ?)",
                _entries(records, values, self.kind),
            )
            return True
        return False

    def drop(self, ranges: Ranges) -> None:
        """Remove the values of ranges of rows, and return their space to the disk."""
        if not self.path.exists():
            return
        with self._noting():
            connection = self._connection(writable=True)
            before = connection.total_changes
            last = ranges.first + ranges.count - 1
            with transaction(connection):
                connection.executemany(
                    f"DELETE FROM {self.TABLE} WHERE row BETWEEN ? AND ?",
                    zip(ranges.first.tolist(), last.tolist(), strict=True),
                )
            if connection.total_changes > before:
                connection.execute("VACUUM")

    def rows(self) -> Rows:
        """The rows with a value, sound or not: int64, ascending."""
        with self._noting():
            query = f"SELECT row FROM {self.TABLE} ORDER BY row"
            return np.array(self._connection().execute(query).fetchall(), np.int64).reshape(-1)
        return np.zeros(0, np.int64)

    def state(self) -> tuple[object, ...]:
        """A value that differs after each change of the file by any process; for comparison within
        one process.
        """
        if self.kept:
            with self._noting():
                connection = self._connection()
                # A read-only connection sees all commits of other connections.
                (version,) = connection.execute("PRAGMA data_version").fetchone()
                return self.kind, connection, version
        return ()

    def make(self) -> None:
        """Make the file if there is none.

        If SQLite finds damage, the file is made again from its readable values; StoreError on a
        disk error.
        """
        try:
            with self._lock:
                if self.path.exists() and not self._is_whole():
                    self._salvage()
                self._connection(writable=True)
        except (OSError, sqlite3.Error, UnicodeDecodeError, MemoryError) as error:
            raise StoreError(f"{self.path}: cannot be written ({error})") from error
        self.trouble = None

    def remove(self) -> None:
        """Remove the file; StoreError when that fails."""
        self.close()
        try:
            for path in _with_logs(self.path):
                path.unlink(missing_ok=True)
        except OSError as error:
            raise StoreError(f"{self.path}: cannot be removed ({error.strerror})") from error

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            for connection in self._connections.values():
                connection.close()
            self._connections = {}

    def _read(self, rows: Sequence[int]) -> Iterator[tuple[int, bytes, bytes]]:
        for start in range(0, len(rows), AT_ONCE):
            some = rows[start : start + AT_ONCE]
            found: list[tuple[int, bytes, bytes]] = []
            places = ", ".join("?" * len(some))
            query = f"SELECT {self._values} FROM {self.TABLE} WHERE row IN ({places})"
            with self._noting():
                found = self._connection().execute(query, some).fetchall()
            yield from found

    def _connection(self, writable: bool = False) -> sqlite3.Connection:
        if writable not in self._connections:
            there = self.path.exists()
            if not there and not writable:
                raise OSError("the file is missing")
            connection = connect(self.path, writable)
            self._connections[writable] = connection
            if writable:
                # In WAL mode a power cut may then lose the newest values, and damages no others.
                connection.execute("PRAGMA synchronous = NORMAL")
                connection.execute(self._schema())
            if not there and self._catalog.scenes.count()[0]:
                self._note("the file was missing, and a new one was made")
        return self._connections[writable]

    def _schema(self) -> str:
        return (
            f"CREATE TABLE IF NOT EXISTS {self.TABLE} (row INTEGER PRIMARY KEY, "
            f"{self.COLUMN} BLOB NOT NULL, seal BLOB NOT NULL)"
        )

    @contextlib.contextmanager
    def _noting(self) -> Iterator[None]:
        """Record errors of the file inside, and suppress them."""
        try:
            with self._lock:
                yield
        except (OSError, sqlite3.Error, TypeError, ValueError, MemoryError) as error:
            self._note(" ".join(str(error).split()) or "damaged")

    def _note(self, reason: str) -> None:
        self.trouble = (
            f"{self.path}: {reason}; make the missing entries again from the scene files: "
            f"{self.REMEDY} {self.path.parent}"
        )

    def _is_whole(self) -> bool:
        try:
            connection = self._connection(writable=True)
            found = connection.execute("PRAGMA quick_check").fetchall()
            other = other_tables(connection, self._schema())
        except (sqlite3.DatabaseError, UnicodeDecodeError, MemoryError):
            return False
        return found == [("ok",)] and not other

    def _salvage(self) -> None:
        with atomic_path(self.path) as partial:
            with contextlib.closing(connect(partial, writable=True)) as fresh:
                fresh.execute(self._schema())
                with transaction(fresh):
                    fresh.executemany(
                        f"INSERT OR IGNORE INTO {self.TABLE} VALUES (?, ?, ?)", self._readable()
                    )
            self.remove()

    def _readable(self) -> Iterator[tuple[int, bytes, bytes]]:
        """The rows that SQLite can still read."""
        end = self._catalog.tiles.end()
        for _, first, tiles in self._catalog.scenes.spans().tolist():
            for row in range(max(0, first), min(first + tiles, end)):
                yield from self._read([row])


@lru_cache(1024)
def of_pixels(decode_params: str) -> str:
    """Decode parameters as JSON, without the state of the file, which may change."""
    try:
        params = json.loads(decode_params)
    except (TypeError, ValueError, RecursionError):  # damaged: no value has this origin
        return decode_params
    if not isinstance(params, dict) or FILE not in params:
        return decode_params
    return json.dumps({key: params[key] for key in params if key != FILE}, sort_keys=True)


def origin_of(content: bytes, window: Sequence[int], decode_params: str) -> bytes:
    """The origin of a value; decode_params: see of_pixels."""
    return repr((content, *window, decode_params)).encode()


def _entries(
    records: Sequence[SceneRecord], values: Sequence[Values], kind: str
) -> Iterable[tuple[int, bytes, bytes]]:
    for record, own in zip(records, values, strict=True):
        content = bytes.fromhex(record.content)
        decode_params = of_pixels(json.dumps(record.decode_params, sort_keys=True))
        for tile, (window, value) in enumerate(zip(record.windows.tolist(), own, strict=True)):
            if value is not None:
                checksum = _checksum(origin_of(content, window, decode_params), kind, value)
                yield record.first_row + tile, value, checksum


def _checksum(origin: bytes, kind: str, value: bytes) -> bytes:
    return digest(origin + kind.encode() + value)


def _with_logs(path: Path) -> list[Path]:
    """An SQLite file and the two files that SQLite adds while it is open."""
    return [path.with_name(path.name + suffix) for suffix in ("-wal", "-shm", "")]
