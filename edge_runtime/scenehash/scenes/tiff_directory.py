"""The first directory of a TIFF, as far as it must be known beside what GDAL tells.

Source: TIFF 6.0, sections 2 and 8; BigTIFF has entries of 20 bytes.
"""

import contextlib
import struct
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, TypeAlias

from scenehash.errors import InputError
from scenehash.files import open_regular

# So many bytes from a place on, of a file or an object; fewer where it ends.
Read: TypeAlias = Callable[[int, int], bytes]

ORIENTATION, PHOTOMETRIC = 0x0112, 0x0106
_SHORT, _BIG = 3, 43
MOST_TAGS = 4096
# What GDAL gives as it is stored, under the names of red, green and blue or of none.
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
    """The first directory of a TIFF file: what its tags of 16 bits say; empty where it is cut."""
    with open_regular(path) as file:
        return directory_of(reading(file))


def reading(file: BinaryIO) -> Read:
    """How an open file is read in places."""

    def read(start: int, size: int) -> bytes:
        file.seek(start)
        return file.read(size)

    return read


def directory_of(read: Read) -> dict[int, int]:
    """The same of what is read so."""
    with contextlib.suppress(struct.error, OSError, OverflowError):
        head = read(0, 16)
        order = "<" if head[:1] == b"I" else ">"
        is_big = struct.unpack(order + "H", head[2:4])[0] == _BIG
        form, entry = (order + "Q", 20) if is_big else (order + "H", 12)
        (start,) = struct.unpack(
            order + ("Q" if is_big else "I"), head[8:16] if is_big else head[4:8]
        )
        size = struct.calcsize(form)
        (count,) = struct.unpack(form, read(start, size))
        return short_values(head, read(start + size, min(count, MOST_TAGS) * entry))
    return {}


def short_values(head: bytes, directory: bytes) -> dict[int, int]:
    """The first value of each tag of 16 bits, of a TIFF's first bytes and a directory's entries."""
    order = ">" if head[:1] == b"M" else "<"
    big = _BIG in struct.unpack(order + "H", head[2:4])
    found: dict[int, int] = {}
    for at in range(0, len(directory) - 11, 20 if big else 12):
        tag, kind = struct.unpack_from(order + "HH", directory, at)
        if kind == _SHORT:
            (value,) = struct.unpack_from(order + "H", directory, at + (12 if big else 8))
            found.setdefault(tag, value)
    return found


def check_colours(directory: dict[int, int]) -> None:
    """Raise InputError when a TIFF's values are not those of red, green and blue, or of grey."""
    if reason := NO_COLOURS.get(directory.get(PHOTOMETRIC, 0)):
        raise InputError(f"{reason}; convert it to red, green and blue")
