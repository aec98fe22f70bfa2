"""Networks and runs that are small enough to be exported in seconds."""

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import nn

from scenehash_train.config import make_config
from scenehash_train.network import HashNetwork
from scenehash_train.runs import Run
from scenehash_train.training import train

from ..scenes import draw

SIZE, BITS = 32, 16
CLASSES = ("harbor", "forest")


class _Mean(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean((2, 3))


def small_network(
    mean: tuple[float, ...] = (127.0,), scale: tuple[float, ...] = (128.0,)
) -> HashNetwork:
    """Convolutions with the uneven padding, the skip and the ReLU6 of the real backbone."""
    torch.manual_seed(0)
    backbone = nn.Sequential(
        nn.ZeroPad2d((0, 1, 0, 1)),
        nn.Conv2d(3, 16, 3, stride=2),
        nn.ReLU6(),
        nn.Conv2d(16, 16, 3, padding=1, groups=16),
        nn.ReLU6(),
        _Mean(),
    )
    head = nn.Sequential(nn.Linear(16, 24), nn.ReLU(), nn.Linear(24, BITS))
    return HashNetwork(backbone, head, mean, scale).eval()


@pytest.fixture(scope="session")
def tiles() -> npt.NDArray[np.uint8]:
    """Views of real tiles, uint8 [12, 32, 32, 3]."""
    return np.stack([draw(kind, seed, SIZE) for kind in CLASSES for seed in range(6)])


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run on the real backbone and a few real tiles."""
    folder = tmp_path_factory.mktemp("export")
    for kind in CLASSES:
        (folder / "data" / kind).mkdir(parents=True)
        for seed in range(10):
            cv2.imwrite(str(folder / "data" / kind / f"{seed}.png"), draw(kind, seed, 64))
    values = {"bits": BITS, "tile_size": 64, "settings": {"steps": 30, "batch": 16, "hidden": 32}}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SCENEHASH_CACHE", str(folder / "cache"))
        return train([folder / "data"], folder / "run", make_config(values)).run


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Where a model file goes."""
    return tmp_path / "model.onnx"
