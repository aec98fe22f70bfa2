"""Plain image files: JPEG, PNG, BMP and WebP, decoded whole."""

import cv2
import numpy as np

from scenehash.errors import InputError

from .bands import Bands
from .damage import check_png, decode_jpeg
from .exif import orientation_of, upright
from .formats import HEAD_BYTES, PLAIN, format_of
from .size_limits import check_bounds
from .source import ArraySource, Pixels

# Of 1 to 4 channels, as they are here: red, green, blue and alpha.
_COLOURS = {
    1: ("gray",),
    3: ("red", "green", "blue"),
    4: ("red", "green", "blue", "alpha"),
}
# OpenCV's IMREAD_COLOR_RGB leaves some images of 16 bits unwritten: pixels are exchanged here.
_AS_IT_IS = cv2.IMREAD_ANYDEPTH | cv2.IMREAD_IGNORE_ORIENTATION


def decode_image(data: bytes) -> ArraySource:
    """Decode a file's bytes: grey, or red, green, blue, with alpha where the file has it.

    8 or 16 bits stay what they are. An image is turned as its EXIF says. Raises InputError on bytes
    that are no whole image, see damage.py, and on one that would take too much memory.
    """
    if not data:
        raise InputError("the file is empty (0 bytes)")
    kind = format_of(data[:HEAD_BYTES])
    if kind not in PLAIN:
        raise InputError(f"a {kind} file is read by GDAL, from its path")
    header = check_bounds(data)
    pixels = decode_jpeg(data) if kind == "JPEG" else None
    if kind == "PNG":
        check_png(data)
    if pixels is None:
        pixels = _decoded(data, _flags(data, kind, header.channels))
    return ArraySource(
        upright(pixels, orientation_of(data, kind)),
        Bands((None,) * pixels.shape[2], _COLOURS[pixels.shape[2]]),
    )


def _decoded(data: bytes, flags: int) -> Pixels:
    try:
        decoded = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise InputError(f"the image cannot be decoded ({error.err})") from error
    if decoded is None:
        raise InputError("OpenCV cannot decode it: damaged, or a kind of its format that it lacks")
    if decoded.ndim == 2:
        return decoded[:, :, np.newaxis]
    if decoded.shape[2] == 4:
        return cv2.cvtColor(decoded, cv2.COLOR_BGRA2RGBA, decoded)
    return cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB, decoded)


def _flags(data: bytes, kind: str, channels: int) -> int:
    """How OpenCV is to decode an image, so that grey stays one channel, and alpha is kept.

    Source: RFC 9649, section 2.7 (bit 4 of the flags is alpha), and of VP8L's header bit 28.
    """
    has_alpha = channels in (2, 4) and kind == "PNG"
    if kind == "WebP":
        has_alpha = (data[12:16] == b"VP8X" and bool(data[20] & 16)) or (
            data[12:16] == b"VP8L" and bool(data[24] >> 4 & 1)
        )
    if has_alpha:
        return cv2.IMREAD_UNCHANGED
    return _AS_IT_IS | (cv2.IMREAD_GRAYSCALE if channels == 1 else cv2.IMREAD_COLOR)
