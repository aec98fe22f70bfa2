"""INT8 by static quantization: per-channel s8 weights, u8 activations, QDQ.

The pair of types decides the speed on x86: s8 x s8 was 1.7 times slower here, u8 x u8 ten times.
"""

import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.quant_utils import add_pre_process_metadata

from edge_runtime.errors import FidelityError
from edge_runtime.tiles import Image

from .graph import find_normalisation

METHOD = "min-max"
WEIGHTED = frozenset({"Conv", "Gemm"})


class _Tiles(CalibrationDataReader):  # type: ignore[misc]
    """Tiles, one at a time: calibration never holds more than that."""

    def __init__(self, tiles: Iterator[Image]) -> None:
        self._tiles = tiles

    def get_next(self) -> dict[str, npt.NDArray[np.uint8]] | None:
        tile = next(self._tiles, None)
        return None if tile is None else {"tiles": tile[np.newaxis]}


def quantize(model: onnx.ModelProto, tiles: Iterator[Image]) -> onnx.ModelProto:
    """Quantize a graph from tiles to logits, with ranges taken from tiles uint8 [S, S, 3].

    The tile's bytes are the first activation where find_normalisation says that this is exact.
    Logits stay float32: their sign is the code, and rounding near 0 would flip bits.
    """
    options: dict[str, Any] = {"OpTypesToExcludeOutputQuantization": ["Gemm"]}
    if normalisation := find_normalisation(model):
        exact = {"scale": normalisation.step, "zero_point": normalisation.zero_point}
        options["TensorQuantOverrides"] = {normalisation.output: [exact]}
    # Lowering has folded the constants and inferred the shapes: there is nothing left to prepare,
    # and without this mark quantize_static logs an advice to do it.
    # What is concatenated stays float32: the averages of the backbone's stages before their square
    # root, which would blow up the rounding of small ones, and the logits of a head's branches.
    joined = [node.name for node in model.graph.node if node.op_type == "Concat"]
    prepared = onnx.ModelProto()
    prepared.CopyFrom(model)
    add_pre_process_metadata(prepared)
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "int8.onnx"
        quantize_static(
            prepared,
            result,
            _Tiles(tiles),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
            nodes_to_exclude=[
                name for name in joined if name.startswith("node_Concat") or "cat" in name
            ],
            extra_options=options,
        )
        return onnx.load(result)


def executed_operators(model: onnx.ModelProto) -> dict[str, int]:
    """The operators that onnxruntime really runs here, after its own optimization, and how many."""
    with tempfile.TemporaryDirectory() as folder:
        optimized = Path(folder) / "optimized.onnx"
        options = onnxruntime.SessionOptions()
        options.optimized_model_filepath = str(optimized)
        options.log_severity_level = 3
        onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        graph = onnx.load(optimized).graph
    return dict(Counter(node.op_type for node in graph.node))


def check_quantized(operators: dict[str, int]) -> None:
    """Raise FidelityError when a Conv or Gemm still runs in floating point."""
    left = {name: count for name, count in operators.items() if _is_float(name)}
    if left:
        what = ", ".join(f"{count} {name}" for name, count in left.items())
        raise FidelityError(
            f"the INT8 graph would run {what} in floating point; export with --precision fp32"
        )


def _is_float(operator: str) -> bool:
    # Fused ones carry the name in them, such as FusedConv; quantized ones start with Q.
    return not operator.startswith("Q") and any(name in operator for name in WEIGHTED)
