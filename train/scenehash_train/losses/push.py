"""The paper's binarization loss: activations are pushed from 0.5 to 0 or 1."""

from torch import Tensor


def push_loss(activations: Tensor) -> Tensor:
    """Minus the mean squared distance to 0.5.

        -(1 / K) * mean over i of  |activation_i - 0.5|^2

    activations float [N, K] in 0..1. Source: Roy et al., IGARSS 2018.
    """
    return -(activations - 0.5).square().mean()
