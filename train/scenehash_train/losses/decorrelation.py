"""Decorrelation: bits carry different information."""

import torch
from torch import Tensor

EPSILON = 1e-6


def decorrelation_loss(logits: Tensor) -> Tensor:
    """Mean squared correlation of two bits over the batch.

        mean over j != k of  ( sum_i z_ij z_ik / N )^2,  z = tanh(logits), each bit standardised

    logits float [N, K]. Source: the uncorrelated bits of Weiss, Torralba, Fergus, "Spectral
    Hashing", NeurIPS 2008; as a loss, Zbontar et al., "Barlow Twins", ICML 2021.
    """
    bits = torch.tanh(logits)
    bits = (bits - bits.mean(0)) / (bits.std(0, correction=0) + EPSILON)
    correlation = bits.T @ bits / len(bits)
    others = ~torch.eye(len(correlation), dtype=torch.bool, device=logits.device)
    return correlation[others].square().mean()
