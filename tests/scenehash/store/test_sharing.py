"""Several at one store: a second writer, readers beside a writer, threads of one process."""

import os
import threading
import time
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from pathlib import Path

import numpy as np
import pytest

from scenehash import CodeStore, Filter
from scenehash.errors import ScenehashError, StoreError
from scenehash.store.files.codes_file import CodesFile

from ...threads import at_once
from .reading import readers
from .samples import make, scene


def test_without_the_file_of_the_lock_a_second_writer_loses_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "s"
    with make(folder, 3) as first:
        (folder / "writer.lock").unlink()
        with CodeStore.open(folder, writable=True) as second:
            second.add([scene(10, 2)])
            first.add([scene(11, 3)])
            second.add([scene(12)])
            first.delete(Filter(scene="/scenes/1.png"))
            assert second.compact() == 2
            first.add([scene(13, 2)])
            second.add([scene(14)])
    with CodeStore.open(folder) as store:
        assert store.verify() == []
        for number, tiles in ((0, 1), (2, 3), (10, 2), (11, 3), (12, 1), (13, 2), (14, 1)):
            assert store.has_sound_scene(scene(number).content)
            for code in scene(number, tiles).codes:
                (hit,) = store.search(code[None], 1)[0]
                assert (hit.distance, hit.scene) == (0, f"/scenes/{number}.png")


def test_a_second_writer_takes_no_file_from_a_compaction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "s"
    make_file, opened = CodesFile.make, []

    def interrupted(self: CodesFile, *arguments: object) -> None:
        make_file(self, *arguments)  # type: ignore[arg-type]
        (folder / "writer.lock").unlink()
        opened.append(threading.Thread(target=lambda: CodeStore.open(folder, True).close()))
        opened[0].start()
        time.sleep(0.3)

    with make(folder, 9) as first:
        first.delete(Filter(scene="/scenes/1.png"))
        monkeypatch.setattr(CodesFile, "make", interrupted)
        first.compact()
        opened[0].join()
        assert first.verify() == []
    with CodeStore.open(folder) as store:
        assert store.verify() == []


def reopen(folder: Path, _number: int, over: Event, said: Connection) -> None:
    """Open the store again and again; say how often, and what was wrong."""
    opened, wrong = 0, []
    while not over.is_set():
        try:
            with CodeStore.open(folder) as store:
                (hit,) = store.search(scene(0).codes, 1)[0]
                assert (hit.distance, hit.row) == (0, 0)
            opened += 1
        except (ScenehashError, AssertionError) as error:
            wrong.append(f"{type(error).__name__}: {error}")
    said.send((opened, wrong))


@pytest.mark.slow
def test_readers_that_open_beside_a_busy_writer_are_not_told_of_damage(tmp_path: Path) -> None:
    with (
        make(tmp_path / "s", 3) as store,
        readers(reopen, tmp_path / "s", 4) as answers,
    ):
        number, until = 100, time.monotonic() + 3
        while time.monotonic() < until:
            number += 1
            store.add([scene(number)])
            store.delete(Filter(scene=f"/scenes/{number - 20}.png"))
            if number % 50 == 0:
                store.compact()
    assert [wrong for _, wrong in answers] == [[]] * 4
    assert sum(opened for opened, _ in answers) > 100


@pytest.mark.slow
def test_threads_share_a_store(tmp_path: Path) -> None:
    with make(tmp_path / "s", 9) as store:

        def add(number: int) -> None:
            first = 1000 * (1 + threading.get_ident() % 1000) + number
            with store.transaction():
                added = store.add([scene(first)])
                store.outbox.note(["{}"] * len(added.first_rows))

        def search(number: int) -> None:
            known = number % 9
            (hit,) = store.search(scene(known, 1 + known % 3).codes[:1], 1)[0]
            assert (hit.distance, hit.scene) == (0, f"/scenes/{known}.png")

        def read(number: int) -> None:
            store.refresh()
            assert store.counts()[1] >= 18
            assert store.tile(number % 18).scene.startswith("/scenes/")
            assert store.has_sound_scene(scene(number % 9).content)
            store.outbox.events(number, 3)

        assert at_once([add, add, search, search, search, read, read, read], seconds=2) == []
        assert store.outbox.newest() == store.rows - 18
        assert store.verify() == []


def test_a_thread_does_not_see_what_another_has_not_committed(tmp_path: Path) -> None:
    with make(tmp_path / "s", 3) as store:
        seen: list[tuple[int, int]] = []
        reader = threading.Thread(target=lambda: seen.append(store.counts()))
        with pytest.raises(KeyboardInterrupt), store.transaction():
            store.add([scene(50)])
            reader.start()
            time.sleep(0.1)
            raise KeyboardInterrupt
        reader.join()
        assert seen == [(3, 6)]


def test_the_folder_of_a_new_store_is_durable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed, fsync = set(), os.fsync

    def noted(descriptor: int) -> None:
        flushed.add(Path(f"/proc/self/fd/{descriptor}").readlink())
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    make(tmp_path / "a" / "b" / "s").close()
    assert {tmp_path, tmp_path / "a", tmp_path / "a" / "b", tmp_path / "a" / "b" / "s"} <= flushed


def test_codes_of_rows_that_came_since_are_no_damage(tmp_path: Path) -> None:
    with make(tmp_path / "s", 3) as writer, CodeStore.open(tmp_path / "s") as reader:
        writer.add([scene(50, 2)])
        assert reader.tiles([0, 6, 7]).keys() == {0}
        reader.refresh()
        assert reader.tiles([0, 6, 7]).keys() == {0, 6, 7}
        assert np.array_equal(reader.codes(np.array([6, 7])), scene(50, 2).codes)


def test_labels_that_change_beside_a_reader_are_no_damage(tmp_path: Path) -> None:
    with make(tmp_path / "s", 9) as writer, CodeStore.open(tmp_path / "s") as reader:
        writer.label(Filter(), ["a"])
        where = Filter(label="a")
        assert len(reader.search(scene(0).codes, 99, where=where)[0]) == 18
        writer.label(Filter(scene="/scenes/4.png"), ["a"], remove=True)
        found = reader.search(scene(0).codes, 99, where=where)[0]
        assert len(found) == 16
        assert "/scenes/4.png" not in {hit.scene for hit in found}


def verifying(folder: Path, _number: int, over: Event, said: Connection) -> None:
    """Verify and export the store again and again; say how often, and what was wrong."""
    done, wrong = 0, []
    with CodeStore.open(folder) as store:
        while not over.is_set():
            wrong += store.verify() + store.damaged_paths()
            try:
                assert len(list(store.scenes())) > 10
            except (ScenehashError, AssertionError) as error:
                wrong.append(f"{type(error).__name__}: {error}")
            done += 1
    said.send((done, wrong))


@pytest.mark.slow
def test_what_is_read_for_long_beside_a_busy_writer_is_not_called_damaged(tmp_path: Path) -> None:
    with (
        make(tmp_path / "s", 60) as store,
        readers(verifying, tmp_path / "s", 1) as answers,
    ):
        number, until = 100, time.monotonic() + 3
        while time.monotonic() < until:
            number += 1
            store.add([scene(number, 3)])
            store.label(Filter(scene=f"/scenes/{number - 1}.png"), [f"l{number}"])
            store.delete(Filter(scene=f"/scenes/{number - 50}.png"))
            if number % 20 == 0:
                store.compact()
    ((done, wrong),) = answers
    assert wrong == []
    assert done > 5


def test_what_a_transaction_has_changed_is_not_called_damaged(tmp_path: Path) -> None:
    with make(tmp_path / "s", 3) as store, store.transaction():
        assert store.search(scene(0).codes, 1)[0][0].row == 0
        store.delete(Filter(scene="/scenes/0.png"))
        with pytest.raises(StoreError, match="must be committed"):
            store.search(scene(0).codes, 1)
