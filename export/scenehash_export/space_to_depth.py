"""A first convolution of few channels, done faster: neighbouring pixels taken as one.

onnxruntime copies each window of a quantized convolution together before it multiplies. A stem's
windows are rows of 9 bytes, and copying them takes longer than the arithmetic: the stem was an
eighth of the whole network's time. Four neighbouring pixels, taken as one with 12 channels, make
half as many windows, each giving two outputs; weights for pixels that an output does not see are 0.

tiles [N, S, S, 3] ──► [N, S, S/4, 12] ──► convolution ──► [N, S/2, S/4, 2 O] ──► [N, S/2, S/2, O]

The sums are the same integers, so the codes are the same to the bit.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from .observe import attributes

GROUP = 4
STRIDE = 2
OUTPUTS = GROUP // STRIDE
STEM = "stem/"
LAYOUT_LAST, LAYOUT_FIRST = [0, 2, 3, 1], [0, 3, 1, 2]


@dataclass(frozen=True)
class _Stem:
    transpose: onnx.NodeProto
    convolution: onnx.NodeProto
    weights: onnx.NodeProto
    bias: onnx.NodeProto
    quantize: onnx.NodeProto


def group_pixels(model: onnx.ModelProto) -> bool:
    """Rewrite the first convolution of a finished INT8 graph; False where it does not fit.

    It fits when the tile's bytes are its activation, with 3 x 3 windows (or narrower) at stride 2,
    padded at the right only, as EfficientNet's.
    """
    stem = _find(model)
    if stem is None:
        return False
    graph = model.graph
    size = graph.input[0].type.tensor_type.shape.dim[2].dim_value
    kernel = _constant(model, stem.weights.input[0])
    outputs, bands = kernel.shape[:2]
    _replace(model, stem.weights.input[0], _grouped(kernel))
    for name in {*stem.weights.input[1:], *stem.bias.input}:
        values = _constant(model, name)
        if values.shape == (outputs,):
            _replace(model, name, np.tile(values, OUTPUTS))
    settings = {item.name: item for item in stem.convolution.attribute}
    settings["kernel_shape"].ints[-1] = 2
    settings["strides"].ints[-1] = 1
    settings["pads"].ints[-1] = 1

    into, out_of = STEM + "groups", STEM + "pixels"
    graph.initializer.extend(
        [
            numpy_helper.from_array(np.array([0, size, size // GROUP, GROUP * bands]), into),
            numpy_helper.from_array(np.array([0, size // 2, size // 2, outputs]), out_of),
        ]
    )
    grouped = STEM + "tiles"
    graph.node.insert(0, helper.make_node("Reshape", ["tiles", into], [grouped], name=grouped))
    stem.transpose.input[0] = grouped
    made = stem.quantize.output[0]
    last, split, first = (STEM + name for name in ("last", "split", "first"))
    for node in graph.node:
        node.input[:] = [first if name == made else name for name in node.input]
    place = list(graph.node).index(stem.quantize) + 1
    for node in (
        helper.make_node("Transpose", [split], [first], name=first, perm=LAYOUT_FIRST),
        helper.make_node("Reshape", [last, out_of], [split], name=split),
        helper.make_node("Transpose", [made], [last], name=last, perm=LAYOUT_LAST),
    ):
        graph.node.insert(place, node)
    stale = {made, stem.convolution.output[0], stem.convolution.input[0], *stem.transpose.output}
    stale |= {stem.convolution.input[1], stem.convolution.input[2]}
    for value in [value for value in graph.value_info if value.name in stale]:
        graph.value_info.remove(value)
    return True


def _find(model: onnx.ModelProto) -> _Stem | None:
    made_by = {name: node for node in model.graph.node for name in node.output}
    transpose = _only_reader(model, "tiles", "Transpose")
    scaled = transpose and _only_reader(model, transpose.output[0], "DequantizeLinear")
    convolution = scaled and _only_reader(model, scaled.output[0], "Conv")
    quantize = convolution and _only_reader(model, convolution.output[0], "QuantizeLinear")
    if transpose is None or convolution is None or quantize is None or len(convolution.input) < 3:
        return None
    weights, bias = (made_by.get(name) for name in convolution.input[1:3])
    if weights is None or bias is None:
        return None
    kernel = _constant(model, weights.input[0])
    size = model.graph.input[0].type.tensor_type.shape.dim[2].dim_value
    settings = attributes(convolution)
    top, left, bottom, right = settings.get("pads", [0, 0, 0, 0])
    fits = (
        kernel.ndim == 4
        and kernel.shape[3] <= GROUP - STRIDE + 1
        and settings.get("group", 1) == 1
        and list(settings.get("dilations", [1, 1])) == [1, 1]
        and list(settings.get("strides", [1, 1])) == [STRIDE, STRIDE]
        and (left, right) == (0, kernel.shape[3] - STRIDE)
        and top + bottom == kernel.shape[2] - STRIDE
        and right > 0
        and size % GROUP == 0
    )
    return _Stem(transpose, convolution, weights, bias, quantize) if fits else None


def _grouped(kernel: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Weights [O, B, H, W] for pixels as weights [2 O, 4 B, H, 2] for groups of pixels."""
    outputs, bands, height, width = kernel.shape
    grouped = np.zeros((OUTPUTS, outputs, GROUP, bands, height, 2), kernel.dtype)
    for output in range(OUTPUTS):
        for column in range(width):
            group, pixel = divmod(STRIDE * output + column, GROUP)
            grouped[output, :, pixel, :, :, group] = kernel[:, :, :, column]
    return grouped.reshape(OUTPUTS * outputs, GROUP * bands, height, 2)


def _only_reader(model: onnx.ModelProto, tensor: str, operator: str) -> onnx.NodeProto | None:
    readers = [node for node in model.graph.node if tensor in node.input]
    return readers[0] if len(readers) == 1 and readers[0].op_type == operator else None


def _constant(model: onnx.ModelProto, name: str) -> npt.NDArray[Any]:
    (tensor,) = [item for item in model.graph.initializer if item.name == name]
    return np.asarray(numpy_helper.to_array(tensor))


def _replace(model: onnx.ModelProto, name: str, values: npt.NDArray[Any]) -> None:
    (tensor,) = [item for item in model.graph.initializer if item.name == name]
    tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(values), name))
