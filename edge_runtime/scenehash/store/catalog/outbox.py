"""The outbox: the newest events of a watch, and how far each sink has delivered them.

Events are committed together with the scenes that they are about, so that neither is ever without
the other. They are numbered from 1, without gaps, and numbers are never given again: the newest
event stays in the table, delivered or not.
"""

import sys
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from scenehash.errors import StoreDamagedError

from ..records import digest
from .database import Database, Transacting, damaged_values

OUTBOX_SCHEMA = """
CREATE TABLE outbox (
    event INTEGER PRIMARY KEY,
    body TEXT NOT NULL,
    seal BLOB NOT NULL
);
CREATE TABLE sink (
    name TEXT PRIMARY KEY,
    delivered INTEGER NOT NULL,
    seal BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE arrival (
    path TEXT PRIMARY KEY,
    size INTEGER NOT NULL,
    modified INTEGER NOT NULL
) WITHOUT ROWID;
"""

SINKS = "SELECT name, delivered, seal FROM sink"
DAMAGED = '{"kind": "damaged"}'
EVENTS_DAMAGED = "the table of events in the outbox is damaged"
# Events in memory while all are checked.
EVENTS_AT_ONCE = 1000


class Arrival(NamedTuple):
    """A file that a watch has dealt with, as it was then: bytes, and mtime in nanoseconds."""

    path: str
    size: int
    modified: int


class Outbox:
    """The newest events, how far each sink is, and the files that were dealt with.

    What changes it is durable when it returns; inside a transaction of the store, with that.
    """

    def __init__(self, database: Database, transaction: Transacting) -> None:
        self._database, self._transaction = database, transaction

    def note(
        self, events: Sequence[str] = (), arrivals: Sequence[Arrival] = (), after: int = 0
    ) -> None:
        """Add events, JSON objects as text, and files that need not be looked at again.

        Events are numbered from after the newest, or after a given number.
        """
        with self._transaction():
            with damaged_values("an event's number in the catalog is damaged"):
                first = max(self.newest(), after) + 1
                if first + len(events) > sys.maxsize:
                    raise ValueError("no event has that number")
            self._database.run_all(
                "INSERT INTO outbox VALUES (?, ?, ?)",
                (
                    (event, body, _event_checksum(event, body))
                    for event, body in enumerate(events, start=first)
                ),
            )
            self._database.run_all("INSERT OR REPLACE INTO arrival VALUES (?, ?, ?)", arrivals)

    def oldest(self) -> int:
        """The number of the oldest event that is kept; 0 when there was none yet."""
        return int(self._database.one("SELECT coalesce(min(event), 0) FROM outbox")[0])

    def newest(self) -> int:
        """The number of the newest event; 0 when there was none yet."""
        return int(self._database.one("SELECT coalesce(max(event), 0) FROM outbox")[0])

    def events(self, after: int, most: int) -> list[tuple[int, str]]:
        """The first events after a number, at most so many; a damaged one says just that.

        StoreDamagedError where they do not come in order: whoever reads on would never end.
        """
        found = self._events("event > ? ORDER BY event LIMIT ?", after, most)
        numbers = [after, *(event for event, _ in found)]
        if any(number <= before for before, number in pairwise(numbers)):
            raise StoreDamagedError(EVENTS_DAMAGED)
        return found

    def events_before(self, before: int, most: int) -> list[tuple[int, str]]:
        """The last events before a number, the newest first; otherwise as events."""
        return self._events("event < ? ORDER BY event DESC LIMIT ?", before, most)

    def _events(self, condition: str, *values: int) -> list[tuple[int, str]]:
        query = f"SELECT event, CAST(body AS BLOB), seal FROM outbox WHERE {condition}"
        found = self._database.all(query, *values)
        # A page of other bytes may hold NULL where none can be.
        bodies = (
            (event, str(body or b"", errors="replace"), checksum) for event, body, checksum in found
        )
        return [
            (event, body if _event_checksum(event, body) == checksum else DAMAGED)
            for event, body, checksum in bodies
        ]

    def arrived(self, paths: Sequence[str]) -> set[Arrival]:
        """Which files at these paths were dealt with, as they were then."""
        query = "SELECT path, size, modified FROM arrival WHERE path"
        return {Arrival(*found) for found in self._database.all_in(query, paths)}

    def delivered(self) -> dict[str, int]:
        """The number of the last event that each sink has delivered; 0 where that is damaged.

        What was delivered may be delivered again then, but nothing is left out.
        """
        return {
            name: event if checksum == _sink_checksum(name, event) else 0
            for name, event, checksum in self._database.all(SINKS)
        }

    def deliver(self, delivered: Mapping[str, int], most: int) -> None:
        """Note the last event that each of some sinks has delivered.

        Events beyond the newest so many are removed, delivered or not; the newest one never is.
        """
        with self._transaction():
            self._database.run_all(
                "INSERT OR REPLACE INTO sink VALUES (?, ?, ?)",
                ((name, event, _sink_checksum(name, event)) for name, event in delivered.items()),
            )
            self._database.run("DELETE FROM outbox WHERE event <= ?", (self.newest() - most,))

    def damage(self) -> list[str]:
        """List the damage, a line each."""
        lines, after = [], 0
        try:
            while events := self.events(after, EVENTS_AT_ONCE):
                damaged = (event for event, body in events if body is DAMAGED)
                lines += [f"event {event} in the outbox is damaged" for event in damaged]
                after = events[-1][0]
        except StoreDamagedError as error:
            lines.append(str(error))
        for name, event, checksum in self._database.all(SINKS):
            if checksum != _sink_checksum(name, event):
                lines.append(f"the delivery state of {name} is damaged")
        return lines


def _event_checksum(event: int, body: str) -> bytes:
    return digest(repr((event, body)).encode())


def _sink_checksum(name: str, event: int) -> bytes:
    return digest(repr((name, event)).encode())
