"""store.links: the state of links to other stations, by subject."""

from ..catalog.database import Database, Transacting
from ..catalog.link_tables import LinkTables
from .annotations import Annotations
from .own import OwnScenes
from .scenes import LinkedScenes
from .states import LinkStates
from .waiting import Waiting

BY_STORE = ("link_scene", "link_annotation", "link_piece", "link_picture", "link_part")


class Links:
    """A change is durable when the method returns, or, inside a transaction of the store, with it.

    states: the progress of each link. scenes: the stored scenes of other stations. annotations:
    their labels and paths. own: the scenes of this store, as its peers count them. waiting: data
    that arrives in parts.
    """

    def __init__(self, database: Database, transaction: Transacting) -> None:
        self._tables = LinkTables(database, transaction)
        self.states = LinkStates(self._tables)
        self.scenes = LinkedScenes(self._tables)
        self.annotations = Annotations(self._tables)
        self.own = OwnScenes(self._tables, self.states)
        self.waiting = Waiting(self._tables)

    def forget_numbers(self, store: str) -> None:
        """Forget bundle numbers: the next bundle of a store counts as newer than its scenes."""
        with self._tables.changing() as database:
            for table in ("link_scene", "link_annotation", "link_piece"):
                database.run(f"UPDATE {table} SET number = 0 WHERE store = ?", (store,))

    def damage(self) -> list[str]:
        """List the damage, a line each."""
        return [*self.states.damage(), *self._tables.damage()]

    def forget_store(self, store: str) -> None:
        """Forget the data and the queries that came from a store, by its id."""
        with self._tables.changing() as database:
            database.run("DELETE FROM link WHERE way IN ('from', 'asked') AND peer = ?", [store])
            for table in BY_STORE:
                database.run(f"DELETE FROM {table} WHERE store = ?", [store])
