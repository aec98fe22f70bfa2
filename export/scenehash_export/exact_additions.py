"""Residual additions that every processor rounds alike.

onnxruntime adds bytes a and b of two steps to a byte of a third:

    sum = round((a - zero_a) A + (b - zero_b) B) + zero_sum,   A = step_a / step_sum, B likewise

in float32 on x86, by FMA or without, and in whole numbers of 22 bits on 64-bit ARM. Where the exact
sum lies close to a half, they round apart: in most additions, 1 to 5 of the 65,536 pairs of bytes.
So the steps are moved a little, most by a thousandth, to make A and B fractions of one odd number:

    A = p / 511, B = q / 511: no sum is closer to a half than 1 / 1022, and the errors are smaller

The step of the sum is moved, and that of the addend that nothing else reads; the other's was made
by the addition before.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper

from scenehash.errors import FidelityError

from .nodes import WEIGHTED, constants, producers, readers

DENOMINATOR = 511
ALIGNED = "aligned/"
# Relative to the largest sum: six roundings of float32 on x86, multipliers of 22 bits on ARM.
ERROR = 2.0**-21
BYTES = np.arange(256, dtype=np.float64)
THROUGH = frozenset({"Relu", "Clip"})

Steps = tuple[float, int]


@dataclass(frozen=True)
class Addition:
    """An addition of quantized tensors: names of the bytes of addends and sum.

    moved: the addend whose step can be moved, which nothing else reads; None where there is none.
    """

    node: onnx.NodeProto
    addends: tuple[str, str]
    moved: str | None
    total: str


def align_additions(model: onnx.ModelProto) -> int:
    """Move the steps of an INT8 graph's additions; gives how many additions it has.

    Biases of the layers that read a sum are written in its new step. What check_additions would
    still find is an addition of two tensors that others read, too.
    """
    graph = _Graph(model)
    additions = graph.additions()
    for addition in additions:
        if addition.moved is None:
            continue
        (kept,) = [name for name in addition.addends if name != addition.moved]
        fixed, moved, total = (graph.step(name) for name in (kept, addition.moved, addition.total))
        moved, total = aligned_steps(fixed, moved, total)
        graph.set_step(addition.moved, moved)
        graph.set_step(addition.total, total)
    return len(additions)


def aligned_steps(fixed: float, moved: float, total: float) -> tuple[float, float]:
    """The nearest steps of the other addend and of the sum, by which both ratios are fractions."""
    p = max(1, round(DENOMINATOR * fixed / total))
    q = max(1, round(DENOMINATOR * moved / total))
    return fixed * q / p, fixed * DENOMINATOR / p


def check_additions(model: onnx.ModelProto) -> None:
    """Raise FidelityError when two processors could round an addition of an INT8 graph apart."""
    graph = _Graph(model)
    for addition in graph.additions():
        a, b = addition.addends
        distance, error = closeness(graph.steps(a), graph.steps(b), graph.steps(addition.total))
        if distance <= error:
            raise FidelityError(
                f"{addition.node.name} can be rounded otherwise on other processors: a sum lies "
                f"within {distance:.1g} of a half; export with scenehash export"
            )


def closeness(a: Steps, b: Steps, total: Steps) -> tuple[float, float]:
    """The least distance of a sum from a half, over all pairs of bytes; and the largest error.

    Each: step and zero point. Both results are in steps of the sum.
    """
    first = (BYTES - a[1]) * a[0] / total[0]
    second = (BYTES - b[1]) * b[0] / total[0]
    sums = first[:, np.newaxis] + second
    distance = np.abs(sums - np.floor(sums) - 0.5).min()
    largest = np.abs(first).max() + np.abs(second).max() + total[1]
    return float(distance), float(largest * ERROR)


class _Graph:
    """Which tensor is quantized by what, in a graph of QuantizeLinear and DequantizeLinear."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self._graph = model.graph
        self._made_by, self._readers = producers(model), readers(model)
        self._constants = constants(model)

    def additions(self) -> list[Addition]:
        """The additions between quantized tensors, in the order that they run."""
        found: list[Addition] = []
        for node in self._graph.node:
            if node.op_type != "Add":
                continue
            a, b = (self._quantized(name) for name in node.input)
            total = self._quantized_result(node)
            if a is None or b is None or total is None or a == b:
                continue
            sums = {earlier.total for earlier in found}
            free = [name for name in (a, b) if name not in sums and self._only_read_by(name, node)]
            moved = free[-1] if free else None
            found.append(Addition(node, (a, b), moved, total))
        return found

    def _quantized(self, tensor: str) -> str | None:
        """The bytes that a tensor is dequantized from; None where it is not."""
        node = self._made_by.get(tensor)
        if node is None or node.op_type != "DequantizeLinear":
            return None
        quantize = self._made_by.get(node.input[0])
        known = quantize is not None and quantize.op_type == "QuantizeLinear"
        return str(node.input[0]) if known else None

    def step(self, quantized: str) -> float:
        return self.steps(quantized)[0]

    def steps(self, quantized: str) -> Steps:
        """Step and zero point of bytes that a QuantizeLinear gives."""
        node = self._made_by[quantized]
        return float(self._value(node.input[1])), int(self._value(node.input[2]))

    def set_step(self, quantized: str, step: float) -> None:
        """Give bytes another step, and the biases of the layers that read them."""
        old, new = self.step(quantized), np.float32(step)
        name = self._write(quantized, np.array(new))
        quantize = self._made_by[quantized]
        quantize.input[1] = name
        for dequantize in self._readers[quantized]:
            dequantize.input[1] = name
            for reader in self._readers.get(dequantize.output[0], ()):
                if reader.op_type in WEIGHTED and reader.input[0] == dequantize.output[0]:
                    self._rescale_bias(reader, float(new) / old)

    def _rescale_bias(self, layer: onnx.NodeProto, factor: float) -> None:
        bias = self._made_by.get(layer.input[2]) if len(layer.input) > 2 else None
        if bias is None or bias.op_type != "DequantizeLinear":
            return
        whole, steps = (self._value(name).astype(np.float64) for name in bias.input[:2])
        # Biases rounded to the nearest step may stand at the end of 32 bits; see gptq.py.
        ends = np.iinfo(np.int32)
        moved = np.round(whole / factor).clip(ends.min, ends.max)
        bias.input[0] = self._write(bias.input[0], moved.astype(np.int32))
        bias.input[1] = self._write(bias.input[1], (steps * factor).astype(np.float32))

    def _quantized_result(self, node: onnx.NodeProto) -> str | None:
        reading = self._readers.get(node.output[0], [])
        while len(reading) == 1 and reading[0].op_type in THROUGH:
            reading = self._readers.get(reading[0].output[0], [])
        if len(reading) != 1 or reading[0].op_type != "QuantizeLinear":
            return None
        return str(reading[0].output[0])

    def _only_read_by(self, quantized: str, node: onnx.NodeProto) -> bool:
        dequantized = [reader.output[0] for reader in self._readers[quantized]]
        return all(self._readers.get(name) == [node] for name in dequantized)

    def _value(self, name: str) -> npt.NDArray[np.generic]:
        return np.asarray(numpy_helper.to_array(self._constants[name]))

    def _write(self, name: str, values: npt.NDArray[np.generic]) -> str:
        """Add a constant, or change the one that was added; gives its name."""
        name = name if name.startswith(ALIGNED) else ALIGNED + name
        if name not in self._constants:
            self._constants[name] = self._graph.initializer.add()
        self._constants[name].CopyFrom(numpy_helper.from_array(values, name))
        return name
