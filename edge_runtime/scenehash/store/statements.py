"""SQL statements on one connection, with errors that say what to do."""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from .database import our_errors

VALUES_AT_ONCE = 10_000

Transacting = Callable[[], AbstractContextManager[None]]


class Statements:
    """What the tables of a catalog are read and written with.

    Every method raises StoreError, or one below it, on what SQLite refuses.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self._path = path
        self._connection = connection

    def _write(self, statement: str, values: Sequence[object]) -> None:
        with self._guard():
            self._connection.execute(statement, values)

    def _write_all(self, statement: str, rows: Iterable[Sequence[object]]) -> None:
        with self._guard():
            self._connection.executemany(statement, rows)

    def _one(self, query: str, *values: str | int | float | bytes) -> Any:
        with self._guard():
            return self._connection.execute(query, values).fetchone()

    def _all(self, query: str, *values: str | int | float | bytes) -> list[Any]:
        with self._guard():
            return self._connection.execute(query, values).fetchall()

    def _in(
        self, query: str, values: Sequence[str | bytes | int], *before: str | float
    ) -> list[Any]:
        """What a query finds for each of the values that its last column may have.

        before: the values for what stands before that column.
        """
        found = []
        for start in range(0, len(values), VALUES_AT_ONCE):
            some = values[start : start + VALUES_AT_ONCE]
            found += self._all(f"{query} IN ({', '.join('?' * len(some))})", *before, *some)
        return found

    def _guard(self) -> AbstractContextManager[None]:
        return our_errors(self._path)


class Tables(Statements):
    """Tables of a catalog that are read and changed on their own.

    transaction: begins one, or joins that which is open; what changes the tables is inside one.
    """

    def __init__(self, catalog: Statements, transaction: Transacting) -> None:
        super().__init__(catalog._path, catalog._connection)
        self._transaction = transaction
