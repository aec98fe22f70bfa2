"""From a torch module on tiles to an ONNX graph, and to a session that runs it."""

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator, Sequence

import onnx
import onnxruntime
import torch
from torch import nn

# Supported by the oldest onnxruntime that pyproject.toml allows.
OPSET = 18


def export_onnx(module: nn.Module, tile_size: int, outputs: Sequence[str]) -> onnx.ModelProto:
    """Convert a module on tiles uint8 [N, S, S, 3] to an ONNX graph with dynamic N.

    The graph's input is named "tiles"; outputs: the names of its outputs. Batch norm is folded into
    the convolutions.
    """
    # Two tiles: with one, torch would take N = 1 as a constant.
    example = torch.zeros((2, tile_size, tile_size, 3), dtype=torch.uint8)
    with _quiet():
        program = torch.onnx.export(
            module.eval(),
            (example,),
            dynamo=True,
            dynamic_shapes=({0: torch.export.Dim("N")},),
            input_names=["tiles"],
            output_names=list(outputs),
            opset_version=OPSET,
            verbose=False,
        )
    assert program is not None
    return program.model_proto


def open_session(
    model: onnx.ModelProto, threads: int = 0, options: onnxruntime.SessionOptions | None = None
) -> onnxruntime.InferenceSession:
    """A session on the CPU, where ONNX Runtime is several times faster than PyTorch.

    threads: 0 leaves their number to ONNX Runtime. options: further ones.
    """
    options = onnxruntime.SessionOptions() if options is None else options
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silence the exporter's progress marks and its notices of optional packages."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
