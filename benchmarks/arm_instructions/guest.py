"""What runs on the emulated machine: one tile through a model, or each of its operators alone.

python guest.py whole MODEL.onnx OPTIMIZED.onnx      labels 0 and 1, before and after one tile
python guest.py operators FOLDER                     labels 2 i and 2 i + 1 around operator i

The optimized graph, as onnxruntime runs it on this processor, is written to OPTIMIZED.onnx.
"""

import contextlib
import os
import sys
from pathlib import Path

import numpy as np
import onnxruntime

ASKED = 0x5CE << 20


def ask(label: int) -> None:
    """Have the count of instructions printed (see count.c)."""
    with contextlib.suppress(OSError):
        os.getpgid(ASKED + label)


def open_session(path: Path, optimized: Path | None) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    if optimized is None:  # the graph is optimized already
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    else:
        options.optimized_model_filepath = str(optimized)
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def count(session: onnxruntime.InferenceSession, inputs: dict[str, np.ndarray], label: int) -> None:
    """Count one run, after one that fills the pools; inputs and outputs stay where they are."""
    binding = session.io_binding()
    for name, values in inputs.items():
        binding.bind_cpu_input(name, values)
    for output in session.get_outputs():
        binding.bind_output(output.name)
    session.run_with_iobinding(binding)
    session.run_with_iobinding(binding)
    ask(label)
    session.run_with_iobinding(binding)
    ask(label + 1)


def main(what: str, path: Path, optimized: Path | None = None) -> None:
    if what == "whole":
        session = open_session(path, optimized)
        shape = [size if isinstance(size, int) else 1 for size in session.get_inputs()[0].shape]
        count(session, {"tiles": np.random.default_rng(0).integers(0, 256, shape, np.uint8)}, 0)
        return
    for number, operator in enumerate(sorted(path.glob("*.onnx"))):
        with np.load(operator.with_suffix(".npz")) as inputs:
            count(open_session(operator, None), dict(inputs), 2 * number)


if __name__ == "__main__":
    main(sys.argv[1], *map(Path, sys.argv[2:]))
    os._exit(0)  # emulated, an orderly exit takes as long as the work
