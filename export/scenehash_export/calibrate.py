"""Quantization in several ways, compared on training images that calibrated nothing.

They are compared by the signal-to-noise ratio of the logits, not by flipped bits: logits of
training images are far from zero, so that too few bits flip to tell methods apart.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import onnx

from scenehash.model.card import CalibrationRecord, TrialRecord
from scenehash.progress import SILENT, Progress
from scenehash.tiles import Image
from scenehash_train.onnx_export import open_session

from .gptq import round_weights, with_biases
from .graph import LOGITS, finish_graph
from .layer_snr import decibels, layer_noise, worst_layers
from .nodes import WEIGHTED
from .observe import Floats, observe
from .quantize import quantize
from .ranges import METHODS

# A bit flips where noise changes the sign of a logit. On UC Merced's test part (64 bits) the flip
# rate is a tenth of the noise's share of the signal, so that 26 dB are 0.5 % of the bits.
ENOUGH_DB = 26.0
FLOAT_LAYERS = (2, 4, 8)
LAYER_TILES = 16
# Fitting takes a minute: it is done for the ranges that gave the least noise in the end.
FITTED_METHOD = "percentile"
FITTING_TILES = 64

NOISE = "measure noise of layers"
# Of what it is for, in words: all the tiles.
Tiles = Callable[[str], Iterable[Image]]


@dataclass(frozen=True)
class Calibrated:
    """The chosen graph, from tiles to logits, and how it was chosen."""

    graph: onnx.ModelProto
    record: CalibrationRecord


@dataclass(frozen=True)
class _Trial:
    graph: onnx.ModelProto
    record: TrialRecord
    float_layers: list[str]


def calibrate(
    model: onnx.ModelProto, calibration: Tiles, held_out: Tiles, progress: Progress = SILENT
) -> Calibrated:
    """Quantize an FP32 graph from tiles to logits in each known way, and choose the best.

    Each method gives ranges of activations; weights are rounded to the nearest step, and for one
    method fitted (gptq.py). calibration, held_out: each gives tiles uint8 [S, S, 3] at every
    call, told in words what for;
    ranges are taken from the first, methods are compared on the second. Where the best is too
    noisy, the 2, 4 or 8 layers that add most noise stay in FP32.
    """
    model = with_biases(model)
    observed = observe(model, calibration("measure ranges"))
    ranges = {
        method: {name: find(tensor) for name, tensor in observed.tensors.items()}
        for method, find in METHODS.items()
    }
    comparison = _Comparison(model, held_out)
    trials = [comparison.trial(quantize(model, ranges[method]), method) for method in METHODS]
    fitting_tiles = list(_evenly(calibration("read tiles to fit"), observed.count, FITTING_TILES))

    def fitted(in_float: Sequence[str] = ()) -> _Trial:
        nearest = quantize(model, ranges[FITTED_METHOD], in_float)
        graph = round_weights(model, nearest, fitting_tiles, progress)
        return comparison.trial(graph, FITTED_METHOD, "fitted", in_float)

    trials.append(fitted())
    best = max(trials, key=_quality)
    layers = layer_noise(model, best.graph, _first(held_out(NOISE)))
    for count in FLOAT_LAYERS:
        if best.record.logit_snr_db >= ENOUGH_DB or count >= _weighted(model):
            break
        names = worst_layers(layers, count)
        trials.append(fitted(names))
        best = max(trials, key=_quality)
    if best.float_layers:
        layers = layer_noise(model, best.graph, _first(held_out(NOISE)))
    record = CalibrationRecord(
        method=best.record.method,
        images=observed.count,
        held_out=comparison.images,
        trials=[trial.record for trial in trials],
        float_layers=best.float_layers,
        layers=layers,
    )
    return Calibrated(best.graph, record)


class _Comparison:
    """Compares quantized graphs with the FP32 graph on held-out tiles."""

    def __init__(self, model: onnx.ModelProto, held_out: Tiles) -> None:
        self._held_out = held_out
        self._reference, _ = self._logits(model, "run in FP32")
        self.images = len(self._reference)

    def trial(
        self,
        graph: onnx.ModelProto,
        method: str,
        rounding: str = "nearest",
        in_float: Sequence[str] = (),
    ) -> _Trial:
        logits, milliseconds = self._logits(graph, f"try {method}, {rounding} weights")
        record = TrialRecord(
            method=method,
            rounding=rounding,
            float_layers=len(in_float),
            logit_snr_db=round(decibels(self._reference, logits), 2),
            bit_flip_rate=float(np.mean((logits > 0) != (self._reference > 0))),
            milliseconds=round(milliseconds, 3),
        )
        return _Trial(graph, record, list(in_float))

    def _logits(self, model: onnx.ModelProto, what: str) -> tuple[Floats, float]:
        """Logits float32 [N, K] of the held-out tiles, and the median time of one in ms."""
        finished = onnx.ModelProto()
        finished.CopyFrom(model)
        finish_graph(finished)
        session = open_session(finished, threads=1)
        results, times = [], []
        for tile in self._held_out(what):
            started = time.perf_counter()
            results += session.run([LOGITS], {"tiles": tile[np.newaxis]})
            times.append(1000 * (time.perf_counter() - started))
        return np.concatenate(results), float(np.median(times))


def _quality(trial: _Trial) -> float:
    return trial.record.logit_snr_db


def _weighted(model: onnx.ModelProto) -> int:
    return sum(node.op_type in WEIGHTED for node in model.graph.node)


def _evenly(tiles: Iterable[Image], count: int, wanted: int) -> Iterator[Image]:
    """That many of count tiles, spread evenly: the tiles are sorted by class."""
    chosen = set(np.linspace(0, count - 1, min(wanted, count)).round().astype(int).tolist())
    return (tile for number, tile in enumerate(tiles) if number in chosen)


def _first(tiles: Iterable[Image]) -> list[npt.NDArray[np.uint8]]:
    return [tile for tile, _ in zip(tiles, range(LAYER_TILES), strict=False)]
