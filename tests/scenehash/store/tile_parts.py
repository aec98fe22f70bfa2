"""What a store keeps of tiles in files of their own, thumbnails and vectors, as tests make it."""

import random
from abc import ABC, abstractmethod
from dataclasses import replace
from pathlib import Path

import numpy as np

from scenehash import CodeStore
from scenehash.scenes import Window
from scenehash.store import THUMBNAILS, VECTORS, HashedScene, SceneVectors
from scenehash.store.files.tile_file import TileFile

from .samples import LINEAGE, scene

FRAME, DIMS = "colours", 24


class Part(ABC):
    """One of them.

    name: of its file in the store's folder. command: makes that file anew.
    """

    name: str
    command: str

    @abstractmethod
    def file(self, store: CodeStore) -> TileFile:
        """Where a store has it."""

    @abstractmethod
    def keep(self, store: CodeStore) -> None:
        """Have a store keep it from now on."""

    @abstractmethod
    def drop(self, store: CodeStore) -> None:
        """Have a store keep it no longer."""

    @abstractmethod
    def count(self, store: CodeStore) -> int:
        """Of how many tiles a store has it."""

    @abstractmethod
    def scene(self, number: int, tiles: int = 1) -> HashedScene:
        """A scene whose tiles have it: other bytes for every tile there is."""

    @abstractmethod
    def check(self, store: CodeStore, missing: int = 0) -> None:
        """Each tile has its own; as many as said have none."""

    @abstractmethod
    def found(self, store: CodeStore, rows: list[int]) -> list[int]:
        """Those of some rows whose tiles have it."""

    def store(self, path: Path, scenes: int = 0) -> CodeStore:
        """A store with it, open for writing, of scenes of one, two and three tiles in turn."""
        store = CodeStore.create(path, LINEAGE, 64, "a-model")
        self.keep(store)
        store.add([self.scene(number, 1 + number % 3) for number in range(scenes)])
        return store


class _Thumbnails(Part):
    name, command = THUMBNAILS, "scenehash store thumbnails"

    def file(self, store: CodeStore) -> TileFile:
        return store.thumbnails

    def keep(self, store: CodeStore) -> None:
        store.keep_thumbnails()

    def drop(self, store: CodeStore) -> None:
        store.keep_thumbnails(False)

    def count(self, store: CodeStore) -> int:
        return store.thumbnail_count()

    def scene(self, number: int, tiles: int = 1) -> HashedScene:
        plain = scene(number, tiles)
        own = [self.picture(plain.content, window) for window in plain.windows]
        return replace(plain, thumbnails=own)

    def check(self, store: CodeStore, missing: int = 0) -> None:
        without = 0
        for record, pictures in store.thumbnails_by_scene():
            for window, found in zip(record.windows.tolist(), pictures, strict=True):
                without += found is None
                assert found in (None, self.picture(record.content, Window(*window)))
        assert without == missing

    def found(self, store: CodeStore, rows: list[int]) -> list[int]:
        return sorted(store.thumbnails.of(rows))

    @staticmethod
    def picture(content: str, window: Window) -> bytes:
        """What stands for the JPEG of a tile."""
        return f"{content} {window}".encode() * 20


class _Vectors(Part):
    name, command = VECTORS, "scenehash store vectors"

    def file(self, store: CodeStore) -> TileFile:
        return store.vectors

    def keep(self, store: CodeStore) -> None:
        store.keep_vectors(FRAME, DIMS)

    def drop(self, store: CodeStore) -> None:
        store.drop_vectors()

    def count(self, store: CodeStore) -> int:
        return store.vector_count()

    def scene(self, number: int, tiles: int = 1, frame: str = FRAME) -> HashedScene:
        plain = scene(number, tiles)
        own = b"".join(self.vector(plain.content, window, frame) for window in plain.windows)
        vectors = SceneVectors(frame, np.frombuffer(own, np.int8).reshape(tiles, DIMS))
        return replace(plain, vectors=vectors)

    def check(self, store: CodeStore, missing: int = 0) -> None:
        without = 0
        for record, _ in store.scenes():
            rows = np.arange(record.first_row, record.first_row + record.tiles)
            there, vectors = store.vectors.read(rows)
            without += len(rows) - len(there)
            for row, own in zip(there.tolist(), vectors, strict=True):
                window = Window(*record.windows[row - record.first_row].tolist())
                assert own.tobytes() == self.vector(record.content, window)
            whole = store.vectors.read_scene(record)
            assert (whole is None) == (len(there) < len(rows))
        assert without == missing == store.vectors_missing()

    def found(self, store: CodeStore, rows: list[int]) -> list[int]:
        return sorted(store.vectors.read(np.array(rows))[0].tolist())

    @staticmethod
    def vector(content: str, window: Window, frame: str = FRAME) -> bytes:
        """The vector of a tile."""
        return random.Random(f"{content} {window} {frame}").randbytes(DIMS)


THUMBNAIL_PART, VECTOR_PART = _Thumbnails(), _Vectors()
