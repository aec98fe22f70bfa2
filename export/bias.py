"""Bias correction: what rounding the weights shifts on average, the bias takes back.

Weights rounded to 8 bits change a layer's output by (W - W8) x. Its mean over the calibration tiles
is a constant for each channel, and constants are what a bias is for. Nothing is added to the graph.
Source: Nagel, van Baalen, Blankevoort, Welling, "Data-Free Quantization Through Weight Equalization
and Bias Correction", ICCV 2019, section 4.2, with means that were measured in place of inferred.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import helper, numpy_helper
from torch.nn import functional

from .observe import WEIGHTED, Floats


def correct_biases(
    model: onnx.ModelProto, quantized: onnx.ModelProto, mean_inputs: dict[str, Floats]
) -> onnx.ModelProto:
    """The FP32 graph with biases that suit the weights which its quantized version really has."""
    corrected = onnx.ModelProto()
    corrected.CopyFrom(model)
    constants = {tensor.name: tensor for tensor in corrected.graph.initializer}
    nodes = {node.name: node for node in quantized.graph.node}
    for node in corrected.graph.node:
        if node.op_type not in WEIGHTED or node.input[1] not in constants:
            continue
        exact = numpy_helper.to_array(constants[node.input[1]])
        rounded = _dequantized(quantized, nodes[node.name].input[1])
        if rounded is None:
            continue
        lost = _mean_output(node, mean_inputs[node.input[0]], exact - rounded)
        if len(node.input) == 2:
            node.input.append(f"{node.name}/bias")
            bias = corrected.graph.initializer.add()
            bias.CopyFrom(numpy_helper.from_array(lost, node.input[2]))
        elif node.input[2] in constants:
            bias = constants[node.input[2]]
            shifted = numpy_helper.to_array(bias) + lost
            bias.CopyFrom(numpy_helper.from_array(shifted, bias.name))
    return corrected


def _dequantized(model: onnx.ModelProto, name: str) -> Floats | None:
    """The weights that a DequantizeLinear gives under a name; None when none does."""
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "DequantizeLinear" and node.output[0] == name:
            integers, scale = (numpy_helper.to_array(constants[part]) for part in node.input[:2])
            axis = _attributes(node).get("axis", 1)
            shape = [1] * integers.ndim
            if scale.size > 1:
                shape[axis] = scale.size
            product: npt.NDArray[Any] = integers * scale.reshape(shape)
            return product.astype(np.float32)
    return None


def _mean_output(node: onnx.NodeProto, mean_input: Floats, weights: Floats) -> Floats:
    """Mean over positions, float32 [O], of what weights make of the mean input."""
    x, w = torch.from_numpy(mean_input), torch.from_numpy(np.ascontiguousarray(weights))
    settings = _attributes(node)
    if node.op_type == "Gemm":
        product = x @ (w.T if settings.get("transB") else w)
        return product.mean(0).numpy()
    if w.ndim != 4:
        return np.zeros(w.shape[0], np.float32)
    top, left, bottom, right = settings.get("pads", [0, 0, 0, 0])
    result = functional.conv2d(
        functional.pad(x, (left, right, top, bottom)),
        w,
        stride=settings.get("strides", 1),
        dilation=settings.get("dilations", 1),
        groups=settings.get("group", 1),
    )
    return result.mean((0, 2, 3)).numpy()


def _attributes(node: onnx.NodeProto) -> dict[str, Any]:
    return {item.name: helper.get_attribute_value(item) for item in node.attribute}
