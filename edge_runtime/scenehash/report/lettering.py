r"""Text on pictures, in any script: a character that no font has is written as \u6e2f.

OpenCV 5 has fonts for most scripts. OpenCV 4 draws only ASCII.
"""

import functools
import json
import unicodedata

import cv2
import numpy as np

from scenehash.printable import printable
from scenehash.tiles import Image

HAS_FONTS = hasattr(cv2, "FontFace")
SIZE, WEIGHT = 13, 400
# OpenCV 4: as large as that.
SCALE = 0.42

Colour = tuple[int, int, int]


def write(image: Image, text: str, at: tuple[int, int], colour: Colour) -> None:
    """Write one line on uint8 RGB [H, W, 3]; at: the start of its base line, right and down."""
    shown = drawable(text)
    if HAS_FONTS:
        cv2.putText(image, shown, at, colour, _font(), SIZE, WEIGHT)
    else:
        font = cv2.FONT_HERSHEY_SIMPLEX
        cv2.putText(image, shown, at, font, SCALE, colour, 1, cv2.LINE_AA)


def width_of(text: str) -> int:
    """The width of a line in pixels."""
    shown = drawable(text)
    if HAS_FONTS:
        return cv2.getTextSize((0, 0), shown, (0, 0), _font(), SIZE, WEIGHT)[2]
    return cv2.getTextSize(shown, cv2.FONT_HERSHEY_SIMPLEX, SCALE, 1)[0][0]


def shortened(text: str, width: int) -> str:
    """A line with at most this width in pixels: it loses its start, since the end distinguishes
    names.
    """
    characters, dots = drawable(text), ""
    while width_of(dots + characters) > width:
        characters, dots = characters[1:], ".."
    return dots + characters


def drawable(text: str) -> str:
    """A line with only drawable characters."""
    whole = unicodedata.normalize("NFC", printable(text))
    return "".join(one if _is_drawn(one) else json.dumps(one)[1:-1] for one in whole)


@functools.lru_cache(4096)
def _is_drawn(character: str) -> bool:
    if character.isascii() or not HAS_FONTS:
        return character.isascii()
    # OpenCV draws what no font has as a question mark.
    return not np.array_equal(_drawn(character), _drawn("?"))


def _drawn(character: str) -> Image:
    canvas = np.zeros((3 * SIZE, 3 * SIZE, 3), np.uint8)
    cv2.putText(canvas, character, (SIZE, 2 * SIZE), (255, 255, 255), _font(), SIZE, WEIGHT)
    return canvas


@functools.cache
def _font() -> "cv2.FontFace":
    return cv2.FontFace("sans")
