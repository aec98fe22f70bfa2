"""An alert from examples."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from scenehash.codes import Codes
from scenehash.errors import ConfigurationError
from scenehash.files import path_text
from scenehash.model.hash_model import HashModel
from scenehash.printable import printable
from scenehash.progress import SILENT, Progress
from scenehash.retrieval.crop import Crop
from scenehash.retrieval.query import ModelWhenNeeded, Query, check_width, read_query
from scenehash.store import Alert, CodeStore, ExampleTile

from .example_vectors import vectors_of
from .false_alarm_rate import Rate
from .fitted_alert import fitted

# A tile of a kind: an image file, "row:12", "code:0f3a...", or a query of one tile.
Example = str | Query
LONGEST_NAME = 100


def default_radius(bits: int) -> int:
    """The default radius of an alert, about equally reliable at each width (docs/watch.md).

    An eighth of up to 64 bits, a sixth of up to 128, a fifth of more: the more bits there are, the
    less the distances of tiles of other kinds vary as a share of the bits. count_by_radius proposes
    a better radius.
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
    """Add an alert to a store that is open for writing.

    A running watch uses the alert from its next scene on. For arguments and errors see make_alert.
    Raises StoreError, too, when an alert with that name exists.
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
    false_alarms: instead of a radius, the accepted rate of matches of other kinds, as "1/day" or
    "2/1000" tiles: it determines a rule and its threshold, see rule_fitting.py. model: only used
    for files; None means the model that the store keeps, or else the shipped model. crop: the part
    of the example files to use, and how files are read. progress: gets warnings about doubtful
    examples.

    Raises ConfigurationError on an invalid name, radius or rate, with both of them, without an
    example, with an example that is a negative, too, or with too few stored tiles for a rate,
    InputError on a file that is not a scene, or has several tiles, LineageError when another model
    made the store.
    """
    if not name.strip() or name != printable(name) or len(name) > LONGEST_NAME:
        raise ConfigurationError(
            f"an alert's name is one line of text with 1 to {LONGEST_NAME} characters"
        )
    if not examples:
        raise ConfigurationError("an alert needs at least one example")
    if radius is not None and false_alarms is not None:
        raise ConfigurationError("a radius and a false alarm rate: give one of them")
    rate = None if false_alarms is None else Rate.parse(false_alarms)
    chosen = checked_radius(default_radius(store.bits) if radius is None else radius, store.bits)
    load = ModelWhenNeeded(model, store)
    plain = None if crop is None else crop.of_all()
    like = [_query(example, store, load, crop) for example in examples]
    unlike = [_query(example, store, load, plain) for example in negatives]
    tiles = {(_source(query), query.code.tobytes()) for query in like}
    for query in unlike:
        if (_source(query), query.code.tobytes()) in tiles:
            raise ConfigurationError(
                f"{_source(query)}: an example and a negative at once; give it as one of them"
            )
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
    vectors = [vectors_of(query, store) for query in (*like, *unlike)]
    return fitted(store, alert, vectors, rate.text, rate.share(store))


def checked_radius(radius: int, bits: int) -> int:
    if not 0 <= radius < bits:
        raise ConfigurationError(
            f"radius {radius}: every code of {bits} bits would match; give 0 to {bits - 1}"
        )
    return radius


def _query(example: Example, store: CodeStore, load: ModelWhenNeeded, crop: Crop | None) -> Query:
    if not isinstance(example, Query):
        return read_query(example, store, load, crop)
    check_width(example, store)
    return example


def _codes(queries: Sequence[Query], store: CodeStore) -> Codes:
    codes: list[npt.NDArray[np.uint8]] = [query.code for query in queries]
    return np.array(codes, np.uint8).reshape(-1, store.bits // 8)


def _source(query: Query) -> str:
    """The origin of an example, independent of the working directory."""
    if query.row is not None or query.scene is None:
        return query.text
    return path_text(query.scene.absolute())


def _tile(query: Query) -> ExampleTile | None:
    if query.row is not None or query.scene is None:
        return None
    return ExampleTile(query.windows[0], query.decode_params)
