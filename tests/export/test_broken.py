"""Exports that are broken on purpose, each in a way that users of ONNX tools have met."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import pytest
import torch
from onnx import numpy_helper
from onnxruntime.quantization import QuantType

from scenehash.demo.tiles import KINDS, demo_tiles
from scenehash.errors import FidelityError, ModelError
from scenehash.model.golden import MAX_DRIFT
from scenehash.model.hash_model import HashModel
from scenehash.model.model_file import shipped_model
from scenehash_export import quantize as quantization
from scenehash_export.fidelity import check_onnx_export
from scenehash_export.graph import finish_graph, network_graph
from scenehash_export.observe import observe
from scenehash_export.quantize import check_weights, quantize
from scenehash_export.ranges import min_max
from scenehash_export.saturation import EXACT, check_exact_path, check_saturation

from .conftest import SIZE, small_network


def edited(name: str, change: Callable[[Any], Any], path: Path) -> Path:
    """The shipped model with one of its constants changed after the export."""
    graph = onnx.load(shipped_model())
    (tensor,) = [item for item in graph.graph.initializer if item.name == name]
    values = change(numpy_helper.to_array(tensor))
    tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(values), name))
    onnx.save(graph, path)
    return path


def first_weights() -> str:
    """Name of the shipped model's first convolution's weights."""
    graph = onnx.load(shipped_model()).graph
    convolution = next(node for node in graph.node if node.op_type == "Conv")
    source = next(node for node in graph.node if convolution.input[1] in node.output)
    return source.input[0]


@pytest.mark.slow
@pytest.mark.parametrize("what", ["normalisation", "channel order"])
def test_graph_that_prepares_tiles_otherwise_than_the_network_is_not_exported(
    tiles: npt.NDArray[np.uint8], what: str
) -> None:
    broken = small_network(mean=(100.0,) if what == "normalisation" else (127.0,))
    if what == "channel order":
        with torch.no_grad():
            weights = broken.backbone[1].weight  # type: ignore[index]
            weights.copy_(weights.flip(1))
    graph = network_graph(broken, SIZE)
    with pytest.raises(FidelityError, match=r"departs from the network in PyTorch by \d"):
        check_onnx_export(small_network(), graph, tiles)


def check_caught(path: Path) -> None:
    """The golden tiles of a broken file differ in far more bits than the rule allows."""
    assert HashModel.open(path).replay().rate > 1.5 * MAX_DRIFT
    with pytest.raises(ModelError, match=r"% of the golden tiles' bits differ"):
        HashModel.load(path)


def test_a_mean_that_is_not_subtracted_is_caught_by_the_golden_tiles(tmp_path: Path) -> None:
    check_caught(edited("normalise/zero_point", np.zeros_like, tmp_path / "m.onnx"))


def test_a_wrong_channel_order_is_caught_by_the_golden_tiles(tmp_path: Path) -> None:
    def swapped(weights: npt.NDArray[np.int8]) -> npt.NDArray[np.int8]:
        outputs, channels, *window = weights.shape
        pixels = weights.reshape(outputs, channels // 3, 3, *window)
        return pixels[:, :, ::-1].reshape(weights.shape)

    check_caught(edited(first_weights(), swapped, tmp_path / "m.onnx"))


@pytest.mark.slow
def test_unsigned_weights_are_not_exported(
    tiles: npt.NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Unsigned:
        QInt8 = QuantType.QUInt8
        QUInt8 = QuantType.QUInt8

    monkeypatch.setattr(quantization, "QuantType", Unsigned)
    plain = network_graph(small_network(), SIZE)
    seen = observe(plain, iter(tiles))
    graph = quantize(plain, {name: min_max(tensor) for name, tensor in seen.tensors.items()})
    finish_graph(graph)
    with pytest.raises(FidelityError, match=r"are uint8, and must be int8: .* ten times slower"):
        check_weights(graph)


@pytest.mark.slow
def test_weights_that_can_saturate_are_not_exported(
    tiles: npt.NDArray[np.uint8],
) -> None:
    plain = network_graph(small_network(), SIZE)
    seen = observe(plain, iter(tiles))
    graph = quantize(plain, {name: min_max(tensor) for name, tensor in seen.tensors.items()})
    check_saturation(graph)
    weights = [item for item in graph.graph.initializer if item.data_type == onnx.TensorProto.INT8]
    weights = [item for item in weights if len(item.dims) > 1]
    values = numpy_helper.to_array(weights[0]).copy()
    values.reshape(len(values), -1)[0, :2] = 65
    weights[0].CopyFrom(numpy_helper.from_array(values, weights[0].name))
    with pytest.raises(FidelityError, match=r"can saturate on processors without VNNI"):
        check_saturation(graph)


def test_shipped_model_cannot_saturate() -> None:
    check_saturation(onnx.load(shipped_model()))


def test_the_exact_path_gives_the_same_bits_for_the_shipped_model() -> None:
    tiles = [tile for kind in KINDS[:3] for tile in demo_tiles(kind)[:2]]
    check_exact_path(onnx.load(shipped_model()), tiles)


@pytest.mark.slow
def test_bits_that_depend_on_the_path_are_not_exported(
    tiles: npt.NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A processor whose sums saturate, played by a session that differs in one bit."""

    class Saturating(onnxruntime.InferenceSession):
        def run(self, *arguments: Any) -> Any:
            (codes,) = super().run(*arguments)
            try:
                exact = self.get_session_options().get_session_config_entry(EXACT[0]) == EXACT[1]
            except RuntimeError:  # no entry
                exact = False
            return [codes ^ np.uint8(exact)]

    graph = network_graph(small_network(), SIZE)
    finish_graph(graph)
    check_exact_path(graph, list(tiles), "x86_64")
    monkeypatch.setattr(onnxruntime, "InferenceSession", Saturating)
    check_exact_path(graph, list(tiles), "aarch64")
    with pytest.raises(FidelityError, match=r"24 of 192 bits of 12 calibration tiles differ"):
        check_exact_path(graph, list(tiles), "x86_64")


def test_truncated_file_is_no_model(tmp_path: Path) -> None:
    whole = shipped_model().read_bytes()
    for length in (0, 1000, len(whole) // 2, len(whole) - 1):
        path = tmp_path / "m.onnx"
        path.write_bytes(whole[:length])
        with pytest.raises(ModelError, match=r"m\.onnx: "):
            HashModel.load(path)
