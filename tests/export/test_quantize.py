"""INT8 really runs in INT8, from the tile's bytes on."""

import inspect
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import pytest
import torch
from onnxruntime.quantization import CalibrationMethod
from onnxruntime.quantization.calibrate import TensorData, TensorsData
from onnxruntime.quantization.qdq_quantizer import QDQQuantizer
from onnxruntime.quantization.registry import QDQRegistry, QLinearOpsRegistry

from scenehash.codes import pack
from scenehash.errors import FidelityError
from scenehash.tiles import Image
from scenehash_export.calibrate import FITTED_METHOD, calibrate
from scenehash_export.graph import finish_graph, fold_normalisation, network_graph
from scenehash_export.layer_snr import decibels, worst_layers
from scenehash_export.observe import observe
from scenehash_export.quantize import check_quantized, executed_operators, quantize
from scenehash_export.ranges import METHODS, min_max
from scenehash_export.space_to_depth import group_pixels
from scenehash_train.network import HashNetwork

from .conftest import SIZE, small_network

pytestmark = pytest.mark.slow


def quantized(network: HashNetwork, tiles: npt.NDArray[np.uint8]) -> onnx.ModelProto:
    """The INT8 graph to logits of a network, with min-max ranges."""
    plain = network_graph(network, SIZE)
    seen = observe(plain, iter(tiles))
    return quantize(plain, {name: min_max(tensor) for name, tensor in seen.tensors.items()})


@pytest.mark.parametrize("mean", [(127.0,), (123.7, 116.3, 103.5)])
def test_every_convolution_and_gemm_runs_quantized(
    tiles: npt.NDArray[np.uint8], mean: tuple[float, ...]
) -> None:
    graph = quantized(small_network(mean), tiles)
    finish_graph(graph)
    operators = executed_operators(graph)
    check_quantized(operators)
    assert operators["QLinearConv"] == operators["QGemm"] == 2
    assert "Clip" not in operators


def test_int8_graph_starts_with_the_bytes_of_the_tile(tiles: npt.NDArray[np.uint8]) -> None:
    graph = quantized(small_network(), tiles)
    finish_graph(graph)
    kinds = [node.op_type for node in graph.graph.node]
    assert "Sub" not in kinds
    assert "Div" not in kinds
    assert executed_operators(graph)["Cast"] == 2, "no cast but those of the bit packing"


def test_folding_the_normalisation_changes_no_logit(tiles: npt.NDArray[np.uint8]) -> None:
    kept = quantized(small_network(), tiles)
    folded = quantized(small_network(), tiles)
    finish_graph(folded)
    results = []
    for graph in (kept, folded):
        session = onnxruntime.InferenceSession(
            graph.SerializeToString(), providers=["CPUExecutionProvider"]
        )
        results.append(session.run(["logits"], {"tiles": tiles})[0])
    np.testing.assert_array_equal(*results)
    assert pack(results[1]).any()


def test_floating_point_graph_does_not_pass_for_int8() -> None:
    graph = network_graph(small_network(), SIZE)
    finish_graph(graph)
    with pytest.raises(FidelityError, match="floating point"):
        check_quantized(executed_operators(graph))


def test_the_parts_of_onnxruntime_that_are_used_are_still_there() -> None:
    """quantize.py uses classes that onnxruntime does not document: this fails where they change."""
    parameters = inspect.signature(QDQQuantizer.__init__).parameters
    used = {"per_channel", "reduce_range", "weight_qType", "activation_qType", "tensors_range"}
    used |= {"nodes_to_quantize", "nodes_to_exclude", "op_types_to_quantize", "extra_options"}
    assert used <= parameters.keys()
    data = TensorData(lowest=np.float32(0), highest=np.float32(1))
    assert TensorsData(CalibrationMethod.MinMax, {"x": data})["x"].range_value == (0, 1)
    assert {"Conv", "Gemm", "Add"} <= {**QLinearOpsRegistry, **QDQRegistry}.keys()


def _logits(graph: onnx.ModelProto, tiles: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    session = onnxruntime.InferenceSession(
        graph.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return session.run(["logits"], {"tiles": tiles})[0]


def test_every_calibration_method_is_shown_and_the_best_taken(
    tiles: npt.NDArray[np.uint8],
) -> None:
    plain = network_graph(small_network(), SIZE)
    done = calibrate(plain, lambda _: iter(tiles[::2]), lambda _: iter(tiles[1::2]))
    record = done.record
    assert {trial.method for trial in record.trials} == set(METHODS)
    fitted = [trial.method for trial in record.trials if trial.rounding == "fitted"]
    assert fitted == [FITTED_METHOD]
    assert (record.images, record.held_out) == (6, 6)
    best = max(trial.logit_snr_db for trial in record.trials)
    assert decibels(_logits(plain, tiles[1::2]), _logits(done.graph, tiles[1::2])) == (
        pytest.approx(best, abs=0.1)
    )
    kinds = [(layer.operator, layer.groups) for layer in record.layers]
    assert kinds == [("Conv", 1), ("Conv", 16), ("Gemm", 1), ("Gemm", 1)]
    assert all(10 < layer.snr_db < 70 for layer in record.layers)


def test_noise_that_no_method_removes_leaves_the_worst_layers_in_fp32(
    tiles: npt.NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scenehash_export.calibrate.ENOUGH_DB", 200.0)
    monkeypatch.setattr("scenehash_export.calibrate.FLOAT_LAYERS", (3,))
    plain = network_graph(small_network(), SIZE)
    told: list[str] = []

    def held_out(what: str) -> Iterator[Image]:
        told.append(what)
        return iter(tiles)

    record = calibrate(plain, lambda _: iter(tiles), held_out).record
    # Each pass over the tiles says what it is for.
    assert told[0] == "run in FP32"
    for trial in record.trials:
        assert f"try {trial.method}, {trial.rounding} weights" in told
    assert len(record.float_layers) == 3
    mixed = record.trials[-1]
    assert mixed.float_layers == 3
    assert mixed.logit_snr_db > max(trial.logit_snr_db for trial in record.trials[:-1])


def test_worst_layer_is_the_one_that_makes_the_noise_and_not_those_behind_it(
    tiles: npt.NDArray[np.uint8],
) -> None:
    plain = network_graph(small_network(), SIZE)
    layers = calibrate(plain, lambda _: iter(tiles), lambda _: iter(tiles)).record.layers
    ratios = (40.0, 20.0, 21.0, 22.0)
    changed = [
        layer.model_copy(update={"snr_db": ratio})
        for layer, ratio in zip(layers, ratios, strict=True)
    ]
    assert worst_layers(changed, 1) == [layers[1].name]


def test_ranges_hold_zero_and_lie_within_what_was_seen(tiles: npt.NDArray[np.uint8]) -> None:
    seen = observe(network_graph(small_network(), SIZE), iter(tiles))
    for tensor in seen.tensors.values():
        for method, find in METHODS.items():
            low, high = find(tensor)
            assert tensor.low <= low <= 0 <= high <= tensor.high, method


def test_grouped_pixels_change_no_logit_and_add_no_transpose(
    tiles: npt.NDArray[np.uint8],
) -> None:
    plain, grouped = (quantized(small_network(), tiles) for _ in range(2))
    for graph in (plain, grouped):
        fold_normalisation(graph)
    assert group_pixels(grouped)
    onnx.checker.check_model(grouped, full_check=True)
    np.testing.assert_array_equal(_logits(plain, tiles), _logits(grouped, tiles))
    for graph in (plain, grouped):
        assert executed_operators(graph)["QLinearConv"] == 2
    transposes = [executed_operators(graph).get("Transpose", 0) for graph in (plain, grouped)]
    assert transposes[0] == transposes[1]


def test_pixels_are_grouped_only_where_the_first_convolution_fits(
    tiles: npt.NDArray[np.uint8],
) -> None:
    uneven = small_network(mean=(123.7, 116.3, 103.5))
    graph = quantized(uneven, tiles)
    assert not group_pixels(graph)
    padded_left = small_network()
    padded_left.backbone[0] = torch.nn.ZeroPad2d((1, 0, 1, 0))  # type: ignore[operator]
    graph = quantized(padded_left, tiles)
    fold_normalisation(graph)
    assert not group_pixels(graph)
    floating = network_graph(small_network(), SIZE)
    fold_normalisation(floating)
    assert not group_pixels(floating)
