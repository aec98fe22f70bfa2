"""Whether a tile matches an alert: by its rule if that is usable, otherwise by its radius.

changing.py has the confirming and rejecting of matches.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from scenehash.codes import Codes, nearest_hamming, unpack
from scenehash.store import Alert, Rule, Scores, unit
from scenehash.store.records import SceneVectors

# The score of a tile that never matches: less than any product of unit vectors.
EXCLUDED = -2


class Judged(NamedTuple):
    """The judgement of N tiles.

    matches: bool [N]. distances: int32 [N], bits to the nearest example. scores: of the rule,
    float32 [N]; None if the radius decided. In that case a tile that is at least as near to a
    negative has distance K + 1.
    """

    matches: npt.NDArray[np.bool_]
    distances: npt.NDArray[np.int32]
    scores: Scores | None


def judge(alert: Alert, codes: Codes, vectors: SceneVectors | None = None) -> Judged:
    """Judge tiles by their codes uint8 [N, K/8] and their representations, if any."""
    rule = alert.rule
    if rule is None or not alert.is_fitted or not reads(rule, vectors):
        distances = example_distances(alert, codes)
        return Judged(distances <= alert.radius, distances, None)
    scores = rule_scores(rule, codes, vectors)
    return Judged(scores >= rule.threshold, nearest_hamming(codes, alert.examples), scores)


def example_distances(alert: Alert, codes: Codes) -> npt.NDArray[np.int32]:
    """Bits from each of codes uint8 [N, K/8] to the nearest example of an alert: int32 [N].

    A tile that is at least as near to a negative never matches: its distance is K + 1.
    """
    nearest = nearest_hamming(codes, alert.examples)
    if len(alert.negatives):
        nearest[nearest_hamming(codes, alert.negatives) <= nearest] = 8 * codes.shape[1] + 1
    return nearest


def distance_counts(alert: Alert, codes: Codes) -> npt.NDArray[np.int64]:
    """The number of codes uint8 [N, K/8] at each of example_distances: int64 [K + 2]."""
    return np.bincount(example_distances(alert, codes), minlength=8 * codes.shape[1] + 2)


def reads(rule: Rule, vectors: SceneVectors | None) -> bool:
    """Whether the input of a rule is available."""
    return rule.frame is None or (vectors is not None and vectors.frame == rule.frame)


def rule_scores(rule: Rule, codes: Codes, vectors: SceneVectors | None) -> Scores:
    """Scores float32 [N], -1 to 1 or EXCLUDED, of tiles: codes uint8 [N, K/8] and their
    representations.
    """
    values = values_read(rule.frame, codes, vectors)
    return best_scores(unit(values - rule.centre) @ rule.templates.T, rule.positives)


def values_read(frame: str | None, codes: Codes, vectors: SceneVectors | None) -> Scores:
    """The input of a rule, float32 [N, D]: representations, or, without a frame, codes."""
    if frame is None:
        return signs(codes)
    assert vectors is not None
    return vectors.values.astype(np.float32)


def best_scores(products: Scores, positives: int) -> Scores:
    """Scores float32 [N] of the products [N, T] of tiles with templates; see Rule.

    A tile that is at least as near to a negative has the score EXCLUDED.
    """
    scores: Scores = products[:, :positives].max(axis=1, initial=EXCLUDED)
    if products.shape[1] > positives:
        scores[products[:, positives:].max(axis=1) >= scores] = EXCLUDED
    return scores


def signs(codes: Codes) -> Scores:
    """Codes uint8 [N, K/8] as vectors of -1 and 1: float32 [N, K]."""
    return 2 * unpack(codes).astype(np.float32) - 1
