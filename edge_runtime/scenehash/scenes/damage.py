"""Strict checks of JPEG and PNG, for damage that OpenCV does not report.

OpenCV fills the missing or damaged part of a JPEG with arbitrary pixels, prints a line, and returns
the image without an error; such pixels must never become a code.
"""

import zlib

import simplejpeg

from scenehash.errors import InputError

from .size_limits import MOST_CHUNKS
from .source import Pixels

PNG = b"\x89PNG\r\n\x1a\n"
INKS = ("CMYK", "YCCK")
# How libjpeg-turbo's messages begin about what is sound: 12 bits, or a rare coding.
LACKING = "Unsupported JPEG"


def decode_jpeg(data: bytes) -> Pixels | None:
    """The pixels of a JPEG, grey [H, W, 1] or RGB [H, W, 3], the same as from OpenCV.

    None for a JPEG in CMYK: it is complete, and OpenCV can convert its colours. Raises InputError
    on any warning of libjpeg-turbo.
    """
    try:
        colours = simplejpeg.decode_jpeg_header(data)[2]
        if colours in INKS:
            # At an eighth of its size: only to see whether it is whole.
            simplejpeg.decode_jpeg(data, "CMYK", min_height=1, min_width=1, strict=True)
            return None
        pixels: Pixels = simplejpeg.decode_jpeg(data, "GRAY" if colours == "Gray" else "RGB")
        return pixels
    except ValueError as error:
        if str(error).startswith(LACKING):
            reason = f"a JPEG of a kind that is not read ({error}); save it as another one"
            raise InputError(reason) from error
        raise _damaged(str(error)) from error


def check_png(data: bytes) -> None:
    """Compare a PNG's chunks with their checksums; InputError.

    Source: PNG specification, third edition, section 5.3 (length, type, data, CRC).
    """
    view = memoryview(data)
    start = len(PNG)
    for _ in range(MOST_CHUNKS):
        if start + 12 > len(data):
            raise _damaged("no end mark")
        end = start + 8 + int.from_bytes(view[start : start + 4])
        kind = data[start + 4 : start + 8]
        if zlib.crc32(view[start + 4 : end]) != int.from_bytes(view[end : end + 4]):
            raise _damaged(f"checksum of chunk {kind.decode('latin-1')!r}")
        if kind == b"IEND":
            return
        start = end + 4
    raise InputError(f"a PNG of more than {MOST_CHUNKS:,} parts, which take long to read")


def _damaged(what: str) -> InputError:
    return InputError(f"the image is damaged or truncated ({what}); copy the file again")
