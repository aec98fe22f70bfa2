"""The FP32 graph of a model file: tiles in; packed codes and logits out.

tiles uint8 [N, S, S, 3] ──► bands first, normalised ──► backbone, head ──► logits ──► codes
"""

import math

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from edge_runtime.codes import check_bits
from train.lowering import lower
from train.network import HashNetwork

BITS_A_BYTE = 8
# Nodes whose names begin so pack bits: they stay in float32 whatever happens to the rest.
PACKING = "pack/"
NORMALISE = "normalise"


def build_graph(network: HashNetwork, tile_size: int) -> onnx.ModelProto:
    """The graph of a network: input "tiles", outputs "codes" uint8 [N, K/8] and "logits" [N, K].

    Raises ConfigurationError when the network's logits are not K bits that a code can have.
    """
    model = lower(network, tile_size, ["logits"])
    _strip_provenance(model)
    fold_normalisation(model)
    append_packing(model)
    onnx.checker.check_model(model, full_check=True)
    return model


def append_packing(model: onnx.ModelProto) -> None:
    """Add the output "codes" to a graph that has the output "logits" float32 [N, K].

    The same bits as edge_runtime.codes.pack: bit j is set where logit j > 0, bit 0 is the most
    significant of byte 0. A byte is the product of its bits with 128, 64, ..., 1: exact in float32.
    """
    graph = model.graph
    logits = next(output for output in graph.output if output.name == "logits")
    shape = logits.type.tensor_type.shape
    bits = check_bits(shape.dim[1].dim_value)
    zero, weights = np.zeros((), np.float32), _byte_weights(bits)
    graph.initializer.extend(
        [
            numpy_helper.from_array(zero, PACKING + "zero"),
            numpy_helper.from_array(weights, PACKING + "byte_weights"),
        ]
    )
    float32, uint8 = onnx.TensorProto.FLOAT, onnx.TensorProto.UINT8
    for operator, inputs, output, attributes in (
        ("Greater", ["logits", PACKING + "zero"], PACKING + "bits", {}),
        ("Cast", [PACKING + "bits"], PACKING + "bits_float", {"to": float32}),
        ("MatMul", [PACKING + "bits_float", PACKING + "byte_weights"], PACKING + "bytes", {}),
        ("Cast", [PACKING + "bytes"], "codes", {"to": uint8}),
    ):
        name = PACKING + output.removeprefix(PACKING)
        graph.node.append(helper.make_node(operator, inputs, [output], name=name, **attributes))
    batch = shape.dim[0].dim_param or shape.dim[0].dim_value
    codes = helper.make_tensor_value_info("codes", uint8, [batch, bits // BITS_A_BYTE])
    graph.output.insert(0, codes)


def fold_normalisation(model: onnx.ModelProto) -> bool:
    """Write (tile - mean) / scale as one DequantizeLinear where both give the same bits.

    That is so when all bands have one mean, a whole number of 0 to 255, and one scale, a power of
    two. An INT8 graph then takes the tile's bytes as they are for its first activation. Elsewhere
    the graph stays as it is, and False is returned.
    """
    graph = model.graph
    found = _normalisation(graph)
    if found is None:
        return False
    cast, subtract, divide = found
    constants = {tensor.name: tensor for tensor in graph.initializer}
    mean = numpy_helper.to_array(constants[subtract.input[1]])
    scale = numpy_helper.to_array(constants[divide.input[1]])
    if not _folds(mean, scale):
        return False
    zero_point = np.array(mean.flat[0], np.uint8)
    step = np.array(1 / scale.flat[0], np.float32)
    graph.initializer.extend(
        [
            numpy_helper.from_array(step, NORMALISE + "_scale"),
            numpy_helper.from_array(zero_point, NORMALISE + "_zero_point"),
        ]
    )
    folded = helper.make_node(
        "DequantizeLinear",
        [cast.input[0], NORMALISE + "_scale", NORMALISE + "_zero_point"],
        [divide.output[0]],
        name=NORMALISE,
    )
    graph.node.insert(list(graph.node).index(cast), folded)
    for node in (cast, subtract, divide):
        graph.node.remove(node)
    for name in {subtract.input[1], divide.input[1]}:
        graph.initializer.remove(constants[name])
    return True


def _byte_weights(bits: int) -> npt.NDArray[np.float32]:
    """float32 [K, K/8]: column b weighs the 8 bits of byte b, and no others."""
    place_values = 2.0 ** np.arange(BITS_A_BYTE - 1, -1, -1)
    return np.kron(np.eye(bits // BITS_A_BYTE), place_values[:, np.newaxis]).astype(np.float32)


def _folds(mean: npt.NDArray[np.generic], scale: npt.NDArray[np.generic]) -> bool:
    if len(np.unique(mean)) != 1 or len(np.unique(scale)) != 1:
        return False
    value, step = float(mean.flat[0]), float(scale.flat[0])
    return value.is_integer() and 0 <= value <= 255 and step > 0 and math.frexp(step)[0] == 0.5


def _normalisation(
    graph: onnx.GraphProto,
) -> tuple[onnx.NodeProto, onnx.NodeProto, onnx.NodeProto] | None:
    """The Cast, Sub and Div at the beginning of a lowered HashNetwork."""
    found = []
    tensor = "tiles"
    for operator in ("Transpose", "Cast", "Sub", "Div"):
        readers = [node for node in graph.node if tensor in node.input]
        if len(readers) != 1 or readers[0].op_type != operator:
            return None
        found.append(readers[0])
        tensor = readers[0].output[0]
    return found[1], found[2], found[3]


def _strip_provenance(model: onnx.ModelProto) -> None:
    """Drop what the exporter notes of the source code: it names folders of this machine."""
    graph = model.graph
    del model.metadata_props[:]
    graph.doc_string = ""
    for part in (*graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer):
        part.doc_string = ""
        del part.metadata_props[:]
