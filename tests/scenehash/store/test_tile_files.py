"""Thumbnails, and vectors, are of the tile that they stand beside, or they do not count."""

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

from .samples import LINEAGE, make, scene
from .tile_parts import THUMBNAIL_PART, VECTOR_PART, Part

KILLS = 12
MAX_SECONDS = 0.08


@pytest.fixture(params=[THUMBNAIL_PART, VECTOR_PART], ids=["thumbnails", "vectors"])
def part(request: pytest.FixtureRequest) -> Part:
    found: Part = request.param
    return found


def test_what_is_kept_comes_back_and_later_writers_keep_it_too(part: Part, tmp_path: Path) -> None:
    with part.store(tmp_path / "s", 5) as store:
        part.check(store)
        assert part.count(store) == len(store) == 9
    with CodeStore.open(tmp_path / "s", writable=True) as store:
        store.add([part.scene(7, 2), scene(8)])
        part.check(store, missing=1)
        assert store.verify() == []
    with CodeStore.open(tmp_path / "s") as store:
        part.check(store, missing=1)
        assert store.trouble is None
        assert part.found(store, [10, 99, 3]) == [3, 10]


def test_a_store_keeps_none_unless_it_is_told_to(part: Part, tmp_path: Path) -> None:
    with make(tmp_path / "s", 2) as store:
        store.add([part.scene(5)])
        assert not part.file(store).kept
        assert not (tmp_path / "s" / part.name).exists()
        part.keep(store)
        store.add([part.scene(6)])
        part.check(store, missing=4)
        part.drop(store)
        store.add([part.scene(7)])
        assert not (tmp_path / "s" / part.name).exists()
        part.check(store, missing=6)
        assert store.verify() == []


def test_delete_and_compact_leave_each_tile_its_own(part: Part, tmp_path: Path) -> None:
    with part.store(tmp_path / "s", 12) as store:
        for number in (0, 4, 5, 11):
            store.delete(Filter(scene=f"/scenes/{number}.png"))
        part.check(store)
        store.compact()
        part.check(store)
        assert list(part.file(store).rows()) == [
            row for rows, _ in store.living() for row in rows.tolist()
        ]
        store.add([part.scene(20, 3)])
        part.check(store)


@pytest.mark.parametrize(("ours", "theirs", "missing"), [(True, True, 0), (True, False, 5)])
def test_a_merge_brings_what_the_other_store_has(
    part: Part, tmp_path: Path, ours: bool, theirs: bool, missing: int
) -> None:
    with make(tmp_path / "a") as store, make(tmp_path / "b") as other:
        for one, keeps in ((store, ours), (other, theirs)):
            if keeps:
                part.keep(one)
        store.add([part.scene(number, 1 + number % 3) for number in range(3)])
        other.add([part.scene(1, 2), part.scene(30, 3), part.scene(31, 2)])
        store.merge(other)
        part.check(store, missing)


def test_an_empty_store_keeps_them_when_the_merged_one_does(part: Part, tmp_path: Path) -> None:
    with part.store(tmp_path / "b", 4) as other:
        for name, first in (("empty", 0), ("has-its-own-way", 1)):
            with make(tmp_path / name, first) as store:
                store.merge(other)
                assert part.file(store).kept == (name == "empty")
        with CodeStore.open(tmp_path / "empty") as store:
            part.check(store)


def test_a_repair_in_the_same_rows_has_none_of_before(part: Part, tmp_path: Path) -> None:
    def damage(row: int) -> None:
        with sqlite3.connect(tmp_path / "s" / "catalog.sqlite") as catalog:
            catalog.execute("UPDATE scene SET time = 5 WHERE first_row = ?", (row,))

    with part.store(tmp_path / "s", 6) as store:
        row = store.search(scene(4, 2).codes, 1)[0][0].row
    damage(row)
    again = replace(scene(4, 2), windows=[Window(7, 7, 90, 90), Window(0, 7, 90, 90)])
    with CodeStore.open(tmp_path / "s", writable=True) as store:
        assert store.add([again]).repaired == 1
        assert store.tile(row).window == again.windows[0]
        part.check(store, missing=2)
    damage(row)
    with CodeStore.open(tmp_path / "s", writable=True) as store:
        assert store.add([part.scene(4, 2)]).repaired == 1
        part.check(store)


def test_what_was_written_before_a_commit_that_did_not_come_does_not_count(
    part: Part, tmp_path: Path
) -> None:
    with part.store(tmp_path / "s", 3) as store:
        with pytest.raises(KeyboardInterrupt), store.transaction():
            store.add([part.scene(50, 4)])
            raise KeyboardInterrupt
        assert len(part.file(store).rows()) == 6 + 4
        store.add([scene(51, 2)])
        part.check(store, missing=2)
        assert part.count(store) == 8
        store.add([part.scene(52, 3)])
        part.check(store, missing=2)


def spoil(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(b"no SQLite at all" + data[16:])


def tear(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 4096)


@pytest.mark.parametrize("harm", [Path.unlink, spoil, tear])
def test_without_its_file_a_store_works_and_says_what_to_do(
    part: Part, tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    part.store(tmp_path / "s", 9).close()
    harm(tmp_path / "s" / part.name)
    with CodeStore.open(tmp_path / "s") as store:
        assert part.found(store, [0, 1]) == []
        assert part.command in str(part.file(store).trouble)
        assert store.trouble == part.file(store).trouble
        assert store.verify() == []
        assert store.search(scene(3).codes, 1)[0][0].scene == "/scenes/3.png"
    with CodeStore.open(tmp_path / "s", writable=True) as store:
        assert store.add([part.scene(40, 2)]).stored == 1
        assert part.command in str(store.trouble)
        store.delete(Filter(scene="/scenes/0.png"))
        store.compact()
        assert store.verify() == []
        part.keep(store)
        assert store.trouble is None
        store.add([part.scene(41, 2)])
        assert part.found(store, [store.rows - 2, store.rows - 1]) != []
    with CodeStore.open(tmp_path / "s") as store:
        last = [store.rows - 2, store.rows - 1]
        assert part.found(store, last) == last
        assert store.trouble is None


def test_another_stores_file_has_nothing_wrong(part: Part, tmp_path: Path) -> None:
    part.store(tmp_path / "a", 6).close()
    with part.store(tmp_path / "b") as other:
        other.add([part.scene(60, 3), part.scene(1, 2), part.scene(61, 3)])
    shutil.copy(tmp_path / "b" / part.name, tmp_path / "a" / part.name)
    with CodeStore.open(tmp_path / "a") as store:
        part.check(store, missing=12)


def write(part: Part, folder: Path, seed: int, said: Connection) -> None:
    """Add, delete and compact, for ever; say when the store is open."""
    draw = random.Random(seed)
    store = CodeStore.open_or_create(folder, LINEAGE, 64, "a-model")
    part.keep(store)
    said.send("open")
    while True:
        step = draw.choice(["add", "add", "add", "delete", "compact"])
        if step == "add":
            numbers = [draw.randrange(10_000) for _ in range(draw.randrange(1, 6))]
            store.add([part.scene(number, 1 + number % 4) for number in numbers])
        elif step == "delete" and len(store):
            (record, _), *_ = store.scenes()
            store.delete(Filter(scene=record.path))
        else:
            store.compact()


@pytest.mark.slow
def test_killed_at_any_instant_each_tile_has_its_own(part: Part, tmp_path: Path) -> None:
    draw = random.Random(0)
    fork = multiprocessing.get_context("fork")
    for kill in range(KILLS):
        said, saying = fork.Pipe(duplex=False)
        writer = fork.Process(target=write, args=(part, tmp_path / "s", kill, saying))
        writer.start()
        saying.close()
        assert said.poll(20)
        time.sleep(draw.uniform(0, MAX_SECONDS))
        os.kill(writer.pid or 0, signal.SIGKILL)
        writer.join()
        with CodeStore.open(tmp_path / "s") as store:
            assert store.verify() == []
            part.check(store)
            assert store.trouble is None
    with CodeStore.open(tmp_path / "s") as store:
        assert len(store) > KILLS
