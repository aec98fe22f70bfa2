"""The tiles of an open store: their codes, pictures and vectors."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from scenehash.codes import Codes
from scenehash.errors import NotStoredError, StoreDamagedError
from scenehash.geo import Box

from ..catalog.catalog import Catalog
from ..files.tile_file import TileFile
from ..records import Footprints, PlacedTile, Tile
from ..rows import Ranges, Rows
from ..search.filters import Filter
from ..search.hit import Hit
from ..search.sample import TileSample, draw_rows, rows_of_sample
from ..search.selection import rows_where
from ..search.snapshot import PART, Snapshot
from .view import StoreView, remedy

# Tiles per check of vectors.
VECTORS_READ = 1 << 13


class TileReader(StoreView):
    """The tiles of an open store."""

    def __init__(self, path: Path, catalog: Catalog) -> None:
        super().__init__(path, catalog)
        # The last sample, and the state that it was drawn from.
        self._sample: tuple[tuple[object, ...], TileSample] | None = None

    def codes(self, rows: npt.NDArray[np.int64]) -> Codes:
        """The stored codes of rows int64 [N]: uint8 [N, K/8]. StoreError on a missing row.

        StoreDamagedError on a code that differs from its commit.
        """

        def ask() -> Codes:
            snapshot, numbers = self._snapshot, rows.tolist()
            with remedy():
                sound = snapshot.sound(numbers)
                self._check_there(snapshot, [row for row in numbers if row not in sound])
            return np.array(snapshot.codes_at(rows))

        return self._settled(ask)

    def tile(self, row: int) -> Tile:
        """The tile in a row. StoreError on a missing row, StoreDamagedError as codes."""
        self._check_number(row)

        def ask() -> Tile:
            with remedy():
                tiles = self._snapshot.tiles([row])
                self._check_there(self._snapshot, [] if row in tiles else [row])
            return tiles[row]

        return self._settled(ask)

    def tiles(self, rows: Sequence[int]) -> dict[int, Tile]:
        """The tiles in rows; a row without a tile is left out. StoreDamagedError as codes."""

        def ask() -> dict[int, Tile]:
            with remedy():
                return self._snapshot.tiles(rows)

        return self._settled(ask)

    def stored_tile(self, row: int, station: str | None = None) -> tuple[Codes, Tile]:
        """The code uint8 [1, K/8] and the tile in a row; StoreError as codes.

        station: None, or the store's own; NotStoredError for another.
        """
        if station is not None:
            self.resolve(Filter(station=station))
        self._check_number(row)
        return self.codes(np.array([row])), self.tile(row)

    def content_of(self, row: int) -> str:
        """The content id of the scene of a row; NotStoredError on a missing row."""
        self.tile(row)
        (content, *_) = self._catalog.tiles.origins([row])[row]
        return content.hex()

    def codes_of(self, hits: Sequence[Hit]) -> Codes:
        """The codes uint8 [N, K/8] of hits of this store; StoreError as codes."""
        return self.codes(np.array([hit.row for hit in hits], np.int64))

    def living(self, where: Filter | None = None) -> Iterator[tuple[Rows, Codes]]:
        """All rows with a tile, or those that meet a filter: rows int64 [N], ascending, and their
        codes uint8 [N, K/8], in parts.
        """
        snapshot = self._snapshot
        end = snapshot.state.rows
        chosen = None if where is None else rows_where(self._catalog, where, end)
        for start in range(0, end if chosen is None else len(chosen), PART):
            if chosen is None:
                some = np.arange(start, min(start + PART, end))
            else:
                some = chosen[start : start + PART]
            some = some[snapshot.has(some)]
            yield some, snapshot.codes_at(some)

    def sample(self) -> TileSample:
        """A random sample of tiles with a vector: the same sample until the store changes."""
        snapshot = self._snapshot
        first = rows_of_sample(snapshot.state.rows)
        # Read the state before the sample: a write meanwhile changes the state.
        drawn_of = (snapshot.committed.checksum, self.vectors.state())
        if self._sample is None or self._sample[0] != drawn_of:
            rows = draw_rows(first)
            there, vectors = self.vectors.read(rows[snapshot.has(rows)])
            self._sample = drawn_of, TileSample(np.array(snapshot.codes_at(there)), vectors)
        return self._sample[1]

    def footprints_meeting(self, box: Box) -> tuple[Rows, Footprints]:
        """The tiles whose bounding box meets a box: rows int64 [N], ascending, and footprints
        float64 [N, 4, 2]."""
        rows = rows_where(self._catalog, Filter(bbox=box), self.rows)
        ranges = Ranges.covering(rows)
        found = [
            self._catalog.tiles.footprints(first, first + count - 1)
            for first, count in zip(ranges.first.tolist(), ranges.count.tolist(), strict=True)
        ]
        footprints = [some for _, some in found]
        return rows, np.concatenate([np.zeros((0, 4, 2)), *footprints])

    def tiles_meeting(self, box: Box) -> list[PlacedTile]:
        """The tiles whose bounding box meets a box, by row."""
        rows, _ = self.footprints_meeting(box)
        return [PlacedTile(None, row, tile) for row, tile in self.tiles(rows.tolist()).items()]

    def vectors_missing(self) -> int:
        """The number of tiles without a sound vector."""
        return sum(
            len(some) - len(self.vectors.of(some.tolist()))
            for rows, _ in self.living()
            for some in np.array_split(rows, 1 + len(rows) // VECTORS_READ)
        )

    def thumbnail_count(self) -> int:
        """The number of tiles with a thumbnail."""
        return self._count(self.thumbnails)

    def vector_count(self) -> int:
        """The number of tiles with a vector."""
        return self._count(self.vectors)

    def _count(self, kept: TileFile) -> int:
        rows = kept.rows() if kept.kept else np.zeros(0, np.int64)
        return int(self._snapshot.has(rows).sum())

    def _check_there(self, snapshot: Snapshot, missing: Sequence[int]) -> None:
        """Raise StoreError if a row has no tile."""
        there = snapshot.has(np.array(missing, np.int64))
        for row in np.array(missing, np.int64)[there][:1]:
            raise StoreDamagedError(f"row {row}: its entry in the catalog is gone")
        for row in missing[:1]:
            raise self._no_such(row)

    def _check_number(self, row: int) -> None:
        """Raise NotStoredError on a number of more than 64 bits."""
        if abs(row) > sys.maxsize:
            raise self._no_such(row)

    def _no_such(self, row: int) -> NotStoredError:
        return NotStoredError(f"{self.path}: no row {row} (see: scenehash store info)")
