"""Activations of a graph on calibration tiles, computed from the last ones that are cached."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from onnx import helper

from scenehash.tiles import Image
from scenehash_train.onnx_export import open_session

from .nodes import constant, producers

TILES = "tiles"
BATCH = 8
# Tensors of at most that many values per tile are cached, the last few of them.
MAX_CACHED_VALUES = 300_000
CACHED_TENSORS = 4

Values = npt.NDArray[Any]


class ActivationCache:
    """Activations of a graph on tiles uint8 [S, S, 3], read one tensor after the other.

    Between two reads the graph may change, but only after the tensors that were read already.
    """

    def __init__(self, model: onnx.ModelProto, tiles: Sequence[Image]) -> None:
        self._model = model
        starts = range(0, len(tiles), BATCH)
        self._tiles = [np.stack(tiles[start : start + BATCH]) for start in starts]
        self._cached: dict[str, list[Values]] = {}
        self._producers = producers(model)
        self._types = dict(_element_types(model))

    def read(self, name: str) -> Iterator[npt.NDArray[np.float32]]:
        """A float32 tensor, one batch after the other.

        The output of a DequantizeLinear is cached as the bytes of its input.
        """
        node = self._producers.get(name)
        if node is None or node.op_type != "DequantizeLinear":
            yield from self._run(name)
            return
        scale, zero = (constant(self._model, part) for part in node.input[1:3])
        for values in self._run(node.input[0]):
            yield (values.astype(np.float32) - zero) * scale

    def _run(self, name: str) -> Iterator[Values]:
        session, inputs = self._session_to(name)
        batches: list[Values] = []
        for number, tiles in enumerate(self._tiles):
            feed = {key: self._cached[key][number] if key != TILES else tiles for key in inputs}
            (values,) = session.run(None, feed)
            yield values
            if values[0].size <= MAX_CACHED_VALUES:
                batches.append(values)
        if batches:
            self._cached[name] = batches
            for old in list(self._cached)[:-CACHED_TENSORS]:
                del self._cached[old]

    def _session_to(self, name: str) -> tuple[onnxruntime.InferenceSession, list[str]]:
        """A session that computes a tensor from cached ones, and the names of those."""
        needed: set[str] = set()
        inputs: set[str] = set()
        waiting = [name]
        while waiting:
            tensor = waiting.pop()
            node = self._producers.get(tensor)
            if tensor == TILES or tensor in self._cached:
                inputs.add(tensor)
            elif node is not None and node.name not in needed:
                needed.add(node.name)
                waiting += node.input
        nodes = [node for node in self._model.graph.node if node.name in needed]
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


def _element_types(model: onnx.ModelProto) -> Iterator[tuple[str, int]]:
    yield TILES, onnx.TensorProto.UINT8
    inferred = onnx.shape_inference.infer_shapes(model).graph
    for value in (*inferred.value_info, *inferred.output):
        yield value.name, value.type.tensor_type.elem_type
