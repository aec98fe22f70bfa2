"""INT8 really runs in INT8, from the tile's bytes on."""

import numpy as np
import numpy.typing as npt
import onnxruntime
import pytest

from edge_runtime.codes import pack
from edge_runtime.errors import FidelityError
from export.graph import finish_graph, lower_network
from export.quantize import check_quantized, executed_operators, quantize

from .conftest import SIZE, small_network


@pytest.mark.parametrize("mean", [(127.0,), (123.7, 116.3, 103.5)])
def test_every_convolution_and_gemm_runs_quantized(
    tiles: npt.NDArray[np.uint8], mean: tuple[float, ...]
) -> None:
    plain = lower_network(small_network(mean), SIZE)
    graph = quantize(plain, iter(tiles))
    finish_graph(graph)
    operators = executed_operators(graph)
    check_quantized(operators)
    assert operators["QLinearConv"] == operators["QGemm"] == 2
    assert "Clip" not in operators


def test_int8_graph_starts_with_the_bytes_of_the_tile(tiles: npt.NDArray[np.uint8]) -> None:
    graph = quantize(lower_network(small_network(), SIZE), iter(tiles))
    finish_graph(graph)
    kinds = [node.op_type for node in graph.graph.node]
    assert "Sub" not in kinds
    assert "Div" not in kinds
    assert executed_operators(graph)["Cast"] == 2, "no cast but those of the bit packing"


def test_folding_the_normalisation_changes_no_logit(tiles: npt.NDArray[np.uint8]) -> None:
    kept = quantize(lower_network(small_network(), SIZE), iter(tiles))
    folded = quantize(lower_network(small_network(), SIZE), iter(tiles))
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
    graph = lower_network(small_network(), SIZE)
    finish_graph(graph)
    with pytest.raises(FidelityError, match="floating point"):
        check_quantized(executed_operators(graph))
