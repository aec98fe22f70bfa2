"""A code that is linear in a representation, in whole numbers: the same on every processor."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from scenehash.codes import Codes, pack

# A stored representation: whole numbers from -127 to 127.
Vectors = npt.NDArray[np.int8]
LARGEST_VALUE = 127
# float32 holds every whole number up to this one, so that sums below it are exact in any order.
LARGEST_EXACT = 2**24


@dataclass(frozen=True)
class LinearCode:
    """Bit j of the code of a vector v is set where v @ matrix[:, j] > threshold[j].

    matrix: float32 [D, K], threshold: float32 [K], whole numbers in both.
    """

    matrix: npt.NDArray[np.float32]
    threshold: npt.NDArray[np.float32]

    @classmethod
    def of(
        cls, matrix: npt.NDArray[np.floating], threshold: npt.NDArray[np.floating]
    ) -> "LinearCode":
        """The code for real numbers; each column is scaled to the largest whole numbers with exact
        sums.
        """
        largest = LARGEST_VALUE * np.abs(matrix).sum(axis=0) + np.abs(threshold)
        scale = (LARGEST_EXACT / 2) / np.maximum(largest, 1e-12)
        return cls(
            np.rint(matrix * scale).astype(np.float32),
            np.rint(threshold * scale).astype(np.float32),
        )

    @property
    def bits(self) -> int:
        """Number of bits K."""
        return len(self.threshold)

    @property
    def is_exact(self) -> bool:
        """Whether all numbers are whole, and no sum of products can be rounded."""
        whole = all(np.array_equal(part, np.rint(part)) for part in (self.matrix, self.threshold))
        largest = LARGEST_VALUE * np.abs(self.matrix).sum(axis=0, dtype=np.float64)
        return whole and bool((largest + np.abs(self.threshold) < LARGEST_EXACT).all())

    def logits(self, vectors: Vectors) -> npt.NDArray[np.float32]:
        """Whole numbers float32 [N, K] of vectors int8 [N, D]; a bit is set where above 0."""
        products: npt.NDArray[np.float32] = vectors.astype(np.float32) @ self.matrix
        return products - self.threshold

    def codes(self, vectors: Vectors) -> Codes:
        """Codes uint8 [N, K/8] of vectors int8 [N, D]."""
        return pack(self.logits(vectors))
