"""Principal components of representations; heads are trained on them."""

import numpy as np
import numpy.typing as npt
import torch

from .head import Projection
from .representations import Represented

SAMPLE = 4096
IMAGES_AT_ONCE = 256
OVERSAMPLING = 20
POWER_ITERATIONS = 2


def fit_projection(
    represented: Represented, parts: tuple[int, ...], components: int, seed: int
) -> Projection:
    """The first principal components of training representations, at most that many.

    Each part is divided by the square root of its total variance, so that all parts weigh the same.
    Dimensions within a part are not scaled to unit variance: one that hardly varies here may vary
    much in another archive, and would dominate there. The components have variance 1 on average.
    Fitted on a sample of at most 4,096 vectors by randomised SVD (Halko, Martinsson, Tropp, SIAM
    Review 2011).
    """
    sample = torch.from_numpy(sample_vectors(represented, seed))
    mean, variance = sample.mean(0), sample.var(0)
    scale = torch.cat(
        [part.sum().sqrt().expand(len(part)) for part in torch.split(variance, list(parts))]
    )
    scale = scale.clamp_min(1e-6)
    torch.manual_seed(seed)
    centred = (sample - mean) / scale
    rank = min(components + OVERSAMPLING, *centred.shape)
    _, singular, directions = torch.pca_lowrank(centred, rank, False, POWER_ITERATIONS)
    kept = min(components, rank)
    variances = singular[:kept].square() / len(centred)
    matrix = directions[:, :kept] * (kept / variances.sum()).sqrt() / scale[:, None]
    return Projection(mean, matrix)


def project(represented: Represented, projection: Projection) -> npt.NDArray[np.float16]:
    """The components float16 [N, V, P] of all images and views; reads a few images at a time."""
    shape = (len(represented), represented.views, projection.matrix.shape[1])
    result = np.empty(shape, np.float16)
    with torch.inference_mode():
        for start in range(0, len(represented), IMAGES_AT_ONCE):
            stop = start + IMAGES_AT_ONCE
            vectors = torch.from_numpy(represented.read(start, stop))
            result[start:stop] = projection(vectors).numpy()
    return result


def sample_vectors(represented: Represented, seed: int) -> npt.NDArray[np.float32]:
    """Some 4,096 random vectors float32 [M, D], the same share of each group of images."""
    rng = np.random.default_rng(seed)
    share = min(1.0, SAMPLE / (len(represented) * represented.views))
    chunks = []
    for start in range(0, len(represented), IMAGES_AT_ONCE):
        vectors = represented.read(start, start + IMAGES_AT_ONCE)
        flat = vectors.reshape(-1, vectors.shape[2])
        chunks.append(flat[rng.permutation(len(flat))[: max(1, round(share * len(flat)))]])
    return np.concatenate(chunks)
