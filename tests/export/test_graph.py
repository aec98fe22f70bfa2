"""The graph gives what the network gives, and codes are the packed signs of its logits."""

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from onnx import helper

from scenehash.codes import pack
from scenehash.errors import ConfigurationError, FidelityError
from scenehash_export.fidelity import check_onnx_export
from scenehash_export.graph import append_packing, find_normalisation, finish_graph, network_graph

from .conftest import SIZE, small_network


def _packer(bits: int) -> onnxruntime.InferenceSession:
    given_logits = helper.make_tensor_value_info("given", onnx.TensorProto.FLOAT, ["N", bits])
    logits = helper.make_tensor_value_info("logits", onnx.TensorProto.FLOAT, ["N", bits])
    same = helper.make_node("Identity", ["given"], ["logits"])
    graph = helper.make_graph([same], "packer", [given_logits], [logits])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    append_packing(model)
    onnx.checker.check_model(model, full_check=True)
    return onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )


PACKERS = {bits: _packer(bits) for bits in (16, 24, 64, 256)}


@settings(max_examples=150, deadline=None)
@given(data=st.data(), bits=st.sampled_from(sorted(PACKERS)), count=st.integers(1, 5))
def test_codes_are_the_packed_signs_whatever_the_logits(
    data: st.DataObject, bits: int, count: int
) -> None:
    # Infinities, NaN, both zeros and the smallest numbers are among what hypothesis draws.
    # Without subnormals: a processor may be set to read them as 0.
    floats = st.floats(width=32, allow_subnormal=False)
    logits = data.draw(arrays.arrays(np.float32, (count, bits), elements=floats))
    (codes,) = PACKERS[bits].run(["codes"], {"given": logits})
    assert codes.dtype == np.uint8
    np.testing.assert_array_equal(codes, pack(logits))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mean", "scale", "folds"),
    [
        ((127.0,), (128.0,), True),
        ((127.5,), (128.0,), False),
        ((127.0,), (127.0,), False),
        ((124.0, 116.0, 104.0), (64.0, 64.0, 64.0), False),
    ],
)
def test_graph_gives_the_logits_of_the_network_for_any_batch(
    tiles: npt.NDArray[np.uint8], mean: tuple[float, ...], scale: tuple[float, ...], folds: bool
) -> None:
    network = small_network(mean, scale)
    graph = network_graph(network, SIZE)
    assert (find_normalisation(graph) is not None) == folds
    finish_graph(graph)
    assert ("DequantizeLinear" in {node.op_type for node in graph.graph.node}) == folds
    session = onnxruntime.InferenceSession(
        graph.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    for count in (1, 5):
        codes, logits = session.run(["codes", "logits"], {"tiles": tiles[:count]})
        with torch.inference_mode():
            expected = network(torch.from_numpy(tiles[:count])).numpy()
        np.testing.assert_allclose(logits, expected, atol=1e-5)
        np.testing.assert_array_equal(codes, pack(logits))


@pytest.mark.slow
def test_graph_says_nothing_of_the_folders_it_was_made_in() -> None:
    graph = network_graph(small_network(), SIZE)
    finish_graph(graph)
    assert b".py" not in graph.SerializeToString()


@pytest.mark.slow
def test_wrong_normalisation_is_caught(tiles: npt.NDArray[np.uint8]) -> None:
    graph = network_graph(small_network(mean=(100.0,)), SIZE)
    with pytest.raises(FidelityError, match="departs from the network in PyTorch"):
        check_onnx_export(small_network(), graph, tiles)


@pytest.mark.slow
def test_width_that_no_code_has_is_refused() -> None:
    network = small_network()
    network.head = torch.nn.Linear(16, 20)
    with pytest.raises(ConfigurationError, match="20 bits"):
        finish_graph(network_graph(network, SIZE))
