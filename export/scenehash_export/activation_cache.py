"""A graph run as far as one of its tensors, again and again, ever further along."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from onnx import helper, numpy_helper

from scenehash.tiles import Image
from scenehash_train.onnx_export import open_session

TILES = "tiles"
BATCH = 8
# Tensors of no more values a tile than this are kept, the last few of them, to go on from.
SMALL = 300_000
KEPT = 4

Values = npt.NDArray[Any]


class Tape:
    """A graph from tiles, and the tiles [S, S, 3] that run through it.

    The graph may change between two reads, behind the tensors that were read already.
    """

    def __init__(self, model: onnx.ModelProto, tiles: Sequence[Image]) -> None:
        self._model = model
        starts = range(0, len(tiles), BATCH)
        self._tiles = [np.stack(tiles[start : start + BATCH]) for start in starts]
        self._kept: dict[str, list[Values]] = {}
        self._maker = {name: node for node in model.graph.node for name in node.output}
        self._types = dict(_element_types(model))

    def read(self, name: str) -> Iterator[npt.NDArray[np.float32]]:
        """A float32 tensor, batch for batch; one that a DequantizeLinear gives is kept as bytes."""
        node = self._maker.get(name)
        if node is None or node.op_type != "DequantizeLinear":
            yield from self._run(name)
            return
        scale, zero = (self._constant(part) for part in node.input[1:3])
        for values in self._run(node.input[0]):
            yield (values.astype(np.float32) - zero) * scale

    def _run(self, name: str) -> Iterator[Values]:
        session, inputs = self._session_to(name)
        kept: list[Values] = []
        for number, tiles in enumerate(self._tiles):
            feed = {key: self._kept[key][number] if key != TILES else tiles for key in inputs}
            (values,) = session.run(None, feed)
            yield values
            if values[0].size <= SMALL:
                kept.append(values)
        if kept:
            self._kept[name] = kept
            for old in list(self._kept)[:-KEPT]:
                del self._kept[old]

    def _session_to(self, name: str) -> tuple[onnxruntime.InferenceSession, list[str]]:
        """A session that runs what is missing for a tensor, and what it starts from."""
        wanted: set[str] = set()
        inputs: set[str] = set()
        waiting = [name]
        while waiting:
            tensor = waiting.pop()
            node = self._maker.get(tensor)
            if tensor == TILES or tensor in self._kept:
                inputs.add(tensor)
            elif node is not None and node.name not in wanted:
                wanted.add(node.name)
                waiting += node.input
        nodes = [node for node in self._model.graph.node if node.name in wanted]
        read = {tensor for node in nodes for tensor in node.input}
        graph = helper.make_graph(
            nodes,
            "part",
            [helper.make_tensor_value_info(key, self._types[key], None) for key in sorted(inputs)],
            [helper.make_tensor_value_info(name, self._types[name], None)],
            [tensor for tensor in self._model.graph.initializer if tensor.name in read],
        )
        part = helper.make_model(
            graph, opset_imports=list(self._model.opset_import), ir_version=self._model.ir_version
        )
        return open_session(part), sorted(inputs)

    def _constant(self, name: str) -> Values:
        (tensor,) = (t for t in self._model.graph.initializer if t.name == name)
        return numpy_helper.to_array(tensor)


def _element_types(model: onnx.ModelProto) -> Iterator[tuple[str, int]]:
    yield TILES, onnx.TensorProto.UINT8
    inferred = onnx.shape_inference.infer_shapes(model).graph
    for value in (*inferred.value_info, *inferred.output):
        yield value.name, value.type.tensor_type.elem_type
