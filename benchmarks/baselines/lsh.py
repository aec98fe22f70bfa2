"""Signs of random projections."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from scenehash_train.data import Labels

Vectors = npt.NDArray[np.float32]


def fit_lsh(vectors: Vectors, labels: Labels, bits: int, seed: int) -> Callable[[Vectors], Vectors]:
    """Random hyperplanes through the mean of vectors [N, D]; gives logits float32 [M, bits].

    Source: Charikar, "Similarity Estimation Techniques from Rounding Algorithms", STOC 2002.
    """
    del labels
    mean = vectors.mean(axis=0)
    planes = np.random.default_rng(seed).normal(size=(vectors.shape[1], bits)).astype(np.float32)
    return lambda others: (others - mean) @ planes
