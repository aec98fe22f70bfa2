"""The network that is trained and exported: tiles -> representation -> logits."""

import torch
from torch import Tensor, nn


class HashNetwork(nn.Module):
    """A backbone with a hash head, from a tile's bytes to logits.

    uint8 RGB [N, S, S, 3] in; float32 logits [N, K] out. The normalisation is part of the network,
    so that it cannot differ between training and device.
    """

    def __init__(
        self,
        backbone: nn.Module,
        head: nn.Module,
        mean: tuple[float, ...],
        scale: tuple[float, ...],
    ) -> None:
        """mean and scale: one value for all three bands, or one per band."""
        super().__init__()
        self.backbone = backbone
        self.head = head
        self.register_buffer("mean", torch.tensor(mean).reshape(1, -1, 1, 1), persistent=False)
        self.register_buffer("scale", torch.tensor(scale).reshape(1, -1, 1, 1), persistent=False)

    mean: Tensor
    scale: Tensor

    def pixels(self, tiles: Tensor) -> Tensor:
        """The backbone's input, normalised float32 [N, 3, S, S], of tiles uint8 [N, S, S, 3]."""
        return (tiles.permute(0, 3, 1, 2).float() - self.mean) / self.scale

    def representation(self, tiles: Tensor) -> Tensor:
        """The backbone's representation, float32 [N, D], of tiles uint8 [N, S, S, 3]."""
        result: Tensor = self.backbone(self.pixels(tiles))
        return result

    def forward(self, tiles: Tensor) -> Tensor:
        result: Tensor = self.head(self.representation(tiles))
        return result
