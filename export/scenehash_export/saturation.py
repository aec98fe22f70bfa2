"""Integers that give the same sums on every processor, by construction: pairs and whole rows.

x86 processors without VNNI multiply u8 activations with s8 weights two at a time, and add each pair
in 16 bits (VPMADDUBSW), where a larger sum saturates. Which weights make a pair depends on a
kernel's layout. So no two weights of a row may leave 16 bits, wherever they stand:

    255 * (a + b) < 2^15  and  255 * (a + b) >= -2^15,   a, b the two largest of one sign

Where one weight stands out, as in depthwise windows, the others still have nearly 8 bits; a row
whose two largest are alike has 7.
"""

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor

from scenehash.errors import FidelityError

from .observe import WEIGHTED, attributes

GREATEST = 127
# The largest sum of two weights: 255 * 128 = 32,640.
PAIR_LIMIT = 128
SUM_LIMIT = 2**31 - 1


def safe_rows(integers: Tensor) -> Tensor:
    """Which rows of weights [..., K] keep to the pair rule: bool [...]."""
    ends = torch.stack([integers.clamp_min(0), (-integers).clamp_min(0)])
    return (ends.topk(min(2, integers.shape[-1]), -1).values.sum(-1) <= PAIR_LIMIT).all(0)


def check_saturation(model: onnx.ModelProto) -> None:
    """Raise FidelityError when a pair of an INT8 graph can leave 16 bits, or a sum 32."""
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    made_by = {name: node for node in model.graph.node for name in node.output}
    for node in model.graph.node:
        source = made_by.get(node.input[1]) if node.op_type in WEIGHTED else None
        if source is None or source.op_type != "DequantizeLinear":
            continue
        values = numpy_helper.to_array(constants[source.input[0]]).astype(np.int32)
        if node.op_type == "Gemm" and not attributes(node).get("transB"):
            values = values.T
        rows = torch.from_numpy(np.ascontiguousarray(values)).reshape(values.shape[0], -1)
        if not safe_rows(rows).all():
            raise FidelityError(
                f"the weights of {node.name} can saturate on processors without VNNI: two weights "
                f"of a row add up to more than {PAIR_LIMIT}; export with scenehash export"
            )
        bias = made_by.get(node.input[2]) if len(node.input) > 2 else None
        if bias is not None and bias.input[0] in constants:
            added = numpy_helper.to_array(constants[bias.input[0]]).astype(np.int64)
            products = 2 * 255 * np.abs(rows.numpy()).sum(-1)
            if (np.abs(added) + products).max() > SUM_LIMIT:
                raise FidelityError(
                    f"the sums of {node.name} can leave 32 bits: its bias is too great for the "
                    "steps of its weights; export with scenehash export"
                )
