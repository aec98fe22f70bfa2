"""How many false alarms a threshold has, from scores of an archive in which nobody named the kind.

The archive holds tiles of the kind itself, nobody knows which, and they have the highest scores. So
its highest scores are taken for a mixture of two: an exponential, as the tails of most
distributions are far out (Pickands, "Statistical inference using extreme order statistics", Annals
of Statistics 1975), of all other tiles; and a normal distribution of tiles of the kind, with the
mean and the deviation of examples that the rule was not fitted on. How much there is of each, and
how fast the exponential falls, is found by expectation maximization (Dempster, Laird, Rubin,
"Maximum likelihood from incomplete data via the EM algorithm", JRSS B 1977).
"""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

# The share of the archive, beside what may be of the kind, whose scores are taken for the tail.
TAIL = 0.1
# At most this share of an archive is taken to be of one kind at first.
MOST_OF_KIND = 0.3
# The share taken to be of the kind where a single example does not show what scores the kind has.
UNKNOWN_KIND = 0.05
# The least deviation of the kind's scores: a share of how far the highest lie above the median.
LEAST_DEVIATION = 0.02
STEPS = 60


@dataclass(frozen=True)
class Tail:
    """The scores of tiles that are of the kind, and of those that are not.

    scores: float64 [N], of all tiles of the archive, ascending. share: that of all tiles which
    reach start without being of the kind. Beyond it their number falls by a factor of e in each
    `scale`. kind: the scores of the kind.
    """

    scores: Floats
    start: float
    share: float
    scale: float
    kind: NormalDist

    def share_above(self, score: float) -> float:
        """The share of all tiles that reach a score without being of the kind."""
        if score <= self.start:
            above = len(self.scores) - int(np.searchsorted(self.scores, score, "left"))
            return max(above / len(self.scores), self.share)
        return self.share * float(np.exp((self.start - score) / self.scale))

    def threshold(self, share: float) -> float:
        """The score which the given share (> 0) of all tiles reach without being of the kind."""
        if share >= self.share:
            above = min(round(share * len(self.scores)), len(self.scores))
            # Of equal scores, more are above than asked for; never beyond where the tail begins.
            return min(float(self.scores[len(self.scores) - max(above, 1)]), self.start)
        return self.start + self.scale * float(np.log(self.share / share))

    def recall(self, score: float) -> float:
        """The share of the tiles of the kind that reach a score."""
        return 1 - self.kind.cdf(score)


def fit_tail(scores: npt.NDArray[np.floating], of_kind: npt.NDArray[np.floating]) -> Tail:
    """Fit the highest scores of an archive's tiles, float [N], N at least 2.

    of_kind: scores of tiles of the kind that the rule was not fitted on; with fewer than two of
    them the highest scores of the archive are taken to be of the kind.
    """
    ordered = np.sort(scores.astype(np.float64))
    count = len(ordered)
    kind = _kind(ordered, of_kind.astype(np.float64))
    # Half of the kind lies above its mean, and little else.
    of_it = float(np.clip(2 * (ordered >= kind.mean).mean(), 2 / count, MOST_OF_KIND))
    first = min(round((1 - of_it - TAIL) * count), count - 2)
    start, excess = float(ordered[first]), ordered[first:] - ordered[first]
    heights = _heights(ordered[first:], kind)
    share = max(len(excess) / count - of_it, TAIL / 2)
    scale = max(float(excess.mean()) / 2, 1e-6)
    for _ in range(STEPS):
        others = share / scale * np.exp(-excess / scale)
        own = others / np.maximum(others + of_it * heights, 1e-300)
        share, of_it = max(float(own.sum()) / count, 1e-9), float((1 - own).sum()) / count
        scale = max(float((own * excess).sum()) / (share * count), 1e-6)
    return Tail(ordered, start, share, scale, kind)


def _kind(ordered: Floats, of_kind: Floats) -> NormalDist:
    """The scores of the kind, by those of some of its tiles."""
    count = len(ordered)
    least = LEAST_DEVIATION * float(ordered[-1] - ordered[count // 2]) + 1e-6
    if len(of_kind) < 2:
        return NormalDist(float(ordered[round((1 - UNKNOWN_KIND) * (count - 1))]), least)
    return NormalDist(float(of_kind.mean()), max(float(of_kind.std(ddof=1)), least))


def _heights(scores: Floats, kind: NormalDist) -> Floats:
    """The density of the kind at scores, float64 [N]."""
    away = (scores - kind.mean) / kind.stdev
    heights: Floats = np.exp(-0.5 * away**2) / (kind.stdev * np.sqrt(2 * np.pi))
    return heights
