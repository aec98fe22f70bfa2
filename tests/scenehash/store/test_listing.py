"""Lists of scenes: whole, in order, whatever pages and filters they are asked for in."""

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenehash import CodeStore, Filter
from scenehash.errors import NotStoredError, StoreDamagedError
from scenehash.store.reading import listing
from scenehash.store.reading.listing import ListedScene

from .samples import make, placed, scene


def every(store: CodeStore, where: Filter, most: int, newest: bool = True) -> list[ListedScene]:
    """All pages of a list."""
    found: list[ListedScene] = []
    after = None
    for _ in range(1000):
        page = store.list_scenes(where, most, after, newest)
        assert len(page.scenes) <= most
        found += page.scenes
        after = page.next
        if after is None:
            return found
    raise AssertionError("the list has no end")


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty scenes in a row eastwards across the antimeridian, and three that are nowhere."""
    path = tmp_path_factory.mktemp("stores") / "s"
    with make(path) as store:
        for number in range(30):
            corner = (((179.0 + number / 10) + 180) % 360 - 180, 10.0)
            labels = ("even",) if number % 2 == 0 else ("odd", "third")
            store.add([placed(number, 1 + number % 3, corner, labels)])
        store.add([scene(number) for number in range(100, 103)])
    return path


@given(
    st.integers(1, 40),
    st.booleans(),
    st.sampled_from([None, "even", "odd"]),
    st.sampled_from([None, (178.0, 0.0, 180.0, 20.0), (179.5, 0.0, -179.5, 20.0), (0, 0, 9, 9)]),
    st.sampled_from([None, 0, 12, 60]),
    st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_pages_join_to_what_a_plain_loop_finds(
    path: Path,
    most: int,
    newest: bool,
    label: str | None,
    bbox: tuple[float, float, float, float] | None,
    newer_than: int | None,
    narrow: bool,
) -> None:
    where = Filter(label=label, bbox=bbox, newer_than=newer_than)
    with pytest.MonkeyPatch.context() as patch, CodeStore.open(path) as store:
        if not narrow:
            patch.setattr(listing, "is_narrow", lambda *_: False)
            patch.setattr(listing, "TOGETHER", 4)
            patch.setattr(listing, "MOST_COMPARED", 8)
        wanted = sorted(set(store.paths(where)), reverse=newest, key=order)
        assert [one.path for one in every(store, where, most, newest)] == wanted


def order(path: str) -> int:
    return int(Path(path).stem)


def test_a_listed_scene_is_what_was_stored(path: Path) -> None:
    with CodeStore.open(path) as store:
        first, *_ = store.list_scenes(newest=False).scenes
        last, *_ = store.list_scenes().scenes
        crossing = store.list_scenes(Filter(scene="/scenes/10.png")).scenes[0]
    assert first.document() == {
        "id": f"{0:032x}",
        "path": "/scenes/0.png",
        "time": "2026-01-01T00:00:00+00:00",
        "labels": ["even"],
        "tiles": 1,
        "rows": [0, 0],
        "bbox": first.box,
    }
    assert first.box is not None
    assert np.allclose(first.box, (179.0, 10.0, 179.01, 10.01), atol=1e-4)
    assert (last.path, last.box, last.time) == ("/scenes/102.png", None, None)
    assert crossing.box is not None
    assert (crossing.box.west >= -180.0) and (crossing.box.east < -179.9)


def test_a_scene_across_the_antimeridian_has_a_box_across_it(tmp_path: Path) -> None:
    with make(tmp_path / "s") as store:
        store.add([placed(1, 3, (179.985, 0.0)), placed(2, 3, (-0.015, 0.0))])
        here, there = store.list_scenes(newest=False).scenes
    assert here.box is not None
    assert there.box is not None
    assert np.allclose(here.box, (179.985, 0.0, -179.985, 0.01), atol=1e-4)
    assert np.allclose(there.box, (-0.015, 0.0, 0.015, 0.01), atol=1e-4)


def test_what_is_nowhere_stored_is_named(path: Path) -> None:
    with CodeStore.open(path) as store, pytest.raises(NotStoredError, match="the label sea"):
        store.list_scenes(Filter(label="sea"))


def test_labels_and_times_are_counted(path: Path) -> None:
    with CodeStore.open(path) as store:
        assert store.label_counts() == [("even", 15), ("odd", 15), ("third", 15)]
        whole = store.time_histogram(29)
        assert (sum(whole.counts), whole.without, len(whole.counts)) == (30, 3, 29)
        assert whole.since == datetime(2026, 1, 1, tzinfo=UTC)
        assert whole.until == datetime(2026, 1, 30, tzinfo=UTC)
        assert list(whole.counts) == [1] * 28 + [2]
        assert str(whole.document()["bins"]).count("scenes") == 29
        some = store.time_histogram(1, Filter(label="odd"))
        assert (some.counts, some.without) == ((15,), 0)
        assert some.since == datetime(2026, 1, 2, tzinfo=UTC)
        none = store.time_histogram(5, Filter(scene="/scenes/101.png"))
        assert (none.document()["since"], none.without) == (None, 1)


def test_a_damaged_scene_is_not_listed_as_if_it_were_sound(tmp_path: Path) -> None:
    with make(tmp_path / "s", 3):
        pass
    with sqlite3.connect(tmp_path / "s" / "catalog.sqlite") as catalog:
        catalog.execute("UPDATE scene SET path = '/elsewhere' WHERE scene = 2")
    with CodeStore.open(tmp_path / "s") as store, pytest.raises(StoreDamagedError, match="ingest"):
        store.list_scenes()


def test_a_scene_is_found_by_place_in_as_many_steps_in_a_large_store_as_in_a_small_one(
    tmp_path: Path,
) -> None:
    counted = {}
    for scenes in (3, 300):
        with make(tmp_path / f"{scenes}") as store:
            store.add([placed(number, 3, (number / 2, 10.0)) for number in range(scenes)])
        with CodeStore.open(tmp_path / f"{scenes}") as store:
            mark = next(store.scene_marks())
            steps = [0]

            def step(steps: list[int] = steps) -> None:
                steps[0] += 1

            connection = store._catalog.database._connection
            connection.set_progress_handler(step, 1)
            assert store.box_around(mark) is not None
            assert store.read_scene(f"{0:032x}") is not None
            connection.set_progress_handler(None, 1)
            counted[scenes] = steps[0]
    assert counted[300] < 1.2 * counted[3], counted
