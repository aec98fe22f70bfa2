"""Classical hashing methods to compare a trained head with, fitted on the same vectors.

    lsh      signs of random projections; no training
    pca      signs of the first principal components
    itq      the same, rotated to the least quantization error
    ksh      kernel supervised hashing; the only one that uses labels

Each is a function of training vectors float32 [N, D], their classes int64 [N] or memberships bool
[N, C], the number of bits and a seed, and gives a function from vectors float32 [M, D] to logits
float32 [M, K].
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from scenehash_train.data import Labels

from .itq import fit_itq
from .ksh import fit_ksh
from .lsh import fit_lsh
from .pca import fit_pca

Vectors = npt.NDArray[np.float32]
Hasher = Callable[[Vectors], Vectors]
Baseline = Callable[[Vectors, Labels, int, int], Hasher]

BASELINES: dict[str, Baseline] = {
    "lsh": fit_lsh,
    "pca": fit_pca,
    "itq": fit_itq,
    "ksh": fit_ksh,
}
