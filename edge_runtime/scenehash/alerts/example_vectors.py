"""The examples of an alert among the tiles of a store: their rows, and their representations."""

import contextlib
from collections.abc import Iterator

import numpy as np

from scenehash.errors import NotStoredError
from scenehash.retrieval.query import (
    ROW_PREFIX,
    Query,
    row_number,
)
from scenehash.store import Alert, CodeStore, Filter, SceneVectors


def example_rows(store: CodeStore, alert: Alert) -> list[int]:
    """The rows of the examples that are stored tiles, by row number or file."""
    rows: list[int] = []
    # Sources list the examples first, then the negatives.
    sources = alert.sources[: len(alert.examples)]
    for source, code in zip(sources, alert.examples, strict=True):
        if source.startswith(ROW_PREFIX):
            rows.append(row_number(source))
            continue
        with contextlib.suppress(NotStoredError):
            for own, codes in store.living(Filter(scene=source)):
                rows += own[(codes == code).all(axis=1)].tolist()
    return rows


def vectors_by_source(alert: Alert) -> Iterator[tuple[str, SceneVectors]]:
    """The representations of examples and negatives that an alert's rule holds."""
    own = alert.rule.vectors if alert.rule is not None and alert.is_fitted else None
    if own is not None:
        for source, values in zip(alert.sources, own.values, strict=True):
            yield source, SceneVectors(own.frame, values[None])


def known_vectors(store: CodeStore, alert: Alert) -> list[SceneVectors | None]:
    """The representations of examples and negatives: from the rule, or from stored tiles."""
    known: dict[str, SceneVectors | None] = dict(vectors_by_source(alert))
    rows = {source for source in alert.sources if source.startswith(ROW_PREFIX)} - known.keys()
    known |= {source: vectors_in(store, row_number(source)) for source in rows}
    return [known.get(source) for source in alert.sources]


def vectors_of(query: Query, store: CodeStore) -> SceneVectors | None:
    return query.vectors if query.row is None else vectors_in(store, query.row)


def vectors_in(store: CodeStore, row: int) -> SceneVectors | None:
    frame = store.vectors.frame
    if frame is None:
        return None
    there, values = store.vectors.read(np.array([row]))
    return SceneVectors(frame, values) if len(there) else None
