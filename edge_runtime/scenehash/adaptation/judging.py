"""Whether adapted codes are better than the codes before, without labels, on held-out tiles.

familiarity  the share of tiles with the leading bits of another tile. A model gives one code word
             to a kind that it was trained on, and many words to other kinds: if most tiles share
             theirs, the model knows the archive, and adapted codes would lose its training.
spread       the mean distance of the leading bits of two tiles, as a share of these bits. If it is
             small, all tiles look like one kind: then familiarity is large, and does not show
             whether the model was trained on that kind.
agreement    of pairs of tiles that are among each other's ten nearest by the representation, the
             share that is among the ten nearest by code. Its rise estimates the gain of the codes.
steadiness   of tiles that are turned, darkened and cropped, the mean of 1 / rank of the tile itself
             among all tiles.

On twenty archives and parts of archives with known labels (docs/adaptation.md) familiarity was 0.83
or more where the model knew the kinds, and codes lost up to 10 %; it was 0.44 or less where it did
not, and codes gained 12 to 64 %.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from scenehash.codes import Codes, unpack
from scenehash.model.linear_code import Vectors
from scenehash.retrieval.familiarity import KNOWN_SHARE, WORD_BITS, familiarity
from scenehash.store import unit
from scenehash.tiles import Image, to_tile

NEAREST = 10
# The spread below which all tiles count as one kind.
ONE_KIND = 0.25
# The minimum rise of agreement of better codes.
ENOUGH = 0.02
# The maximum fall of steadiness.
MOST_UNSTEADY = 0.05
DARKER = 0.7
CROP = 0.8

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Measure:
    """One measure of the codes before and after adaptation."""

    before: float
    after: float

    @property
    def change(self) -> float:
        """The change, as a fraction of what it was before."""
        return self.after / self.before - 1 if self.before > 0 else 0.0


@dataclass(frozen=True)
class Judgement:
    """The changes by an adaptation on held-out tiles.

    tiles: their number. steadiness: None if none of their scenes could be read.
    """

    tiles: int
    familiarity: float
    spread: float
    agreement: Measure
    steadiness: Measure | None

    @property
    def is_known(self) -> bool:
        """Whether the model, unadapted, knows the kinds of scene."""
        return self.familiarity >= KNOWN_SHARE

    @property
    def is_one_kind(self) -> bool:
        """Whether all tiles look alike to the model, for example open sea."""
        return self.spread < ONE_KIND

    @property
    def gain(self) -> float:
        """The estimated gain of the codes, as a fraction; 0 if the model knows the kinds."""
        return 0.0 if self.is_known else self.agreement.change

    @property
    def loses_steadiness(self) -> bool:
        """Whether the adapted codes lose more steadiness than allowed."""
        steady = self.steadiness
        return steady is not None and steady.after < steady.before - MOST_UNSTEADY

    @property
    def is_better(self) -> bool:
        """Whether the adapted codes are better."""
        return self.gain >= ENOUGH and not (self.is_known or self.loses_steadiness)


def judge(
    vectors: Vectors, before: Codes, after: Codes, steadiness: Measure | None = None
) -> Judgement:
    """Judge codes uint8 [N, K/8] of N tiles with representations vectors int8 [N, D]."""
    pairs = mutual_neighbours(vectors)
    return Judgement(
        len(vectors),
        familiarity(before),
        spread(before),
        Measure(agreement(before, pairs), agreement(after, pairs)),
        steadiness,
    )


def spread(codes: Codes) -> float:
    """The mean distance of the leading bits of codes uint8 [N, K/8], as a share; see above."""
    share = unpack(codes[:, : WORD_BITS // 8]).mean(axis=0)
    return float((2 * share * (1 - share)).mean())


def mutual_neighbours(vectors: Vectors) -> npt.NDArray[np.bool_]:
    """The pairs [N, N] that are among each other's nearest, by the cosine of centred vectors."""
    centred = vectors.astype(np.float32) - vectors.mean(axis=0, dtype=np.float32)
    units = unit(centred)
    nearest = _nearest(units @ units.T)
    return nearest & nearest.T


def agreement(codes: Codes, pairs: npt.NDArray[np.bool_]) -> float:
    """The share of pairs that are also near by codes uint8 [N, K/8]; see above."""
    near = _nearest(_similarities(codes, codes))
    return float((near & pairs).sum() / max(1, pairs.sum()))


def steadiness(changed: Codes, codes: Codes, own: npt.NDArray[np.int64]) -> float:
    """The mean of 1 / rank of the tile itself, for changed versions of tiles.

    changed: uint8 [M, K/8]; codes: uint8 [N, K/8] of all; own: int64 [M], the index of the tile
    itself. Ties count with their mean rank.
    """
    likeness = _similarities(changed, codes)
    itself = likeness[np.arange(len(own)), own][:, None]
    better, equal = (likeness > itself).sum(axis=1), (likeness == itself).sum(axis=1)
    return float((1 / (better + (equal + 1) / 2)).mean())


def changed_versions(tile: Image) -> list[Image]:
    """A tile uint8 [S, S, 3] turned, darkened, and cropped."""
    size = len(tile)
    margin = round(size * (1 - CROP) / 2)
    darker = cv2.convertScaleAbs(tile, alpha=DARKER)
    middle = np.ascontiguousarray(tile[margin : size - margin, margin : size - margin])
    cropped = to_tile(middle, size)
    return [np.ascontiguousarray(np.rot90(tile)), np.asarray(darker, np.uint8), cropped]


def _similarities(codes: Codes, others: Codes) -> Floats:
    """The number of equal bits minus the number of different bits, float32 [N, M]."""
    left, right = (unpack(part).astype(np.float32) * 2 - 1 for part in (codes, others))
    result: Floats = left @ right.T
    return result


def _nearest(likeness: Floats) -> npt.NDArray[np.bool_]:
    """Which other tiles are among the nearest of each, bool [N, N]; ties by position."""
    own = likeness.copy()
    np.fill_diagonal(own, -np.inf)
    order = np.argsort(-own, axis=1, kind="stable")[:, : min(NEAREST, len(own) - 1)]
    near = np.zeros(own.shape, np.bool_)
    np.put_along_axis(near, order, True, axis=1)
    return near
