"""What the commands of a watch do, the library does: with the same words, and without printing."""

import json
import threading
from pathlib import Path

import numpy as np
import pytest

import scenehash
from scenehash.alerts.changing import set_radius
from scenehash.alerts.making import default_radius
from scenehash.alerts.trial import border
from scenehash.errors import ConfigurationError, StoreError
from scenehash.report.contact_sheet import write_picture

from ...scenes import draw


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    for seed in range(3):
        write_picture(tmp_path / "in" / f"harbor_{seed}.png", draw("harbor", seed))
    (tmp_path / "in" / "bad.png").write_bytes(b"no image")
    return tmp_path / "in"


def test_a_watch_reports_and_prints_nothing(
    folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    options = scenehash.WatchOptions(settle=0, once=True)
    sinks = scenehash.SinkOptions(events_file=tmp_path / "e.jsonl")
    logged: list[str] = []
    model = scenehash.HashModel.load()
    done = scenehash.watch([folder], tmp_path / "s", model, options, sinks, log=logged.append)
    assert (done.stored, done.set_aside) == (3, 1)
    kinds = [json.loads(line)["kind"] for line in (tmp_path / "e.jsonl").read_text().splitlines()]
    assert sorted(kinds) == ["scene"] * 3 + ["set_aside"]
    assert any("bad.png" in line for line in logged)
    assert scenehash.watch([str(folder)], str(tmp_path / "s"), model, options) == (
        scenehash.WatchReport(0, 0)
    )
    assert capfd.readouterr() == ("", "")


def test_a_file_whose_content_is_stored_already_is_named_and_is_no_event(
    folder: Path, tmp_path: Path
) -> None:
    options = scenehash.WatchOptions(settle=0, once=True)
    scenehash.watch([folder], tmp_path / "s", options=options)
    for name in ("again.png", "and_again.png"):
        (folder / name).write_bytes((folder / "harbor_0.png").read_bytes())
    logged: list[str] = []
    sinks = scenehash.SinkOptions(events_file=tmp_path / "e.jsonl")
    done = scenehash.watch([folder], tmp_path / "s", None, options, sinks, log=logged.append)
    assert (done.stored, done.set_aside) == (0, 0)
    assert logged == [f"{folder / 'again.png'} and 1 more: the content is stored already; no event"]
    logged.clear()
    scenehash.watch([folder], tmp_path / "s", None, options, sinks, log=logged.append)
    assert logged == []


@pytest.mark.slow
def test_a_watch_ends_when_it_is_stopped(folder: Path, tmp_path: Path) -> None:
    stop = threading.Event()
    threading.Timer(3, stop.set).start()
    done = scenehash.watch(
        [folder], tmp_path / "s", options=scenehash.WatchOptions(settle=0), stop=stop
    )
    assert done.stored == 3


def test_a_watch_of_nothing_or_with_events_in_the_store_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no folders"):
        scenehash.watch([], tmp_path / "s")
    sinks = scenehash.SinkOptions(events_file=tmp_path / "s" / "e.jsonl")
    with pytest.raises(ConfigurationError, match="inside the store"):
        scenehash.watch([tmp_path], tmp_path / "s", sinks=sinks)
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize(("bits", "radius"), [(16, 2), (64, 8), (128, 21), (256, 51)])
def test_the_radius_that_nobody_gave_by_width(bits: int, radius: int) -> None:
    assert default_radius(bits) == radius


def test_alerts_are_added_and_tuned(folder: Path, tmp_path: Path) -> None:
    model = scenehash.HashModel.load()
    scenehash.ingest([folder], tmp_path / "s", model, scenehash.IngestOptions(labels=("harbor",)))
    with scenehash.CodeStore.open(tmp_path / "s", writable=True) as store:
        example = str(folder / "harbor_0.png")
        alert = scenehash.add_alert(store, "quay", [example, "row:1"], ["row:2"], model=model)
        assert alert.radius == default_radius(store.bits)
        assert np.array_equal(alert.examples, store.codes(np.array([0, 1])))
        assert alert.sources == (example, "row:1", "row:2")
        with pytest.raises(StoreError, match="an alert with that name exists"):
            scenehash.add_alert(store, "quay", ["row:0"])
        counted = scenehash.count_by_radius(store, "quay", label="harbor")
        assert counted.true_total == 3
        assert set_radius(store, "quay", 5).radius == store.alerts.get("quay").radius == 5
        within, beyond = border(store, alert, 0)
        assert [hit.row for hit in within] == [0, 1]
        assert {hit.row for hit in beyond} <= {2}
        with pytest.raises(StoreError, match="no stored scene has the label"):
            scenehash.count_by_radius(store, "quay", label="none")


@pytest.mark.slow
def test_doctor_and_bench_give_what_the_commands_print(tmp_path: Path) -> None:
    found = scenehash.doctor(store=tmp_path / "s")
    assert found.document()["fit"] == found.fit
    assert {finding.check for finding in found.findings} >= {"codes", "precision", "sqlite"}
    settings = scenehash.BenchSettings(count=1, repeats=2, seconds=0.1, archive=10, most_threads=1)
    document = scenehash.bench(settings)
    assert json.loads(json.dumps(document)) == document
