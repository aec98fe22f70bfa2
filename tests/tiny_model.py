"""A model file that hashes in microseconds what a tile looks like from afar, for tests of stores.

Its representation is the tile's mean colours on a grid of 4 x 4, and codes are linear in it.
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from scenehash import HashModel
from scenehash.codes import byte_weights
from scenehash.model.adapted_graph import MATRIX, THRESHOLD
from scenehash.model.card import (
    METADATA_KEY,
    AdaptationRecord,
    Card,
    DataRecord,
    RepresentationRecord,
    golden_tile,
)
from scenehash.model.lineage import adaptation_lineage
from scenehash.model.linear_code import LinearCode

GRID = 4
SIZE = 64
DIMS = 3 * GRID * GRID


def tiny_model(
    path: Path,
    lineage: str = "tiny",
    bits: int = 64,
    *,
    frame: str | None = "colours",
    adapted: bool = False,
    seed: int = 0,
    widths: tuple[int, ...] = (),
) -> Path:
    """Write one. frame: None: it gives no representation. adapted: its codes are made of that,
    and its lineage follows from them."""
    rng = np.random.default_rng(seed)
    code = LinearCode.of(rng.standard_normal((DIMS, bits)), rng.standard_normal(bits))
    matrix, threshold = (MATRIX, THRESHOLD) if adapted else ("matrix", "threshold")
    graph = helper.make_graph(
        _nodes(matrix, threshold),
        "tiny",
        [helper.make_tensor_value_info("tiles", TensorProto.UINT8, ["N", SIZE, SIZE, 3])],
        [
            helper.make_tensor_value_info("codes", TensorProto.UINT8, ["N", bits // 8]),
            helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", bits]),
            helper.make_tensor_value_info("representation", TensorProto.FLOAT, ["N", DIMS]),
        ],
        [
            numpy_helper.from_array(code.matrix, matrix),
            numpy_helper.from_array(code.threshold, threshold),
            numpy_helper.from_array(byte_weights(bits), "byte_weights"),
            numpy_helper.from_array(np.array(128, np.float32), "middle"),
            numpy_helper.from_array(np.array(-127, np.float32), "least"),
            numpy_helper.from_array(np.array(127, np.float32), "most"),
            numpy_helper.from_array(np.array(0, np.float32), "zero"),
            numpy_helper.from_array(np.array([-1, DIMS], np.int64), "flat"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    card = Card(
        name=f"tiny-{lineage}",
        lineage=adaptation_lineage("tiny", code) if adapted else lineage,
        bits=bits,
        widths=list(widths),
        tile_size=SIZE,
        backbone="mean colours",
        recipe="random",
        precision="fp32",
        data=DataRecord(
            name="none", classes=[], train_images=0, test_images=0, split_seed=0, fingerprint="0"
        ),
        calibration=None,
        fidelity=None,
        quality={},
        licence="Apache-2.0",
        versions={},
        representation=None if frame is None else RepresentationRecord(frame=frame, dims=DIMS),
        adaptation=AdaptationRecord(base="tiny", base_lineage="tiny", tiles=1, judged=1, gain=0.0)
        if adapted
        else None,
        golden=[],
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    _write(path, model, card)
    opened = HashModel.open(path, made_here=True)
    tile = rng.integers(0, 256, (SIZE, SIZE, 3), np.uint8)
    record = golden_tile("noise", tile, opened.encode([tile])[0], opened.logits([tile])[0])
    _write(path, model, card.model_copy(update={"golden": [record]}))
    return path


def _nodes(matrix: str, threshold: str) -> list[onnx.NodeProto]:
    side = SIZE // GRID
    return [
        helper.make_node("Cast", ["tiles"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["floats"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node(
            "AveragePool", ["planes"], ["means"], kernel_shape=[side] * 2, strides=[side] * 2
        ),
        helper.make_node("Reshape", ["means", "flat"], ["row"]),
        helper.make_node("Sub", ["row", "middle"], ["centred"]),
        helper.make_node("Round", ["centred"], ["whole"]),
        helper.make_node("Clip", ["whole", "least", "most"], ["representation"]),
        helper.make_node("MatMul", ["representation", matrix], ["products"]),
        helper.make_node("Sub", ["products", threshold], ["logits"]),
        helper.make_node("Greater", ["logits", "zero"], ["bits"]),
        helper.make_node("Cast", ["bits"], ["ones"], to=TensorProto.FLOAT),
        helper.make_node("MatMul", ["ones", "byte_weights"], ["sums"]),
        helper.make_node("Cast", ["sums"], ["codes"], to=TensorProto.UINT8),
    ]


def _write(path: Path, model: onnx.ModelProto, card: Card) -> None:
    del model.metadata_props[:]
    model.metadata_props.add(key=METADATA_KEY, value=card.to_json())
    path.write_bytes(model.SerializeToString())
