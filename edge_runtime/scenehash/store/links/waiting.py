"""store.links.waiting: data that arrives in parts, until it is complete."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ..catalog.link_tables import LinkTables, sound


class WaitingPiece(NamedTuple):
    """A part of a scene whose other parts have not arrived, in the form of its block; number: of
    the bundle that brought it.
    """

    start: int
    tiles: int
    number: int
    data: bytes


class Waiting:
    """Parts of scenes, pictures of tiles and parts of files that are not complete yet."""

    def __init__(self, tables: LinkTables) -> None:
        self._tables = tables

    def pieces(self, store: str, first_row: int) -> list[WaitingPiece]:
        """The waiting pieces of a scene, by their start."""
        found = self._tables.database.all(
            "SELECT start, tiles, number, piece FROM link_piece WHERE store = ? AND first_row = ? "
            "ORDER BY start, tiles DESC",
            store,
            first_row,
        )
        return [WaitingPiece(*values) for values in sound(found, int, int, int, bytes)]

    def rows(self, store: str) -> list[tuple[int, int]]:
        """The rows (start, end) of tiles that have arrived without their whole scene."""
        if not self._tables.are_made():
            return []
        query = (
            "SELECT first_row + start, first_row + start + tiles FROM link_piece WHERE store = ?"
        )
        found = self._tables.database.all(query, store)
        return [(start, end) for start, end in sound(found, int, int)]

    def put_piece(self, store: str, first_row: int, piece: WaitingPiece) -> None:
        """Store a piece until its scene is complete."""
        with self._tables.changing() as database:
            database.run(
                "INSERT OR REPLACE INTO link_piece VALUES (?, ?, ?, ?, ?, ?)",
                (store, first_row, *piece),
            )

    def forget_pieces(self, store: str, start: int, end: int) -> None:
        """Remove pieces of scenes whose first rows are from start to before end."""
        with self._tables.changing() as database:
            database.run(
                "DELETE FROM link_piece WHERE store = ? AND first_row >= ? AND first_row < ?",
                (store, start, end),
            )

    def pictures(self, store: str) -> dict[int, bytes]:
        """The small pictures of rows whose tiles have not arrived yet."""
        if not self._tables.are_made():
            return {}
        query = "SELECT row, jpeg FROM link_picture WHERE store = ?"
        return dict(sound(self._tables.database.all(query, store), int, bytes))

    def put_pictures(self, store: str, pictures: Mapping[int, bytes]) -> None:
        """Store small pictures by row until their tiles arrive."""
        with self._tables.changing() as database:
            database.run_all(
                "INSERT OR REPLACE INTO link_picture VALUES (?, ?, ?)",
                [(store, row, jpeg) for row, jpeg in pictures.items()],
            )

    def forget_pictures(self, store: str, rows: Sequence[int]) -> None:
        """Remove small pictures of rows."""
        with self._tables.changing() as database:
            database.run_all(
                "DELETE FROM link_picture WHERE store = ? AND row = ?",
                [(store, row) for row in rows],
            )

    def put_part(self, store: str, file: bytes, start: int, part: bytes) -> None:
        """Store a part of a file, by the file's digest, until the file is complete."""
        with self._tables.changing() as database:
            database.run(
                "INSERT OR REPLACE INTO link_part VALUES (?, ?, ?, ?)", (store, file, start, part)
            )

    def part_bytes(self, store: str, file: bytes) -> int:
        """The number of bytes of a file that have arrived."""
        query = "SELECT coalesce(sum(length(part)), 0) FROM link_part WHERE store = ? AND file = ?"
        return int(self._tables.database.one(query, store, file)[0])

    def file_bytes(self, store: str) -> int:
        """The total size of incomplete files in bytes."""
        if not self._tables.are_made():
            return 0
        query = "SELECT coalesce(sum(length(part)), 0) FROM link_part WHERE store = ?"
        return int(self._tables.database.one(query, store)[0])

    def parts(self, store: str, file: bytes) -> list[bytes]:
        """The parts of a file, in their order."""
        query = "SELECT part FROM link_part WHERE store = ? AND file = ? ORDER BY start"
        found = self._tables.database.all(query, store, file)
        return [part for (part,) in sound(found, bytes)]

    def forget_parts(self, store: str, file: bytes) -> None:
        """Remove the parts of a file."""
        with self._tables.changing() as database:
            database.run("DELETE FROM link_part WHERE store = ? AND file = ?", (store, file))
