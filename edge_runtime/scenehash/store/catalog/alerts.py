"""Alerts: the kinds of tiles that a watch matches new scenes against."""

import builtins
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from scenehash.codes import Codes, nearest_hamming
from scenehash.errors import NotStoredError, StoreDamagedError, StoreError
from scenehash.tiling import Window

from ..alert_rule import RULE_SCHEMA, Rule, Scores, fitted_on, rule_of
from ..records import SceneVectors, digest
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


@dataclass(frozen=True)
class ExampleTile:
    """The part of a scene file that an example is, and how its pixels were made of the file."""

    window: Window
    reading: Mapping[str, object]

    def document(self) -> list[object]:
        """The same as plain values, as JSON has them."""
        window = self.window
        return [[window.x, window.y, window.width, window.height], dict(self.reading)]


class Judged(NamedTuple):
    """What an alert says of N tiles.

    matches: bool [N]. distances: int32 [N], bits to the nearest example. scores: those of its rule,
    float32 [N]; None where its radius decided, and a negative that is as near.
    """

    matches: npt.NDArray[np.bool_]
    distances: npt.NDArray[np.int32]
    scores: Scores | None


@dataclass(frozen=True, eq=False)
class Alert:
    """A kind of tile that a watch reports.

    examples: codes uint8 [E, K/8] of tiles of the kind, one at least. negatives: uint8 [M, K/8], of
    tiles that look alike and are not meant. radius: in bits. sources: where examples and then
    negatives came from, for people. tiles: by source, of those that are scene files; alerts from
    before this was kept have none. rule: decides in place of the radius, where it was fitted on
    these examples and a tile has what it reads; None: the radius was given.
    """

    name: str
    radius: int
    examples: Codes
    negatives: Codes
    sources: tuple[str, ...]
    tiles: Mapping[str, ExampleTile] = field(default_factory=dict)
    rule: Rule | None = None

    @property
    def is_fitted(self) -> bool:
        """Whether the rule is of the examples that the alert has; other codes end that."""
        rule = self.rule
        return rule is not None and rule.fitted_on == fitted_on(self.examples, self.negatives)

    def judge(self, codes: Codes, vectors: SceneVectors | None = None) -> Judged:
        """Judge tiles by their codes uint8 [N, K/8] and, where there are any, representations."""
        if self.rule is None or not self.is_fitted or not self.rule.reads(vectors):
            distances = self.distances(codes)
            return Judged(distances <= self.radius, distances, None)
        scores = self.rule.scores(codes, vectors)
        nearest = nearest_hamming(codes, self.examples)
        return Judged(scores >= self.rule.threshold, nearest, scores)

    def distances(self, codes: Codes) -> npt.NDArray[np.int32]:
        """Bits from each of codes uint8 [N, K/8] to the nearest example: int32 [N].

        A tile that is as near to a negative example, or nearer, is not of the kind, whatever the
        radius: its distance is K + 1.
        """
        nearest = nearest_hamming(codes, self.examples)
        if len(self.negatives):
            nearest[nearest_hamming(codes, self.negatives) <= nearest] = 8 * codes.shape[1] + 1
        return nearest

    def judged(self, code: npt.NDArray[np.uint8], source: str, is_match: bool) -> "Alert":
        """The alert with a tile, its code uint8 [K/8], as an example or else as a negative.

        What it has of that source is left out.
        """
        rest = self.without(source)
        at = len(rest.examples) if is_match else len(rest.sources)
        sources = (*rest.sources[:at], source, *rest.sources[at:])
        codes = np.concatenate([rest.examples if is_match else rest.negatives, code[None]])
        if is_match:
            return replace(rest, sources=sources, examples=codes)
        return replace(rest, sources=sources, negatives=codes)

    def without(self, source: str) -> "Alert":
        """The alert without what it has of a source, as an example or a negative."""
        kept = np.array([text != source for text in self.sources], np.bool_)
        count = len(self.examples)
        return replace(
            self,
            examples=self.examples[kept[:count]],
            negatives=self.negatives[kept[count:]],
            sources=tuple(text for text in self.sources if text != source),
        )

    def document(self) -> dict[str, object]:
        """The alert as plain values, as JSON has them: its examples by where they came from."""
        count = len(self.examples)
        return {
            "name": self.name,
            "radius": self.radius,
            "examples": list(self.sources[:count]),
            "negatives": list(self.sources[count:]),
            "rule": None
            if self.rule is None
            else self.rule.document() | {"fitted": self.is_fitted},
        }

    def checksum(self) -> bytes:
        """A checksum of all fields."""
        words = (self.name, self.radius, self.examples.tobytes(), self.negatives.tobytes())
        # One without tiles has the checksum that it had before they were kept.
        any_tile = any(source in self.tiles for source in self.sources)
        tiles = [self.stored_sources()] if any_tile else []
        return digest(repr((*words, self.sources, *tiles)).encode())

    def stored_sources(self) -> str:
        """Sources and their tiles as JSON: a text, or a text, a window and a reading, for each."""
        stored = [
            [source, *self.tiles[source].document()] if source in self.tiles else source
            for source in self.sources
        ]
        return json.dumps(stored, ensure_ascii=False)


class Alerts:
    """The alerts of a store, whose codes are so many bits wide.

    What changes them is durable when it returns; inside a transaction of the store, with that.
    """

    def __init__(self, database: Database, transaction: Transacting, bits: int) -> None:
        self._database, self._transaction = database, transaction
        self._width = bits // 8

    def list(self) -> list[Alert]:
        """All alerts, by name; StoreDamagedError on a damaged one."""
        alerts = []
        for name, alert in self._found():
            if alert is None:
                raise StoreDamagedError(
                    f"alert {name}: its entry in the catalog is damaged; remove it with "
                    "scenehash alert remove, and add it again"
                )
            alerts.append(alert)
        return alerts

    def get(self, name: str) -> Alert:
        """The alert of a name; StoreError when there is none."""
        for alert in self.list():
            if alert.name == name:
                return alert
        raise NotStoredError(f"{name}: no alert of that name (see: scenehash alert list)")

    def add(self, alert: Alert, replace: bool = False) -> None:
        """Add an alert; StoreError when there is one of that name that is not to be replaced."""
        with self._transaction():
            if not replace and self._has(alert.name):
                raise StoreError(
                    f"{alert.name}: there is an alert of that name; choose another name, or remove "
                    f"that one with: scenehash alert remove {alert.name}"
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
        """Remove an alert; StoreError when there is none of that name."""
        with self._transaction():
            if not self._has(name):
                raise NotStoredError(f"{name}: no alert of that name (see: scenehash alert list)")
            self._database.run("DELETE FROM alert WHERE name = ?", (name,))
            self._drop_rule(name)

    def clear(self) -> None:
        """Remove all alerts, damaged ones too."""
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

    def _found(self) -> "builtins.list[tuple[Any, Alert | None]]":
        """All alerts by name, with their rules; None for one that is damaged."""
        with self._database.snapshot():
            found = self._database.all("SELECT * FROM alert ORDER BY name")
            rules = {name: rest for name, *rest in self._rules()}
        alerts = []
        for entry in found:
            alert, rule = _alert_of(entry, self._width), rules.get(entry[0])
            if alert is not None and rule is not None:
                alert = _with_rule(alert, *rule)
            alerts.append((entry[0], alert))
        return alerts

    def _rules(self) -> "builtins.list[Any]":
        # Stores have this table from their first rule on.
        query = "SELECT count(*) FROM sqlite_master WHERE name = 'alert_rule'"
        return (
            self._database.all("SELECT * FROM alert_rule") if self._database.one(query)[0] else []
        )

    def _put_rule(self, alert: Alert) -> None:
        self._drop_rule(alert.name)
        if alert.rule is not None:
            self._database.run(RULE_SCHEMA)
            head, numbers = alert.rule.stored()
            values = (alert.name, head, numbers, _rule_seal(alert.name, head, numbers))
            self._database.run("INSERT INTO alert_rule VALUES (?, ?, ?, ?)", values)

    def _drop_rule(self, name: str) -> None:
        if self._rules():
            self._database.run("DELETE FROM alert_rule WHERE name = ?", (name,))


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
    """A source and its tile of what is stored; TypeError or ValueError when it is neither."""
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
    """Whether an alert can be used, whoever wrote it with a checksum that is right."""
    return (
        isinstance(alert.name, str)
        and isinstance(alert.radius, int)
        and alert.radius >= 0
        and len(alert.examples) > 0
        and len(alert.sources) == len(alert.examples) + len(alert.negatives)
    )
