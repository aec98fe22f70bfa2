"""Metrics in Prometheus' text format: of this server's requests, searches and pictures, and of its
store and station.

Source of the format: Prometheus documentation, "Exposition formats", version 0.0.4.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from starlette.types import Scope

SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
BITS = (0, 1, 2, 4, 6, 8, 10, 12, 16, 20, 24, 32, 48, 64)
MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Labels = tuple[tuple[str, str], ...]


class Histogram:
    """The numbers of values up to each of some limits, and their sum."""

    def __init__(self, limits: Sequence[float]) -> None:
        self._limits = limits
        self._counts = [0] * (len(limits) + 1)
        self._sum = 0.0

    def add(self, value: float) -> None:
        """Count a value."""
        at = next(
            (number for number, most in enumerate(self._limits) if value <= most),
            len(self._limits),
        )
        self._counts[at] += 1
        self._sum += value

    def lines(self, name: str, labels: Labels) -> Iterator[str]:
        """The histogram as lines of the text format."""
        total = 0
        for most, count in zip([*map(_number, self._limits), "+Inf"], self._counts, strict=True):
            total += count
            yield f"{name}_bucket{_labels((*labels, ('le', most)))} {total}"
        yield f"{name}_sum{_labels(labels)} {_number(self._sum)}"
        yield f"{name}_count{_labels(labels)} {total}"


class Metrics:
    """Counts the work of a server; threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: defaultdict[Labels, int] = defaultdict(int)
        self._durations: dict[Labels, Histogram] = {}
        self._stages: dict[Labels, Histogram] = {}
        self._nearest = Histogram(BITS)

    def count_request(self, scope: Scope, status: int, seconds: float) -> None:
        """Count an answered request under its route."""
        path = getattr(scope.get("route"), "path", "page" if status < 400 else "none")
        route = (("method", _method(scope)), ("path", str(path)))
        with self._lock:
            self._requests[(*route, ("status", str(status)))] += 1
            if not str(path).endswith("/live"):
                self._durations.setdefault(route, Histogram(SECONDS)).add(seconds)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time one stage of a request."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.note_stage(name, time.perf_counter() - started)

    def note_stage(self, name: str, seconds: float) -> None:
        """Record the time of a stage."""
        with self._lock:
            key = (("stage", name),)
            self._stages.setdefault(key, Histogram(SECONDS)).add(seconds)

    def note_nearest(self, distance: int) -> None:
        """Record the distance of the nearest hit of a search, in bits."""
        with self._lock:
            self._nearest.add(distance)

    def text(self, gauges: Mapping[str, tuple[str, float | None]]) -> str:
        """All metrics as text. gauges: further metrics, by name: the description and the value of
        each.
        """
        with self._lock:
            lines = [*self._own_lines()]
        for name, (meaning, value) in gauges.items():
            if value is not None:
                kind = "counter" if name.endswith("_total") else "gauge"
                lines += [*_head(name, meaning, kind), f"{name} {_number(value)}"]
        return "\n".join(lines) + "\n"

    def _own_lines(self) -> Iterator[str]:
        name = "scenehash_requests_total"
        yield from _head(name, "Requests that were answered.", "counter")
        for labels, count in sorted(self._requests.items()):
            yield f"{name}{_labels(labels)} {count}"
        name = "scenehash_request_seconds"
        yield from _head(name, "Seconds until a request was answered whole.", "histogram")
        yield from _all(name, self._durations)
        name = "scenehash_stage_seconds"
        yield from _head(name, "Seconds of each stage of what was asked for.", "histogram")
        yield from _all(name, self._stages)
        name = "scenehash_nearest_bits"
        yield from _head(name, "Bits from a search to its nearest hit.", "histogram")
        yield from self._nearest.lines(name, ())


def _all(name: str, histograms: Mapping[Labels, Histogram]) -> Iterator[str]:
    for labels, histogram in sorted(histograms.items()):
        yield from histogram.lines(name, labels)


def _head(name: str, meaning: str, kind: str) -> Iterable[str]:
    return f"# HELP {name} {meaning}", f"# TYPE {name} {kind}"


def _labels(labels: Labels) -> str:
    if not labels:
        return ""
    pairs = (f'{name}="{_escaped(value)}"' for name, value in labels)
    return "{" + ",".join(pairs) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _number(value: float) -> str:
    return f"{value:.10g}"


def _method(scope: Scope) -> str:
    method = str(scope["method"])
    return method if method in {"GET", "HEAD", "POST", "PATCH", "DELETE"} else "other"
