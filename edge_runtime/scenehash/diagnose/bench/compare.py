"""Two runs of bench, stage by stage, with an interval that shows whether they differ."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from scenehash.errors import InputError

from .samples import Milliseconds, Samples

DRAWS = 4000
LEVEL = (2.5, 97.5)
# The size limit; a result of bench has about 100 kB.
LARGEST_FILE = 16 << 20


@dataclass(frozen=True)
class Comparison:
    """The second run's time of a stage as a ratio to the first's, with its 95 % interval."""

    stage: str
    first_ms: float
    second_ms: float
    ratio: float
    interval: tuple[float, float]

    @property
    def verdict(self) -> Literal["faster", "slower", "no difference shown"]:
        """The verdict on the second run; it shows no difference while the interval contains 1."""
        low, high = self.interval
        if high < 1:
            return "faster"
        return "slower" if low > 1 else "no difference shown"


@dataclass(frozen=True)
class RunComparison:
    """Two runs of bench, stage by stage.

    precision: which is faster here, as a sentence, if the models' precisions differ.
    """

    first: Path
    second: Path
    stages: list[Comparison]
    precision: str | None

    def document(self) -> dict[str, Any]:
        """All of it as plain values."""
        return {
            "first": str(self.first),
            "second": str(self.second),
            "precision": self.precision,
            "stages": {
                item.stage: {
                    "first_p50_ms": item.first_ms,
                    "second_p50_ms": item.second_ms,
                    "ratio": item.ratio,
                    "interval_95": list(item.interval),
                    "verdict": item.verdict,
                }
                for item in self.stages
            },
        }


def compare_runs(first: Path, second: Path) -> RunComparison:
    """Compare two files that `scenehash bench --json` wrote; InputError on any other."""
    runs = read_run(first), read_run(second)
    stages = compare(*runs)
    one, other = (str(run["model"]["precision"]) for run in runs)
    infer = [item for item in stages if item.stage == "infer"]
    sentence = _on_precision(one, other, infer[0]) if infer and one != other else None
    return RunComparison(first, second, stages, sentence)


def read_run(path: Path) -> dict[str, Any]:
    """A file that `scenehash bench --json` wrote; InputError on any other."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
        if len(data) > LARGEST_FILE:
            raise ValueError("too large")
        document: dict[str, Any] = json.loads(data)
        for stage in document["stages"].values():
            Samples.from_document(stage)
        if not isinstance(document["inputs"], str):
            raise ValueError("no inputs")
        _ = document["model"]["precision"]
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise InputError(
            f"{path}: not a result of bench; make one with: scenehash bench --json > {path}"
        ) from error
    return document


def compare(first: dict[str, Any], second: dict[str, Any], seed: int = 0) -> list[Comparison]:
    """Compare the stages that both runs have; InputError when they ran on different inputs."""
    if first["inputs"] != second["inputs"]:
        raise InputError(
            f"the runs were on different inputs ({first['inputs']} / {second['inputs']}); "
            "run both with the same --images and --count"
        )
    found = []
    for stage in first["stages"]:
        if stage in second["stages"]:
            one, other = (Samples.from_document(run["stages"][stage]) for run in (first, second))
            if one.milliseconds.shape[1] != other.milliseconds.shape[1]:
                raise InputError(f"{stage}: the runs timed different numbers of inputs")
            found.append(compare_samples(stage, one, other, seed))
    return found


def compare_samples(stage: str, first: Samples, second: Samples, seed: int) -> Comparison:
    """Pair the runs by item, and bootstrap over repeats and items.

    Both timed the same items, so that differences between items cancel: the ratio is the geometric
    mean over items of the ratio of medians over repeats. A draw takes repeats of each run, and
    items, with replacement (Efron and Tibshirani, 1993, percentile interval).
    """
    rng = np.random.default_rng(seed)
    count = first.milliseconds.shape[1]
    ratios = []
    for _ in range(DRAWS):
        items = rng.choice(np.arange(count), count)
        ratios.append(_ratio(_redrawn(first, rng), _redrawn(second, rng), items))
    low, high = np.percentile(ratios, LEVEL)
    ratio = _ratio(first.milliseconds, second.milliseconds, np.arange(count))
    return Comparison(
        stage, first.percentile(50), second.percentile(50), ratio, (float(low), float(high))
    )


def _on_precision(first: str, second: str, infer: Comparison) -> str:
    low, high = infer.interval
    times = f"{infer.ratio:.2f} of its time, 95 % interval {low:.2f}-{high:.2f}"
    match infer.verdict:
        case "faster":
            return f"precision: {second} is faster than {first} here ({times})"
        case "slower":
            return f"precision: {second} is slower than {first} here ({times})"
        case _:
            return f"precision: no difference shown between {first} and {second} here"


def _redrawn(samples: Samples, rng: np.random.Generator) -> Milliseconds:
    repeats = len(samples.milliseconds)
    redrawn: Milliseconds = samples.milliseconds[rng.choice(np.arange(repeats), repeats)]
    return redrawn


def _ratio(first: Milliseconds, second: Milliseconds, items: npt.NDArray[np.int64]) -> float:
    medians = np.median(first, axis=0)[items], np.median(second, axis=0)[items]
    return float(np.exp(np.log(medians[1] / medians[0]).mean()))
