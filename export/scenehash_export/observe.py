"""Activations of an FP32 graph on calibration tiles: ranges and samples."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from onnx import helper

from scenehash.tiles import Image
from scenehash_train.onnx_export import open_session

Floats = npt.NDArray[np.float32]

# Samples of each tensor per tile, evenly spaced: all values would be gigabytes.
SAMPLES_A_TILE = 1024


@dataclass
class Observed:
    """One tensor over all tiles: its extremes, and samples of its values float32 [M]."""

    low: float = 0.0
    high: float = 0.0
    samples: list[Floats] = field(default_factory=list)

    def values(self) -> Floats:
        """The sampled values, float32 [M]."""
        return np.concatenate(self.samples)


@dataclass(frozen=True)
class Observations:
    """Tensors by name, and the number of tiles."""

    tensors: dict[str, Observed]
    count: int


def observe(model: onnx.ModelProto, tiles: Iterable[Image]) -> Observations:
    """Run a graph from tiles to logits on tiles uint8 [S, S, 3], and observe its activations."""
    session, names = open_with_outputs(model, float_tensors(model))
    tensors = {name: Observed() for name in names}
    count = 0
    for tile in tiles:
        count += 1
        for name, value in zip(names, session.run(names, {"tiles": tile[np.newaxis]}), strict=True):
            observed = tensors[name]
            observed.low = min(observed.low, float(value.min()))
            observed.high = max(observed.high, float(value.max()))
            step = max(1, value.size // SAMPLES_A_TILE)
            # Another offset for each tile, so that the samples are not always of the same pixels.
            observed.samples.append(value.reshape(-1)[count % step :: step].copy())
    return Observations(tensors, count)


def float_tensors(model: onnx.ModelProto) -> list[str]:
    """Names of the float32 tensors that a graph computes, float32 outputs included."""
    made = {name for node in model.graph.node for name in node.output}
    known = (*onnx.shape_inference.infer_shapes(model).graph.value_info, *model.graph.output)
    float32 = onnx.TensorProto.FLOAT
    return [
        value.name
        for value in known
        if value.name in made and value.type.tensor_type.elem_type == float32
    ]


def open_with_outputs(
    model: onnx.ModelProto, names: Sequence[str]
) -> tuple[onnxruntime.InferenceSession, list[str]]:
    """A session that gives inner tensors as outputs, unfused; and their names."""
    opened = onnx.ModelProto()
    opened.CopyFrom(model)
    outputs = {output.name for output in opened.graph.output}
    inner = [name for name in names if name not in outputs]
    opened.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in inner)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return open_session(opened, options=options), list(names)
