"""The first directory of a TIFF, for facts that GDAL does not report.

Source: TIFF 6.0, sections 2 and 8; Adobe's technical note 1 on SubIFDs; BigTIFF has entries of 20
bytes.
"""

import contextlib
import struct
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, TypeAlias

from scenehash.errors import InputError
from scenehash.files import open_regular

# This many bytes from an offset of a file or an object; fewer at its end.
Read: TypeAlias = Callable[[int, int], bytes]

ORIENTATION, PHOTOMETRIC = 0x0112, 0x0106
NEW_SUBFILE_TYPE, SUBFILE_TYPE, SUB_DIRECTORIES = 0x00FE, 0x00FF, 0x014A
# Not a tag: the offset of the next directory.
NEXT = 0
# A bit of NewSubfileType and a value of SubfileType: a smaller copy of another image.
_REDUCED_BIT, _REDUCED = 1, 2
_BIG = 43
# SHORT, LONG and IFD; of BigTIFF LONG8 and IFD8, too.
_FORMS, _BIG_FORMS = {3: "H", 4: "I", 13: "I"}, {3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
MOST_TAGS = 4096
# Colour spaces that GDAL gives unconverted, as red, green and blue or without names.
NO_COLOURS = {
    4: "it is a mask of transparency, not a picture",
    8: "its colours are CIE L*a*b*",
    9: "its colours are ICC L*a*b*",
    10: "its colours are ITU L*a*b*",
    32803: "it is a camera's mosaic of colours (CFA)",
    32844: "its values are logarithms (LogL)",
    32845: "its colours are logarithms (LogLuv)",
}


def first_directory(path: Path) -> dict[int, int]:
    """The first directory of a TIFF file: the values of its integer tags; empty if it is cut."""
    with open_regular(path) as file:
        return directory_of(reading(file))


def reading(file: BinaryIO) -> Read:
    """A function that reads parts of an open file."""

    def read(start: int, size: int) -> bytes:
        file.seek(start)
        return file.read(size)

    return read


def directory_of(read: Read) -> dict[int, int]:
    """As first_directory, with a function that reads parts."""
    with contextlib.suppress(struct.error, OSError, OverflowError):
        head = read(0, 16)
        order = "<" if head[:1] == b"I" else ">"
        is_big = struct.unpack(order + "H", head[2:4])[0] == _BIG
        form, entry = (order + "Q", 20) if is_big else (order + "H", 12)
        place = order + ("Q" if is_big else "I")
        (start,) = struct.unpack_from(place, head, 8 if is_big else 4)
        size = struct.calcsize(form)
        (count,) = struct.unpack(form, read(start, size))
        end = min(count, MOST_TAGS) * entry
        entries = read(start + size, end + struct.calcsize(place))
        values = whole_values(head, entries[:end])
        if count <= MOST_TAGS and len(entries) > end:
            (values[NEXT],) = struct.unpack_from(place, entries, end)
        return values
    return {}


def whole_values(head: bytes, directory: bytes) -> dict[int, int]:
    """The first value of each integer tag, from a TIFF's first bytes and a directory's entries.

    If the values do not fit into an entry, the result is their offset.
    """
    order = ">" if head[:1] == b"M" else "<"
    big = _BIG in struct.unpack(order + "H", head[2:4])
    forms, value_at = (_BIG_FORMS, 12) if big else (_FORMS, 8)
    found: dict[int, int] = {}
    for at in range(0, len(directory) - 11, 20 if big else 12):
        tag, kind = struct.unpack_from(order + "HH", directory, at)
        if kind in forms:
            (value,) = struct.unpack_from(order + forms[kind], directory, at + value_at)
            found.setdefault(tag, value)
    return found


def check_first_image(directory: dict[int, int]) -> None:
    """Raise InputError when a TIFF's first image, the one that is read, is not the scene.

    That is, when it is a thumbnail of another image, as in a camera's raw file, or when its values
    are not red, green and blue, or grey.
    """
    is_reduced = (
        directory.get(NEW_SUBFILE_TYPE, 0) & _REDUCED_BIT or directory.get(SUBFILE_TYPE) == _REDUCED
    )
    if is_reduced and (directory.get(NEXT) or directory.get(SUB_DIRECTORIES)):
        raise InputError(
            "its first image is only a thumbnail of another image in it; save the other image as a "
            "separate file"
        )
    if reason := NO_COLOURS.get(directory.get(PHOTOMETRIC, 0)):
        raise InputError(f"{reason}; convert it to red, green and blue")
