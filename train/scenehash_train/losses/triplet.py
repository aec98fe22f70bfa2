"""The paper's metric loss: an anchor is nearer to its positive than to its negative."""

from torch import Tensor
from torch.nn import functional


def triplet_loss(anchors: Tensor, positives: Tensor, negatives: Tensor, margin: float) -> Tensor:
    """Hinge on squared distances between L2-normalised activations.

        mean over i of  max(0, |a_i - p_i|^2 - |a_i - n_i|^2 + margin)

    Each float [N, K], normalised here. Source: Roy, Sangineto, Demir, Sebe, "Deep Metric and
    Hash-Code Learning for Content-Based Retrieval of Remote Sensing Images", IGARSS 2018.
    """
    anchor, positive, negative = (
        functional.normalize(part) for part in (anchors, positives, negatives)
    )
    near = (anchor - positive).square().sum(1)
    far = (anchor - negative).square().sum(1)
    return functional.relu(near - far + margin).mean()
