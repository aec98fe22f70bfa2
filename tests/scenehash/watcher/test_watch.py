"""What a watch stores and says, step by step: files and clock are given, nothing is waited for."""

import io
import json
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from scenehash import CodeStore, HashModel
from scenehash.errors import StoreBusyError
from scenehash.store import Alert
from scenehash.store.catalog.outbox import Outbox
from scenehash.watcher.arrivals import Now
from scenehash.watcher.dispatcher import open_dispatcher
from scenehash.watcher.listing import scan_folders
from scenehash.watcher.loop import Watch
from scenehash.watcher.matching import match_scene
from scenehash.watcher.options import SinkOptions, WatchOptions
from scenehash.watcher.waiting import Polling

from ...absent import package
from ...scenes import draw


@pytest.fixture(scope="session")
def model() -> HashModel:
    return HashModel.load()


def drop(folder: Path, kind: str, seed: int, scenes: int = 1) -> Path:
    """Put a scene of some tiles side by side into a folder, whole at once."""
    folder.mkdir(parents=True, exist_ok=True)
    pixels = np.hstack([draw(kind, seed + at) for at in range(scenes)])
    if scenes > 1:
        pixels = np.vstack([pixels, pixels])
    path = folder / f"{kind}_{seed}.png"
    assert cv2.imwrite(str(path), pixels[:, :, ::-1])
    return path


class Station:
    """A watch that is stepped by hand. Time is an hour later at each step: all files are old."""

    def __init__(self, root: Path, model: HashModel) -> None:
        self.folder, self.store = root / "in", root / "s"
        self.logged: list[str] = []
        self.options = WatchOptions()
        self.stdout = io.StringIO()
        self.sinks = SinkOptions(self.stdout, root / "events.jsonl")
        self.hours, self.stopped = 0, False
        self._model, self._stack = model, ExitStack()
        self.folder.mkdir()

    def start(self, **changes: Any) -> None:
        """Start, or start again after an end without warning."""
        self._stack.close()
        self.options = replace(self.options, **changes)
        identity = (self._model.lineage, self._model.bits, "a-model")
        with CodeStore.open_or_create(self.store, *identity) as store:
            dispatcher = self._stack.enter_context(
                open_dispatcher(store, self.sinks, self.logged.append)
            )
        arguments = (self.store, self._model, self.options, dispatcher, self.logged.append)
        self.watch = Watch([self.folder], *arguments, lambda: self.stopped)

    def step(self) -> bool:
        self.hours += 1
        seconds = 3600.0 * self.hours
        listing = scan_folders([self.folder], self.store)
        return self.watch.step(listing, Now(seconds, 4e9 + seconds))

    def events(self) -> list[dict]:
        assert self.sinks.events_file is not None
        return [json.loads(line) for line in self.sinks.events_file.read_text().splitlines()]

    def close(self) -> None:
        self._stack.close()


@pytest.fixture
def station(tmp_path: Path, model: HashModel) -> Iterator[Station]:
    station = Station(tmp_path, model)
    yield station
    station.close()


def test_a_scene_that_arrives_is_stored_and_reported_once(station: Station) -> None:
    path = drop(station.folder, "harbor", 1)
    station.start()
    station.step()
    station.step()
    (event,) = station.events()
    assert (event["event"], event["kind"], event["scene"]) == (1, "scene", str(path))
    assert (event["tiles"], event["rows"], event["novelty"]) == (1, [0, 0], None)
    assert json.loads(station.stdout.getvalue()) == event
    with CodeStore.open(station.store) as store:
        assert store.counts() == (1, 1)
        assert event["store"] == store.uuid


def test_events_say_what_is_like_a_scene_and_how_new_it_is(station: Station) -> None:
    station.start()
    first = drop(station.folder, "harbor", 1)
    station.step()
    near = drop(station.folder, "harbor", 2)
    far = drop(station.folder, "forest", 1)
    station.step()
    events = {event["scene"]: event for event in station.events()}
    (tile,) = events[str(near)]["matches"]
    assert tile["nearest"][0]["scene"] in (str(first), str(far))
    with CodeStore.open(station.store) as store:
        codes = {Path(record.path).name: codes for record, codes in store.scenes()}
    distance = int(np.bitwise_count(codes[near.name] ^ codes[first.name]).sum())
    assert tile["novelty"] == distance == events[str(near)]["novelty"]
    assert events[str(far)]["novelty"] > distance


def test_an_event_says_which_alert_matched_and_how_close(
    station: Station, model: HashModel
) -> None:
    station.start()
    code = model.encode([draw("harbor", 1)])
    with CodeStore.open(station.store, writable=True) as store:
        store.alerts.add(Alert("quay", 20, code, code[:0], ("harbor",)))
        store.alerts.add(Alert("never", 20, code, code, ("harbor", "harbor")))
    drop(station.folder, "harbor", 1)
    drop(station.folder, "forest", 1)
    station.step()
    harbor, forest = sorted(station.events(), key=lambda event: event["scene"], reverse=True)
    assert harbor["alerts"] == [{"name": "quay", "tiles": 1, "distance": 0}]
    assert harbor["matches"][0]["alerts"] == [{"name": "quay", "distance": 0, "radius": 20}]
    assert forest["alerts"] == []


@pytest.mark.parametrize("per", ["scene", "tile"])
def test_one_event_a_scene_or_one_a_tile(station: Station, per: str) -> None:
    drop(station.folder, "agricultural", 1, scenes=3)
    station.start(per=per)
    station.step()
    events = station.events()
    if per == "scene":
        tiles = events[0]["matches"]
    else:
        assert [event["kind"] for event in events] == ["tile"] * 6
        tiles = [event["tile"] for event in events]
    assert sorted(tile["row"] for tile in tiles) == [0, 1, 2, 3, 4, 5]
    assert sorted(tile["window"] for tile in tiles)[0] == [0, 0, 256, 256]
    assert events[0]["tiles"] == 6


def test_what_is_broken_is_set_aside_once_and_taken_when_it_is_mended(station: Station) -> None:
    good = drop(station.folder, "river", 1)
    broken = station.folder / "broken.png"
    broken.write_bytes(good.read_bytes()[:500])
    station.start()
    station.step()
    station.start()
    station.step()
    kinds = [event["kind"] for event in station.events()]
    assert sorted(kinds) == ["scene", "set_aside"]
    with CodeStore.open(station.store) as store:
        (item,) = store.quarantine.list()
    assert item.path == str(broken)
    broken.write_bytes(drop(station.folder.parent / "elsewhere", "river", 9).read_bytes())
    station.step()
    assert station.events()[-1]["scene"] == str(broken)
    assert station.events()[-1]["kind"] == "scene"
    with CodeStore.open(station.store) as store:
        assert store.quarantine.list() == []


def test_what_is_stored_already_is_no_news(station: Station) -> None:
    path = drop(station.folder, "beach", 1)
    station.start()
    station.step()
    shutil.copy(path, station.folder / "copy.png")
    station.step()
    station.start()
    station.step()
    assert len(station.events()) == 1


def test_a_new_watch_opens_no_file_that_an_earlier_one_has_dealt_with(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop(station.folder, "beach", 1)
    (station.folder / "broken.png").write_bytes(b"no")
    station.start()
    station.step()

    def fail(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr("scenehash.watcher.loop.ingest_files", fail)
    station.start()
    station.step()


def test_too_many_scenes_are_shed_by_the_rule_and_never_silently(station: Station) -> None:
    for seed in range(5):
        path = drop(station.folder, "denseresidential", seed)
        os.utime(path, (1e9 + seed, 1e9 + seed))
    station.start(max_backlog=2)
    station.step()
    events = station.events()
    shed = [event["scene"] for event in events if event["kind"] == "set_aside"]
    assert [Path(one).name for one in shed] == [f"denseresidential_{seed}.png" for seed in range(3)]
    taken = [event["scene"] for event in events if event["kind"] == "scene"]
    assert [Path(one).name for one in taken] == ["denseresidential_4.png", "denseresidential_3.png"]
    with CodeStore.open(station.store) as store:
        assert [item.reason[:4] for item in store.quarantine.list()] == ["shed"] * 3


def test_while_another_process_writes_scenes_wait(station: Station) -> None:
    drop(station.folder, "runway", 1)
    station.start()
    with CodeStore.open(station.store, writable=True):
        station.step()
        station.step()
        assert station.events() == []
    assert len([line for line in station.logged if "another process" in line]) == 1
    station.step()
    assert len(station.events()) == 1


def test_a_catalog_that_is_held_in_the_middle_of_storing_loses_no_scene(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in range(3):
        drop(station.folder, "runway", seed)
    station.start()
    add, calls = CodeStore.add, []

    def held(store: CodeStore, *arguments: Any) -> object:
        calls.append(arguments)
        if len(calls) == 2:
            raise StoreBusyError("held")
        return add(store, *arguments)

    monkeypatch.setattr(CodeStore, "add", held)
    station.step()
    station.step()
    assert [event["event"] for event in station.events()] == [1, 2, 3]
    assert len({event["scene"] for event in station.events()}) == 3


def test_a_catalog_that_is_held_after_storing_has_nothing_set_aside_twice(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop(station.folder, "runway", 1)
    (station.folder / "broken.png").write_bytes(b"no")
    station.start()

    def held(*_: object) -> None:
        raise StoreBusyError("held")

    with monkeypatch.context() as patch:
        patch.setattr(Outbox, "deliver", held)
        station.step()
    station.step()
    assert sorted(event["kind"] for event in station.events()) == ["scene", "set_aside"]


def test_the_store_is_free_while_there_is_nothing_to_do(station: Station) -> None:
    drop(station.folder, "runway", 1)
    station.start()
    station.step()
    CodeStore.open(station.store, writable=True).close()


def test_asked_to_stop_it_stores_nothing_of_the_scene_in_hand(station: Station) -> None:
    drop(station.folder, "agricultural", 1, scenes=3)
    station.start()
    station.stopped = True
    assert station.step() is False
    with CodeStore.open(station.store) as store:
        assert store.counts() == (0, 0)
    station.stopped = False
    station.start()
    station.step()
    assert len(station.events()) == 1


def test_an_event_that_was_stored_but_not_delivered_is_delivered_by_the_next_watch(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop(station.folder, "freeway", 1)
    station.start()

    def killed(*_: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr("scenehash.watcher.dispatcher.Dispatcher.deliver", killed)
        with pytest.raises(SystemExit):
            station.step()
    assert station.events() == []
    station.start()
    assert [event["event"] for event in station.events()] == [1]
    station.step()
    assert [event["event"] for event in station.events()] == [1]


def test_a_file_that_cannot_be_written_holds_nothing_up_and_gets_everything_later(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    station.start()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("scenehash.watcher.event_file.EventFile._write", full)
        for seed in range(2):
            drop(station.folder, "forest", seed)
            station.step()
    assert station.events() == []
    assert len(station.stdout.getvalue().splitlines()) == 2
    assert len([line for line in station.logged if "No space" in line]) == 1
    station.step()
    assert [event["event"] for event in station.events()] == [1, 2]


def test_a_store_from_a_backup_goes_on_with_numbers_that_were_never_given(
    station: Station,
) -> None:
    station.start()
    drop(station.folder, "beach", 1)
    station.step()
    station.close()
    shutil.copytree(station.store, station.folder.parent / "backup")
    station.start()
    for seed in (2, 3):
        drop(station.folder, "beach", seed)
        station.step()
    station.close()
    shutil.rmtree(station.store)
    (station.folder.parent / "backup").rename(station.store)
    station.start()
    station.step()
    numbers = [event["event"] for event in station.events()]
    assert numbers == [1, 2, 3, 4, 5, 6]
    assert [event["kind"] for event in station.events()][3:] == ["restored", "scene", "scene"]


def test_a_sink_that_is_new_gets_what_comes_from_now_on(station: Station) -> None:
    station.start()
    drop(station.folder, "beach", 1)
    station.step()
    station.sinks = replace(station.sinks, events_file=station.folder.parent / "new.jsonl")
    station.start()
    assert station.events() == []
    drop(station.folder, "beach", 2)
    station.step()
    assert [event["event"] for event in station.events()] == [2]


def georeferenced(path: Path, kind: str, light: float = 1.0) -> Path:
    """A scene of four tiles, always at the same place."""
    rasterio = package("rasterio")
    pixels = np.hstack([draw(kind, seed) for seed in range(2)])
    pixels = (light * np.vstack([pixels, pixels[:, ::-1]])).astype(np.uint8)
    grid = rasterio.transform.from_origin(8.0, 47.0, 1e-5, 1e-5)
    how = {"height": 512, "width": 512, "count": 3, "dtype": "uint8", "driver": "GTiff"}
    with rasterio.open(path, "w", crs="EPSG:4326", transform=grid, **how) as raster:
        raster.write(pixels.transpose(2, 0, 1))
    return path


def test_an_event_says_where_a_scene_is_and_whether_the_place_has_changed(
    station: Station,
) -> None:
    station.start()
    before = georeferenced(station.folder / "a_20260105.tif", "forest")
    station.step()
    georeferenced(station.folder / "b_20260205.tif", "forest", light=0.98)
    station.step()
    georeferenced(station.folder / "c_20260305.tif", "harbor")
    station.step()
    first, same, other = station.events()
    assert first["bbox"] == pytest.approx([8.0, 47 - 0.00512, 8.00512, 47.0])
    assert first["time"] == "2026-01-05T00:00:00+00:00"
    assert (first["repeats"], first["changed"]) == (0, 0)
    assert first["matches"][0]["footprint"][0] == pytest.approx([8.0, 47.0])
    assert (same["repeats"], same["changed"]) == (4, 0)
    tiles = sorted(same["matches"], key=lambda tile: tile["row"])
    for row, tile in enumerate(tiles):
        repeat = tile["repeat"]
        assert (repeat["row"], repeat["changed"]) == (row, False)
        assert repeat["distance"] >= tile["novelty"]
        assert (repeat["scene"], repeat["time"]) == (str(before), first["time"])
    assert other["repeats"] == 4
    assert other["changed"] > 0
    assert all(tile["repeat"]["row"] >= 4 for tile in other["matches"])


class Steps:
    """A way to wait that changes the world instead."""

    def __init__(self, *changes: Callable[[], object]) -> None:
        self._changes = list(changes)

    def wait(self) -> bool:
        assert self._changes, "waited for nothing"
        self._changes.pop(0)()
        return True


def test_once_takes_what_is_there_and_ends(station: Station) -> None:
    for seed in range(20):
        drop(station.folder, "forest", seed)
    station.start(settle=0.0, once=True)
    station.watch.run(Steps())
    assert len(station.events()) == 20


def test_once_takes_what_became_complete_while_other_files_took_long(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found on a slow machine: 15 of 20 files were stored, exit status 0."""
    drop(station.folder, "forest", 1)
    station.start(settle=0.2, once=True)
    late = drop(station.folder, "forest", 2)
    os.utime(station.folder / "forest_1.png", (1, 1))
    os.utime(late, (4e9, 4e9))

    def slowly(*arguments: Any) -> Any:
        time.sleep(0.6)
        return match_scene(*arguments)

    monkeypatch.setattr("scenehash.watcher.loop.match_scene", slowly)
    station.watch.run(Polling(0.02, threading.Event()))
    assert len(station.events()) == 2


def test_it_runs_until_it_is_stopped(station: Station) -> None:
    station.start(settle=0.0)

    def stop() -> None:
        station.stopped = True

    def arrive() -> None:
        drop(station.folder, "forest", 1)

    station.watch.run(Steps(arrive, stop))
    assert len(station.events()) == 1
