"""Thumbnails are of the tile that they show beside, or they do not show."""

import multiprocessing
import os
import random
import shutil
import signal
import sqlite3
import time
from collections.abc import Callable
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from scenehash import CodeStore, Filter
from scenehash.scenes import Window
from scenehash.store import THUMBNAILS, HashedScene

from .samples import LINEAGE, make, scene

KILLS = 12
MAX_SECONDS = 0.08


def picture(content: str, window: Window) -> bytes:
    """What stands for the JPEG of a tile: other bytes for every tile there is."""
    return f"{content} {window}".encode() * 20


def pictured(number: int, tiles: int = 1) -> HashedScene:
    plain = scene(number, tiles)
    own = [picture(plain.content, window) for window in plain.windows]
    return replace(plain, thumbnails=own)


def kept(path: Path, scenes: int = 0) -> CodeStore:
    """A store with thumbnails, open for writing, of scenes of one, two and three tiles in turn."""
    store = CodeStore.create(path, LINEAGE, 64, "a-model")
    store.keep_thumbnails()
    store.add([pictured(number, 1 + number % 3) for number in range(scenes)])
    return store


def check(store: CodeStore, missing: int = 0) -> None:
    """Every thumbnail is that of its tile; as many tiles as said have none."""
    without = 0
    for record, pictures in store.thumbnails_by_scene():
        for window, found in zip(record.windows.tolist(), pictures, strict=True):
            without += found is None
            assert found in (None, picture(record.content, Window(*window)))
    assert without == missing


def test_what_is_kept_comes_back_and_later_writers_keep_it_too(tmp_path: Path) -> None:
    with kept(tmp_path / "s", 5) as store:
        check(store)
        assert store.thumbnail_count() == len(store) == 9
    with CodeStore.open(tmp_path / "s", writable=True) as store:
        store.add([pictured(7, 2), scene(8)])
        check(store, missing=1)
        assert store.verify() == []
    with CodeStore.open(tmp_path / "s") as store:
        check(store, missing=1)
        assert store.thumbnails.trouble is None
        assert store.thumbnails.of([10, 99]).keys() == {10}


def test_a_store_keeps_none_unless_it_is_told_to(tmp_path: Path) -> None:
    with make(tmp_path / "s", 2) as store:
        store.add([pictured(5)])
        assert not store.thumbnails.kept
        assert not (tmp_path / "s" / THUMBNAILS).exists()
        store.keep_thumbnails()
        store.add([pictured(6)])
        check(store, missing=4)
        store.keep_thumbnails(False)
        store.add([pictured(7)])
        assert not (tmp_path / "s" / THUMBNAILS).exists()
        check(store, missing=6)
        assert store.verify() == []


def test_delete_and_compact_leave_each_tile_its_own(tmp_path: Path) -> None:
    with kept(tmp_path / "s", 12) as store:
        for number in (0, 4, 5, 11):
            store.delete(Filter(scene=f"/scenes/{number}.png"))
        check(store)
        store.compact()
        check(store)
        assert list(store.thumbnails.rows()) == [
            row for rows, _ in store.living() for row in rows.tolist()
        ]
        store.add([pictured(20, 3)])
        check(store)
    with sqlite3.connect(tmp_path / "s" / THUMBNAILS) as file:
        deleted = scene(5).content.encode()
        assert deleted not in b"".join(
            jpeg for (jpeg,) in file.execute("SELECT jpeg FROM thumbnail")
        )


@pytest.mark.parametrize(("ours", "theirs", "missing"), [(True, True, 0), (True, False, 5)])
def test_a_merge_brings_what_the_other_store_has(
    tmp_path: Path, ours: bool, theirs: bool, missing: int
) -> None:
    with kept(tmp_path / "a", 3) as store, kept(tmp_path / "b") as other:
        store.keep_thumbnails(ours)
        other.keep_thumbnails(theirs)
        other.add([pictured(1, 2), pictured(30, 3), pictured(31, 2)])
        store.merge(other)
        check(store, missing)


def test_an_empty_store_keeps_thumbnails_when_the_merged_one_does(tmp_path: Path) -> None:
    with kept(tmp_path / "b", 4) as other:
        for name, first in (("empty", 0), ("has-its-own-way", 1)):
            with make(tmp_path / name, first) as store:
                store.merge(other)
                assert store.thumbnails.kept == (name == "empty")
        with CodeStore.open(tmp_path / "empty") as store:
            check(store)


def test_a_repair_in_the_same_rows_shows_no_picture_of_before(tmp_path: Path) -> None:
    with kept(tmp_path / "s", 6) as store:
        row = store.search(scene(4, 2).codes, 1)[0][0].row
    with sqlite3.connect(tmp_path / "s" / "catalog.sqlite") as catalog:
        catalog.execute("UPDATE scene SET time = 5 WHERE first_row = ?", (row,))
    again = replace(scene(4, 2), windows=[Window(7, 7, 90, 90), Window(0, 7, 90, 90)])
    with CodeStore.open(tmp_path / "s", writable=True) as store:
        assert store.add([again]).repaired == 1
        assert store.tile(row).window == again.windows[0]
        check(store, missing=2)
    with sqlite3.connect(tmp_path / "s" / "catalog.sqlite") as catalog:
        catalog.execute("UPDATE scene SET time = 5 WHERE first_row = ?", (row,))
    with CodeStore.open(tmp_path / "s", writable=True) as store:
        assert store.add([pictured(4, 2)]).repaired == 1
        check(store)


def test_what_was_written_before_a_commit_that_did_not_come_does_not_show(tmp_path: Path) -> None:
    with kept(tmp_path / "s", 3) as store:
        with pytest.raises(KeyboardInterrupt), store.transaction():
            store.add([pictured(50, 4)])
            raise KeyboardInterrupt
        assert len(store.thumbnails.rows()) == 6 + 4
        store.add([scene(51, 2)])
        check(store, missing=2)
        assert store.thumbnail_count() == 8
        store.add([pictured(52, 3)])
        check(store, missing=2)


def spoil(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(b"no SQLite at all" + data[16:])


def tear(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 4096)


@pytest.mark.parametrize("harm", [Path.unlink, spoil, tear])
def test_without_its_file_a_store_works_and_says_what_to_do(
    tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    kept(tmp_path / "s", 9).close()
    harm(tmp_path / "s" / THUMBNAILS)
    with CodeStore.open(tmp_path / "s") as store:
        assert store.thumbnails.of([0, 1]) == {}
        assert "scenehash store thumbnails" in str(store.thumbnails.trouble)
        assert store.verify() == []
        assert store.search(scene(3).codes, 1)[0][0].scene == "/scenes/3.png"
    with CodeStore.open(tmp_path / "s", writable=True) as store:
        assert store.add([pictured(40, 2)]).stored == 1
        assert "scenehash store thumbnails" in str(store.thumbnails.trouble)
        store.delete(Filter(scene="/scenes/0.png"))
        store.compact()
        assert store.verify() == []
        store.keep_thumbnails()
        assert store.thumbnails.trouble is None
        store.add([pictured(41, 2)])
        for record, pictures in store.thumbnails_by_scene():
            if record.path == "/scenes/41.png":
                assert None not in pictures
    with CodeStore.open(tmp_path / "s") as store:
        assert store.thumbnails.of([store.rows - 1])
        assert store.thumbnails.trouble is None


def test_of_a_torn_file_what_can_be_read_is_kept(tmp_path: Path) -> None:
    kept(tmp_path / "s", 60).close()
    file = tmp_path / "s" / THUMBNAILS
    pages = file.stat().st_size // 4096
    with file.open("r+b") as torn:
        torn.seek(4096 * (pages // 2))
        torn.write(b"\xff" * 4096)
    with CodeStore.open(tmp_path / "s", writable=True) as store:
        store.keep_thumbnails()
        found = len(store.thumbnails.of(range(store.rows)))
        assert 0.5 * store.rows < found < store.rows
        check(store, store.rows - found)


def test_a_changed_byte_hides_one_thumbnail_and_no_other_is_shown_for_it(tmp_path: Path) -> None:
    kept(tmp_path / "s", 6).close()
    with sqlite3.connect(tmp_path / "s" / THUMBNAILS) as file:
        file.execute("UPDATE thumbnail SET jpeg = jpeg || 'x' WHERE row = 1")
        file.execute("UPDATE thumbnail SET jpeg = 'text' WHERE row = 2")
        file.execute(
            "UPDATE thumbnail SET (jpeg, seal) = (SELECT jpeg, seal FROM thumbnail WHERE row = 5) "
            "WHERE row = 3"
        )
    with CodeStore.open(tmp_path / "s") as store:
        check(store, missing=3)
        assert store.thumbnails.of(range(6)).keys() == {0, 4, 5}


def test_another_stores_file_shows_nothing_wrong(tmp_path: Path) -> None:
    kept(tmp_path / "a", 6).close()
    with kept(tmp_path / "b") as other:
        other.add([pictured(60, 3), pictured(1, 2), pictured(61, 3)])
    shutil.copy(tmp_path / "b" / THUMBNAILS, tmp_path / "a" / THUMBNAILS)
    with CodeStore.open(tmp_path / "a") as store:
        check(store, missing=12)


def write(folder: Path, seed: int, said: Connection) -> None:
    """Add, delete and compact, for ever; say when the store is open."""
    draw = random.Random(seed)
    store = CodeStore.open_or_create(folder, LINEAGE, 64, "a-model")
    store.keep_thumbnails()
    said.send("open")
    while True:
        step = draw.choice(["add", "add", "add", "delete", "compact"])
        if step == "add":
            numbers = [draw.randrange(10_000) for _ in range(draw.randrange(1, 6))]
            store.add([pictured(number, 1 + number % 4) for number in numbers])
        elif step == "delete" and len(store):
            (record, _), *_ = store.scenes()
            store.delete(Filter(scene=record.path))
        else:
            store.compact()


@pytest.mark.slow
def test_killed_at_any_instant_each_tile_has_its_own_thumbnail(tmp_path: Path) -> None:
    draw = random.Random(0)
    fork = multiprocessing.get_context("fork")
    for kill in range(KILLS):
        said, saying = fork.Pipe(duplex=False)
        writer = fork.Process(target=write, args=(tmp_path / "s", kill, saying))
        writer.start()
        saying.close()
        assert said.poll(20)
        time.sleep(draw.uniform(0, MAX_SECONDS))
        os.kill(writer.pid or 0, signal.SIGKILL)
        writer.join()
        with CodeStore.open(tmp_path / "s") as store:
            assert store.verify() == []
            check(store)
            assert store.thumbnails.trouble is None
    with CodeStore.open(tmp_path / "s") as store:
        assert len(store) > KILLS
