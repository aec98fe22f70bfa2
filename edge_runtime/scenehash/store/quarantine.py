"""The quarantine: inputs that could not be ingested, until they are, or are released."""

import builtins
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from .results import Quarantined
from .statements import Tables

QUARANTINE_SCHEMA = """
CREATE TABLE quarantine (
    path TEXT PRIMARY KEY,
    reason TEXT NOT NULL,
    time REAL NOT NULL
) WITHOUT ROWID;
"""


class Quarantine(Tables):
    """Paths that could not be ingested, with the reason.

    What changes it is durable when it returns; inside a transaction of the store, with that.
    """

    def list(self) -> builtins.list[Quarantined]:
        """All entries, by path."""
        return [
            Quarantined(path, reason, datetime.fromtimestamp(time, UTC))
            for path, reason, time in self._all(
                "SELECT path, reason, time FROM quarantine ORDER BY path"
            )
        ]

    def add(self, reasons: Mapping[str, str]) -> None:
        """Add paths with their reasons; one that is there gets the new reason."""
        if reasons:
            time = datetime.now(UTC).timestamp()
            with self._transaction():
                self._write_all(
                    "INSERT OR REPLACE INTO quarantine VALUES (?, ?, ?)",
                    ((path, reason, time) for path, reason in reasons.items()),
                )

    def remove(self, paths: Sequence[str]) -> int:
        """Remove paths; returns how many of them there were."""
        there = [path for (path,) in self._in("SELECT path FROM quarantine WHERE path", paths)]
        if there:
            with self._transaction():
                self._write_all(
                    "DELETE FROM quarantine WHERE path = ?", ((path,) for path in there)
                )
        return len(there)
