"""How long does an operator wait for a command, from nothing?

Whole processes, cold, in turn with the bare import of what they cannot do without, so that a busy
machine slows all of them alike. Prints medians, quartiles, and the ratio to the bare import.

    python benchmarks/cold_start.py [--codes 100000] [--repeats 15]
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from scenehash import CodeStore, HashModel
from scenehash.demo.tiles import query_path
from scenehash.scenes import Window
from scenehash.store import HashedScene

SCENEHASH = str(Path(sys.executable).with_name("scenehash"))
BARE = "python -c 'import cv2, onnxruntime'"


def make_store(path: Path, rows: int) -> None:
    """A store of random codes, one tile a scene."""
    model = HashModel.load()
    rng = np.random.default_rng(0)
    with CodeStore.create(path, model.lineage, model.bits, model.card.name) as store:
        for start in range(0, rows, 10_000):
            store.add(
                [
                    HashedScene(
                        f"{row:032x}",
                        f"/scenes/{row}.png",
                        [Window(0, 0, 256, 256)],
                        rng.integers(0, 256, (1, model.bits // 8), np.uint8),
                    )
                    for row in range(start, min(start + 10_000, rows))
                ]
            )


def seconds(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--codes", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=15)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store, image = Path(folder) / "store", Path(folder) / "query.jpg"
        make_store(store, arguments.codes)
        shutil.copyfile(query_path("harbor"), image)
        commands = {
            BARE: [sys.executable, "-c", "import cv2, onnxruntime"],
            "scenehash --help": [SCENEHASH, "--help"],
            f"scenehash search IMAGE ({arguments.codes:,} codes)": [
                SCENEHASH, "search", str(image), "--store", str(store),
            ],
            f"scenehash search row:7 ({arguments.codes:,} codes)": [
                SCENEHASH, "search", "row:7", "--store", str(store),
            ],
        }  # fmt: skip
        times: dict[str, list[float]] = {name: [] for name in commands}
        for repeat in range(arguments.repeats + 1):
            for name, command in commands.items():
                took = seconds(command)
                if repeat:  # the first of each reads the disk for all
                    times[name].append(took)
    bare = float(np.median(times[BARE]))
    print(f"{'whole process':45} {'median':>8} {'quartiles':>16} {'of bare':>8}")
    for name, taken in times.items():
        low, median, high = np.percentile(taken, (25, 50, 75))
        print(f"{name:45} {median:7.3f}s {low:7.3f}-{high:.3f}s {median / bare:7.2f}x")


if __name__ == "__main__":
    main()
