"""The directories of a TIFF, for facts that GDAL does not report.

Source: TIFF 6.0, sections 2 and 8; Adobe's technical note 1 on SubIFDs; BigTIFF has entries of 20
bytes.
"""

import contextlib
import struct
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, NamedTuple, TypeAlias

from scenehash.errors import InputError
from scenehash.files import open_regular

# This many bytes from an offset of a file or an object; fewer at its end.
Read: TypeAlias = Callable[[int, int], bytes]

ORIENTATION, PHOTOMETRIC = 0x0112, 0x0106
NEW_SUBFILE_TYPE, SUBFILE_TYPE, SUB_DIRECTORIES = 0x00FE, 0x00FF, 0x014A
# A bit of NewSubfileType and a value of SubfileType: a smaller copy of another image.
_REDUCED_BIT, _REDUCED = 1, 2
_BIG = 43
# SHORT, LONG and IFD; of BigTIFF LONG8 and IFD8, too.
_FORMS, _BIG_FORMS = {3: "H", 4: "I", 13: "I"}, {3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
# Bytes of a value, by its kind.
_SIZES = {
    1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4,
    16: 8, 17: 8, 18: 8,
}  # fmt: skip
# The offsets and sizes of strips and tiles; GDAL reads these in parts.
_PIXEL_TAGS = frozenset({0x0111, 0x0117, 0x0144, 0x0145})
# The maximum number of tags; libtiff refuses more.
MOST_TAGS = (1 << 16) - 1
# GDAL keeps all other tags in memory, some of them three times.
MOST_TAG_BYTES, MOST_DIRECTORIES = 64 << 20, 10_000
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


class Directory(NamedTuple):
    """A directory, which describes one image.

    values: of its integer tags, see whole_values. tag_bytes: the size of the values of its tags,
    without the offsets and sizes of pixels. following: the offset of the next directory, or 0.
    """

    values: Mapping[int, int]
    tag_bytes: int = 0
    following: int = 0


def first_directory(path: Path) -> Directory:
    """The first directory of a TIFF file; without values if it is cut."""
    with open_regular(path) as file:
        return first_directory_of(reading(file))


def first_directory_of(read: Read) -> Directory:
    """As first_directory, with a function that reads parts."""
    return next(directories_of(read), Directory({}))


def reading(file: BinaryIO) -> Read:
    """A function that reads parts of an open file."""

    def read(start: int, size: int) -> bytes:
        file.seek(start)
        return file.read(size)

    return read


def directories_of(read: Read) -> Iterator[Directory]:
    """The directories of a TIFF, one for each image, in their order, until one is cut."""
    with contextlib.suppress(struct.error, OSError, OverflowError):
        head = read(0, 16)
        order, is_big = _layout(head)
        form, entry = (order + "Q", 20) if is_big else (order + "H", 12)
        place = order + ("Q" if is_big else "I")
        (start,) = struct.unpack_from(place, head, 8 if is_big else 4)
        seen: set[int] = set()
        while start and start not in seen:
            seen.add(start)
            size = struct.calcsize(form)
            (count,) = struct.unpack(form, read(start, size))
            end = min(count, MOST_TAGS) * entry
            found = read(start + size, end + struct.calcsize(place))
            is_whole = count <= MOST_TAGS and len(found) > end
            start = struct.unpack_from(place, found, end)[0] if is_whole else 0
            values = whole_values(head, found[:end])
            yield Directory(values, _tag_bytes(head, found[:end], read), start)


def whole_values(head: bytes, directory: bytes) -> dict[int, int]:
    """The first value of each integer tag, from a TIFF's first bytes and a directory's entries.

    If the values do not fit into an entry, the result is their offset.
    """
    order, is_big = _layout(head)
    forms, value_at = (_BIG_FORMS, 12) if is_big else (_FORMS, 8)
    found: dict[int, int] = {}
    for at in range(0, len(directory) - 11, 20 if is_big else 12):
        tag, kind = struct.unpack_from(order + "HH", directory, at)
        if kind in forms:
            (value,) = struct.unpack_from(order + forms[kind], directory, at + value_at)
            found.setdefault(tag, value)
    return found


def check_tags(read: Read) -> None:
    """Raise InputError when the tags of a TIFF would take too much memory or time."""
    total = 0
    for number, directory in enumerate(directories_of(read)):
        total += directory.tag_bytes
        if number >= MOST_DIRECTORIES:
            raise InputError(f"it holds more than {MOST_DIRECTORIES:,} images")
        if total > MOST_TAG_BYTES:
            raise InputError(
                f"its tags hold {total:,} bytes beside the pixels, and at most "
                f"{MOST_TAG_BYTES:,} are read"
            )


def check_first_image(directory: Directory) -> None:
    """Raise InputError when a TIFF's first image, the one that is read, is not the scene.

    That is, when it is a thumbnail of another image, as in a camera's raw file, or when its values
    are not red, green and blue, or grey.
    """
    values = directory.values
    is_reduced = (
        values.get(NEW_SUBFILE_TYPE, 0) & _REDUCED_BIT or values.get(SUBFILE_TYPE) == _REDUCED
    )
    if is_reduced and (directory.following or values.get(SUB_DIRECTORIES)):
        raise InputError(
            "its first image is only a thumbnail of another image in it; save the other image as a "
            "separate file"
        )
    if reason := NO_COLOURS.get(values.get(PHOTOMETRIC, 0)):
        raise InputError(f"{reason}; convert it to red, green and blue")


def _layout(head: bytes) -> tuple[str, bool]:
    """The order of bytes, as struct has it, and whether it is a BigTIFF."""
    order = ">" if head[:1] == b"M" else "<"
    return order, _BIG in struct.unpack(order + "H", head[2:4])


def _tag_bytes(head: bytes, directory: bytes, read: Read) -> int:
    """How many bytes libtiff would read for the tags of a directory's entries."""
    order, is_big = _layout(head)
    form, entry = (order + "HHQQ", 20) if is_big else (order + "HHII", 12)
    total = 0
    for at in range(0, len(directory) // entry * entry, entry):
        tag, kind, count, place = struct.unpack_from(form, directory, at)
        size = _SIZES.get(kind, 0) * count
        # What does not end in the file is passed over, as is an entry that is none.
        is_there = size <= MOST_TAG_BYTES or (place + size < 1 << 63 and read(place + size - 1, 1))
        if tag not in _PIXEL_TAGS and is_there:
            total += size
    return total
