"""From a filter to the rows for which it holds: by SQL, and places to the last digit by numpy."""

import numpy as np

from scenehash.geo import Box, Near, bounding_boxes

from ..catalog.catalog import Catalog
from ..catalog.database import damaged_values
from ..links.scenes import linked_condition, linked_stations
from ..rows import Ranges, Rows
from .filters import Filter

# A filter that meets at most so many scenes or blocks is narrow: its rows are listed in the time of
# a few searches. Where each tile of a block is compared, as for a distance, of blocks a tenth.
NARROW = 2500
# Tiles whose footprints are compared together.
PART = 1 << 14
ROWS_DAMAGED = "what finds tiles in the catalog is damaged; see: scenehash store verify"


def is_narrow(catalog: Catalog, where: Filter) -> bool:
    """Whether the rows for which a filter holds are soon listed."""
    if _is_elsewhere(catalog, where):
        return True
    condition, values = _on_scenes(catalog, where)
    if condition and catalog.scenes.count_where(condition, values, NARROW + 1) > NARROW:
        return False
    most = NARROW if _is_box(where) else NARROW // 10
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
    condition, values = _on_scenes(catalog, where)
    after = -1 if where.newer_than is None else where.newer_than
    if not condition and not where.on_places:
        return np.arange(max(0, after + 1), end)
    with catalog.database.snapshot(), damaged_values(ROWS_DAMAGED):
        rows = _rows_there(catalog, where) if where.on_places else None
        if condition:
            found = Ranges.of(catalog.scenes.ranges_where(condition, values))
            ranges = found.checked(catalog.tiles.end())
            rows = ranges.expanded() if rows is None else rows[ranges.contain(rows)]
    assert rows is not None  # one of the two was asked
    return rows[np.searchsorted(rows, after, side="right") :]


def holding(catalog: Catalog, where: Filter, rows: Rows) -> Rows:
    """Those of a few rows, int64 [N], for which a filter holds, in some order."""
    if _is_elsewhere(catalog, where):
        return rows[:0]
    if where.newer_than is not None:
        rows = rows[rows > where.newer_than]
    condition, values = _on_scenes(catalog, where, few=True)
    if condition:
        rows = catalog.tiles.of_scenes(rows, condition, values)
    if where.on_places:
        rows, footprints = catalog.tiles.footprints_of(rows)
        rows = rows[where.there(bounding_boxes(footprints))]
    return rows


def _on_scenes(catalog: Catalog, where: Filter, few: bool = False) -> tuple[str, list[str | float]]:
    """A filter's condition on scenes in SQL, and its values; empty where there is none.

    Of another station than the store's own, the scenes that came from it.
    """
    condition, values = where.on_scenes(few)
    if where.station is None or where.station == catalog.station():
        return condition, list(values)
    own, names = linked_condition(catalog.database, where.station)
    return (f"({condition}) AND {own}" if condition else own), [*values, *names]


def _is_elsewhere(catalog: Catalog, where: Filter) -> bool:
    """Whether a filter asks for the tiles of a station that the store has none of."""
    named = where.station is not None and where.station != catalog.station()
    return named and where.station not in linked_stations(catalog.database)


def _is_box(where: Filter) -> bool:
    """Whether a box is all that a filter on places asks for."""
    return where.near is None and where.area is None


def around(where: Filter) -> Box:
    """A box around all that a filter on places asks for."""
    if where.bbox is not None:
        return Box(*where.bbox)
    return where.area.box() if where.area is not None else Near(*(where.near or ())).box()


def _rows_there(catalog: Catalog, where: Filter) -> Rows:
    """The rows that meet a filter's conditions on places, ascending."""
    found = [catalog.tiles.blocks_meeting(piece) for piece in around(where).pieces()]
    first, ends, inside = np.concatenate(found).T
    blocks, at = np.unique(first, return_index=True)
    spans = np.stack([blocks, ends[at] - blocks + 1], axis=1)
    # Where only a box is asked for, what lies whole in one of its pieces needs no comparison.
    whole = np.isin(blocks, first[inside != 0]) & _is_box(where)
    end = catalog.tiles.end()
    there = [Ranges.of(spans[whole]).checked(end).expanded()]
    for begin, last in Ranges.of(spans[~whole]).checked(end).parts(PART):
        rows, footprints = catalog.tiles.footprints(begin, last)
        there.append(rows[where.there(bounding_boxes(footprints))])
    rows = np.concatenate(there)
    rows.sort(kind="stable")
    return rows
