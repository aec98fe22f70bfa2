"""Vectors count in the space of one model alone; see test_tile_files.py for what all parts have."""

import random
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np

from scenehash import CodeStore
from scenehash.scenes import Window
from scenehash.store import VECTORS, HashedScene, SceneVectors

from .samples import make, scene
from .tile_parts import DIMS, FRAME, VECTOR_PART


def test_many_are_read_in_parts(tmp_path: Path) -> None:
    with VECTOR_PART.store(tmp_path / "s") as store:
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


def test_a_store_keeps_none_of_another_space(tmp_path: Path) -> None:
    with make(tmp_path / "s", 2) as store:
        assert store.vectors.frame is None
        store.keep_vectors(FRAME, DIMS)
        store.add([VECTOR_PART.scene(6), VECTOR_PART.scene(8, frame="others")])
        short = SceneVectors(FRAME, np.zeros((1, DIMS - 1), np.int8))
        store.add([replace(scene(9), vectors=short)])
        VECTOR_PART.check(store, missing=5)
        assert store.verify() == []


def test_vectors_of_another_frame_do_not_count_any_more(tmp_path: Path) -> None:
    with VECTOR_PART.store(tmp_path / "s", 3) as store:
        store.keep_vectors("others", DIMS)
        there, vectors = store.vectors.read(np.arange(6))
        assert (len(there), vectors.shape) == (0, (0, DIMS))
        store.keep_vectors(FRAME, DIMS)
        VECTOR_PART.check(store)
    with CodeStore.open(tmp_path / "s") as store:
        assert (store.vectors.frame, store.vectors.dims) == (FRAME, DIMS)


def test_a_changed_byte_and_the_file_of_another_store_make_no_wrong_vector_count(
    tmp_path: Path,
) -> None:
    VECTOR_PART.store(tmp_path / "s", 9).close()
    with VECTOR_PART.store(tmp_path / "other") as other:
        other.add([VECTOR_PART.scene(100 + number, 2) for number in range(9)])
    file = tmp_path / "s" / VECTORS
    sound = file.read_bytes()
    draw = random.Random(1)
    for _ in range(40):
        data = bytearray(sound)
        at = draw.randrange(len(data))
        data[at] ^= 1 << draw.randrange(8)
        file.write_bytes(data)
        with CodeStore.open(tmp_path / "s") as store:
            VECTOR_PART.check(store, store.vectors_missing())
    shutil.copy(tmp_path / "other" / VECTORS, file)
    with CodeStore.open(tmp_path / "s") as store:
        VECTOR_PART.check(store, missing=18)


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
