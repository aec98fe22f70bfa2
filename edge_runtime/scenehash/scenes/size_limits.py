"""Size limits for the files of a scene. An image that is decoded whole is checked by its header,
before it takes memory.

Pixels of 8 bits take up to 6 bytes each, whatever the file's size: 280 kB of PNG may hold a
thousand million pixels. Some decoders also hold more copies of an image, and its bytes.
"""

import re
import struct
from typing import NamedTuple

from scenehash.errors import InputError

# With the process itself at most 600 MB, on any system: 8192 x 8192 pixels of 8 bits, half as many
# of 16.
MAX_BYTES = 6 << 26
# The same with the file's own bytes, for decoders that hold them and more.
MAX_HELD_BYTES = 400_000_000
# A progressive JPEG has several passes over its pixels; ten are usual.
MAX_SCANNED_PIXELS = 20 << 26

# The maximum file size of an image that is read whole.
MOST_FILE_BYTES = 256 << 20
# The maximum size of text files: sidecars, VRTs, STAC documents.
MOST_NOTE_BYTES = 4 << 20
MOST_VRT_BYTES = 8 << 20
MOST_STAC_BYTES = 64 << 20
# The maximum number of values in a STAC document: each takes up to 90 bytes of memory.
MOST_STAC_VALUES = 3_000_000
# The maximum number of pixels of an uploaded image.
MOST_UPLOADED_PIXELS = 32_000_000
# Bytes of a raster that is held in memory, to be turned: it is read and kept at the same time.
MOST_TURNED_BYTES = MAX_BYTES // 2

# OpenCV reads no larger WebP.
MOST_WEBP_BYTES = 64 << 20
# Parts of a file that are looked at one by one: of a header, and of a PNG with its pixels.
MOST_SEGMENTS, MOST_CHUNKS = 10_000, 1_000_000
_CONVERT = "convert it first: gdal_translate -of COG IN cog.tif"
# Without loss a pixel is one number of 4 bytes, of which the image is made then; of an animation
# two frames are kept besides.
_WEBP_HELD = {b"VP8L": 8, b"ANMF": 12}
# Uncompressed BMPs with bit masks. Only headers of this length have the fourth mask.
_BY_MASKS, _FOUR_MASKS = (3, 6), 56
_BYTE_MASKS = frozenset(0xFF << bits for bits in (0, 8, 16, 24))
_OTHER_MASKS = "a BMP with unusual bit masks of its colours; convert it to PNG"
FILL = re.compile(rb"\xff+")
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


class Header(NamedTuple):
    """The header of an image file: pixels, channels, and bytes of each; the number of scans.

    held: the bytes per pixel that its decoder holds at once, besides the file's bytes. transparent:
    the decoded grey value of transparent pixels.
    """

    width: int
    height: int
    channels: int = 3
    sample_bytes: int = 1
    scans: int = 1
    held: float = 0
    transparent: int | None = None


def check_bounds(data: bytes) -> Header:
    """The header of a JPEG, PNG, BMP or WebP; InputError when it takes too much memory or time."""
    try:
        header = _header(data)
    except (struct.error, LookupError, ValueError, OverflowError) as error:
        raise InputError("the image is damaged or truncated (its header)") from error
    pixels = header.width * header.height
    if pixels * 6 * header.sample_bytes > MAX_BYTES:
        raise InputError(
            f"{header.width}x{header.height} pixels of {8 * header.sample_bytes} bits are too many "
            f"for an image that is read whole; {_CONVERT}"
        )
    if header.held and pixels * header.held + len(data) > MAX_HELD_BYTES:
        raise InputError(
            f"{header.width}x{header.height} pixels, the way they are coded, take too much "
            f"memory to decode; {_CONVERT}"
        )
    if pixels * header.scans > MAX_SCANNED_PIXELS:
        raise InputError(
            f"{header.width}x{header.height} pixels in {header.scans} scans take too long to decode"
        )
    return header


def _header(data: bytes) -> Header:
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return _png(data)
    if data.startswith(b"\xff\xd8\xff"):
        return _jpeg(data)
    if data.startswith(b"BM"):
        return _bmp(data)
    return _webp(data)


def _png(data: bytes) -> Header:
    """Source: PNG specification, third edition, sections 11.2.1 and 11.3.1.1 (transparency)."""
    width, height, bits, colour = struct.unpack_from(">IIBB", data, 16)
    channels, transparent = {0: 1, 2: 3, 3: 3, 4: 2, 6: 4}[colour], None
    at = 8
    for _ in range(MOST_SEGMENTS):
        if data[at + 4 : at + 8] in (b"IDAT", b"IEND", b""):
            break
        if data[at + 4 : at + 8] == b"tRNS" and colour == 0:
            # OpenCV ignores it. Greys of less than 8 bits are scaled to 8 bits.
            greatest = (1 << bits) - 1
            value = struct.unpack_from(">H", data, at + 8)[0] & greatest
            transparent = value if bits >= 8 else value * 255 // greatest
        elif data[at + 4 : at + 8] == b"tRNS":
            channels = 4
        at += 12 + struct.unpack_from(">I", data, at)[0]
    else:
        raise ValueError("no pixels")
    sample_bytes = 2 if bits == 16 else 1
    return Header(width, height, channels, sample_bytes, transparent=transparent)


def _bmp(data: bytes) -> Header:
    """Source: Microsoft, BITMAPFILEHEADER, and BITMAPCOREHEADER, -INFOHEADER, -V4HEADER."""
    start, head = struct.unpack_from("<II", data, 10)
    is_core = head < 16
    width, height, _, bits = struct.unpack_from("<HHHH" if is_core else "<iiHH", data, 18)
    if 1 <= bits <= 8:
        count = 0 if head < 40 else struct.unpack_from("<I", data, 46)[0]
        if start < 14 + head + (3 if is_core else 4) * (count or 1 << bits):
            raise ValueError("no room for its palette")
    return Header(abs(width), abs(height), 4 if bits == 32 and _has_alpha(data, head) else 3)


def _has_alpha(data: bytes, head: int) -> bool:
    """Whether 32-bit pixels of a BMP have alpha, by its bit masks.

    InputError for masks that OpenCV ignores: it uses unusual masks only from headers that are long
    enough for all four.
    """
    if head < 40 or struct.unpack_from("<I", data, 30)[0] not in _BY_MASKS:
        return False
    *colours, alpha = struct.unpack_from("<IIII", data, 54)
    usual = colours == [0xFF0000, 0xFF00, 0xFF]
    of_bytes = {*colours, alpha} <= {0, *_BYTE_MASKS} and len({*colours, alpha}) == 4
    if head < _FOUR_MASKS:
        if not usual:
            raise InputError(_OTHER_MASKS)
        return False
    if not of_bytes or 0 in colours:
        raise InputError(_OTHER_MASKS)
    return bool(alpha)


def _jpeg(data: bytes) -> Header:
    """Source: ITU T.81, annex B: markers, and the frame header."""
    at = 2
    for _ in range(MOST_SEGMENTS):
        # Skip garbage between segments, as libjpeg does.
        at = FILL.match(data, data.index(b"\xff", at)).end()  # type: ignore[union-attr]
        marker, at = data[at], at + 1
        if marker in _JPEG_FRAMES:
            height, width = struct.unpack_from(">HH", data, at + 3)
            channels = int.from_bytes(data[at + 7 : at + 8]) or 3
            factors = data[at + 9 : at + 8 + 3 * channels : 3]
            # A scan has at least eight bytes: a small file cannot have many.
            many = width * height * (len(data) // 8) > MAX_SCANNED_PIXELS
            scans = data.count(b"\xff\xda", at) if many else 1
            is_kept = marker == 0xC2 or scans > 1
            held = 3 + (_coefficients(factors) if is_kept else 0)
            return Header(width, height, channels, scans=scans, held=held)
        if marker and not 0xD0 <= marker <= 0xD9:
            at += struct.unpack_from(">H", data, at)[0]
    raise InputError("the image is damaged or truncated (no frame header)")


def _coefficients(factors: bytes) -> float:
    """Bytes per pixel of all coefficients, which a JPEG of several scans holds at once.

    factors: the sampling of its components. Source: ITU T.81, annex A.1.1; 16 bits per coefficient.
    """
    sides = [(factor >> 4, factor & 15) for factor in factors]
    most = max(across for across, _ in sides) * max(down for _, down in sides)
    return 2 * sum(across * down for across, down in sides) / max(most, 1)


def _webp(data: bytes) -> Header:
    """Source: RFC 9649, sections 2.5 to 2.7."""
    if len(data) > MOST_WEBP_BYTES:
        raise InputError(
            f"the file has {len(data):,} bytes, and of WebP at most {MOST_WEBP_BYTES:,} are read; "
            f"{_CONVERT}"
        )
    kind = data[12:16]
    held = _WEBP_HELD.get(_webp_coding(data), 0)
    if kind == b"VP8X":
        width, height = (int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27))
    elif kind == b"VP8L":
        packed = struct.unpack("<I", data[21:25])[0]
        width, height = (packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1
    else:
        width, height = (side & 0x3FFF for side in struct.unpack("<HH", data[26:30]))
    return Header(width, height, held=held)


def _webp_coding(data: bytes) -> bytes:
    """The name of the first chunk that holds an image."""
    at = 12
    for _ in range(MOST_SEGMENTS):
        kind = data[at : at + 4]
        if kind in (b"VP8 ", b"VP8L", b"ANMF", b""):
            return kind
        (length,) = struct.unpack_from("<I", data, at + 4)
        at += 8 + length + length % 2
    return b""
