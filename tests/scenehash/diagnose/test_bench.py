"""bench measures what it says, and its comparison finds a difference only where there is one."""

import json
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from scenehash.cli.main import build_app
from scenehash.diagnose.bench.advice import advise
from scenehash.diagnose.bench.compare import compare, compare_samples
from scenehash.diagnose.bench.plot import draw_stages
from scenehash.diagnose.bench.samples import Samples, Stopwatch
from scenehash.errors import InputError

STAGES = ("decode", "tile", "infer", "search", "write")


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    """A short run by the command line: its document, and the folder with its files."""
    folder = tmp_path_factory.mktemp("bench")
    arguments = ["bench", "--count", "2", "--repeats", "3", "--seconds", "0.4", "--archive"]
    arguments += ["1000", "--most-threads", "2", "--plot", str(folder / "b.svg"), "--json"]
    done = CliRunner().invoke(build_app(), arguments)
    assert done.exit_code == 0, done.output
    (folder / "a.json").write_text(done.stdout)
    return json.loads(done.stdout), folder


def samples(seed: int, factor: float = 1.0, items: int = 8) -> Samples:
    """20 repeats of items, of which one is ten times as dear as another."""
    rng = np.random.default_rng(seed)
    dear = np.geomspace(1, 10, items)
    return Samples(factor * dear * rng.lognormal(0, 0.1, (20, items)), 1.0)


def test_every_stage_scenario_and_setting_is_measured(result: tuple[dict[str, Any], Path]) -> None:
    document, _ = result
    assert set(document["stages"]) == set(STAGES)
    for stage in document["stages"].values():
        assert np.shape(stage["milliseconds"]) == (3, 2)
        assert 0 < stage["p50_ms"] <= stage["p90_ms"] <= stage["p99_ms"]
        assert stage["warm_up_ms"] > 0
    assert set(document["scenarios"]) == {"SingleStream", "MultiStream", "Offline"}
    assert {(cell["threads"], cell["batch"]) for cell in document["grid"]} == {
        (threads, batch) for threads in (1, 2) for batch in (1, 2, 4, 8)
    }
    cold = document["cold_start"]
    assert cold["seconds_to_first_code"] > cold["seconds_to_bare_import"] > 0
    assert 50 < cold["peak_memory_mb"] < 1000
    assert document["sustained"]["scenes_a_minute"] > 0
    assert any(line.startswith("sustained: ") for line in document["advice"])


def test_plot_is_a_picture_with_every_stage(result: tuple[dict[str, Any], Path]) -> None:
    picture = ElementTree.parse(result[1] / "b.svg").getroot()
    texts = {element.text for element in picture.iter() if element.tag.endswith("text")}
    assert set(STAGES) <= texts


def test_run_compared_with_itself_shows_no_difference(
    result: tuple[dict[str, Any], Path],
) -> None:
    path = str(result[1] / "a.json")
    done = CliRunner().invoke(build_app(), ["bench", "--compare", path, path, "--json"])
    assert done.exit_code == 0, done.output
    for stage in json.loads(done.stdout)["stages"].values():
        assert stage["ratio"] == 1
        assert stage["verdict"] == "no difference shown"


def test_comparison_finds_a_tenth_in_noise_of_a_tenth_among_unlike_items() -> None:
    found = compare_samples("infer", samples(1), samples(2, 1.1), seed=0)
    assert found.verdict == "slower"
    assert found.interval[0] < 1.1 < found.interval[1]
    assert found.interval[1] - found.interval[0] < 0.1
    assert compare_samples("infer", samples(1), samples(2, 0.9), seed=0).verdict == "faster"


def test_interval_of_two_equal_runs_holds_one_nearly_always() -> None:
    trials = [
        compare_samples("infer", samples(2 * seed), samples(2 * seed + 1), seed)
        for seed in range(20)
    ]
    assert sum(trial.verdict == "no difference shown" for trial in trials) >= 17


def test_runs_on_other_inputs_and_files_that_are_no_runs_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="different inputs"):
        compare({"inputs": "a", "stages": {}}, {"inputs": "b", "stages": {}})
    path = tmp_path / "a.json"
    path.write_text('{"stages": {"infer": {}}}')
    done = CliRunner().invoke(build_app(), ["bench", "--compare", str(path), str(path)])
    assert done.exit_code == 1
    assert "scenehash bench --json" in done.output


def test_stopwatch_tells_the_time_and_sets_the_warm_up_aside() -> None:
    watch = Stopwatch()
    for seconds in (0.05, 0.01, 0.01, 0.01):
        watch.time("sleep", lambda seconds=seconds: time.sleep(seconds))
    timed = watch.samples(items=1)["sleep"]
    assert timed.milliseconds.shape == (3, 1)
    assert timed.percentile(50) == pytest.approx(10, rel=0.3)
    assert timed.warm_up >= 50
    assert Samples.from_document(timed.document()).milliseconds.shape == (3, 1)


def _document(int8: float, fp32: float, grid: list[tuple[int, float]], last: float) -> dict:
    return {
        "model": {"precision": "int8", "name": "m", "threads": 1},
        "stages": {"infer": {"p50_ms": int8}, "infer fp32": {"p50_ms": fp32}},
        "grid": [{"threads": t, "batch": 1, "ms_a_tile": ms} for t, ms in grid],
        "sustained": {"scenes_a_minute": 900, "last_to_first_third": last, "seconds": 6.0},
    }


def test_advice_follows_the_figures() -> None:
    lines = advise(_document(4, 8, [(1, 4.0), (2, 2.2)], 1.0))
    assert lines[0] == "precision: int8, 2.0 times as fast as fp32"
    assert lines[1].startswith("threads: 2, ")
    assert len(lines) == 3
    lines = advise(_document(8, 4, [(1, 4.0), (2, 4.1)], 0.7))
    assert lines[0] == "precision: fp32, 2.0 times as fast as int8"
    assert lines[1].startswith("threads: 1 is as good")
    assert "slows down" in lines[-1]
    assert "equally fast" in advise(_document(4, 4.1, [(1, 4.0)], 1.0))[0]


def test_plot_has_an_axis_that_holds_all_times() -> None:
    stage = {"p50_ms": 0.5, "p90_ms": 700.0, "milliseconds": [[0.002, 0.5, 700.0]]}
    document = {
        "model": {"name": "a<b", "threads": 1},
        "machine": {"processor": "x & y"},
        "stages": {"infer": stage},
    }
    root = ElementTree.fromstring(draw_stages(document))
    bars = [item for item in root.iter() if item.tag.endswith("rect")][1:]
    assert all(100 < float(bar.attrib["x"]) < 701 for bar in bars)
