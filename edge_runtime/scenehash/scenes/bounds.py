"""How large an image may be that is decoded whole: found in its header, before memory is taken.

OpenCV takes about 6 bytes for each pixel of 8 bits a channel, whatever the file's size: 280 kB of
PNG may hold a thousand million pixels.
"""

import re
import struct
from typing import NamedTuple

from scenehash.errors import InputError

# With the process itself about 600 MB: 8192 x 8192 pixels of 8 bits, half as many of 16.
MAX_BYTES = 6 << 26
# A progressive JPEG goes over its pixels once for each scan; ten are usual.
MAX_SCANNED_PIXELS = 20 << 26

OTHER_FORMATS = {
    b"GIF8": "GIF",
    b"%PDF": "PDF",
    b"\0\0\0\x0cjP  ": "JPEG 2000",
    b"\xff\x4f\xff\x51": "JPEG 2000",
    b"\x89HDF": "HDF5",
    b"CDF\x01": "NetCDF",
    b"PK\x03\x04": "ZIP",
    b"\x1f\x8b": "GZIP",
    b"8BPS": "Photoshop",
    b"\xff\x0a": "JPEG XL",
    b"\0\0\0\x0cJXL ": "JPEG XL",
    b"P5": "PNM",
    b"P6": "PNM",
    b"<VRTDataset": "VRT",
    b"GRIB": "GRIB",
    b"\x76\x2f\x31\x01": "OpenEXR",
}
MOST_SEGMENTS = 10_000
_FILL = re.compile(rb"\xff+")
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
# Type, bytes: those of TIFF 6.0, section 2, that hold whole numbers; and of BigTIFF.
_TIFF_NUMBERS = {1: "B", 3: "H", 4: "I", 16: "Q"}
_WIDTH, _HEIGHT, _BITS, _TILE_WIDTH, _TILE_HEIGHT = 256, 257, 258, 322, 323


class Header(NamedTuple):
    """What an image file says of itself: pixels, bytes a channel, how often they are gone over."""

    width: int
    height: int
    sample_bytes: int = 1
    scans: int = 1


def check_bounds(data: bytes) -> None:
    """Raise InputError on an image that takes too much memory or time, or is of another format.

    JPEG, PNG, TIFF, BMP and WebP are known, whatever the file's name says.
    """
    try:
        header = _header(data)
    except (struct.error, LookupError, ValueError, OverflowError) as error:
        raise InputError("the image is damaged or truncated (its header)") from error
    pixels = header.width * header.height
    if pixels * 6 * header.sample_bytes > MAX_BYTES:
        raise InputError(
            f"{header.width}x{header.height} pixels of {8 * header.sample_bytes} bits are too many "
            "for an image that is read whole; convert it first: gdal_translate -of COG IN cog.tif"
        )
    if pixels * header.scans > MAX_SCANNED_PIXELS:
        raise InputError(
            f"{header.width}x{header.height} pixels in {header.scans} scans take too long to decode"
        )


def _header(data: bytes) -> Header:
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        width, height, bits = struct.unpack(">IIB", data[16:25])
        return Header(width, height, 2 if bits == 16 else 1)
    if data.startswith(b"\xff\xd8\xff"):
        return _jpeg(data)
    if data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return _tiff(data)
    if data.startswith(b"BM"):
        form = "<ii" if struct.unpack("<I", data[14:18])[0] >= 16 else "<HH"
        width, height = struct.unpack_from(form, data, 18)
        return Header(abs(width), abs(height))
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _webp(data)
    for start, name in OTHER_FORMATS.items():
        if data.startswith(start):
            raise InputError(f"a {name} file, whatever its name says: convert it to PNG or GeoTIFF")
    raise InputError("not an image: no JPEG, PNG, TIFF, BMP or WebP, by its first bytes")


def _jpeg(data: bytes) -> Header:
    """Source: ITU T.81, annex B: markers, and the frame header."""
    at = 2
    for _ in range(MOST_SEGMENTS):
        # Rubbish between segments is passed over, as libjpeg does.
        at = _FILL.match(data, data.index(b"\xff", at)).end()  # type: ignore[union-attr]
        marker, at = data[at], at + 1
        if marker in _JPEG_FRAMES:
            height, width = struct.unpack_from(">HH", data, at + 3)
            # A scan has eight bytes at least; where so many could do no harm, they are not counted.
            many = width * height * (len(data) // 8) > MAX_SCANNED_PIXELS
            return Header(width, height, scans=data.count(b"\xff\xda", at) if many else 1)
        if marker and not 0xD0 <= marker <= 0xD9:
            at += struct.unpack_from(">H", data, at)[0]
    raise InputError("the image is damaged or truncated (no frame header)")


def _tiff(data: bytes) -> Header:
    """Source: TIFF 6.0, section 2, and the BigTIFF design; the first directory counts."""
    order = "<" if data[:1] == b"I" else ">"
    big = data[2:4] in (b"+\0", b"\0+")
    (start,) = struct.unpack_from(order + ("Q" if big else "I"), data, 8 if big else 4)
    count_form, entry = (order + "Q", 20) if big else (order + "H", 12)
    (count,) = struct.unpack_from(count_form, data, start)
    start += struct.calcsize(count_form)
    tags: dict[int, int] = {}
    for at in range(start, min(start + min(count, 4096) * entry, len(data) - entry + 1), entry):
        tag, kind = struct.unpack_from(order + "HH", data, at)
        (values,) = struct.unpack_from(order + ("Q" if big else "I"), data, at + 4)
        form = order + _TIFF_NUMBERS.get(kind, "B")
        inside = at + (12 if big else 8)
        if tag == _BITS and values * struct.calcsize(form) > (8 if big else 4):
            (inside,) = struct.unpack_from(order + ("Q" if big else "I"), data, inside)
        if tag in (_WIDTH, _HEIGHT, _BITS, _TILE_WIDTH, _TILE_HEIGHT):
            (tags[tag],) = struct.unpack_from(form, data, inside)
    width, height = tags[_WIDTH], tags[_HEIGHT]
    # A tile, or a strip, is decoded whole, whatever part of it lies in the image.
    width, height = max(width, tags.get(_TILE_WIDTH, 0)), max(height, tags.get(_TILE_HEIGHT, 0))
    return Header(width, height, max(1, tags.get(_BITS, 8) // 8))


def _webp(data: bytes) -> Header:
    """Source: RFC 9649, sections 2.5 to 2.7."""
    kind = data[12:16]
    if kind == b"VP8X":
        width, height = (int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27))
    elif kind == b"VP8L":
        packed = struct.unpack("<I", data[21:25])[0]
        width, height = (packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1
    else:
        width, height = (side & 0x3FFF for side in struct.unpack("<HH", data[26:30]))
    return Header(width, height)
