"""The outbox: the newest events of a watch, and the progress of each sink.

Events are committed together with their scenes, so that neither exists without the other. They are
numbered from 1, without gaps, and numbers are never used again: the newest event stays in the
table, delivered or not.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from scenehash.errors import StoreDamagedError

from ..records import digest
from .database import Database, Transacting

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
# Events have the numbers from 1 to this, in a bundle too. A row with another number is damage.
MOST_EVENT = 1 << 40
VALID_NUMBER = f"event BETWEEN 1 AND {MOST_EVENT}"
# Events per step of a check.
EVENTS_AT_ONCE = 1000


class Arrival(NamedTuple):
    """A file that a watch has processed, with its state then: bytes, and mtime in nanoseconds."""

    path: str
    size: int
    modified: int


class Outbox:
    """The newest events, the progress of each sink, and the processed files.

    A change is durable when the method returns, or, inside a transaction of the store, with the
    transaction.
    """

    def __init__(self, database: Database, transaction: Transacting) -> None:
        self._database, self._transaction = database, transaction

    def note(
        self, events: Sequence[str] = (), arrivals: Sequence[Arrival] = (), after: int = 0
    ) -> None:
        """Add events, JSON objects as text, and processed files.

        Events are numbered from after the newest, or after a given number.
        """
        with self._transaction():
            first = max(self.newest(), after) + 1
            if first + len(events) - 1 > MOST_EVENT:
                raise StoreDamagedError("an event's number in the catalog is damaged")
            self._database.run_all(
                "INSERT INTO outbox VALUES (?, ?, ?)",
                (
                    (event, body, _event_checksum(event, body))
                    for event, body in enumerate(events, start=first)
                ),
            )
            self._database.run_all("INSERT OR REPLACE INTO arrival VALUES (?, ?, ?)", arrivals)

    def oldest(self) -> int:
        """The number of the oldest stored event; 0 if there was none yet."""
        return self._number("min")

    def newest(self) -> int:
        """The number of the newest event; 0 when there was none yet."""
        return self._number("max")

    def _number(self, which: str) -> int:
        query = f"SELECT coalesce({which}(event), 0) FROM outbox WHERE {VALID_NUMBER}"
        return int(self._database.one(query)[0])

    def events(self, after: int, most: int) -> list[tuple[int, str]]:
        """The first events after a number, at most this many; a damaged event only reports its
        damage.

        StoreDamagedError if their numbers are not in order, because a reader would never end.
        """
        found = self._events("event > ? ORDER BY event LIMIT ?", after, most)
        numbers = [after, *(event for event, _ in found)]
        if any(number <= before for before, number in pairwise(numbers)):
            raise StoreDamagedError(EVENTS_DAMAGED)
        return found

    def events_before(self, before: int, most: int) -> list[tuple[int, str]]:
        """The last events before a number, the newest first; a damaged event only reports its
        damage.
        """
        return self._events("event < ? ORDER BY event DESC LIMIT ?", before, most)

    def _events(self, condition: str, *values: int) -> list[tuple[int, str]]:
        query = "SELECT event, CAST(body AS BLOB), seal FROM outbox WHERE"
        found = self._database.all(f"{query} {VALID_NUMBER} AND {condition}", *values)
        # A damaged page may hold NULL in a NOT NULL column.
        bodies = (
            (event, str(body or b"", errors="replace"), checksum) for event, body, checksum in found
        )
        return [
            (event, body if _event_checksum(event, body) == checksum else DAMAGED)
            for event, body, checksum in bodies
        ]

    def arrived(self, paths: Sequence[str]) -> set[Arrival]:
        """Which files at these paths were processed, with their states then."""
        query = "SELECT path, size, modified FROM arrival WHERE path"
        return {Arrival(*found) for found in self._database.all_in(query, paths)}

    def delivered(self) -> dict[str, int]:
        """The number of the last event that each sink has delivered; 0 if that is damaged.

        Then events may be delivered again, but none is left out.
        """
        return {
            name: event if checksum == _sink_checksum(name, event) else 0
            for name, event, checksum in self._database.all(SINKS)
        }

    def deliver(self, delivered: Mapping[str, int], most: int) -> None:
        """Record the last delivered event of some sinks.

        Events beyond the newest `kept` are removed, delivered or not; the newest one stays.
        """
        with self._transaction():
            self._database.run_all(
                "INSERT OR REPLACE INTO sink VALUES (?, ?, ?)",
                ((name, event, _sink_checksum(name, event)) for name, event in delivered.items()),
            )
            self._database.run("DELETE FROM outbox WHERE event <= ?", (self.newest() - most,))

    def damage(self) -> list[str]:
        """List the damage, a line each."""
        beyond = self._database.all(f"SELECT event FROM outbox WHERE NOT {VALID_NUMBER}")
        lines, after = [_damage(event) for (event,) in beyond], 0
        try:
            while events := self.events(after, EVENTS_AT_ONCE):
                lines += [_damage(event) for event, body in events if body is DAMAGED]
                after = events[-1][0]
        except StoreDamagedError as error:
            lines.append(str(error))
        for name, event, checksum in self._database.all(SINKS):
            if checksum != _sink_checksum(name, event):
                lines.append(f"the delivery state of {name} is damaged")
        return lines


def _damage(event: int) -> str:
    return f"event {event} in the outbox is damaged"


def _event_checksum(event: int, body: str) -> bytes:
    return digest(repr((event, body)).encode())


def _sink_checksum(name: str, event: int) -> bytes:
    return digest(repr((name, event)).encode())
