"""From a filter to the rows for which it holds: by SQL, and places to the last digit by numpy."""

import sys
from collections.abc import Sequence

import numpy as np

from scenehash.geo import Box, Near, bounding_boxes

from ..catalog.catalog import Catalog
from ..catalog.database import damaged_values
from ..links.scenes import Condition, linked_condition, linked_stations
from ..records import seconds
from ..rows import Ranges, Rows
from .filters import Filter

# A filter that meets at most so many scenes or blocks is narrow: its rows are listed in the time of
# a few searches. A tenth of the blocks, where each tile of a block is compared, as for a distance.
NARROW = 2500
# Tiles whose footprints are compared together.
PART = 1 << 14
LABELLED = "scene.scene IN (SELECT scene FROM label WHERE label = ?)"
LABELLED_FEW = "EXISTS (SELECT 1 FROM label WHERE label.label = ? AND label.scene = scene.scene)"
ROWS_DAMAGED = "the row numbers in the catalog are damaged; see: scenehash store verify"


def is_narrow(catalog: Catalog, where: Filter) -> bool:
    """Whether the rows for which a filter holds are soon listed."""
    if _is_elsewhere(catalog, where):
        return True
    condition, values = _beside_rows(catalog, where)
    if condition and catalog.scenes.count_where(condition, values, NARROW + 1) > NARROW:
        return False
    most = NARROW if is_box(where) else NARROW // 10
    return not where.on_places or all(
        catalog.tiles.count_blocks(piece, most + 1) <= most for piece in around(where).pieces()
    )


def rows_where(catalog: Catalog, where: Filter, end: int) -> Rows:
    """The rows for which a filter holds, int64, ascending.

    Where nothing is asked but that they be newer, these are all such rows before end, of deleted
    tiles, too. StoreDamagedError on rows that cannot be.
    """
    if _is_elsewhere(catalog, where):
        return np.zeros(0, np.int64)
    condition, values = _beside_rows(catalog, where)
    after = -1 if where.newer_than is None else where.newer_than
    if not condition and not where.on_places:
        return np.arange(max(0, after + 1), end)
    with catalog.database.snapshot():
        rows = _rows_there(catalog, where) if where.on_places else None
        if condition:
            found = catalog.scenes.ranges_where(condition, values)
            ranges = _checked(found, catalog.tiles.end())
            rows = ranges.expanded() if rows is None else rows[ranges.contain(rows)]
    assert rows is not None  # one of the two was asked
    return rows[np.searchsorted(rows, after, side="right") :]


def scenes_where(catalog: Catalog, where: Filter) -> list[int]:
    """The numbers of the scenes with a tile that meets a filter, ascending.

    A scene is chosen by its own entry, never by the rows that the entry names: these may be damaged
    and belong to another scene.
    """
    condition, values = on_scenes(catalog, where)
    scenes = catalog.scenes.numbers_where(condition, values, None, False, sys.maxsize)
    if not where.on_places:
        return scenes
    rows = _rows_there(catalog, where)
    if where.newer_than is not None:
        rows = rows[rows > where.newer_than]
    there = set(catalog.tiles.scenes_in(Ranges.covering(rows)))
    return [scene for scene in scenes if scene in there]


def holding(catalog: Catalog, where: Filter, rows: Rows) -> Rows:
    """Those of a few rows, int64 [N], for which a filter holds, in some order."""
    if _is_elsewhere(catalog, where):
        return rows[:0]
    if where.newer_than is not None:
        rows = rows[rows > where.newer_than]
    condition, values = _beside_rows(catalog, where, few=True)
    if condition:
        rows = catalog.tiles.of_scenes(rows, condition, values)
    if where.on_places:
        rows, footprints = catalog.tiles.footprints_of(rows)
        rows = rows[where.there(bounding_boxes(footprints))]
    return rows


def on_scenes(catalog: Catalog, where: Filter) -> Condition:
    """The SQL condition on table scene for scenes of which a tile can meet a filter, and its
    values; "" where there is none.

    Nothing is asked of places. newer_than leaves out those of which no tile is newer.
    """
    return _joined([*_of_scenes(catalog, where), *_newer(where)])


def _beside_rows(catalog: Catalog, where: Filter, few: bool = False) -> Condition:
    """As on_scenes; "" where newer_than is all there is to ask, for rows tell that by themselves.

    few: in a form that is asked of each of a few scenes, not one that finds all that meet it.
    """
    given = _of_scenes(catalog, where, few)
    return _joined([*given, *_newer(where)] if given else [])


def _of_scenes(catalog: Catalog, where: Filter, few: bool = False) -> list[Condition]:
    """A filter's conditions that hold for all tiles of a scene or for none."""
    asked: list[tuple[str, str | float | None]] = [
        ("scene.path = ?", where.scene),
        ("scene.time >= ?", None if where.since is None else seconds(where.since)),
        ("scene.time <= ?", None if where.until is None else seconds(where.until)),
        (LABELLED_FEW if few else LABELLED, where.label),
        *(("scene.path != ?", path) for path in where.other_than or ()),
    ]
    given: list[Condition] = [(sql, [value]) for sql, value in asked if value is not None]
    # The store's own name stands for all that it holds.
    if where.station is not None and where.station != catalog.station():
        given.append(linked_condition(catalog.database, where.station))
    return given


def _newer(where: Filter) -> list[Condition]:
    if where.newer_than is None:
        return []
    return [("scene.first_row + scene.tiles - 1 > ?", [where.newer_than])]


def _joined(given: Sequence[Condition]) -> Condition:
    return " AND ".join(sql for sql, _ in given), [one for _, values in given for one in values]


def _is_elsewhere(catalog: Catalog, where: Filter) -> bool:
    """Whether a filter asks for the tiles of a station that the store has none of."""
    named = where.station is not None and where.station != catalog.station()
    return named and where.station not in linked_stations(catalog.database)


def is_box(where: Filter) -> bool:
    """Whether a box is all that a filter on places asks for."""
    return where.near is None and where.area is None


def around(where: Filter) -> Box:
    """A box around all that a filter on places asks for."""
    if where.bbox is not None:
        return Box(*where.bbox)
    if where.area is not None:
        return where.area.box()
    assert where.near is not None
    return Near(*where.near).box()


def _rows_there(catalog: Catalog, where: Filter) -> Rows:
    """The rows that meet a filter's conditions on places, ascending."""
    found = [catalog.tiles.blocks_meeting(piece) for piece in around(where).pieces()]
    first, ends, inside = np.concatenate(found).T
    blocks, at = np.unique(first, return_index=True)
    spans = np.stack([blocks, ends[at] - blocks + 1], axis=1)
    # Where only a box is asked for, what lies whole in one of its pieces needs no comparison.
    whole = np.isin(blocks, first[inside != 0]) & is_box(where)
    end = catalog.tiles.end()
    there = [_checked(spans[whole], end).expanded()]
    for begin, last in _checked(spans[~whole], end).parts(PART):
        rows, footprints = catalog.tiles.footprints(begin, last)
        there.append(rows[where.there(bounding_boxes(footprints))])
    rows = np.concatenate(there)
    rows.sort(kind="stable")
    return rows


def _checked(spans: Rows, end: int) -> Ranges:
    """Ranges of spans (first, count), int64 [N, 2]; StoreDamagedError where there are no such rows
    before end."""
    with damaged_values(ROWS_DAMAGED):
        return Ranges.of(spans).checked(end)
