"""What is damaged on the disk is never shown: each is an error that names it, and ends at once."""

import contextlib
import multiprocessing
import sqlite3
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import pytest

from scenehash import CodeStore, Filter
from scenehash.errors import ScenehashError, StoreDamagedError
from scenehash.store.catalog import entry
from scenehash.store.search import resolving, selection, snapshot

from .samples import make, placed, scene

SCENES = [placed(number, 1 + number % 3, (number, 47.0), ("a", "b")) for number in range(8)]
# Scene 3 has the row 6 alone; scene 5 the rows 9 to 11.
THIRD, FIFTH = SCENES[3], SCENES[5]
SECONDS = 5.0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A closed store of eight scenes, and one that was deleted in front of them."""
    with make(tmp_path / "s") as store:
        store.add([*SCENES, scene(99, 2)])
        store.delete(Filter(scene="/scenes/99.png"))
    return tmp_path / "s"


def change(folder: Path, statement: str) -> None:
    with sqlite3.connect(folder / "catalog.sqlite") as catalog:
        assert catalog.execute(statement).rowcount >= 1


def flip_code(folder: Path, row: int) -> None:
    codes = bytearray((folder / "codes.bin").read_bytes())
    codes[8 * row] ^= 1
    (folder / "codes.bin").write_bytes(codes)


def searching(folder: Path, said: Connection) -> None:
    with CodeStore.open(folder) as store:
        try:
            store.search(THIRD.codes, 3)
            said.send("found")
        except ScenehashError as error:
            said.send(f"{type(error).__name__}: {error}")


@pytest.mark.parametrize(
    "statement", ["DELETE FROM tile WHERE row = 6", "UPDATE tile SET scene = 77 WHERE row = 6"]
)
def test_a_search_ends_when_the_entry_of_a_hit_is_missing(folder: Path, statement: str) -> None:
    change(folder, statement)
    fork = multiprocessing.get_context("fork")
    said, saying = fork.Pipe(duplex=False)
    process = fork.Process(target=searching, args=(folder, saying), daemon=True)
    process.start()
    ended = said.poll(SECONDS)
    process.kill()
    assert ended
    assert said.recv().startswith("StoreDamagedError: ")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE scene SET path = '/scenes/4.png' WHERE path = '/scenes/3.png'",
        "UPDATE scene SET time = time + 1 WHERE path = '/scenes/3.png'",
        "UPDATE scene SET time = 1e300 WHERE path = '/scenes/3.png'",
        "UPDATE scene SET time = 'noon' WHERE path = '/scenes/3.png'",
        "UPDATE scene SET labels = '[\"c\"]' WHERE path = '/scenes/3.png'",
        "UPDATE scene SET labels = '7' WHERE path = '/scenes/3.png'",
        "UPDATE scene SET labels = 'x' WHERE path = '/scenes/3.png'",
        "UPDATE scene SET reading = '{\"bands\": [1]}' WHERE path = '/scenes/3.png'",
        "UPDATE scene SET reading = x'ff' WHERE path = '/scenes/3.png'",
        "UPDATE scene SET path = CAST(x'ff' AS TEXT) WHERE path = '/scenes/3.png'",
        "UPDATE scene SET tiles = 1000000000000 WHERE path = '/scenes/3.png'",
        "UPDATE scene SET first_row = 'x' WHERE path = '/scenes/3.png'",
        "UPDATE scene SET content = 'x' WHERE path = '/scenes/3.png'",
        "UPDATE tile SET x = 1 WHERE row = 6",
        "UPDATE tile SET x = 'left' WHERE row = 6",
        "UPDATE tile SET y = -0.5 WHERE row = 6",
        "UPDATE tile SET width = 1e300 WHERE row = 6",
        "UPDATE tile SET footprint = x'00' WHERE row = 6",
        "UPDATE tile SET footprint = 'here' WHERE row = 6",
        "UPDATE tile SET footprint = x'' WHERE row = 6",
        "UPDATE tile SET footprint = zeroblob(64) WHERE row = 6",
        "UPDATE tile SET scene = 5 WHERE row = 6",
        "UPDATE tile SET row = 600 WHERE row = 6",
    ],
)
def test_a_damaged_entry_is_never_shown(folder: Path, statement: str) -> None:
    change(folder, statement)
    with CodeStore.open(folder) as store:
        for show in (
            lambda: store.search(THIRD.codes, 3),
            lambda: store.tile(6),
            lambda: store.codes(np.array([6])),
            lambda: list(store.scenes()),
        ):
            with pytest.raises(StoreDamagedError):
                show()


@pytest.mark.parametrize("where", [Filter(label="only-here"), Filter(scene="/scenes/3.png")])
@pytest.mark.parametrize("row", ["0", "9", "'x'", "x'00'"])
def test_a_damaged_row_leads_to_no_other_scene(folder: Path, where: Filter, row: str) -> None:
    """Deleting by a filter deleted the scene whose rows the damaged entry named."""
    with CodeStore.open(folder, writable=True) as store:
        store.label(Filter(scene="/scenes/3.png"), ["only-here"])
    change(folder, f"UPDATE scene SET first_row = {row} WHERE path = '/scenes/3.png'")
    with CodeStore.open(folder, writable=True) as store:
        for act in (store.paths, store.delete, lambda where: store.label(where, ["new"])):
            with pytest.raises(StoreDamagedError, match=r"^/scenes/3\.png: "):
                act(where)
        assert len(store.scene_rows() if row.isdigit() else store.contents()) == 8


def test_a_damaged_code_is_never_shown(folder: Path) -> None:
    for row in range(15):
        flip_code(folder, row)
        with CodeStore.open(folder) as store:
            data = (folder / "codes.bin").read_bytes()[8 * row : 8 * row + 8]
            code = np.frombuffer(data, np.uint8)
            with pytest.raises(StoreDamagedError, match=r"its codes are damaged .*--damaged"):
                store.search(code[None], 1)
            with pytest.raises(StoreDamagedError, match="its codes are damaged"):
                store.codes(np.array([row]))
        flip_code(folder, row)


def test_of_a_scene_that_is_not_shown_damage_is_no_matter(folder: Path) -> None:
    flip_code(folder, 0)
    change(folder, "UPDATE scene SET time = 1e300 WHERE path = '/scenes/7.png'")
    with CodeStore.open(folder) as store:
        assert store.search(THIRD.codes, 1)[0][0].row == 6


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM deleted",
        "UPDATE deleted SET first_row = 0",
        "UPDATE deleted SET tiles = 1",
        "UPDATE deleted SET tiles = 1000000000000",
        "UPDATE deleted SET tiles = 'x'",
        "UPDATE deleted SET dropped = 1",
        "UPDATE deleted SET dropped = 2",
        "INSERT INTO deleted VALUES (3, 1, 0)",
        "UPDATE store SET rows = rows + 1",
        "UPDATE store SET bits = 'x'",
        "UPDATE store SET seal = 7",
        "DELETE FROM store",
    ],
)
def test_what_the_catalog_says_of_the_whole_is_checked(folder: Path, statement: str) -> None:
    change(folder, statement)
    with pytest.raises(StoreDamagedError, match="the state of the store in it is damaged"):
        CodeStore.open(folder)


@pytest.mark.parametrize(
    ("statement", "where"),
    [
        ("UPDATE label SET scene = 6 WHERE label = 'b' AND scene = 4", Filter(label="b")),
        ("UPDATE block SET west = -180, east = 180, south = -90, north = 90 WHERE first_row = 6",
         Filter(bbox=(100, -10, 110, 10))),
        ("UPDATE block SET last_row = 1000000000000 WHERE first_row = 6",
         Filter(bbox=(3, 47, 3.1, 47.1))),
        ("UPDATE block SET first_row = 'x' WHERE first_row = 6", Filter(bbox=(3, 47, 3.1, 47.1))),
        ("UPDATE scene SET tiles = 1000000000000 WHERE path = '/scenes/3.png'", Filter(label="a")),
        ("UPDATE scene SET first_row = -7 WHERE path = '/scenes/3.png'", Filter(label="a")),
    ],
)  # fmt: skip
def test_a_filter_never_shows_what_does_not_meet_it(
    folder: Path, statement: str, where: Filter
) -> None:
    if "label SET" in statement:
        change(folder, "DELETE FROM label WHERE label = 'b' AND scene = 6")
        change(folder, "UPDATE scene SET labels = '[\"a\"]' WHERE scene = 6")
    change(folder, statement)
    with CodeStore.open(folder) as store:
        try:
            hits = store.search(SCENES[5].codes[:1], 20, where=where)[0]
        except StoreDamagedError:
            return
        for hit in hits:
            owner = SCENES[int(Path(hit.scene).stem)]
            assert where.label is None or where.label in owner.labels
            assert where.bbox is None or hit.row == 6


def test_what_cannot_be_repaired_can_be_given_up(folder: Path) -> None:
    flip_code(folder, 9)
    change(folder, "UPDATE tile SET x = 'left' WHERE row = 6")
    with CodeStore.open(folder, writable=True) as store:
        assert len(store.verify()) == 2
        assert store.delete_damaged() == 2
        assert store.verify() == []
        assert store.counts() == (6, 11)
        found = {hit.scene for hit in store.search(THIRD.codes, 20)[0]}
        assert found == {one.path for one in SCENES if one not in (THIRD, FIFTH)}
        assert store.add([THIRD]).stored == 1
        assert store.compact() == 6
        assert store.verify() == []
        assert store.delete_damaged() == 0


def test_how_far_a_sink_is_does_not_skip_events_when_damaged(folder: Path) -> None:
    with CodeStore.open(folder, writable=True) as store:
        store.outbox.note(["{}"] * 5)
        store.outbox.deliver({"stdout": 3}, 100)
    change(folder, "UPDATE sink SET delivered = 5")
    with CodeStore.open(folder) as store:
        assert store.outbox.delivered() == {"stdout": 0}


def test_a_damaged_quarantine_is_an_error_in_one_line(folder: Path) -> None:
    with CodeStore.open(folder, writable=True) as store:
        store.quarantine.add({"/a.png": "empty"})
    change(folder, "UPDATE quarantine SET time = 1e300")
    with CodeStore.open(folder) as store, pytest.raises(StoreDamagedError, match="quarantine"):
        store.quarantine.list()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE label SET label = x'ff00' WHERE label = 'a'",
        "UPDATE scene SET path = x'ff00' WHERE path = '/scenes/3.png'",
        "UPDATE scene SET time = x'ff00' WHERE path = '/scenes/3.png'",
        "UPDATE scene SET time = 1e300 WHERE path = '/scenes/3.png'",
    ],
)
def test_damage_in_what_filters_and_pages_ask_for_is_no_error_of_python(
    folder: Path, statement: str
) -> None:
    change(folder, statement)
    with CodeStore.open(folder) as store:
        for ask in (
            lambda: store.resolve(Filter(label="nowhere")),
            lambda: store.resolve(Filter(scene="nowhere.png")),
            lambda: store.resolve(Filter(scene="g")),
            lambda: store.resolve(Filter(since=datetime(2050, 1, 1, tzinfo=UTC))),
            lambda: store.time_histogram(5),
            store.tiles_a_day,
            store.label_counts,
            store.list_scenes,
        ):
            with contextlib.suppress(ScenehashError):
                ask()


def test_a_fault_of_ours_is_not_told_as_damage(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def faulty(*_: object) -> None:
        raise TypeError("a fault of ours")

    with CodeStore.open(folder) as store:
        monkeypatch.setattr(resolving, "_check_label", faulty)
        monkeypatch.setattr(selection, "bounding_boxes", faulty)
        for ask in (
            lambda: store.resolve(Filter(label="a")),
            lambda: store.paths(Filter(near=(47.0, 8.0, 100.0))),
        ):
            with pytest.raises(TypeError, match="ours"):
                ask()


def test_what_was_compared_ahead_is_not_compared_by_searches_and_damage_is_still_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flip_code(folder, 6)
    with CodeStore.open(folder) as store:
        assert sum(store.check_newest()) == len(store)
        read: list[int] = []

        def reading(*words: object) -> object:
            read.append(1)
            return entry.read_scene(*words)  # type: ignore[arg-type]

        monkeypatch.setattr(snapshot, "read_scene", reading)
        assert store.search(FIFTH.codes, 1)[0][0].scene == FIFTH.path
        assert not read
        with pytest.raises(StoreDamagedError, match=THIRD.path):
            store.search(THIRD.codes, 1)
