"""Balance: as many ones as zeros, in a code or in a bit."""

from torch import Tensor


def balance_loss(activations: Tensor) -> Tensor:
    """Squared distance of each code's mean activation to 0.5, averaged over the batch.

        mean over i of  (mean over j of activation_ij - 0.5)^2

    activations float [N, K] in 0..1. The mean runs over a code's bits, as in the paper's public
    code, not over the batch. Source: Roy et al., IGARSS 2018.
    """
    return (activations.mean(1) - 0.5).square().mean()


def bit_balance_loss(activations: Tensor) -> Tensor:
    """Squared distance of each bit's mean activation over the batch to 0.5.

        mean over j of  (mean over i of activation_ij - 0.5)^2

    activations float [N, K] in 0..1. This is the balance of the paper's text. Source: Roy et al.,
    IGARSS 2018.
    """
    return (activations.mean(0) - 0.5).square().mean()
