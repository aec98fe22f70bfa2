"""What a search did: which plan, at what cost, and why."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Explanation:
    """How a search was answered.

    plans: how many queries each plan answered, a query once a part of the store: "scan" (all
    codes), "scan distinct", "scan subset", "multi-index", "nothing nearer" (a part passed over).
    codes: how many codes, or entries with part of a code, were compared. seconds: by stage, summed
    over threads. reasons: why, a line for each kind of reason. kernels: whose loops ran, "numpy" or
    "numba".
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
    """Collects an explanation while a search runs; one a thread."""

    kernels: str = "numpy"
    plans: Counter[str] = field(default_factory=Counter)
    codes: int = 0
    seconds: Counter[str] = field(default_factory=Counter)
    reasons: dict[str, None] = field(default_factory=dict)

    def answered(self, plan: str, reason: str, queries: int = 1) -> None:
        self.plans[plan] += queries
        self.reasons[f"{plan}: {reason}"] = None

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] += time.perf_counter() - started  # type: ignore[assignment]

    def merge(self, other: "Trace") -> None:
        self.plans.update(other.plans)
        self.codes += other.codes
        self.seconds.update(other.seconds)
        self.reasons.update(other.reasons)

    def explanation(self) -> Explanation:
        return Explanation(
            dict(self.plans), self.codes, dict(self.seconds), tuple(self.reasons), self.kernels
        )
