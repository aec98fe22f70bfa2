"""Vectors are of the tile that they count for, or they do not count."""

import random
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from scenehash import CodeStore, Filter
from scenehash.scenes import Window
from scenehash.store import VECTORS, HashedScene, SceneVectors

from .samples import LINEAGE, make, scene

FRAME, DIMS = "colours", 24


def vector(content: str, window: Window, frame: str = FRAME) -> bytes:
    """The vector of a tile: other numbers for every tile there is."""
    seed = f"{content} {window} {frame}"
    return random.Random(seed).randbytes(DIMS)


def represented(number: int, tiles: int = 1, frame: str = FRAME) -> HashedScene:
    plain = scene(number, tiles)
    own = b"".join(vector(plain.content, window, frame) for window in plain.windows)
    vectors = SceneVectors(frame, np.frombuffer(own, np.int8).reshape(tiles, DIMS))
    return replace(plain, vectors=vectors)


def kept(path: Path, scenes: int = 0) -> CodeStore:
    """A store with vectors, open for writing, of scenes of one, two and three tiles in turn."""
    store = CodeStore.create(path, LINEAGE, 64, "a-model")
    store.keep_vectors(FRAME, DIMS)
    store.add([represented(number, 1 + number % 3) for number in range(scenes)])
    return store


def check(store: CodeStore, missing: int = 0) -> None:
    """Every vector is that of its tile; as many tiles as said have none."""
    without = 0
    for record, _ in store.scenes():
        rows = np.arange(record.first_row, record.first_row + record.tiles)
        there, vectors = store.vectors.read(rows)
        without += len(rows) - len(there)
        for row, own in zip(there.tolist(), vectors, strict=True):
            window = Window(*record.windows[row - record.first_row].tolist())
            assert own.tobytes() == vector(record.content, window)
        whole = store.vectors.read_scene(record)
        assert (whole is None) == (len(there) < len(rows))
    assert without == missing == store.vectors_missing()


def test_what_is_kept_comes_back_and_later_writers_keep_it_too(tmp_path: Path) -> None:
    with kept(tmp_path / "s", 5) as store:
        check(store)
        assert store.vector_count() == len(store) == 9
    with CodeStore.open(tmp_path / "s", writable=True) as store:
        assert (store.vectors.frame, store.vectors.dims) == (FRAME, DIMS)
        store.add([represented(7, 2), scene(8)])
        check(store, missing=1)
        assert store.verify() == []
    with CodeStore.open(tmp_path / "s") as store:
        check(store, missing=1)
        assert store.trouble is None
        there, vectors = store.vectors.read(np.array([10, 99, 3]))
        assert (there.tolist(), vectors.shape) == ([10, 3], (2, DIMS))


def test_many_are_read_in_parts(tmp_path: Path) -> None:
    with kept(tmp_path / "s") as store:
        tiles = 20_000
        windows = [Window(tile, 0, 1, 1) for tile in range(tiles)]
        own = np.random.default_rng(0).integers(-127, 128, (tiles, DIMS)).astype(np.int8)
        codes = np.zeros((tiles, 8), np.uint8)
        vectors = SceneVectors(FRAME, own)
        store.add([HashedScene("0" * 32, "/a.tif", windows, codes, vectors=vectors)])
        there, read = store.vectors.read(np.arange(tiles))
        assert np.array_equal(there, np.arange(tiles))
        assert np.array_equal(read, own)
        size = (tmp_path / "s" / VECTORS).stat().st_size
        assert size < tiles * (DIMS + 24)


def test_a_store_keeps_none_unless_it_is_told_to_and_none_of_another_space(tmp_path: Path) -> None:
    with make(tmp_path / "s", 2) as store:
        store.add([represented(5)])
        assert store.vectors.frame is None
        assert not (tmp_path / "s" / VECTORS).exists()
        store.keep_vectors(FRAME, DIMS)
        store.add([represented(6), represented(8, frame="others")])
        short = SceneVectors(FRAME, np.zeros((1, DIMS - 1), np.int8))
        store.add([replace(scene(9), vectors=short)])
        check(store, missing=6)
        store.drop_vectors()
        store.add([represented(7)])
        assert not (tmp_path / "s" / VECTORS).exists()
        assert store.verify() == []


def test_vectors_of_another_frame_do_not_count_any_more(tmp_path: Path) -> None:
    with kept(tmp_path / "s", 3) as store:
        store.keep_vectors("others", DIMS)
        there, vectors = store.vectors.read(np.arange(6))
        assert (len(there), vectors.shape) == (0, (0, DIMS))
        store.keep_vectors(FRAME, DIMS)
        check(store)


def test_delete_and_compact_leave_each_tile_its_own(tmp_path: Path) -> None:
    with kept(tmp_path / "s", 12) as store:
        for number in (0, 4, 5, 11):
            store.delete(Filter(scene=f"/scenes/{number}.png"))
        check(store)
        store.compact()
        check(store)
        assert list(store.vectors.rows()) == [
            row for rows, _ in store.living() for row in rows.tolist()
        ]
        store.add([represented(20, 3)])
        check(store)


@pytest.mark.parametrize(("theirs", "missing"), [(True, 0), (False, 5)])
def test_a_merge_brings_what_the_other_store_has(
    tmp_path: Path, theirs: bool, missing: int
) -> None:
    with kept(tmp_path / "a", 3) as store, make(tmp_path / "b") as other:
        if theirs:
            other.keep_vectors(FRAME, DIMS)
        other.add([represented(1, 2), represented(30, 3), represented(31, 2)])
        store.merge(other)
        check(store, missing)


def test_an_empty_store_keeps_vectors_when_the_merged_one_does(tmp_path: Path) -> None:
    with kept(tmp_path / "b", 4) as other:
        for name, first in (("empty", 0), ("has-its-own-way", 1)):
            with make(tmp_path / name, first) as store:
                store.merge(other)
                assert store.vectors.kept == (name == "empty")
        with CodeStore.open(tmp_path / "empty") as store:
            check(store)


def test_a_repair_in_the_same_rows_counts_no_vector_of_before(tmp_path: Path) -> None:
    with kept(tmp_path / "s", 6) as store:
        row = store.search(scene(4, 2).codes, 1)[0][0].row
    with sqlite3.connect(tmp_path / "s" / "catalog.sqlite") as catalog:
        catalog.execute("UPDATE scene SET time = 5 WHERE first_row = ?", (row,))
    again = replace(scene(4, 2), windows=[Window(7, 7, 90, 90), Window(0, 7, 90, 90)])
    with CodeStore.open(tmp_path / "s", writable=True) as store:
        assert store.add([again]).repaired == 1
        check(store, missing=2)


def test_what_was_written_before_a_commit_that_did_not_come_does_not_count(tmp_path: Path) -> None:
    with kept(tmp_path / "s", 3) as store:
        with pytest.raises(KeyboardInterrupt), store.transaction():
            store.add([represented(50, 4)])
            raise KeyboardInterrupt
        store.add([scene(51, 2)])
        check(store, missing=2)
        store.add([represented(52, 3)])
        check(store, missing=2)


def spoil(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(b"no SQLite at all" + data[16:])


@pytest.mark.parametrize("harm", [Path.unlink, spoil])
def test_without_its_file_a_store_works_and_says_what_to_do(
    tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    kept(tmp_path / "s", 9).close()
    harm(tmp_path / "s" / VECTORS)
    with CodeStore.open(tmp_path / "s") as store:
        assert len(store.vectors.read(np.arange(9))[0]) == 0
        assert "scenehash store vectors" in str(store.trouble)
        assert store.verify() == []
    with CodeStore.open(tmp_path / "s", writable=True) as store:
        store.keep_vectors(FRAME, DIMS)
        assert store.trouble is None
        store.add([represented(41, 2)])
        assert len(store.vectors.read(np.array([store.rows - 1]))[0]) == 1


def test_a_changed_byte_and_the_file_of_another_store_make_no_wrong_vector_count(
    tmp_path: Path,
) -> None:
    kept(tmp_path / "s", 9).close()
    with kept(tmp_path / "other") as other:
        other.add([represented(100 + number, 2) for number in range(9)])
    file = tmp_path / "s" / VECTORS
    sound = file.read_bytes()
    draw = random.Random(1)
    for _ in range(40):
        data = bytearray(sound)
        at = draw.randrange(len(data))
        data[at] ^= 1 << draw.randrange(8)
        file.write_bytes(data)
        with CodeStore.open(tmp_path / "s") as store:
            check(store, store.vectors_missing())
    shutil.copy(tmp_path / "other" / VECTORS, file)
    with CodeStore.open(tmp_path / "s") as store:
        check(store, missing=18)


def test_a_model_file_is_the_stores_only_as_it_was(tmp_path: Path) -> None:
    with make(tmp_path / "s", 2) as store:
        assert store.model_file() is None
        store.keep_model(b"some bytes")
        first = store.model_file()
        assert first is not None
        assert first.read_bytes() == b"some bytes"
        store.keep_model(b"others")
    with CodeStore.open(tmp_path / "s", writable=True) as store:
        # The one of before was removed.
        (file,) = (tmp_path / "s").glob("model-*")
        assert file == store.model_file() != first
    file.write_bytes(b"Others")
    with CodeStore.open(tmp_path / "s") as store:
        assert store.model_file() is None
        assert store.verify() == []
