"""From a filter to the matching rows: by SQL, and by numpy for exact places."""

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
# Tiles per comparison of footprints.
PART = 1 << 14
LABELLED = "scene.scene IN (SELECT scene FROM label WHERE label = ?)"
LABELLED_FEW = "EXISTS (SELECT 1 FROM label WHERE label.label = ? AND label.scene = scene.scene)"
ROWS_DAMAGED = "the row numbers in the catalog are damaged; see: scenehash store verify"


def is_narrow(catalog: Catalog, where: Filter) -> bool:
    """Whether the rows of a filter can be listed quickly."""
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
    """The rows that meet a filter, int64, ascending.

    If the only condition is newer_than, these are all later rows before end, also of deleted tiles.
    StoreDamagedError on impossible rows.
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
    """Those of a few rows, int64 [N], that meet a filter, in some order."""
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
    """The SQL condition on table scene for scenes with tiles that may meet a filter, and its
    values; "" if there is none.

    It has no condition on places. newer_than leaves out scenes without newer tiles.
    """
    return _joined([*_of_scenes(catalog, where), *_newer(where)])


def _beside_rows(catalog: Catalog, where: Filter, few: bool = False) -> Condition:
    """As on_scenes; "" if newer_than is the only condition, since row numbers decide that.

    few: a form for checking a few scenes, not for finding all scenes that match.
    """
    given = _of_scenes(catalog, where, few)
    return _joined([*given, *_newer(where)] if given else [])


def _of_scenes(catalog: Catalog, where: Filter, few: bool = False) -> list[Condition]:
    """A filter's conditions that all tiles of a scene meet, or none."""
    asked: list[tuple[str, str | float | None]] = [
        ("scene.path = ?", where.scene),
        ("scene.time >= ?", None if where.since is None else seconds(where.since)),
        ("scene.time <= ?", None if where.until is None else seconds(where.until)),
        (LABELLED_FEW if few else LABELLED, where.label),
        *(("scene.path != ?", path) for path in where.other_than or ()),
    ]
    given: list[Condition] = [(sql, [value]) for sql, value in asked if value is not None]
    # The store's own name selects all of its tiles.
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
    """Whether a filter names a station without tiles in the store."""
    named = where.station is not None and where.station != catalog.station()
    return named and where.station not in linked_stations(catalog.database)


def is_box(where: Filter) -> bool:
    """Whether a box is the only condition of a filter on places."""
    return where.near is None and where.area is None


def around(where: Filter) -> Box:
    """A bounding box of a filter's conditions on places."""
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
    # If a box is the only condition, tiles completely in one of its pieces need no comparison.
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
