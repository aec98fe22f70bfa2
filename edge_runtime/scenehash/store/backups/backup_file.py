"""A backup file: the files of a store at several times, with each block of bytes once.

It is one SQLite file without WAL, so that SQLite's own journal makes each commit atomic on any file
system. A block is 128 KiB of a file of the store. Its key is its BLAKE2b digest (32 bytes), and it
is stored once for all backups: a backup writes only data that has changed since the last one. A
backup is listed only after all of its blocks were read back and compared.

The file may be untrusted: its values are checked before use (see Kept.of).
"""

import contextlib
import json
import os
import re
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

from scenehash.errors import NotStoredError, StoreBusyError, StoreDamagedError, StoreError

from ..catalog.database import (
    BUSY_SECONDS,
    connect,
    damaged_values,
    other_tables,
    our_errors,
)
from ..files.folder import CATALOG
from ..records import digest

SUFFIX = ".backup"
APPLICATION_ID, FORMAT = 0x5343_4E42, 1  # "SCNB"
BLOCK = 1 << 17
DIGEST = 32
# Blocks per commit and per check.
GROUP = 128
# A limit far above the number of any backup.
MOST_FILES, MOST_DOCUMENT = 10_000, 1_000_000

SCHEMA = f"""
BEGIN IMMEDIATE;
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {FORMAT};
CREATE TABLE block (digest BLOB PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE backup (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    about TEXT NOT NULL,
    seal BLOB NOT NULL
);
CREATE TABLE file (
    backup INTEGER NOT NULL,
    name TEXT NOT NULL,
    size INTEGER NOT NULL,
    blocks BLOB NOT NULL,
    PRIMARY KEY (backup, name)
) WITHOUT ROWID;
COMMIT;
"""

DAMAGED = "is not a backup file, or is damaged ({}); give another one"
# The names of a store's files. A restore writes no other name, for any backup.
_OWN = r"catalog\.sqlite|codes(\.[0-9]{1,9})?\.bin|(thumbnails|vectors)\.sqlite"
_OWN += r"|model-[0-9a-f]{16}\.onnx"
_NAME = re.compile(rf"(earlier/[A-Za-z0-9][A-Za-z0-9._-]{{0,63}}/)?({_OWN})")


@dataclass(frozen=True)
class Moment:
    """The state of a store at the time of a backup.

    uuid: the store's id. taken: the beginning of the backup, ISO 8601, UTC. commits, rows, events:
    the number of commits, the number of the next tile, and the number of the newest event.
    """

    uuid: str
    lineage: str
    bits: int
    model: str
    taken: str
    commits: int
    rows: int
    scenes: int
    tiles: int
    events: int


@dataclass(frozen=True)
class KeptFile:
    """A file of a store in a backup: its name in the store's folder, its bytes, its blocks."""

    name: str
    size: int
    blocks: Sequence[bytes]


@dataclass(frozen=True)
class Kept:
    """A backup in a backup file."""

    number: int
    moment: Moment
    files: Sequence[KeptFile]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)

    def document(self) -> dict[str, object]:
        """The backup as plain values for JSON."""
        return {"number": self.number, **asdict(self.moment), "bytes": self.size}

    def checksum(self) -> bytes:
        """A checksum of all fields."""
        files = [(file.name, file.size, b"".join(file.blocks)) for file in self.files]
        return digest(repr((self.number, self.moment, files)).encode())

    @classmethod
    def of(cls, number: int, about: str, files: Sequence[tuple[str, int, bytes]]) -> "Kept":
        """A backup from the values in a file; ValueError or TypeError if they are not valid."""
        kept = []
        for name, size, blocks in files:
            own = [blocks[at : at + DIGEST] for at in range(0, len(blocks), DIGEST)]
            if not _NAME.fullmatch(name) or size < 0 or len(own) != -(-size // BLOCK):
                raise ValueError(name)
            kept.append(KeptFile(name, size, own))
        return cls(number, Moment(**json.loads(about)), kept)


class BackupFile:
    """An open backup file; raises StoreError, or a subclass, if it cannot be read or written."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection
        kind = self._value("PRAGMA application_id")
        if kind != APPLICATION_ID:
            raise StoreError(f"{path}: not a backup of a scenehash store")
        version = self._value("PRAGMA user_version")
        if version != FORMAT:
            raise StoreError(f"{path}: backup format {version}, and this scenehash reads {FORMAT}")
        if other := other_tables(connection, SCHEMA):
            raise StoreError(
                f"{path}: damaged, or made before the first stable format (the columns of "
                f"{', '.join(other)}); back up into another file"
            )

    @classmethod
    @contextlib.contextmanager
    def reading(cls, path: Path) -> Iterator["BackupFile"]:
        """Open an existing file."""
        if (path / CATALOG).is_file():
            raise StoreError(
                f"{path}: this is a store, not a backup of one; make one with: "
                f"scenehash store backup {path} --to FILE"
            )
        if not path.is_file():
            raise StoreError(f"{path}: no such backup file")
        with (
            our_errors(path, DAMAGED),
            contextlib.closing(connect(path, writable=False)) as connection,
        ):
            yield cls(path, connection)

    @classmethod
    @contextlib.contextmanager
    def writing(cls, path: Path) -> Iterator["BackupFile"]:
        """Open a file for this process alone, and make it if it does not exist."""
        with our_errors(path, DAMAGED), contextlib.closing(_connect_alone(path)) as connection:
            yield cls(path, connection)

    def numbers(self) -> list[int]:
        """The numbers of all backups, the oldest first."""
        with our_errors(self.path, DAMAGED):
            found = self._connection.execute("SELECT number FROM backup ORDER BY number")
            return [number for (number,) in found.fetchall()]

    def read(self, number: int) -> Kept:
        """A backup; NotStoredError if there is no such number, StoreDamagedError."""
        with our_errors(self.path, DAMAGED):
            about = self._connection.execute(
                "SELECT CAST(substr(about, 1, ?) AS TEXT), seal FROM backup WHERE number = ?",
                (MOST_DOCUMENT, number),
            ).fetchone()
            files = self._connection.execute(
                "SELECT name, size, blocks FROM file WHERE backup = ? ORDER BY name LIMIT ?",
                (number, MOST_FILES),
            ).fetchall()
        if about is None:
            raise NotStoredError(f"{self.path}: there is no backup {number}")
        with damaged_values(f"{self.path}: its entry of backup {number} is damaged"):
            kept = Kept.of(number, about[0], files)
            if kept.checksum() != about[1]:
                raise ValueError("another checksum")
        return kept

    def blocks(self, file: KeptFile) -> Iterator[bytes]:
        """The blocks of a file in their order; StoreDamagedError on a changed block."""
        for at, block in enumerate(file.blocks):
            size = min(BLOCK, file.size - at * BLOCK)
            data = self._data(block, size)
            if data is None:
                raise StoreDamagedError(
                    f"{self.path}: a block of {file.name} is missing or damaged; restore another "
                    "backup, see: scenehash store backups"
                )
            yield data

    def store(self, blocks: Sequence[bytes]) -> tuple[list[bytes], int]:
        """Store blocks durably; returns their digests, and the number of new bytes.

        All of them are read back and compared, also blocks that were already stored.
        """
        digests = [block_digest(data) for data in blocks]
        with our_errors(self.path, DAMAGED):
            fresh = {
                block: data
                for block, data in zip(digests, blocks, strict=True)
                if self._data(block, len(data)) is None
            }
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.executemany(
                "INSERT OR REPLACE INTO block VALUES (?, ?)", fresh.items()
            )
            self._connection.execute("COMMIT")
        self._forget_cached()
        for block, data in fresh.items():
            if self._data(block, len(data)) is None:
                raise StoreDamagedError(
                    f"{self.path}: the disk returned other bytes than were written"
                )
        return digests, sum(map(len, fresh.values()))

    def add(self, moment: Moment, files: Sequence[KeptFile], keep: int) -> Kept:
        """List a backup whose blocks are stored, and remove all but the newest `keep` backups."""
        with our_errors(self.path, DAMAGED):
            run = self._connection.execute
            run("BEGIN IMMEDIATE")
            number = 1 + max(self._value("SELECT max(seq) FROM sqlite_sequence") or 0, 0)
            kept = Kept(number, moment, sorted(files, key=lambda file: file.name))
            run("INSERT INTO backup VALUES (?, ?, ?)", (number, _text(moment), kept.checksum()))
            self._connection.executemany(
                "INSERT INTO file VALUES (?, ?, ?, ?)",
                ((number, one.name, one.size, b"".join(one.blocks)) for one in files),
            )
            run("COMMIT")
            self._drop_beyond(keep)
        return kept

    def _drop_beyond(self, keep: int) -> None:
        """Remove the oldest backups, and all blocks that no backup uses.

        This includes blocks of an interrupted backup, since the present one has used them already.
        """
        run = self._connection.execute
        run("BEGIN IMMEDIATE")
        old = "SELECT number FROM backup ORDER BY number DESC LIMIT -1 OFFSET ?"
        run(f"DELETE FROM file WHERE backup IN ({old})", (keep,))
        run(f"DELETE FROM backup WHERE number IN ({old})", (keep,))
        used = {
            blocks[at : at + DIGEST]
            for (blocks,) in run("SELECT blocks FROM file")
            for at in range(0, len(blocks), DIGEST)
        }
        kept = [block for (block,) in run("SELECT digest FROM block")]
        unused = ((block,) for block in kept if block not in used)
        self._connection.executemany("DELETE FROM block WHERE digest = ?", unused)
        run("COMMIT")

    def _data(self, block: bytes, size: int) -> bytes | None:
        """A block of this many bytes; None if it is missing or changed."""
        with our_errors(self.path, DAMAGED):
            found = self._connection.execute(
                "SELECT data FROM block WHERE digest = ? AND length(data) = ?", (block, size)
            ).fetchone()
        if found is None or not isinstance(found[0], bytes) or block_digest(found[0]) != block:
            return None
        return found[0]

    def _forget_cached(self) -> None:
        """Make the next read come from the disk, as far as the system allows."""
        self._connection.execute("PRAGMA shrink_memory")
        if hasattr(os, "posix_fadvise"):
            with self.path.open("rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)

    def _value(self, query: str) -> Any:
        return self._connection.execute(query).fetchone()[0]


def block_digest(data: bytes) -> bytes:
    """The key of a block: 32 bytes of BLAKE2b."""
    return blake2b(data, digest_size=DIGEST).digest()


def _text(moment: Moment) -> str:
    return json.dumps(asdict(moment))


def _connect_alone(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=0, isolation_level=None)
    try:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA journal_mode = DELETE")
        # EXTRA: the journal's name is gone from the disk, too, when a commit returns.
        connection.execute("PRAGMA synchronous = EXTRA")
        connection.execute("BEGIN EXCLUSIVE")
        empty = not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        connection.execute("COMMIT")
        if empty and not connection.execute("PRAGMA application_id").fetchone()[0]:
            connection.executescript(SCHEMA)
    except sqlite3.OperationalError as error:
        connection.close()
        if getattr(error, "sqlite_errorname", "").startswith("SQLITE_BUSY"):
            raise StoreBusyError(f"{path}: another process uses this backup; try again") from error
        raise
    except BaseException:
        connection.close()
        raise
    connection.execute(f"PRAGMA busy_timeout = {int(BUSY_SECONDS * 1000)}")
    return connection
