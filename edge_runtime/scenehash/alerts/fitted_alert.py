"""An alert's rule and radius, fitted against a sample of the tiles of its store."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from scenehash.errors import ConfigurationError
from scenehash.store import Alert, CodeStore, SceneVectors

from .example_vectors import example_rows
from .rule_fitting import Candidates, Samples, samples_of

# Stored tiles that a rule is fitted against, drawn at random; and how few are too few.
SAMPLE, LEAST_TILES = 50_000, 50
# The minimum share with representations, for rules on representations.
MOSTLY = 0.9


def fitted(
    store: CodeStore,
    alert: Alert,
    vectors: Sequence[SceneVectors | None],
    asked: str,
    share: float,
) -> Alert:
    """The alert with a rule, and a radius, for a share of false alarms.

    vectors: the representations of examples and negatives, in the order of its sources.
    """
    archive = _archive(store, example_rows(store, alert))
    if len(archive) < LEAST_TILES:
        raise ConfigurationError(
            f"{store.path}: {len(archive)} tiles are too few to estimate false alarms, which needs "
            f"at least {LEAST_TILES}; give a radius now, and a rate when the store has more tiles"
        )
    frame, dims, count = store.vectors.frame, store.vectors.dims, len(alert.examples)
    like = samples_of(alert.examples, vectors[:count], frame, dims)
    unlike = samples_of(alert.negatives, vectors[count:], frame, dims)
    rule, radius = Candidates.fit(like, unlike, archive).rule(asked, share)
    return dataclasses.replace(alert, rule=rule, radius=radius)


def _archive(store: CodeStore, without: Sequence[int]) -> Samples:
    """Random stored tiles, with their representations if nearly all have one."""
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
