"""store.links.scenes: the stored scenes of other stations."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from ..catalog.database import Database
from ..catalog.link_tables import KINDS, LinkTables, are_made, sound

# An SQL condition on the table scene, and its values.
Condition = tuple[str, list[str | float]]

SCENES = "SELECT store, first_row, tiles, content, digest, number, same, brought FROM link_scene"


class LinkedScene(NamedTuple):
    """A scene of a station that this store holds.

    store: the id of the station's store. first_row, tiles: its rows there. digest: its contribution
    to the digest of both ends. number: of the bundle that brought it. is_same: whether its tiles
    are the tiles that this store has for the content; another station may have cut the scene in
    another way. is_brought: whether a link brought it; it is then deleted when all stations have
    deleted it.
    """

    store: str
    first_row: int
    tiles: int
    content: bytes
    digest: bytes
    number: int
    is_same: bool
    is_brought: bool

    @property
    def end(self) -> int:
        """The row after its last row."""
        return self.first_row + self.tiles


class LinkedScenes:
    """The scenes of stations that a store holds."""

    def __init__(self, tables: LinkTables) -> None:
        self._tables = tables

    def of_store(self, store: str, start: int = 0, end: int = 1 << 62) -> list[LinkedScene]:
        """The scenes of a store with a tile in rows start to before end, by first row."""
        if not self._tables.are_made():
            return []
        found = self._tables.database.all(
            f"{SCENES} WHERE store = ? AND first_row < ? AND first_row + tiles > ? "
            "ORDER BY first_row",
            store,
            end,
            start,
        )
        return _scenes(found)

    def of_content(self, content: bytes) -> list[LinkedScene]:
        """The scenes of this content, of all stores."""
        if not self._tables.are_made():
            return []
        return _scenes(self._tables.database.all(f"{SCENES} WHERE content = ?", content))

    def put(self, scenes: Sequence[LinkedScene]) -> None:
        """Add scenes; each replaces scenes of its store in the same rows."""
        with self._tables.changing() as database:
            database.run_all(
                "INSERT OR REPLACE INTO link_scene VALUES (?, ?, ?, ?, ?, ?, ?, ?)", scenes
            )

    def forget(self, scenes: Sequence[LinkedScene]) -> None:
        """Remove scenes, with their annotations."""
        with self._tables.changing() as database:
            database.run_all(
                "DELETE FROM link_scene WHERE store = ? AND first_row = ?",
                [(scene.store, scene.first_row) for scene in scenes],
            )
            database.run_all(
                "DELETE FROM link_annotation WHERE store = ? AND first_row = ? AND digest = ?",
                [(scene.store, scene.first_row, scene.digest) for scene in scenes],
            )


def linked_stations(database: Database) -> list[str]:
    """The names of the stations whose scenes have arrived."""
    if not are_made(database):
        return []
    query = "SELECT DISTINCT json_extract(state, '$.name') FROM link WHERE way = 'from' ORDER BY 1"
    return [str(name) for (name,) in database.all(query)]


def linked_condition(database: Database, station: str) -> Condition:
    """The SQL condition for scenes that are the same as at a station, and its values."""
    query = "SELECT peer FROM link WHERE way = 'from' AND json_extract(state, '$.name') = ?"
    stores: list[str | float] = [str(peer) for (peer,) in database.all(query, station)]
    places = ", ".join("?" * len(stores))
    linked = f"SELECT content FROM link_scene WHERE same AND store IN ({places})"
    return f"scene.content IN ({linked})", stores


def _scenes(found: Sequence[Any]) -> list[LinkedScene]:
    return [
        LinkedScene(*values)._replace(is_same=bool(values[-2]), is_brought=bool(values[-1]))
        for values in sound(found, *KINDS["link_scene"])
    ]
