"""Instance discrimination: two views of an image are nearer than views of different images."""

import torch
from torch import Tensor
from torch.nn import functional

IMPOSSIBLE = -1e4


def instance_loss(logits: Tensor, others: Tensor, images: Tensor, temperature: float) -> Tensor:
    """Softmax cross-entropy over scaled cosines between two views of a batch, both ways.

        mean over i of  -log softmax_j( cos(tanh(a_i), tanh(b_j)) / temperature )  at j = i,
        and the same with a and b exchanged; j runs over i and the images other than image_i

    logits a and others b float [N, K]: row i of both is one image, in two views; images int64 [N]:
    its number, so that an image that was drawn twice is no negative of itself. Source: Chen,
    Kornblith, Norouzi, Hinton, "A Simple Framework for Contrastive Learning of Visual
    Representations" (SimCLR), ICML 2020.
    """
    first, second = (functional.normalize(torch.tanh(part)) for part in (logits, others))
    alike = first @ second.T / temperature
    again = (images[:, None] == images) & ~torch.eye(len(images), dtype=torch.bool)
    alike = alike.masked_fill(again, IMPOSSIBLE)
    right = torch.arange(len(images))
    return 0.5 * (functional.cross_entropy(alike, right) + functional.cross_entropy(alike.T, right))
