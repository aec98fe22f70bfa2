"""What an alert's radius would have found, and which radius to take."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from scenehash.codes import Codes
from scenehash.store import Alert

Counts = npt.NDArray[np.int64]

# Neighbouring radii are weighed together: single tiles make no valley.
SMOOTHING = (0.25, 0.5, 0.25)


@dataclass(frozen=True)
class Tuning:
    """How many stored tiles are at each distance, 0 to K/2 bits, from an alert's examples.

    tiles: int64 [K/2 + 1]. true: of these, the tiles that are truly of the kind, and true_total:
    how many there are at any distance; None where nobody has said which are.
    """

    tiles: Counts
    true: Counts | None = None
    true_total: int = 0

    @property
    def matches(self) -> Counts:
        """How many tiles each radius matches: int64 [K/2 + 1]."""
        return np.cumsum(self.tiles)

    def precision(self) -> npt.NDArray[np.float64]:
        """Which share of what each radius matches is of the kind: float64 [K/2 + 1]; 1 of none."""
        assert self.true is not None
        matches = self.matches
        return np.where(matches > 0, np.cumsum(self.true) / np.maximum(matches, 1), 1.0)

    def recall(self) -> npt.NDArray[np.float64]:
        """Which share of the kind each radius matches: float64 [K/2 + 1]."""
        assert self.true is not None
        return np.cumsum(self.true) / max(self.true_total, 1)

    def proposed(self) -> int:
        """The radius to take.

        Where it is known which tiles are of the kind: the one with the best F1 (the harmonic mean
        of precision and recall), the smallest of equals. Where it is not: tiles of the kind are a
        peak near the examples, all others a larger one farther off, and the radius is where the
        valley between them is lowest, the smallest of equals. Of a kind that has no peak of its own
        this knows nothing: look at the pictures.
        """
        if self.true is not None:
            precision, recall = self.precision(), self.recall()
            return int(np.argmax(precision * recall / np.maximum(precision + recall, 1e-9)))
        smooth = np.convolve(self.tiles, SMOOTHING, "same")
        others = int(np.argmax(smooth))
        near = int(np.argmax(smooth[: max(1, others // 2)]))
        return near + int(np.argmin(smooth[near : others + 1]))


def tune(
    alert: Alert,
    tiles: Iterable[tuple[npt.NDArray[np.int64], Codes]],
    true: npt.NDArray[np.int64] | None = None,
) -> Tuning:
    """Count the tiles at each distance from an alert's examples.

    tiles: rows int64 [N] and codes uint8 [N, K/8], in parts. true: int64, the rows of the tiles
    that are truly of the kind.
    """
    bits = 8 * alert.examples.shape[1]
    # The last place takes what a negative example rules out.
    found, kind = np.zeros(bits + 2, np.int64), np.zeros(bits + 2, np.int64)
    for rows, codes in tiles:
        distances = alert.distances(codes)
        found += np.bincount(distances, minlength=bits + 2)
        if true is not None:
            kind += np.bincount(distances[np.isin(rows, true)], minlength=bits + 2)
    shown = bits // 2 + 1
    tuning = Tuning(found[:shown])
    return tuning if true is None else replace(tuning, true=kind[:shown], true_total=kind.sum())


def around(
    alert: Alert,
    tiles: Iterable[tuple[npt.NDArray[np.int64], Codes]],
    radius: int,
    most: int,
) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """The tiles just within a radius, and those just beyond it: (distance, row) of each.

    At most so many of either: within, those that are farthest from the examples; beyond, those that
    are nearest; both in the order of (distance, row).
    """
    within: list[tuple[int, int]] = []
    beyond: list[tuple[int, int]] = []
    none = 8 * alert.examples.shape[1] + 1
    for rows, codes in tiles:
        distances = alert.distances(codes)
        for group, chosen in ((within, distances <= radius), (beyond, distances > radius)):
            here = np.flatnonzero(chosen & (distances < none))
            order = here[np.argsort(distances[here], kind="stable")]
            some = order[-most:] if group is within else order[:most]
            group += zip(distances[some].tolist(), rows[some].tolist(), strict=True)
        within, beyond = sorted(within)[-most:], sorted(beyond)[:most]
    return within, beyond
