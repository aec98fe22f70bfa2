"""What is alike for the backbone stays alike in the code, whatever the labels say."""

import torch
from torch import Tensor
from torch.nn import functional


def similarity_loss(logits: Tensor, representations: Tensor) -> Tensor:
    """Mean squared difference between two cosines of every pair in the batch.

        mean over i != j of  ( cos(tanh(logits_i), tanh(logits_j)) - cos(rep_i, rep_j) )^2

    logits float [N, K]; representations float [N, D], centred, so that a cosine of 0 is "no
    relation". tanh stands in for the sign. Source: the similarity-preserving term of Liu et al.,
    "Supervised Hashing with Kernels", CVPR 2012, with the labels' similarity replaced by the
    representation's.
    """
    codes = functional.normalize(torch.tanh(logits))
    wanted = functional.normalize(representations)
    difference = codes @ codes.T - wanted @ wanted.T
    apart = ~torch.eye(len(logits), dtype=torch.bool, device=logits.device)
    return difference[apart].square().mean()
