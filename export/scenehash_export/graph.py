"""The graph of a model file: tiles in; packed codes, logits and a compact representation out.

tiles uint8 [N, S, S, 3] ──► bands first, normalised ──► backbone ──► head ──► logits ──► codes
                                                             │          │
                                                             └──────────┴──► representation
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper
from torch import Tensor, nn

from scenehash.codes import byte_weights, check_bits
from scenehash.model.inspection import REPRESENTATION
from scenehash_train.network import HashNetwork
from scenehash_train.onnx_export import export_onnx

from .exact_additions import align_additions
from .exact_means import average_whole_numbers
from .nodes import WEIGHTED, constant, constants, producers
from .space_to_depth import group_pixels

BITS_A_BYTE = 8
LOGITS = "logits"
# Prefix of the nodes that pack bits; they stay in float32.
PACKING = "pack/"
NORMALISE = "normalise"


def network_graph(network: HashNetwork, tile_size: int) -> onnx.ModelProto:
    """The FP32 graph of a network from "tiles" to "logits", and "representation" if it has one."""
    if network.compact is None:
        model = export_onnx(network, tile_size, [LOGITS])
    else:
        model = export_onnx(_BothOutputs(network), tile_size, [LOGITS, REPRESENTATION])
    strip_provenance(model)
    return model


def representation_nodes(model: onnx.ModelProto) -> list[str]:
    """The names of the nodes, and of those after them, that add up and round the representation.

    They stay in float32: sums of exact products of whole numbers, each rounded once.
    """
    made_by = producers(model)
    names = []
    waiting = [REPRESENTATION]
    while waiting:
        node = made_by.get(waiting.pop())
        if node is not None and node.op_type not in WEIGHTED:
            names.append(node.name)
            waiting += node.input
    return names


class _BothOutputs(nn.Module):
    def __init__(self, network: HashNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, tiles: Tensor) -> tuple[Tensor, Tensor]:
        return self.network.logits_and_compact(tiles)


def finish_graph(model: onnx.ModelProto, group: bool = True) -> None:
    """Turn a graph to logits, quantized or not, into that of a model file.

    Folds the normalisation, adds the codes, and checks the result. group: let the first convolution
    take several pixels as one where possible (see space_to_depth.py). Additions and averages of an
    INT8 graph are written so that every processor computes the same bytes (exact_additions.py,
    exact_means.py). Raises ConfigurationError when there are not as many logits as a code may have
    bits.
    """
    fold_normalisation(model)
    align_additions(model)
    average_whole_numbers(model)
    if group:
        group_pixels(model)
    _drop_unused(model.graph)
    append_packing(model)
    strip_provenance(model)
    onnx.checker.check_model(model, full_check=True)


def append_packing(model: onnx.ModelProto) -> None:
    """Add the output "codes" to a graph that has the output "logits" float32 [N, K].

    The same bits as scenehash.codes.pack: bit j is set where logit j > 0, bit 0 is the most
    significant of byte 0. A byte is the product of its bits with 128, 64, ..., 1: exact in float32.
    """
    graph = model.graph
    logits = next(output for output in graph.output if output.name == LOGITS)
    shape = logits.type.tensor_type.shape
    bits = check_bits(shape.dim[1].dim_value)
    zero, weights = np.zeros((), np.float32), byte_weights(bits)
    graph.initializer.extend(
        [
            numpy_helper.from_array(zero, PACKING + "zero"),
            numpy_helper.from_array(weights, PACKING + "byte_weights"),
        ]
    )
    float32, uint8 = onnx.TensorProto.FLOAT, onnx.TensorProto.UINT8
    zero_name, weights_name = PACKING + "zero", PACKING + "byte_weights"
    set_bits, ones, sums = PACKING + "bits", PACKING + "ones", PACKING + "sums"
    graph.node.extend(
        [
            helper.make_node("Greater", [LOGITS, zero_name], [set_bits], name=set_bits),
            helper.make_node("Cast", [set_bits], [ones], name=ones, to=float32),
            helper.make_node("MatMul", [ones, weights_name], [sums], name=sums),
            helper.make_node("Cast", [sums], ["codes"], name=PACKING + "codes", to=uint8),
        ]
    )
    batch = shape.dim[0].dim_param or shape.dim[0].dim_value
    codes = helper.make_tensor_value_info("codes", uint8, [batch, bits // BITS_A_BYTE])
    graph.output.insert(0, codes)


@dataclass(frozen=True)
class Normalisation:
    """The operators of (tile - mean) / scale, and the equal quantization of their result.

    A byte b of the tile stands for (b - zero_point) * step.
    """

    nodes: tuple[onnx.NodeProto, onnx.NodeProto, onnx.NodeProto]
    step: npt.NDArray[np.float32]
    zero_point: npt.NDArray[np.uint8]

    @property
    def output(self) -> str:
        """The normalised tensor."""
        return str(self.nodes[-1].output[0])


def find_normalisation(model: onnx.ModelProto) -> Normalisation | None:
    """The normalisation where it equals a quantization exactly, or None.

    It does when all bands have the same mean, a whole number from 0 to 255, and the same scale, a
    power of two. Padding by the zero point is padding by zeros then, as in the network.
    """
    nodes = []
    tensor = "tiles"
    for operator in ("Transpose", "Cast", "Sub", "Div"):
        readers = [node for node in model.graph.node if tensor in node.input]
        if len(readers) != 1 or readers[0].op_type != operator:
            return None
        nodes.append(readers[0])
        tensor = readers[0].output[0]
    _, cast, subtract, divide = nodes
    known = constants(model)
    if not {subtract.input[1], divide.input[1]} <= set(known):
        return None
    mean, scale = (numpy_helper.to_array(known[node.input[1]]) for node in (subtract, divide))
    if not _folds(mean, scale):
        return None
    step = np.array(1 / float(scale.flat[0]), np.float32)
    return Normalisation((cast, subtract, divide), step, np.array(mean.flat[0], np.uint8))


def fold_normalisation(model: onnx.ModelProto) -> bool:
    """Replace the normalisation by one DequantizeLinear of the tile's bytes, where that is exact.

    In an INT8 graph that quantizes the normalised tensor by the same step and zero point, the bytes
    become the first convolution's activation. Gives False, and changes nothing, elsewhere.
    """
    normalisation = find_normalisation(model)
    if normalisation is None:
        return False
    graph, removed = model.graph, list(normalisation.nodes)
    output = normalisation.output
    (reader,) = [node for node in graph.node if output in node.input]
    if reader.op_type == "QuantizeLinear":
        if not _same_quantization(model, reader, normalisation):
            return False
        (dequantize,) = [node for node in graph.node if reader.output[0] in node.input]
        removed += [reader, dequantize]
        output = dequantize.output[0]
    graph.initializer.extend(
        [
            numpy_helper.from_array(normalisation.step, NORMALISE + "/step"),
            numpy_helper.from_array(normalisation.zero_point, NORMALISE + "/zero_point"),
        ]
    )
    cast = normalisation.nodes[0]
    inputs = [cast.input[0], NORMALISE + "/step", NORMALISE + "/zero_point"]
    folded = helper.make_node("DequantizeLinear", inputs, [output], name=NORMALISE)
    graph.node.insert(list(graph.node).index(cast), folded)
    for node in removed:
        graph.node.remove(node)
    _drop_unused(graph)
    return True


def _folds(mean: npt.NDArray[np.generic], scale: npt.NDArray[np.generic]) -> bool:
    if len(np.unique(mean)) != 1 or len(np.unique(scale)) != 1:
        return False
    value, step = float(mean.flat[0]), float(scale.flat[0])
    return value.is_integer() and 0 <= value <= 255 and step > 0 and math.frexp(step)[0] == 0.5


def _same_quantization(
    model: onnx.ModelProto, quantize: onnx.NodeProto, normalisation: Normalisation
) -> bool:
    step, zero_point = (constant(model, name) for name in quantize.input[1:3])
    return bool(step == normalisation.step and zero_point == normalisation.zero_point)


def _drop_unused(graph: onnx.GraphProto) -> None:
    read = {name for node in graph.node for name in node.input}
    made = {name for node in graph.node for name in node.output}
    for tensor in [tensor for tensor in graph.initializer if tensor.name not in read]:
        graph.initializer.remove(tensor)
    for value in [value for value in graph.value_info if value.name not in made]:
        graph.value_info.remove(value)


def strip_provenance(model: onnx.ModelProto) -> None:
    """Remove the exporter's notes on the source code, which name folders of this machine."""
    graph = model.graph
    del model.metadata_props[:]
    graph.doc_string = ""
    for part in (*graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer):
        part.doc_string = ""
        del part.metadata_props[:]
