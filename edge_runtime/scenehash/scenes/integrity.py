"""What is wrong with the bytes of an image file, where OpenCV would not say.

OpenCV fills the missing or damaged part of a JPEG with whatever it has, prints a line, and returns
the rest as if nothing were wrong; such pixels must never become a code.
"""

import zlib

import simplejpeg

JPEG = b"\xff\xd8\xff"
PNG = b"\x89PNG\r\n\x1a\n"


def find_damage(data: bytes) -> str | None:
    """Say what is wrong with a JPEG or PNG file's bytes; None for what is whole, or another format.

    A JPEG is decoded strictly, at an eighth of its size: any warning of libjpeg-turbo counts. A
    PNG's chunks are compared with their checksums.
    """
    if data.startswith(JPEG):
        return _jpeg_damage(data)
    if data.startswith(PNG):
        return _png_damage(memoryview(data))
    return None


def _jpeg_damage(data: bytes) -> str | None:
    try:
        colours = simplejpeg.decode_jpeg_header(data)[2]
        target = "CMYK" if colours in ("CMYK", "YCCK") else "GRAY"
        simplejpeg.decode_jpeg(data, target, min_height=1, min_width=1, strict=True)
    except ValueError as error:
        return str(error)
    return None


def _png_damage(data: memoryview) -> str | None:
    """Source: PNG specification, third edition, section 5.3 (length, type, data, CRC)."""
    start = len(PNG)
    while start + 12 <= len(data):
        end = start + 8 + int.from_bytes(data[start : start + 4])
        kind = bytes(data[start + 4 : start + 8])
        if zlib.crc32(data[start + 4 : end]) != int.from_bytes(data[end : end + 4]):
            return f"checksum of chunk {kind.decode('latin-1')!r}"
        if kind == b"IEND":
            return None
        start = end + 4
    return "no end mark"
