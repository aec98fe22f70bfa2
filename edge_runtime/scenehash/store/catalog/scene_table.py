"""The tables scene and label of a catalog."""

import contextlib
import json
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from scenehash.errors import StoreDamagedError

from ..records import SceneFile, SceneMark, SceneRecord, time_at
from ..rows import Rows
from .database import Database, damaged_values
from .tile_table import TileTable

# Three columns have other names than in Python: reading is SceneRecord.decode_params, checksum is
# SceneRecord.codes_checksum, and seal is the checksum of all else, SceneEntry.checksum.
SCENE_SCHEMA = """
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
CREATE TABLE label (
    label TEXT NOT NULL,
    scene INTEGER NOT NULL REFERENCES scene,
    PRIMARY KEY (label, scene)
) WITHOUT ROWID;
CREATE INDEX scene_by_path ON scene (path);
CREATE INDEX scene_by_time ON scene (time) WHERE time IS NOT NULL;
"""

# Without it all labels are read for those of one scene. Stores from before it get it with the next
# scene.
LABEL_INDEX = "CREATE INDEX IF NOT EXISTS label_by_scene ON label (scene)"

# first_row and tiles as integers, even if they are damaged: the checksum of the scene finds that,
# and a walk over all scenes goes on.
_SPAN = "coalesce(CAST(first_row AS INTEGER), 0), coalesce(CAST(tiles AS INTEGER), 0)"

SCENES_DAMAGED = "the table of scenes in the catalog is damaged; see: scenehash store verify"


class SceneEntry(NamedTuple):
    """A row of the table scene, without the decode parameters."""

    number: int
    content: bytes
    path: str
    time: float | None
    labels: Any
    first_row: int
    tiles: int
    checksum: object


class SceneTable:
    """The scenes of a store, by their numbers in this catalog, with their tiles."""

    def __init__(self, database: Database, tiles: TileTable) -> None:
        self._database = database
        self._tiles = tiles

    def count(self) -> tuple[int, int]:
        """The numbers of scenes and tiles."""
        found = self._database.one("SELECT count(*), coalesce(sum(tiles), 0) FROM scene")
        with damaged_values(SCENES_DAMAGED):
            return int(found[0]), int(found[1])

    def find(self, contents: Sequence[str]) -> dict[str, int]:
        """The numbers of the stored scenes with these contents."""
        wanted = [bytes.fromhex(content) for content in contents]
        found = self._database.all_in("SELECT content, scene FROM scene WHERE content", wanted)
        return {content.hex(): scene for content, scene in found}

    def contents(self) -> list[str]:
        """The contents of all scenes, by first row."""
        found = self._database.all("SELECT content FROM scene ORDER BY first_row")
        with damaged_values(SCENES_DAMAGED):
            return [bytes(content).hex() for (content,) in found]

    def rows(self) -> list[tuple[int, int, bytes]]:
        """First row, number of tiles and content of every scene, by first row."""
        found = self._database.all("SELECT first_row, tiles, content FROM scene ORDER BY first_row")
        with damaged_values(SCENES_DAMAGED):
            return [(int(row), int(tiles), bytes(content)) for row, tiles, content in found]

    def at_paths(self, paths: Sequence[str]) -> dict[str, list[int]]:
        """The numbers of the scenes that were ingested from these paths."""
        scenes: dict[str, list[int]] = {}
        query = "SELECT path, scene FROM scene WHERE path"
        for path, scene in self._database.all_in(query, paths):
            scenes.setdefault(path, []).append(scene)
        return scenes

    def path_of(self, scene: int) -> str:
        """The path of a scene, as far as it is readable."""
        found = self._database.one("SELECT CAST(path AS BLOB) FROM scene WHERE scene = ?", scene)
        return str(found[0], errors="replace") if found and found[0] else f"scene {scene}"

    def spans(self) -> Rows:
        """Number, first row and number of tiles of every scene: int64 [N, 3], by first row."""
        query = f"SELECT scene, {_SPAN} FROM scene ORDER BY first_row"
        with damaged_values(SCENES_DAMAGED):
            return np.array(self._database.all(query), np.int64).reshape(-1, 3)

    def marks(self, scenes: Sequence[int]) -> list[SceneMark]:
        """The marks of scenes, by first row; a missing scene is left out."""
        found = self._database.all_in(f"SELECT {_SPAN}, seal FROM scene WHERE scene", scenes)
        return sorted(
            SceneMark(first_row, tiles, seal.hex() if isinstance(seal, bytes) else "damaged")
            for first_row, tiles, seal in found
        )

    def numbers(self) -> list[int]:
        """The number of every scene, by first row."""
        numbers: list[int] = self.spans()[:, 0].tolist()
        return numbers

    def record(self, scene: int) -> tuple[SceneRecord, bytes]:
        """A scene's record, and its expected checksum.

        StoreDamagedError when there is none, or values have the wrong types.
        """
        with self._database.snapshot(), damaged_values(_damage(f"scene {scene}")):
            found = self._database.one(
                "SELECT content, path, time, labels, reading, first_row, tiles, checksum, seal "
                "FROM scene WHERE scene = ?",
                scene,
            )
            content, path, time, labels, decode_params, first_row, count, *checksums = found
            codes_checksum, checksum = checksums
            with damaged_values(_damage(str(path))):
                windows, footprints = self._tiles.windows_of(scene, first_row, count)
                if count != len(windows):
                    raise ValueError(f"{count} tiles, but {len(windows)} windows")
                record = SceneRecord(
                    content.hex(),
                    path,
                    time,
                    tuple(json.loads(labels)),
                    json.loads(decode_params),
                    first_row,
                    windows,
                    footprints,
                    codes_checksum,
                )
        return record, checksum

    def has(self, scene: int) -> bool:
        """Whether a scene has this number."""
        return self._database.one("SELECT 1 FROM scene WHERE scene = ?", scene) is not None

    def under(self, path: str) -> list[int]:
        """The numbers of the scenes at a path, or below it."""
        folder = path.rstrip("/") + "/"
        # "0" comes after "/".
        query = "SELECT scene FROM scene WHERE path = ? OR (path > ? AND path < ?) ORDER BY path"
        found = self._database.all(query, path, folder, folder[:-1] + "0")
        return [scene for (scene,) in found]

    def paths_ending(self, ending: str, most: int) -> list[str]:
        """The paths with this end, by name; at most this many."""
        query = "SELECT DISTINCT path FROM scene WHERE substr(path, ?) = ? ORDER BY path LIMIT ?"
        return _texts(self._database.all(query, -len(ending), ending, most))

    def labels(self) -> list[str]:
        """All labels, by name."""
        return _texts(self._database.all("SELECT DISTINCT label FROM label ORDER BY label"))

    def label_counts(self) -> list[tuple[str, int]]:
        """All labels, by name, and the number of scenes with each."""
        query = "SELECT label, count(*) FROM label GROUP BY label ORDER BY label"
        return [(str(label), int(count)) for label, count in self._database.all(query)]

    def entries(self, scenes: Sequence[int]) -> list[SceneEntry]:
        """The entries of scenes, in some order; missing ones are left out."""
        query = (
            "SELECT scene, content, path, time, labels, first_row, tiles, seal FROM scene "
            "WHERE scene"
        )
        with damaged_values(SCENES_DAMAGED):
            entries = [SceneEntry(*found) for found in self._database.all_in(query, scenes)]
            return [entry._replace(labels=tuple(json.loads(entry.labels))) for entry in entries]

    def file_of(self, scene: int) -> SceneFile:
        """The file of an existing scene."""
        query = "SELECT path, reading FROM scene WHERE scene = ?"
        with damaged_values(SCENES_DAMAGED):
            path, decode_params = self._database.one(query, scene)
            return SceneFile(path, json.loads(decode_params))

    def numbers_where(
        self,
        condition: str,
        values: Sequence[str | float],
        after: int | None,
        descending: bool,
        most: int,
    ) -> list[int]:
        """The numbers of scenes that meet an SQL condition, in order, after a number; at most this
        many.
        """
        beyond = "" if after is None else f"scene.scene {'<' if descending else '>'} ?"
        found = self._database.all(
            f"SELECT scene FROM scene {_where(condition, beyond)} "
            f"ORDER BY scene {'DESC' if descending else 'ASC'} LIMIT ?",
            *values,
            *([] if after is None else [after]),
            min(most, sys.maxsize),
        )
        return [scene for (scene,) in found]

    def times(
        self, condition: str = "", values: Sequence[str | float] = ()
    ) -> tuple[float, float] | None:
        """The first and the last acquisition time, in seconds, of scenes that meet an SQL
        condition; None if no scene has one.
        """
        query = f"SELECT min(time), max(time) FROM scene {_where(condition)}"
        first, last = self._database.one(query, *values)
        if first is None:
            return None
        with damaged_values(SCENES_DAMAGED):
            for time in (first, last):
                time_at(time)
        return first, last

    def count_by_time(
        self, first: float, last: float, bins: int, condition: str, values: Sequence[str | float]
    ) -> list[int]:
        """The numbers of scenes that meet an SQL condition, by acquisition time in equal spans."""
        span = (last - first) / bins or 1.0
        found = self._database.all(
            "SELECT min(?, CAST((time - ?) / ? AS INTEGER)), count(*) FROM scene "
            f"{_where(condition, 'time NOT NULL')} GROUP BY 1",
            bins - 1,
            first,
            span,
            *values,
        )
        counts = [0] * bins
        with damaged_values(SCENES_DAMAGED):
            for number, count in found:
                counts[number] += count
        return counts

    def count_without_time(self, condition: str, values: Sequence[str | float]) -> int:
        """The number of scenes that meet an SQL condition and have no acquisition time."""
        query = f"SELECT count(*) FROM scene {_where(condition, 'time IS NULL')}"
        return int(self._database.one(query, *values)[0])

    def tiles_a_day(self) -> float | None:
        """The number of acquired tiles per day, from the scenes with a time.

        None when the first and the last of them are less than a day apart.
        """
        first, last, tiles = self._database.one(
            "SELECT min(time), max(time), sum(tiles) FROM scene WHERE time IS NOT NULL"
        )
        with damaged_values(SCENES_DAMAGED):
            days = 0.0 if first is None else (last - first) / 86_400
            return tiles / days if days >= 1 else None

    def labels_of(self, scene: int) -> tuple[str, ...]:
        """The labels of a scene."""
        query = "SELECT label FROM label WHERE scene = ? ORDER BY label"
        return tuple(label for (label,) in self._database.all(query, scene))

    def ranges_where(self, condition: str, values: Sequence[str | float]) -> Rows:
        """First row and number of tiles of scenes that meet an SQL condition: int64 [N, 2]."""
        found = self._database.all(f"SELECT first_row, tiles FROM scene WHERE {condition}", *values)
        with damaged_values(SCENES_DAMAGED):
            return np.array(sorted(found), np.int64).reshape(-1, 2)

    def count_where(self, condition: str, values: Sequence[str | float], most: int) -> int:
        """The number of scenes that meet an SQL condition; stops counting at this many."""
        query = f"SELECT count(*) FROM (SELECT 1 FROM scene WHERE {condition} LIMIT ?)"
        return int(self._database.one(query, *values, most)[0])

    def insert(self, records: Sequence[SceneRecord]) -> None:
        """Add scenes, with their tiles."""
        self._database.run(LABEL_INDEX)
        first = int(self._database.one("SELECT coalesce(max(scene), 0) + 1 FROM scene")[0])
        numbered = list(enumerate(records, start=first))
        self._database.run_all(
            "INSERT INTO scene VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (_scene_values(scene, record) for scene, record in numbered),
        )
        self._database.run_all(
            "INSERT INTO label VALUES (?, ?)",
            ((label, scene) for scene, record in numbered for label in record.labels),
        )
        self._tiles.insert(numbered)

    def contents_at(self, paths: Sequence[str]) -> dict[str, list[str]]:
        """The contents of the scenes with these paths."""
        contents: dict[str, list[str]] = {}
        query = "SELECT path, content FROM scene WHERE path"
        for path, content in self._database.all_in(query, paths):
            contents.setdefault(path, []).append(content.hex())
        return contents

    def rewrite(self, scene: int, record: SceneRecord) -> None:
        """Give a scene the path, labels and decode parameters of a record; keep its tiles."""
        _, _, path, _, labels, decode_params, *_, checksum = _scene_values(scene, record)
        self._database.run(
            "UPDATE scene SET path = ?, labels = ?, reading = ?, seal = ? WHERE scene = ?",
            (path, labels, decode_params, checksum, scene),
        )
        self._database.run("DELETE FROM label WHERE scene = ?", (scene,))
        self._database.run_all(
            "INSERT INTO label VALUES (?, ?)", ((label, scene) for label in record.labels)
        )

    def change_codes(self, records: Sequence[tuple[int, SceneRecord]]) -> None:
        """Give scenes the code checksums of their records; other values do not change."""
        self._database.run_all(
            "UPDATE scene SET checksum = ?, seal = ? WHERE scene = ?",
            ((record.codes_checksum, record.checksum(), scene) for scene, record in records),
        )

    def remove(self, scene: int, record: SceneRecord) -> None:
        """Remove a scene; the caller marks its rows as deleted, or reuses them."""
        self._tiles.remove(record)
        self._database.run("DELETE FROM label WHERE scene = ?", (scene,))
        self._database.run("DELETE FROM scene WHERE scene = ?", (scene,))

    def remove_damaged(self, scene: int) -> None:
        """Remove a scene whose record is unreliable, and rebuild the derived tables."""
        self._tiles.remove_damaged(scene)
        self._database.run("DELETE FROM scene WHERE scene = ?", (scene,))
        self._database.run("REINDEX")
        self._database.run("DELETE FROM label")
        self._database.run(
            "INSERT OR IGNORE INTO label SELECT value, scene FROM scene, json_each(labels) "
            "WHERE json_valid(labels)"
        )
        for other in self.numbers():
            with contextlib.suppress(StoreDamagedError):
                record, checksum = self.record(other)
                if record.checksum() == checksum:
                    self._tiles.insert_blocks([record])


def _where(*conditions: str) -> str:
    """An SQL clause of the given conditions."""
    given = [f"({condition})" for condition in conditions if condition]
    return f"WHERE {' AND '.join(given)}" if given else ""


def _texts(found: Sequence[Any]) -> list[str]:
    """The texts of a column; StoreDamagedError on a value that is not text."""
    if not all(isinstance(text, str) for (text,) in found):
        raise StoreDamagedError(SCENES_DAMAGED)
    return [text for (text,) in found]


def _damage(scene: str) -> str:
    return f"{scene}: its entry in the catalog is damaged"


def _scene_values(scene: int, record: SceneRecord) -> tuple[object, ...]:
    return (
        scene,
        bytes.fromhex(record.content),
        record.path,
        record.time,
        json.dumps(record.labels, ensure_ascii=False),
        json.dumps(record.decode_params, sort_keys=True),
        record.first_row,
        record.tiles,
        record.codes_checksum,
        record.checksum(),
    )
