"""Small files of every kind, for the tests of this folder: by their bytes, and by GDAL."""

import struct
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import rasterio
from rasterio.enums import ColorInterp
from rasterio.transform import from_origin

UTM = "EPSG:32633"
PLACE = from_origin(500_000, 5_000_000, 10, 10)
FORMATS = {np.dtype("u1"): 1, np.dtype("u2"): 1, np.dtype("i2"): 2, np.dtype("f4"): 3}


def scene_like(height: int = 256, width: int = 256, seed: int = 0) -> np.ndarray:
    """Fields of several colours with some noise, uint8 [H, W, 3], none of them black or white."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    fields = ((x // 40 + y // 60) % 5) * 40 + 30
    colours = np.stack([fields, np.roll(fields, 9, 0) * 0.8 + 20, np.roll(fields, 17, 1)], axis=2)
    return (colours + rng.integers(0, 20, (height, width, 3))).clip(8, 247).astype(np.uint8)


def tiff(
    pixels: np.ndarray,
    photometric: int | None = None,
    tags: Mapping[int, tuple[str, Sequence[float]]] | None = None,
) -> bytes:
    """A plain TIFF of one strip, of pixels [H, W] or [H, W, B]. Source: TIFF 6.0.

    tags: more of them, or others, as struct code (H, I or d) and values.
    """
    bands = 1 if pixels.ndim == 2 else pixels.shape[2]
    height, width = pixels.shape[:2]
    data = pixels.tobytes()
    every: dict[int, tuple[str, Sequence[float]]] = {
        256: ("I", [width]), 257: ("I", [height]),
        258: ("H", [8 * pixels.itemsize] * bands), 259: ("H", [1]),
        262: ("H", [(2 if bands >= 3 else 1) if photometric is None else photometric]),
        273: ("I", [8]), 277: ("H", [bands]), 278: ("I", [height]), 279: ("I", [len(data)]),
        339: ("H", [FORMATS[pixels.dtype]] * bands),
    }  # fmt: skip
    if bands > 3:
        every[338] = ("H", [2] + [0] * (bands - 4))
    every |= tags or {}
    body, entries, at = b"", b"", 8 + len(data)
    at += at % 2
    outside = at + 2 + 12 * len(every) + 4
    for tag, (code, values) in sorted(every.items()):
        packed = struct.pack(f"<{len(values)}{code}", *values)
        kind = {"H": 3, "I": 4, "d": 12}[code]
        if len(packed) <= 4:
            entries += struct.pack("<HHI", tag, kind, len(values)) + packed.ljust(4, b"\0")
        else:
            entries += struct.pack("<HHII", tag, kind, len(values), outside + len(body))
            body += packed
    directory = struct.pack("<H", len(every)) + entries + bytes(4) + body
    return struct.pack("<2sHI", b"II", 42, at) + data.ljust(at - 8, b"\0") + directory


def png(
    pixels: np.ndarray, exif: bytes | None = None, size: tuple[int, int] | None = None
) -> bytes:
    """A PNG of uint8 or uint16 pixels [H, W] or [H, W, B]; size: what its header says."""
    bands = 1 if pixels.ndim == 2 else pixels.shape[2]
    height, width = pixels.shape[:2]
    big = pixels.astype(f">u{pixels.itemsize}")
    rows = b"".join(b"\0" + big[row].tobytes() for row in range(height))
    colour = {1: 0, 2: 4, 3: 2, 4: 6}[bands]
    head = struct.pack(">IIBBBBB", *(size or (width, height)), 8 * pixels.itemsize, colour, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    if exif is not None:
        chunks.insert(2, (b"eXIf", exif))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def exif(orientation: int) -> bytes:
    """EXIF that says nothing but how an image is turned."""
    return b"II*\0" + struct.pack("<IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)


def raster(
    path: Path,
    pixels: np.ndarray,
    names: Sequence[str] = (),
    colours: Sequence[ColorInterp] = (),
    palette: Mapping[int, tuple[int, ...]] | None = None,
    **profile: object,
) -> Path:
    """Write a GeoTIFF of pixels [B, H, W] (or another driver's), by default somewhere in UTM."""
    bands, height, width = pixels.shape
    profile = {"driver": "GTiff", "crs": UTM, "transform": PLACE} | profile
    profile = {key: value for key, value in profile.items() if value is not None}
    with rasterio.open(
        path, "w", count=bands, height=height, width=width, dtype=pixels.dtype, **profile
    ) as file:
        file.write(pixels)
        for number, name in enumerate(names, 1):
            file.set_band_description(number, name)
        if colours:
            file.colorinterp = colours
        if palette:
            file.write_colormap(1, palette)
    return path


def planes(image: np.ndarray) -> np.ndarray:
    """Pixels [H, W, B] as [B, H, W]."""
    return np.ascontiguousarray(np.moveaxis(image, 2, 0))


def vrt(bands: str, size: tuple[int, int] = (256, 256), more: str = "") -> str:
    """A VRT of bands that are written out, somewhere in UTM."""
    return (
        f'<VRTDataset rasterXSize="{size[0]}" rasterYSize="{size[1]}"><SRS>{UTM}</SRS>'
        f"<GeoTransform>500000,10,0,5000000,0,-10</GeoTransform>{more}{bands}</VRTDataset>"
    )


def vrt_band(source: str, number: int = 1, relative: int = 1, band: int = 1) -> str:
    """A band of a VRT that is one band of a file."""
    return (
        f'<VRTRasterBand dataType="Byte" band="{number}"><SimpleSource>'
        f'<SourceFilename relativeToVRT="{relative}">{source}</SourceFilename>'
        f"<SourceBand>{band}</SourceBand></SimpleSource></VRTRasterBand>"
    )
