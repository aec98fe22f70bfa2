"""Integers that give the same sums on every processor, by construction: pairs and whole rows.

x86 processors without VNNI multiply u8 activations with s8 weights two at a time, and add each pair
in 16 bits (VPMADDUBSW), where a larger sum saturates. Which weights make a pair depends on a
kernel's layout. So the sum of no two weights of a row may exceed 16 bits, wherever they stand:

    255 * (a + b) < 2^15  and  255 * (a + b) >= -2^15,   a, b the two largest of one sign

Where one weight stands out, as in depthwise windows, the others still have nearly 8 bits; a row
whose two largest are alike has 7.
"""

import platform
from collections.abc import Sequence

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import numpy_helper
from torch import Tensor

from scenehash.errors import FidelityError
from scenehash.tiles import Image
from scenehash_train.onnx_export import open_session

from .nodes import attributes, constants, producers, quantized_weights

GREATEST = 127
# The largest sum of two weights: 255 * 128 = 32,640.
PAIR_LIMIT = 128
SUM_LIMIT = 2**31 - 1

X86 = frozenset({"x86_64", "AMD64"})
# onnxruntime multiplies without 16-bit sums then, on x86, at half the speed.
EXACT = ("session.x64quantprecision", "1")


def safe_rows(integers: Tensor) -> Tensor:
    """Whether rows of weights [..., K] keep to the pair rule: bool [...]."""
    ends = torch.stack([integers.clamp_min(0), (-integers).clamp_min(0)])
    return (ends.topk(min(2, integers.shape[-1]), -1).values.sum(-1) <= PAIR_LIMIT).all(0)


def check_saturation(model: onnx.ModelProto) -> None:
    """Raise FidelityError when a pair of an INT8 graph can exceed 16 bits, or a sum 32."""
    known, made_by = constants(model), producers(model)
    for node, integers in quantized_weights(model):
        values = numpy_helper.to_array(integers).astype(np.int32)
        if node.op_type == "Gemm" and not attributes(node).get("transB"):
            values = values.T
        rows = torch.from_numpy(np.ascontiguousarray(values)).reshape(values.shape[0], -1)
        if not safe_rows(rows).all():
            raise FidelityError(
                f"the weights of {node.name} can saturate on processors without VNNI: two weights "
                f"of a row add up to more than {PAIR_LIMIT}; export with scenehash export"
            )
        bias = made_by.get(node.input[2]) if len(node.input) > 2 else None
        if bias is not None and bias.input[0] in known:
            added = numpy_helper.to_array(known[bias.input[0]]).astype(np.int64)
            products = 2 * 255 * np.abs(rows.numpy()).sum(-1)
            if (np.abs(added) + products).max() > SUM_LIMIT:
                raise FidelityError(
                    f"the sums of {node.name} can leave 32 bits: its bias is too great for the "
                    "steps of its weights; export with scenehash export"
                )


def check_exact_path(
    model: onnx.ModelProto, tiles: Sequence[Image], machine: str | None = None
) -> None:
    """Raise FidelityError when onnxruntime's exact path gives other bits for tiles [S, S, 3].

    machine: the processor's architecture; only x86 has that path.
    """
    if (machine or platform.machine()) not in X86:
        return
    codes = []
    default, exact = onnxruntime.SessionOptions(), onnxruntime.SessionOptions()
    exact.add_session_config_entry(*EXACT)
    for options in (default, exact):
        session = open_session(model, options=options)
        runs = [session.run(["codes"], {"tiles": tile[np.newaxis]})[0] for tile in tiles]
        codes.append(np.concatenate(runs))
    differ = int(np.bitwise_count(codes[0] ^ codes[1]).sum())
    if differ:
        raise FidelityError(
            f"{differ} of {8 * codes[0].size} bits of {len(tiles)} calibration tiles differ "
            "between onnxruntime's default and its exact path, so that codes would depend on the "
            "processor; export --precision fp32, or use another version of onnxruntime"
        )
