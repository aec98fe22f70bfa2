"""Channels of one activation are made alike in range, so that 256 steps suit each of them.

An activation has one range for all its channels: where one reaches 40 and another 2, the other
has a dozen steps. A channel is multiplied by a factor in the weights that make it, and divided by
it in the weights that read it. Up to rounding the graph computes what it did, with nothing added
but a product behind an average. Source: Nagel, van Baalen, Blankevoort, Welling, "Data-Free
Quantization Through Weight Equalization and Bias Correction", ICCV 2019, section 4.1, with ranges
of activations that were measured in place of those of weights.
"""

from collections import defaultdict
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

Floats = npt.NDArray[np.float32]

EQUALIZED = "equalize/"
# A channel that hardly ever moves gains nothing by more, and what it does in a stranger's scene
# would be cut off.
MOST = 8.0
# A channel may go this much further than it was seen to, before its range ends.
HEADROOM = 1.1
SAME_CHANNELS = frozenset({"Clip", "Relu", "Pad", "Add"})


def equalize(model: onnx.ModelProto, peaks: Mapping[str, Floats]) -> onnx.ModelProto:
    """An FP32 graph with channels that are alike in range.

    peaks: for each activation [N, C, H, W] the greatest absolute value of each channel, float32
    [C], on calibration tiles. Activations that something else than convolutions, averages, clips at
    0 and above, paddings and sums make or read stay as they are.
    """
    result = onnx.ModelProto()
    result.CopyFrom(model)
    graph = _Graph(result)
    for tensors in graph.groups():
        if not graph.is_scalable(tensors) or not tensors <= set(peaks):
            continue
        reached = np.max([peaks[name] for name in graph.kept(tensors)], axis=0)
        graph.scale(tensors, _factors(reached, graph.limit(tensors)))
    return result


def _factors(peak: Floats, limit: float | None) -> Floats:
    """What each channel is multiplied by, float32 [C]; limit: where a clip would cut it off."""
    reach = float(peak.max()) if limit is None else limit
    wanted = reach / np.maximum(HEADROOM * peak, 1e-12)
    factors: Floats = np.clip(wanted, 1.0, MOST).astype(np.float32)
    return factors


class _Graph:
    def __init__(self, model: onnx.ModelProto) -> None:
        self._graph = model.graph
        self._constants = {tensor.name: tensor for tensor in self._graph.initializer}
        self._maker = {name: node for node in self._graph.node for name in node.output}
        self._readers: dict[str, list[onnx.NodeProto]] = defaultdict(list)
        for node in self._graph.node:
            for name in node.input:
                self._readers[name].append(node)

    def groups(self) -> list[set[str]]:
        """Activations whose channels can only be scaled together, each that a Conv makes in one."""
        found: list[set[str]] = []
        seen: set[str] = set()
        for node in self._graph.node:
            if node.op_type == "Conv" and node.output[0] not in seen:
                group = self._group(node.output[0])
                seen |= group
                found.append(group)
        return found

    def _group(self, start: str) -> set[str]:
        group: set[str] = set()
        waiting = [start]
        while waiting:
            name = waiting.pop()
            if name in group or name in self._constants:
                continue
            group.add(name)
            around = [*self._readers[name], self._maker[name]] if name in self._maker else []
            for node in around:
                if node.op_type in SAME_CHANNELS:
                    waiting += [*node.output, *node.input[: 2 if node.op_type == "Add" else 1]]
        return group

    def is_scalable(self, tensors: set[str]) -> bool:
        """Whether all that makes and reads them can take a factor a channel."""
        outputs = {output.name for output in self._graph.output}
        for name in tensors:
            maker = self._maker.get(name)
            if name in outputs or maker is None or not self._makes(maker):
                return False
            if not all(self._reads(node, name) for node in self._readers[name]):
                return False
        return True

    def _makes(self, node: onnx.NodeProto) -> bool:
        if node.op_type == "Conv":
            return all(name in self._constants for name in node.input[1:])
        return self._keeps_channels(node)

    def _reads(self, node: onnx.NodeProto, name: str) -> bool:
        if node.op_type == "Conv":
            return node.input[0] == name and node.input[1] in self._constants
        if node.op_type == "ReduceMean":
            axes = self._constants.get(node.input[1]) if len(node.input) > 1 else None
            spatial = axes is not None and numpy_helper.to_array(axes).tolist() == [2, 3]
            return spatial and not _attribute(node, "keepdims", 1)
        return self._keeps_channels(node)

    def _keeps_channels(self, node: onnx.NodeProto) -> bool:
        if node.op_type == "Add":
            return not any(name in self._constants for name in node.input)
        if node.op_type == "Clip":
            return self._bound(node, 1) == 0.0 and self._bound(node, 2) is not None
        if node.op_type == "Pad":
            return _attribute(node, "mode", b"constant") == b"constant" and (
                len(node.input) < 3 or not node.input[2] or self._bound(node, 2) == 0.0
            )
        return node.op_type == "Relu"

    def _bound(self, node: onnx.NodeProto, place: int) -> float | None:
        tensor = self._constants.get(node.input[place]) if len(node.input) > place else None
        return None if tensor is None else float(numpy_helper.to_array(tensor))

    def kept(self, tensors: set[str]) -> list[str]:
        """Those that are quantized: what goes into a clip alone has no range of its own."""
        bounded = {"Clip", "Relu"}
        return [
            name
            for name in sorted(tensors)
            if not {node.op_type for node in self._readers[name]} <= bounded
        ]

    def limit(self, tensors: set[str]) -> float | None:
        """Where the lowest of the clips that make them cuts off."""
        makers = [self._maker[name] for name in tensors]
        bounds = [self._bound(node, 2) for node in makers if node.op_type == "Clip"]
        return min((bound for bound in bounds if bound is not None), default=None)

    def scale(self, tensors: set[str], factors: Floats) -> None:
        """Multiply channels where they are made, and divide them where they are read."""
        makers = {self._maker[name].name: self._maker[name] for name in sorted(tensors)}
        for node in makers.values():
            if node.op_type == "Conv":
                for name in node.input[1:]:
                    self._multiply(name, factors, axis=0)
        readers = {n.name: n for name in sorted(tensors) for n in self._readers[name]}
        for node in readers.values():
            if node.op_type == "Conv":
                grouped = _attribute(node, "group", 1) != 1
                self._multiply(node.input[1], np.reciprocal(factors), axis=0 if grouped else 1)
            elif node.op_type == "ReduceMean":
                self._divide_mean(node, factors)

    def _multiply(self, name: str, factors: Floats, axis: int) -> None:
        values = numpy_helper.to_array(self._constants[name])
        shape = [1] * values.ndim
        shape[axis] = -1
        scaled = (values * factors.reshape(shape)).astype(np.float32)
        self._constants[name].CopyFrom(numpy_helper.from_array(scaled, name))

    def _divide_mean(self, node: onnx.NodeProto, factors: Floats) -> None:
        name, output = EQUALIZED + node.name, node.output[0]
        inner, weights = name + "/mean", name + "/factors"
        self._graph.initializer.append(numpy_helper.from_array(1 / factors, weights))
        node.output[0] = inner
        product = helper.make_node("Mul", [inner, weights], [output], name=name)
        self._graph.node.insert(list(self._graph.node).index(node) + 1, product)


def _attribute(node: onnx.NodeProto, name: str, default: object) -> object:
    found = (helper.get_attribute_value(item) for item in node.attribute if item.name == name)
    return next(found, default)
