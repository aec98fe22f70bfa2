"""Times of one kind of work, and their statistics."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

Milliseconds = npt.NDArray[np.float64]
Result = TypeVar("Result")

DECIMALS = 4


@dataclass(frozen=True)
class Samples:
    """Milliseconds float64 [R, I]: R repeats over the same I items, in the same order.

    warm_up: the very first time, in milliseconds, which no statistic contains.
    """

    milliseconds: Milliseconds
    warm_up: float

    def percentile(self, percent: float) -> float:
        """A percentile of all times, in milliseconds."""
        return float(np.percentile(self.milliseconds, percent))

    def document(self) -> dict[str, Any]:
        """Statistics and raw times as plain values."""
        times = self.milliseconds
        return {
            "count": times.size,
            "p50_ms": round(self.percentile(50), DECIMALS),
            "p90_ms": round(self.percentile(90), DECIMALS),
            "p99_ms": round(self.percentile(99), DECIMALS),
            "quartiles_ms": [round(self.percentile(percent), DECIMALS) for percent in (25, 75)],
            "per_second": round(1000 * times.size / float(times.sum()), 2),
            "warm_up_ms": round(self.warm_up, DECIMALS),
            "milliseconds": times.round(DECIMALS).tolist(),
        }

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> "Samples":
        """Read what document() gave; KeyError, TypeError or ValueError on anything else."""
        times = np.array(document["milliseconds"], np.float64)
        if times.ndim != 2 or not times.size or not (np.isfinite(times) & (times > 0)).all():
            raise ValueError("times are not repeats of items")
        return cls(times, float(document["warm_up_ms"]))


class Stopwatch:
    """Collects the times of several stages, one item at a time.

    clock: nanoseconds, never back.
    """

    def __init__(self, clock: Callable[[], int] = time.perf_counter_ns) -> None:
        self._clock = clock
        self._times: dict[str, list[float]] = {}

    def time(self, stage: str, work: Callable[[], Result]) -> Result:
        """Do a stage's work once, and record its time."""
        started = self._clock()
        result = work()
        self._times.setdefault(stage, []).append((self._clock() - started) / 1e6)
        return result

    def samples(self, items: int) -> dict[str, Samples]:
        """Samples by stage; the first repeat of the items is warm-up, and not included."""
        return {
            stage: Samples(np.array(times[items:]).reshape(-1, items), times[0])
            for stage, times in self._times.items()
        }
