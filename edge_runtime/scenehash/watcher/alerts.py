"""Alerts made from examples, fitted to what a store holds, judged and tested."""

import contextlib
import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from scenehash.codes import Codes, nearest_hamming
from scenehash.errors import ConfigurationError, NotStoredError
from scenehash.files import path_text, printable
from scenehash.model.hash_model import HashModel
from scenehash.progress import SILENT, Progress
from scenehash.retrieval.crop import Crop
from scenehash.retrieval.query import (
    ROW_PREFIX,
    ModelWhenNeeded,
    Query,
    check_width,
    read_query,
    row_number,
)
from scenehash.store import Alert, CodeStore, ExampleTile, Filter, Hit, SceneVectors

from .alert_test import AlertTest, around_threshold, judge_tiles
from .false_alarm_rate import Rate
from .radius_counts import Tuning, around, tune
from .rule_fitting import Candidates, Samples, samples_of

# A tile of a kind: an image file, "row:12", "code:0f3a...", or a query of one tile.
Example = str | Query

LONGEST_NAME = 100
DISABLED = "it has no example with a code by the store's model; add it again with other examples"
# Stored tiles that a rule is fitted against, drawn at random; and how few are too few.
SAMPLE, LEAST_TILES = 50_000, 50
# The share of them that have a representation, where rules of representations are tried.
MOSTLY = 0.9
TILES_AT_ONCE = 1 << 13
# Stored tiles on each side of a radius: a row of a contact sheet.
TILES_SHOWN = 13


def default_radius(bits: int) -> int:
    """The radius of an alert that nobody gave one: about as sure at each width (docs/watch.md).

    An eighth of up to 64 bits, a sixth of up to 128, a fifth of more: distances of tiles of other
    kinds vary less, as a share of the bits, the more bits there are. propose_radius gives a
    better one.
    """
    return bits // (8 if bits <= 64 else 6 if bits <= 128 else 5)


def add_alert(
    store: CodeStore,
    name: str,
    examples: Sequence[Example],
    negatives: Sequence[Example] = (),
    radius: int | None = None,
    model: str | Path | HashModel | None = None,
    crop: Crop | None = None,
    progress: Progress = SILENT,
    false_alarms: str | None = None,
) -> Alert:
    """Add an alert to a store that is open for writing; a running watch uses it for its next scene.

    See make_alert. Raises StoreError, too, when there is an alert of that name.
    """
    alert = make_alert(
        store, name, examples, negatives, radius, model, crop, progress, false_alarms
    )
    store.alerts.add(alert)
    return alert


def make_alert(
    store: CodeStore,
    name: str,
    examples: Sequence[Example],
    negatives: Sequence[Example] = (),
    radius: int | None = None,
    model: str | Path | HashModel | None = None,
    crop: Crop | None = None,
    progress: Progress = SILENT,
    false_alarms: str | None = None,
) -> Alert:
    """Make an alert for a store, without adding it.

    examples, negatives: scene files of one tile, stored tiles as "row:12", or queries of one tile.
    A tile matches when its nearest example is at most radius bits away, and no negative is as near.
    false_alarms: in place of a radius, how many matches may be of other kinds, as "1/day" or
    "2/1000" tiles: a rule and its threshold are chosen for that, see rule_fitting.py. model: read
    for files alone; None is the one that the store keeps, or that ships with scenehash. crop: the
    part of the example files that is meant, and how files are read. progress: is told what is
    doubtful about an example.

    Raises ConfigurationError on a name, radius or rate that makes no sense, with both of them,
    without an example, or with too few stored tiles for a rate, InputError on what is no scene
    file, or one of several tiles, LineageError when another model made the store.
    """
    if not name.strip() or name != printable(name) or len(name) > LONGEST_NAME:
        raise ConfigurationError(
            "an alert's name is a word or several, in one line of at most "
            f"{LONGEST_NAME} characters"
        )
    if not examples:
        raise ConfigurationError("an alert needs an example, a tile of the kind")
    if radius is not None and false_alarms is not None:
        raise ConfigurationError("a radius and a rate of false alarms: give one of them")
    rate = None if false_alarms is None else Rate.parse(false_alarms)
    chosen = _checked(default_radius(store.bits) if radius is None else radius, store.bits)
    load = ModelWhenNeeded(model, store)
    plain = None if crop is None else crop.of_all()
    like = [_query(example, store, load, crop) for example in examples]
    unlike = [_query(example, store, load, plain) for example in negatives]
    for query in (*like, *unlike):
        for warning in query.warnings:
            progress.message(f"note: {warning}")
    alert = Alert(
        name,
        chosen,
        _codes(like, store),
        _codes(unlike, store),
        tuple(_source(query) for query in (*like, *unlike)),
        {_source(query): tile for query in (*unlike, *like) if (tile := _tile(query))},
    )
    if rate is None:
        return alert
    vectors = [_vectors_of(query, store) for query in (*like, *unlike)]
    return _fitted(store, alert, vectors, rate.text, rate.share(store))


def count_alert_matches(
    store: CodeStore, alert: str | Alert, label: str | None = None
) -> AlertTest:
    """Count what an alert, as it is, matches among stored tiles, and what each radius would match.

    Its own examples are left out. Arguments and errors as propose_radius.
    """
    found = store.alerts.get(alert) if isinstance(alert, str) else alert
    tuning, true = propose_radius(store, found, label), None
    if label is not None:
        true = _labelled(store, label)
    rows = np.array(_example_rows(store, found), np.int64)
    return judge_tiles(found, _tiles(store), rows, true, tuning)


class DisabledAlert(NamedTuple):
    """An alert that could not follow a store to another model, and the store that it is kept in."""

    alert: Alert
    path: Path


def disabled_alerts(store: CodeStore) -> list[DisabledAlert]:
    """The alerts that could not follow a store to its model: see scenehash.rehash."""
    names = {alert.name for alert in store.alerts.list()}
    found = []
    for one in store.earlier():
        with CodeStore.open(one.path) as earlier:
            found += [DisabledAlert(alert, one.path) for alert in earlier.alerts.list()]
    return [one for one in found if one.alert.name not in names]


def remove_alert(store: CodeStore, name: str) -> None:
    """Remove an alert of a store that is open for writing, durably, also a disabled one.

    Raises StoreError when there is none of that name.
    """
    disabled = [one.path for one in disabled_alerts(store) if one.alert.name == name]
    if not disabled:
        store.alerts.remove(name)
    for path in disabled:
        with CodeStore.open(path, writable=True, wait=True) as earlier:
            earlier.alerts.remove(name)


def alerts_document(store: CodeStore) -> dict[str, object]:
    """The alerts, by name; and those that could not follow the store to another model."""
    return {
        "store": str(store.path),
        "alerts": [alert.document() for alert in store.alerts.list()],
        "disabled": [one.alert.document() for one in disabled_alerts(store)],
    }


def propose_radius(store: CodeStore, alert: str | Alert, label: str | None = None) -> Tuning:
    """Count the stored tiles at each distance from an alert's examples, and propose a radius.

    alert: its name, or one that need not be stored. label: the scenes that have it are truly of the
    kind; precision and recall are known then. Raises NotStoredError when there is no such alert, or
    no scene with the label.
    """
    true = None
    if label is not None:
        true = _labelled(store, label)
    found = store.alerts.get(alert) if isinstance(alert, str) else alert
    return tune(found, store.living(), true)


def set_radius(store: CodeStore, name: str, radius: int) -> Alert:
    """Give an alert another radius, in bits, durably; ConfigurationError on one of no sense."""
    chosen = _checked(radius, store.bits)
    alert = dataclasses.replace(store.alerts.get(name), radius=chosen, rule=None)
    store.alerts.add(alert, replace=True)
    return alert


def set_false_alarm_rate(store: CodeStore, name: str, false_alarms: str | None = None) -> Alert:
    """Choose an alert's rule again for a rate of false alarms, durably; None: the rate as before.

    By what the store holds now. Raises NotStoredError when there is no such alert, and
    ConfigurationError as make_alert, and when no rate was given before.
    """
    with store.transaction():
        alert = store.alerts.get(name)
        if false_alarms is None and alert.rule is None:
            raise ConfigurationError(
                f"{name}: it has a radius and no rate of false alarms; give a rate"
            )
        known = "" if alert.rule is None else alert.rule.expected.asked
        rate = Rate.parse(known if false_alarms is None else false_alarms)
        alert = _fitted(store, alert, _known_vectors(store, alert), rate.text, rate.share(store))
        store.alerts.add(alert, replace=True)
    return alert


def confirm_match(store: CodeStore, name: str, row: int) -> Alert:
    """A stored tile is of an alert's kind: it becomes an example, and is no negative, durably.

    An alert with a rate of false alarms gets its rule anew. Raises NotStoredError when there is no
    such alert or row.
    """
    return _judged(store, name, row, is_match=True)


def reject_match(store: CodeStore, name: str, row: int) -> Alert:
    """A stored tile was a false alarm: it becomes a negative, and is no example, durably.

    An alert with a rate of false alarms gets its rule anew. Raises NotStoredError when there is no
    such alert or row, ConfigurationError on the only example that there is.
    """
    return _judged(store, name, row, is_match=False)


def forget_match(store: CodeStore, name: str, row: int) -> Alert:
    """Take back that a stored tile is an example or a negative of an alert, durably.

    An alert with a rate of false alarms gets its rule anew. Raises NotStoredError when there is no
    such alert, or the row is neither; ConfigurationError on the only example that there is.
    """
    source = f"{ROW_PREFIX}{row}"
    with store.transaction():
        before = store.alerts.get(name)
        if source not in before.sources:
            raise NotStoredError(
                f"{source}: neither an example nor a negative of {name} (see: scenehash alert "
                "list --json)"
            )
        return _changed(store, before, before.without(source), source, None)


class TileJudged(NamedTuple):
    """What an alert says of a stored tile: bits to its nearest example, and whether it matches."""

    row: int
    scene: str
    distance: int
    matches: bool

    def document(self) -> dict[str, object]:
        """The same as plain values, as JSON has them."""
        return self._asdict()


def judge_row(store: CodeStore, name: str, row: int) -> TileJudged:
    """What an alert says of a stored tile, as it is now; NotStoredError as confirm_match."""
    alert, (code, tile) = store.alerts.get(name), store.stored_tile(row)
    matches = bool(alert.judge(code, _vectors_in(store, row)).matches[0])
    distance = int(nearest_hamming(code, alert.examples)[0])
    return TileJudged(row, tile.scene, distance, matches)


class Border(NamedTuple):
    """Stored tiles that just match, the last of them least, and those that just do not."""

    within: list[Hit]
    beyond: list[Hit]


def border(
    store: CodeStore, alert: Alert, radius: int | None = None, most: int = TILES_SHOWN
) -> Border:
    """The stored tiles on both sides of a radius, at most so many on each.

    None: on both sides of the threshold of the alert's rule, or of its radius where it has none.
    """
    if radius is None and alert.rule is not None and alert.is_fitted:
        within, beyond = around_threshold(alert, _tiles(store), most)
    else:
        chosen = alert.radius if radius is None else radius
        within, beyond = around(alert, store.living(), chosen, most)
    return Border(_hits(within, store), _hits(beyond, store))


def _hits(found: Sequence[tuple[int, int]], store: CodeStore) -> list[Hit]:
    tiles = store.tiles([row for _, row in found])
    return [
        Hit(rank, distance, row, *tiles[row])
        for rank, (distance, row) in enumerate(found, start=1)
        if row in tiles
    ]


def _checked(radius: int, bits: int) -> int:
    if not 0 <= radius < bits:
        raise ConfigurationError(
            f"radius {radius}: every code of {bits} bits would match; give 0 to {bits - 1}"
        )
    return radius


def _judged(store: CodeStore, name: str, row: int, is_match: bool) -> Alert:
    query = Query.from_row(store, row)
    with store.transaction():
        before = store.alerts.get(name)
        alert = before.judged(query.code, query.text, is_match)
        return _changed(store, before, alert, query.text, _vectors_of(query, store))


def _changed(
    store: CodeStore, before: Alert, alert: Alert, source: str, vectors: SceneVectors | None
) -> Alert:
    """Keep an alert that has the example of a source otherwise than before, with its rule anew."""
    if not len(alert.examples):
        raise ConfigurationError(
            f"{source}: the only example of {alert.name}; confirm another tile before, or remove "
            f"the alert with: scenehash alert remove {alert.name}"
        )
    if before.rule is not None:
        asked = before.rule.expected
        known: dict[str, SceneVectors | None] = dict(_by_source(before))
        known.setdefault(source, vectors)
        own = [known.get(source) for source in alert.sources]
        alert = _fitted(store, alert, own, asked.asked, asked.asked_share)
    store.alerts.add(alert, replace=True)
    return alert


def _fitted(
    store: CodeStore,
    alert: Alert,
    vectors: Sequence[SceneVectors | None],
    asked: str,
    share: float,
) -> Alert:
    """The alert with the rule for a share of false alarms, and the radius for it.

    vectors: the representations of examples and negatives, in the order of its sources.
    """
    archive = _archive(store, _example_rows(store, alert))
    if len(archive) < LEAST_TILES:
        raise ConfigurationError(
            f"{store.path}: {len(archive)} tiles are too few to estimate false alarms; at "
            f"least {LEAST_TILES} are needed; give a radius, and a rate when there are more"
        )
    frame, dims, count = store.vectors.frame, store.vectors.dims, len(alert.examples)
    like = samples_of(alert.examples, vectors[:count], frame, dims)
    unlike = samples_of(alert.negatives, vectors[count:], frame, dims)
    rule, radius = Candidates.fit(like, unlike, archive).rule(asked, share)
    return dataclasses.replace(alert, rule=rule, radius=radius)


def _archive(store: CodeStore, without: Sequence[int]) -> Samples:
    """Stored tiles, drawn at random, with their representations where nearly all have one."""
    parts = [rows for rows, _ in store.living()]
    every = np.concatenate([np.zeros(0, np.int64), *parts])
    every = every[~np.isin(every, np.array(without, np.int64))]
    rows = np.sort(np.random.default_rng(0).permutation(every)[:SAMPLE])
    frame = store.vectors.frame
    if frame is not None:
        there, values = store.vectors.read(rows)
        if len(there) >= max(MOSTLY * len(rows), LEAST_TILES):
            return Samples(store.codes(there), SceneVectors(frame, values))
    return Samples(store.codes(rows))


def _tiles(store: CodeStore) -> Iterator[tuple[npt.NDArray[np.int64], Samples]]:
    """All stored tiles, in parts: rows int64 [N], with representations and then without."""
    frame = store.vectors.frame
    for rows, codes in store.living():
        for start in range(0, len(rows), TILES_AT_ONCE):
            some = slice(start, start + TILES_AT_ONCE)
            own, part = rows[some], Samples(codes[some])
            if frame is None:
                yield own, part
                continue
            there, values = store.vectors.read(own)
            has = np.isin(own, there)
            yield own[has], Samples(part.codes[has], SceneVectors(frame, values))
            yield own[~has], part.part(~has)


def _labelled(store: CodeStore, label: str) -> npt.NDArray[np.int64]:
    """The rows of scenes with a label, int64 [N]; NotStoredError when there is none."""
    parts = [rows for rows, _ in store.living(Filter(label=label))]
    rows = np.concatenate([np.zeros(0, np.int64), *parts])
    if not len(rows):
        raise NotStoredError(f"{store.path}: no stored scene has the label {label}")
    return rows


def _example_rows(store: CodeStore, alert: Alert) -> list[int]:
    """The rows of those examples that are stored tiles, named by their rows or by their files."""
    rows: list[int] = []
    for source, code in zip(alert.sources, alert.examples, strict=False):
        if source.startswith(ROW_PREFIX):
            rows.append(row_number(source))
            continue
        with contextlib.suppress(NotStoredError):
            for own, codes in store.living(Filter(scene=source)):
                rows += own[(codes == code).all(axis=1)].tolist()
    return rows


def _by_source(alert: Alert) -> Iterator[tuple[str, SceneVectors]]:
    """The representations of examples and negatives that the rule of an alert remembers."""
    own = alert.rule.vectors if alert.rule is not None and alert.is_fitted else None
    if own is not None:
        for source, values in zip(alert.sources, own.values, strict=True):
            yield source, SceneVectors(own.frame, values[None])


def _known_vectors(store: CodeStore, alert: Alert) -> list[SceneVectors | None]:
    """The representations of examples and negatives: remembered, or those of stored tiles."""
    known: dict[str, SceneVectors | None] = dict(_by_source(alert))
    rows = {source for source in alert.sources if source.startswith(ROW_PREFIX)} - known.keys()
    known |= {source: _vectors_in(store, row_number(source)) for source in rows}
    return [known.get(source) for source in alert.sources]


def _vectors_of(query: Query, store: CodeStore) -> SceneVectors | None:
    return query.vectors if query.row is None else _vectors_in(store, query.row)


def _vectors_in(store: CodeStore, row: int) -> SceneVectors | None:
    frame = store.vectors.frame
    if frame is None:
        return None
    there, values = store.vectors.read(np.array([row]))
    return SceneVectors(frame, values) if len(there) else None


def _query(example: Example, store: CodeStore, load: ModelWhenNeeded, crop: Crop | None) -> Query:
    if not isinstance(example, Query):
        return read_query(example, store, load, crop)
    check_width(example, store)
    return example


def _codes(queries: Sequence[Query], store: CodeStore) -> Codes:
    codes: list[npt.NDArray[np.uint8]] = [query.code for query in queries]
    return np.array(codes, np.uint8).reshape(-1, store.bits // 8)


def _source(query: Query) -> str:
    """Where an example comes from, wherever the command is given from later."""
    if query.row is not None or query.scene is None:
        return query.text
    return path_text(query.scene.absolute())


def _tile(query: Query) -> ExampleTile | None:
    if query.row is not None or query.scene is None:
        return None
    return ExampleTile(query.windows[0], query.decode_params)
