"""How far a model file departs from the network that it was made from."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import torch

from scenehash.codes import pack
from scenehash.errors import FidelityError
from scenehash.model.card import FidelityRecord
from scenehash_train.data import Labels, memberships
from scenehash_train.metrics import retrieval_quality
from scenehash_train.network import HashNetwork
from scenehash_train.onnx_export import open_session

from .graph import LOGITS
from .layer_snr import decibels
from .observe import Floats
from .options import Limits

MAX_EXPORT_ERROR = 1e-3


def check_onnx_export(
    network: HashNetwork, graph: onnx.ModelProto, tiles: npt.NDArray[np.uint8]
) -> None:
    """Raise FidelityError when an FP32 graph to logits and its network disagree.

    On tiles uint8 [N, S, S, 3]; a logit may differ by a thousandth of the root mean square.
    """
    (logits,) = open_session(graph).run([LOGITS], {"tiles": tiles})
    with torch.inference_mode():
        expected = network(torch.from_numpy(tiles)).numpy()
    error = float(np.abs(logits - expected).max() / np.sqrt(np.square(expected).mean()))
    if not error <= MAX_EXPORT_ERROR:
        raise FidelityError(
            f"the FP32 graph departs from the network in PyTorch by {error:.2g} of a logit's size "
            f"(at most {MAX_EXPORT_ERROR:g}); try the torch and onnx of constraints.txt"
        )


def compare(
    reference: Floats, logits: Floats, labels: Labels, classes: Sequence[str], seed: int
) -> FidelityRecord:
    """Compare logits float32 [N, K] with those of the FP32 network, for the same N images.

    labels: int64 [N], indices of classes, or memberships bool [N, C]. The codes are the logits'
    signs.
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


def within_limits(fidelity: FidelityRecord, limits: Limits) -> bool:
    """Whether neither too many bits flip nor map@20 falls too far."""
    drop = fidelity.map_at_20_reference - fidelity.map_at_20
    return fidelity.bit_flip_rate <= limits.max_bit_flips and drop <= limits.max_map_drop


def too_far(fidelity: FidelityRecord, limits: Limits, report: Path) -> FidelityError:
    """The error of a file beyond the limits, with both figures and where to read more."""
    return FidelityError(
        f"not exported: {fidelity.bit_flip_rate:.2%} of the bits differ from the FP32 network's "
        f"(at most {limits.max_bit_flips:.2%}), and map@20 goes from "
        f"{fidelity.map_at_20_reference:.4f} to {fidelity.map_at_20:.4f} (down by at most "
        f"{limits.max_map_drop:.4f}); see {report}; then give other limits (--max-bit-flips, "
        "--max-map-drop: this takes seconds), more --calibration-images, or --precision fp32"
    )
