"""Labels that are given later, and scenes by their folder."""

from dataclasses import replace
from pathlib import Path

from scenehash import CodeStore, Filter

from .samples import make, scene


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


def test_scenes_in_a_folder_are_found_and_others_are_not(tmp_path: Path) -> None:
    store = make(tmp_path / "s", 3)
    paths = ["/a/b", "/a/b/1.png", "/a/b/c/2.png", "/a/b.png", "/a/bc/3.png", "/a"]
    store.add([replace(scene(30 + at), path=path) for at, path in enumerate(paths)])
    assert [record.path for record in store.records_under("/a/b")] == paths[:3]
    assert [record.path for record in store.records_under("/a/b/1.png")] == ["/a/b/1.png"]
    assert len(store.records_under("/")) == 9
