"""Each class has a fixed code; logits are turned towards the code of their class."""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional


def centre_loss(
    logits: Tensor, labels: Tensor, centres: Tensor, scale: float, margin: float
) -> Tensor:
    """Softmax cross-entropy over scaled cosines between logits and class centres.

        mean over i of  -log softmax_c( scale * (cos(logits_i, centre_c) - margin * [c = label_i]) )

    logits float [N, K]; labels int64 [N]; centres float [C, K] of -1 and 1. For labels bool [N, C]
    the margin is taken from all classes of image i, and the mean is over them too: its logits turn
    to where the codes of its classes meet. Source, of both: Hoe et al., "One Loss for All: Deep
    Hashing with a Single Cosine Similarity based Learning Objective" (OrthoHash), NeurIPS 2021;
    fixed centres after Yuan et al., "Central Similarity Quantization for Efficient Image and Video
    Retrieval" (CSQ), CVPR 2020.
    """
    cosine = functional.normalize(logits) @ functional.normalize(centres).T
    if labels.dtype == torch.bool:
        target = labels.to(cosine.dtype)
        shares = target / target.sum(dim=1, keepdim=True)
        return functional.cross_entropy(scale * (cosine - margin * target), shares)
    target = functional.one_hot(labels, len(centres)).to(cosine.dtype)
    return functional.cross_entropy(scale * (cosine - margin * target), labels)


def default_scale(classes: int) -> float:
    """A scale at which a confident softmax over that many classes is within reach of a cosine."""
    return float(2 * np.sqrt(2) * np.log(max(classes - 1, 2)))
