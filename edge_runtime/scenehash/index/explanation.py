"""The record of a search: its plans, their costs, and the reasons."""

import time
from dataclasses import dataclass, field

# A skipped partition: it has no nearer row than those found before.
SKIPPED = "skipped"


@dataclass(frozen=True)
class Explanation:
    """How a search was answered.

    plans: the number of queries that each plan answered, counted per partition of the rows: "scan"
    (all codes), "scan_distinct", "scan_subset", "scan_range", "multi_index", "skipped" (no row of
    the partition can be nearer). codes: the number of compared codes, or bucket entries with a part
    of a code. seconds: by stage, summed over threads. reasons: one line for each kind of reason.
    kernels: the loops, "numpy" or "numba".
    """

    plans: dict[str, int]
    codes: int
    seconds: dict[str, float]
    reasons: tuple[str, ...]
    kernels: str = "numpy"

    def __str__(self) -> str:
        plans = ", ".join(f"{plan} x {count}" for plan, count in self.plans.items()) or "nothing"
        stages = ", ".join(f"{stage} {1e3 * took:.2f} ms" for stage, took in self.seconds.items())
        compared = f"{self.codes:,} codes compared by {self.kernels}"
        return "\n".join([f"{plans}; {compared}; {stages}", *self.reasons])


@dataclass
class Trace:
    """Collects an explanation during a search; one per thread."""

    kernels: str = "numpy"
    plans: dict[str, int] = field(default_factory=dict)
    codes: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    reasons: dict[tuple[str, str], None] = field(default_factory=dict)

    def answered(self, plan: str, reason: str, queries: int = 1) -> None:
        self.plans[plan] = self.plans.get(plan, 0) + queries
        self.reasons[plan, reason] = None

    def stage(self, name: str) -> "_Stage":
        """A context whose time counts as this stage's."""
        return _Stage(self.seconds, name)

    def merge(self, other: "Trace") -> None:
        """Add the record of another thread."""
        for plan, count in other.plans.items():
            self.plans[plan] = self.plans.get(plan, 0) + count
        for stage, took in other.seconds.items():
            self.seconds[stage] = self.seconds.get(stage, 0.0) + took
        self.codes += other.codes
        self.reasons.update(other.reasons)

    def explanation(self) -> Explanation:
        reasons = tuple(f"{plan}: {reason}" for plan, reason in self.reasons)
        return Explanation(self.plans, self.codes, self.seconds, reasons, self.kernels)


class _Stage:
    """A class, since a generator would cost as much as what some stages do."""

    __slots__ = ("_name", "_seconds", "_started")

    def __init__(self, seconds: dict[str, float], name: str) -> None:
        self._seconds, self._name = seconds, name

    def __enter__(self) -> None:
        self._started = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        took = time.perf_counter() - self._started
        self._seconds[self._name] = self._seconds.get(self._name, 0.0) + took
