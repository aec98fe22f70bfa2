"""The rule of an alert: chosen for its examples by cross-validation, with an archive as background.

Candidates are the nearest example, the centroid of the examples, and a linear rule (Fisher's
discriminant between the examples and the archive, "The use of multiple measurements in taxonomic
problems", Annals of Eugenics 1936; with few examples as Hariharan, Malik, Ramanan, "Discriminative
decorrelation for clustering and classification", ECCV 2012). Each is tried on codes, and on
representations if the archive keeps them. Each example in turn is left out, to measure the scores
of matching tiles that the rule was not fitted on. The chosen rule has the highest recall at the
requested false alarm rate.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import get_args

import numpy as np
import numpy.typing as npt

from scenehash.codes import Codes
from scenehash.store import Expected, Kind, Rule, Scores, fitted_on, unit
from scenehash.store.records import SceneVectors

from .judging import best_scores, values_read
from .score_tail import Tail, fit_tail

KINDS: tuple[Kind, ...] = get_args(Kind)
# Share of the mean variance that is added to each direction of the archive's.
DAMPING = 0.1
# How much of the negatives' mean is subtracted from the examples' mean.
AWAY_FROM_NEGATIVES = 0.5
# Tiles for each direction of the archive's variance that a linear rule needs: fitted on fewer, it
# takes the archive's own tiles of the kind for background.
TILES_A_DIRECTION = 4
# The maximum number of examples to leave out in turn.
MOST_LEFT_OUT = 20


@dataclass(frozen=True, eq=False)
class Samples:
    """Tiles: codes uint8 [N, K/8], and their representations, or None where not all have one."""

    codes: Codes
    vectors: SceneVectors | None = None

    def __len__(self) -> int:
        return len(self.codes)

    def part(self, chosen: npt.NDArray[np.bool_]) -> "Samples":
        """The samples in a mask, bool [N]."""
        own = self.vectors
        some = None if own is None else SceneVectors(own.frame, own.values[chosen])
        return Samples(self.codes[chosen], some)

    def values(self, frame: str | None) -> Scores:
        """The input of a rule, float32 [N, D]: representations, or, without a frame, codes."""
        return values_read(frame, self.codes, self.vectors)


@dataclass(frozen=True, eq=False)
class _Space:
    """The space in which a rule is fitted: an archive's tiles as the rule's input.

    values: float32 [N, D]; chosen, bool [N]: the tiles that are used. centre: float32 [D]. mean,
    covariance: of the unit vectors of the chosen tiles; the covariance is damped.
    """

    frame: str | None
    values: Scores
    chosen: npt.NDArray[np.bool_]
    centre: Scores
    mean: Scores
    covariance: Scores

    @classmethod
    def of(cls, archive: Samples, frame: str | None) -> "_Space":
        every = archive.values(frame)
        return cls._of(frame, every, np.ones(len(every), np.bool_))

    def kinds(self) -> list[Kind]:
        """The kinds of rule for which there are enough tiles."""
        tiles, directions = self.values.shape
        is_enough = tiles >= TILES_A_DIRECTION * directions
        return [kind for kind in KINDS if kind != "linear" or is_enough]

    def halves(self) -> "tuple[_Space, _Space]":
        """The same space with each half of the tiles."""
        even = np.arange(len(self.values)) % 2 == 0
        first, second = (self._of(self.frame, self.values, half) for half in (even, ~even))
        return first, second

    @classmethod
    def _of(cls, frame: str | None, every: Scores, chosen: npt.NDArray[np.bool_]) -> "_Space":
        values = every[chosen]
        # The bits of a code are of equal weight as they are.
        centre = np.zeros_like(values[0]) if frame is None else values.mean(axis=0)
        units = unit(values - centre)
        mean = units.mean(axis=0)
        spread = (units - mean).T @ (units - mean) / len(units)
        damping = DAMPING * np.trace(spread) / len(spread) + 1e-9
        covariance = spread + damping * np.eye(len(spread), dtype=np.float32)
        return cls(frame, every, chosen, centre, mean, covariance)

    def templates(self, kind: Kind, like: Scores, unlike: Scores) -> tuple[Scores, int]:
        """The templates float32 [T, D] of a kind of rule, and how many of them are positive."""
        like, unlike = unit(like - self.centre), unit(unlike - self.centre)
        if kind == "nearest":
            return np.concatenate([like, unlike]), len(like)
        towards, away = like.mean(axis=0), 1.0
        if len(unlike):
            towards, away = (
                towards - AWAY_FROM_NEGATIVES * unlike.mean(axis=0),
                away - AWAY_FROM_NEGATIVES,
            )
        if kind == "linear":
            towards = np.linalg.solve(self.covariance, towards - away * self.mean)
        return unit(towards[None].astype(np.float32)), 1


@dataclass(frozen=True, eq=False)
class _Candidate:
    """A candidate rule: the archive's scores, and the scores of left-out examples."""

    kind: Kind
    space: _Space
    templates: Scores
    positives: int
    tail: Tail
    left_out: Scores

    def recall(self, share: float) -> float:
        """The expected recall at a share of false alarms."""
        return self.tail.recall(self.tail.threshold(share))


@dataclass(frozen=True, eq=False)
class Candidates:
    """The candidate rules of an alert, of which each false alarm rate has its best.

    like: the examples, at least one. unlike: negatives. archive: the number of archive tiles.
    tried: the first is the nearest example of codes.
    """

    like: Samples
    unlike: Samples
    archive: int
    tried: tuple[_Candidate, ...]

    @classmethod
    def fit(cls, like: Samples, unlike: Samples, archive: Samples) -> "Candidates":
        """Fit all rules. archive: tiles of all kinds, at least two."""
        frames: list[str | None] = [None]
        if all(some.vectors is not None for some in (like, unlike, archive)):
            assert archive.vectors is not None
            frames.append(archive.vectors.frame)
        spaces = [_Space.of(archive, frame) for frame in frames]
        tried = tuple(
            _tried(kind, space, like, unlike) for space in spaces for kind in space.kinds()
        )
        return cls(like, unlike, len(archive), tried)

    def rule(self, asked: str, share: float) -> tuple[Rule, int]:
        """The best rule, and its threshold, for a share of false alarms; and a radius for it.

        asked: the share as the user gave it. The radius, in bits, is that of the nearest example's
        code, for tiles without the rule's input.
        """
        nearest, one_example = self.tried[0], len(self.like) == 1
        # With a single example nothing can be left out, so rules cannot be compared: use the
        # nearest example.
        best = nearest if one_example else max(self.tried, key=lambda one: one.recall(share))
        bits = 8 * self.like.codes.shape[1]
        radius = radius_of(nearest.tail.threshold(share), bits)
        threshold = best.tail.threshold(share)
        if best is nearest:
            threshold = 1 - (2 * radius + 1) / bits
        recall = None if one_example else best.tail.recall(threshold)
        expected = Expected(asked, share, best.tail.share_above(threshold), recall, self.archive)
        rule = Rule(
            best.kind,
            best.space.frame,
            best.space.centre,
            best.templates,
            best.positives,
            threshold,
            expected,
            fitted_on(self.like.codes, self.unlike.codes),
            _joined(self.like.vectors, self.unlike.vectors),
        )
        return rule, radius


def radius_of(threshold: float, bits: int) -> int:
    """The largest number of bits, at least 0, in which codes with this product differ."""
    return min(max(int(np.floor(bits * (1 - threshold) / 2 + 1e-6)), 0), bits - 1)


def _tried(kind: Kind, space: _Space, like: Samples, unlike: Samples) -> _Candidate:
    """A rule of a kind, fitted on all examples, and on all but each example in turn."""
    own, other = like.values(space.frame), unlike.values(space.frame)
    left_out = np.array(list(_left_out(kind, space, own, other)), np.float32)
    templates, positives = space.templates(kind, own, other)
    if kind == "linear":
        scores = np.concatenate([_unseen(part, space, own, other) for part in space.halves()])
    else:
        scores = _scores(space, space.values, templates, positives)
    return _Candidate(kind, space, templates, positives, fit_tail(scores, left_out), left_out)


def _unseen(part: _Space, space: _Space, like: Scores, unlike: Scores) -> Scores:
    """Scores of an archive's tiles by linear rules that were fitted on the other part of it."""
    templates, positives = part.templates("linear", like, unlike)
    return _scores(part, space.values[~part.chosen], templates, positives)


def _left_out(kind: Kind, space: _Space, like: Scores, unlike: Scores) -> Iterator[float]:
    """The scores of examples by rules that were fitted on the other examples."""
    for number in range(min(len(like), MOST_LEFT_OUT) if len(like) > 1 else 0):
        templates, positives = space.templates(kind, np.delete(like, number, axis=0), unlike)
        yield float(_scores(space, like[number : number + 1], templates, positives)[0])


def _scores(space: _Space, values: Scores, templates: Scores, positives: int) -> Scores:
    products = unit(values - space.centre) @ templates.T
    return best_scores(products, positives)


def _joined(first: SceneVectors | None, second: SceneVectors | None) -> SceneVectors | None:
    if first is None or second is None:
        return None
    return SceneVectors(first.frame, np.concatenate([first.values, second.values]))


def samples_of(
    codes: Codes, vectors: Iterable[SceneVectors | None], frame: str | None, dims: int
) -> Samples:
    """Tiles with their codes uint8 [N, K/8] and representations, one each, in a frame.

    Without representations unless each tile has one in that frame, int8 [1, dims].
    """
    found = list(vectors)
    sound = [
        own.values.reshape(-1)
        for own in found
        if own is not None and own.frame == frame and own.values.size == dims
    ]
    if frame is None or len(sound) < len(found):
        return Samples(codes)
    return Samples(codes, SceneVectors(frame, np.array(sound, np.int8).reshape(-1, dims)))
