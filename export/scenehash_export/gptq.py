"""Weights rounded so that the output of a layer, not each weight, departs least from FP32.

Rounding to the nearest step is best for a single weight. But a layer multiplies all its weights
with correlated inputs, which already have the errors of earlier layers. So each layer, in execution
order, is fitted on calibration tiles:

1. its weights are replaced by W' that compensate the errors of its inputs: W' x8 is nearest to W x,
   where x is the input in FP32 and x8 that in INT8;
2. W' is rounded column by column, and the error of a column is compensated by the columns that are
   not rounded yet; the bias comes last, and is not rounded.

Steps are as fine as 8 bits allow while no pair of products can exceed 16 bits, nor a bias 31
(saturation.py): the bias of a dead channel, with next to no weights, would. Only the integers and
steps of the graph change. Sources: Frantar, Ashkboos, Hoefler, Alistarh, "GPTQ: Accurate
Post-Training Quantization for Generative Pre-trained Transformers", ICLR 2023, for the second step;
the first is the asymmetric reconstruction of Nagel, Amjad, van Baalen, Louizos,
Blankevoort, "Up or Down? Adaptive Rounding for Post-Training Quantization", ICML 2020, in closed
form.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor
from torch.nn import functional

from scenehash.progress import SILENT, Progress, track
from scenehash.tiles import Image

from .activation_cache import ActivationCache
from .nodes import WEIGHTED, attributes, constants, producers
from .saturation import GREATEST, PAIR_LIMIT, safe_rows

# Positions of each activation and tile that are used.
POSITIONS = 256
# With fewer inputs than this per weight of a row, the fit would follow their noise.
ENOUGH_INPUTS = 4
# Share of the mean power of the inputs that is added to each, so that no rare one dominates.
DAMPING = 0.01
# A row that breaks the pair rule after rounding is rounded again with a coarser step.
COARSER = 1.04
# Half of what 32 bits hold; the rest is room for the sum of products that a bias is added to.
GREATEST_BIAS = 2**30

Moment = Tensor


def round_weights(
    model: onnx.ModelProto,
    quantized: onnx.ModelProto,
    tiles: Sequence[Image],
    progress: Progress = SILENT,
) -> onnx.ModelProto:
    """The quantized version of an FP32 graph, with its weights fitted on tiles uint8 [S, S, 3].

    Every Conv and Gemm of model must have a bias (see with_biases). In a layer with too few inputs
    for its weights, only the bias is fitted.
    """
    result = onnx.ModelProto()
    result.CopyFrom(quantized)
    layers = _layers(model, result)
    exact, rounded = ActivationCache(model, tiles), ActivationCache(result, tiles)
    for layer in track(layers, len(layers), "fit weights, by layer", progress):
        layer.fit(*_moments(layer, exact, rounded))
    return result


def with_biases(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same graph, with a bias of zeros for each Conv and Gemm without one."""
    result = onnx.ModelProto()
    result.CopyFrom(model)
    known = constants(result)
    for node in result.graph.node:
        if node.op_type in WEIGHTED and len(node.input) == 2 and node.input[1] in known:
            weights = _Weights(node, numpy_helper.to_array(known[node.input[1]]))
            zeros = np.zeros(weights.rows, np.float32)
            node.input.append(f"{node.name}/bias")
            result.graph.initializer.append(numpy_helper.from_array(zeros, node.input[2]))
    return result


class _Weights:
    """The weights of a layer as rows, each of which is multiplied with an input vector."""

    def __init__(self, node: onnx.NodeProto, values: npt.NDArray[Any]) -> None:
        self.settings = attributes(node)
        self.shape = values.shape
        self.gemm = node.op_type == "Gemm"
        self.transposed = self.gemm and not self.settings.get("transB")
        self.rows = self.shape[1] if self.transposed else self.shape[0]
        groups = self.settings.get("group", 1)
        self.depthwise = groups > 1
        self.fits = groups == 1 or (groups == self.shape[0] and self.shape[1] == 1)
        self.fits &= self.gemm or (len(self.shape) == 4 and not any(self._dilated()))

    def _dilated(self) -> Iterator[bool]:
        return (step != 1 for step in self.settings.get("dilations", [1, 1]))

    def as_rows(self, values: npt.NDArray[Any]) -> Tensor:
        """float64 [O, K], or [O, 1, K] where each row has its own inputs."""
        rows = torch.from_numpy((values.T if self.transposed else values).astype(np.float64))
        rows = rows.reshape(self.rows, -1)
        return rows[:, None] if self.depthwise else rows

    def from_rows(self, rows: Tensor) -> npt.NDArray[np.int8]:
        values = rows.reshape(self.rows, -1).numpy().astype(np.int8)
        return np.ascontiguousarray(values.T if self.transposed else values).reshape(self.shape)

    def inputs(self, x: Tensor, rng: np.random.Generator) -> Tensor:
        """The input vectors of the rows, each with a 1 for the bias: float32 [M, K + 1].

        x: [N, K] for a Gemm, [N, C, H, W] for a Conv. For a depthwise Conv: [O, M, K + 1].
        """
        if self.gemm:
            return _and_one(x)
        top, left, bottom, right = self.settings.get("pads", [0, 0, 0, 0])
        (down, across), (high, wide) = self.settings.get("strides", [1, 1]), self.shape[2:]
        padded = functional.pad(x, (left, right, top, bottom))
        windows = padded.unfold(2, high, down).unfold(3, wide, across)
        width = windows.shape[3]
        positions = rng.permutation(windows.shape[2] * width)[:POSITIONS]
        chosen = windows[:, :, positions // width, positions % width].flatten(3)  # [N, C, M, k]
        if self.depthwise:
            return _and_one(chosen.transpose(0, 1).flatten(1, 2))
        return _and_one(chosen.transpose(1, 2).flatten(2).flatten(0, 1))


@dataclass
class _Layer:
    node: onnx.NodeProto
    input_name: str
    weights: _Weights
    exact: Tensor
    scale: Tensor
    integers: onnx.TensorProto
    steps: onnx.TensorProto
    bias: onnx.TensorProto
    bias_steps: onnx.TensorProto

    def fit(self, both: Moment, cross: Moment, count: int) -> None:
        """Fit integers and bias; both: mean of x8 x8', cross: mean of x x8', over count inputs."""
        size = both.shape[-1]
        if count >= ENOUGH_INPUTS * size:
            damped = both + _power(both) * DAMPING * torch.eye(size, dtype=both.dtype)
            shift = torch.linalg.solve(damped, (cross - both).mT).mT
            compensated = self.exact + self.exact @ shift
            least = self._least_scale(compensated[..., -1])
            scale, rounded, bias = round_rows(compensated, damped, self._shared_scale(), least)
            self._set_scale(scale)
        else:
            nearest = self.weights.as_rows(numpy_helper.to_array(self.integers))
            scale = torch.maximum(self.scale, self._least_scale(self.exact[..., -1]))
            if self._shared_scale():
                scale = scale.amax().expand_as(scale).clone()
            rounded = torch.where(
                (scale > self.scale)[..., None],
                (self.exact[..., :-1] / scale[..., None]).round(),
                nearest,
            )
            self._set_scale(scale)
            row = torch.cat([rounded * scale[..., None], self.exact[..., -1:]], -1)
            error = self.exact @ cross[..., -1:] - row @ both[..., -1:]
            bias = row[..., -1] + error[..., 0]
        self.integers.CopyFrom(
            numpy_helper.from_array(self.weights.from_rows(rounded), self.integers.name)
        )
        steps = np.round(bias.reshape(-1).numpy() / numpy_helper.to_array(self.bias_steps))
        self.bias.CopyFrom(numpy_helper.from_array(steps.astype(np.int32), self.bias.name))

    def _least_scale(self, bias: Tensor) -> Tensor:
        """The finest steps of weights [...] by which a bias [...] leaves room for their sums."""
        ratio = numpy_helper.to_array(self.bias_steps) / numpy_helper.to_array(self.steps)
        return bias.abs() / (float(ratio.flat[0]) * GREATEST_BIAS)

    def _shared_scale(self) -> bool:
        """Whether all rows have the same step."""
        return bool(np.prod(self.steps.dims) < self.weights.rows)

    def _set_scale(self, scale: Tensor) -> None:
        """Change the steps of the weights, and accordingly those of the bias."""
        before = numpy_helper.to_array(self.steps)
        after = scale.reshape(-1).numpy()[: before.size].reshape(before.shape).astype(np.float32)
        bias = numpy_helper.to_array(self.bias_steps) * (after / before)
        self.steps.CopyFrom(numpy_helper.from_array(after, self.steps.name))
        steps = bias.reshape(tuple(self.bias_steps.dims)).astype(np.float32)
        self.bias_steps.CopyFrom(numpy_helper.from_array(steps, self.bias_steps.name))


def _layers(model: onnx.ModelProto, quantized: onnx.ModelProto) -> list[_Layer]:
    """The layers that can be fitted: constant s8 weights and s32 bias in the quantized graph."""
    plain, known, made_by = constants(model), constants(quantized), producers(quantized)
    twins = {node.name: node for node in quantized.graph.node}
    layers = []
    for node in model.graph.node:
        if node.op_type not in WEIGHTED or not set(node.input[1:]) <= set(plain):
            continue
        sources = [made_by.get(name) for name in twins[node.name].input[1:]]
        if any(source is None or source.op_type != "DequantizeLinear" for source in sources):
            continue
        values, bias = (numpy_helper.to_array(plain[name]) for name in node.input[1:])
        weights = _Weights(node, values)
        if not weights.fits:
            continue
        (integers, scale), (offsets, bias_scale) = (
            (known[source.input[0]], known[source.input[1]])
            for source in sources
            if source is not None
        )
        values_a_row = np.broadcast_to(numpy_helper.to_array(scale).reshape(-1), weights.rows)
        steps = torch.from_numpy(values_a_row.copy()).double()
        rows = weights.as_rows(values)
        shift = torch.from_numpy(bias.copy()).double().reshape(*rows.shape[:-1], 1)
        layers.append(
            _Layer(
                node=node,
                input_name=twins[node.name].input[0],
                weights=weights,
                exact=torch.cat([rows, shift], -1),
                scale=steps.reshape(rows.shape[:-1]),
                integers=integers,
                steps=scale,
                bias=offsets,
                bias_steps=bias_scale,
            )
        )
    return layers


def _moments(
    layer: _Layer, exact: ActivationCache, rounded: ActivationCache
) -> tuple[Moment, Moment, int]:
    """Means of x8 x8' and of x x8' over the layer's inputs, and the number of inputs."""
    both: Any = 0.0
    cross: Any = 0.0
    count = 0
    pairs = zip(exact.read(layer.node.input[0]), rounded.read(layer.input_name), strict=True)
    for number, pair in enumerate(pairs):
        # The same positions in both graphs, but others in each batch.
        x, x8 = (
            layer.weights.inputs(torch.from_numpy(values), np.random.default_rng(number))
            for values in pair
        )
        both = both + (x8.mT @ x8).double()
        cross = cross + (x.mT @ x8).double()
        count += x.shape[-2]
    return both / count, cross / count, count


def round_rows(
    weights: Tensor, damped: Moment, shared: bool = False, least: Tensor | float = 0.0
) -> tuple[Tensor, Tensor, Tensor]:
    """The finest safe steps for weights [..., K + 1], their integers [..., K], and the final bias.

    shared: one step for all rows. least: no step is finer, a number for each row or for all.
    """
    scale = _finest_scale(weights[..., :-1]).maximum(torch.as_tensor(least))
    coarsest = 2 * weights[..., :-1].abs().amax(-1).clamp_min(1e-12) / PAIR_LIMIT
    while True:
        if shared:
            scale = scale.amax().expand_as(scale).clone()
        # At the coarsest step, weights of at most half the pair's limit make any pair safe.
        limit = torch.where(scale < coarsest, GREATEST, PAIR_LIMIT // 2)
        rounded, bias = _rounded(weights, damped, scale, limit)
        unsafe = ~safe_rows(rounded)
        if not unsafe.any():
            return scale, rounded, bias
        scale = torch.where(unsafe, torch.minimum(scale * COARSER, coarsest), scale)


def _finest_scale(rows: Tensor) -> Tensor:
    """The finest steps [...] with which weights [..., K] keep to 8 bits and to the pair rule."""
    pairs = torch.stack([rows.clamp_min(0), (-rows).clamp_min(0)])
    largest = pairs.topk(min(2, rows.shape[-1]), -1).values.sum(-1).amax(0)
    finest = torch.maximum(largest / PAIR_LIMIT, rows.abs().amax(-1) / GREATEST)
    return finest.clamp_min(1e-12)


def _rounded(
    weights: Tensor, damped: Moment, scale: Tensor, limit: Tensor
) -> tuple[Tensor, Tensor]:
    """Integers [..., K] for weights [..., K + 1], rounded column by column, and the final bias."""
    spread = torch.linalg.cholesky(torch.linalg.inv(damped)).mT
    left = weights.clone()
    integers = torch.zeros_like(weights[..., :-1])
    for column in range(integers.shape[-1]):
        steps = (left[..., column] / scale).round().clamp(-limit, limit)
        integers[..., column] = steps
        error = (left[..., column] - steps * scale) / spread[..., column, column, None]
        left[..., column + 1 :] -= error[..., None] * spread[..., column, None, column + 1 :]
    return integers, left[..., -1]


def _power(moment: Moment) -> Tensor:
    return moment.diagonal(dim1=-2, dim2=-1).mean(-1)[..., None, None]


def _and_one(x: Tensor) -> Tensor:
    return torch.cat([x, torch.ones(*x.shape[:-1], 1)], -1)
