"""Plain image files: JPEG, PNG, BMP and WebP, decoded whole."""

import os
from collections.abc import Callable
from functools import partial
from io import BufferedReader
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from scenehash.errors import InputError
from scenehash.files import read_open

from .bands import Bands
from .damage import check_png, decode_jpeg
from .exif import orientation_of
from .files import content_id
from .formats import HEAD_BYTES, PLAIN, format_of
from .size_limits import MOST_FILE_BYTES, check_bounds
from .source import ArraySource, Pixels, Source
from .turned import turned

# The order of 1 to 4 channels here: red, green, blue and alpha.
_COLOURS = {
    1: ("gray",),
    3: ("red", "green", "blue"),
    4: ("red", "green", "blue", "alpha"),
}
# OpenCV's IMREAD_COLOR_RGB leaves some 16-bit images empty, so channels are swapped here.
_AS_IT_IS = cv2.IMREAD_ANYDEPTH | cv2.IMREAD_IGNORE_ORIENTATION


# Where the system names the files that are open; without it an image is decoded from its bytes, in
# twice the memory, since OpenCV's imdecode gives Python a copy.
_OPEN_FILES = Path("/proc/self/fd")
_ROWS = 64


class _Checked(NamedTuple):
    """The facts about an image before its decoding."""

    kind: str
    flags: int
    orientation: int
    transparent: int | None


def decode_image(data: bytes) -> Source:
    """Decode a file's bytes: grey, or red, green, blue, with alpha if the file has it.

    8 or 16 bits stay as they are. The image is turned by its EXIF orientation. Raises InputError on
    damaged or truncated bytes, see damage.py, and on an image that would take too much memory.
    """
    checked = _check(data)
    pixels = _of_jpeg(data, checked)
    return _source(_of_bytes(data, checked) if pixels is None else pixels, checked)


def read_image_file(file: BufferedReader) -> tuple[Source, str]:
    """As decode_image, for an open file; also gives the id of its bytes; InputError.

    It frees the bytes before the pixels take memory, if possible.
    """
    before = os.fstat(file.fileno())
    data = read_open(file, MOST_FILE_BYTES)
    content, checked = content_id(data), _check(data)
    pixels = _of_jpeg(data, checked)
    if pixels is None and not _OPEN_FILES.is_dir():
        pixels = _of_bytes(data, checked)
    del data
    if pixels is None:
        name = os.fspath(_OPEN_FILES / str(file.fileno()))
        pixels = _decoded(partial(cv2.imread, name, None, checked.flags))
        after = os.fstat(file.fileno())
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            raise InputError("the file changed while it was read")
    return _source(pixels, checked), content


def _check(data: bytes) -> _Checked:
    if not data:
        raise InputError("the file is empty (0 bytes)")
    kind = format_of(data[:HEAD_BYTES])
    if kind not in PLAIN:
        raise InputError(f"a {kind} file is read by GDAL, from its path")
    header = check_bounds(data)
    if kind == "PNG":
        check_png(data)
    flags = _flags(data, kind, header.channels)
    return _Checked(kind, flags, orientation_of(data, kind), header.transparent)


def _of_jpeg(data: bytes, checked: _Checked) -> Pixels | None:
    return decode_jpeg(data) if checked.kind == "JPEG" else None


def _of_bytes(data: bytes, checked: _Checked) -> Pixels:
    return _decoded(partial(cv2.imdecode, np.frombuffer(data, np.uint8), checked.flags))


def _source(pixels: Pixels, checked: _Checked) -> Source:
    colours = _COLOURS[pixels.shape[2]]
    source = ArraySource(pixels, Bands((None,) * len(colours), colours))
    if checked.transparent is not None:
        source.nodata = (checked.transparent,)
    return turned(source, checked.orientation)


def _decoded(decode: Callable[[], Pixels | None]) -> Pixels:
    try:
        decoded = decode()
    except cv2.error as error:
        raise InputError(f"the image cannot be decoded ({error.err})") from error
    if decoded is None or not decoded.size:
        raise InputError("the image is damaged, or a variant of the format that OpenCV cannot read")
    if decoded.ndim == 2:
        return decoded[:, :, np.newaxis]
    code = cv2.COLOR_BGRA2RGBA if decoded.shape[2] == 4 else cv2.COLOR_BGR2RGB
    for start in range(0, len(decoded), _ROWS):  # OpenCV would copy the image
        part = decoded[start : start + _ROWS]
        cv2.cvtColor(part, code, part)
    return decoded


def _flags(data: bytes, kind: str, channels: int) -> int:
    """OpenCV's flags for an image, so that grey stays one channel, and alpha is kept.

    Source: RFC 9649, section 2.7 (bit 4 of the flags is alpha), and of VP8L's header bit 28.
    """
    has_alpha = channels in (2, 4) and kind in ("PNG", "BMP")
    if kind == "WebP":
        has_alpha = (data[12:16] == b"VP8X" and bool(data[20] & 16)) or (
            data[12:16] == b"VP8L" and bool(data[24] >> 4 & 1)
        )
    if has_alpha:
        return cv2.IMREAD_UNCHANGED
    return _AS_IT_IS | (cv2.IMREAD_GRAYSCALE if channels == 1 else cv2.IMREAD_COLOR)
