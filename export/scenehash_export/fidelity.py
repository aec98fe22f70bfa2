"""How far a model file departs from the network that it was made from."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import torch

from scenehash.codes import pack
from scenehash.errors import FidelityError
from scenehash.model.card import FidelityRecord
from scenehash_train.data import Labels, memberships
from scenehash_train.metrics import retrieval_quality
from scenehash_train.network import HashNetwork

from .layer_snr import decibels
from .observe import Floats

MAX_LOWERING_ERROR = 1e-3


@dataclass(frozen=True)
class Threshold:
    """What a model file may lose: bits flipped, 0 to 1, and map@20, in points of 1."""

    bit_flips: float = 0.01
    map_drop: float = 0.005


def check_lowering(
    network: HashNetwork, graph: onnx.ModelProto, tiles: npt.NDArray[np.uint8]
) -> None:
    """Raise FidelityError when an FP32 graph to logits computes something else than its network.

    On tiles uint8 [N, S, S, 3]; a logit may differ by a thousandth of the root mean square.
    """
    session = onnxruntime.InferenceSession(
        graph.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    logits = session.run(["logits"], {"tiles": tiles})[0]
    with torch.inference_mode():
        expected = network(torch.from_numpy(tiles)).numpy()
    error = float(np.abs(logits - expected).max() / np.sqrt(np.square(expected).mean()))
    if not error <= MAX_LOWERING_ERROR:
        raise FidelityError(
            f"the FP32 graph departs from the network in PyTorch by {error:.2g} of a logit's size "
            f"(at most {MAX_LOWERING_ERROR:g}); try the torch and onnx of constraints.txt"
        )


def compare(
    reference: Floats, logits: Floats, labels: Labels, classes: Sequence[str], seed: int
) -> FidelityRecord:
    """Compare logits float32 [N, K] with those of the FP32 network, for the same N images.

    labels: int64 [N], places in the names of the classes, or memberships bool [N, C]. The codes
    are the logits' signs.
    """
    flipped = (logits > 0) != (reference > 0)
    noise = float(np.sqrt(np.square(logits - reference).mean()))
    return FidelityRecord(
        images=len(logits),
        bit_flip_rate=float(flipped.mean()),
        codes_unchanged=float((~flipped).all(axis=1).mean()),
        map_at_20_reference=retrieval_quality(pack(reference), labels, seed).map_at_20,
        map_at_20=retrieval_quality(pack(logits), labels, seed).map_at_20,
        logit_snr_db=round(decibels(reference, logits), 2),
        logits_near_zero=float((np.abs(reference) < noise).mean()),
        flips_by_bit=[round(float(rate), 6) for rate in flipped.mean(axis=0)],
        flips_by_class={
            name: round(float(flipped[members].mean()), 6)
            for name, members in zip(classes, memberships(labels).T, strict=False)
            if members.any()
        },
    )


def check(fidelity: FidelityRecord, threshold: Threshold) -> None:
    """Raise FidelityError, with the figures, when a threshold is passed."""
    drop = fidelity.map_at_20_reference - fidelity.map_at_20
    if fidelity.bit_flip_rate > threshold.bit_flips:
        raise FidelityError(
            f"{fidelity.bit_flip_rate:.2%} of the bits differ from the FP32 network's (at most "
            f"{threshold.bit_flips:.2%}); raise --calibration-images, or export --precision fp32"
        )
    if drop > threshold.map_drop:
        raise FidelityError(
            f"map@20 falls from {fidelity.map_at_20_reference:.4f} to {fidelity.map_at_20:.4f} "
            f"(by at most {threshold.map_drop:.4f}); raise --calibration-images, or export "
            "--precision fp32"
        )
