"""The signal-to-noise ratio of each layer's output in an INT8 graph."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import onnx

from scenehash.model.card import LayerRecord
from scenehash.tiles import Image

from .nodes import WEIGHTED, attributes, readers
from .observe import open_with_outputs

DEQUANTIZED = "_DequantizeLinear_Output"
EXACT_DB = 120.0


def decibels(reference: npt.NDArray[np.floating], values: npt.NDArray[np.floating]) -> float:
    """Signal-to-noise ratio of values beside a reference of the same shape; at most 120 dB."""
    difference = values.astype(np.float64) - reference
    return _decibels(float(np.square(reference).sum()), float(np.square(difference).sum()))


def layer_noise(
    model: onnx.ModelProto, quantized: onnx.ModelProto, tiles: Iterable[Image]
) -> list[LayerRecord]:
    """Compare each Conv's and Gemm's output in an FP32 graph and its quantized version.

    On tiles uint8 [S, S, 3]. It includes the noise of earlier layers: a layer adds much noise of
    its own where the ratio falls.
    """
    outputs = _activations(model)
    known = {name for node in quantized.graph.node for name in node.output}
    pairs = [
        (node, name, name + DEQUANTIZED if name + DEQUANTIZED in known else name)
        for node, name in outputs
        if name + DEQUANTIZED in known or name in known
    ]
    plain, plain_names = open_with_outputs(model, [name for _, name, _ in pairs])
    rounded, rounded_names = open_with_outputs(quantized, [name for _, _, name in pairs])
    signal, noise = np.zeros(len(pairs)), np.zeros(len(pairs))
    for tile in tiles:
        feed = {"tiles": tile[np.newaxis]}
        both = zip(plain.run(plain_names, feed), rounded.run(rounded_names, feed), strict=True)
        for position, (reference, values) in enumerate(both):
            signal[position] += np.square(reference, dtype=np.float64).sum()
            noise[position] += np.square(values - reference, dtype=np.float64).sum()
    return [
        LayerRecord(
            name=node.name,
            operator=node.op_type,
            groups=attributes(node).get("group", 1),
            snr_db=round(_decibels(power, error), 2),
        )
        for (node, _, _), power, error in zip(pairs, signal, noise, strict=True)
    ]


def worst_layers(layers: list[LayerRecord], count: int) -> list[str]:
    """Names of the layers that add most noise of their own, relative to their output."""
    relative = [10 ** (-layer.snr_db / 10) for layer in layers]
    before = [0.0, *relative[:-1]]
    added = np.array(relative) - np.array(before)
    return [layers[position].name for position in np.argsort(-added, kind="stable")[:count]]


def _activations(model: onnx.ModelProto) -> list[tuple[onnx.NodeProto, str]]:
    """Each Conv and Gemm with its output, after the clip or ReLU that is fused with it."""
    reading = readers(model)
    found = []
    for node in model.graph.node:
        if node.op_type in WEIGHTED:
            next_nodes = reading.get(node.output[0], [])
            clipped = len(next_nodes) == 1 and next_nodes[0].op_type in ("Clip", "Relu")
            found.append((node, next_nodes[0].output[0] if clipped else node.output[0]))
    return found


def _decibels(signal: float, noise: float) -> float:
    if noise <= signal * 10 ** (-EXACT_DB / 10):
        return EXACT_DB
    return float(10 * np.log10(max(signal, 1e-30) / noise))
