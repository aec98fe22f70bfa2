"""From a filter to the rows for which it holds: by SQL, and places to the last digit by numpy."""

import sys
from typing import TypeVar

import numpy as np

from ..places import Box, Near, bounding_boxes
from .blocks import Block
from .catalog import Catalog
from .filters import Filter
from .rows import Ranges, Rows

Item = TypeVar("Item")

# As many scenes or blocks are listed while a filter counts as narrow.
NARROW = 250


class TooBroad(Exception):  # noqa: N818 - an answer, not an error
    """A filter holds for more than was to be listed."""


def rows_where(catalog: Catalog, where: Filter, narrow: bool = False) -> Rows:
    """The rows for which a filter holds, int64, ascending.

    narrow: give up on a filter that holds for many, by raising TooBroad.
    """
    most = NARROW if narrow else sys.maxsize
    condition, values = where.on_scenes()
    ranges = None
    if condition or (where.bbox is None and where.near is None):
        ranges = Ranges.of(_at_most(catalog.scene_ranges(condition or "1", values, most), most))
    rows = ranges.expanded() if ranges is not None else None
    if where.bbox is not None or where.near is not None:
        there = _rows_there(catalog, where, most)
        rows = there if ranges is None else there[ranges.contain(there)]
    assert rows is not None  # one of the two was asked
    if where.newer_than is not None:
        rows = rows[np.searchsorted(rows, where.newer_than, side="right") :]
    return rows


def _rows_there(catalog: Catalog, where: Filter, most: int) -> Rows:
    """The rows that meet a filter's conditions on places, ascending."""
    box = Box(*where.bbox) if where.bbox is not None else Near(*(where.near or ())).box()
    blocks = [
        block
        for piece in box.pieces()
        for block in _at_most(catalog.blocks_meeting(piece, most), most)
    ]
    # Where only a box is asked for, what lies whole in one of its pieces needs no closer look.
    whole = {
        block.first_row: block.last_row - block.first_row + 1
        for block in blocks
        if where.near is None and block.every and any(_in(block, piece) for piece in box.pieces())
    }
    found = [Ranges.of(sorted(whole.items())).expanded()]
    for first, last in {(block.first_row, block.last_row) for block in blocks}:
        if first not in whole:
            rows, footprints = catalog.footprints(first, last)
            found.append(rows[where.there(bounding_boxes(footprints))])
    rows = np.concatenate(found)
    rows.sort(kind="stable")
    return rows


def _in(block: Block, box: Box) -> bool:
    return (
        box.west <= block.west
        and block.east <= box.east
        and box.south <= block.south
        and block.north <= box.north
    )


def _at_most(found: list[Item], most: int) -> list[Item]:
    if len(found) == most:
        raise TooBroad
    return found
