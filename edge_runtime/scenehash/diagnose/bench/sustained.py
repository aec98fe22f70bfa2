"""The sustained speed: the whole work for some seconds, with clock, heat and energy."""

import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from ..hardware import read_clock, read_energy, read_temperature
from .stages import Inputs, Pipeline


def run_sustained(
    pipeline: Pipeline,
    inputs: Inputs,
    seconds: float,
    advance: Callable[[int], object] = lambda _: None,
) -> dict[str, Any]:
    """Scenes per minute, decoded, hashed and committed one by one, in the last third of the time.

    A machine that throttles is slower there than in the first third. advance: called for each
    second.
    """
    before = {"clock": asdict(read_clock()), "temperature": read_temperature()}
    energy = read_energy()
    started = time.perf_counter()
    finished: list[float] = []
    while not finished or finished[-1] < seconds:
        pipeline.whole(inputs.files[len(finished) % len(inputs.files)])
        before_it = finished[-1] if finished else 0.0
        finished.append(time.perf_counter() - started)
        advance(int(min(finished[-1], seconds)) - int(before_it))
    spent = read_energy()
    took = finished[-1]
    first = sum(moment <= took / 3 for moment in finished)
    last = sum(moment > 2 * took / 3 for moment in finished)
    # The counter wraps, so a negative difference is useless.
    known = energy is not None and spent is not None and spent > energy
    joules = (spent - energy) / 1e6 if known else None  # type: ignore[operator]
    return {
        "seconds": round(took, 2),
        "scenes": len(finished),
        "scenes_a_minute": round(60 * last / (took / 3)),
        "last_to_first_third": round(last / max(first, 1), 3),
        "joules_a_scene": None if joules is None else round(joules / len(finished), 4),
        "before": before,
        "after": {"clock": asdict(read_clock()), "temperature": read_temperature()},
    }
