"""The second look at hits: codes and representations together, by what the model knows.

Where a model knows the kinds of scene that a store holds, its codes tell them apart best, and
representations help a little. Where it does not, representations tell more: they count most then,
less the mean of the store's, and more of the nearest are looked at.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from scenehash.codes import Codes, nearest_hamming
from scenehash.store import TileSample, unit

from .familiarity import KNOWN_SHARE, familiarity

Floats = npt.NDArray[np.float32]

# Leading bits that tell known kinds of scene apart best.
LEADING_BITS = 64
# What a cosine counts beside two similarities of codes, and hits that are compared. Of the weights
# tried on kinds that a model knows, the largest that lost no more than 0.3 points to codes alone;
# on others 4 to 8 differ by a point: docs/quality.md.
KNOWN_WEIGHT, KNOWN_NEAREST = 0.5, 100
UNKNOWN_WEIGHT, UNKNOWN_NEAREST = 6.0, 300
# The familiarity up to which kinds are unknown; up to KNOWN_SHARE the weight falls.
UNKNOWN_SHARE = 0.45
# Of fewer sampled tiles, familiarity cannot tell.
LEAST_SAMPLED = 300


@dataclass(frozen=True)
class Mixing:
    """How codes and representations are weighed against each other.

    weight: what a cosine counts beside two similarities of codes. middle: float32 [D], what is
    taken from vectors before. nearest: hits that are compared.
    """

    weight: float
    middle: Floats
    nearest: int

    @classmethod
    def of(cls, sample: TileSample, adapted: bool) -> "Mixing":
        """By some tiles of a store; adapted: whether their codes are those of an adapted model."""
        dims = sample.vectors.shape[1]
        share = 1.0 if adapted or len(sample) < LEAST_SAMPLED else familiarity(sample.codes)
        if share >= KNOWN_SHARE:
            return cls(KNOWN_WEIGHT, np.zeros(dims, np.float32), KNOWN_NEAREST)
        weight = np.interp(share, [UNKNOWN_SHARE, KNOWN_SHARE], [UNKNOWN_WEIGHT, KNOWN_WEIGHT])
        middle = sample.vectors.mean(axis=0, dtype=np.float64).astype(np.float32)
        return cls(float(weight), middle, UNKNOWN_NEAREST)

    def scores(
        self,
        stored: Codes,
        queries: Codes,
        stored_vectors: npt.NDArray[np.int8],
        query_vectors: npt.NDArray[np.int8],
        cosines: Floats | None = None,
    ) -> Floats:
        """How alike tiles are to the nearest of queries: float32 [N].

        stored: uint8 [N, K/8], queries: uint8 [T, K/8], their vectors int8 [N, D] and [Q, D]. The
        sum of the similarity of the leading bits, that of all bits, each from -1 to 1, and the
        largest cosine of vectors by its weight. cosines: those of the vectors as they are, float32
        [N], where they are at hand.
        """
        if cosines is None or self.middle.any():
            cosines = largest_cosines(stored_vectors - self.middle, query_vectors - self.middle)
        scores: Floats = self.weight * cosines
        for size in (min(LEADING_BITS // 8, stored.shape[1]), stored.shape[1]):
            distances = nearest_hamming(
                np.ascontiguousarray(stored[:, :size]), np.ascontiguousarray(queries[:, :size])
            )
            scores += 1 - distances.astype(np.float32) / (4 * size)
        return scores


def largest_cosines(
    stored: Floats | npt.NDArray[np.int8], asked: Floats | npt.NDArray[np.int8]
) -> Floats:
    """The largest cosine of each of stored [N, D] with any of asked [Q, D]: float32 [N]."""
    cosines: Floats = (unit(stored) @ unit(asked).T).max(axis=1)
    return cosines
