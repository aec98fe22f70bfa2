"""From a filter to the rows for which it holds: by SQL, and the box to the last digit by numpy."""

import numpy as np

from ..places import Box, Near, bounding_boxes, meeting, within
from .blocks import Block
from .catalog import Catalog
from .filters import Filter
from .rows import Ranges, Rows


def rows_where(catalog: Catalog, where: Filter) -> Rows:
    """The rows for which a filter holds, int64, ascending."""
    rows = Ranges.of(catalog.scene_ranges(*where.on_scenes())).expanded()
    if where.newer_than is not None:
        rows = rows[np.searchsorted(rows, where.newer_than, side="right") :]
    if where.bbox is not None:
        rows = np.intersect1d(rows, _rows_meeting(catalog, Box(*where.bbox)), assume_unique=True)
    if where.near is not None:
        rows = np.intersect1d(rows, _rows_within(catalog, Near(*where.near)), assume_unique=True)
    return rows


def _rows_meeting(catalog: Catalog, box: Box) -> Rows:
    """Rows of tiles whose bounding box meets a box, each once."""
    inside: dict[int, int] = {}
    found = []
    for piece in box.pieces():
        for block in catalog.blocks_meeting(piece):
            if block.every and _within(block, piece):
                inside[block.first_row] = block.last_row - block.first_row + 1
            else:
                rows, footprints = catalog.footprints(block.first_row, block.last_row)
                found.append(rows[meeting(bounding_boxes(footprints), box)])
    found.append(Ranges.of(sorted(inside.items())).expanded())
    return np.unique(np.concatenate(found))


def _rows_within(catalog: Catalog, near: Near) -> Rows:
    """Rows of tiles whose bounding box comes within a distance of a point, each once."""
    found = [np.empty(0, np.int64)]
    for piece in near.box().pieces():
        for block in catalog.blocks_meeting(piece):
            rows, footprints = catalog.footprints(block.first_row, block.last_row)
            found.append(rows[within(bounding_boxes(footprints), near)])
    return np.unique(np.concatenate(found))


def _within(block: Block, box: Box) -> bool:
    return (
        box.west <= block.west
        and block.east <= box.east
        and box.south <= block.south
        and block.north <= box.north
    )
