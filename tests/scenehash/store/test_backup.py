"""A backup is of one moment of a store in use, and gives back that moment or nothing."""

import json
import os
import shutil
import sqlite3
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from scenehash import CodeStore, Filter
from scenehash.errors import NotStoredError, StoreBusyError, StoreDamagedError, StoreError
from scenehash.store import Alert, HashedScene, SceneVectors
from scenehash.store.backups.backup import back_up
from scenehash.store.backups.backup_file import BLOCK, BackupFile
from scenehash.store.backups.restore import list_backups, restore

from .samples import LINEAGE, make, placed, scene

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def whole(number: int) -> HashedScene:
    """A scene with a thumbnail and a representation for each of its tiles."""
    plain = placed(number, 1 + number % 3, labels=("even",) * (number % 2 == 0))
    tiles = len(plain.windows)
    plain_fields = {name: getattr(plain, name) for name in plain.__dataclass_fields__}
    return HashedScene(
        **plain_fields
        | {
            "thumbnails": [b"jpeg %d %d" % (number, tile) for tile in range(tiles)],
            "vectors": SceneVectors("frame", np.full((tiles, 4), number % 100, np.int8)),
        }
    )


def full_store(path: Path, scenes: int = 9) -> None:
    """A store with all that a store may keep, part of it deleted and compacted."""
    with CodeStore.create(path, LINEAGE, 64, "a-model") as store:
        store.keep_thumbnails()
        store.keep_vectors("frame", 4)
        store.keep_model(b"a model's bytes")
        store.add([whole(number) for number in range(scenes)])
        store.delete(Filter(scene="/scenes/3.png"))
        store.compact()
        store.delete(Filter(scene="/scenes/4.png"))
        store.alerts.add(
            Alert("a", 9, store.codes(np.array([0])), np.zeros((0, 8), np.uint8), ("x",))
        )
        store.outbox.note(['{"kind": "test"}'] * 3)
        store.quarantine.add({"/scenes/bad.png": "no image"})
    earlier = path / "earlier" / "older-64"
    earlier.parent.mkdir()
    make(earlier, 4).close()


def content(path: Path) -> dict[str, object]:
    """All that a store answers, and those of earlier models in it."""
    with CodeStore.open(path) as store:
        assert store.verify() == []
        rows = [row for rows, _ in store.living() for row in rows.tolist()]
        file = store.model_file()
        return {
            "scenes": [(record.checksum(), codes.tobytes()) for record, codes in store.scenes()],
            "tiles": [store.tile(row) for row in rows],
            "thumbnails": store.thumbnails.of(rows),
            "vectors": store.vectors.of(rows),
            "model": file and file.read_bytes(),
            "alerts": [alert.name for alert in store.alerts.list()],
            "events": store.outbox.events(0, 100),
            "quarantine": [str(item) for item in store.quarantine.list()],
            "rows": store.rows,
            "uuid": store.uuid,
            "earlier": {one.path.name: content(one.path) for one in store.earlier()},
        }


def test_all_that_a_store_keeps_comes_back(tmp_path: Path) -> None:
    full_store(tmp_path / "s")
    before = content(tmp_path / "s")
    done = back_up(tmp_path / "s", tmp_path, now=NOW)
    assert done.file == tmp_path / "s.backup" and done.left_out == []
    back = restore(done.file, tmp_path / "back" / "s", now=NOW)
    assert content(tmp_path / "back" / "s") == before == content(tmp_path / "s")
    assert back.damage == [] and back.newer == 0
    assert back.kept.moment.taken == "2026-05-01T00:00:00+00:00"
    assert not list(tmp_path.glob(".*")) and not list((tmp_path / "back").glob(".*"))
    json.dumps([done.document(), back.document()])
    with CodeStore.open(tmp_path / "back" / "s", writable=True) as store:
        store.add([scene(100)])


def test_only_what_has_changed_is_written_again(tmp_path: Path) -> None:
    with make(tmp_path / "s") as store:
        store.keep_model(os.urandom(40 * BLOCK + 7))
        first = back_up(tmp_path / "s", tmp_path / "b")
        assert first.kept.size > 40 * BLOCK
        assert back_up(tmp_path / "s", tmp_path / "b").written == 0
        store.add([scene(number) for number in range(50)])
    second = back_up(tmp_path / "s", tmp_path / "b")
    assert 0 < second.written < 3 * BLOCK


@pytest.mark.slow
def test_a_moment_is_one_while_a_thread_writes(tmp_path: Path) -> None:
    """Whole commits, none that was acknowledged before missing; and so of deleted scenes."""
    make(tmp_path / "s").close()
    stop, done = threading.Event(), [0]

    def write() -> None:
        with CodeStore.open(tmp_path / "s", writable=True) as store:
            while not stop.is_set():
                number = done[0]
                store.add([scene(10 * number + part, 2) for part in range(5)])
                if number % 4 == 3:
                    store.delete(Filter(scene=f"/scenes/{10 * number}.png"))
                    store.compact()
                done[0] = number + 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for turn in range(8):
            acknowledged = done[0]
            back_up(tmp_path / "s", tmp_path / "b")
            begun = done[0] + 1
            restore(tmp_path / "b", tmp_path / f"r{turn}")
            with CodeStore.open(tmp_path / f"r{turn}") as store:
                assert store.verify() == []
                groups = {int(content, 16) // 10 for content in store.contents()}
                assert set(range(acknowledged)) <= groups <= set(range(begun))
                full = {number for number in groups if number % 4 != 3}
                for number in full:
                    contents = [f"{10 * number + part:032x}" for part in range(5)]
                    assert all(map(store.has_sound_scene, contents))
    finally:
        stop.set()
        writer.join()


def test_old_backups_go_and_their_blocks_with_them(tmp_path: Path) -> None:
    with make(tmp_path / "s") as store:
        for number in range(5):
            store.add([scene(number, 3)])
            back_up(tmp_path / "s", tmp_path / "b", keep=2)
    assert [kept.number for kept in list_backups(tmp_path / "b", verify=True)] == [4, 5]
    with sqlite3.connect(tmp_path / "b") as opened:
        assert opened.execute("SELECT count(*) FROM block").fetchone()[0] <= 4
    for number, scenes in ((4, 4), (5, 5)):
        back = restore(tmp_path / "b", tmp_path / str(number), number)
        assert back.newer == 5 - number
        with CodeStore.open(tmp_path / str(number)) as restored:
            assert restored.counts()[0] == scenes
    with pytest.raises(NotStoredError, match="no backup 3"):
        restore(tmp_path / "b", tmp_path / "x", 3)


def test_a_restored_store_says_what_it_does_not_know(tmp_path: Path) -> None:
    with make(tmp_path / "s", 3) as store:
        store.outbox.note(["{}"] * 2)
        back_up(tmp_path / "s", tmp_path / "b", now=NOW)
        store.add([scene(7)])
        back_up(tmp_path / "s", tmp_path / "b", now=NOW)
    back = restore(tmp_path / "b", tmp_path / "r", 1, now=NOW)
    assert "backup 1 (1 later in the file)" in back.unknown
    assert "rows from 6 on, and events after 2" in back.unknown
    with CodeStore.open(tmp_path / "r") as restored:
        (one,) = restored.restorations()
        assert (one.rows, one.events, one.commits) == (6, 2, 2) and len(one.id) == 16
    with CodeStore.open(tmp_path / "s") as store:
        assert store.restorations() == []


def test_restoring_again_gives_another_id(tmp_path: Path) -> None:
    make(tmp_path / "s", 3).close()
    back_up(tmp_path / "s", tmp_path / "b")
    restore(tmp_path / "b", tmp_path / "r")
    back_up(tmp_path / "r", tmp_path / "b")
    restore(tmp_path / "b", tmp_path / "q")
    with CodeStore.open(tmp_path / "q") as store:
        first, second = store.restorations()
    assert first.id != second.id


def test_what_is_there_is_not_overwritten(tmp_path: Path) -> None:
    make(tmp_path / "s", 3).close()
    back_up(tmp_path / "s", tmp_path / "b")
    for target in (tmp_path / "s", tmp_path / "b"):
        with pytest.raises(StoreError, match="exists and is not empty"):
            restore(tmp_path / "b", target)
    (tmp_path / "empty").mkdir()
    restore(tmp_path / "b", tmp_path / "empty")
    with CodeStore.open(tmp_path / "empty") as store:
        assert store.counts() == (3, 6)


def test_a_file_of_another_kind_or_another_store_is_refused(tmp_path: Path) -> None:
    make(tmp_path / "s", 3).close()
    make(tmp_path / "t", 3).close()
    back_up(tmp_path / "s", tmp_path / "b")
    with pytest.raises(StoreError, match="another store"):
        back_up(tmp_path / "t", tmp_path / "b")
    (tmp_path / "text").write_text("hello " * 1000)
    with pytest.raises(StoreError, match=r"damaged|not a backup"):
        back_up(tmp_path / "s", tmp_path / "text")
    assert (tmp_path / "text").read_text() == "hello " * 1000
    with pytest.raises(StoreError, match="not a backup"):
        restore(tmp_path / "s" / "catalog.sqlite", tmp_path / "r")
    with pytest.raises(StoreError, match="not a backup"):
        back_up(tmp_path / "s", tmp_path / "t" / "catalog.sqlite")
    with pytest.raises(StoreError, match="no such backup file"):
        restore(tmp_path / "none", tmp_path / "r")
    with pytest.raises(StoreError, match="inside the store"):
        back_up(tmp_path / "s", tmp_path / "s" / "b")
    with pytest.raises(StoreError, match="there is no folder"):
        back_up(tmp_path / "s", tmp_path / "none" / "b")


@pytest.mark.parametrize("size", [0.5, 0])
def test_a_damaged_backup_file_is_not_called_a_catalog(tmp_path: Path, size: float) -> None:
    make(tmp_path / "s", 3).close()
    back_up(tmp_path / "s", tmp_path / "b")
    data = (tmp_path / "b").read_bytes()
    (tmp_path / "b").write_bytes(data[: int(size * len(data))] or bytes(5000))
    for use in (list_backups, lambda file: restore(file, tmp_path / "r")):
        with pytest.raises(StoreDamagedError, match="is not a backup file, or is damaged"):
            use(tmp_path / "b")
    assert not (tmp_path / "r").exists()


def test_a_pipe_is_no_backup_file(tmp_path: Path) -> None:
    make(tmp_path / "s", 1).close()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(StoreError, match="is a pipe or a device; choose a file"):
        back_up(tmp_path / "s", tmp_path / "pipe")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pipe", "s"]


def test_a_folder_of_the_backups_name_is_no_backup_file(tmp_path: Path) -> None:
    make(tmp_path / "s", 1).close()
    file = back_up(tmp_path / "s", tmp_path).file
    file.unlink()
    file.mkdir()
    with pytest.raises(StoreError, match="is a folder; choose a file"):
        back_up(tmp_path / "s", tmp_path)


def test_one_process_at_a_time_backs_up_to_a_file(tmp_path: Path) -> None:
    make(tmp_path / "s", 3).close()
    back_up(tmp_path / "s", tmp_path / "b")
    with (
        BackupFile.writing(tmp_path / "b"),
        pytest.raises(StoreBusyError, match="another process uses this backup"),
    ):
        back_up(tmp_path / "s", tmp_path / "b")


def changed(path: Path, statement: str, *values: object) -> None:
    with sqlite3.connect(path) as opened:
        opened.execute(statement, values)


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("UPDATE file SET name = '../catalog.sqlite' WHERE name = 'catalog.sqlite'", "damaged"),
        ("UPDATE file SET name = '/etc/passwd' WHERE name = 'catalog.sqlite'", "damaged"),
        ("UPDATE file SET name = 'earlier/../codes.bin' WHERE name = 'codes.bin'", "damaged"),
        ("UPDATE file SET name = 'earlier/.x/codes.bin' WHERE name = 'codes.bin'", "damaged"),
        ("UPDATE file SET name = 'catalog.sqlite-wal' WHERE name = 'codes.bin'", "damaged"),
        ("UPDATE file SET size = 10000000000", "damaged"),
        ("UPDATE file SET size = -1", "damaged"),
        ("UPDATE file SET size = 'x'", "damaged"),
        ("UPDATE file SET blocks = zeroblob(32)", "damaged"),
        ("UPDATE file SET blocks = 7", "damaged"),
        ("UPDATE backup SET about = '[1]'", "damaged"),
        ("UPDATE backup SET about = replace(about, '64', '65')", "damaged"),
        ("UPDATE backup SET about = CAST(zeroblob(2000000) AS TEXT)", "damaged"),
        ("UPDATE backup SET seal = x'00'", "damaged"),
        ("DELETE FROM file WHERE name = 'codes.bin'", "damaged"),
        ("UPDATE block SET data = zeroblob(length(data))", "missing or damaged"),
        ("UPDATE block SET data = data || x'00'", "missing or damaged"),
        ("UPDATE block SET data = 'text'", "missing or damaged"),
        ("DELETE FROM block", "missing or damaged"),
        ("PRAGMA user_version = 9", "backup format 9"),
        ("DROP TABLE block", "damaged"),
        (
            "ALTER TABLE file ADD COLUMN mode INTEGER",
            r"the first stable format \(the columns of file",
        ),
    ],
)
def test_a_changed_backup_restores_nothing(tmp_path: Path, statement: str, reason: str) -> None:
    make(tmp_path / "s", 3).close()
    back_up(tmp_path / "s", tmp_path / "b")
    changed(tmp_path / "b", statement)
    with pytest.raises(StoreError, match=reason):
        restore(tmp_path / "b", tmp_path / "r")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b", "s"]


def test_a_damaged_block_is_written_again_by_the_next_backup(tmp_path: Path) -> None:
    make(tmp_path / "s", 3).close()
    back_up(tmp_path / "s", tmp_path / "b")
    changed(tmp_path / "b", "UPDATE block SET data = zeroblob(length(data))")
    with pytest.raises(StoreDamagedError):
        list_backups(tmp_path / "b", verify=True)
    back_up(tmp_path / "s", tmp_path / "b")
    list_backups(tmp_path / "b", verify=True)
    restore(tmp_path / "b", tmp_path / "r")


def test_a_disk_that_loses_what_is_written_gives_no_backup(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path / "s", 3).close()
    monkeypatch.setattr(BackupFile, "_data", lambda *_: None)
    with pytest.raises(StoreDamagedError, match="returned other bytes"):
        back_up(tmp_path / "s", tmp_path / "b")
    assert list_backups(tmp_path / "b") == []
    with pytest.raises(StoreError, match="has no backup yet"):
        restore(tmp_path / "b", tmp_path / "r")


def test_more_than_the_disk_has_room_for_is_refused_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path / "s", 3).close()
    back_up(tmp_path / "s", tmp_path / "b")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: os.terminal_size((1, 2)) and Usage())
    with pytest.raises(StoreError, match="make room"):
        restore(tmp_path / "b", tmp_path / "r")


class Usage:
    free = 1000


@pytest.mark.parametrize(("size", "scenes"), [("200k", 200), ("400k", 9)])
def test_a_full_disk_is_that_of_the_backup(
    tmp_path: Path, small_disk: Callable[[str], Path], size: str, scenes: int
) -> None:
    full_store(tmp_path / "s", scenes)
    for name in ("thumbnails.sqlite", "vectors.sqlite"):
        with sqlite3.connect(tmp_path / "s" / name) as derived:
            derived.execute("CREATE TABLE room (bytes BLOB)")
            derived.execute("INSERT INTO room VALUES (zeroblob(900000))")
    file = small_disk(size) / "x.backup"
    with pytest.raises(StoreError, match=r"x\.backup: .*(No space left|disk is full)"):
        back_up(tmp_path / "s", file)
    assert [path.name for path in file.parent.iterdir()] == [file.name]
    back_up(tmp_path / "s", tmp_path / "y.backup")


def test_damage_of_the_store_is_named_when_it_is_restored(tmp_path: Path) -> None:
    make(tmp_path / "s", 3).close()
    with (tmp_path / "s" / "codes.bin").open("r+b") as file:
        file.write(b"\xff\xff")
    back_up(tmp_path / "s", tmp_path / "b")
    back = restore(tmp_path / "b", tmp_path / "r")
    assert len(back.damage) == 1 and "/scenes/0.png" in back.damage[0]


def test_derived_data_that_cannot_be_read_is_left_out_and_said(tmp_path: Path) -> None:
    full_store(tmp_path / "s")
    (tmp_path / "s" / "thumbnails.sqlite").write_bytes(b"no database " * 1000)
    done = back_up(tmp_path / "s", tmp_path / "b")
    assert len(done.left_out) == 1 and "thumbnails.sqlite" in done.left_out[0]
    restore(tmp_path / "b", tmp_path / "r")
    with CodeStore.open(tmp_path / "r") as store:
        assert store.verify() == []


def test_a_repair_while_codes_are_read_begins_the_backup_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path / "s", 3).close()
    with (tmp_path / "s" / "codes.bin").open("r+b") as file:
        file.write(b"\xff\xff")
    original = BackupFile.store
    calls: list[int] = []

    def store_and_repair(self: BackupFile, blocks: list[bytes]) -> tuple[list[bytes], int]:
        if not calls:
            with CodeStore.open(tmp_path / "s", writable=True) as store:
                store.add([scene(0, 1)])
        calls.append(1)
        return original(self, blocks)

    monkeypatch.setattr(BackupFile, "store", store_and_repair)
    back_up(tmp_path / "s", tmp_path / "b")
    assert restore(tmp_path / "b", tmp_path / "r").damage == []
    assert len(calls) > 2


def test_where_no_store_is_nothing_is_backed_up(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no scenehash store here"):
        back_up(tmp_path / "s", tmp_path / "b")
    assert not (tmp_path / "b").exists()
