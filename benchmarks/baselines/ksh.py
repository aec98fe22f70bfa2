"""Kernel supervised hashing: bits that tell apart, over distances to anchors."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from scenehash_train.data import Labels, memberships

Vectors = npt.NDArray[np.float32]

ANCHORS = 300
LABELLED = 1000
STEPS = 60
STEP_SIZE = 0.5
RIDGE = 1e-2


def fit_ksh(vectors: Vectors, labels: Labels, bits: int, seed: int) -> Callable[[Vectors], Vectors]:
    """Choose bits one by one so that dot products of codes are 1 within a class and -1 across;
    images of several classes want 1 where they have one in common.

    Bit k is sign(a_k . phi(x)), phi(x) the centred Gaussian kernel of x to 300 anchors. a_k is the
    spectral solution of max a' Phi' R Phi a with R what the bits before leave of the wanted
    similarities, then improved by gradient steps on the smooth surrogate. Gives logits float32
    [M, bits]. Source: Liu, Wang, Ji, Jiang, Chang, "Supervised Hashing with Kernels", CVPR 2012
    (KSH); the paper's rival KSLSH is the same with sparse labels.
    """
    rng = np.random.default_rng(seed)
    anchors = vectors[rng.permutation(len(vectors))[:ANCHORS]]
    chosen = rng.permutation(len(vectors))[:LABELLED]
    width = float(np.sqrt(_squared_distances(vectors[chosen], anchors)).mean())

    def kernel(others: Vectors) -> Vectors:
        result: Vectors = np.exp(-_squared_distances(others, anchors) / (2 * width**2))
        return result

    mean = kernel(vectors).mean(axis=0)
    features = kernel(vectors[chosen]) - mean
    members = memberships(labels[chosen]).astype(np.float32)
    same = members @ members.T > 0
    left = bits * np.where(same, np.float32(1), np.float32(-1))
    spread = features.T @ features + RIDGE * np.eye(features.shape[1], dtype=np.float32)
    whiten = np.linalg.inv(np.linalg.cholesky(spread)).T.astype(np.float32)
    planes = np.empty((features.shape[1], bits), np.float32)
    for bit in range(bits):
        planes[:, bit] = _best_plane(features, left, whiten)
        signs = np.where(features @ planes[:, bit] > 0, np.float32(1), np.float32(-1))
        left = left - np.outer(signs, signs)
    return lambda others: (kernel(others) - mean) @ planes


def _best_plane(features: Vectors, left: Vectors, whiten: Vectors) -> Vectors:
    """The plane float32 [A] whose signs agree best with what is left, [N, N], of similarities."""
    matrix = whiten.T @ (features.T @ left @ features) @ whiten
    plane: Vectors = whiten @ np.linalg.eigh(matrix)[1][:, -1]
    # Its projections get the size at which tanh is neither flat nor straight.
    plane = plane / np.std(features @ plane)
    for _ in range(STEPS):
        soft = np.tanh(features @ plane)
        gradient = features.T @ ((left @ soft) * (1 - soft**2))
        plane = plane + STEP_SIZE * gradient * np.linalg.norm(plane) / (
            np.linalg.norm(gradient) * len(features) ** 0.5 + 1e-12
        )
    return plane


def _squared_distances(a: Vectors, b: Vectors) -> Vectors:
    products = a @ b.T
    distances: Vectors = np.square(a).sum(1)[:, None] + np.square(b).sum(1)[None] - 2 * products
    return np.maximum(distances, 0)
