"""The network that is trained and exported: tiles -> representation -> logits."""

import torch
from torch import Tensor, nn

from .head import Branches, Compact


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
        compact: Compact | None = None,
    ) -> None:
        """mean and scale: one value for all three bands, or one per band.

        compact: what a device keeps of a tile, beside a finished head.
        """
        super().__init__()
        self.backbone = backbone
        self.head = head
        self.compact = compact
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

    def logits_and_compact(self, tiles: Tensor) -> tuple[Tensor, Tensor]:
        """Logits float32 [N, K] and the compact representation, whole numbers float32 [N, D]."""
        assert self.compact is not None
        assert isinstance(self.head, Branches)
        representation = self.representation(tiles)
        inner = self.head.inner(representation)
        pairs = zip(inner, self.head.deep(), strict=True)
        compact: Tensor = self.compact(representation, [own for own, deep in pairs if deep])
        return self.head.outer(inner), compact
