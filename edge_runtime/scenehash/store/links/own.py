"""store.links.own: the scenes of this store as its peers count them."""

from collections.abc import Sequence
from typing import NamedTuple

from ..catalog.link_tables import KINDS, LinkTables, sound
from .states import LinkStates

OWN = "own"


class OwnScene(NamedTuple):
    """A scene of this store as its peers count it.

    seal: the checksum of the record from which it was computed. mark: of its annotation. change:
    the number of its last change; 0 if it has not changed since it was first counted.
    """

    first_row: int
    seal: str
    digest: bytes
    mark: bytes
    change: int


class OwnScenes:
    """The counted scenes of this store, and the number of their changes."""

    def __init__(self, tables: LinkTables, states: LinkStates) -> None:
        self._tables, self._states = tables, states

    def all(self) -> list[OwnScene]:
        """The counted scenes of this store, by first row."""
        if not self._tables.are_made():
            return []
        found = self._tables.database.all("SELECT * FROM link_own ORDER BY first_row")
        return [OwnScene(*values) for values in sound(found, *KINDS["link_own"])]

    def put(self, scenes: Sequence[OwnScene], changes: int) -> None:
        """Add scenes of this store; each replaces a scene in its first row. changes: the number of
        changes of annotations so far.
        """
        with self._tables.changing() as database:
            database.run_all("INSERT OR REPLACE INTO link_own VALUES (?, ?, ?, ?, ?)", scenes)
            self._states.keep("own", OWN, {"changes": changes})

    def changes(self) -> int:
        """The number of changes of annotations so far; numbers are never used twice."""
        return int(self._states.get("own", OWN).get("changes", 0))

    def forget(self, rows: Sequence[int]) -> None:
        """Remove the scenes in these first rows."""
        with self._tables.changing() as database:
            database.run_all("DELETE FROM link_own WHERE first_row = ?", [(row,) for row in rows])
