"""What does trust cost a start, and what does an attack cost a station?

Reads the shipped model as a file of one's own: without keys; with a key, by its signature, the
first time; with a key, accepted before. Then whole processes that load it and hash one tile, with
and without keys: time and peak memory. Then each attack of tests/scenehash/trust, on a small model:
time and peak memory until it is refused. Medians.

    python benchmarks/trust.py [--repeats 9]
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from scenehash import HashModel
from scenehash.errors import ModelError
from scenehash.model.model_file import shipped_model
from scenehash.model.reading import read_card
from scenehash.model.trusted import read_trusted
from scenehash.trust import add_key, make_key
from tests.scenehash.model.wire import with_card
from tests.scenehash.trust.test_attacks import ATTACKS, Scene
from tests.tiny_model import tiny_model


def milliseconds(action: Callable[[], object], repeats: int) -> float:
    """The median time of an action."""
    times = []
    for _ in range(repeats):
        begun = time.perf_counter()
        action()
        times.append(1000 * (time.perf_counter() - begun))
    return statistics.median(times)


def own_model(path: Path, licence: str = "own") -> Path:
    """The shipped model as somebody else's: the same graph, another card."""
    text = read_card(shipped_model()).model_copy(update={"licence": licence}).to_json()
    path.write_bytes(with_card(shipped_model().read_bytes(), text))
    return path


def station(folder: Path, make: Callable[[Path], Path]) -> Scene:
    """One with a key that has taken the model that make writes."""
    scene = Scene(folder, folder / "m.onnx", folder / "ground.pem", folder / "trust.json")
    os.environ["SCENEHASH_TRUST"] = str(scene.state)
    make_key(scene.key)
    add_key(folder / "ground.pem.pub", "ground", datetime.now(UTC) + timedelta(days=100))
    scene.begin(make(scene.first))
    return scene


def cost_of_a_start(folder: Path, repeats: int) -> None:
    """Of reading the file alone, and of the whole load."""
    scene = station(folder, own_model)
    fresh = milliseconds(lambda: read_trusted(scene.model), repeats)
    whole = milliseconds(lambda: HashModel.load(scene.model), repeats)
    accepted = milliseconds(lambda: read_trusted(scene.model), repeats)
    os.environ["SCENEHASH_TRUST"] = str(folder / "none.json")
    without = milliseconds(lambda: read_trusted(scene.model), repeats)
    print(f"read, without keys            {without:8.1f} ms")
    print(f"read, signed, new             {fresh:8.1f} ms")
    print(f"read, signed and accepted     {accepted:8.1f} ms")
    print(f"load, signed and accepted     {whole:8.1f} ms")
    print(f"share of verification in load {(accepted - without) / whole:8.1%}")


START = """
import sys
import numpy as np
from scenehash import HashModel
HashModel.load(sys.argv[1]).encode([np.zeros((256, 256, 3), np.uint8)])
print(open("/proc/self/status").read().split("VmHWM:")[1].split()[0])
"""


def cost_of_a_process(folder: Path, repeats: int) -> None:
    """Of a cold start up to a first code: without keys, accepted before, and signed and new."""
    scene = station(folder, own_model)
    HashModel.load(scene.model)
    accepted, new = scene.state.read_bytes(), own_model(folder / "new.onnx", "new")
    scene.sign(new, 7)
    no_keys = folder / "none.json"
    times: dict[str, list[float]] = {}
    peaks: dict[str, list[float]] = {}
    for _ in range(repeats):
        for what, model, state in (
            ("without keys", scene.model, no_keys),
            ("accepted before", scene.model, scene.state),
            ("signed and new", new, scene.state),
        ):
            scene.state.write_bytes(accepted)
            begun = time.perf_counter()
            done = subprocess.run(
                [sys.executable, "-c", START, model],
                check=True,
                capture_output=True,
                env=os.environ | {"SCENEHASH_TRUST": str(state)},
            )
            times.setdefault(what, []).append(1000 * (time.perf_counter() - begun))
            peaks.setdefault(what, []).append(int(done.stdout) / 1024)
    for what in times:
        took, peak = statistics.median(times[what]), statistics.median(peaks[what])
        print(f"process, {what:20} {took:8.1f} ms {peak:6.1f} MB")


def cost_of_attacks(folder: Path) -> None:
    """Time without, and peak memory with, Python's own measurement of memory."""
    for number, attack in enumerate(ATTACKS):
        inner = folder / str(number)
        inner.mkdir()
        scene = station(inner, tiny_model)
        attack(scene)

        def refused(path: Path = scene.model) -> None:
            try:
                HashModel.load(path)
            except ModelError:
                return
            raise AssertionError("accepted")

        took = milliseconds(refused, 3)
        tracemalloc.start()
        refused()
        peak = tracemalloc.get_traced_memory()[1] / 1e6
        tracemalloc.stop()
        print(f"{attack.__name__:36} {took:7.1f} ms {peak:6.1f} MB", flush=True)
        shutil.rmtree(inner)


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--repeats", type=int, default=9)
    repeats = parser.parse_args().repeats
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "start").mkdir()
        cost_of_a_start(folder / "start", repeats)
        (folder / "process").mkdir()
        cost_of_a_process(folder / "process", repeats)
        cost_of_attacks(folder)


if __name__ == "__main__":
    main()
