"""The catalog of a store: an SQLite file, and the only place where anything is committed."""

import contextlib
import json
import sqlite3
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt

from scenehash.errors import StoreDamagedError, StoreError
from scenehash.geo import Box
from scenehash.windows import Window

from .alerts import ALERT_SCHEMA
from .blocks import Block, blocks_of
from .database import connect, our_errors, snapshot, transaction
from .outbox import OUTBOX_SCHEMA
from .quarantine import QUARANTINE_SCHEMA
from .records import SceneRecord, Tile, digest
from .rows import Ranges, Rows
from .statements import Statements

FORMAT = 1
APPLICATION_ID = 0x5343_4E48  # "SCNH": tells `file` and us that this SQLite file is a catalog

SCHEMA = """
CREATE TABLE store (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    uuid TEXT NOT NULL,
    lineage TEXT NOT NULL,
    bits INTEGER NOT NULL,
    model TEXT NOT NULL,
    rows INTEGER NOT NULL,
    positions INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    commits INTEGER NOT NULL,
    seal BLOB NOT NULL
);
CREATE TABLE scene (
    scene INTEGER PRIMARY KEY,
    content BLOB NOT NULL UNIQUE,
    path TEXT NOT NULL,
    time REAL,
    labels TEXT NOT NULL,
    reading TEXT NOT NULL,
    first_row INTEGER NOT NULL,
    tiles INTEGER NOT NULL,
    checksum BLOB NOT NULL,
    seal BLOB NOT NULL
);
CREATE TABLE tile (
    row INTEGER PRIMARY KEY,
    scene INTEGER NOT NULL REFERENCES scene,
    x INTEGER NOT NULL,
    y INTEGER NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    footprint BLOB
);
CREATE TABLE label (
    label TEXT NOT NULL,
    scene INTEGER NOT NULL REFERENCES scene,
    PRIMARY KEY (label, scene)
) WITHOUT ROWID;
CREATE TABLE deleted (
    first_row INTEGER PRIMARY KEY,
    tiles INTEGER NOT NULL,
    dropped INTEGER NOT NULL
);
CREATE INDEX scene_by_path ON scene (path);
CREATE INDEX scene_by_time ON scene (time) WHERE time IS NOT NULL;
CREATE VIRTUAL TABLE block USING rtree (
    id, west, east, south, north, +first_row INTEGER, +last_row INTEGER, +every INTEGER
);
"""
SCHEMA += QUARANTINE_SCHEMA + OUTBOX_SCHEMA + ALERT_SCHEMA

FOOTPRINT_BYTES = 64
BLOCK_COLUMNS = ", ".join(Block._fields)
MEETING = "east >= ? AND west <= ? AND north >= ? AND south <= ?"


@dataclass(frozen=True)
class State:
    """Whose codes a store holds, and how far it has come.

    rows: the number that the next tile gets. positions: how many codes codes.bin holds. generation:
    how often the codes were compacted. revision: how often codes were repaired in their place.
    commits: how often anything was committed.
    """

    uuid: str
    lineage: str
    bits: int
    model: str
    rows: int = 0
    positions: int = 0
    generation: int = 0
    revision: int = 0
    commits: int = 0

    def seal(self) -> bytes:
        """A checksum of all that the state says."""
        return digest(repr(self).encode())


class Catalog(Statements):
    """An open catalog. Every method raises StoreError, or one below it, on what SQLite refuses."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        super().__init__(path, connection)
        with self._guard():
            _check_format(path, connection)
        if self._one("SELECT seal FROM store")[0] != self.state().seal():
            raise StoreDamagedError(
                f"{path}: what it says of the store as a whole is damaged; restore it from a "
                "backup, or ingest into a new store"
            )

    @classmethod
    def create(cls, path: Path, state: State) -> "Catalog":
        """Make an empty catalog; a half-made one of an earlier try is taken over."""
        with our_errors(path):
            connection = connect(path, writable=True)
            connection.executescript(
                "BEGIN IMMEDIATE;"
                f"PRAGMA application_id = {APPLICATION_ID};"
                f"PRAGMA user_version = {FORMAT};" + SCHEMA
            )
            connection.execute(
                "INSERT INTO store VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", _state_values(state)
            )
            connection.execute("COMMIT")
        return cls(path, connection)

    @classmethod
    def open(cls, path: Path, writable: bool) -> "Catalog":
        """Open the catalog at path."""
        with our_errors(path):
            connection = connect(path, writable)
        return cls(path, connection)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    @property
    def writes(self) -> int:
        """How many entries were written since the catalog was opened."""
        return self._connection.total_changes

    def snapshot(self) -> "contextlib.AbstractContextManager[None]":
        """All that is read inside is of one moment."""
        return self._inside(snapshot(self._connection))

    def transaction(self) -> "contextlib.AbstractContextManager[None]":
        """All that is written inside is committed at its end, or nothing of it."""
        return self._inside(transaction(self._connection))

    def state(self) -> State:
        """What is committed."""
        return State(*self._one(f"SELECT {', '.join(State.__dataclass_fields__)} FROM store"))

    def change(self, state: State) -> None:
        """Change the state, and count the commit that this is part of."""
        state = replace(state, commits=state.commits + 1)
        columns = ", ".join(f"{name} = ?" for name in (*State.__dataclass_fields__, "seal"))
        self._write(f"UPDATE store SET {columns}", _state_values(state))

    def counts(self) -> tuple[int, int]:
        """How many scenes and tiles are stored."""
        found = self._one("SELECT count(*), coalesce(sum(tiles), 0) FROM scene")
        return int(found[0]), int(found[1])

    def deleted(self, dropped: bool) -> Ranges:
        """The rows that were deleted: those dropped from codes.bin, or those still in it."""
        query = "SELECT first_row, tiles FROM deleted WHERE dropped = ? ORDER BY first_row"
        return Ranges.of(self._all(query, int(dropped)))

    def find(self, contents: Sequence[str]) -> dict[str, int]:
        """The numbers, in this catalog, of the scenes of these contents that it has."""
        wanted = [bytes.fromhex(content) for content in contents]
        found = self._in("SELECT content, scene FROM scene WHERE content", wanted)
        return {content.hex(): scene for content, scene in found}

    def at_paths(self, paths: Sequence[str]) -> dict[str, list[int]]:
        """The numbers of the scenes that were ingested from these paths."""
        scenes: dict[str, list[int]] = {}
        for path, scene in self._in("SELECT path, scene FROM scene WHERE path", paths):
            scenes.setdefault(path, []).append(scene)
        return scenes

    def path_of(self, scene: int) -> str:
        """The path of a scene, as far as it can be read."""
        found = self._one("SELECT CAST(path AS BLOB) FROM scene WHERE scene = ?", scene)
        return str(found[0], errors="replace") if found and found[0] else f"scene {scene}"

    def scenes(self) -> Iterator[tuple[int, int, int]]:
        """Every scene's number, first row and number of tiles, in the order of rows."""
        query = (
            "SELECT scene, coalesce(CAST(first_row AS INTEGER), 0), "
            "coalesce(CAST(tiles AS INTEGER), 0) FROM scene ORDER BY first_row"
        )
        with self._guard():
            yield from self._connection.execute(query)

    def record(self, scene: int) -> tuple[SceneRecord, bytes]:
        """A scene's record, and the seal that it must have; StoreDamagedError when it is none."""
        found = self._one(
            "SELECT content, path, time, labels, reading, first_row, tiles, checksum, seal "
            "FROM scene "
            "WHERE scene = ?",
            scene,
        )
        if found is None:
            raise StoreDamagedError(f"scene {scene}: its entry in the catalog is damaged")
        content, path, time, labels, reading, first_row, count, checksum, seal = found
        tiles = self._all(
            "SELECT x, y, width, height, footprint FROM tile "
            "WHERE row BETWEEN ? AND ? AND scene = ? ORDER BY row",
            first_row,
            first_row + count - 1,
            scene,
        )
        places = [tile[4] for tile in tiles if tile[4] is not None]
        try:
            record = SceneRecord(
                content.hex(),
                path,
                time,
                tuple(json.loads(labels)),
                json.loads(reading),
                first_row,
                np.array([tile[:4] for tile in tiles], np.int64).reshape(-1, 4),
                _footprints(places) if places else None,
                checksum,
            )
        except (AttributeError, TypeError, ValueError, OverflowError) as error:
            raise StoreDamagedError(f"{path}: its entry in the catalog is damaged") from error
        return record, seal

    def blocks(self, record: SceneRecord) -> list[Block]:
        """The blocks of a scene in the R*Tree, by their id."""
        return [
            Block(*found)
            for found in self._all(
                f"SELECT {BLOCK_COLUMNS} FROM block WHERE id BETWEEN ? AND ? ORDER BY id",
                2 * record.first_row,
                2 * (record.first_row + record.tiles) - 1,
            )
        ]

    def labelled(self, scene: int) -> tuple[str, ...]:
        """The labels by which a scene is found."""
        query = "SELECT label FROM label WHERE scene = ? ORDER BY label"
        return tuple(label for (label,) in self._all(query, scene))

    def insert(self, records: Sequence[SceneRecord]) -> None:
        """Add scenes."""
        first = int(self._one("SELECT coalesce(max(scene), 0) + 1 FROM scene")[0])
        numbered = list(enumerate(records, start=first))
        with self._guard():
            self._connection.executemany(
                "INSERT INTO scene VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (_scene_values(scene, record) for scene, record in numbered),
            )
            self._connection.executemany(
                "INSERT INTO tile VALUES (?, ?, ?, ?, ?, ?, ?)",
                (values for scene, record in numbered for values in _tile_values(scene, record)),
            )
            self._connection.executemany(
                "INSERT INTO label VALUES (?, ?)",
                ((label, scene) for scene, record in numbered for label in record.labels),
            )
            self._insert_blocks(records)

    def remove(self, scene: int, record: SceneRecord) -> None:
        """Take a scene out; its rows must be marked as deleted, or given to another."""
        self._write("DELETE FROM label WHERE scene = ?", (scene,))
        self._write(
            "DELETE FROM block WHERE id BETWEEN ? AND ?",
            (2 * record.first_row, 2 * (record.first_row + record.tiles) - 1),
        )
        self._write(
            "DELETE FROM tile WHERE row BETWEEN ? AND ?",
            (record.first_row, record.first_row + record.tiles - 1),
        )
        self._write("DELETE FROM scene WHERE scene = ?", (scene,))

    def remove_damaged(self, scene: int) -> None:
        """Take a scene out whose entry cannot be trusted, and make anew what is derived."""
        self._write("DELETE FROM tile WHERE scene = ?", (scene,))
        self._write("DELETE FROM scene WHERE scene = ?", (scene,))
        self._write("REINDEX", ())
        self._write("DELETE FROM label", ())
        self._write(
            "INSERT OR IGNORE INTO label SELECT value, scene FROM scene, json_each(labels) "
            "WHERE json_valid(labels)",
            (),
        )
        self._write("DELETE FROM block", ())
        for other, _, _ in list(self.scenes()):
            with contextlib.suppress(StoreDamagedError):
                self._insert_blocks([self.record(other)[0]])

    def mark_deleted(self, first_row: int, tiles: int) -> None:
        """Remember that rows have no tile any more, while codes.bin still has their codes."""
        self._write("INSERT INTO deleted VALUES (?, ?, 0)", (first_row, tiles))

    def mark_dropped(self, ranges: Ranges) -> None:
        """Remember that these rows, and no others, are not in codes.bin any more."""
        self._write("DELETE FROM deleted", ())
        with self._guard():
            self._connection.executemany(
                "INSERT INTO deleted VALUES (?, ?, 1)",
                zip(ranges.first.tolist(), ranges.count.tolist(), strict=True),
            )

    def scenes_of(self, ranges: Ranges) -> list[int]:
        """The numbers of the scenes that have a tile in ranges of rows."""
        query = "SELECT DISTINCT scene FROM tile WHERE row BETWEEN ? AND ?"
        scenes: dict[int, None] = {}
        for first, count in zip(ranges.first.tolist(), ranges.count.tolist(), strict=True):
            scenes.update((scene, None) for (scene,) in self._all(query, first, first + count - 1))
        return list(scenes)

    def tiles(self, rows: Sequence[int]) -> dict[int, Tile]:
        """The tiles in rows; a row that has none is left out."""
        found = self._in(
            "SELECT row, path, x, y, width, height, time, footprint, labels, reading "
            "FROM tile JOIN scene USING (scene) WHERE row",
            rows,
        )
        return {row: _tile(*values) for row, *values in found}

    def origins(self, rows: Sequence[int]) -> dict[int, tuple[bytes, list[int], str]]:
        """What the pixels of rows are of: content, (x, y, width, height), reading as JSON."""
        found = self._in(
            "SELECT row, content, reading, x, y, width, height "
            "FROM tile JOIN scene USING (scene) WHERE row",
            rows,
        )
        return {row: (content, window, reading) for row, content, reading, *window in found}

    def keeps_thumbnails(self) -> bool:
        """Whether there are to be thumbnails of what is added: whether there is a table for it."""
        found = self._one("SELECT count(*) FROM sqlite_master WHERE name = 'thumbnails'")
        return bool(found[0])

    def keep_thumbnails(self, kept: bool) -> None:
        """Say whether there are to be."""
        if kept:
            self._write("CREATE TABLE IF NOT EXISTS thumbnails (kept INTEGER)", ())
        else:
            self._write("DROP TABLE IF EXISTS thumbnails", ())

    def scene_ranges(self, condition: str, values: Sequence[str | float]) -> list[tuple[int, int]]:
        """First row and number of tiles of the scenes for which an SQL condition holds, by rows."""
        return sorted(self._all(f"SELECT first_row, tiles FROM scene WHERE {condition}", *values))

    def count_scenes(self, condition: str, values: Sequence[str | float], most: int) -> int:
        """How many scenes an SQL condition holds for; it stops counting at so many."""
        query = f"SELECT count(*) FROM (SELECT 1 FROM scene WHERE {condition} LIMIT ?)"
        return int(self._one(query, *values, most)[0])

    def rows_of_scenes(self, rows: Rows, condition: str, values: Sequence[str | float]) -> Rows:
        """Those of rows int64 [N] that are tiles of scenes for which an SQL condition holds."""
        query = f"SELECT row FROM tile JOIN scene USING (scene) WHERE {condition} AND row"
        return np.array(self._in(query, rows.tolist(), *values), np.int64).reshape(-1)

    def blocks_meeting(self, box: Box) -> Rows:
        """The blocks that may meet a box with west <= east: int64 [N, 3].

        Their first and last rows, and whether all their tiles lie in the box for certain.
        """
        found = self._all(
            "SELECT first_row, last_row, "
            "every AND west >= ? AND east <= ? AND south >= ? AND north <= ? "
            f"FROM block WHERE {MEETING}",
            *_sides(box),
            *_sides(box),
        )
        return np.array(found, np.int64).reshape(-1, 3)

    def count_blocks(self, box: Box, most: int) -> int:
        """How many those are; it stops counting at so many."""
        query = f"SELECT count(*) FROM (SELECT 1 FROM block WHERE {MEETING} LIMIT ?)"
        return int(self._one(query, *_sides(box), most)[0])

    def footprints(self, first_row: int, last_row: int) -> tuple[Rows, npt.NDArray[np.float64]]:
        """Rows int64 [N] of a range that have a footprint, and these, float64 [N, 4, 2]."""
        query = "SELECT row, footprint FROM tile WHERE footprint NOT NULL AND row BETWEEN ? AND ?"
        return _placed(self._all(query, first_row, last_row))

    def footprints_of(self, rows: Rows) -> tuple[Rows, npt.NDArray[np.float64]]:
        """The same of single rows."""
        query = "SELECT row, footprint FROM tile WHERE footprint NOT NULL AND row"
        return _placed(self._in(query, rows.tolist()))

    def damage(self) -> list[str]:
        """What SQLite's own checks find wrong with the file."""
        found = self._all("PRAGMA integrity_check") + self._all("SELECT rtreecheck('block')")
        return [" ".join(str(line).split()) for (line,) in found if line != "ok"]

    def checkpoint(self) -> bool:
        """Bring what is committed from the log into the file; whether all of it is there now."""
        _, waiting, done = self._one("PRAGMA wal_checkpoint(PASSIVE)")
        return bool(waiting == done)

    def shrink(self) -> None:
        """Give the room of deleted entries back to the disk."""
        self._write("VACUUM", ())

    def _insert_blocks(self, records: Sequence[SceneRecord]) -> None:
        self._connection.executemany(
            f"INSERT INTO block ({BLOCK_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            blocks_of(records),
        )

    @contextlib.contextmanager
    def _inside(self, context: "contextlib.AbstractContextManager[None]") -> Iterator[None]:
        with self._guard(), context:
            yield


def is_vacant(path: Path) -> bool:
    """Whether there is no catalog at path yet, or one whose making was interrupted."""
    if not path.exists():
        return True
    with our_errors(path), contextlib.closing(connect(path, writable=False)) as connection:
        return connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is None


def _check_format(path: Path, connection: sqlite3.Connection) -> None:
    kind = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if kind != APPLICATION_ID:
        raise StoreError(f"{path}: not the catalog of a scenehash store")
    if version != FORMAT:
        raise StoreError(
            f"{path}: store format {version}, and this scenehash reads format {FORMAT}: "
            "update scenehash"
        )
    columns = {name for _, name, *_ in connection.execute("PRAGMA table_info(store)")}
    if "generation" not in columns:
        raise StoreError(
            f"{path}: made by a scenehash from before its format was settled; "
            "ingest the scenes into a new store"
        )


def _state_values(state: State) -> tuple[object, ...]:
    return (*(getattr(state, name) for name in State.__dataclass_fields__), state.seal())


def _scene_values(scene: int, record: SceneRecord) -> tuple[object, ...]:
    return (
        scene,
        bytes.fromhex(record.content),
        record.path,
        record.time,
        json.dumps(record.labels, ensure_ascii=False),
        json.dumps(record.reading, sort_keys=True),
        record.first_row,
        record.tiles,
        record.checksum,
        record.seal(),
    )


def _tile_values(scene: int, record: SceneRecord) -> Iterator[tuple[object, ...]]:
    places: list[bytes | None] = [None] * record.tiles
    if record.footprints is not None:
        data = record.footprints.astype("<f8").tobytes()
        places = [data[at : at + FOOTPRINT_BYTES] for at in range(0, len(data), FOOTPRINT_BYTES)]
    rows = range(record.first_row, record.first_row + record.tiles)
    for row, window, place in zip(rows, record.windows.tolist(), places, strict=True):
        yield (row, scene, *window, place)


def _tile(
    path: str,
    x: int,
    y: int,
    width: int,
    height: int,
    time: float | None,
    place: bytes | None,
    labels: str,
    reading: str,
) -> Tile:
    corners = None if place is None else struct.unpack("<8d", place)
    return Tile(
        path,
        Window(x, y, width, height),
        None if time is None else datetime.fromtimestamp(time, UTC),
        None if corners is None else tuple(zip(corners[::2], corners[1::2], strict=True)),
        tuple(json.loads(labels)),
        json.loads(reading),
    )


def _sides(box: Box) -> tuple[float, float, float, float]:
    """The values for MEETING, or for what lies within."""
    return box.west, box.east, box.south, box.north


def _placed(found: Sequence[tuple[int, bytes]]) -> tuple[Rows, npt.NDArray[np.float64]]:
    """Rows and footprints of pairs."""
    rows = np.array([row for row, _ in found], np.int64)
    return rows, _footprints([place for _, place in found])


def _footprints(blobs: Sequence[bytes]) -> npt.NDArray[np.float64]:
    return np.frombuffer(b"".join(blobs), "<f8").reshape(-1, 4, 2)
