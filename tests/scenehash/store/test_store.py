import os
import resource
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from scenehash import CodeStore, Filter
from scenehash.errors import LineageError, StoreBusyError, StoreDamagedError, StoreError

from .samples import make, scene


def test_what_was_added_is_found_after_reopening(tmp_path: Path) -> None:
    with make(tmp_path / "s", 20) as store:
        rows = len(store)
    with CodeStore.open(tmp_path / "s") as store:
        assert len(store) == rows == sum(1 + number % 3 for number in range(20))
        assert (store.lineage, store.bits, store.model) == ("a" * 16, 64, "a-model")
        for number in range(20):
            wanted = scene(number, 1 + number % 3)
            for tile, code in enumerate(wanted.codes):
                hit = store.search(code[np.newaxis], 1)[0][0]
                assert (hit.rank, hit.distance) == (1, 0)
                assert (hit.scene, hit.window) == (wanted.path, wanted.windows[tile])
                assert np.array_equal(store.codes(np.array([hit.row]))[0], code)
        assert store.verify() == []
        assert store.has_sound_scene(scene(3).content)
        assert not store.has_sound_scene(scene(99).content)


def test_an_empty_store_has_no_hits(tmp_path: Path) -> None:
    with make(tmp_path / "s") as store:
        assert store.search(np.zeros((2, 8), np.uint8), 5) == [[], []]


def test_filters_limit_the_rows(tmp_path: Path) -> None:
    with make(tmp_path / "s", 9) as store:
        query = scene(0).codes
        only = store.search(query, 20, where=Filter(scene="/scenes/5.png"))[0]
        assert {hit.scene for hit in only} == {"/scenes/5.png"}
        assert len(only) == 3
        newer = store.search(query, 20, where=Filter(newer_than=10))[0]
        assert sorted(hit.row for hit in newer) == list(range(11, len(store)))
        near = store.search(query, 20, radius=25)[0]
        assert all(hit.distance <= 25 for hit in near)


def test_a_reader_sees_new_rows_when_it_refreshes(tmp_path: Path) -> None:
    with make(tmp_path / "s", 2) as writer, CodeStore.open(tmp_path / "s") as reader:
        before = len(reader)
        writer.add([scene(50)])
        everything = Filter(newer_than=-1)
        assert len(reader.search(scene(50).codes, 99, where=everything)[0]) == before
        reader.refresh()
        assert reader.search(scene(50).codes, 1)[0][0].scene == "/scenes/50.png"


def test_a_second_writer_is_told_at_once(tmp_path: Path) -> None:
    with make(tmp_path / "s", 1), pytest.raises(StoreBusyError, match="another process"):
        CodeStore.open(tmp_path / "s", writable=True)
    CodeStore.open(tmp_path / "s", writable=True).close()


def test_a_reader_does_not_write(tmp_path: Path) -> None:
    make(tmp_path / "s", 1).close()
    with CodeStore.open(tmp_path / "s") as store, pytest.raises(StoreError, match="reading only"):
        store.add([scene(2)])


def test_lineages_and_widths_do_not_mix(tmp_path: Path) -> None:
    make(tmp_path / "s", 3).close()
    size = (tmp_path / "s" / "codes.bin").stat().st_size
    with pytest.raises(LineageError, match="a-model"):
        CodeStore.open_or_create(tmp_path / "s", "b" * 16, 64, "other")
    with pytest.raises(LineageError, match="64 bits, not of 32"):
        CodeStore.open_or_create(tmp_path / "s", "a" * 16, 32, "other")
    with CodeStore.open_or_create(tmp_path / "s", "a" * 16, 64, "a-model") as store:
        with pytest.raises(LineageError, match="64 bits"):
            store.add([scene(9), scene(10, bits=32)])
        with pytest.raises(LineageError):
            store.search(np.zeros((1, 4), np.uint8), 1)
        assert not store.has_sound_scene(scene(9).content)
    assert (tmp_path / "s" / "codes.bin").stat().st_size == size


def test_a_folder_with_other_things_is_not_made_a_store(tmp_path: Path) -> None:
    (tmp_path / "holiday.jpg").write_bytes(b"precious")
    with pytest.raises(StoreError, match="not empty"):
        CodeStore.create(tmp_path, "a" * 16, 64, "a-model")
    assert [path.name for path in tmp_path.iterdir()] == ["holiday.jpg"]
    with pytest.raises(StoreError, match="no scenehash store"):
        CodeStore.open(tmp_path)
    with pytest.raises(StoreError, match="cannot be made a store"):
        CodeStore.create(tmp_path / "holiday.jpg", "a" * 16, 64, "a-model")


def test_a_database_of_someone_else_is_refused(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "catalog.sqlite").execute("CREATE TABLE a (b)").connection.close()
    with pytest.raises(StoreError, match="not the catalog"):
        CodeStore.open(tmp_path)


def test_a_newer_format_is_refused(tmp_path: Path) -> None:
    make(tmp_path / "s", 1).close()
    with sqlite3.connect(tmp_path / "s" / "catalog.sqlite") as catalog:
        catalog.execute("PRAGMA user_version = 2")
    with pytest.raises(StoreError, match="update scenehash"):
        CodeStore.open(tmp_path / "s", writable=True)


def test_an_interrupted_making_is_taken_over(tmp_path: Path) -> None:
    (tmp_path / "codes.bin").touch()
    (tmp_path / "catalog.sqlite").touch()
    with CodeStore.open_or_create(tmp_path, "a" * 16, 64, "a-model") as store:
        store.add([scene(1)])
        assert len(store) == 1


def test_killed_before_its_first_file_has_its_name_the_making_is_taken_over(tmp_path: Path) -> None:
    script = (
        "import os, sys; from pathlib import Path; from scenehash import CodeStore\n"
        "Path.replace = lambda *_: os._exit(9)\n"
        "CodeStore.create(Path(sys.argv[1]), 'a' * 16, 64, 'a-model')\n"
    )
    killed = subprocess.run([sys.executable, "-c", script, str(tmp_path / "s")], check=False)
    assert killed.returncode == 9
    assert [path for path in (tmp_path / "s").iterdir() if path.suffix == ".partial"]
    with CodeStore.open_or_create(tmp_path / "s", "a" * 16, 64, "a-model") as store:
        store.add([scene(1)])
        assert len(store) == 1


def test_killed_between_append_and_commit_loses_nothing_acknowledged(tmp_path: Path) -> None:
    with make(tmp_path / "s", 5) as store:
        rows = len(store)
        with (tmp_path / "s" / "codes.bin").open("ab") as codes:
            codes.write(b"torn" * 7)
    with CodeStore.open(tmp_path / "s", writable=True) as store:
        assert len(store) == rows
        store.add([scene(70, 2)])
        assert store.verify() == []
        assert store.search(scene(70, 2).codes, 1)[1][0].row == rows + 1


WRITER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from samples import make, scene
store = make(Path(sys.argv[1]))
for number in range(100_000):
    store.add([scene(number, 1 + number % 3)])
    print(number, flush=True)
"""


@pytest.mark.parametrize("after", [1, 7, 23, 60])
def test_killed_while_adding_everything_acknowledged_is_there(tmp_path: Path, after: int) -> None:
    command = [sys.executable, "-c", WRITER, str(tmp_path / "s"), str(Path(__file__).parent)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        acknowledged = [int(writer.stdout.readline()) for _ in range(after)]
        writer.send_signal(signal.SIGKILL)
        acknowledged += [int(line) for line in writer.stdout.read().split()]
    with CodeStore.open(tmp_path / "s", writable=True) as store:
        for number in acknowledged:
            assert store.has_sound_scene(scene(number).content)
        assert store.counts()[1] == len(store)
        assert store.verify() == []
        store.add([scene(200_000)])


def test_a_full_disk_keeps_what_was_stored(tmp_path: Path) -> None:
    script = (
        "import resource, sys; sys.path.insert(0, sys.argv[2]); from pathlib import Path\n"
        "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "from samples import make, scene; from scenehash.errors import StoreError\n"
        "store = make(Path(sys.argv[1]), 5); rows = len(store)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "try: store.add([scene(9, 2000)])\n"
        "except StoreError as error: print(error); assert len(store) == rows\n"
        "assert store.verify() == []\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "s"), str(Path(__file__).parent)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "all data stored before is intact" in done.stdout
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 4096
    with CodeStore.open(tmp_path / "s", writable=True) as store:
        assert store.counts() == (5, len(store))
        store.add([scene(9, 2000)])
        assert store.verify() == []


def test_a_catalog_that_finds_the_disk_full_says_what_to_do(tmp_path: Path) -> None:
    with make(tmp_path / "s", 5) as store:
        rows = len(store)
        pages = "PRAGMA max_page_count"
        store._catalog.database.run(f"{pages} = 1")  # as many as there are already
        with pytest.raises(StoreError, match="disk is full; all data stored before is intact"):
            store.add([scene(9, 2000)])
        assert len(store) == rows
        store._catalog.database.run(f"{pages} = 100000")
        store.add([scene(9, 2000)])
        assert store.verify() == []


def test_damaged_codes_are_found_and_named_by_scene(tmp_path: Path) -> None:
    make(tmp_path / "s", 6).close()
    codes = tmp_path / "s" / "codes.bin"
    whole = codes.read_bytes()
    owner = [f"/scenes/{number}.png" for number in range(6) for _ in range(1 + number % 3)]
    for offset in range(len(whole)):
        codes.write_bytes(whole[:offset] + bytes([whole[offset] ^ 4]) + whole[offset + 1 :])
        with CodeStore.open(tmp_path / "s") as store:
            (damage,) = store.verify()
        assert damage.startswith(f"{owner[offset // 8]}: ")


def test_codes_cut_short_are_noticed_when_opened(tmp_path: Path) -> None:
    make(tmp_path / "s", 6).close()
    codes = tmp_path / "s" / "codes.bin"
    codes.write_bytes(codes.read_bytes()[:-1])
    with pytest.raises(StoreDamagedError, match="committed"):
        CodeStore.open(tmp_path / "s")
    codes.unlink()
    with pytest.raises(StoreDamagedError, match="cannot be read"):
        CodeStore.open(tmp_path / "s")


def test_a_catalog_of_garbage_is_an_error_in_one_line(tmp_path: Path) -> None:
    make(tmp_path / "s", 6).close()
    (tmp_path / "s" / "catalog.sqlite").write_bytes(os.urandom(5000))
    with pytest.raises(StoreError, match=r"catalog\.sqlite"):
        CodeStore.open(tmp_path / "s")


def test_rows_that_are_not_there_are_an_error(tmp_path: Path) -> None:
    with make(tmp_path / "s", 2) as store:
        for row in (-1, len(store)):
            with pytest.raises(StoreError, match="no row"):
                store.codes(np.array([row]))
