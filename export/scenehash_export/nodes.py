"""Nodes and constants of an ONNX graph."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

# Operators with weights.
WEIGHTED = frozenset({"Conv", "Gemm"})


def attributes(node: onnx.NodeProto) -> dict[str, Any]:
    """A node's attributes by name, without those that keep their default."""
    return {item.name: helper.get_attribute_value(item) for item in node.attribute}


def producers(model: onnx.ModelProto) -> dict[str, onnx.NodeProto]:
    """The node that computes each tensor, by the tensor's name."""
    return {name: node for node in model.graph.node for name in node.output}


def readers(model: onnx.ModelProto) -> dict[str, list[onnx.NodeProto]]:
    """The nodes that read each tensor, by the tensor's name."""
    found: dict[str, list[onnx.NodeProto]] = {}
    for node in model.graph.node:
        for name in node.input:
            found.setdefault(name, []).append(node)
    return found


def constants(model: onnx.ModelProto) -> dict[str, onnx.TensorProto]:
    """The constants of a graph by name."""
    return {tensor.name: tensor for tensor in model.graph.initializer}


def constant(model: onnx.ModelProto, name: str) -> npt.NDArray[Any]:
    """The values of a constant; KeyError when there is none of that name."""
    return np.asarray(numpy_helper.to_array(constants(model)[name]))


def replace_constant(model: onnx.ModelProto, name: str, values: npt.NDArray[Any]) -> None:
    """Give a constant other values, of any shape and type."""
    tensor = numpy_helper.from_array(np.ascontiguousarray(values), name)
    constants(model)[name].CopyFrom(tensor)


def quantized_weights(
    model: onnx.ModelProto,
) -> Iterator[tuple[onnx.NodeProto, onnx.TensorProto]]:
    """Each Conv and Gemm whose weights are quantized, with the integers."""
    tensors, made_by = constants(model), producers(model)
    for node in model.graph.node:
        source = made_by.get(node.input[1]) if node.op_type in WEIGHTED else None
        if source is not None and source.op_type == "DequantizeLinear":
            yield node, tensors[source.input[0]]
