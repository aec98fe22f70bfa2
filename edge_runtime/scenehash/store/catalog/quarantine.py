"""The quarantine: inputs that could not be ingested, until they are ingested or released."""

import builtins
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from scenehash.errors import StoreError

from ..records import time_at
from .database import Database, Transacting, damaged_values

QUARANTINE_SCHEMA = """
CREATE TABLE quarantine (
    path TEXT PRIMARY KEY,
    reason TEXT NOT NULL,
    time REAL NOT NULL
) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class Quarantined:
    """An input that could not be ingested: the reason, and the time of the last try, in UTC."""

    path: str
    reason: str
    time: datetime

    def document(self) -> dict[str, object]:
        """The entry as plain values for JSON."""
        return {"path": self.path, "reason": self.reason, "time": self.time.isoformat()}


class Quarantine:
    """Paths that could not be ingested, with the reason.

    A change is durable when the method returns, or, inside a transaction of the store, with the
    transaction.
    """

    def __init__(self, database: Database, transaction: Transacting) -> None:
        self._database, self._transaction = database, transaction

    def list(self) -> builtins.list[Quarantined]:
        """All entries, by path."""
        found = self._database.all("SELECT path, reason, time FROM quarantine ORDER BY path")
        with damaged_values("the quarantine in the catalog is damaged"):
            return [
                Quarantined(str(path), str(reason), time_at(time)) for path, reason, time in found
            ]

    def add(self, reasons: Mapping[str, str]) -> None:
        """Add paths with their reasons; an existing path gets the new reason."""
        if reasons:
            time = datetime.now(UTC).timestamp()
            with self._transaction():
                self._database.run_all(
                    "INSERT OR REPLACE INTO quarantine VALUES (?, ?, ?)",
                    ((path, reason, time) for path, reason in reasons.items()),
                )

    def remove(self, paths: Sequence[str]) -> int:
        """Remove paths; returns how many of them were in quarantine."""
        query = "SELECT path FROM quarantine WHERE path"
        there = [path for (path,) in self._database.all_in(query, paths)]
        if there:
            with self._transaction():
                self._database.run_all(
                    "DELETE FROM quarantine WHERE path = ?", ((path,) for path in there)
                )
        return len(there)

    def release(self, paths: Sequence[str]) -> int:
        """Remove paths; returns their number.

        Raises StoreError, and removes none, when a path is not in quarantine.
        """
        with self._transaction():
            known = {item.path for item in self.list()}
            for path in paths:
                if path not in known:
                    raise StoreError(f"{path}: not in quarantine; see: scenehash quarantine list")
            return self.remove(paths)
