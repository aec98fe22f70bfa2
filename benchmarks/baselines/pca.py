"""Signs of principal components."""

from collections.abc import Callable
from functools import partial

import numpy as np
import numpy.typing as npt

from scenehash_train.data import Labels

Vectors = npt.NDArray[np.float32]


def fit_pca(vectors: Vectors, labels: Labels, bits: int, seed: int) -> Callable[[Vectors], Vectors]:
    """The first components of vectors [N, D]; gives logits float32 [M, bits].

    Source: Wang, Kumar, Chang, "Semi-Supervised Hashing for Scalable Image Retrieval", CVPR 2010,
    without its labels.
    """
    del labels, seed
    mean, directions = principal_components(vectors, bits)
    return partial(_components, mean=mean, directions=directions)


def _components(vectors: Vectors, mean: Vectors, directions: Vectors) -> Vectors:
    components: Vectors = np.matmul(vectors - mean, directions, dtype=np.float32)
    return components


def principal_components(vectors: Vectors, count: int) -> tuple[Vectors, Vectors]:
    """The mean [D] and the first directions [D, count] of vectors [N, D]."""
    mean: Vectors = vectors.mean(axis=0, dtype=np.float32)
    centred = vectors - mean
    if len(vectors) > vectors.shape[1]:
        _, directions = np.linalg.eigh(centred.T @ centred)
    else:  # the same directions out of the smaller of the two products
        variances, weights = np.linalg.eigh(centred @ centred.T)
        directions = centred.T @ (weights / np.sqrt(np.maximum(variances, variances[-1] * 1e-12)))
    first: Vectors = np.ascontiguousarray(directions[:, ::-1][:, :count], np.float32)
    return mean, first
