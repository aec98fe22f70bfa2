"""A file is taken when it is complete, once in each of its states, and in the order of a rule."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenehash.files import path_from
from scenehash.scenes import find_scenes
from scenehash.store import Arrival, CodeStore
from scenehash.watcher.arrivals import Arrivals, Now
from scenehash.watcher.backlog import BYTES_AT_ONCE, FILES_AT_ONCE, Backlog
from scenehash.watcher.listing import Listing, scan_folders

# The machine's clock at the start of each story.
CLOCK = 1_800_000_000.0


def file(name: str, size: int = 10, age: float = 0.0) -> Arrival:
    """A file that was last written so many seconds before the story began."""
    return Arrival(f"/in/{name}", size, int((CLOCK - age) * 1e9))


def seen(*files: Arrival, marked: tuple[str, ...] = ()) -> Listing:
    return Listing(list(files), frozenset(f"/in/{name}" for name in marked))


def at(seconds: float) -> Now:
    return Now(5000.0 + seconds, CLOCK + seconds)


def test_a_file_that_grows_is_not_complete_until_it_has_stopped() -> None:
    arrivals = Arrivals(settle=2)
    for second in range(10):
        growing = file("a.tif", size=100 * second, age=-second)
        assert arrivals.complete(seen(growing), at(second)) == []
    assert arrivals.settling == 1
    assert arrivals.complete(seen(growing), at(10.9)) == []
    assert arrivals.complete(seen(growing), at(11.1)) == [growing]
    assert arrivals.settling == 0


def test_a_file_that_is_renamed_into_place_is_complete_at_once_if_it_was_written_before() -> None:
    renamed = file("a.tif", age=3)
    assert Arrivals(settle=2).complete(seen(renamed), at(0)) == [renamed]


def test_on_a_network_folder_the_clock_of_another_machine_proves_nothing() -> None:
    arrivals, old = Arrivals(settle=2, trust_clock=False), file("a.tif", age=3600)
    assert arrivals.complete(seen(old), at(0)) == []
    assert arrivals.complete(seen(old), at(1.9)) == []
    assert arrivals.complete(seen(old), at(2.1)) == [old]


def test_a_file_from_the_future_settles_too() -> None:
    arrivals, future = Arrivals(settle=2), file("a.tif", age=-86400)
    assert arrivals.complete(seen(future), at(0)) == []
    assert arrivals.complete(seen(future), at(2)) == [future]


def test_with_marks_a_file_waits_for_its_mark_and_for_nothing_else() -> None:
    arrivals, old = Arrivals(settle=2, marks=True), file("a.tif", age=3600)
    assert arrivals.complete(seen(old), at(100)) == []
    growing = file("b.tif", age=0)
    marked = seen(old, growing, marked=("b.tif",))
    assert arrivals.complete(marked, at(100)) == [growing]


def test_a_file_is_taken_once_and_again_when_it_is_written_again() -> None:
    arrivals, first = Arrivals(settle=2), file("a.tif", age=9)
    assert arrivals.complete(seen(first), at(0)) == [first]
    assert arrivals.complete(seen(first), at(50)) == []
    again = file("a.tif", age=-60)
    assert arrivals.complete(seen(again), at(61)) == []
    assert arrivals.complete(seen(again), at(63)) == [again]


def test_what_is_complete_comes_oldest_first() -> None:
    files = [file(f"{age}.tif", age=age) for age in (5, 9, 7)]
    complete = Arrivals(settle=2).complete(seen(*files), at(0))
    assert [Path(one.path).name for one in complete] == ["9.tif", "7.tif", "5.tif"]


def test_the_listing_passes_temporary_names_the_store_and_other_files_over(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    for name in ("a.tif", "sub/deep/b.PNG", "c.tif.part", ".hidden.tif", ".sync/d.tif",
                 "e.tif.tmp", "notes.txt", "f.tif.done", "store/g.png"):  # fmt: skip
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    (folder / "loop").symlink_to(folder)
    listing = scan_folders([folder], folder / "store")
    names = sorted(str(Path(one.path).relative_to(folder)) for one in listing.files)
    assert names == ["a.tif", "sub/deep/b.PNG"]
    assert listing.marked == {str(folder / "f.tif")}
    assert listing.unreadable == set()


def test_a_folder_that_has_gone_is_named(tmp_path: Path) -> None:
    listing = scan_folders([tmp_path, tmp_path / "gone"], tmp_path / "s")
    assert listing.files == []
    assert listing.unreadable == {str(tmp_path / "gone")}


def test_names_that_are_not_utf_8_and_odd_mtimes_are_listed_as_a_store_can_hold_them(
    tmp_path: Path,
) -> None:
    odd = tmp_path / os.fsdecode(b"\xff.png")
    for path, year in ((odd, 1950), (tmp_path / "a.png", 2300), (tmp_path / "b.png", 2500)):
        path.touch()
        seconds = int((year - 1970) * 365.25 * 86400)
        os.utime(path, (seconds, seconds))
    files = {Path(file.path).name: file for file in scan_folders([tmp_path], tmp_path / "s").files}
    assert sorted(files) == ["\\xff.png", "a.png", "b.png"]
    assert path_from(files["\\xff.png"].path) == odd
    assert all(abs(file.modified) < 2**63 for file in files.values())
    assert files["\\xff.png"].modified < 0
    with CodeStore.create(tmp_path / "s", "1" * 16, 16, "a-model") as store:
        store.outbox.note(arrivals=list(files.values()))
        assert store.outbox.arrived([file.path for file in files.values()]) == set(files.values())


def test_folders_of_a_nas_are_passed_over(tmp_path: Path) -> None:
    for name in ("@eaDir/a.jpg/THUMB_M.jpg", "#recycle/b.png", "._c.png", "__MACOSX/d.png",
                 "$RECYCLE.BIN/e.tif", "@Recycle/f.png", "good/g.png"):  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert [Path(file.path).name for file in scan_folders([tmp_path], tmp_path / "s").files] == [
        "g.png"
    ]


def test_what_ingest_would_set_aside_is_listed_too(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "dead.tif").symlink_to(tmp_path / "nothing")
    (tmp_path / "loop.tif").symlink_to(tmp_path / "loop.tif")
    (tmp_path / "linked.tif").symlink_to(tmp_path / "folder")
    os.mkfifo(tmp_path / "pipe.png")
    listed = scan_folders([tmp_path], tmp_path / "s").files
    assert sorted(Path(file.path) for file in listed) == find_scenes([tmp_path])
    assert len(listed) == 4


@given(st.lists(st.integers(0, 30), max_size=60))
def test_without_a_limit_everything_is_taken_oldest_first(names: list[int]) -> None:
    backlog = Backlog()
    assert backlog.add([file(f"{name}") for name in names]) == []
    taken = []
    while backlog:
        some = backlog.take()
        assert 0 < len(some) <= FILES_AT_ONCE
        taken += some
    # A file that is written again goes to the end of the queue.
    last = {name: at for at, name in enumerate(names)}
    assert [one.path for one in taken] == [
        f"/in/{name}" for name in sorted(last, key=last.__getitem__)
    ]


@given(st.integers(1, 20), st.lists(st.integers(0, 60), unique=True, max_size=60))
def test_with_a_limit_the_oldest_are_dropped_and_the_newest_taken_first(
    limit: int, names: list[int]
) -> None:
    backlog = Backlog(limit)
    dropped = backlog.add([file(f"{name}") for name in names])
    assert [one.path for one in dropped] == [f"/in/{name}" for name in names[:-limit]]
    taken = []
    while backlog:
        taken += backlog.take()
    assert [one.path for one in taken] == [f"/in/{name}" for name in reversed(names[-limit:])]


@pytest.mark.parametrize("limit", [None, 100])
def test_what_was_taken_and_put_back_comes_next_and_in_the_same_order(limit: int | None) -> None:
    backlog = Backlog(limit)
    backlog.add([file(f"{number}") for number in range(40)])
    taken = backlog.take()
    backlog.put_back(taken)
    assert len(backlog) == 40
    assert backlog.take() == taken


def test_large_files_are_taken_alone() -> None:
    backlog = Backlog()
    sizes = (1, 2, BYTES_AT_ONCE, BYTES_AT_ONCE, 3)
    backlog.add([file(f"{at}", size=size) for at, size in enumerate(sizes)])
    assert [[one.size for one in backlog.take()] for _ in range(4)] == [
        [1, 2], [BYTES_AT_ONCE], [BYTES_AT_ONCE], [3]
    ]  # fmt: skip
