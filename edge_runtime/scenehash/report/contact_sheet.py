"""The contact sheet: queries, each followed by its hits with rank, distance, name."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np

from scenehash.errors import InputError
from scenehash.files import write_bytes
from scenehash.retrieval.filter_text import named, window_text
from scenehash.retrieval.pictures import query_pixels, tile_pixels
from scenehash.retrieval.search import SearchResult
from scenehash.scenes.thumbnails import decode_thumbnail
from scenehash.store import Hit
from scenehash.tiles import Image, to_tile

from .lettering import Colour, shortened, write

THUMBNAIL, MARGIN, CAPTION_LINE, COLUMNS = 160, 12, 17, 7
PAPER, INK, FAINT, ACCENT = (250, 250, 248), (30, 30, 30), (120, 120, 120), (196, 60, 40)


@dataclass(frozen=True)
class SheetLine:
    """A query and its hits; image is uint8 RGB [H, W, 3], or None if the scene is missing.

    thumbnails: by row, uint8 RGB, for hits whose scene is missing.
    """

    image: Image | None
    title: str
    hits: Sequence[Hit]
    thumbnails: Mapping[int, Image] = field(default_factory=dict)


def contact_sheet(lines: Sequence[SheetLine]) -> Image:
    """Draw queries, each followed by its hits on as many rows as necessary.

    A hit without a readable scene or a thumbnail shows a text instead. If several hits are of one
    scene, the windows are named.
    """
    every = [_cells(line) for line in lines]
    height = CAPTION_LINE * max(len(cell.caption) for cells in every for cell in cells)
    drawn = [[cell.drawn(height) for cell in cells] for cells in every]
    columns = min(COLUMNS, max(len(cells) for cells in drawn))
    rows = [cells[at : at + columns] for cells in drawn for at in range(0, len(cells), columns)]
    height, width = rows[0][0].shape[:2]
    sheet = np.full((len(rows) * height + MARGIN, columns * width + MARGIN, 3), PAPER, np.uint8)
    for down, row in enumerate(rows):
        for across, picture in enumerate(row):
            top, left = MARGIN + down * height, MARGIN + across * width
            sheet[top : top + height, left : left + width] = picture
    return sheet


def search_sheet(result: SearchResult) -> Image:
    """Draw a search: its queries, and after the last one its hits."""
    lines = [SheetLine(query_pixels(query), query.title, []) for query in result.queries]
    thumbnails = {row: decode_thumbnail(jpeg) for row, jpeg in result.thumbnails.items()}
    lines[-1] = replace(lines[-1], hits=result.hits, thumbnails=thumbnails)
    return contact_sheet(lines)


def check_format(path: Path) -> None:
    """Raise InputError when the ending of a name is not a picture format."""
    # OpenCV ends the process on names that are not UTF-8, so it only gets the suffix.
    if not (path.suffix.isascii() and cv2.haveImageWriter(f"picture{path.suffix}")):
        raise InputError("the ending is not a picture format; use .png or .jpg", path)


def write_picture(path: Path, picture: Image) -> None:
    """Write uint8 RGB [H, W, 3] in the format of the name's ending; InputError if that fails."""
    check_format(path)
    _, data = cv2.imencode(path.suffix, cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    write_bytes(path, data.tobytes())


@dataclass(frozen=True)
class _Cell:
    """A picture, uint8 RGB or None, and the lines below it, the first in its colour."""

    image: Image | None
    caption: Sequence[str]
    colour: Colour

    def drawn(self, caption_height: int) -> Image:
        height = THUMBNAIL + caption_height + 2 * MARGIN
        cell = np.full((height, THUMBNAIL + MARGIN, 3), PAPER, np.uint8)
        picture = cell[:THUMBNAIL, :THUMBNAIL]
        if self.image is None:
            picture[:] = 225
            write(cell, "scene not found", (22, THUMBNAIL // 2), FAINT)
        else:
            picture[:] = to_tile(self.image, THUMBNAIL)
        cv2.rectangle(picture, (0, 0), (THUMBNAIL - 1, THUMBNAIL - 1), self.colour, 1)
        for number, text in enumerate(self.caption, start=1):
            at = (0, THUMBNAIL + CAPTION_LINE * number)
            write(cell, shortened(text, THUMBNAIL), at, self.colour if number == 1 else FAINT)
        return cell


def _cells(line: SheetLine) -> list[_Cell]:
    cells = [_Cell(line.image, ("query", line.title), ACCENT)]
    scenes = Counter(hit.scene for hit in line.hits)
    for hit in line.hits:
        caption = [f"#{hit.rank}   {hit.distance} bit{'' if hit.distance == 1 else 's'}"]
        if hit.match is not None:
            caption.append(hit.match.replace("_", " "))
        caption.append(named(hit.scene))
        if scenes[hit.scene] > 1:
            caption.append(window_text(hit.window))
        thumbnail = line.thumbnails.get(hit.row)
        pixels = tile_pixels(Path(hit.scene), hit.window, hit.decode_params, THUMBNAIL, thumbnail)
        cells.append(_Cell(pixels, caption, INK))
    return cells
