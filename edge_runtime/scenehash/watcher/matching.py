"""Match the tiles of a scene with the store and its alerts, before the scene is stored."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from scenehash.alerts.judging import judge
from scenehash.store import Alert, CodeStore, HashedScene, Hit

from .novelty import Repeat, find_repeats


@dataclass(frozen=True)
class AlertMatch:
    """An alert that a tile matches: the distance to its nearest example in bits, and, if its rule
    decided, the tile's score, which is at least the rule's threshold.
    """

    alert: Alert
    distance: int
    score: float | None = None


@dataclass(frozen=True)
class Match:
    """The results for one tile. position: its index in the scene.

    nearest: stored tiles. novelty: the distance to the nearest of them, in bits; None in an empty
    store. alerts: the alerts that it matches. repeat: a stored tile of the same place. others: the
    positions of tiles that are one find with it, see bursts.py; None if not grouped.
    """

    position: int
    nearest: Sequence[Hit]
    alerts: Sequence[AlertMatch]
    repeat: Repeat | None
    others: tuple[int, ...] | None = None

    @property
    def novelty(self) -> int | None:
        """See the class."""
        return self.nearest[0].distance if self.nearest else None


def match_scene(
    scene: HashedScene, store: CodeStore, alerts: Sequence[Alert], nearest: int
) -> list[Match]:
    """Match each tile of a scene; nearest: the number of stored tiles that are named for each."""
    hits = store.search(scene.codes, max(1, nearest))
    repeats = find_repeats(scene, store)
    matched: list[list[AlertMatch]] = [[] for _ in scene.windows]
    for alert in alerts:
        judged = judge(alert, scene.codes, scene.vectors)
        for position in np.flatnonzero(judged.matches).tolist():
            score = None if judged.scores is None else float(judged.scores[position])
            matched[position].append(AlertMatch(alert, int(judged.distances[position]), score))
    return [
        Match(position, *found)
        for position, found in enumerate(zip(hits, matched, repeats, strict=True))
    ]
