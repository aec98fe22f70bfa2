"""Labels that are given later, and filters that can meet nothing."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from scenehash import CodeStore, Filter
from scenehash.errors import ConfigurationError, StoreError

from .samples import make, placed, scene


def labels(store: CodeStore) -> dict[str, tuple[str, ...]]:
    return {Path(record.path).stem: record.labels for record, _ in store.scenes()}


def test_labels_of_a_scene_that_is_stored_already_are_added(tmp_path: Path) -> None:
    with make(tmp_path / "s", 3) as store:
        added = store.add([replace(scene(1, 2), labels=("port", "sea")), scene(2, 3)])
        assert (added.stored, added.duplicates, added.labelled) == (0, 2, 1)
        again = store.add([replace(scene(1, 2), labels=("sea",))])
        assert (again.duplicates, again.labelled) == (1, 0)
        assert labels(store) == {"0": (), "1": ("port", "sea"), "2": ()}
        assert store.paths(Filter(label="port")) == ["/scenes/1.png"]
        assert store.verify() == []


def test_merge_brings_the_labels_of_the_same_content(tmp_path: Path) -> None:
    with make(tmp_path / "a", 3) as ours, make(tmp_path / "b", 3) as theirs:
        ours.label(Filter(), ["ours"])
        theirs.label(Filter(scene="/scenes/1.png"), ["theirs"])
        done = ours.merge(theirs)
        assert (done.stored, done.duplicates, done.labelled) == (0, 3, 1)
        assert labels(ours) == {"0": ("ours",), "1": ("ours", "theirs"), "2": ("ours",)}
        assert ours.verify() == []


def test_labels_are_added_and_removed(tmp_path: Path) -> None:
    with make(tmp_path / "s", 3) as store:
        assert store.label(Filter(), ["a", "b"]) == [f"/scenes/{number}.png" for number in range(3)]
        assert store.label(Filter(scene="/scenes/1.png"), ["b", "c"]) == ["/scenes/1.png"]
        assert len(store.label(Filter(label="c"), ["b"], remove=True)) == 1
        assert store.label(Filter(label="c"), ["b"], remove=True) == []
        assert labels(store) == {"0": ("a", "b"), "1": ("a", "c"), "2": ("a", "b")}
        assert store.verify() == []


def test_an_empty_label_is_refused_and_can_be_removed(tmp_path: Path) -> None:
    with make(tmp_path / "s", 1) as store:
        with pytest.raises(ConfigurationError, match="a label must not be empty"):
            store.label(Filter(), ["a", " "])
        assert labels(store) == {"0": ()}
        store.add([replace(scene(0, 1), labels=("",))])  # as a store of earlier versions has it
        store.label(Filter(), [""], remove=True)
        assert labels(store) == {"0": ()}


@pytest.fixture
def store(tmp_path: Path) -> CodeStore:
    return make(tmp_path / "s", 3)


@pytest.mark.parametrize(
    ("where", "said"),
    [
        (Filter(label="harbor"), "no stored scene has a label"),
        (Filter(scene="9.png"), "no stored scene has the path 9.png"),
        (Filter(since=datetime(2026, 1, 1, tzinfo=UTC)), "no stored scene has an acquisition time"),
        (Filter(until=datetime(2026, 1, 1, tzinfo=UTC)), "no stored scene has an acquisition time"),
        (Filter(bbox=(0, 0, 1, 1)), "no stored scene is georeferenced"),
        (Filter(near=(0, 0, 10)), "no stored scene is georeferenced"),
    ],
)
def test_a_filter_that_can_meet_nothing_says_so(store: CodeStore, where: Filter, said: str) -> None:
    with pytest.raises(StoreError, match=said):
        store.resolve(where)


def test_a_filter_names_what_there_is(store: CodeStore) -> None:
    store.add([placed(5, labels=("harbor", "sea")), placed(6), scene(15)])
    with pytest.raises(StoreError, match="has the label habour; the labels are harbor, sea"):
        store.resolve(Filter(label="habour"))
    with pytest.raises(StoreError, match="the newest scene is from 2026-01-07 00:00:00Z"):
        store.resolve(Filter(since=datetime(2026, 1, 8)))
    with pytest.raises(StoreError, match="the oldest scene is from 2026-01-06 00:00:00Z"):
        store.resolve(Filter(until=datetime(2026, 1, 5)))
    for name in ("/scenes/5.png", "scenes/5.png", "5.png", "./scenes/5.png"):
        assert store.resolve(Filter(scene=name)) == Filter(scene="/scenes/5.png")
    where = Filter(label="sea", bbox=(8, 47, 9, 48), newer_than=3)
    assert store.resolve(where) == where


def test_several_scenes_of_one_name_are_named(store: CodeStore) -> None:
    store.add([replace(scene(20), path="/a/x/1.png"), replace(scene(21), path="/b/x/1.png")])
    with pytest.raises(StoreError, match=r"several scenes end in x/1.png.*: /a/x/1.png, /b/x/1.pn"):
        store.resolve(Filter(scene="x/1.png"))
    assert store.resolve(Filter(scene="b/x/1.png")).scene == "/b/x/1.png"


def test_scenes_in_a_folder_are_found_and_others_are_not(store: CodeStore) -> None:
    paths = ["/a/b", "/a/b/1.png", "/a/b/c/2.png", "/a/b.png", "/a/bc/3.png", "/a"]
    store.add([replace(scene(30 + at), path=path) for at, path in enumerate(paths)])
    assert [record.path for record in store.records_under("/a/b")] == paths[:3]
    assert [record.path for record in store.records_under("/a/b/1.png")] == ["/a/b/1.png"]
    assert len(store.records_under("/")) == 9
