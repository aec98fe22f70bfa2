"""A store of every format version that ever was is read by this scenehash."""

import contextlib
import dataclasses
import re
import shutil
import sqlite3
from pathlib import Path

import pytest

from scenehash import CodeStore, Filter
from scenehash.alerts.judging import example_distances
from scenehash.errors import StoreError
from scenehash.store.catalog.catalog import LATER, SCHEMA
from scenehash.store.files.rehash_work import Done, rehash_work

from ...golden.make_store import PLACED, PLAIN
from .samples import LINEAGE, make, scene

GOLDEN = Path(__file__).parents[2] / "golden"


@pytest.fixture(params=[1])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return Path(shutil.copytree(GOLDEN / f"store-{request.param}", tmp_path / "s"))


def test_a_golden_store_is_read_searched_and_written_to(folder: Path) -> None:
    with CodeStore.open(folder) as store:
        assert (store.lineage, store.bits, store.model) == (LINEAGE, 64, "a-model")
        assert store.verify() == []
        here = [*PLACED[:1], *PLACED[2:4], PLAIN[0], PLAIN[2], *PLACED[4:]]
        assert store.counts() == (7, sum(len(one.windows) for one in here))
        for one in here:
            for code, window in zip(one.codes, one.windows, strict=True):
                (hit,) = store.search(code[None], 1)[0]
                assert (hit.distance, hit.scene) == (0, one.path)
                assert (hit.window, hit.time) == (window, one.time)
        where = Filter(bbox=(179.996, 9, -179.99, 11), label="harbor")
        assert [hit.row for hit in store.search(PLACED[0].codes, 9, where=where)[0]] == []
        where = Filter(bbox=(179.98, 9, -179.99, 11), label="harbor")
        assert [hit.row for hit in store.search(PLACED[0].codes, 9, where=where)[0]] == [0]
        assert [item.path for item in store.quarantine.list()] == ["/scenes/broken.tif"]
        (alert,) = store.alerts.list()
        assert (alert.name, alert.radius, alert.sources) == ("quay", 8, ("a.png", "row:3"))
        assert example_distances(alert, PLACED[0].codes).tolist() == [0]
        assert (store.vectors.frame, store.vector_count(), store.model_file()) == (None, 0, None)
        assert store.earlier() == []
    with CodeStore.open(folder, writable=True) as store:
        assert store.rows == 1 + 2 + 3 + 1 + 6 + 2 + 3
        store.add([scene(50)])
        store.compact()
        assert store.verify() == []
        assert store.search(scene(50).codes, 1)[0][0].row == 18


def test_a_store_of_a_future_format_is_refused(folder: Path) -> None:
    with sqlite3.connect(folder / "catalog.sqlite") as catalog:
        catalog.execute("PRAGMA user_version = 2")
    for writable in (False, True):
        with pytest.raises(StoreError, match="store format 2, and this scenehash reads format 1"):
            CodeStore.open(folder, writable=writable)


def test_a_draft_of_the_format_is_refused(tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    with sqlite3.connect(tmp_path / "s" / "catalog.sqlite") as catalog:
        catalog.execute("CREATE TABLE store (id INTEGER, lineage TEXT, bits INTEGER)")
        catalog.execute(f"PRAGMA application_id = {0x5343_4E48}")
        catalog.execute("PRAGMA user_version = 1")
    with pytest.raises(StoreError, match="before the first stable format"):
        CodeStore.open(tmp_path / "s")


TABLES = re.findall(r"TABLE (?:IF NOT EXISTS )?(\w+) \(", SCHEMA + LATER)


@pytest.mark.parametrize("table", TABLES)
def test_a_table_of_an_earlier_draft_is_refused_by_its_name(tmp_path: Path, table: str) -> None:
    make(tmp_path / "s", 3).close()
    with contextlib.closing(sqlite3.connect(tmp_path / "s" / "catalog.sqlite")) as catalog:
        catalog.executescript(LATER)
    CodeStore.open(tmp_path / "s").close()  # as it is made today
    with contextlib.closing(sqlite3.connect(tmp_path / "s" / "catalog.sqlite")) as catalog:
        catalog.execute(f"ALTER TABLE {table} ADD COLUMN earlier TEXT")
    for writable in (False, True):
        with pytest.raises(StoreError, match=rf"the first stable format \(the columns of {table}"):
            CodeStore.open(tmp_path / "s", writable=writable)


def test_thumbnails_of_an_earlier_draft_are_made_anew(tmp_path: Path) -> None:
    with make(tmp_path / "s") as store:
        store.keep_thumbnails()
    with contextlib.closing(sqlite3.connect(tmp_path / "s" / "thumbnails.sqlite")) as file:
        file.execute("ALTER TABLE thumbnail ADD COLUMN earlier TEXT")
    with CodeStore.open(tmp_path / "s", writable=True) as store:
        store.keep_thumbnails()
        store.add([dataclasses.replace(scene(1), thumbnails=[b"jpeg"])])
        (record,) = (record for record, _ in store.scenes())
        assert store.thumbnails.of_scene(record) == [b"jpeg"]


def test_a_rehash_of_an_earlier_draft_is_begun_anew(tmp_path: Path) -> None:
    with rehash_work(tmp_path, "b" * 16, 64, None):
        pass
    (file,) = (tmp_path / "rehash").glob("*.sqlite")
    with contextlib.closing(sqlite3.connect(file)) as catalog:
        catalog.execute("ALTER TABLE done DROP COLUMN how")
    with make(tmp_path / "s", 1) as store, rehash_work(tmp_path, "b" * 16, 64, None) as work:
        records = [record for record, _ in store.scenes()]
        work.put([(records[0], Done("codes", scene(0).codes))])
        assert work.find(records[0]) is not None
