"""INT8 by static quantization: per-channel s8 weights of 7 bits, u8 activations, QDQ.

The types decide the speed on x86: s8 activations took 1.7 times as long here, u8 weights 10 times.
"""

import tempfile
from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnxruntime.quantization import CalibrationMethod, QuantType
from onnxruntime.quantization.calibrate import TensorData, TensorsData
from onnxruntime.quantization.qdq_quantizer import QDQQuantizer
from onnxruntime.quantization.registry import QDQRegistry, QLinearOpsRegistry

from scenehash.errors import FidelityError
from scenehash_train.onnx_export import open_session

from .graph import find_normalisation, representation_nodes
from .nodes import WEIGHTED, quantized_weights
from .ranges import Range


def quantize(
    model: onnx.ModelProto, ranges: Mapping[str, Range], in_float: Collection[str] = ()
) -> onnx.ModelProto:
    """Quantize a graph from tiles to logits, with a range (low, high) for every activation.

    in_float: names of nodes that stay in float32. Where find_normalisation gives a normalisation,
    the tile's bytes are the first activation. Logits stay in float32: their signs are the code, and
    rounding near 0 would flip bits.
    """
    options: dict[str, Any] = {"OpTypesToExcludeOutputQuantization": ["Gemm"]}
    if normalisation := find_normalisation(model):
        exact = {"scale": normalisation.step, "zero_point": normalisation.zero_point}
        options["TensorQuantOverrides"] = {normalisation.output: [exact]}
    # What is concatenated stays in float32: the averages of the backbone's stages, since the square
    # root after them amplifies the rounding of small values, and the logits of a head's branches.
    concatenated = [node.name for node in model.graph.node if node.op_type == "Concat"]
    kept = representation_nodes(model)
    prepared = onnx.ModelProto()
    prepared.CopyFrom(model)
    # quantize_static does the same after a calibration of its own, with fewer methods.
    quantizer = QDQQuantizer(
        prepared,
        per_channel=True,
        reduce_range=True,  # see saturation.py; weights that are fitted get finer steps
        weight_qType=QuantType.QInt8,
        activation_qType=QuantType.QUInt8,
        tensors_range=_tensors_data(ranges),
        nodes_to_quantize=[],
        nodes_to_exclude=[*in_float, *concatenated, *kept],
        op_types_to_quantize=list({**QLinearOpsRegistry, **QDQRegistry}),
        extra_options=options,
    )
    quantizer.quantize_model()
    quantizer.model.topological_sort()
    quantized = onnx.ModelProto()
    quantized.CopyFrom(quantizer.model.model)
    return quantized


def _tensors_data(ranges: Mapping[str, Range]) -> TensorsData:
    data = {
        # Zero is always in the range and thus exact, since padding consists of zeros.
        name: TensorData(lowest=np.float32(min(low, 0)), highest=np.float32(max(high, 0)))
        for name, (low, high) in ranges.items()
    }
    return TensorsData(CalibrationMethod.MinMax, data)


def executed_operators(model: onnx.ModelProto) -> dict[str, int]:
    """The operators that onnxruntime runs here, after its optimization, with their numbers."""
    with tempfile.TemporaryDirectory() as folder:
        optimized = Path(folder) / "optimized.onnx"
        options = onnxruntime.SessionOptions()
        options.optimized_model_filepath = str(optimized)
        open_session(model, options=options)
        graph = onnx.load(optimized).graph
    return dict(Counter(node.op_type for node in graph.node))


def check_quantized(operators: dict[str, int], allowed: int = 0) -> None:
    """Raise FidelityError when more than the allowed Convs and Gemms run in floating point."""
    left = {name: count for name, count in operators.items() if _is_float(name)}
    if sum(left.values()) > allowed:
        what = ", ".join(f"{count} {name}" for name, count in left.items())
        raise FidelityError(
            f"the INT8 graph would run {what} in floating point; export with --precision fp32"
        )


def check_weights(model: onnx.ModelProto) -> None:
    """Raise FidelityError when a Conv or Gemm of an INT8 graph has weights of another type than s8.

    Unsigned weights give nearly the same codes, and take ten times as long on x86.
    """
    for node, integers in quantized_weights(model):
        if integers.data_type != onnx.TensorProto.INT8:
            kind = onnx.TensorProto.DataType.Name(integers.data_type).lower()
            raise FidelityError(
                f"the weights of {node.name} are {kind}, and must be int8: other types are ten "
                "times slower on x86; export with scenehash export"
            )


def _is_float(operator: str) -> bool:
    # Fused operators contain the name, such as FusedConv; quantized ones start with Q.
    return not operator.startswith("Q") and any(name in operator for name in WEIGHTED)
