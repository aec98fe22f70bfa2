"""Reading from a store: its scenes, its tiles, and searches."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from scenehash.codes import Codes, nearest_hamming
from scenehash.errors import StoreDamagedError
from scenehash.index.topk import NO_ROW, Distances

from ..catalog.station import origin_of
from ..files.folder import CATALOG
from ..records import Tile
from ..rows import Rows
from ..search.filters import Filter
from ..search.hit import Hit
from ..search.request import SearchRequest
from ..search.selection import ROWS_DAMAGED, holding
from ..search.snapshot import Snapshot
from .scene_reader import SceneReader
from .tile_reader import TileReader
from .view import remedy

if TYPE_CHECKING:
    from scenehash.index import Explanation

# The maximum comparisons for a count within a radius: some seconds.
MOST_COUNTED = 200_000_000


class StoreReader(SceneReader, TileReader):
    """The read-only part of an open store; see CodeStore."""

    def search(
        self,
        codes: Codes,
        k: int,
        radius: int | None = None,
        where: Filter | None = None,
        threads: int = 1,
    ) -> list[list[Hit]]:
        """The k nearest stored tiles of each code uint8 [Q, K/8], nearest first, ties by row.

        radius: leave out tiles with a larger distance, in bits. where: search only rows that meet
        the filter. StoreDamagedError on a hit that differs from its commit: each hit is compared
        with the checksums of its scene before it is shown.
        """
        request = SearchRequest(codes, k, radius, where, threads=threads)
        return self.search_explained(request)[0]

    def search_explained(self, request: SearchRequest) -> "tuple[list[list[Hit]], Explanation]":
        """As search, with an explanation of what the search did and of its times."""
        return self._found(request, Snapshot.search)

    def search_any(self, request: SearchRequest) -> "tuple[list[Hit], Explanation]":
        """The k stored tiles nearest to any of the codes, nearest first, ties by row."""
        (hits,), explanation = self._found(request, Snapshot.search_any)
        return hits, explanation

    def count_within(self, request: SearchRequest) -> int | None:
        """The number of tiles that meet a request with a radius, for any k; None: too many to
        count.
        """
        codes, radius, unlike = request.codes, request.radius, request.unlike
        if radius is None and unlike is None:
            snapshot, where = self._snapshot, request.where
            return len(snapshot) if where is None else snapshot.count_where(where)
        if len(codes) * len(self) > MOST_COUNTED:
            return None
        within = 0
        for _, some in self.living(request.where):
            if not len(some):
                continue
            distances = nearest_hamming(some, codes)
            counted = distances <= (self.bits if radius is None else radius)
            if unlike is not None:
                counted &= distances < nearest_hamming(some, unlike)
            within += int(counted.sum())
        return within

    def _found(
        self,
        request: SearchRequest,
        search: Callable[[Snapshot, SearchRequest], "tuple[Distances, Rows, Explanation]"],
    ) -> "tuple[list[list[Hit]], Explanation]":
        """The hits of a search in the snapshot."""

        def ask() -> "tuple[list[list[Hit]], Explanation]":
            snapshot = self._snapshot
            distances, rows, explanation = search(snapshot, request)
            return self._hits(snapshot, distances, rows, request.where), explanation

        return self._settled(ask)

    def _meet(self, where: Filter, tiles: Mapping[int, Tile]) -> bool:
        """Whether tiles, by row, meet a filter: by their own entries, and by their station."""
        if where.station is None:
            return where.holds(tiles)
        rows = np.array(sorted(tiles), np.int64)
        return where.holds(tiles) and len(holding(self._catalog, where, rows)) == len(rows)

    def _hits(
        self, snapshot: Snapshot, distances: Distances, rows: Rows, where: Filter | None
    ) -> list[list[Hit]]:
        """Hits with the tiles in their rows; StoreDamagedError if a tile is missing or wrong."""
        wanted = np.unique(rows[rows != NO_ROW]).tolist()
        with remedy():
            tiles = snapshot.tiles(wanted)
            self._check_there(snapshot, [row for row in wanted if row not in tiles])
        own = self.station
        origins = {row: origin_of(tile.scene, own) for row, tile in tiles.items()}
        if where is not None and not self._meet(where, tiles):
            raise StoreDamagedError(f"{self.path / CATALOG}: {ROWS_DAMAGED}")
        return [
            [
                Hit(rank, distance, row, *tiles[row], hamming_rank=rank, station=origins[row])
                for rank, (distance, row) in enumerate(zip(near, at, strict=True), start=1)
                if row != NO_ROW
            ]
            for near, at in zip(distances.tolist(), rows.tolist(), strict=True)
        ]
