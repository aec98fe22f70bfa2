"""Fitted rounding loses less than the nearest step, and no layer in silence."""

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import pytest
import torch
from onnx import numpy_helper

from scenehash_export.activation_cache import ActivationCache
from scenehash_export.gptq import _rounded, round_rows, round_weights, with_biases
from scenehash_export.graph import finish_graph, network_graph
from scenehash_export.layer_snr import decibels
from scenehash_export.observe import observe
from scenehash_export.quantize import check_quantized, check_weights, executed_operators, quantize
from scenehash_export.ranges import min_max
from scenehash_export.saturation import check_saturation, safe_rows

from ..scenes import draw
from .conftest import CLASSES, SIZE, small_network

Tiles = npt.NDArray[np.uint8]


@pytest.fixture(scope="module")
def seen() -> Tiles:
    """Tiles that calibrate, uint8 [40, 32, 32, 3]."""
    return np.stack([draw(kind, seed, SIZE) for kind in CLASSES for seed in range(100, 120)])


@pytest.fixture(scope="module")
def graphs(seen: Tiles) -> tuple[onnx.ModelProto, onnx.ModelProto]:
    """A small network in FP32 and, by the nearest step, in INT8."""
    plain = with_biases(network_graph(small_network(), SIZE))
    ranges = {n: min_max(t) for n, t in observe(plain, iter(seen)).tensors.items()}
    return plain, quantize(plain, ranges)


def _run(graph: onnx.ModelProto, tiles: Tiles) -> npt.NDArray[np.float32]:
    session = onnxruntime.InferenceSession(
        graph.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return session.run(["logits"], {"tiles": tiles})[0]


@pytest.mark.slow
def test_fitted_rounding_is_nearer_to_fp32_on_tiles_that_it_did_not_see(
    graphs: tuple[onnx.ModelProto, onnx.ModelProto], seen: Tiles, tiles: Tiles
) -> None:
    plain, nearest = graphs
    fitted = round_weights(plain, nearest, list(seen))
    exact = _run(plain, tiles)
    before, after = (decibels(exact, _run(graph, tiles)) for graph in (nearest, fitted))
    assert after > before + 2


@pytest.mark.slow
def test_fitted_graph_is_the_same_but_for_its_integers_and_steps(
    graphs: tuple[onnx.ModelProto, onnx.ModelProto], seen: Tiles
) -> None:
    plain, nearest = graphs
    fitted = round_weights(plain, nearest, list(seen))
    assert [n.SerializeToString() for n in fitted.graph.node] == [
        n.SerializeToString() for n in nearest.graph.node
    ]
    changed = {
        old.name: numpy_helper.to_array(new).dtype
        for old, new in zip(nearest.graph.initializer, fitted.graph.initializer, strict=True)
        if old.SerializeToString() != new.SerializeToString()
    }
    assert {dtype.name for dtype in changed.values()} == {"int8", "int32", "float32"}
    finish_graph(fitted)
    check_weights(fitted)
    check_saturation(fitted)
    check_quantized(executed_operators(fitted))


@pytest.mark.slow
def test_a_layer_with_too_few_inputs_keeps_its_integers(
    graphs: tuple[onnx.ModelProto, onnx.ModelProto], seen: Tiles
) -> None:
    plain, nearest = graphs
    fitted = round_weights(plain, nearest, list(seen[:4]))
    integers = {
        old.name: (numpy_helper.to_array(old), numpy_helper.to_array(new))
        for old, new in zip(nearest.graph.initializer, fitted.graph.initializer, strict=True)
        if "head" in old.name and old.data_type == onnx.TensorProto.INT8 and old.dims[1:]
    }
    assert len(integers) == 2
    for name, (old, new) in integers.items():
        np.testing.assert_array_equal(old, new, err_msg=name)


def test_columns_make_good_what_those_before_them_lost() -> None:
    rng = np.random.default_rng(0)
    common = rng.normal(size=(4000, 1))
    inputs = np.concatenate([common + 0.3 * rng.normal(size=(4000, 12)), np.ones((4000, 1))], 1)
    moment = torch.from_numpy(inputs.T @ inputs / len(inputs))
    weights = torch.from_numpy(rng.normal(size=(6, 13)))
    scale = weights[:, :-1].abs().amax(1) / 7
    limit = torch.full_like(scale, 127)
    integers, bias = _rounded(weights, moment + 1e-6 * torch.eye(13), scale, limit)
    nearest = (weights[:, :-1] / scale[:, None]).round()

    def lost(found: torch.Tensor, offset: torch.Tensor) -> float:
        row = torch.cat([found * scale[:, None], offset[:, None]], 1)
        return float(((row - weights) @ moment @ (row - weights).T).diagonal().sum())

    assert integers.eq(integers.round()).all()
    assert lost(integers, bias) < 0.5 * lost(nearest, weights[:, -1])


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("columns", [1, 9, 200])
def test_rows_have_the_finest_steps_at_which_no_pair_can_saturate(
    columns: int, shared: bool
) -> None:
    rng = np.random.default_rng(columns)
    weights = torch.from_numpy(rng.standard_t(2, size=(40, columns + 1)))
    inputs = torch.from_numpy(rng.normal(size=(4 * columns + 4, columns + 1)))
    moment = inputs.T @ inputs / len(inputs) + 0.01 * torch.eye(columns + 1)
    scale, integers, _ = round_rows(weights, moment, shared)
    assert safe_rows(integers).all()
    assert integers.abs().max() <= 127
    seven_bits = weights[:, :-1].abs().amax(1) / 64
    if shared:
        assert len(scale.unique()) == 1
        assert scale.max() <= seven_bits.max() * 1.0001
    else:
        assert (scale <= seven_bits * 1.0001).all()
        assert (scale < 0.9 * seven_bits).float().mean() > (0.3 if columns < 100 else 0)


def test_the_pair_rule_is_the_bound_of_sixteen_bits() -> None:
    rows = torch.tensor([[64, 64, -64, -64], [127, 1, 0, 0], [127, 2, 0, 0], [-100, -29, 100, 5]])
    assert safe_rows(rows).tolist() == [True, True, False, False]
    assert 255 * 128 < 2**15 <= 255 * 129


@pytest.mark.slow
def test_cached_activations_are_those_of_the_whole_graph(
    graphs: tuple[onnx.ModelProto, onnx.ModelProto], tiles: Tiles
) -> None:
    for graph in graphs:
        cache = ActivationCache(graph, list(tiles))
        convolutions = [node for node in graph.graph.node if node.op_type in ("Conv", "Gemm")]
        for node in convolutions:
            read = np.concatenate(list(cache.read(node.input[0])))
            again = np.concatenate(list(ActivationCache(graph, list(tiles)).read(node.input[0])))
            np.testing.assert_allclose(read, again, rtol=0, atol=1e-6)
        last = np.concatenate(list(cache.read("logits")))
        np.testing.assert_allclose(last, _run(graph, tiles), rtol=0, atol=1e-5)
