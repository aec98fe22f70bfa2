"""Does `scenehash bench` tell the truth? Its p50 of infer, beside a stopwatch outside the process.

The stopwatch knows nothing of the code inside: it starts whole processes that hash a tile few times
and many times, in turn, and takes the difference of their lives by the difference of their counts.
Start-up, loading and imports cancel. Bench runs between them, so that a busy machine slows both.

    python benchmarks/stopwatch.py [--rounds 7]
"""

import argparse
import json
import subprocess
import sys
import time

import numpy as np

FEW, MANY = 50, 650
SCRIPT = """
import sys
from scenehash import HashModel
from scenehash.demo.tiles import demo_tiles
model, tile = HashModel.load(), demo_tiles("forest")[0]
for _ in range(int(sys.argv[1])):
    model.encode([tile])
"""
BENCH = "from scenehash.cli.main import main; main()"


def life(count: int) -> float:
    """Seconds that a process lives which hashes a tile so many times."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", SCRIPT, str(count)], check=True)
    return time.perf_counter() - started


def bench() -> float:
    """Milliseconds: the p50 of infer that a short run of bench gives."""
    settings = "--count 16 --repeats 30 --seconds 0.2 --archive 1000 --most-threads 1 --json"
    command = [sys.executable, "-c", BENCH, "bench", *settings.split()]
    done = subprocess.run(command, check=True, capture_output=True)
    return float(json.loads(done.stdout)["stages"]["infer"]["p50_ms"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    inside, outside = [], []
    for _ in range(rounds):
        inside.append(bench())
        outside.append(1000 * (life(MANY) - life(FEW)) / (MANY - FEW))
    ratios = np.array(inside) / np.array(outside)
    for name, times in (("bench, p50 of infer", inside), ("outside stopwatch", outside)):
        print(f"{name:20} median {np.median(times):.3f} ms, fastest {min(times):.3f} ms")
    low, high = np.percentile(ratios, (25, 75))
    print(f"bench / stopwatch: median {np.median(ratios):.3f} (quartiles {low:.3f}-{high:.3f})")
    print(f"fastest of each: {min(inside) / min(outside):.3f}")


if __name__ == "__main__":
    main()
