"""The matches of each radius of an alert among stored tiles, and a proposed radius."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from scenehash.codes import Codes
from scenehash.store import Alert
from scenehash.store.rows import Rows

from .judging import distance_counts, example_distances

Counts = npt.NDArray[np.int64]

# Counts of neighbouring distances are averaged: a single tile makes no valley.
SMOOTHING = (0.25, 0.5, 0.25)


@dataclass(frozen=True)
class RadiusCounts:
    """Histogram of the distances, 0 to K/2 bits, of stored tiles from an alert's examples.

    tiles: int64 [K/2 + 1]. true: the same for true matches; None if not known. tiles_total,
    true_total: the numbers of tiles and true matches at any distance.
    """

    tiles: Counts
    true: Counts | None = None
    tiles_total: int = 0
    true_total: int = 0

    @classmethod
    def of(
        cls, alert: Alert, tiles: Iterable[tuple[Rows, Codes]], true: Rows | None = None
    ) -> "RadiusCounts":
        """Count tiles by their distance from an alert's examples.

        tiles: rows int64 [N] and codes uint8 [N, K/8], in parts. true: the rows of true matches.
        """
        bits = 8 * alert.examples.shape[1]
        found, matches = np.zeros(bits + 2, np.int64), np.zeros(bits + 2, np.int64)
        for rows, codes in tiles:
            found += distance_counts(alert, codes)
            if true is not None:
                matches += distance_counts(alert, codes[np.isin(rows, true)])
        bins = bits // 2 + 1
        counted = cls(found[:bins], tiles_total=int(found.sum()))
        if true is None:
            return counted
        return replace(counted, true=matches[:bins], true_total=int(matches.sum()))

    @property
    def matches(self) -> Counts:
        """The number of tiles that each radius matches: int64 [K/2 + 1]."""
        return np.cumsum(self.tiles)

    def precision(self) -> npt.NDArray[np.float64]:
        """Precision of each radius, float64 [K/2 + 1]; 1 if nothing matches."""
        assert self.true is not None
        matches = self.matches
        return np.where(matches > 0, np.cumsum(self.true) / np.maximum(matches, 1), 1.0)

    def recall(self) -> npt.NDArray[np.float64]:
        """Recall of each radius, float64 [K/2 + 1]."""
        assert self.true is not None
        return np.cumsum(self.true) / max(self.true_total, 1)

    def proposed(self) -> int:
        """The proposed radius in bits.

        With true matches: the radius with the best F1 (the harmonic mean of precision and recall).
        Without: the matching tiles are assumed to form a peak of the histogram near the examples,
        and all others a larger peak farther away; the radius is the lowest point of the valley
        between them. Of equal radii, the smallest. If a kind has no peak of its own, the radius is
        useless: check it on a contact sheet.
        """
        if self.true is not None:
            precision, recall = self.precision(), self.recall()
            return int(np.argmax(precision * recall / np.maximum(precision + recall, 1e-9)))
        smooth = np.convolve(self.tiles, SMOOTHING, "same")
        others = int(np.argmax(smooth))
        near = int(np.argmax(smooth[: max(1, others // 2)]))
        return near + int(np.argmin(smooth[near : others + 1]))

    def document(self, alert: Alert) -> dict[str, object]:
        """The counts for an alert as plain values for JSON.

        matches[r] of tiles: the number of stored tiles that a radius of r bits matches.
        """
        document = alert.document() | {
            "proposed": self.proposed(),
            "tiles": self.tiles_total,
            "matches": self.matches.tolist(),
        }
        if self.true is not None:
            document["precision"] = self.precision().round(4).tolist()
            document["recall"] = self.recall().round(4).tolist()
        return document


def around_radius(
    alert: Alert,
    tiles: Iterable[tuple[Rows, Codes]],
    radius: int,
    most: int,
) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """The (distance, row) of the tiles just within a radius, and of the tiles just beyond it.

    At most `most` of each: within, the farthest from the examples; beyond, the nearest; both in the
    order of (distance, row).
    """
    within: list[tuple[int, int]] = []
    beyond: list[tuple[int, int]] = []
    excluded = 8 * alert.examples.shape[1] + 1
    for rows, codes in tiles:
        distances = example_distances(alert, codes)
        for group, chosen in ((within, distances <= radius), (beyond, distances > radius)):
            here = np.flatnonzero(chosen & (distances < excluded))
            order = here[np.argsort(distances[here], kind="stable")]
            some = order[-most:] if group is within else order[:most]
            group += zip(distances[some].tolist(), rows[some].tolist(), strict=True)
        within, beyond = sorted(within)[-most:], sorted(beyond)[:most]
    return within, beyond
