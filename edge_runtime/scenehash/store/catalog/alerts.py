"""The alerts of a store: the kinds of tile that a watch reports."""

import builtins
import json
import shlex
from dataclasses import replace
from typing import Any

import numpy as np

from scenehash.errors import NotStoredError, StoreDamagedError, StoreError
from scenehash.tiling import Window

from ..alert import Alert, ExampleTile
from ..alert_rule import rule_of
from ..records import digest
from .database import Database, Transacting

ALERT_SCHEMA = """
CREATE TABLE alert (
    name TEXT PRIMARY KEY,
    radius INTEGER NOT NULL,
    examples BLOB NOT NULL,
    negatives BLOB NOT NULL,
    sources TEXT NOT NULL,
    seal BLOB NOT NULL
) WITHOUT ROWID;
"""
RULE_SCHEMA = """
CREATE TABLE IF NOT EXISTS alert_rule (
    name TEXT PRIMARY KEY,
    head TEXT NOT NULL,
    numbers BLOB NOT NULL,
    seal BLOB NOT NULL
) WITHOUT ROWID;
"""


class Alerts:
    """The alerts of a store with codes of this width.

    A change is durable when the method returns, or, inside a transaction of the store, with the
    transaction.
    """

    def __init__(self, database: Database, transaction: Transacting, bits: int) -> None:
        self._database, self._transaction = database, transaction
        self._width = bits // 8

    def list(self) -> list[Alert]:
        """All alerts, by name; StoreDamagedError on a damaged one."""
        return [_sound(name, alert) for name, alert in self._found()]

    def names(self) -> "builtins.list[str]":
        """The names of all alerts, also of damaged ones."""
        return [str(name) for (name,) in self._database.all("SELECT name FROM alert ORDER BY name")]

    def get(self, name: str) -> Alert:
        """The alert with a name; damage of other alerts does not matter.

        NotStoredError when there is none, StoreDamagedError when it is damaged.
        """
        for found, alert in self._found(name):
            return _sound(found, alert)
        raise NotStoredError(f"{name}: no alert of that name (see: scenehash alert list)")

    def add(self, alert: Alert, replace: bool = False) -> None:
        """Add an alert; StoreError when its name exists, unless the alert may be replaced."""
        with self._transaction():
            if not replace and self._has(alert.name):
                raise StoreError(
                    f"{alert.name}: an alert with that name exists; choose another name, or remove "
                    f"that alert with: scenehash alert remove {shlex.quote(alert.name)}"
                )
            self._database.run(
                "INSERT OR REPLACE INTO alert VALUES (?, ?, ?, ?, ?, ?)",
                (
                    alert.name,
                    alert.radius,
                    alert.examples.tobytes(),
                    alert.negatives.tobytes(),
                    alert.stored_sources(),
                    alert.checksum(),
                ),
            )
            self._put_rule(alert)

    def remove(self, name: str) -> None:
        """Remove an alert; StoreError when there is no alert with that name."""
        with self._transaction():
            if not self._has(name):
                raise NotStoredError(f"{name}: no alert of that name (see: scenehash alert list)")
            self._database.run("DELETE FROM alert WHERE name = ?", (name,))
            self._drop_rule(name)

    def clear(self) -> None:
        """Remove all alerts, also damaged ones."""
        with self._transaction():
            self._database.run("DELETE FROM alert")
            self._database.run("DROP TABLE IF EXISTS alert_rule")

    def damage(self) -> "builtins.list[str]":
        """List the damage, a line each."""
        return [
            f"alert {name}: its entry in the catalog is damaged"
            for name, alert in self._found()
            if alert is None
        ]

    def _has(self, name: str) -> bool:
        return self._database.one("SELECT 1 FROM alert WHERE name = ?", name) is not None

    def _found(self, *names: str) -> "builtins.list[tuple[Any, Alert | None]]":
        """The alerts with these names, or all, with their rules; None for a damaged alert."""
        which = f"WHERE name IN ({', '.join('?' * len(names))})" if names else ""
        with self._database.snapshot():
            found = self._database.all(f"SELECT * FROM alert {which} ORDER BY name", *names)
            rules = {}
            if self._has_rules():
                every = self._database.all(f"SELECT * FROM alert_rule {which}", *names)
                rules = {name: rest for name, *rest in every}
        alerts = []
        for entry in found:
            alert, rule = _alert_of(entry, self._width), rules.get(entry[0])
            if alert is not None and rule is not None:
                alert = _with_rule(alert, *rule)
            alerts.append((entry[0], alert))
        return alerts

    def _has_rules(self) -> bool:
        """Whether the table of rules exists: a store gets it with its first rule."""
        query = "SELECT 1 FROM sqlite_master WHERE name = 'alert_rule'"
        return self._database.one(query) is not None

    def _put_rule(self, alert: Alert) -> None:
        self._drop_rule(alert.name)
        if alert.rule is not None:
            self._database.run(RULE_SCHEMA)
            head, numbers = alert.rule.stored()
            values = (alert.name, head, numbers, _rule_seal(alert.name, head, numbers))
            self._database.run("INSERT INTO alert_rule VALUES (?, ?, ?, ?)", values)

    def _drop_rule(self, name: str) -> None:
        if self._has_rules():
            self._database.run("DELETE FROM alert_rule WHERE name = ?", (name,))


def _sound(name: Any, alert: Alert | None) -> Alert:
    if alert is None:
        raise StoreDamagedError(
            f"alert {name}: its entry in the catalog is damaged; remove it with "
            "scenehash alert remove, and add it again"
        )
    return alert


def _rule_seal(name: str, head: str, numbers: bytes) -> bytes:
    return digest(repr((name, head, numbers)).encode())


def _with_rule(alert: Alert, head: Any, numbers: Any, seal: Any) -> Alert | None:
    """An alert with its rule, of what the table has; None when that is damaged."""
    if _rule_seal(alert.name, head, numbers) != seal:
        return None
    try:
        return replace(alert, rule=rule_of(head, numbers))
    except (TypeError, ValueError, LookupError, RecursionError):
        return None


def _alert_of(found: Any, width: int) -> Alert | None:
    """The alert of a row of the table; None when it is damaged."""
    name, radius, examples, negatives, stored, checksum = found
    try:
        sources = [_source_of(value) for value in json.loads(stored)]
        alert = Alert(
            name,
            radius,
            np.frombuffer(examples, np.uint8).reshape(-1, width),
            np.frombuffer(negatives, np.uint8).reshape(-1, width),
            tuple(source for source, _ in sources),
            {source: tile for source, tile in sources if tile is not None},
        )
    except (TypeError, ValueError, RecursionError):
        return None
    return alert if alert.checksum() == checksum and _makes_sense(alert) else None


def _source_of(value: Any) -> tuple[str, ExampleTile | None]:
    """A source and its tile from stored values; TypeError or ValueError if they are not valid."""
    if isinstance(value, str):
        return value, None
    source, (x, y, width, height), reading = value
    numbers = x, y, width, height
    if not (isinstance(source, str) and isinstance(reading, dict)):
        raise TypeError
    if not all(isinstance(number, int) and 0 <= number < 1 << 40 for number in numbers):
        raise TypeError
    return source, ExampleTile(Window(*numbers), reading)


def _makes_sense(alert: Alert) -> bool:
    """Whether an alert is usable, even if somebody else wrote it with a correct checksum."""
    return (
        isinstance(alert.name, str)
        and isinstance(alert.radius, int)
        and alert.radius >= 0
        and len(alert.examples) > 0
        and len(alert.sources) == len(alert.examples) + len(alert.negatives)
    )
