"""Exports that are broken on purpose, each in a way that users of ONNX tools have met."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import pytest
import torch
from onnx import numpy_helper
from onnxruntime.quantization import QuantType

from scenehash.errors import FidelityError, ModelError
from scenehash.model.hash_model import HashModel, shipped_model
from scenehash_export import quantize as quantization
from scenehash_export.fidelity import check_lowering
from scenehash_export.graph import finish_graph, lower_network
from scenehash_export.observe import observe
from scenehash_export.quantize import check_weights, quantize
from scenehash_export.ranges import min_max
from scenehash_export.saturation import check_saturation

from .conftest import SIZE, small_network


def edited(name: str, change: object, path: Path) -> Path:
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


@pytest.mark.parametrize("what", ["normalisation", "channel order"])
def test_graph_that_prepares_tiles_otherwise_than_the_network_is_not_exported(
    tiles: npt.NDArray[np.uint8], what: str
) -> None:
    broken = small_network(mean=(100.0,) if what == "normalisation" else (127.0,))
    if what == "channel order":
        with torch.no_grad():
            weights = broken.backbone[1].weight
            weights.copy_(weights.flip(1))
    graph = lower_network(broken, SIZE)
    with pytest.raises(FidelityError, match=r"departs from the network in PyTorch by \d"):
        check_lowering(small_network(), graph, tiles)


def test_wrong_normalisation_in_a_file_is_caught_by_its_golden_tiles(tmp_path: Path) -> None:
    path = edited("normalise/zero_point", lambda point: point - 60, tmp_path / "m.onnx")
    with pytest.raises(ModelError, match=r"% of the golden tiles' bits differ"):
        HashModel.load(path)


def test_wrong_channel_order_in_a_file_is_caught_by_its_golden_tiles(tmp_path: Path) -> None:
    path = edited(first_weights(), lambda weights: weights[:, ::-1], tmp_path / "m.onnx")
    with pytest.raises(ModelError, match=r"% of the golden tiles' bits differ"):
        HashModel.load(path)


def test_unsigned_weights_are_not_exported(
    tiles: npt.NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Unsigned:
        QInt8 = QuantType.QUInt8
        QUInt8 = QuantType.QUInt8

    monkeypatch.setattr(quantization, "QuantType", Unsigned)
    plain = lower_network(small_network(), SIZE)
    seen = observe(plain, iter(tiles))
    graph = quantize(plain, {name: min_max(tensor) for name, tensor in seen.tensors.items()})
    finish_graph(graph)
    with pytest.raises(FidelityError, match=r"are uint8, and must be int8: .* ten times slower"):
        check_weights(graph)


def test_weights_that_can_saturate_are_not_exported(
    tiles: npt.NDArray[np.uint8],
) -> None:
    plain = lower_network(small_network(), SIZE)
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


def test_truncated_file_is_no_model(tmp_path: Path) -> None:
    whole = shipped_model().read_bytes()
    for length in (0, 1000, len(whole) // 2, len(whole) - 1):
        path = tmp_path / "m.onnx"
        path.write_bytes(whole[:length])
        with pytest.raises(ModelError, match=r"m\.onnx: "):
            HashModel.load(path)
