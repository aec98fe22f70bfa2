"""The colour space of a JPEG 2000 file, which GDAL does not report.

Source: ISO/IEC 15444-1, annex I: I.4 (boxes), I.5.3 (JP2 header), I.5.3.3 (colour specification);
further enumerated spaces are from ISO/IEC 15444-2, M.11.7.3.1.
"""

import contextlib
import struct
from collections.abc import Iterator

from scenehash.errors import InputError

from .tiff_directory import Read

# The first bytes of a header to read, and the most boxes before it.
HEADER_BYTES, MOST_BOXES = 1 << 16, 1000
ENUMERATED = 1
# Colour spaces that GDAL gives unconverted, as red, green and blue or without names.
NO_COLOURS = {
    1: "YCbCr", 3: "YCbCr", 4: "YCbCr", 9: "PhotoYCC", 11: "inks (CMY)", 12: "inks (CMYK)",
    13: "YCCK", 14: "CIE L*a*b*", 18: "sYCC", 19: "CIE Jab", 22: "YPbPr", 23: "YPbPr", 24: "e-sYCC",
}  # fmt: skip


def check_jp2_colours(read: Read) -> None:
    """Raise InputError unless the values are red, green and blue, or grey.

    read: a function that reads parts of a JPEG 2000 file.
    """
    with contextlib.suppress(struct.error, OSError, OverflowError):
        header = next((content for kind, content in _boxes(read) if kind == b"jp2h"), b"")
        if name := NO_COLOURS.get(_enumerated(header) or 0):
            raise InputError(f"its colours are {name}; convert it to red, green and blue")


def _enumerated(header: bytes) -> int | None:
    """The number of the colour space in a JP2 header; None if there is none."""
    for kind, colours in _boxes(lambda at, most: header[at : at + most]):
        if kind == b"colr":
            method, space = struct.unpack_from(">BxxI", colours)
            return int(space) if method == ENUMERATED else None
    return None


def _boxes(read: Read) -> Iterator[tuple[bytes, bytes]]:
    """Each box: its kind and the start of its content; nothing for a codestream without boxes."""
    at = 0
    for _ in range(MOST_BOXES):
        front, start = read(at, 16), 8
        if len(front) < 8:
            return
        size, kind = struct.unpack_from(">I4s", front)
        if size == 1:
            ((size,), start) = struct.unpack_from(">Q", front, 8), 16
        if size and size < start:
            return
        most = size - start if size else HEADER_BYTES
        yield kind, read(at + start, min(most, HEADER_BYTES))
        if not size:
            return
        at += size
