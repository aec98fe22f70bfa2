"""The store keeps clear of SQLite's WAL-reset bug (sqlite.org/wal.html#walresetbug).

Before 3.51.3 (and 3.50.7, 3.44.6 of older lines) a database in WAL mode can be corrupted where two
connections write, or move the WAL into the database (checkpoint), at the same time. So: whatever
can write is opened under the writer's lock, and whatever is opened without it can do neither.
"""

import fcntl
import shutil
import sqlite3
from pathlib import Path

import pytest

import scenehash
from scenehash import CodeStore, Filter
from scenehash.store.backups.backup import back_up
from scenehash.store.backups.restore import restore
from scenehash.store.catalog import catalog, database
from scenehash.store.files import tile_file

from .samples import LINEAGE, make, scene
from .test_backup import whole

SOURCE = Path(scenehash.__file__).parent


def is_locked(folder: Path) -> bool:
    """Whether somebody has the writer's lock of a store."""
    with (folder / "writer.lock").open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def test_what_can_write_is_opened_under_the_writers_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    connect = database.connect

    def watched(path: Path, writable: bool) -> sqlite3.Connection:
        # The copy that a damaged file is made anew of has a name of its own until it is whole.
        if writable and not path.name.startswith("."):
            assert is_locked(path.parent), path
            opened.append(path.name)
        return connect(path, writable)

    for module in (database, catalog, tile_file):
        monkeypatch.setattr(module, "connect", watched)
    with CodeStore.create(tmp_path / "s", LINEAGE, 64, "a-model") as store:
        store.keep_thumbnails()
        store.keep_vectors("frame", 4)
        store.add([whole(number) for number in range(5)])
        with CodeStore.open(tmp_path / "s") as reader:
            assert reader.thumbnails.of([0]) and reader.verify() == []
        store.delete(Filter(scene="/scenes/3.png"))
        store.compact()
        (tmp_path / "s" / "thumbnails.sqlite").write_bytes(b"no database")
    with CodeStore.open(tmp_path / "s", writable=True) as store:
        store.keep_thumbnails()
    with make(tmp_path / "t") as other, CodeStore.open(tmp_path / "s") as source:
        other.merge(source)
    back_up(tmp_path / "s", tmp_path / "b")
    restore(tmp_path / "b", tmp_path / "r")
    assert {*opened} == {"catalog.sqlite", "thumbnails.sqlite", "vectors.sqlite"}


def test_connections_are_made_where_this_is_kept_to() -> None:
    """database.connect, what it needs, copies that one process has, and backups, without a WAL."""
    made = {path.name for path in SOURCE.rglob("*.py") if "sqlite3.connect(" in path.read_text()}
    assert made == {"database.py", "backup_file.py"}


def files(folder: Path) -> dict[str, bytes]:
    """The databases of a store, and their WALs."""
    return {
        path.name: path.read_bytes()
        for path in folder.glob("*.sqlite*")
        if not path.name.endswith("-shm")
    }


def test_what_reads_moves_nothing_out_of_the_wal(tmp_path: Path) -> None:
    with make(tmp_path / "s") as store:
        store.keep_thumbnails()
        store.keep_vectors("frame", 4)
        store.add([whole(number) for number in range(9)])
        # As a kill would leave it: with commits in the WAL.
        shutil.copytree(tmp_path / "s", tmp_path / "killed")
    before = files(tmp_path / "killed")
    assert len(before["catalog.sqlite-wal"]) > 10_000
    for _ in range(2):
        with CodeStore.open(tmp_path / "killed") as reader:
            assert reader.verify() == [] and len(reader.thumbnails.of(range(9))) == 9
            assert reader.vectors.read_scene(next(reader.scenes())[0]) is not None
        back_up(tmp_path / "killed", tmp_path / "b")
    assert files(tmp_path / "killed") == before


def test_what_reads_cannot_be_made_to_write(tmp_path: Path) -> None:
    with make(tmp_path / "s", 3):
        reader = database.connect(tmp_path / "s" / "catalog.sqlite", writable=False)
        for statement in ("DELETE FROM tile", "PRAGMA journal_mode = DELETE"):
            with pytest.raises(sqlite3.OperationalError):
                reader.execute(statement)
        before = files(tmp_path / "s")
        try:
            moved = reader.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except sqlite3.OperationalError:
            moved = None
        assert files(tmp_path / "s") == before, moved
        reader.close()


def test_two_writers_in_one_process_are_kept_apart_too(tmp_path: Path) -> None:
    from scenehash.errors import StoreBusyError

    with make(tmp_path / "s", 3) as store:
        with pytest.raises(StoreBusyError):
            CodeStore.open(tmp_path / "s", writable=True)
        store.add([scene(9)])
