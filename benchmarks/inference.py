"""What does a tile cost, beside what a user would run instead of scenehash?

One image in memory to its code, batch 1, the same number of threads for all. The subjects take
turns in one process, in a new order every round; in its turn a subject runs once unmeasured, so
that none pays for the cache that another has emptied, and then a few times measured. Prints the
median over rounds, and the median and quartiles of each round's ratio to scenehash, which a busy
machine leaves alone more than the times. PyTorch eager runs a network of the same layers, for which
it needs a run. OpenVINO runs the very file, and, since that is laid out for ONNX Runtime, the same
export by --no-group-pixels, which is what to compare with.

    python benchmarks/inference.py [--model INT8.onnx] [--ungrouped INT8.onnx] [--fp32 FP32.onnx]
                                   [--run RUN] [--threads 1] [--rounds 60]
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime

from scenehash import HashModel
from scenehash.demo.tiles import demo_tiles
from scenehash.model.model_file import shipped_model
from scenehash.tiles import to_tile

RUNS_A_TURN = 3
OURS = "scenehash: HashModel.encode"


def openvino_subject(path: Path, tiles: np.ndarray, threads: int) -> Callable[[], object]:
    import openvino

    settings = {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1, "PERFORMANCE_HINT": "LATENCY"}
    compiled = openvino.Core().compile_model(str(path), "CPU", settings)
    request = compiled.create_infer_request()
    return lambda: request.infer({"tiles": tiles})


def onnxruntime_subject(path: Path, tiles: np.ndarray, threads: int) -> Callable[[], object]:
    """ONNX Runtime with its own default options, but for the threads."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda: session.run(["codes"], {"tiles": tiles})


def eager_subject(run: Path, tiles: np.ndarray, threads: int) -> Callable[[], object]:
    import torch

    from scenehash_train.runs import Run

    torch.set_num_threads(threads)
    network = Run.open(run).network()
    tensor = torch.from_numpy(tiles)

    def infer() -> object:
        with torch.inference_mode():
            return network(tensor)

    return infer


def measure(subjects: dict[str, Callable[[], object]], rounds: int) -> dict[str, np.ndarray]:
    """Milliseconds float64 [rounds] of each subject: the median of a turn's runs."""
    rng = np.random.default_rng(0)
    times: dict[str, list[float]] = {name: [] for name in subjects}
    for round_number in range(rounds + 3):
        for name in rng.permutation(list(subjects)):
            subjects[name]()
            taken = []
            for _ in range(RUNS_A_TURN):
                started = time.perf_counter()
                subjects[name]()
                taken.append(time.perf_counter() - started)
            if round_number >= 3:  # the first rounds fill pools and caches
                times[name].append(1000 * float(np.median(taken)))
    return {name: np.array(taken) for name, taken in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, default=shipped_model())
    parser.add_argument("--ungrouped", type=Path, help="the same export by --no-group-pixels")
    parser.add_argument("--fp32", type=Path, help="an FP32 export of the same run")
    parser.add_argument("--run", type=Path, help="the run, for PyTorch eager")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    threads = arguments.threads

    model = HashModel.load(arguments.model, threads)
    image = to_tile(demo_tiles("harbor")[0], model.tile_size)
    tiles = image[np.newaxis]
    subjects: dict[str, Callable[[], object]] = {
        OURS: lambda: model.encode([image]),
        "ONNX Runtime, default options": onnxruntime_subject(arguments.model, tiles, threads),
        "OpenVINO": openvino_subject(arguments.model, tiles, threads),
    }
    if arguments.ungrouped:
        name = "OpenVINO, ungrouped file"
        subjects[name] = openvino_subject(arguments.ungrouped, tiles, threads)
        name = "ONNX Runtime, ungrouped file"
        subjects[name] = onnxruntime_subject(arguments.ungrouped, tiles, threads)
    if arguments.fp32:
        fp32 = HashModel.load(arguments.fp32, threads)
        subjects["scenehash, FP32 file"] = lambda: fp32.encode([image])
        subjects["OpenVINO, FP32 file"] = openvino_subject(arguments.fp32, tiles, threads)
    if arguments.run:
        subjects["PyTorch eager"] = eager_subject(arguments.run, tiles, threads)

    times = measure(subjects, arguments.rounds)
    ours = times[OURS]
    rows = {
        name: {
            "median_ms": float(np.median(taken)),
            "fastest_ms": float(taken.min()),
            "ratio": float(np.median(ours / taken)),
            "ratio_quartiles": np.percentile(ours / taken, (25, 75)).tolist(),
        }
        for name, taken in times.items()
    }
    if arguments.json:
        json.dump({"threads": threads, "rounds": arguments.rounds, "subjects": rows}, sys.stdout)
        return
    print(f"{arguments.model.name}, {threads} thread(s), {arguments.rounds} rounds")
    print(f"{'':32} {'median':>9} {'fastest':>9} {'scenehash takes, of its time':>30}")
    for name, row in rows.items():
        low, high = row["ratio_quartiles"]
        print(
            f"{name:32} {row['median_ms']:6.2f} ms {row['fastest_ms']:6.2f} ms "
            f"{row['ratio']:14.2f} ({low:.2f}-{high:.2f})"
        )


if __name__ == "__main__":
    main()
