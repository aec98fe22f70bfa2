"""A snapshot: the committed state of a store at one time, and the search in it."""

import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from scenehash.codes import Codes, nearest_hamming
from scenehash.errors import StoreDamagedError
from scenehash.index.topk import NO_ROW, Distances, search_order

from ..catalog.catalog import Catalog, Committed
from ..catalog.entry import check_derived, read_scene
from ..catalog.state import State
from ..catalog.tile_table import Owned
from ..files.codes_file import CodesFile
from ..files.folder import INDEX
from ..files.known_sound import Origin
from ..records import SceneRecord, Tile
from ..rows import Ranges, RowMap, Rows
from .filters import Filter
from .request import SearchRequest
from .selection import holding, is_narrow, rows_where

if TYPE_CHECKING:
    from scenehash.index import CodeIndex, Explanation

# With a broad filter, first check MORE times as many hits as are wanted; multiply by MORE while too
# few pass. The first are enough for a filter that holds for half of all tiles.
MORE = 3
# After checking TOO_BROAD times the wanted hits, list the rows that meet the filter.
TOO_BROAD = 9
# Codes per copy.
PART = 1 << 20


@dataclass(frozen=True)
class Snapshot:
    """The state that a store sees until it refreshes.

    codes: uint8 [positions, K/8], mapped. row_map: rows by position. origin: the results of checks
    of these codes, see known_sound.
    """

    catalog: Catalog
    committed: Committed
    file: CodesFile
    codes: Codes
    row_map: RowMap
    origin: Origin
    # The positions that a filter selects; None for one that is too broad to list them.
    _selected: dict[Filter, Rows | None] = field(default_factory=dict)
    # The number of tiles that meet a filter.
    _counted: dict[Filter, int] = field(default_factory=dict)
    _index: list["CodeIndex"] = field(default_factory=list)
    _making: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def of(cls, folder: Path, catalog: Catalog, before: "Snapshot | None" = None) -> "Snapshot":
        """The present committed state. StoreDamagedError when it is damaged as a whole.

        before: the last snapshot of the same catalog, which has been open since.
        """
        while True:
            committed = catalog.committed()
            state = committed.state
            file = CodesFile(folder, state.bits // 8, state.generation)
            try:
                codes = file.read(state.positions)
                break
            except StoreDamagedError:
                # A compaction may have removed the file since the catalog was read.
                if catalog.checksum() == committed.checksum:
                    raise
        row_map = RowMap(committed.dropped)
        same = before is not None and before.origin.is_of(file)
        origin = before.origin if before is not None and same else Origin.of(file)
        origin.note(file)
        return cls(catalog, committed, file, codes, row_map, origin)

    @property
    def index(self) -> "CodeIndex":
        """The index over its codes, made for the first search."""
        from scenehash.index import CodeIndex  # a process that only writes needs no index

        with self._making:
            if not self._index:
                state, dead = self.state, self.dead
                gone = self.row_map.positions(dead.expanded()) if len(dead) else None
                key = f"{state.uuid}-{state.generation}-{state.revision}"
                folder = self.file.path.parent / INDEX
                self._index.append(CodeIndex(self.codes, gone, folder, key, self.origin.name))
            return self._index[0]

    @property
    def state(self) -> State:
        """The model and the counts of the store."""
        return self.committed.state

    @property
    def dead(self) -> Ranges:
        """The deleted rows whose codes are still in the file."""
        return self.committed.dead

    def __len__(self) -> int:
        """The number of searchable tiles."""
        return self.state.positions - self.dead.total()

    def has(self, rows: Rows) -> npt.NDArray[np.bool_]:
        """Which of rows int64 [N] have a tile: bool [N]."""
        there = (rows >= 0) & (rows < self.state.rows)
        return there & ~self.row_map.dropped.contain(rows) & ~self.dead.contain(rows)

    def count_where(self, where: Filter) -> int:
        """The number of tiles that meet a filter; counted once."""
        if where not in self._counted:
            rows = rows_where(self.catalog, where, self.state.rows)
            self._counted[where] = int(np.count_nonzero(self.has(rows)))
        return self._counted[where]

    def codes_at(self, rows: Rows) -> Codes:
        """The codes uint8 [N, K/8] of rows with a code."""
        return self.codes[self.row_map.positions(rows)]

    def living_parts(self) -> Iterator[Codes]:
        """The codes that are not deleted, in parts."""
        living = np.ones(len(self.codes), np.bool_)
        living[self.row_map.positions(self.dead.expanded())] = False
        for start in range(0, len(living), PART):
            yield self.codes[start : start + PART][living[start : start + PART]]

    def read_scene(self, scene: int) -> tuple[SceneRecord, Codes]:
        """A scene by its number in the catalog: its record, and its codes uint8 [T, K/8].

        Raises StoreDamagedError, with the scene's path and the damage, unless all its data is
        sound, also the labels and places that lead to it.
        """
        with self.catalog.database.snapshot():
            record, codes = read_scene(self.catalog, self.codes, self.row_map, scene)
            check_derived(self.catalog, scene, record)
        return record, codes

    def tiles(self, rows: Sequence[int]) -> dict[int, Tile]:
        """The tiles in rows; a row without a tile is left out.

        StoreDamagedError, with a scene's path, unless all shown data is sound.
        """
        with self.catalog.database.snapshot():
            found = self.catalog.tiles.at(self._there(rows))
            self.check(owned for owned, _ in found)
        return {owned.row: tile for owned, tile in found}

    def sound(self, rows: Sequence[int]) -> set[int]:
        """Those of rows with a tile; StoreDamagedError as tiles."""
        with self.catalog.database.snapshot():
            owners = self.catalog.tiles.owners(self._there(rows))
            self.check(owners)
        return {owned.row for owned in owners}

    def _there(self, rows: Sequence[int]) -> list[int]:
        numbers = np.array(rows, np.int64)
        there: list[int] = numbers[self.has(numbers)].tolist()
        return there

    def check(self, tiles: Iterable[Owned]) -> None:
        """Compare the scenes of tiles with their checksums, each once per origin of the codes.

        StoreDamagedError, with a scene's path, on a damaged scene.
        """
        for row, scene, checksum in tiles:
            own = self.origin.sound_rows(scene, checksum)
            if own is None:
                record, _ = read_scene(self.catalog, self.codes, self.row_map, scene)
                own = range(record.first_row, record.first_row + record.tiles)
                self.origin.note_sound(scene, checksum, own)
            if row not in own:
                raise StoreDamagedError(f"row {row}: its entry in the catalog is damaged")

    def is_sound(self, scene: int) -> bool:
        """Whether a scene has no damage."""
        try:
            self.read_scene(scene)
        except StoreDamagedError:
            return False
        return True

    def search(self, request: SearchRequest) -> "tuple[Distances, Rows, Explanation]":
        """Distances and rows of the nearest tiles, padded as in CodeIndex.search."""
        distances, positions, explanation = self._search(request)
        rows = self.row_map.rows(positions)
        rows[positions == NO_ROW] = NO_ROW
        return distances, rows, explanation

    def search_any(self, request: SearchRequest) -> "tuple[Distances, Rows, Explanation]":
        """The tiles nearest to any of the codes: distances and rows [1, k].

        They are among the nearest tiles of each code.
        """
        every, found, explanation = self.search(request)
        distances, rows = every.reshape(-1), found.reshape(-1)
        order = search_order(distances, rows)
        distances, rows = distances[order], rows[order]
        first = np.sort(np.unique(rows, return_index=True)[1])
        kept = first[rows[first] != NO_ROW][: request.k]
        return distances[kept][None], rows[kept][None], explanation

    def _search(self, request: SearchRequest) -> "tuple[Distances, Rows, Explanation]":
        """Distances and positions of the nearest tiles, as from CodeIndex.search.

        Conditions that the index does not know are checked on more hits than wanted, and on ever
        more until enough of them pass. Only this method repeats a search for that.
        """
        k, where, unlike = min(request.k, len(self)), request.where, request.unlike
        within = None if where is None else self._listed(where)
        checked = where if within is None else None
        wanted = k if checked is None and unlike is None else MORE * k
        while True:
            wanted = min(wanted, len(self))
            distances, found, explanation = self.index.search_explained(
                request.codes, wanted, request.radius, within, request.threads
            )
            if checked is None and unlike is None:
                return distances, found, explanation
            kept = self._passing(distances, found, checked, unlike)
            ended = (found == NO_ROW).any(axis=1) | (wanted == len(self))
            if ((kept.sum(axis=1) >= k) | ended).all():
                return *self._first(distances, found, kept, k), explanation
            if checked is not None and wanted >= TOO_BROAD * k:
                self._selected[checked] = within = self._positions_where(checked)
                checked = None
            wanted = k if checked is None and unlike is None else MORE * wanted

    def _listed(self, where: Filter) -> Rows | None:
        """The positions that a filter selects; None while they are too many to list."""
        if where not in self._selected:
            narrow = is_narrow(self.catalog, where)
            self._selected[where] = self._positions_where(where) if narrow else None
        return self._selected[where]

    def _passing(
        self, distances: Distances, found: Rows, where: Filter | None, unlike: Codes | None
    ) -> npt.NDArray[np.bool_]:
        """Which of the positions found [Q, N], at distances [Q, N], meet the conditions."""
        kept: npt.NDArray[np.bool_] = found != NO_ROW
        if where is not None:
            rows = self.row_map.rows(found)
            kept &= np.isin(rows, holding(self.catalog, where, np.unique(rows[kept])))
        if unlike is not None and kept.any():
            some, at = np.unique(found[kept], return_inverse=True)
            kept[kept] = distances[kept] < nearest_hamming(self.codes[some], unlike)[at]
        return kept

    def _first(
        self, distances: Distances, found: Rows, kept: npt.NDArray[np.bool_], k: int
    ) -> tuple[Distances, Rows]:
        """The first k kept entries of each line, padded as in CodeIndex.search."""
        order = np.argsort(~kept, axis=1, kind="stable")[:, :k]
        left = np.take_along_axis(kept, order, axis=1)
        near = np.take_along_axis(distances, order, axis=1)
        positions = np.take_along_axis(found, order, axis=1)
        beyond = np.int32(self.state.bits + 1)
        return np.where(left, near, beyond), np.where(left, positions, np.int64(NO_ROW))

    def _positions_where(self, where: Filter) -> Rows:
        """The positions, in this snapshot, of the rows that meet a filter."""
        rows = rows_where(self.catalog, where, self.state.rows)
        rows = rows[: np.searchsorted(rows, self.state.rows)]
        if len(self.row_map.dropped):
            rows = rows[~self.row_map.dropped.contain(rows)]
        return self.row_map.positions(rows)
