"""The link tables of the catalog, made at the first write."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

from scenehash.errors import StoreDamagedError

from .database import Database, Transacting

LINK_SCHEMA = """
CREATE TABLE IF NOT EXISTS link (
    way TEXT NOT NULL,
    peer TEXT NOT NULL,
    state TEXT NOT NULL,
    seal BLOB NOT NULL,
    PRIMARY KEY (way, peer)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS link_scene (
    store TEXT NOT NULL,
    first_row INTEGER NOT NULL,
    tiles INTEGER NOT NULL,
    content BLOB NOT NULL,
    digest BLOB NOT NULL,
    number INTEGER NOT NULL,
    same INTEGER NOT NULL,
    brought INTEGER NOT NULL,
    PRIMARY KEY (store, first_row)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS link_scene_by_content ON link_scene (content);
CREATE TABLE IF NOT EXISTS link_annotation (
    store TEXT NOT NULL,
    first_row INTEGER NOT NULL,
    digest BLOB NOT NULL,
    number INTEGER NOT NULL,
    mark BLOB NOT NULL,
    words TEXT NOT NULL,
    PRIMARY KEY (store, first_row, digest)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS link_own (
    first_row INTEGER PRIMARY KEY,
    seal TEXT NOT NULL,
    digest BLOB NOT NULL,
    mark BLOB NOT NULL,
    change INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS link_piece (
    store TEXT NOT NULL,
    first_row INTEGER NOT NULL,
    start INTEGER NOT NULL,
    tiles INTEGER NOT NULL,
    number INTEGER NOT NULL,
    piece BLOB NOT NULL,
    PRIMARY KEY (store, first_row, start)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS link_picture (
    store TEXT NOT NULL,
    row INTEGER NOT NULL,
    jpeg BLOB NOT NULL,
    PRIMARY KEY (store, row)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS link_part (
    store TEXT NOT NULL,
    file BLOB NOT NULL,
    start INTEGER NOT NULL,
    part BLOB NOT NULL,
    PRIMARY KEY (store, file, start)
);
"""
# The types of each table without checksums, and the limit of numbers.
KINDS: dict[str, tuple[type, ...]] = {
    "link_scene": (str, int, int, bytes, bytes, int, int, int),
    "link_annotation": (str, int, bytes, int, bytes, str),
    "link_own": (int, str, bytes, bytes, int),
    "link_piece": (str, int, int, int, int, bytes),
    "link_picture": (str, int, bytes),
    "link_part": (str, bytes, int, bytes),
}
MOST = 1 << 62
DAMAGED = "the link tables of the catalog are damaged; see: scenehash store verify"


class LinkTables:
    """The link tables, and their changes in a transaction of the store."""

    def __init__(self, database: Database, transaction: Transacting) -> None:
        self.database, self._transaction = database, transaction

    @contextlib.contextmanager
    def changing(self) -> Iterator[Database]:
        """A transaction in which the tables exist."""
        with self._transaction():
            if not are_made(self.database):
                for statement in LINK_SCHEMA.split(";")[:-1]:
                    self.database.run(statement)
            yield self.database

    def are_made(self) -> bool:
        """Whether the tables exist: a store without links has none."""
        return are_made(self.database)

    def damage(self) -> list[str]:
        """List the tables with a value of the wrong type, a line each."""
        lines = []
        for table, kinds in KINDS.items() if self.are_made() else ():
            try:
                sound(self.database.all(f"SELECT * FROM {table}"), *kinds)
            except StoreDamagedError:
                lines.append(f"the link table {table} is damaged")
        return lines


def sound(found: Sequence[Any], *kinds: type) -> Sequence[Any]:
    """Entries whose values are of the kinds that they were stored as; StoreDamagedError."""
    for values in found:
        for value, kind in zip(values, kinds, strict=True):
            if type(value) is not kind or (isinstance(value, int) and not 0 <= value < MOST):
                raise StoreDamagedError(DAMAGED)
    return found


def are_made(database: Database) -> bool:
    """Whether a catalog has these tables."""
    query = "SELECT count(*) FROM sqlite_master WHERE name = 'link_part'"
    return bool(database.one(query)[0])
