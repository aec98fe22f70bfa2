"""The matches of an alert among stored tiles."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from scenehash.store import Alert
from scenehash.store.rows import Rows

from .judging import judge
from .radius_counts import RadiusCounts
from .rule_fitting import Samples


@dataclass(frozen=True)
class AlertTest:
    """The matches of an alert among stored tiles without its examples.

    tiles: the number of these tiles. matches: how many of them match. true, true_matches: the same
    numbers for true matches; None if not known. by_radius: the matches of each radius among all
    stored tiles.
    """

    tiles: int
    matches: int
    true: int | None
    true_matches: int | None
    by_radius: RadiusCounts

    @property
    def recall(self) -> float | None:
        """The share of the true tiles that match; None if not known."""
        if self.true is None or self.true_matches is None:
            return None
        return self.true_matches / max(self.true, 1)

    @property
    def false_share(self) -> float | None:
        """The share of the other tiles that match; None if not known."""
        if self.true is None or self.true_matches is None:
            return None
        return (self.matches - self.true_matches) / max(self.tiles - self.true, 1)

    def document(self, alert: Alert) -> dict[str, object]:
        """The test as plain values for JSON, with rates per thousand tiles."""
        recall, share = self.recall, self.false_share
        measured = {
            "tiles": self.tiles,
            "matches": self.matches,
            "true": self.true,
            "true_matches": self.true_matches,
            "recall": None if recall is None else round(recall, 4),
            "false_alarms_per_1000": None if share is None else round(1000 * share, 4),
        }
        return self.by_radius.document(alert) | {"measured": measured}


def judge_tiles(
    alert: Alert,
    tiles: Iterable[tuple[Rows, Samples]],
    without: Rows,
    true: Rows | None,
    by_radius: RadiusCounts,
) -> AlertTest:
    """Judge stored tiles: their rows int64 [N] and their stored data, in parts.

    without: rows to leave out. true: the rows of the true tiles; None if not known.
    """
    counts = np.zeros(4, np.int64)
    for rows, some in tiles:
        counted = ~np.isin(rows, without)
        matches = judge(alert, some.codes, some.vectors).matches & counted
        own = np.isin(rows, true if true is not None else without) & counted
        counts += [counted.sum(), matches.sum(), own.sum(), (matches & own).sum()]
    judged, matched, of_kind, found = counts.tolist()
    if true is None:
        return AlertTest(judged, matched, None, None, by_radius)
    return AlertTest(judged, matched, of_kind, found, by_radius)


def around_threshold(
    alert: Alert, tiles: Iterable[tuple[Rows, Samples]], most: int
) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """The (distance, row) of the tiles just above the threshold of a rule, and just below it.

    At most `most` of each, by score, the best first; a tile without the rule's input is left out.
    tiles: as in judge_tiles.
    """
    above: list[tuple[float, int, int]] = []
    below: list[tuple[float, int, int]] = []
    for rows, some in tiles:
        judged = judge(alert, some.codes, some.vectors)
        if judged.scores is None:
            continue
        columns = (-judged.scores).tolist(), rows.tolist(), judged.distances.tolist()
        found = list(zip(*columns, judged.matches.tolist(), strict=True))
        above = sorted([*above, *(own[:3] for own in found if own[3])])[-most:]
        below = sorted([*below, *(own[:3] for own in found if not own[3])])[:most]
    within, beyond = ([(distance, row) for _, row, distance in side] for side in (above, below))
    return within, beyond
