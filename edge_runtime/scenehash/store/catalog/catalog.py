"""The catalog of a store: an SQLite file, the only place of commits."""

import contextlib
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from scenehash.errors import StoreError

from ..rows import Ranges
from .alerts import ALERT_SCHEMA, RULE_SCHEMA
from .database import Database, connect, damaged_values, our_errors
from .link_tables import LINK_SCHEMA
from .outbox import OUTBOX_SCHEMA
from .quarantine import QUARANTINE_SCHEMA
from .scene_table import SCENE_SCHEMA, SceneTable
from .state import NONE_DELETED, STATE_SCHEMA, Deleted, State, is_committed
from .station import is_station_name
from .tile_table import TILE_SCHEMA, TileTable

FORMAT = 1
APPLICATION_ID = 0x5343_4E48  # "SCNH": tells `file` and us that this SQLite file is a catalog

SCHEMA = (
    STATE_SCHEMA + SCENE_SCHEMA + TILE_SCHEMA + QUARANTINE_SCHEMA + OUTBOX_SCHEMA + ALERT_SCHEMA
)
# Tables that a store gets at their first use.
THUMBNAILS = "CREATE TABLE IF NOT EXISTS thumbnails (kept INTEGER);"
VECTORS = "CREATE TABLE IF NOT EXISTS vectors (frame TEXT, dims INTEGER);"
MODEL = "CREATE TABLE IF NOT EXISTS model (file TEXT);"
RESTORED = (
    "CREATE TABLE IF NOT EXISTS restored (id TEXT, taken TEXT, restored TEXT, "
    "commits INTEGER, rows INTEGER, events INTEGER);"
)
STATION = "CREATE TABLE IF NOT EXISTS station (name TEXT);"
LATER = THUMBNAILS + VECTORS + MODEL + RESTORED + STATION + RULE_SCHEMA + LINK_SCHEMA
COLUMNS = tuple(State.__dataclass_fields__)


class Committed(NamedTuple):
    """The state that is committed as a whole: the state of the store, and the deleted rows.

    dropped: deleted rows whose codes are no longer in codes.bin. dead: deleted rows whose codes are
    still in it.
    """

    state: State
    dropped: Ranges
    dead: Ranges
    checksum: object


class Restoration(NamedTuple):
    """A restoration of the store from a backup; the store lacks all data after the backup.

    id: 16 hexadecimal digits, drawn at the restoration. taken, restored: the beginning of the
    backup, and the restoration, ISO 8601. commits, rows, events: the number of commits, of the next
    tile, and of the newest event at the backup: later rows and commits may differ from those before
    the restoration.
    """

    id: str
    taken: str
    restored: str
    commits: int
    rows: int
    events: int


class Catalog:
    """An open catalog: the state of the store, its scenes and their tiles.

    Every method raises StoreError, or a subclass, on an error of SQLite.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self.tiles = TileTable(database)
        self.scenes = SceneTable(database, self.tiles)
        self._check_format()

    @classmethod
    def create(cls, path: Path, state: State) -> "Catalog":
        """Make an empty catalog, or complete one whose creation was interrupted."""
        database = Database.open(path, writable=True)
        database.run_script(
            "BEGIN IMMEDIATE;"
            f"PRAGMA application_id = {APPLICATION_ID};"
            f"PRAGMA user_version = {FORMAT};" + SCHEMA
        )
        places = ", ".join("?" * (len(COLUMNS) + 1))
        values = (*_values(state), state.checksum(NONE_DELETED))
        database.run(f"INSERT INTO store VALUES (1, {places})", values)
        database.run("COMMIT")
        return cls(database)

    @classmethod
    def open(cls, path: Path, writable: bool) -> "Catalog":
        """Open the catalog at path."""
        return cls(Database.open(path, writable))

    def close(self) -> None:
        """Close the file."""
        self.database.close()

    def committed(self) -> Committed:
        """The committed state; StoreDamagedError when its checksum differs."""
        with self.database.snapshot():
            found = self.database.one(f"SELECT {', '.join(COLUMNS)}, seal FROM store")
            deleted = self.deleted()
        with damaged_values(self._damage):
            *values, checksum = found
            state = State(*values)
            if not is_committed(state, deleted, checksum):
                raise ValueError("another checksum")
            dropped, dead = (Ranges.of(deleted[deleted[:, 2] == kind, :2]) for kind in (1, 0))
            return Committed(state, dropped.checked(state.rows), dead.checked(state.rows), checksum)

    def checksum(self) -> object:
        """The checksum of the committed state, which each commit changes."""
        found = self.database.one("SELECT seal FROM store")
        return found and found[0]

    def change(self, state: State) -> None:
        """Change the state, as the last part of a commit, and count the commit."""
        columns = ", ".join(f"{name} = ?" for name in (*COLUMNS, "seal"))
        state = replace(state, commits=state.commits + 1)
        values = (*_values(state), state.checksum(self.deleted()))
        self.database.run(f"UPDATE store SET {columns}", values)

    def mark_deleted(self, first_row: int, tiles: int) -> None:
        """Record that rows no longer have a tile, while codes.bin still has their codes."""
        self.database.run("INSERT INTO deleted VALUES (?, ?, 0)", (first_row, tiles))

    def mark_dropped(self, ranges: Ranges) -> None:
        """Record that exactly these rows are no longer in codes.bin."""
        self.database.run("DELETE FROM deleted")
        self.database.run_all(
            "INSERT INTO deleted VALUES (?, ?, 1)",
            zip(ranges.first.tolist(), ranges.count.tolist(), strict=True),
        )

    def keeps_thumbnails(self) -> bool:
        """Whether the store keeps thumbnails of new scenes: whether their table exists."""
        query = "SELECT count(*) FROM sqlite_master WHERE name = 'thumbnails'"
        return bool(self.database.one(query)[0])

    def keep_thumbnails(self, kept: bool) -> None:
        """Set whether the store keeps thumbnails."""
        if kept:
            self.database.run(THUMBNAILS)
        else:
            self.database.run("DROP TABLE IF EXISTS thumbnails")

    def vector_space(self) -> tuple[str, int] | None:
        """The frame and the number of components of the stored vectors; None: it keeps none."""
        if not self.database.one("SELECT count(*) FROM sqlite_master WHERE name = 'vectors'")[0]:
            return None
        found = self.database.one("SELECT frame, dims FROM vectors")
        sound = found and isinstance(found[0], str) and isinstance(found[1], int) and found[1] > 0
        return (found[0], found[1]) if sound else None

    def keep_vectors(self, space: tuple[str, int] | None) -> None:
        """Set whether the store keeps vectors of new scenes, and their frame."""
        self.database.run("DROP TABLE IF EXISTS vectors")
        if space is not None:
            self.database.run(VECTORS)
            self.database.run("INSERT INTO vectors VALUES (?, ?)", space)

    def model_id(self) -> str | None:
        """The id of the stored model file; None if there is none."""
        if not self.database.one("SELECT count(*) FROM sqlite_master WHERE name = 'model'")[0]:
            return None
        found = self.database.one("SELECT file FROM model")
        return found[0] if found and isinstance(found[0], str) and found[0].isalnum() else None

    def keep_model(self, identity: str | None) -> None:
        """Set the id of the stored model file."""
        self.database.run("DROP TABLE IF EXISTS model")
        if identity is not None:
            self.database.run(MODEL)
            self.database.run("INSERT INTO model VALUES (?)", (identity,))

    def restorations(self) -> list[Restoration]:
        """The restorations of this store from backups, the newest last."""
        if not self.database.one("SELECT count(*) FROM sqlite_master WHERE name = 'restored'")[0]:
            return []
        columns = ", ".join(Restoration._fields)
        query = f"SELECT {columns} FROM restored ORDER BY restored, rowid"
        return [Restoration(*found) for found in self.database.all(query)]

    def note_restoration(self, restoration: Restoration) -> None:
        """Record, in a transaction, that this store was restored from a backup."""
        self.database.run(RESTORED)
        self.database.run("INSERT INTO restored VALUES (?, ?, ?, ?, ?, ?)", restoration)

    def station(self) -> str | None:
        """The name of the store's station; None if it has none."""
        if not self.database.one("SELECT count(*) FROM sqlite_master WHERE name = 'station'")[0]:
            return None
        found = self.database.one("SELECT name FROM station")
        return found[0] if found and is_station_name(found[0]) else None

    def name_station(self, name: str) -> None:
        """Store the name."""
        self.database.run(STATION)
        self.database.run("DELETE FROM station")
        self.database.run("INSERT INTO station VALUES (?)", (name,))

    def damage(self) -> list[str]:
        """Damage of the file that SQLite's own checks find."""
        found = self.database.all("PRAGMA integrity_check")
        found += self.database.all("SELECT rtreecheck('block')")
        return [" ".join(str(line).split()) for (line,) in found if line != "ok"]

    def shrink(self) -> None:
        """Return the space of deleted entries to the disk."""
        self.database.run("VACUUM")

    def deleted(self) -> Deleted:
        """The deleted rows."""
        query = "SELECT first_row, tiles, dropped FROM deleted ORDER BY first_row"
        with damaged_values(self._damage):
            return np.array(self.database.all(query), np.int64).reshape(-1, 3)

    @property
    def _damage(self) -> str:
        return (
            f"{self.database.path}: the state of the store in it is damaged; restore the store "
            "from a backup, or ingest into a new store"
        )

    def _check_format(self) -> None:
        path = self.database.path
        kind = self.database.one("PRAGMA application_id")[0]
        version = self.database.one("PRAGMA user_version")[0]
        if not kind and not self.database.all("SELECT 1 FROM sqlite_master LIMIT 1"):
            raise StoreError(f"{path}: empty: another process makes the store, or was interrupted")
        if kind != APPLICATION_ID:
            raise StoreError(f"{path}: not the catalog of a scenehash store")
        if version != FORMAT:
            raise StoreError(
                f"{path}: store format {version}, and this scenehash reads format {FORMAT}: "
                "update scenehash"
            )
        if other := self.database.other_tables(SCHEMA + LATER):
            raise StoreError(
                f"{path}: damaged, or made before the first stable format (the columns of "
                f"{', '.join(other)}); ingest the scenes into a new store"
            )


def is_vacant(path: Path) -> bool:
    """Whether path has no catalog, or one whose creation was interrupted."""
    if not path.exists():
        return True
    with our_errors(path), contextlib.closing(connect(path, writable=False)) as connection:
        return connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is None


def _values(state: State) -> tuple[object, ...]:
    return tuple(getattr(state, name) for name in COLUMNS)
