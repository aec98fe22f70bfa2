"""Damage on the disk: every byte of it is found, and a scene that is ingested again is whole."""

import random
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from scenehash import CodeStore, Filter
from scenehash.errors import ScenehashError, StoreDamagedError, StoreError
from scenehash.store import VECTORS, HashedScene
from scenehash.store.catalog.database import Database, connect

from .samples import make, placed, scene
from .tile_parts import DIMS, FRAME, VECTOR_PART

SCENES = [placed(number, 1 + number % 3, (number, 47.0), ("a", "b")) for number in range(8)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A closed store of eight scenes, of which one was deleted."""
    with make(tmp_path / "s") as store:
        store.add([*SCENES, scene(99, 2)])
        store.delete(Filter(scene="/scenes/99.png"))
    (tmp_path / "s" / "catalog.sqlite-wal").unlink(missing_ok=True)
    (tmp_path / "s" / "catalog.sqlite-shm").unlink(missing_ok=True)
    return tmp_path / "s"


def flip(path: Path, offset: int, bit: int = 4) -> None:
    data = bytearray(path.read_bytes())
    data[offset] ^= bit
    path.write_bytes(data)


@pytest.mark.slow
def test_every_damaged_byte_of_codes_is_found_named_and_repaired(folder: Path) -> None:
    owners = [owner for owner in SCENES for _ in owner.windows]
    for offset in range(8 * len(owners)):
        flip(folder / "codes.bin", offset)
        owner = owners[offset // 8]
        with CodeStore.open(folder, writable=True) as store:
            (damage,) = store.verify()
            assert damage.startswith(f"{owner.path}: its codes are damaged")
            assert not store.has_sound_scene(owner.content)
            assert store.add([owner]).repaired == 1
            assert store.verify() == []
            (hit,) = store.search(owners[offset // 8].codes[:1], 1)[0]
            assert (hit.distance, hit.scene) == (0, owner.path)


def everything(folder: Path) -> list[object]:
    """All that a store can answer, or what verify says of it."""
    try:
        with CodeStore.open(folder) as store:
            if damage := store.verify():
                return [*damage]
            hits = store.search(np.zeros((1, 8), np.uint8), 99)
            found = [store.paths(Filter(label="a")), store.paths(Filter(bbox=(-180, 0, 180, 90)))]
            return [hits, found, store.rows, store.deleted, store.uuid]
    except ScenehashError as error:
        return [str(error)]


@pytest.mark.slow
def test_a_damaged_byte_of_the_catalog_is_found_or_means_nothing(folder: Path) -> None:
    catalog = folder / "catalog.sqlite"
    whole = catalog.read_bytes()
    sound = everything(folder)
    draw, found = random.Random(0), 0
    # Of bytes that are zero, most are free space.
    for offset in draw.sample([offset for offset, byte in enumerate(whole) if byte], 500):
        flip(catalog, offset, 1 << draw.randrange(8))
        answer = everything(folder)
        if answer != sound:
            found += 1
            assert all(isinstance(line, str) and "\n" not in line for line in answer), offset
        catalog.write_bytes(whole)
        for side in folder.glob("catalog.sqlite-*"):
            side.unlink()
    assert found > 250


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE scene SET time = time + 1 WHERE path = '/scenes/3.png'",
        "UPDATE scene SET checksum = zeroblob(8) WHERE path = '/scenes/3.png'",
        "UPDATE scene SET content = randomblob(16) WHERE path = '/scenes/3.png'",
        "UPDATE scene SET labels = '{' WHERE path = '/scenes/3.png'",
        "UPDATE scene SET first_row = 1000 WHERE path = '/scenes/3.png'",
        "UPDATE tile SET x = x + 1 WHERE row = 6",
        "UPDATE tile SET footprint = zeroblob(9) WHERE row = 6",
        "DELETE FROM tile WHERE row = 6",
        "UPDATE block SET west = west - 1 WHERE first_row = 6",
        "DELETE FROM block WHERE first_row = 6",
        "DELETE FROM label WHERE label = 'a' AND scene = 4",
    ],
)
def test_a_damaged_entry_is_named_by_its_scene_and_repaired(folder: Path, statement: str) -> None:
    with sqlite3.connect(folder / "catalog.sqlite") as catalog:
        assert catalog.execute(statement).rowcount == 1
    with CodeStore.open(folder, writable=True) as store:
        assert any(line.startswith("/scenes/3.png: ") for line in store.verify())
        store.add([SCENES[3]])
        assert store.verify() == []
        assert store.counts() == (8, sum(len(one.windows) for one in SCENES))
        (hit,) = store.search(SCENES[3].codes, 1)[0]
        assert (hit.row, hit.scene, hit.time) == (6, "/scenes/3.png", SCENES[3].time)
        where = Filter(bbox=(3.001, 47.001, 3.002, 47.002), label="a")
        assert [hit.row for hit in store.search(SCENES[3].codes, 9, where=where)[0]] == [6]


def test_a_repair_by_another_machine_whose_codes_differ_keeps_the_rows(folder: Path) -> None:
    flip(folder / "codes.bin", 8 * 6)
    old = SCENES[3]
    other = HashedScene(
        old.content, old.path, old.windows, old.codes ^ np.uint8(1), old.time, old.footprints
    )
    with CodeStore.open(folder, writable=True) as store:
        assert store.add([other]).repaired == 1
        assert store.verify() == []
        (hit,) = store.search(other.codes, 1)[0]
        assert (hit.row, hit.distance) == (6, 0)


def test_a_damaged_scene_that_is_cut_otherwise_today_gets_new_rows(folder: Path) -> None:
    flip(folder / "codes.bin", 8 * 6)
    again = placed(3, 3)
    with CodeStore.open(folder, writable=True) as store:
        rows = store.rows
        assert store.add([again]).repaired == 1
        assert store.verify() == []
        assert store.search(again.codes[2:], 1)[0][0].row == rows + 2
        with pytest.raises(StoreError, match="no row"):
            store.tile(6)


def test_what_is_known_and_sound_is_left_as_it_is(folder: Path) -> None:
    with CodeStore.open(folder, writable=True) as store:
        added = store.add([SCENES[0], scene(70), scene(70), SCENES[1]])
        assert (added.stored, added.duplicates, added.repaired) == (1, 3, 0)
        assert store.verify() == []


def test_a_store_whose_own_entry_is_damaged_is_refused(folder: Path) -> None:
    with sqlite3.connect(folder / "catalog.sqlite") as catalog:
        catalog.execute("UPDATE store SET lineage = 'b'")
    with pytest.raises(StoreDamagedError, match="the state of the store in it is damaged"):
        CodeStore.open(folder)


def test_without_a_catalog_no_code_is_overwritten(folder: Path) -> None:
    before = (folder / "codes.bin").read_bytes()
    (folder / "catalog.sqlite").unlink()
    with pytest.raises(StoreError, match="no scenehash store"):
        CodeStore.open(folder)
    with pytest.raises(StoreError, match="is missing"):
        CodeStore.open_or_create(folder, "a" * 16, 64, "a-model")
    assert (folder / "codes.bin").read_bytes() == before


def test_a_repair_gives_up_no_rows_of_other_scenes_that_are_lost(folder: Path) -> None:
    with sqlite3.connect(folder / "catalog.sqlite") as catalog:
        catalog.execute("DELETE FROM scene WHERE path IN ('/scenes/1.png', '/scenes/2.png')")
    flip(folder / "codes.bin", 8 * 6)
    old = SCENES[3]
    windows, codes = [*old.windows, *SCENES[2].windows], np.repeat(old.codes, 4, axis=0)
    with CodeStore.open(folder, writable=True) as store:
        # It has other tiles by now, so that it gets other rows.
        longer = HashedScene(old.content, old.path, windows[:4], codes, old.time)
        assert store.add([longer]).repaired == 1
        store.compact()
        assert any("rows 1 to 5 have no scene" in line for line in store.verify())
        assert store.delete_damaged() == 0
        assert store.verify() == []


def test_a_length_for_which_sqlite_lacks_memory_is_damage(tmp_path: Path) -> None:
    with VECTOR_PART.store(tmp_path / "s", 40):
        pass
    path = tmp_path / "s" / VECTORS
    whole, found = path.read_bytes(), 0
    for offset in range(len(whole) // 2, len(whole), 3):
        path.write_bytes(whole[:offset] + b"\xff" * 9 + whole[offset + 9 :])
        file = connect(path, writable=False)
        try:
            file.execute("PRAGMA quick_check").fetchall()
        except sqlite3.Error:
            pass
        except MemoryError:
            found += 1
            with pytest.raises(StoreDamagedError):
                Database(path, file).all("PRAGMA quick_check")
            with CodeStore.open(tmp_path / "s", writable=True) as store:
                assert store.verify() == []
                store.keep_vectors(FRAME, DIMS)
                store.vectors.read(store.vectors.rows())
        file.close()
        if found == 3:
            break
    assert found == 3
