"""How many false alarms a threshold has, from scores of an archive in which nobody named the kind.

The archive holds tiles of the kind itself, nobody knows which, and they have the highest scores. So
the tail of all others is looked at below the scores that tiles of the kind have, and continued from
there: it is taken to fall like an exponential, as most distributions do far out (Pickands,
"Statistical inference using extreme order statistics", Annals of Statistics 1975).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

# The share of the archive, just below the scores of the kind, whose scores the tail is fitted to.
FITTED = 0.1
# Standard deviations below the mean score of the kind where its tiles are taken to begin.
BELOW_KIND = 1.0
# At most this share of an archive is taken to be of one kind.
MOST_OF_KIND = 0.3
# The share that is taken to be, where one example alone does not tell what scores the kind has.
UNKNOWN_KIND = 0.1


@dataclass(frozen=True)
class Tail:
    """The scores of the tiles that are not of the kind.

    scores: float64 [N], of all tiles of the archive, ascending. share: of those not of the kind,
    how many exceed start. Beyond it their number falls by a factor of e in each `scale`.
    """

    scores: Floats
    start: float
    share: float
    scale: float

    def share_above(self, score: float) -> float:
        """The share of tiles not of the kind that have a score or exceed it."""
        if score <= self.start:
            above = len(self.scores) - int(np.searchsorted(self.scores, score, "left"))
            return max(above / len(self.scores), self.share)
        return self.share * float(np.exp((self.start - score) / self.scale))

    def threshold(self, share: float) -> float:
        """The score that a share, above 0, of the tiles not of the kind have or exceed."""
        if share >= self.share:
            above = min(round(share * len(self.scores)), len(self.scores))
            return float(self.scores[len(self.scores) - max(above, 1)])
        return self.start + self.scale * float(np.log(self.share / share))


def fit_tail(scores: npt.NDArray[np.floating], of_kind: npt.NDArray[np.floating]) -> Tail:
    """Fit the tail of the scores of an archive's tiles, float [N], N at least 2.

    of_kind: scores of tiles of the kind that the rule was not fitted on; with fewer than two of
    them a tenth of the archive is taken to be of the kind.
    """
    ordered = np.sort(scores.astype(np.float64))
    count = len(ordered)
    if len(of_kind) < 2:
        below = round((1 - UNKNOWN_KIND) * count)
    else:
        begins = float(of_kind.mean() - BELOW_KIND * of_kind.std(ddof=1))
        below = max(int(np.searchsorted(ordered, begins)), round((1 - MOST_OF_KIND) * count))
    fitted = max(round(FITTED * count), 1)
    first = max(below - fitted, 0)
    start, end = ordered[first], ordered[min(below, count - 1)]
    excess, width = ordered[first:below] - start, max(float(end - start), 1e-9)
    scale = _scale(float(excess.mean()), width)
    # What lies beyond the end is not counted: the share there is what the exponential has.
    share = len(excess) / count / -np.expm1(-width / scale)
    return Tail(ordered, float(start), min(float(share), 1.0), scale)


def _scale(mean: float, width: float) -> float:
    """The scale of an exponential that has this mean where it is cut off at a width.

    Its likelihood is greatest there; found by bisection, between nothing and nearly level.
    """
    low, high = 1e-4 * width, 3 * width
    for _ in range(50):
        scale = (low + high) / 2
        if scale - width / np.expm1(min(width / scale, 500.0)) < mean:
            low = scale
        else:
            high = scale
    return (low + high) / 2
