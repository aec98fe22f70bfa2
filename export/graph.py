"""The graph of a model file: tiles uint8 [N, S, S, 3] -> codes uint8 [N, K/8] and logits."""

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

LOGITS, CODES, TILES = "logits", "codes", "tiles"


def add_codes(model: onnx.ModelProto, bits: int) -> None:
    """Append the sign and the packing of bits to a graph that ends in logits [N, bits].

    The same as edge_runtime.codes.pack: bit j is set where logit j > 0, bit 0 is the most
    significant of byte 0. All numbers on the way are whole and below 256, exact in float32.
    """
    graph = model.graph
    constants: dict[str, npt.NDArray[np.generic]] = {
        "pack.zero": np.zeros((), np.float32),
        "pack.shape": np.array([0, bits // 8, 8], np.int64),
        "pack.weights": np.array([[128], [64], [32], [16], [8], [4], [2], [1]], np.float32),
        "pack.flat": np.array([0, bits // 8], np.int64),
    }
    graph.initializer.extend(
        numpy_helper.from_array(value, name) for name, value in constants.items()
    )
    as_float = helper.make_node("Cast", ["pack.set"], ["pack.ones"])
    as_float.attribute.append(helper.make_attribute("to", TensorProto.FLOAT))
    as_bytes = helper.make_node("Cast", ["pack.bytes"], [CODES])
    as_bytes.attribute.append(helper.make_attribute("to", TensorProto.UINT8))
    graph.node.extend(
        [
            helper.make_node("Greater", [LOGITS, "pack.zero"], ["pack.set"]),
            as_float,
            helper.make_node("Reshape", ["pack.ones", "pack.shape"], ["pack.bits"]),
            helper.make_node("MatMul", ["pack.bits", "pack.weights"], ["pack.sums"]),
            helper.make_node("Reshape", ["pack.sums", "pack.flat"], ["pack.bytes"]),
            as_bytes,
        ]
    )
    codes = helper.make_tensor_value_info(CODES, TensorProto.UINT8, ["N", bits // 8])
    graph.output.insert(0, codes)


def use_bytes_as_quantized(model: onnx.ModelProto, mean: int, scale: int) -> bool:
    """Let the first quantized layer of an INT8 graph take the tile's bytes as they are.

    (byte - mean) / scale, quantized with that zero point and 1 / scale, is the byte again; so the
    cast, the arithmetic and the quantization of the input can go, and nothing changes. Done only
    if the graph starts as train.network.HashNetwork does; says whether it was.
    """
    graph = model.graph
    chain = _chain(graph, TILES, ["Transpose", "Cast", "Sub", "Div", "QuantizeLinear"])
    if chain is None:
        return False
    transpose, *arithmetic, quantize = chain
    for name, value in (("bytes.scale", np.float32(1 / scale)), ("bytes.zero", np.uint8(mean))):
        graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))
    for node in _users(graph, quantize.output[0]):
        node.input[:] = [transpose.output[0], "bytes.scale", "bytes.zero"]
    for node in (*arithmetic, quantize):
        graph.node.remove(node)
    _drop_unused(graph)
    return True


def tidy(model: onnx.ModelProto) -> None:
    """Remove what the exporter notes of the source code: it names folders of this machine."""
    graph = model.graph
    del model.metadata_props[:]
    del graph.metadata_props[:]
    del graph.value_info[:]
    for part in (*graph.node, *graph.input, *graph.output, *graph.initializer):
        part.doc_string = ""
        del part.metadata_props[:]


def _chain(graph: onnx.GraphProto, value: str, kinds: list[str]) -> list[onnx.NodeProto] | None:
    """The nodes of those kinds, one behind the other, that alone use a value; None if others do."""
    chain = []
    for kind in kinds:
        users = _users(graph, value)
        if len(users) != 1 or users[0].op_type != kind:
            return None
        chain.append(users[0])
        value = users[0].output[0]
    return chain


def _users(graph: onnx.GraphProto, value: str) -> list[onnx.NodeProto]:
    return [node for node in graph.node if value in node.input]


def _drop_unused(graph: onnx.GraphProto) -> None:
    used = {name for node in graph.node for name in node.input}
    unused = [constant for constant in graph.initializer if constant.name not in used]
    for constant in unused:
        graph.initializer.remove(constant)
