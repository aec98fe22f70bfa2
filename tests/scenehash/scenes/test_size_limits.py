"""An image that would take too much memory or time is refused by its header."""

import struct
import zlib

import cv2
import numpy as np
import pytest

from scenehash.errors import InputError
from scenehash.scenes import image_of
from scenehash.scenes.size_limits import MOST_WEBP_BYTES, check_bounds

from .inputs import exif


def png(width: int, height: int, bits: int = 8) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", width, height, bits, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


BOMBS = {
    "png": png(32768, 32700),
    "png of 16 bits": png(8192, 8192, 16),
    "bmp": b"BM" + bytes(12) + struct.pack("<Iii", 40, 30000, -30000) + bytes(24),
    "webp": b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + b"\xff\x3f\0\xff\x3f\0",
    "webp without loss": b"RIFF\0\0\0\0WEBPVP8L\x05\0\0\0\x2f" + struct.pack("<I", 0x0FFFFFFF),
    "jpeg": b"\xff\xd8\xff\xe0\0\x04ab\xff\xc0\0\x0b\x08" + struct.pack(">HH", 65000, 65000),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_before_memory_is_taken(name: str) -> None:
    with pytest.raises(InputError, match="are too many"):
        image_of(BOMBS[name])


def test_a_jpeg_with_thousands_of_scans_is_refused() -> None:
    image = np.zeros((4000, 4000, 3), np.uint8)
    data = cv2.imencode(".jpg", image, (cv2.IMWRITE_JPEG_PROGRESSIVE, 1))[1].tobytes()
    check_bounds(data)
    scan = data[data.index(b"\xff\xda") : data.index(b"\xff\xda", data.index(b"\xff\xda") + 2)]
    with pytest.raises(InputError, match="scans take too long"):
        check_bounds(data.replace(scan, scan * 2000, 1))


@pytest.mark.parametrize("filler", [b"\xff", b"\xff\xe0\0\x02", b"\0", b"\xff\xd0"])
def test_a_header_without_end_is_given_up(filler: bytes) -> None:
    with pytest.raises(InputError, match="damaged or truncated"):
        check_bounds(b"\xff\xd8\xff" + filler * 20_000_000)


@pytest.mark.parametrize("after", [b"IHDR", b"IDAT", b"IEND"])
def test_a_png_of_millions_of_parts_is_given_up_unless_they_lie_behind_it(after: bytes) -> None:
    data = cv2.imencode(".png", np.full((8, 8), 90, np.uint8))[1].tobytes()
    at = data.index(after) - 4
    at += 12 + int.from_bytes(data[at : at + 4])
    part = b"\0\0\0\0vpAg" + struct.pack(">I", zlib.crc32(b"vpAg"))
    many = data[:at] + part * 4_000_000 + data[at:]
    if after == b"IEND":
        assert image_of(many).shape == (8, 8, 3)
    else:
        with pytest.raises(InputError, match=r"parts|header"):
            image_of(many)


def test_orientation_is_found_behind_millions_of_fill_bytes() -> None:
    data = cv2.imencode(".jpg", np.full((8, 16), 90, np.uint8))[1].tobytes()
    turned = b"\xff\xe1" + struct.pack(">H", 8 + len(exif(6))) + b"Exif\0\0" + exif(6)
    assert image_of(data[:2] + b"\xff" * 20_000_000 + turned + data[2:]).shape == (16, 8, 3)


def test_a_webp_larger_than_opencv_reads_is_not_called_damaged() -> None:
    data = cv2.imencode(".webp", np.full((8, 8, 3), 90, np.uint8))[1].tobytes()
    with pytest.raises(InputError, match="of WebP at most 67,108,864 are read"):
        image_of(data + bytes(MOST_WEBP_BYTES))


@pytest.mark.parametrize(
    ("start", "name"),
    [
        (b"GIF89a", "GIF"),
        (b"%PDF-1.7", "PDF"),
        (b"\x89HDF\r\n", "HDF5"),
        (b"SQLite format 3\0", "GeoPackage"),
        (b"\0\0\0\x20ftypavif\0\0\0\0", "AVIF"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "HEIF"),
        (b"\0\0\0\x18ftypisom\0\0\0\0", "MP4"),
    ],
)
def test_another_format_is_named_and_not_called_damaged(start: bytes, name: str) -> None:
    with pytest.raises(InputError, match=f"^the format is {name}.*: convert it") as caught:
        image_of(start + bytes(100))
    assert "damaged" not in str(caught.value)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".webp"])
def test_images_of_every_format_are_within_bounds(suffix: str) -> None:
    image = np.random.default_rng(0).integers(0, 255, (30, 40, 3), np.uint8)
    data = cv2.imencode(suffix, image)[1].tobytes()
    assert image_of(data).shape == (30, 40, 3)


def jpeg_header(marker: int, side: int, factors: bytes) -> bytes:
    """A JPEG of three components with sampling factors, up to its frame header."""
    parts = b"".join(bytes((number, factor, 0)) for number, factor in enumerate(factors, 1))
    frame = struct.pack(">HBHHB", 8 + len(parts), 8, side, side, len(factors)) + parts
    return b"\xff\xd8\xff\xe0\0\x04ab\xff" + bytes([marker]) + frame


SUBSAMPLED = b"\x22\x11\x11"
WEBP = b"RIFF\0\0\0\0WEBP"
LARGE_CANVAS = b"VP8X\x0a\0\0\0\x02\0\0\0" + b"\xff\x1f\0\xff\x1f\0"  # 8192 x 8192
# What decoders hold at once differs: coefficients, numbers of four bytes, frames.
HELD = {
    "progressive": (jpeg_header(0xC2, 7000, b"\x11" * 3), jpeg_header(0xC2, 6500, b"\x11" * 3)),
    "inks": (jpeg_header(0xC2, 6500, b"\x11" * 4), jpeg_header(0xC0, 6500, b"\x11" * 4)),
    "subsampled": (jpeg_header(0xC2, 8192, SUBSAMPLED), jpeg_header(0xC2, 8000, SUBSAMPLED)),
    "without loss": (
        WEBP + LARGE_CANVAS + b"EXIF\x02\0\0\0abVP8L\0\0\0\0",
        WEBP + LARGE_CANVAS + b"EXIF\x02\0\0\0abVP8 \0\0\0\0",
    ),
    "animation": (WEBP + LARGE_CANVAS + b"ANIM\0\0\0\0ANMF\0\0\0\0", WEBP + LARGE_CANVAS),
}  # fmt: skip


@pytest.mark.parametrize("name", HELD)
def test_what_its_decoder_would_hold_counts(name: str) -> None:
    refused, read = HELD[name]
    with pytest.raises(InputError, match="take too much memory to decode"):
        check_bounds(refused)
    check_bounds(read)
