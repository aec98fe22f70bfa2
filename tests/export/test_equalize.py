"""Channels made alike compute what they did, and every step of 256 is of use to each of them."""

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import pytest
import torch
from torch import nn
from torch.nn import functional

from export.equalize import EQUALIZED, HEADROOM, MOST, equalize
from export.graph import lower_network
from export.observe import observe
from train.network import HashNetwork

from .conftest import BITS, SIZE

SHRUNK = slice(0, 8)


class _Backbone(nn.Module):
    """A skip, a depthwise convolution, a padding and two averages, some channels fainter."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.stem = nn.Conv2d(3, 16, 3, stride=2, padding=1)
        self.wide = nn.Conv2d(16, 32, 1)
        self.each = nn.Conv2d(32, 32, 3, groups=32)
        self.back = nn.Conv2d(32, 16, 1)
        with torch.no_grad():
            self.stem.weight *= 8
            for layer in (self.wide, self.each):
                layer.weight[SHRUNK] *= 0.3
                layer.bias[SHRUNK] *= 0.3

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem(x)
        wide = functional.relu6(self.wide(x))
        inner = functional.relu6(self.each(functional.pad(wide, (0, 2, 0, 2))))
        x = x + self.back(inner)
        return torch.cat([inner.mean((2, 3)), x.mean((2, 3))], 1)


@pytest.fixture(scope="module")
def graph() -> onnx.ModelProto:
    network = HashNetwork(_Backbone(), nn.Linear(48, BITS), (127.0,), (128.0,)).eval()
    return lower_network(network, SIZE)


def _logits(graph: onnx.ModelProto, tiles: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    session = onnxruntime.InferenceSession(
        graph.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return session.run(["logits"], {"tiles": tiles})[0]


def test_equalized_graph_gives_the_same_logits(
    graph: onnx.ModelProto, tiles: npt.NDArray[np.uint8]
) -> None:
    alike = equalize(graph, observe(graph, iter(tiles)).peaks)
    onnx.checker.check_model(alike, full_check=True)
    np.testing.assert_allclose(_logits(alike, tiles), _logits(graph, tiles), rtol=0, atol=2e-5)


def test_equalized_channels_reach_as_far_as_the_furthest(
    graph: onnx.ModelProto, tiles: npt.NDArray[np.uint8]
) -> None:
    before = observe(graph, iter(tiles)).peaks
    alike = equalize(graph, before)
    after = observe(alike, iter(tiles)).peaks
    products = [node for node in alike.graph.node if node.name.startswith(EQUALIZED)]
    assert len(products) == 2, "one behind each average, and nothing else"
    clipped = [node.output[0] for node in alike.graph.node if node.op_type == "Clip"]
    for name in clipped:
        moved = before[name] > 0
        ratio = after[name][moved] / before[name][moved]
        assert ratio.min() >= 1 - 1e-5
        assert ratio.max() <= MOST + 1e-4
        assert after[name].max() <= 6 + 1e-4
        wanted = np.minimum(6 / (HEADROOM * before[name][moved]), MOST).clip(1)
        np.testing.assert_allclose(ratio, wanted, rtol=1e-4)


def test_a_tile_that_goes_further_than_calibration_is_cut_off_there(
    graph: onnx.ModelProto, tiles: npt.NDArray[np.uint8]
) -> None:
    grey = np.full_like(tiles[:1], 127)
    alike = equalize(graph, observe(graph, iter(grey)).peaks)
    np.testing.assert_allclose(_logits(alike, grey), _logits(graph, grey), rtol=0, atol=2e-5)
    bright = np.full_like(tiles[:1], 255)
    peaks = [observe(one, iter(bright)).peaks for one in (graph, alike)]
    clipped = [node.output[0] for node in graph.graph.node if node.op_type == "Clip"]
    for name in clipped:
        assert peaks[1][name].max() <= 6
    beyond = np.abs(_logits(alike, bright) - _logits(graph, bright)).max()
    assert beyond > 1e-3, "a channel's range has an end"


def test_what_something_else_reads_stays_as_it_is(tiles: npt.NDArray[np.uint8]) -> None:
    class _Other(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.stem = nn.Conv2d(3, 8, 3, stride=2, padding=1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.tanh(self.stem(x)).mean((2, 3))

    network = HashNetwork(_Other(), nn.Linear(8, BITS), (127.0,), (128.0,)).eval()
    plain = lower_network(network, SIZE)
    alike = equalize(plain, observe(plain, iter(tiles)).peaks)
    assert alike.SerializeToString() == plain.SerializeToString()
