"""The number of false alarms of a threshold, from scores of an unlabelled archive.

The archive also holds tiles of the alert's kind. Nobody knows which, and they have the highest
scores. So the highest scores are modelled as a mixture of two distributions: an exponential for all
other tiles, as the tails of most distributions are far out (Pickands, "Statistical inference using
extreme order statistics", Annals of Statistics 1975); and a normal distribution for tiles of the
kind, with the mean and the deviation of examples that the rule was not fitted on. Expectation
maximization finds the share of each, and the rate of the exponential (Dempster, Laird, Rubin,
"Maximum likelihood from incomplete data via the EM algorithm", JRSS B 1977).

Examples often show one place, and are more similar to each other than to other tiles of their kind.
So the archive's own tiles of the kind count, too: they lower the mean and widen the deviation of
the kind, with at most the weight of as many examples, and within limits.

A tile that is at least as near to a negative as to an example has the score EXCLUDED. It never
matches, so its score tells nothing about those that may.
"""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from .judging import EXCLUDED

Floats = npt.NDArray[np.float64]

# The share of the archive, beside what may be of the kind, whose scores are taken for the tail.
TAIL = 0.1
# At most this share of an archive is taken to be of one kind at first.
MOST_OF_KIND = 0.3
# The assumed share of the kind if a single example does not show its scores.
UNKNOWN_KIND = 0.05
# The least deviation of the kind's scores: a share of how far the highest lie above the median.
LEAST_DEVIATION = 0.02
# The deviation up to which an archive's own tiles widen the kind's: a share of how far its mean
# lies above where the tail begins.
WIDEST = 0.12
STEPS = 60


@dataclass(frozen=True)
class Tail:
    """The scores of tiles that are of the kind, and of those that are not.

    scores: float64 [N], of all tiles of the archive, ascending. share: the share of all tiles that
    reach start without being of the kind. Beyond start their number falls by a factor of e per
    `scale`. kind: the scores of the kind, for the share of it that no negative excludes.
    """

    scores: Floats
    start: float
    share: float
    scale: float
    kind: NormalDist
    kind_share: float = 1.0

    def share_above(self, score: float) -> float:
        """The share of all tiles that reach a score without being of the kind."""
        if score <= self.start:
            above = len(self.scores) - int(np.searchsorted(self.scores, score, "left"))
            return max(above / len(self.scores), self.share)
        return self.share * float(np.exp((self.start - score) / self.scale))

    def threshold(self, share: float) -> float:
        """The score, at least -1, which the given share (> 0) of all tiles reach without being of
        the kind.
        """
        if share >= self.share:
            above = min(round(share * len(self.scores)), len(self.scores))
            # Of equal scores, more are above than asked for; never beyond where the tail begins.
            highest = min(float(self.scores[len(self.scores) - max(above, 1)]), self.start)
            return max(highest, -1.0)
        return max(self.start + self.scale * float(np.log(self.share / share)), -1.0)

    def recall(self, score: float) -> float:
        """The share of the tiles of the kind that reach a score."""
        return self.kind_share * (1 - self.kind.cdf(score))


def fit_tail(scores: npt.NDArray[np.floating], of_kind: npt.NDArray[np.floating]) -> Tail:
    """Fit the highest scores of an archive's tiles, float [N], N at least 2.

    of_kind: scores of tiles of the kind that the rule was not fitted on; with fewer than two of
    them, the highest scores of the archive are assumed to be of the kind. EXCLUDED ones count only
    as tiles that never match.
    """
    ordered = np.sort(scores.astype(np.float64))
    count = len(ordered)
    # At least two tiles have to remain for the tail.
    excluded = min(int(np.searchsorted(ordered, EXCLUDED, "right")), count - 2)
    possible = of_kind[of_kind > EXCLUDED].astype(np.float64)
    kind_share = len(possible) / len(of_kind) if len(of_kind) else 1.0
    kind = _kind(ordered, excluded, possible)
    # Half of the kind lies above its mean, and few other tiles do.
    of_it = float(np.clip(2 * (ordered >= kind.mean).mean(), 2 / count, MOST_OF_KIND))
    first = max(min(round((1 - of_it - TAIL) * count), count - 2), excluded)
    start, excess = float(ordered[first]), ordered[first:] - ordered[first]
    share = max(len(excess) / count - of_it, TAIL / 2)
    scale = max(float(excess.mean()) / 2, 1e-6)
    examples = kind
    for _ in range(STEPS):
        others = share / scale * np.exp(-excess / scale)
        own = others / np.maximum(others + of_it * _heights(ordered[first:], kind), 1e-300)
        share, of_it = max(float(own.sum()) / count, 1e-9), float((1 - own).sum()) / count
        scale = max(float((own * excess).sum()) / (share * count), 1e-6)
        if len(possible) > 1:
            kind = _widened(examples, len(possible), ordered[first:], 1 - own)
    return Tail(ordered, start, share, scale, kind, kind_share)


def _kind(ordered: Floats, excluded: int, of_kind: Floats) -> NormalDist:
    """The scores of the kind, from the scores of some of its tiles.

    ordered: an archive's scores, ascending, of which the first `excluded` never match.
    """
    count = len(ordered)
    middle = excluded + (count - excluded) // 2
    least = LEAST_DEVIATION * float(ordered[-1] - ordered[middle]) + 1e-6
    if len(of_kind) < 2:
        place = max(round((1 - UNKNOWN_KIND) * (count - 1)), excluded)
        return NormalDist(float(ordered[place]), least)
    return NormalDist(float(of_kind.mean()), max(float(of_kind.std(ddof=1)), least))


def _widened(examples: NormalDist, count: int, scores: Floats, of_it: Floats) -> NormalDist:
    """The scores of the kind, from this number of examples and an archive's highest scores,
    ascending.

    of_it: the probability that each of these is of the kind. Together they count as at most `count`
    tiles, and widen the deviation to at most WIDEST: if the examples vary more, they alone count.
    """
    widest = WIDEST * (examples.mean - float(scores[0]))
    if examples.stdev >= widest:
        return examples
    weights = of_it * min(1.0, count / max(float(of_it.sum()), 1e-9))
    total = count + float(weights.sum())
    found = (count * examples.mean + float((weights * scores).sum())) / total
    lowest = examples.mean - 2 * (widest - examples.stdev)
    mean = min(max(found, lowest), examples.mean)
    spread = count * (examples.variance + (examples.mean - found) ** 2)
    spread += float((weights * (scores - found) ** 2).sum())
    return NormalDist(mean, min(max(float(np.sqrt(spread / total)), examples.stdev), widest))


def _heights(scores: Floats, kind: NormalDist) -> Floats:
    """The density of the kind at scores, float64 [N]."""
    away = (scores - kind.mean) / kind.stdev
    heights: Floats = np.exp(-0.5 * away**2) / (kind.stdev * np.sqrt(2 * np.pi))
    return heights
