"""store.links.waiting: what has come in parts, until all of it is there."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ..catalog.link_tables import LinkTables, sound


class WaitingPiece(NamedTuple):
    """A part of a scene whose other parts have not come yet: as a block has it; number: of the
    bundle that brought it."""

    start: int
    tiles: int
    number: int
    data: bytes


class Waiting:
    """Pieces of scenes, pictures of tiles and parts of files whose others have not come."""

    def __init__(self, tables: LinkTables) -> None:
        self._tables = tables

    def pieces(self, store: str, first_row: int) -> list[WaitingPiece]:
        """The pieces of a scene that wait for others, by their start."""
        found = self._tables.database.all(
            "SELECT start, tiles, number, piece FROM link_piece WHERE store = ? AND first_row = ? "
            "ORDER BY start, tiles DESC",
            store,
            first_row,
        )
        return [WaitingPiece(*values) for values in sound(found, int, int, int, bytes)]

    def rows(self, store: str) -> list[tuple[int, int]]:
        """The rows (start, end) whose tiles are there, and their scenes not whole."""
        if not self._tables.are_made():
            return []
        query = (
            "SELECT first_row + start, first_row + start + tiles FROM link_piece WHERE store = ?"
        )
        found = self._tables.database.all(query, store)
        return [(start, end) for start, end in sound(found, int, int)]

    def put_piece(self, store: str, first_row: int, piece: WaitingPiece) -> None:
        """Keep a piece until its scene is whole."""
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
        """The small pictures of rows whose tiles have not come yet."""
        if not self._tables.are_made():
            return {}
        query = "SELECT row, jpeg FROM link_picture WHERE store = ?"
        return dict(sound(self._tables.database.all(query, store), int, bytes))

    def put_pictures(self, store: str, pictures: Mapping[int, bytes]) -> None:
        """Keep small pictures by row until their tiles have come."""
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
        """Keep a part of a file, by the file's digest, until the others have come."""
        with self._tables.changing() as database:
            database.run(
                "INSERT OR REPLACE INTO link_part VALUES (?, ?, ?, ?)", (store, file, start, part)
            )

    def part_bytes(self, store: str, file: bytes) -> int:
        """How many bytes of a file have come."""
        query = "SELECT coalesce(sum(length(part)), 0) FROM link_part WHERE store = ? AND file = ?"
        return int(self._tables.database.one(query, store, file)[0])

    def file_bytes(self, store: str) -> int:
        """The bytes kept of incomplete files."""
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
