"""The code store: one folder that holds scenes, tiles and codes, and loses none of them.

The commit rule: codes are appended to codes.bin and flushed to the disk, then the catalog commits
the rows, the row count and the checksums in one SQLite transaction. Whatever was not committed is
not there, and the next writer overwrites it.
"""

import contextlib
import fcntl
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO

import numpy as np
import numpy.typing as npt

from .catalog import Catalog, Identity, SceneEntry, is_vacant
from .codes import Codes, check_bits
from .codes_file import CodesFile, checksum
from .errors import LineageError, StoreBusyError, StoreError
from .filters import Filter
from .index import NO_ROW, CodeIndex
from .scenes import Window

CATALOG, CODES, LOCK = "catalog.sqlite", "codes.bin", "writer.lock"


@dataclass(frozen=True)
class Hit:
    """A row of a store and its Hamming distance to the query; rank 1 is the nearest."""

    rank: int
    distance: int
    row: int
    scene: str
    window: Window


@dataclass(frozen=True)
class HashedScene:
    """A scene that is ready to be stored: codes uint8 [T, K/8], one for each of its T windows."""

    content: str
    path: str
    windows: Sequence[Window]
    codes: Codes


class CodeStore:
    """An open store. Any number may read it; one at a time may write.

    A store sees the rows that were committed when it was opened, or last refreshed.
    """

    def __init__(self, path: Path, catalog: Catalog, lock: IO[bytes] | None) -> None:
        self.path = path
        self._catalog = catalog
        self._lock = lock
        self._codes_file = CodesFile(path / CODES, self.bits // 8)
        self.refresh()

    def __enter__(self) -> "CodeStore":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __len__(self) -> int:
        return self._rows

    def __repr__(self) -> str:
        return f"CodeStore({str(self.path)!r}, rows={len(self)}, bits={self.bits})"

    @classmethod
    def open(cls, path: str | Path, writable: bool = False) -> "CodeStore":
        """Open the store in a folder.

        Raises StoreError when there is none or it cannot be read (or written, if writable), and
        StoreBusyError when another process writes to it and this one wants to as well.
        """
        path = Path(path)
        if not (path / CATALOG).is_file():
            raise StoreError(
                f"{path}: no scenehash store here; make one with: "
                f"scenehash ingest IMAGES --store {path}"
            )
        with contextlib.ExitStack() as undo:
            lock = undo.enter_context(_lock(path)) if writable else None
            catalog = undo.enter_context(contextlib.closing(Catalog.open(path / CATALOG, writable)))
            store = cls(path, catalog, lock)
            undo.pop_all()
        return store

    @classmethod
    def create(cls, path: str | Path, lineage: str, bits: int, model: str) -> "CodeStore":
        """Make an empty store in a folder that is new or empty, and open it for writing.

        Codes of that lineage and width alone can be added; model is a name for people. Raises
        StoreError when the folder holds something else, or cannot be written to.
        """
        path = Path(path)
        check_bits(bits)
        _make_folder(path)
        with contextlib.ExitStack() as undo:
            lock = undo.enter_context(_lock(path))
            catalog = _initialise(path, Identity(lineage, bits, model))
            undo.enter_context(contextlib.closing(catalog))
            store = cls(path, catalog, lock)
            undo.pop_all()
        return store

    @classmethod
    def open_or_create(cls, path: str | Path, lineage: str, bits: int, model: str) -> "CodeStore":
        """Open the store in a folder for writing, or make one where there is none.

        Raises LineageError when the store holds codes of another lineage or width.
        """
        if not (Path(path) / CATALOG).is_file() or is_vacant(Path(path) / CATALOG):
            return cls.create(path, lineage, bits, model)
        store = cls.open(path, writable=True)
        try:
            store.check(lineage, bits)
        except LineageError:
            store.close()
            raise
        return store

    @property
    def lineage(self) -> str:
        """Id of the training run whose codes the store holds."""
        return self._catalog.identity.lineage

    @property
    def bits(self) -> int:
        """Width K of a code."""
        return self._catalog.identity.bits

    @property
    def model(self) -> str:
        """Name of the model that made the codes, for people."""
        return self._catalog.identity.model

    def check(self, lineage: str, bits: int) -> None:
        """Raise LineageError unless codes of this lineage and width belong in the store."""
        if (lineage, bits) != (self.lineage, self.bits):
            raise LineageError(
                f"{self.path}: holds {self.bits}-bit codes of model {self.model} (lineage "
                f"{self.lineage}), not {bits}-bit codes of lineage {lineage}; name that model "
                "with --model, or choose another store"
            )

    def refresh(self) -> None:
        """See what has been committed since."""
        self._rows = self._catalog.rows()
        self._codes = self._codes_file.read(self._rows)

    def counts(self) -> tuple[int, int]:
        """How many scenes and tiles are stored."""
        return self._catalog.counts()

    def knows(self, content: str) -> bool:
        """Whether a scene of this content id is stored."""
        return self._catalog.knows(content)

    def add(self, scenes: Sequence[HashedScene]) -> None:
        """Store scenes: all of them, durable when this returns, or none.

        Raises StoreError when the disk refuses; what was stored before is intact.
        """
        if self._lock is None:
            raise StoreError(f"{self.path}: the store was opened for reading only")
        if not scenes:
            return
        entries, row = [], self._rows
        for scene in scenes:
            if scene.codes.shape != (len(scene.windows), self.bits // 8):
                raise LineageError(
                    f"{scene.path}: codes of shape {scene.codes.shape} for {len(scene.windows)} "
                    f"tiles do not fit a store of {self.bits} bits"
                )
            entries.append(
                SceneEntry(scene.content, scene.path, row, scene.windows, checksum(scene.codes))
            )
            row += len(scene.windows)
        self._codes_file.append(np.concatenate([scene.codes for scene in scenes]), self._rows)
        self._catalog.commit(entries, row)
        self.refresh()

    def codes(self, rows: npt.NDArray[np.int64]) -> Codes:
        """The stored codes of rows int64 [N]: uint8 [N, K/8]. StoreError on a row not there."""
        if len(rows) and not 0 <= rows.min() <= rows.max() < len(self):
            raise StoreError(f"{self.path}: no such row (it has rows 0 to {len(self) - 1})")
        return np.array(self._codes[rows])

    def tile(self, row: int) -> tuple[str, Window]:
        """The path of a row's scene, and the row's window in it."""
        return self._catalog.tile(row)

    def search(
        self, codes: Codes, k: int, radius: int | None = None, where: Filter | None = None
    ) -> list[list[Hit]]:
        """The k nearest stored tiles of each code uint8 [Q, K/8], nearest first, ties by row.

        radius: leave out tiles that are farther, in bits. where: search only the rows for which
        the filter holds.
        """
        rows = None if where is None else self._committed(self._catalog.rows_where(where))
        distances, found = CodeIndex(self._codes).search(codes, min(k, len(self)), radius, rows)
        return [
            [
                Hit(rank, int(distance), int(row), *self._catalog.tile(int(row)))
                for rank, (distance, row) in enumerate(zip(near, at, strict=True), start=1)
                if row != NO_ROW
            ]
            for near, at in zip(distances, found, strict=True)
        ]

    def verify(self) -> list[str]:
        """Read everything back and say what is damaged, a line each, by scene; none is good."""
        damage = [f"{CATALOG}: {line}" for line in self._catalog.damage()]
        expected = 0
        for scene in self._catalog.scene_codes():
            last = scene.first_row + scene.tiles
            if scene.first_row != expected:
                damage.append(f"{CATALOG}: rows {expected} to {scene.first_row - 1} have no scene")
            if (
                last <= len(self)
                and checksum(self._codes[scene.first_row : last]) != scene.checksum
            ):
                damage.append(f"{scene.path}: its codes are damaged (rows from {scene.first_row})")
            expected = last
        if expected < len(self):
            damage.append(f"{CATALOG}: rows {expected} to {len(self) - 1} have no scene")
        return damage

    def close(self) -> None:
        """Close the files and let another process write."""
        self._catalog.close()
        if self._lock is not None:
            self._lock.close()

    def _committed(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Leave out rows that a writer has committed since the last refresh."""
        return rows[rows < len(self)]


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
        strangers = {entry.name for entry in path.iterdir()} - {LOCK, CODES}
    except OSError as error:
        raise StoreError(f"{path}: cannot be made a store ({error.strerror})") from error
    if any(not name.startswith(CATALOG) for name in strangers):
        raise StoreError(
            f"{path}: not a scenehash store, and not empty; choose another folder for the store"
        )


def _lock(path: Path) -> IO[bytes]:
    try:
        lock = (path / LOCK).open("ab")
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.close()
        raise StoreBusyError(
            f"{path}: another process is writing to this store; try again when it has finished"
        ) from error
    except OSError as error:
        raise StoreError(
            f"{path}: the store cannot be written to ({error.strerror}); "
            "change the permissions of its folder, or choose another store"
        ) from error
    return lock


def _initialise(path: Path, identity: Identity) -> Catalog:
    if not is_vacant(path / CATALOG):
        raise StoreError(f"{path}: there is a store here already")
    try:
        with (path / CODES).open("wb") as file:
            os.fsync(file.fileno())
    except OSError as error:
        raise StoreError(f"{path}: cannot be made a store ({error.strerror})") from error
    catalog = Catalog.create(path / CATALOG, identity)
    _flush_folder(path)
    return catalog


def _flush_folder(path: Path) -> None:
    """Make the names of new files durable, not only their contents."""
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
