"""The contact sheet: queries, each followed by its hits with rank, distance, name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np

from scenehash.errors import InputError
from scenehash.files import write_bytes
from scenehash.retrieval.pictures import query_pixels, tile_pixels
from scenehash.retrieval.search import SearchResult
from scenehash.retrieval.shown import named
from scenehash.scenes.thumbnails import decode_thumbnail
from scenehash.store import Hit
from scenehash.tiles import Image, to_tile

THUMBNAIL, MARGIN, CAPTION, COLUMNS = 160, 12, 60, 7
PAPER, INK, FAINT, ACCENT = (250, 250, 248), (30, 30, 30), (120, 120, 120), (196, 60, 40)


@dataclass(frozen=True)
class SheetLine:
    """A query and its hits; image is uint8 RGB [H, W, 3], or None where the scene is gone.

    thumbnails: by row, uint8 RGB, shown of hits whose scene is gone.
    """

    image: Image | None
    title: str
    hits: Sequence[Hit]
    thumbnails: Mapping[int, Image] = field(default_factory=dict)


def contact_sheet(lines: Sequence[SheetLine]) -> Image:
    """Draw queries, each with its hits behind it on as many rows as they need.

    A hit whose scene cannot be read any more, and that has no thumbnail, says so in its place.
    """
    drawn = [_cells(line) for line in lines]
    columns = min(COLUMNS, max(len(cells) for cells in drawn))
    rows = [cells[at : at + columns] for cells in drawn for at in range(0, len(cells), columns)]
    height, width = rows[0][0].shape[:2]
    sheet = np.full((len(rows) * height + MARGIN, columns * width + MARGIN, 3), PAPER, np.uint8)
    for down, row in enumerate(rows):
        for across, cell in enumerate(row):
            top, left = MARGIN + down * height, MARGIN + across * width
            sheet[top : top + height, left : left + width] = cell
    return sheet


def search_sheet(result: SearchResult) -> Image:
    """Draw a search: its queries, and behind the last one its hits."""
    lines = [SheetLine(query_pixels(query), query.title, []) for query in result.queries]
    thumbnails = {row: decode_thumbnail(jpeg) for row, jpeg in result.thumbnails.items()}
    lines[-1] = replace(lines[-1], hits=result.hits, thumbnails=thumbnails)
    return contact_sheet(lines)


def write_picture(path: Path, picture: Image) -> None:
    """Write uint8 RGB [H, W, 3] in the format that the name says; InputError if that fails."""
    try:
        _, data = cv2.imencode(path.suffix, cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    except cv2.error as error:
        raise InputError(f"{path}: no picture format of that name; use .png or .jpg") from error
    write_bytes(path, data.tobytes())


def _cells(line: SheetLine) -> list[Image]:
    cells = [_cell(line.image, "query", "", line.title, ACCENT)]
    for hit in line.hits:
        label = f"#{hit.rank}   {hit.distance} bit{'' if hit.distance == 1 else 's'}"
        word = (hit.match or "").replace("_", " ")
        thumbnail = line.thumbnails.get(hit.row)
        pixels = tile_pixels(Path(hit.scene), hit.window, hit.decode_params, THUMBNAIL, thumbnail)
        cells.append(_cell(pixels, label, word, named(hit.scene), INK))
    return cells


def _cell(
    image: Image | None, label: str, word: str, name: str, colour: tuple[int, int, int]
) -> Image:
    cell = np.full((THUMBNAIL + CAPTION + MARGIN, THUMBNAIL + MARGIN, 3), PAPER, np.uint8)
    picture = cell[:THUMBNAIL, :THUMBNAIL]
    if image is None:
        picture[:] = 225
        _write(cell, "scene not found", (22, THUMBNAIL // 2), FAINT)
    else:
        picture[:] = to_tile(image, THUMBNAIL)
    cv2.rectangle(picture, (0, 0), (THUMBNAIL - 1, THUMBNAIL - 1), colour, 1)
    _write(cell, label, (0, THUMBNAIL + 17), colour)
    lines = (word, name) if word else (name,)
    for number, text in enumerate(lines, start=1):
        _write(cell, _fitting(text), (0, THUMBNAIL + 17 + 17 * number), FAINT)
    return cell


def _write(cell: Image, text: str, at: tuple[int, int], colour: tuple[int, int, int]) -> None:
    cv2.putText(cell, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.42, colour, 1, cv2.LINE_AA)


def _fitting(name: str) -> str:
    """A name as wide as a thumbnail; the end of it tells scenes apart, so the start gives way."""
    plain = name.encode("ascii", "replace").decode("ascii")
    while cv2.getTextSize(plain, cv2.FONT_HERSHEY_SIMPLEX, 0.42, 1)[0][0] > THUMBNAIL:
        plain = ".." + plain.removeprefix("..")[1:]
    return plain
