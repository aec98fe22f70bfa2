"""A network whose last blocks are trained, computed in two parts."""

import copy
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from scenehash.tiles import Image

from .backbones import Backbone
from .efficientnet_lite import EfficientNetLite
from .head import Projection
from .network import HashNetwork
from .onnx_export import export_onnx, open_session

# The activations of a large batch leave a CPU's caches, and take gigabytes.
TILES_AT_ONCE = 16

Trunk = Callable[[Tensor], tuple[Tensor, ...]]


class TuningNetwork:
    """Tiles uint8 [N, S, S, 3] -> vectors float32 [N, P], through a copy of a backbone.

    The trunk, the layers before the last blocks, is not trained. It is most of the work: on a CPU
    it runs in ONNX Runtime, in a quarter of PyTorch's time. weights: the trained ones by name, on
    the device; tiles and vectors are on the CPU.
    """

    def __init__(
        self,
        backbone: Backbone,
        projection: Projection,
        blocks: int,
        tile_size: int,
        device: torch.device,
    ) -> None:
        """Raises ConfigurationError when the backbone does not have that many blocks."""
        tuned = copy.deepcopy(backbone)
        self._network = tuned.with_head(copy.deepcopy(projection)).to(device).requires_grad_(False)
        self.weights = tuned.last_blocks(blocks)
        for weight in self.weights.values():
            weight.requires_grad_(True)
        assert isinstance(tuned.module, EfficientNetLite)
        self._lite = tuned.module
        self._first = len(tuned.module.blocks) - blocks
        self._device = device
        trunk = _Trunk(self._network, tuned.module, self._first)
        self._trunk: Trunk = _in_onnxruntime(trunk, tile_size) if device.type == "cpu" else trunk

    def tuned(self) -> dict[str, Tensor]:
        """The trained weights by name, on the CPU."""
        return {name: weight.detach().cpu() for name, weight in self.weights.items()}

    def __call__(self, tiles: Image) -> Tensor:
        chunks = torch.split(torch.from_numpy(tiles).to(self._device), TILES_AT_ONCE)
        with torch.no_grad():
            outputs = [self._trunk(chunk) for chunk in chunks]
        x, *means = (torch.cat(parts) for parts in zip(*outputs, strict=True))
        x = x.contiguous(memory_format=torch.channels_last)
        vectors: Tensor = self._network.head(self._lite.rest(x, means, self._first))
        return vectors.cpu()


class _Trunk(nn.Module):
    def __init__(self, network: HashNetwork, lite: EfficientNetLite, count: int) -> None:
        super().__init__()
        self.network, self.lite, self.count = network, lite, count

    def forward(self, tiles: Tensor) -> tuple[Tensor, ...]:
        x, means = self.lite.first(self.network.pixels(tiles), self.count)
        return (x, *means)


def _in_onnxruntime(trunk: _Trunk, tile_size: int) -> Trunk:
    outputs = len(trunk(torch.zeros((1, tile_size, tile_size, 3), dtype=torch.uint8)))
    names = [f"output{number}" for number in range(outputs)]
    session = open_session(export_onnx(trunk, tile_size, names), torch.get_num_threads())

    def run(tiles: Tensor) -> tuple[Tensor, ...]:
        found = session.run(names, {"tiles": tiles.numpy()})
        return tuple(torch.from_numpy(np.asarray(output)) for output in found)

    return run
