"""The colour space that a JPEG 2000 file states, which GDAL tells nothing of.

Source: ISO/IEC 15444-1, annex I: I.4 (boxes), I.5.3 (JP2 header), I.5.3.3 (colour specification);
its enumerated spaces beyond those are of ISO/IEC 15444-2, M.11.7.3.1.
"""

import contextlib
import struct
from collections.abc import Iterator

from scenehash.errors import InputError

# What is looked at of a file: its header lies before the pixels.
HEADER_BYTES = 1 << 16
ENUMERATED = 1
# What GDAL gives as it is stored, under the names of red, green and blue or of none.
NO_COLOURS = {
    1: "YCbCr", 3: "YCbCr", 4: "YCbCr", 9: "PhotoYCC", 11: "inks (CMY)", 12: "inks (CMYK)",
    13: "YCCK", 14: "CIE L*a*b*", 18: "sYCC", 19: "CIE Jab", 22: "YPbPr", 23: "YPbPr", 24: "e-sYCC",
}  # fmt: skip


def check_jp2_colours(head: bytes) -> None:
    """Raise InputError when values are not those of red, green and blue, or of grey.

    head: the first bytes of a JPEG 2000 file, up to HEADER_BYTES.
    """
    if name := NO_COLOURS.get(_enumerated(head) or 0):
        raise InputError(f"its colours are {name}; convert it to red, green and blue")


def _enumerated(data: bytes) -> int | None:
    """The colour space by its number, of a file's first bytes; None where it states none."""
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
    """Each box: its kind and its content; nothing of a codestream without boxes."""
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
