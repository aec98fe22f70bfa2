"""The colour space of a JPEG 2000 file, which GDAL does not report.

Source: ISO/IEC 15444-1, annex I: I.4 (boxes), I.5.3 (JP2 header), I.5.3.3 (colour specification);
further enumerated spaces are from ISO/IEC 15444-2, M.11.7.3.1.
"""

import contextlib
import struct
from collections.abc import Iterator

from scenehash.errors import InputError

# The first bytes to read: the header lies before the pixels.
HEADER_BYTES = 1 << 16
ENUMERATED = 1
# Colour spaces that GDAL gives unconverted, as red, green and blue or without names.
NO_COLOURS = {
    1: "YCbCr", 3: "YCbCr", 4: "YCbCr", 9: "PhotoYCC", 11: "inks (CMY)", 12: "inks (CMYK)",
    13: "YCCK", 14: "CIE L*a*b*", 18: "sYCC", 19: "CIE Jab", 22: "YPbPr", 23: "YPbPr", 24: "e-sYCC",
}  # fmt: skip


def check_jp2_colours(head: bytes) -> None:
    """Raise InputError unless the values are red, green and blue, or grey.

    head: the first bytes of a JPEG 2000 file, up to HEADER_BYTES.
    """
    if name := NO_COLOURS.get(_enumerated(head) or 0):
        raise InputError(f"its colours are {name}; convert it to red, green and blue")


def _enumerated(data: bytes) -> int | None:
    """The number of the colour space in a file's first bytes; None if there is none."""
    with contextlib.suppress(struct.error):
        for kind, header in _boxes(data):
            if kind == b"jp2h":
                for inner, colours in _boxes(header):
                    if inner == b"colr":
                        method, space = struct.unpack_from(">BxxI", colours)
                        return int(space) if method == ENUMERATED else None
                return None
    return None


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Each box: its kind and its content; nothing for a codestream without boxes."""
    at = 0
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        head = 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, at + 8)
            head = 16
        end = at + size if size else len(data)
        if end < at + head:
            return
        yield kind, data[at + head : end]
        at = end
