"""Pixels of every depth, layout and palette are those that a format's definition says."""

import os
import struct
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from scenehash.errors import InputError
from scenehash.scenes import image_of, read_image

from .inputs import planes, png, raster, scene_like, tiff

IMAGE = scene_like(64, 64, 3)
GREY = IMAGE[:, :, 0]
RAMP = b"".join(bytes((value, value, value, 0)) for value in range(256))
ALPHA = np.full((64, 64), 255, np.uint8)
ALPHA[:16] = 0
MASKED = np.where(ALPHA[:, :, np.newaxis] > 0, IMAGE, 0)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def with_chunk(data: bytes, kind: bytes, content: bytes) -> bytes:
    """A PNG with one more chunk behind its header."""
    return data[:33] + chunk(kind, content) + data[33:]


def packed(values: np.ndarray, bits: int) -> list[bytes]:
    """Rows of values of a few bits each, the first one highest."""
    each = values[:, :, np.newaxis] >> np.arange(bits - 1, -1, -1) & 1
    return [np.packbits(row.ravel()).tobytes() for row in each.astype(np.uint8)]


def png_of_bits(bits: int, colour: int = 0, *more: bytes) -> bytes:
    rows = b"".join(b"\0" + row for row in packed(GREY >> 8 - bits, bits))
    head = struct.pack(">IIBBBBB", 64, 64, bits, colour, 0, 0, 0)
    chunks = [chunk(b"IHDR", head), *more, chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def bmp(
    bits: int,
    data: bytes,
    height: int = 64,
    compression: int = 0,
    extra: bytes = b"",
    size: int = 40,
) -> bytes:
    """Source: Microsoft, BITMAPINFOHEADER; size: of the header, of which extra may be a part."""
    colours = len(extra) // 4 if bits <= 8 else 0
    head = struct.pack(
        "<IiiHHIIiiII", size, 64, height, 1, bits, compression, len(data), 0, 0, colours, 0
    )
    start = 54 + len(extra)
    return b"BM" + struct.pack("<IHHI", start + len(data), 0, 0, start) + head + extra + data


def bmp_by_masks(masks: tuple[int, int, int, int], size: int) -> bytes:
    """A BMP of 32 bits whose header has masks, of a size that has room for the fourth, or not."""
    pixels = np.zeros((64, 64), np.uint32)
    for mask, values in zip(masks, (*planes(UP), ALPHA[::-1]), strict=True):
        shift = (mask & -mask).bit_length() - 1
        pixels |= values.astype(np.uint32) << max(shift, 0) if mask else np.uint32(0)
    extra = struct.pack("<IIII", *masks)[: 12 if size < 56 else 16] + bytes(max(0, size - 56))
    return bmp(32, pixels.tobytes(), 64, 3, extra, size)


def runs_of_one(rows: np.ndarray) -> bytes:
    """RLE8, in which every pixel is a run of its own."""
    return (
        b"".join(b"".join(bytes((1, value)) for value in row) + b"\0\0" for row in rows) + b"\0\1"
    )


def of_five_bits(image: np.ndarray) -> np.ndarray:
    red, green, blue = (image[:, :, band].astype(np.uint16) for band in range(3))
    return (red >> 3) << 11 | (green >> 2) << 5 | blue >> 3


PALETTE = bytes(value for index in range(16) for value in (index * 16, 255 - index * 16, index))
MAP = [257 * PALETTE[3 * (index % 16) + band] for band in range(3) for index in range(256)]
OF_PALETTE = np.stack([(GREY >> 4) * 16, 255 - (GREY >> 4) * 16, GREY >> 4], axis=2)
UP = IMAGE[::-1]
BGRX = np.dstack([UP[:, :, ::-1], np.zeros_like(GREY)])
FIVE_BANDS = np.dstack([IMAGE, GREY, ALPHA])

KINDS: dict[str, tuple[bytes, np.ndarray, int]] = {
    "1.png": (png_of_bits(1), (GREY >> 7) * 255, 0),
    "2.png": (png_of_bits(2), (GREY >> 6) * 85, 0),
    "4.png": (png_of_bits(4), (GREY >> 4) * 17, 0),
    "palette of 4 bits.png": (png_of_bits(4, 3, chunk(b"PLTE", PALETTE)), OF_PALETTE, 0),
    "palette, transparent.png": (
        png_of_bits(4, 3, chunk(b"PLTE", PALETTE), chunk(b"tRNS", bytes([0, 0, 0, 0, 0]))),
        np.where((GREY >> 4 > 4)[:, :, np.newaxis], OF_PALETTE, 0),
        0,
    ),
    "transparent colour.png": (
        with_chunk(png(IMAGE), b"tRNS", struct.pack(">HHH", *IMAGE[0, 0].tolist())),
        np.where((IMAGE[0, 0] == IMAGE).all(axis=2)[:, :, np.newaxis], 0, IMAGE),
        0,
    ),
    **{
        f"transparent grey of {bits}.png": (
            png_of_bits(bits, 0, chunk(b"tRNS", struct.pack(">H", GREY[0, 0] >> 8 - bits))),
            np.where(GREY >> 8 - bits == GREY[0, 0] >> 8 - bits, 0, GREY >> 8 - bits)
            * (255 // ((1 << bits) - 1)),
            0,
        )
        for bits in (1, 2, 4)
    },
    "transparent grey of 8.png": (
        with_chunk(png(GREY), b"tRNS", struct.pack(">H", GREY[0, 0])),
        np.where(GREY[0, 0] == GREY, 0, GREY),
        0,
    ),
    "gamma.png": (with_chunk(png(IMAGE), b"gAMA", struct.pack(">I", 100_000)), IMAGE, 0),
    "grey and alpha.png": (png(np.dstack([GREY, ALPHA])), MASKED[:, :, 0], 0),
    "alpha.png": (png(np.dstack([IMAGE, ALPHA])), MASKED, 0),
    "1.bmp": (
        bmp(1, b"".join(packed(GREY[::-1] >> 7, 1)), extra=b"\0\0\0\0\xff\xff\xff\0"),
        (GREY >> 7) * 255,
        0,
    ),
    "8.bmp": (bmp(8, GREY[::-1].tobytes(), extra=RAMP), GREY, 0),
    "runs.bmp": (bmp(8, runs_of_one(GREY[::-1]), compression=1, extra=RAMP), GREY, 0),
    "16.bmp": (
        bmp(16, of_five_bits(UP).tobytes(), 64, 3, struct.pack("<III", 0xF800, 0x7E0, 0x1F)),
        IMAGE,
        8,
    ),
    "24 from above.bmp": (bmp(24, IMAGE[:, :, ::-1].tobytes(), -64), IMAGE, 0),
    "32 without alpha.bmp": (bmp(32, BGRX.tobytes()), IMAGE, 0),
    "32 without alpha, a long header.bmp": (
        bmp(32, BGRX.tobytes(), extra=bytes(68), size=108),
        IMAGE,
        0,
    ),
    **{
        f"32 by masks, {name}.bmp": (bmp_by_masks(masks, size), expected, 0)
        for name, masks, size, expected in (
            ("short header", (0xFF0000, 0xFF00, 0xFF, 0), 40, IMAGE),
            ("no alpha", (0xFF0000, 0xFF00, 0xFF, 0), 108, IMAGE),
            ("alpha", (0xFF0000, 0xFF00, 0xFF, 0xFF000000), 108, MASKED),
            ("alpha first", (0xFF000000, 0xFF0000, 0xFF00, 0xFF), 56, MASKED),
            ("red first", (0xFF, 0xFF00, 0xFF0000, 0xFF000000), 124, MASKED),
        )
    },
    "near infrared and alpha.tif": (tiff(FIVE_BANDS, 2, {338: ("H", [0, 2])}), MASKED, 0),
    "grey and alpha.tif": (
        tiff(np.dstack([GREY, ALPHA]), 1, {338: ("H", [2])}),
        MASKED[:, :, 0],
        0,
    ),
    "palette.tif": (
        tiff(GREY >> 4, 3, {320: ("H", MAP)}),
        OF_PALETTE,
        0,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", KINDS)
def test_pixels_are_what_the_format_says(tmp_path: Path, name: str) -> None:
    data, expected, tolerance = KINDS[name]
    (tmp_path / name).write_bytes(data)
    read = read_image(tmp_path / name)
    if not name.endswith(".tif"):
        assert np.array_equal(image_of(data), read)  # from memory, as where files have no /proc
    image = read.astype(int)
    if expected.ndim == 2:
        expected = expected[:, :, np.newaxis]
    assert np.abs(image - expected).max() <= tolerance


@pytest.mark.parametrize("suffix", [".png", ".webp"])
def test_of_an_animation_the_first_picture_is_read(tmp_path: Path, suffix: str) -> None:
    animation = cv2.Animation()
    animation.frames = [IMAGE[:, :, ::-1].copy(), 255 - IMAGE]
    animation.durations = [100, 100]
    path = tmp_path / f"a{suffix}"
    assert cv2.imwriteanimation(str(path), animation)
    assert np.abs(read_image(path).astype(int) - IMAGE).max() <= (0 if suffix == ".png" else 40)


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="decoded from its bytes elsewhere")
def test_a_file_that_changes_between_its_id_and_its_pixels_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(png(IMAGE))

    def changed_meanwhile(*arguments: Any) -> Any:
        os.utime(path, ns=(0, 1))
        return imread(*arguments)

    imread = cv2.imread
    monkeypatch.setattr(cv2, "imread", changed_meanwhile)
    with pytest.raises(InputError, match="changed while it was read"):
        read_image(path)


@pytest.mark.parametrize(
    ("masks", "size"),
    [
        ((0xFF, 0xFF00, 0xFF0000, 0), 40),
        ((0xFF000000, 0xFF0000, 0xFF00, 0), 52),
        ((0x3FC00000, 0xFF000, 0x3FC, 0), 108),
        ((0xFF0000, 0xFF00, 0xFF00, 0), 108),
        ((0, 0, 0, 0), 124),
    ],
)
def test_a_bmp_by_whose_masks_opencv_does_not_go_is_refused(
    tmp_path: Path, masks: tuple[int, int, int, int], size: int
) -> None:
    (tmp_path / "a.bmp").write_bytes(bmp_by_masks(masks, size))
    with pytest.raises(InputError, match="unusual bit masks of its colours"):
        read_image(tmp_path / "a.bmp")


def test_colours_of_a_palette_that_is_not_there_are_damage(tmp_path: Path) -> None:
    (tmp_path / "a.bmp").write_bytes(bmp(8, GREY.tobytes()))
    with pytest.raises(InputError, match="damaged or truncated"):
        read_image(tmp_path / "a.bmp")


def test_what_gdal_does_not_decode_is_not_called_damaged(tmp_path: Path) -> None:
    path = raster(tmp_path / "a.tif", planes(scene_like()), compress="JPEG", photometric="YCBCR")
    data = path.read_bytes().replace(b"\xff\xc0\0\x11\x08", b"\xff\xc0\0\x11\x0c")
    path.write_bytes(data.replace(b"\x08\0\x08\0\x08\0", b"\x0c\0\x0c\0\x0c\0"))  # bits of a band
    with pytest.raises(InputError, match="Unsupported JPEG data precision 12") as refused:
        read_image(path)
    assert "damaged" not in str(refused.value)
