"""rehash/: the finished work of a rehash, so that it continues after an interruption.

Derived data: each entry has a checksum over the new codes and their origin: the scene's content,
its windows, its decode parameters, the model's lineage and the width. An entry that does not match
the present scene has no effect.
"""

import contextlib
import fcntl
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from scenehash.codes import Codes
from scenehash.errors import StoreBusyError, StoreDamagedError, StoreError

from ..catalog.database import WRONG_VALUES, Database
from ..records import SceneRecord, SceneVectors, digest
from .folder import make_durably
from .tile_file import of_pixels

REHASH, LOCK = "rehash", "lock"
SCHEMA = """
CREATE TABLE IF NOT EXISTS done (
    entry INTEGER PRIMARY KEY,
    content BLOB NOT NULL UNIQUE,
    how TEXT NOT NULL,
    place TEXT NOT NULL,
    codes BLOB NOT NULL,
    vectors BLOB NOT NULL,
    seal BLOB NOT NULL
)
"""
# Entries per read.
GROUP = 1000

# What new codes were made of: kept vectors, codes of the same model that are longer, or the scene.
How = Literal["vectors", "codes", "scene"]


class Done(NamedTuple):
    """The new codes uint8 [T, K/8] of a scene.

    vectors: of its tiles, if they are new, too. moved: the present path of the scene, and the state
    of its file; None if it is at its stored path.
    """

    how: How
    codes: Codes
    vectors: SceneVectors | None = None
    moved: tuple[str, Mapping[str, object]] | None = None


class RehashWork:
    """The finished work of a store's rehash to the codes of a lineage, of a width, in a frame.

    put is durable when it returns.
    """

    def __init__(self, path: Path, lineage: str, bits: int, frame: str | None) -> None:
        self._target, self._bits, self._frame = repr((lineage, bits, frame)), bits, frame
        self._database = _opened(path / f"{_short(self._target)}.sqlite")

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def put(self, done: Sequence[tuple[SceneRecord, Done]]) -> None:
        """Store the work for scenes; StoreError on a disk error."""
        with self._database.transaction():
            self._database.run_all(
                "INSERT OR REPLACE INTO done (content, how, place, codes, vectors, seal) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                (self._values(record, one) for record, one in done),
            )

    def find(self, record: SceneRecord) -> Done | None:
        """The work for a scene; None if there is none, or it is not sound."""
        try:
            found = self._database.one(
                "SELECT how, place, codes, vectors, seal FROM done WHERE content = ?",
                bytes.fromhex(record.content),
            )
            if found is None or found[4] != self._checksum(record, *found[:4]):
                return None
            how, place, codes, vectors, _ = found
            own = np.frombuffer(vectors, np.int8).reshape(record.tiles, -1) if vectors else None
            where = json.loads(place)
            return Done(
                how,
                np.frombuffer(codes, np.uint8).reshape(record.tiles, self._bits // 8),
                None if own is None or self._frame is None else SceneVectors(self._frame, own),
                None if where is None else (where[0], where[1]),
            )
        except (StoreDamagedError, *WRONG_VALUES):
            return None

    def codes(self) -> Iterator[Codes]:
        """All new codes, in parts: uint8 [N, K/8]."""
        entry = 0
        query = "SELECT entry, codes FROM done WHERE entry > ? ORDER BY entry LIMIT ?"
        while found := self._database.all(query, entry, GROUP):
            entry = found[-1][0]
            data = b"".join(codes for _, codes in found)
            yield np.frombuffer(data, np.uint8).reshape(-1, self._bits // 8)

    def with_vectors(self) -> list[str]:
        """The content ids of the scenes whose representations are new."""
        found = self._database.all("SELECT content FROM done WHERE length(vectors) > 0")
        return [content.hex() for (content,) in found]

    def _values(self, record: SceneRecord, done: Done) -> tuple[object, ...]:
        place = json.dumps(done.moved)
        codes = np.ascontiguousarray(done.codes).tobytes()
        vectors = b"" if done.vectors is None else done.vectors.values.tobytes()
        seal = self._checksum(record, done.how, place, codes, vectors)
        return bytes.fromhex(record.content), done.how, place, codes, vectors, seal

    def _checksum(
        self, record: SceneRecord, how: str, place: str, codes: bytes, vectors: bytes
    ) -> bytes:
        params = of_pixels(json.dumps(record.decode_params, sort_keys=True))
        words = (self._target, record.content, params, how, place, len(codes))
        windows = record.windows.astype("<i8").tobytes()
        return digest(repr(words).encode() + windows + codes + vectors)


@contextlib.contextmanager
def rehash_work(store: Path, lineage: str, bits: int, frame: str | None) -> Iterator[RehashWork]:
    """The work of a store's rehash; a store has one rehash at a time.

    Raises StoreBusyError when another process rehashes the store, StoreError on a disk error.
    """
    folder = store / REHASH
    with contextlib.ExitStack() as stack:
        try:
            make_durably(folder)
            file = stack.enter_context((folder / LOCK).open("ab"))
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StoreBusyError(f"{store}: another process rehashes this store already") from error
        except OSError as error:
            raise StoreError(f"{folder}: cannot be written to ({error.strerror})") from error
        yield stack.enter_context(contextlib.closing(RehashWork(folder, lineage, bits, frame)))


def forget_work(store: Path) -> None:
    """Remove the work of a store's rehashes; StoreError on a disk error."""
    try:
        shutil.rmtree(store / REHASH)
    except OSError as error:
        raise StoreError(f"{store / REHASH}: cannot be removed ({error.strerror})") from error


def _opened(path: Path) -> Database:
    """The file; a new one if there is none, or if it is damaged or older than its first stable
    format: that work is then repeated.
    """
    try:
        database = Database.open(path, writable=True)
        try:
            database.run(SCHEMA)
            sound = database.all("PRAGMA quick_check") == [("ok",)]
            if sound and not database.other_tables(SCHEMA):
                return database
        except BaseException:
            database.close()
            raise
        database.close()
    except StoreDamagedError:
        pass
    for beside in ("", "-wal", "-shm"):
        path.with_name(path.name + beside).unlink(missing_ok=True)
    database = Database.open(path, writable=True)
    database.run(SCHEMA)
    return database


def _short(text: str) -> str:
    return blake2b(text.encode(), digest_size=8).hexdigest()
