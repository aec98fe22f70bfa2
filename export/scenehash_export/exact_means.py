"""Averages over a map, the same to the bit on every processor.

A processor adds floats in an order of its own, so that an average of dequantized bytes differs in
its last bit: on 64-bit ARM, every tenth did. The sum of the bytes as whole numbers has no rounding
below 2^24, whatever the order; the step is multiplied in after it, and where averages are joined,
after that, all steps at once.

bytes ──► (byte - zero point) ──► average ──► (joined) ──► times step
"""

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from .nodes import attributes, constant, constants, producers

MEAN = "mean/"
LARGEST_EXACT = 2**24


def average_whole_numbers(model: onnx.ModelProto) -> int:
    """Rewrite the averages of dequantized bytes in an INT8 graph; gives how many there were."""
    graph = model.graph
    made_by, known, shapes = producers(model), constants(model), _shapes(model)
    one = MEAN + "one"
    count = 0
    for node in [node for node in graph.node if node.op_type == "ReduceMean"]:
        source = made_by.get(node.input[0])
        if source is None or source.op_type != "DequantizeLinear" or one in source.input:
            continue
        pixels = _averaged(node, shapes.get(node.input[0]), known)
        if pixels is None or 255 * pixels > LARGEST_EXACT or known[source.input[1]].dims:
            continue
        name = MEAN + node.name
        whole, average = name + "/whole", name + "/average"
        made = node.output[0]
        place = list(graph.node).index(node)
        dequantize = helper.make_node(
            "DequantizeLinear", [source.input[0], one, *source.input[2:]], [whole], name=whole
        )
        scale = helper.make_node("Mul", [average, source.input[1]], [made], name=name)
        node.input[0], node.output[0] = whole, average
        graph.node.insert(place + 1, scale)
        graph.node.insert(place, dequantize)
        count += 1
    if count:
        graph.initializer.append(numpy_helper.from_array(np.array(1, np.float32), one))
    for node in [node for node in graph.node if node.op_type == "Concat"]:
        _scale_joined(model, node, shapes)
    _drop_unread(graph)
    return count


def _scale_joined(
    model: onnx.ModelProto, concatenation: onnx.NodeProto, shapes: dict[str, list[int]]
) -> None:
    """Multiply joined averages [N, C] by their steps at once, in place of one after the other."""
    graph, made_by = model.graph, producers(model)
    scales = [made_by.get(name) for name in concatenation.input]
    sizes = [shapes.get(name, [])[1:] for name in concatenation.input]
    read = [name for node in graph.node for name in node.input]
    if any(
        scale is None
        or not scale.name.startswith(MEAN)
        or scale.op_type != "Mul"
        or read.count(scale.output[0]) != 1
        or len(size) != 1
        for scale, size in zip(scales, sizes, strict=True)
    ):
        return
    known = [scale for scale in scales if scale is not None]
    steps = [
        np.full(size, constant(model, scale.input[1]), np.float32)
        for scale, size in zip(known, sizes, strict=True)
    ]
    name = MEAN + concatenation.name
    graph.initializer.append(numpy_helper.from_array(np.concatenate(steps), name + "/steps"))
    joined = concatenation.output[0]
    scaled = helper.make_node("Mul", [name, name + "/steps"], [joined], name=name + "/scaled")
    graph.node.insert(list(graph.node).index(concatenation) + 1, scaled)
    concatenation.input[:] = [scale.input[0] for scale in known]
    concatenation.output[0] = name
    for scale in known:
        graph.node.remove(scale)


def _drop_unread(graph: onnx.GraphProto) -> None:
    """Drop what only averages read; onnxruntime would run it all the same."""
    read = {name for node in graph.node for name in node.input}
    read |= {output.name for output in graph.output}
    for node in list(graph.node):
        if node.op_type == "DequantizeLinear" and node.output[0] not in read:
            graph.node.remove(node)


def _shapes(model: onnx.ModelProto) -> dict[str, list[int]]:
    known = onnx.shape_inference.infer_shapes(model).graph
    return {
        value.name: [item.dim_value for item in value.type.tensor_type.shape.dim]
        for value in known.value_info
    }


def _averaged(
    node: onnx.NodeProto, shape: list[int] | None, known: dict[str, onnx.TensorProto]
) -> int | None:
    """Over how many values a ReduceMean goes; None where that is not known."""
    axes: npt.NDArray[np.int64] | list[int] | None = attributes(node).get("axes")
    if len(node.input) > 1 and node.input[1] in known:
        axes = numpy_helper.to_array(known[node.input[1]]).astype(np.int64)
    if axes is None or shape is None:
        return None
    sizes = [shape[axis] for axis in axes]
    return int(np.prod(sizes)) if all(sizes) else None
