"""Each class has a fixed code; logits are turned towards the code of their class."""

import numpy as np
import numpy.typing as npt
from torch import Tensor
from torch.nn import functional

CANDIDATES = 512


def centre_loss(
    logits: Tensor, labels: Tensor, centres: Tensor, scale: float, margin: float
) -> Tensor:
    """Softmax cross-entropy over scaled cosines between logits and class centres.

        mean over i of  -log softmax_c( scale * (cos(logits_i, centre_c) - margin * [c = label_i]) )

    logits float [N, K]; labels int64 [N]; centres float [C, K] of -1 and 1. Source: Hoe et al.,
    "One Loss for All: Deep Hashing with a Single Cosine Similarity based Learning Objective"
    (OrthoHash), NeurIPS 2021; fixed centres after Yuan et al., "Central Similarity Quantization
    for Efficient Image and Video Retrieval" (CSQ), CVPR 2020.
    """
    cosine = functional.normalize(logits) @ functional.normalize(centres).T
    target = functional.one_hot(labels, len(centres)).to(cosine.dtype)
    return functional.cross_entropy(scale * (cosine - margin * target), labels)


def draw_centres(classes: int, bits: int, seed: int) -> npt.NDArray[np.float32]:
    """Codes of -1 and 1, float32 [C, K], far apart: each the best of many random ones.

    The best is the one whose nearest earlier centre is farthest. Works for more classes than bits,
    where orthogonal codes would run out.
    """
    rng = np.random.default_rng(seed)
    chosen = np.empty((0, bits), np.float32)
    for _ in range(classes):
        candidates = np.where(rng.random((CANDIDATES, bits)) < 0.5, -1, 1).astype(np.float32)
        likeness = candidates @ chosen.T
        best = likeness.max(axis=1).argmin() if len(chosen) else 0
        chosen = np.concatenate([chosen, candidates[best : best + 1]])
    return chosen


def default_scale(classes: int) -> float:
    """A scale at which a confident softmax over that many classes is within reach of a cosine."""
    return float(2 * np.sqrt(2) * np.log(max(classes - 1, 2)))
