"""store.links.own: the scenes of this store as its peers count them."""

from collections.abc import Sequence
from typing import NamedTuple

from ..catalog.link_tables import KINDS, LinkTables, sound
from .states import LinkStates

OWN = "own"


class OwnScene(NamedTuple):
    """A scene of this store as its peers count it.

    seal: the checksum of the record of which that was computed. mark: of its annotation. change:
    the number of the last change of that; 0 for one that has not changed since it was counted.
    """

    first_row: int
    seal: str
    digest: bytes
    mark: bytes
    change: int


class OwnScenes:
    """The scenes of this store that were counted, and how many changes of them there have been."""

    def __init__(self, tables: LinkTables, states: LinkStates) -> None:
        self._tables, self._states = tables, states

    def all(self) -> list[OwnScene]:
        """The scenes of this store that were counted, by first row."""
        if not self._tables.are_made():
            return []
        found = self._tables.database.all("SELECT * FROM link_own ORDER BY first_row")
        return [OwnScene(*values) for values in sound(found, *KINDS["link_own"])]

    def put(self, scenes: Sequence[OwnScene], changes: int) -> None:
        """Add scenes of this store, each in the place of any in its first row; changes: how many
        changes of annotations there have been."""
        with self._tables.changing() as database:
            database.run_all("INSERT OR REPLACE INTO link_own VALUES (?, ?, ?, ?, ?)", scenes)
            self._states.keep("own", OWN, {"changes": changes})

    def changes(self) -> int:
        """How many changes of annotations there have been; no number is given twice."""
        return int(self._states.get("own", OWN).get("changes", 0))

    def forget(self, rows: Sequence[int]) -> None:
        """Remove those in first rows."""
        with self._tables.changing() as database:
            database.run_all("DELETE FROM link_own WHERE first_row = ?", [(row,) for row in rows])
