"""The scenarios of MLPerf Inference (Reddi et al., ISCA 2020), and a grid of threads and batches.

SingleStream   one tile per query, the next when the last is done: 90th percentile of its latency
MultiStream    eight tiles per query: 99th percentile of its latency
Offline        all tiles at once: tiles per second

The times are from tiles in memory to codes.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from scenehash.model.hash_model import HashModel
from scenehash.tiles import Image

STREAMS = 8
BATCHES = (1, 2, 4, 8)


SCENARIOS = 3


def run_scenarios(
    model: HashModel,
    tiles: Sequence[Image],
    seconds: float,
    advance: Callable[[int], object] = lambda _: None,
) -> dict[str, Any]:
    """Results of the three scenarios; each runs for this many seconds, after a warm-up."""
    together = [tiles[number % len(tiles)] for number in range(STREAMS)]
    rounds = iter(range(1 << 62))
    single = _latencies(lambda: model.encode([tiles[next(rounds) % len(tiles)]]), seconds)
    advance(1)
    several = _latencies(lambda: model.encode(together), seconds)
    advance(1)
    everything = _latencies(lambda: model.encode(list(tiles)), seconds)
    advance(1)
    return {
        "SingleStream": {"p90_ms": _percentile(single, 90), "queries": len(single)},
        "MultiStream": {
            "p99_ms": _percentile(several, 99), "tiles_a_query": STREAMS, "queries": len(several)
        },
        "Offline": {
            "tiles_a_second": round(1000 * len(tiles) * len(everything) / sum(everything), 1),
            "tiles": len(tiles) * len(everything),
        },
    }  # fmt: skip


def run_grid(
    path: Path, tiles: Sequence[Image], most_threads: int, seconds: float
) -> Iterator[dict[str, Any]]:
    """Milliseconds per tile for 1 to most_threads threads and each batch size."""
    for threads in range(1, most_threads + 1):
        model = HashModel.open(path, threads)
        for batch in BATCHES:
            chosen = [tiles[number % len(tiles)] for number in range(batch)]
            times = _latencies(lambda model=model, chosen=chosen: model.encode(chosen), seconds)  # type: ignore[misc]
            milliseconds = round(float(np.median(times)) / batch, 3)
            yield {"threads": threads, "batch": batch, "ms_a_tile": milliseconds}


def _latencies(work: Callable[[], object], seconds: float) -> list[float]:
    """Milliseconds of each query that fits into some seconds; at least five."""
    for _ in range(2):
        work()
    times: list[float] = []
    ends = time.perf_counter() + seconds
    while len(times) < 5 or time.perf_counter() < ends:
        started = time.perf_counter_ns()
        work()
        times.append((time.perf_counter_ns() - started) / 1e6)
    return times


def _percentile(times: Sequence[float], percent: float) -> float:
    return round(float(np.percentile(times, percent)), 3)
