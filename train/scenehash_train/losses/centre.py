"""Each class has a code; logits are drawn to the code of their class."""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

CENTROID_WEIGHT = 4


def centre_loss(
    logits: Tensor, labels: Tensor, centres: Tensor, scale: float, margin: float
) -> Tensor:
    """Softmax cross-entropy over scaled cosines between logits and class centres.

        mean over i of  -log softmax_c( scale * (cos(logits_i, centre_c) - margin * [c = label_i]) )

    logits float [N, K]; labels int64 [N]; centres float [C, K] of -1 and 1. Source: Hoe et al.,
    "One Loss for All: Deep Hashing with a Single Cosine Similarity based Learning Objective"
    (OrthoHash), NeurIPS 2021; fixed centres after Yuan et al., "Central Similarity Quantization
    for Efficient Image and Video Retrieval" (CSQ), CVPR 2020.

    For labels bool [N, C], logits are drawn to the centroid of the centres of their classes:

        mean over i of  4 * scale * (1 - cos(logits_i, sum of centre_c over the classes c of i))

    The centroid is CSQ's, before its majority vote by bit. In a softmax the classes of one image
    would compete, and retrieval is worse (docs/protocol.md, with figures for the weight too).
    """
    if labels.dtype == torch.bool:
        centroids = labels.to(centres.dtype) @ centres
        return (
            CENTROID_WEIGHT * scale * (1 - functional.cosine_similarity(logits, centroids)).mean()
        )
    cosine = functional.normalize(logits) @ functional.normalize(centres).T
    target = functional.one_hot(labels, len(centres)).to(cosine.dtype)
    return functional.cross_entropy(scale * (cosine - margin * target), labels)


def default_scale(classes: int) -> float:
    """A scale at which cosines can give a confident softmax over that many classes."""
    return float(2 * np.sqrt(2) * np.log(max(classes - 1, 2)))
