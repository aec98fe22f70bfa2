"""Alerts made from examples, and tuned on what a store holds."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from scenehash.codes import Codes
from scenehash.errors import ConfigurationError, NotStoredError
from scenehash.files import path_text, printable
from scenehash.model.hash_model import HashModel
from scenehash.progress import SILENT, Progress
from scenehash.retrieval.crop import Crop
from scenehash.retrieval.query import ModelWhenNeeded, Query, check_width, read_query
from scenehash.store import Alert, CodeStore, ExampleTile, Filter, Hit

from .tuning import Tuning, around, tune

# A tile of a kind: an image file, "row:12", "code:0f3a...", or a query of one tile.
Example = str | Query

# Stored tiles on each side of a radius: a row of a contact sheet.
TILES_SHOWN = 13


def default_radius(bits: int) -> int:
    """The radius of an alert that nobody gave one: an eighth of the bits.

    On UC Merced's test images, with five examples, it has a precision of 0.98 to 1.00 and a recall
    of 0.59 to 0.94 (benchmarks/alerts.py); tune_alert proposes a better one.
    """
    return bits // 8


def add_alert(
    store: CodeStore,
    name: str,
    examples: Sequence[Example],
    negatives: Sequence[Example] = (),
    radius: int | None = None,
    model: str | Path | HashModel | None = None,
    crop: Crop | None = None,
    progress: Progress = SILENT,
) -> Alert:
    """Add an alert to a store that is open for writing; a running watch uses it for its next scene.

    See make_alert. Raises StoreError, too, when there is an alert of that name.
    """
    alert = make_alert(store, name, examples, negatives, radius, model, crop, progress)
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
) -> Alert:
    """Make an alert for a store, without adding it.

    examples, negatives: scene files of one tile, stored tiles as "row:12", or queries of one tile.
    A tile matches when its nearest example is at most radius bits away, and no negative is as near.
    model: read for files alone; None is the one that ships with scenehash. crop: the part of the
    example files that is meant, and how files are read. progress: is told what is doubtful about an
    example. Raises ConfigurationError on a name or radius that makes no sense or without an
    example, InputError on what is no scene file, or one of several tiles, LineageError when another
    model made the store.
    """
    if not name.strip() or name != printable(name):
        raise ConfigurationError("an alert's name is a word or several, in one line")
    if not examples:
        raise ConfigurationError("an alert needs an example, a tile of the kind")
    chosen = _checked(default_radius(store.bits) if radius is None else radius, store.bits)
    load = ModelWhenNeeded(model)
    plain = None if crop is None else crop.of_all()
    like = [_query(example, store, load, crop) for example in examples]
    unlike = [_query(example, store, load, plain) for example in negatives]
    for query in (*like, *unlike):
        for warning in query.warnings:
            progress.message(f"note: {warning}")
    return Alert(
        name,
        chosen,
        _codes(like, store),
        _codes(unlike, store),
        tuple(_source(query) for query in (*like, *unlike)),
        {_source(query): tile for query in (*unlike, *like) if (tile := _tile(query))},
    )


def tune_alert(store: CodeStore, alert: str | Alert, label: str | None = None) -> Tuning:
    """Count the stored tiles at each distance from an alert's examples, and propose a radius.

    alert: its name, or one that need not be stored. label: the scenes that have it are truly of the
    kind; precision and recall are known then. Raises NotStoredError when there is no such alert, or
    no scene with the label.
    """
    true = None
    if label is not None:
        parts = [rows for rows, _ in store.living(Filter(label=label))]
        true = np.concatenate([np.zeros(0, np.int64), *parts])
        if not len(true):
            raise NotStoredError(f"{store.path}: no stored scene has the label {label}")
    found = store.alerts.get(alert) if isinstance(alert, str) else alert
    return tune(found, store.living(), true)


def set_radius(store: CodeStore, name: str, radius: int) -> Alert:
    """Give an alert another radius, in bits, durably; ConfigurationError on one of no sense."""
    alert = dataclasses.replace(store.alerts.get(name), radius=_checked(radius, store.bits))
    store.alerts.add(alert, replace=True)
    return alert


def confirm_match(store: CodeStore, name: str, row: int) -> Alert:
    """A stored tile is of an alert's kind: it becomes an example, and is no negative, durably.

    Raises NotStoredError when there is no such alert or row.
    """
    return _judged(store, name, row, is_match=True)


def reject_match(store: CodeStore, name: str, row: int) -> Alert:
    """A stored tile was a false alarm: it becomes a negative, and is no example, durably.

    Raises NotStoredError when there is no such alert or row, ConfigurationError on the only example
    that there is.
    """
    return _judged(store, name, row, is_match=False)


class Border(NamedTuple):
    """Stored tiles just within a radius, the last the farthest, and just beyond it."""

    within: list[Hit]
    beyond: list[Hit]


def border(store: CodeStore, alert: Alert, radius: int, most: int = TILES_SHOWN) -> Border:
    """The stored tiles on both sides of a radius, at most so many on each."""
    within, beyond = around(alert, store.living(), radius, most)
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
        alert = store.alerts.get(name).judged(query.code, query.text, is_match)
        if not len(alert.examples):
            raise ConfigurationError(
                f"{query.text}: the only example of {name}; confirm another tile before, or remove "
                f"the alert with: scenehash alert remove {name}"
            )
        store.alerts.add(alert, replace=True)
    return alert


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
