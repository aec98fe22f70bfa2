"""The orientation in EXIF; turned.py applies it.

OpenCV turns JPEGs, and later versions also PNGs and WebPs. To be independent of its version, this
package asks for the unturned pixels, and turns them itself.
"""

import contextlib
import struct
from collections.abc import Iterator, Mapping

from .size_limits import FILL, MOST_SEGMENTS
from .tiff_directory import ORIENTATION, whole_values

UPRIGHT = 1
_EXIF = b"Exif\0\0"


def orientation_of(data: bytes, kind: str) -> int:
    """The orientation, 1 to 8, of a JPEG, PNG or WebP file's bytes; 1 if there is none."""
    # Ignore damaged EXIF.
    with contextlib.suppress(struct.error, IndexError, ValueError):
        for note in _NOTES[kind](data):
            return _orientation(note)
    return UPRIGHT


def tiff_orientation(values: Mapping[int, int]) -> int:
    """The orientation of a TIFF, from the values of its first directory."""
    value = values.get(ORIENTATION, UPRIGHT)
    return value if 1 <= value <= 8 else UPRIGHT


def _orientation(note: bytes) -> int:
    """The orientation from EXIF, which is a TIFF with one directory."""
    note = note.removeprefix(_EXIF)
    order = {b"II": "<", b"MM": ">"}[note[:2]] if note[:2] in (b"II", b"MM") else ""
    if not order:
        return UPRIGHT
    (start,) = struct.unpack_from(order + "I", note, 4)
    (count,) = struct.unpack_from(order + "H", note, start)
    return tiff_orientation(whole_values(note[:8], note[start + 2 : start + 2 + 12 * count]))


def _jpeg_notes(data: bytes) -> Iterator[bytes]:
    """Source: ITU T.81, annex B; Exif 2.32, section 4.7.2: APP1."""
    at = 2
    for _ in range(MOST_SEGMENTS):
        fill = FILL.match(data, at)
        if fill is None or data[fill.end()] in (0xDA, 0xD9):
            return
        at = fill.end() + 1
        (length,) = struct.unpack_from(">H", data, at)
        if data[at - 1] == 0xE1 and data.startswith(_EXIF, at + 2):
            yield data[at + 2 : at + length]
        at += length


def _png_notes(data: bytes) -> Iterator[bytes]:
    """Source: PNG specification, third edition, section 11.3.4.5: eXIf."""
    at = 8
    while at + 12 <= len(data) and data[at + 4 : at + 8] != b"IEND":
        (length,) = struct.unpack_from(">I", data, at)
        if data[at + 4 : at + 8] == b"eXIf":
            yield data[at + 8 : at + 8 + length]
        at += 12 + length


def _webp_notes(data: bytes) -> Iterator[bytes]:
    """Source: RFC 9649, section 2.7.1.5: EXIF."""
    at = 12
    for _ in range(MOST_SEGMENTS):
        (length,) = struct.unpack_from("<I", data, at + 4)
        if data[at : at + 4] == b"EXIF":
            yield data[at + 8 : at + 8 + length]
        at += 8 + length + length % 2


def _no_notes(data: bytes) -> Iterator[bytes]:
    del data
    yield from ()


_NOTES = {"JPEG": _jpeg_notes, "PNG": _png_notes, "WebP": _webp_notes, "BMP": _no_notes}
