"""Alerts made from examples, and tuned on what a store holds."""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from scenehash.codes import Codes
from scenehash.errors import ConfigurationError, NotStoredError
from scenehash.files import path_text, printable
from scenehash.model.hash_model import HashModel
from scenehash.retrieval.query import CODE_PREFIX, ROW_PREFIX, ModelWhenNeeded, read_query
from scenehash.store import Alert, CodeStore, Filter, Hit

from .tuning import Tuning, around, tune

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
    examples: Sequence[str],
    negatives: Sequence[str] = (),
    radius: int | None = None,
    model: str | Path | HashModel | None = None,
) -> Alert:
    """Add an alert to a store that is open for writing; a running watch uses it for its next scene.

    examples, negatives: image files, or stored tiles as "row:12". A tile matches when its nearest
    example is at most radius bits away, and no negative is as near. model: read for image files
    alone; None is the one that ships with scenehash. Raises ConfigurationError on a name or radius
    that makes no sense, StoreError when there is an alert of that name, InputError on what is no
    image, LineageError when another model made the store.
    """
    if not name.strip() or name != printable(name):
        raise ConfigurationError("an alert's name is a word or several, in one line")
    chosen = default_radius(store.bits) if radius is None else radius
    if not 0 <= chosen < store.bits:
        raise ConfigurationError(
            f"radius {chosen}: every code of {store.bits} bits would match; give 0 to "
            f"{store.bits - 1}"
        )
    load = ModelWhenNeeded(model)
    alert = Alert(
        name,
        chosen,
        _codes(examples, store, load),
        _codes(negatives, store, load),
        tuple(_source(text) for text in (*examples, *negatives)),
    )
    store.alerts.add(alert)
    return alert


def tune_alert(store: CodeStore, name: str, label: str | None = None) -> Tuning:
    """Count the stored tiles at each distance from an alert's examples, and propose a radius.

    label: the scenes that have it are truly of the kind; precision and recall are known then.
    Raises StoreError when there is no such alert, or no scene with the label.
    """
    true = None
    if label is not None:
        parts = [rows for rows, _ in store.living(Filter(label=label))]
        true = np.concatenate([np.zeros(0, np.int64), *parts])
        if not len(true):
            raise NotStoredError(f"{store.path}: no stored scene has the label {label}")
    return tune(store.alerts.get(name), store.living(), true)


def set_radius(store: CodeStore, name: str, radius: int) -> Alert:
    """Give an alert another radius, in bits, durably."""
    alert = dataclasses.replace(store.alerts.get(name), radius=radius)
    store.alerts.add(alert, replace=True)
    return alert


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


def _codes(texts: Sequence[str], store: CodeStore, load: Callable[[], HashModel]) -> Codes:
    codes: list[npt.NDArray[np.uint8]] = [read_query(text, store, load).code for text in texts]
    return np.array(codes, np.uint8).reshape(-1, store.bits // 8)


def _source(text: str) -> str:
    """Where an example comes from, wherever the command is given from later."""
    stored = text.startswith((ROW_PREFIX, CODE_PREFIX))
    return text if stored else path_text(Path(text).absolute())
