"""A snapshot: what is committed in a store at one time, and the search in it."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from scenehash.codes import Codes
from scenehash.errors import StoreDamagedError
from scenehash.index import NO_ROW, CodeIndex, Explanation
from scenehash.index.topk import Distances

from .catalog import Catalog
from .codes_file import CodesFile
from .entry import read_scene
from .filters import Filter
from .folder import INDEX
from .records import SceneRecord
from .rows import Ranges, RowMap, Rows
from .selection import holding, is_narrow, rows_where
from .state import State

# How many times as many hits as are wanted are filtered, for a broad filter: enough
# when it holds for half of all, then for a sixth.
BROAD = (3, 10)
# Codes copied at once.
PART = 1 << 20

# Files of codes that this process has read, as they were when it last did; and their origin.
_origins: dict[Path, tuple[tuple[int, ...], str]] = {}


@dataclass(frozen=True)
class Snapshot:
    """What a store sees until it refreshes.

    codes: uint8 [positions, K/8], mapped. row_map: which row is at which position. dead: rows that
    were deleted and still have their codes in the file. origin: see CodeIndex.
    """

    catalog: Catalog
    state: State
    file: CodesFile
    codes: Codes
    row_map: RowMap
    dead: Ranges
    index: CodeIndex
    origin: str
    # The positions that a filter selects; None for one that is too broad to list them.
    _selected: dict[Filter, Rows | None] = field(default_factory=dict)

    @classmethod
    def of(cls, folder: Path, catalog: Catalog, before: "Snapshot | None" = None) -> "Snapshot":
        """What is committed now. StoreDamagedError when the codes are not all there.

        before: the last snapshot of the same catalog, which has been open since.
        """
        while True:
            with catalog.database.snapshot():
                state = catalog.state()
                dropped, dead = (catalog.deleted(dropped=which) for which in (True, False))
            file = CodesFile(folder, state.bits // 8, state.generation)
            try:
                codes = file.read(state.positions)
                break
            except StoreDamagedError:
                # A compaction may have removed the file since the catalog was read.
                if catalog.state() == state:
                    raise
        row_map = RowMap(dropped)
        gone = row_map.positions(dead.expanded()) if len(dead) else None
        key = f"{state.uuid}-{state.generation}-{state.revision}"
        origin = _origin(file, before)
        index = CodeIndex(codes, gone, folder / INDEX, key, origin)
        return cls(catalog, state, file, codes, row_map, dead, index, origin)

    def __len__(self) -> int:
        """How many tiles can be found."""
        return self.state.positions - self.dead.total()

    def has(self, rows: Rows) -> npt.NDArray[np.bool_]:
        """Which of rows int64 [N] have a tile: bool [N]."""
        there = (rows >= 0) & (rows < self.state.rows)
        return there & ~self.row_map.dropped.contain(rows) & ~self.dead.contain(rows)

    def codes_at(self, rows: Rows) -> Codes:
        """The codes uint8 [N, K/8] of rows that have one."""
        return self.codes[self.row_map.positions(rows)]

    def living_parts(self) -> Iterator[Codes]:
        """The codes that are not deleted, in parts."""
        living = np.ones(len(self.codes), np.bool_)
        living[self.row_map.positions(self.dead.expanded())] = False
        for start in range(0, len(living), PART):
            yield self.codes[start : start + PART][living[start : start + PART]]

    def read_scene(self, scene: int) -> tuple[SceneRecord, Codes]:
        """A scene by its number in the catalog; StoreDamagedError as check.read_scene."""
        return read_scene(self.catalog, self.codes, self.row_map, scene)

    def is_sound(self, scene: int) -> bool:
        """Whether nothing of a scene is damaged."""
        try:
            self.read_scene(scene)
        except StoreDamagedError:
            return False
        return True

    def search(
        self, codes: Codes, k: int, radius: int | None, where: Filter | None, threads: int
    ) -> tuple[Distances, Rows, Explanation]:
        """Distances and rows of the nearest, padded as CodeIndex.search does it."""
        distances, positions, explanation = self._search(
            codes, min(k, len(self)), radius, where, threads
        )
        rows = self.row_map.rows(positions)
        rows[positions == NO_ROW] = NO_ROW
        return distances, rows, explanation

    def _search(
        self, codes: Codes, k: int, radius: int | None, where: Filter | None, threads: int
    ) -> tuple[Distances, Rows, Explanation]:
        """Distances and positions of the nearest, as CodeIndex.search gives them."""
        if where is None:
            return self.index.search(codes, k, radius, None, threads, explain=True)
        if where not in self._selected:
            narrow = is_narrow(self.catalog, where)
            self._selected[where] = self._positions_where(where) if narrow else None
        within = self._selected[where]
        if within is None:
            for times in BROAD:
                answer = self._search_broad(codes, k, radius, where, threads, times)
                if answer is not None:
                    return answer
            self._selected[where] = within = self._positions_where(where)
        return self.index.search(codes, k, radius, within, threads, explain=True)

    def _search_broad(
        self, codes: Codes, k: int, radius: int | None, where: Filter, threads: int, times: int
    ) -> tuple[Distances, Rows, Explanation] | None:
        """The same for a filter that holds for many: search in all, and keep what meets it.

        None when it does not hold for k of the nearest times * k.
        """
        wanted = min(times * k, len(self))
        distances, found, explanation = self.index.search(
            codes, wanted, radius, None, threads, explain=True
        )
        rows = self.row_map.rows(found)
        some = np.unique(rows[found != NO_ROW])
        kept = (found != NO_ROW) & np.isin(rows, holding(self.catalog, where, some))
        ended = (found == NO_ROW).any(axis=1) | (wanted == len(self))
        if not ((kept.sum(axis=1) >= k) | ended).all():
            return None
        order = np.argsort(~kept, axis=1, kind="stable")[:, :k]
        left = np.take_along_axis(kept, order, axis=1)
        distances = np.where(
            left, np.take_along_axis(distances, order, axis=1), self.state.bits + 1
        )
        found = np.where(left, np.take_along_axis(found, order, axis=1), NO_ROW)
        return distances.astype(np.int32), found, explanation

    def _positions_where(self, where: Filter) -> Rows:
        """The positions, in what this store sees, of the rows for which a filter holds."""
        rows = rows_where(self.catalog, where)
        rows = rows[: np.searchsorted(rows, self.state.rows)]
        if len(self.row_map.dropped):
            rows = rows[~self.row_map.dropped.contain(rows)]
        return self.row_map.positions(rows)


def _origin(file: CodesFile, before: Snapshot | None) -> str:
    """The origin of the codes in a file: the same while they have only been appended to.

    A file that was changed while this process did not have the store open has a new one: it may be
    a backup that was copied over what was there.
    """
    path, now = file.path.absolute(), file.identity()
    seen, origin = _origins.get(path, ((), ""))
    if before is not None and before.file.path == file.path:
        origin = before.origin
    elif not origin or seen != now:
        origin = uuid.uuid4().hex
    _origins[path] = now, origin
    return origin
