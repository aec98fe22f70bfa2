"""The progress of each link: a document of the package link, stored here with a checksum."""

import json
from collections.abc import Mapping
from typing import Any, Literal

from ..catalog.database import damaged_values
from ..catalog.link_tables import DAMAGED, LinkTables, sound
from ..records import digest

# What was sent to a peer and asked of it, by its name; what came from a store and was asked by it,
# by its id; what this store counts of itself.
Way = Literal["to", "questions", "from", "asked", "own"]
# The numbered data for a peer, and the key of its last number.
NUMBERED: tuple[tuple[Way, str], ...] = (("to", "number"), ("questions", "last"))
NOT_FORGOTTEN = "json_extract(state, '$.forgotten') IS NULL"


class LinkStates:
    """The progress of each link, by direction and peer."""

    def __init__(self, tables: LinkTables) -> None:
        self._tables = tables

    def peers(self, way: Way) -> list[str]:
        """The peers with a state."""
        if not self._tables.are_made():
            return []
        found = self._tables.database.all(
            f"SELECT peer FROM link WHERE way = ? AND {NOT_FORGOTTEN} ORDER BY peer", way
        )
        return [peer for (peer,) in sound(found, str)]

    def get(self, way: Way, peer: str) -> dict[str, Any]:
        """The progress of the link; empty for a new link. StoreDamagedError."""
        if not self._tables.are_made():
            return {}
        query = "SELECT state, seal FROM link WHERE way = ? AND peer = ?"
        found = self._tables.database.one(query, way, peer)
        with damaged_values(DAMAGED):
            if found is None:
                return {}
            if _seal(way, peer, found[0]) != found[1]:
                raise ValueError("another checksum")
            state: dict[str, Any] = json.loads(found[0])
        return state

    def keep(self, way: Way, peer: str, state: Mapping[str, Any]) -> None:
        """Store the state."""
        text = json.dumps(state, separators=(",", ":"))
        with self._tables.changing() as database:
            database.run(
                "INSERT OR REPLACE INTO link VALUES (?, ?, ?, ?)",
                (way, peer, text, _seal(way, peer, text)),
            )

    def forget_peer(self, peer: str) -> None:
        """Forget the data and the queries that were sent to a peer, by its name.

        The last numbers of both stay: the peer would ignore a bundle with a used number.
        """
        with self._tables.changing():
            for way, last in NUMBERED:
                if state := self.get(way, peer):
                    self.keep(way, peer, {last: state.get(last, 0), "forgotten": True})

    def damage(self) -> list[str]:
        """List the damage, a line each."""
        if not self._tables.are_made():
            return []
        return [
            f"the saved progress of the link {way} {peer} is damaged"
            for way, peer, state, checksum in self._tables.database.all("SELECT * FROM link")
            if _seal(way, peer, state) != checksum
        ]


def _seal(way: str, peer: str, state: str) -> bytes:
    return digest(repr((way, peer, state)).encode())
