"""The tables tile and block of a catalog: windows, footprints, and the search by place."""

import json
import struct
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from scenehash.errors import StoreDamagedError
from scenehash.geo import Box
from scenehash.tiling import Window

from ..records import Footprints, SceneRecord, Tile, time_at
from ..rows import Ranges, Rows
from .blocks import Block, blocks_of
from .database import WRONG_VALUES, Database, damaged_values

TILE_SCHEMA = """
CREATE TABLE tile (
    row INTEGER PRIMARY KEY,
    scene INTEGER NOT NULL REFERENCES scene,
    x INTEGER NOT NULL,
    y INTEGER NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    footprint BLOB
);
CREATE VIRTUAL TABLE block USING rtree (
    id, west, east, south, north, +first_row INTEGER, +last_row INTEGER, +every INTEGER
);
"""

FOOTPRINT_BYTES = 64
BLOCK_COLUMNS = ", ".join(Block._fields)
# Comparing ids would read all blocks, so this uses the R*Tree's own table of ids.
OF_ROWS = "id IN (SELECT rowid FROM block_rowid WHERE rowid BETWEEN ? AND ?)"
MEETING = "east >= ? AND west <= ? AND north >= ? AND south <= ?"
PLACES_DAMAGED = "the tiles' places in the catalog are damaged; see: scenehash store verify"


class Owned(NamedTuple):
    """A row, and its scene: the scene's number and checksum."""

    row: int
    scene: int
    checksum: object


class TileTable:
    """The tiles of a store, and the boxes around blocks of them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def at(self, rows: Sequence[int]) -> list[tuple[Owned, Tile]]:
        """The tiles in rows, with their scenes; a row without a tile is left out."""
        query = (
            "SELECT row, scene, seal, path, x, y, width, height, time, footprint, labels, reading "
            "FROM tile JOIN scene USING (scene) WHERE row"
        )
        tiles, row = [], 0
        try:
            for row, scene, checksum, *values in self._database.all_in(query, rows):
                tiles.append((Owned(row, scene, checksum), _tile(*values)))
        except WRONG_VALUES as error:
            raise StoreDamagedError(f"row {row}: its entry in the catalog is damaged") from error
        return tiles

    def owners(self, rows: Sequence[int]) -> list[Owned]:
        """The scenes of the tiles in rows; a row without a tile is left out."""
        query = "SELECT row, scene, seal FROM tile JOIN scene USING (scene) WHERE row"
        return [Owned(*found) for found in self._database.all_in(query, rows)]

    def end(self) -> int:
        """The number after the last row with a tile."""
        return int(self._database.one("SELECT coalesce(max(row) + 1, 0) FROM tile")[0])

    def windows_of(
        self, scene: int, first_row: int, count: int
    ) -> tuple[npt.NDArray[np.int64], Footprints | None]:
        """The windows int64 [T, 4] of a scene's tiles in a range of rows, and their footprints.

        Raises TypeError, ValueError and similar errors on damage.
        """
        tiles = self._database.all(
            "SELECT x, y, width, height, footprint FROM tile "
            "WHERE row BETWEEN ? AND ? AND scene = ? ORDER BY row",
            first_row,
            first_row + count - 1,
            scene,
        )
        *columns, places = zip(*tiles, strict=True) if tiles else [()] * 5
        placed = [place for place in places if place is not None]
        # An array would accept a number of another type as an integer; struct does not.
        packed = b"".join(struct.pack(f"={len(tiles)}q", *column) for column in columns)
        windows = np.frombuffer(packed, np.int64).reshape(4, -1).T
        footprints = _footprints(placed) if placed else None
        if footprints is not None and len(footprints) != len(windows):
            raise ValueError("not as many footprints as tiles")
        return windows, footprints

    def origins(self, rows: Sequence[int]) -> dict[int, tuple[bytes, list[int], str]]:
        """The origins of the pixels of rows: content, window, decode_params as JSON text."""
        found = self._database.all_in(
            "SELECT row, content, reading, x, y, width, height "
            "FROM tile JOIN scene USING (scene) WHERE row",
            rows,
        )
        return {row: (content, window, params) for row, content, params, *window in found}

    def scenes_in(self, ranges: Ranges) -> list[int]:
        """The numbers of the scenes that have a tile in ranges of rows."""
        query = "SELECT DISTINCT scene FROM tile WHERE row BETWEEN ? AND ?"
        scenes: dict[int, None] = {}
        for first, count in zip(ranges.first.tolist(), ranges.count.tolist(), strict=True):
            found = self._database.all(query, first, first + count - 1)
            scenes.update((scene, None) for (scene,) in found)
        return list(scenes)

    def of_scenes(self, rows: Rows, condition: str, values: Sequence[str | float]) -> Rows:
        """Those of rows int64 [N] that are tiles of scenes that meet an SQL condition."""
        query = f"SELECT row FROM tile JOIN scene USING (scene) WHERE {condition} AND row"
        found = self._database.all_in(query, rows.tolist(), *values)
        return np.array(found, np.int64).reshape(-1)

    def blocks(self, record: SceneRecord) -> list[Block]:
        """The blocks of a scene, by their id."""
        return [
            Block(*found)
            for found in self._database.all(
                f"SELECT {BLOCK_COLUMNS} FROM block WHERE {OF_ROWS} ORDER BY id",
                *_ids(record.first_row, record.tiles),
            )
        ]

    def box_around(self, first_row: int, tiles: int) -> Box | None:
        """The bounding box of a scene's tiles, from its blocks; None if it is not georeferenced."""
        found = self._database.all(
            "SELECT id % 2, min(west), max(east), min(south), max(north) FROM block "
            f"WHERE {OF_ROWS} GROUP BY 1",
            *_ids(first_row, tiles),
        )
        if not found:
            return None
        south, north = min(half[3] for half in found), max(half[4] for half in found)
        west, east = min(half[1] for half in found), max(half[2] for half in found)
        if len(found) == 2 and (west, east) == (-180, 180):
            (_, _, inner_east, *_), (_, inner_west, *_) = found
            if inner_east < inner_west:  # what lies between has no tile: the antimeridian is inside
                west, east = inner_west, inner_east
        return Box(west, south, east, north)

    def blocks_meeting(self, box: Box) -> Rows:
        """The blocks that may meet a box with west <= east: int64 [N, 3].

        Their first and last rows, and whether all their tiles certainly lie in the box.
        """
        found = self._database.all(
            "SELECT first_row, last_row, "
            "every AND west >= ? AND east <= ? AND south >= ? AND north <= ? "
            f"FROM block WHERE {MEETING}",
            *_sides(box),
            *_sides(box),
        )
        with damaged_values(PLACES_DAMAGED):
            return np.array(found, np.int64).reshape(-1, 3)

    def count_blocks(self, box: Box, most: int) -> int:
        """The number of such blocks; stops counting at this many."""
        query = f"SELECT count(*) FROM (SELECT 1 FROM block WHERE {MEETING} LIMIT ?)"
        return int(self._database.one(query, *_sides(box), most)[0])

    def has_footprints(self) -> bool:
        """Whether any tile has a footprint."""
        return self._database.one("SELECT 1 FROM block LIMIT 1") is not None

    def footprints(self, first_row: int, last_row: int) -> tuple[Rows, Footprints]:
        """Rows int64 [N] of a range with a footprint, and the footprints, float64 [N, 4, 2]."""
        query = "SELECT row, footprint FROM tile WHERE footprint NOT NULL AND row BETWEEN ? AND ?"
        return _placed(self._database.all(query, first_row, last_row))

    def footprints_of(self, rows: Rows) -> tuple[Rows, Footprints]:
        """As footprints, for single rows."""
        query = "SELECT row, footprint FROM tile WHERE footprint NOT NULL AND row"
        return _placed(self._database.all_in(query, rows.tolist()))

    def insert(self, scenes: Sequence[tuple[int, SceneRecord]]) -> None:
        """Add the tiles of scenes, by number and record."""
        self._database.run_all(
            "INSERT INTO tile VALUES (?, ?, ?, ?, ?, ?, ?)",
            (values for scene, record in scenes for values in _tile_values(scene, record)),
        )
        self.insert_blocks([record for _, record in scenes])

    def insert_blocks(self, records: Sequence[SceneRecord]) -> None:
        """Add the blocks of scenes whose tiles are already in the table."""
        self._database.run_all(
            f"INSERT INTO block ({BLOCK_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            blocks_of(records),
        )

    def remove(self, record: SceneRecord) -> None:
        """Remove the tiles and blocks of a scene."""
        first, last = record.first_row, record.first_row + record.tiles - 1
        ids = _ids(record.first_row, record.tiles)
        self._database.run(f"DELETE FROM block WHERE {OF_ROWS}", ids)
        self._database.run("DELETE FROM tile WHERE row BETWEEN ? AND ?", (first, last))

    def remove_damaged(self, scene: int) -> None:
        """Remove the tiles of a scene whose record is unreliable, and the blocks of all scenes."""
        self._database.run("DELETE FROM tile WHERE scene = ?", (scene,))
        self._database.run("DELETE FROM block")


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
    decode_params: str,
) -> Tile:
    corners = None if place is None else struct.unpack("<8d", place)
    return Tile(
        path,
        Window(x, y, width, height),
        None if time is None else time_at(time),
        None if corners is None else tuple(zip(corners[::2], corners[1::2], strict=True)),
        _labels(labels),
        json.loads(decode_params),
    )


@lru_cache(1024)
def _labels(text: str) -> tuple[str, ...]:
    return tuple(json.loads(text))


def _ids(first_row: int, tiles: int) -> tuple[int, int]:
    """The first and the last possible id of a block of these rows: the values for OF_ROWS."""
    return 2 * first_row, 2 * (first_row + tiles) - 1


def _sides(box: Box) -> tuple[float, float, float, float]:
    """The values for MEETING, or for boxes that lie within."""
    return box.west, box.east, box.south, box.north


def _placed(found: Sequence[tuple[int, bytes]]) -> tuple[Rows, Footprints]:
    """Rows and footprints of pairs."""
    with damaged_values(PLACES_DAMAGED):
        rows = np.array([row for row, _ in found], np.int64)
        footprints = _footprints([place for _, place in found])
        if len(footprints) != len(rows):
            raise ValueError("a footprint is not of 64 bytes")
    return rows, footprints


def _footprints(places: Sequence[bytes]) -> Footprints:
    return np.frombuffer(b"".join(places), "<f8").reshape(-1, 4, 2)
