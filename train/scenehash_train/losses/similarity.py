"""Similarities of the representation are preserved in the code, whatever the labels."""

import torch
from torch import Tensor
from torch.nn import functional


def similarity_loss(logits: Tensor, representations: Tensor) -> Tensor:
    """Mean squared difference between two cosines of every pair in the batch.

        mean over i != j of  ( cos(tanh(logits_i), tanh(logits_j)) - cos(rep_i, rep_j) )^2

    logits float [N, K]; representations float [N, D], centred, so that unrelated ones have a cosine
    of 0. tanh approximates the sign. Source: the similarity-preserving term of Liu et al.,
    "Supervised Hashing with Kernels", CVPR 2012, with the representation's similarity in place of
    the labels'.
    """
    codes = functional.normalize(torch.tanh(logits))
    targets = functional.normalize(representations)
    difference = codes @ codes.T - targets @ targets.T
    others = ~torch.eye(len(logits), dtype=torch.bool, device=logits.device)
    return difference[others].square().mean()
