"""Iterative quantization: principal components, rotated towards their signs."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from scenehash_train.data import Labels

from .pca import principal_components

Vectors = npt.NDArray[np.float32]

ITERATIONS = 50


def fit_itq(vectors: Vectors, labels: Labels, bits: int, seed: int) -> Callable[[Vectors], Vectors]:
    """Minimise |sign(V R) - V R|^2 over rotations R, V the first components of vectors [N, D].

    Gives logits float32 [M, bits]. Source: Gong and Lazebnik, "Iterative Quantization: A
    Procrustean Approach to Learning Binary Codes", CVPR 2011; 50 iterations, as there.
    """
    del labels
    mean, directions = principal_components(vectors, bits)
    components = (vectors - mean) @ directions
    start = np.random.default_rng(seed).normal(size=(bits, bits))
    rotation = np.linalg.qr(start)[0].astype(np.float32)
    for _ in range(ITERATIONS):
        signs = np.where(components @ rotation > 0, np.float32(1), np.float32(-1))
        left, _, right = np.linalg.svd(components.T @ signs)
        rotation = left @ right
    planes = directions @ rotation
    return lambda others: (others - mean) @ planes
