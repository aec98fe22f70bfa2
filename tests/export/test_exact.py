"""Every processor computes the same bytes: additions, averages, sums."""

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper, numpy_helper
from torch import nn

from scenehash.errors import FidelityError
from scenehash_export.exact_additions import (
    align_additions,
    aligned_steps,
    check_additions,
    closeness,
)
from scenehash_export.exact_means import average_whole_numbers
from scenehash_export.gptq import round_weights, with_biases
from scenehash_export.graph import finish_graph, network_graph
from scenehash_export.layer_snr import decibels
from scenehash_export.observe import observe, open_with_outputs
from scenehash_export.quantize import executed_operators, quantize
from scenehash_export.ranges import min_max
from scenehash_export.saturation import check_saturation
from scenehash_train.network import HashNetwork

from .conftest import BITS, SIZE, small_network

Tiles = npt.NDArray[np.uint8]
Bytes = npt.NDArray[np.int64]
A, B = (values.reshape(-1).astype(np.int64) for values in np.mgrid[0:256, 0:256])


def on_x86(first: tuple[float, int], second: tuple[float, int], total: tuple[float, int]) -> Bytes:
    """Sums of all pairs in float32, one operation after the other (MlasQLinearAddKernelHelper)."""
    a, b = (np.float32(step) / np.float32(total[0]) for step, _ in (first, second))
    fixed = np.float32(total[1]) - (a * np.float32(first[1]) + b * np.float32(second[1]))
    sums = fixed + A.astype(np.float32) * a + B.astype(np.float32) * b
    return np.rint(sums).clip(0, 255).astype(np.int64)


def on_arm(first: tuple[float, int], second: tuple[float, int], total: tuple[float, int]) -> Bytes:
    """The same in whole numbers of 22 bits, halves away from zero, as 64-bit ARM does."""
    a, b = (float(np.float32(step) / np.float32(total[0])) for step, _ in (first, second))
    shift = 21 - int(np.floor(np.log2(max(a, b))))
    sums = (A - first[1]) * round(a * 2**shift) + (B - second[1]) * round(b * 2**shift)
    sums -= sums < 0
    return (((sums + (1 << (shift - 1))) >> shift) + total[1]).clip(0, 255)


def here(first: tuple[float, int], second: tuple[float, int], total: tuple[float, int]) -> Bytes:
    """The same by onnxruntime on this machine."""
    u8 = onnx.TensorProto.UINT8
    names = ["a", "a_step", "a_zero", "b", "b_step", "b_zero", "c_step", "c_zero"]
    given_steps = [
        numpy_helper.from_array(np.asarray(value), f"{name}_{part}")
        for name, (step, zero) in zip("abc", (first, second, total), strict=True)
        for part, value in (("step", np.float32(step)), ("zero", np.uint8(zero)))
    ]
    graph = helper.make_graph(
        [helper.make_node("QLinearAdd", names, ["c"], domain="com.microsoft")],
        "addition",
        [helper.make_tensor_value_info(name, u8, [len(A)]) for name in "ab"],
        [helper.make_tensor_value_info("c", u8, [len(A)])],
        given_steps,
    )
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    inputs = {"a": A.astype(np.uint8), "b": B.astype(np.uint8)}
    return session.run(["c"], inputs)[0].astype(np.int64)


@settings(max_examples=60, deadline=None)
@given(
    fixed=st.floats(0.001, 1),
    ratios=st.tuples(st.floats(0.1, 1.5), st.floats(0.1, 1.5)),
    zeros=st.tuples(*[st.integers(0, 255)] * 3),
)
def test_aligned_additions_round_alike_everywhere(
    fixed: float, ratios: tuple[float, float], zeros: tuple[int, int, int]
) -> None:
    total = fixed / ratios[0]
    moved, summed = aligned_steps(fixed, total * ratios[1], total)
    # p is within a half of 511 times the ratio, and may lie just at it.
    moved_at_most = 0.5 / (511 * ratios[0] - 0.5)
    assert summed == pytest.approx(total, rel=moved_at_most * (1 + 1e-9))
    steps = tuple(
        (float(np.float32(step)), zero)
        for step, zero in zip((fixed, moved, summed), zeros, strict=True)
    )
    distance, error = closeness(*steps)
    assert distance > error
    np.testing.assert_array_equal(on_x86(*steps), on_arm(*steps))
    np.testing.assert_array_equal(on_x86(*steps), here(*steps))


def test_additions_as_they_come_do_not() -> None:
    rng = np.random.default_rng(0)
    apart = 0
    for _ in range(20):
        steps = [(float(step), 128) for step in rng.uniform(0.02, 0.04, 2)]
        steps.append((float(rng.uniform(0.04, 0.08)), 128))
        apart += int((on_x86(*steps) != on_arm(*steps)).any())
    assert apart >= 5, "if this never happened, there would be nothing to align"


class _Residual(nn.Module):
    """Two blocks of a residual network, with an average."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.stem = nn.Sequential(nn.Conv2d(3, 16, 3, stride=2, padding=1), nn.ReLU6())
        self.blocks = nn.ModuleList(nn.Conv2d(16, 16, 3, padding=1) for _ in range(2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem(x)
        for block in self.blocks:
            x = x + block(x)
        return x.mean((2, 3))


@pytest.fixture(scope="module")
def residual(tiles: Tiles) -> onnx.ModelProto:
    """A residual network in INT8, to logits."""
    network = HashNetwork(_Residual(), nn.Linear(16, BITS), (127.0,), (128.0,)).eval()
    plain = network_graph(network, SIZE)
    ranges = {n: min_max(t) for n, t in observe(plain, iter(tiles)).tensors.items()}
    return quantize(plain, ranges)


def _copy(model: onnx.ModelProto) -> onnx.ModelProto:
    copied = onnx.ModelProto()
    copied.CopyFrom(model)
    return copied


def _run(model: onnx.ModelProto, tiles: Tiles) -> npt.NDArray[np.float32]:
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return session.run(["logits"], {"tiles": tiles})[0]


def test_a_finished_graph_has_additions_that_round_alike(
    residual: onnx.ModelProto, tiles: Tiles
) -> None:
    with pytest.raises(FidelityError, match="rounded otherwise on other processors"):
        check_additions(residual)
    aligned = _copy(residual)
    assert align_additions(aligned) == 2
    check_additions(aligned)
    assert decibels(_run(residual, tiles), _run(aligned, tiles)) > 30
    before = aligned.SerializeToString()
    align_additions(aligned)
    assert aligned.SerializeToString() == before, "what is aligned stays as it is"
    finish_graph(aligned)
    check_additions(aligned)
    assert executed_operators(aligned)["QLinearAdd"] == 2


def test_averages_are_of_whole_numbers_and_round_once(
    residual: onnx.ModelProto, tiles: Tiles
) -> None:
    changed = _copy(residual)
    assert average_whole_numbers(changed) == 1
    onnx.checker.check_model(changed, full_check=True)
    (scaled,) = [node for node in changed.graph.node if node.name.startswith("mean/")][-1:]
    (average,) = [node for node in changed.graph.node if node.op_type == "ReduceMean"]
    assert scaled.op_type == "Mul"
    names = [average.input[0], average.output[0], scaled.output[0]]
    session, names = open_with_outputs(changed, names)
    whole, averaged, result = session.run(names, {"tiles": tiles})
    assert (whole == np.round(whole)).all()
    exact = whole.astype(np.float64).mean((2, 3)).astype(np.float32)
    np.testing.assert_array_equal(averaged, exact)
    (step,) = [t for t in changed.graph.initializer if t.name == scaled.input[1]]
    np.testing.assert_array_equal(result, exact * numpy_helper.to_array(step))
    np.testing.assert_allclose(_run(changed, tiles), _run(residual, tiles), rtol=0, atol=1e-5)
    assert average_whole_numbers(changed) == 0, "it is done once"


@pytest.mark.slow
def test_the_sum_of_a_dead_channel_stays_in_32_bits(tiles: Tiles) -> None:
    network = small_network()
    convolution = network.backbone[1]  # type: ignore[index]
    with torch.no_grad():
        convolution.weight[3] *= 1e-9
        convolution.bias[3] = -0.5
        convolution.weight[5] *= 1e-9
        convolution.bias[5] = 0.5
    plain = with_biases(network_graph(network, SIZE))
    ranges = {n: min_max(t) for n, t in observe(plain, iter(tiles)).tensors.items()}
    fitted = round_weights(plain, quantize(plain, ranges), list(tiles))
    check_saturation(fitted)
    (name,) = [n.output[0] for n in plain.graph.node if n.op_type == "Clip"][:1]
    session, names = open_with_outputs(fitted, [f"{name}_DequantizeLinear_Output"])
    (channels,) = session.run(names, {"tiles": tiles})
    assert (channels[:, 3] == 0).all()
    np.testing.assert_allclose(channels[:, 5], 0.5, atol=0.05)


def test_sums_that_leave_32_bits_are_refused(residual: onnx.ModelProto) -> None:
    broken = _copy(residual)
    biases = [t for t in broken.graph.initializer if t.data_type == onnx.TensorProto.INT32]
    values = numpy_helper.to_array(biases[0]).copy()
    values[0] = np.iinfo(np.int32).min
    biases[0].CopyFrom(numpy_helper.from_array(values, biases[0].name))
    with pytest.raises(FidelityError, match="can leave 32 bits"):
        check_saturation(broken)


@pytest.mark.slow
def test_joined_averages_are_scaled_at_once_to_the_same_bits(tiles: Tiles) -> None:
    class TwoScales(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(2)
            self.first = nn.Sequential(nn.Conv2d(3, 16, 3, stride=2, padding=1), nn.ReLU6())
            self.second = nn.Sequential(nn.Conv2d(16, 8, 3, stride=2, padding=1), nn.ReLU6())

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = self.first(x)
            return torch.cat([x.mean((2, 3)), self.second(x).mean((2, 3))], 1)

    network = HashNetwork(TwoScales(), nn.Linear(24, BITS), (127.0,), (128.0,)).eval()
    plain = network_graph(network, SIZE)
    ranges = {n: min_max(t) for n, t in observe(plain, iter(tiles)).tensors.items()}
    changed = quantize(plain, ranges)
    (concatenation,) = [node for node in changed.graph.node if node.op_type == "Concat"]
    joined = concatenation.output[0]
    made = {name: node for node in changed.graph.node for name in node.output}
    sources = [made[made[name].input[0]] for name in concatenation.input]
    steps = {t.name: numpy_helper.to_array(t) for t in changed.graph.initializer}
    assert average_whole_numbers(changed) == 2
    onnx.checker.check_model(changed, full_check=True)
    operators = [node.op_type for node in changed.graph.node]
    assert operators.count("Mul") == 1
    read = {name for node in changed.graph.node for name in node.input}
    assert {node.output[0] for node in changed.graph.node} - read == {"logits"}
    session, _ = open_with_outputs(changed, [joined, *(source.input[0] for source in sources)])
    names = [joined, *(source.input[0] for source in sources)]
    result, *quantized = session.run(names, {"tiles": tiles})
    expected = [
        (bytes_.astype(np.float64) - steps[source.input[2]]).mean((2, 3)).astype(np.float32)
        * steps[source.input[1]]
        for bytes_, source in zip(quantized, sources, strict=True)
    ]
    np.testing.assert_array_equal(result, np.concatenate(expected, 1))
