"""An order of hits by codes and representations together, which depends on the model's familiarity.

If a model knows the kinds of scene in a store, its codes separate them best, and representations
help a little. If not, representations separate them better: they then get the largest weight, after
subtraction of the store's mean, and more of the nearest hits are compared.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from scenehash.codes import Codes, nearest_hamming
from scenehash.store import TileSample, unit

from .familiarity import KNOWN_SHARE, familiarity

Floats = npt.NDArray[np.float32]

# The leading bits that separate known kinds of scene best.
LEADING_BITS = 64
# What a cosine counts beside two similarities of codes, and hits that are compared. On kinds that a
# model knows, weights up to 0.1 lose nothing to codes alone; on others 4 to 8 differ by a point:
# docs/quality.md.
KNOWN_WEIGHT, KNOWN_NEAREST = 0.1, 100
UNKNOWN_WEIGHT, UNKNOWN_NEAREST = 6.0, 300
# The weight, of the KNOWN_NEAREST, at a familiarity of KNOWN_SHARE, where a store has both; and
# where familiarity says nothing: of an adapted model's codes, and of fewer sampled tiles than this.
UNSURE_WEIGHT, LEAST_SAMPLED = 0.5, 300
# The familiarity up to which kinds are unknown, and from which almost all are known. The weight
# falls from the one to KNOWN_SHARE, and from there to the other.
UNKNOWN_SHARE, ALL_KNOWN_SHARE = 0.45, 0.8


@dataclass(frozen=True)
class Mixing:
    """The weights of codes and representations.

    weight: the weight of a cosine next to two similarities of codes. middle: float32 [D],
    subtracted from vectors first. nearest: the number of hits that are compared.
    """

    weight: float
    middle: Floats
    nearest: int

    @classmethod
    def of(cls, sample: TileSample, adapted: bool) -> "Mixing":
        """The weights from a sample of a store's tiles; adapted: whether an adapted model made
        their codes.
        """
        dims = sample.vectors.shape[1]
        unsure = adapted or len(sample) < LEAST_SAMPLED
        share = KNOWN_SHARE if unsure else familiarity(sample.codes)
        shares = UNKNOWN_SHARE, KNOWN_SHARE, ALL_KNOWN_SHARE
        weight = float(np.interp(share, shares, (UNKNOWN_WEIGHT, UNSURE_WEIGHT, KNOWN_WEIGHT)))
        if share >= KNOWN_SHARE:
            return cls(weight, np.zeros(dims, np.float32), KNOWN_NEAREST)
        middle = sample.vectors.mean(axis=0, dtype=np.float64).astype(np.float32)
        return cls(weight, middle, UNKNOWN_NEAREST)

    def scores(
        self,
        stored: Codes,
        queries: Codes,
        stored_vectors: npt.NDArray[np.int8],
        query_vectors: npt.NDArray[np.int8],
        cosines: Floats | None = None,
    ) -> Floats:
        """The similarity of tiles to the nearest of the queries: float32 [N].

        stored: uint8 [N, K/8], queries: uint8 [T, K/8], their vectors int8 [N, D] and [Q, D]. The
        sum of the similarity of the leading bits and of all bits, each from -1 to 1, and the
        weighted largest cosine of vectors. cosines: of the unchanged vectors, float32 [N], if
        already computed.
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
