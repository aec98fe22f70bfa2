"""Rasters that GDAL reads (rasterio, the extra geo): by windows, of any size."""

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rasterio.enums import MaskFlags, Resampling
from rasterio.windows import Window as RasterWindow

from scenehash.errors import InputError
from scenehash.files import open_regular
from scenehash.objects import read_range
from scenehash.tiles import Image
from scenehash.tiling import Window

from .bands import Bands
from .formats import JPEG_2000, TIFF, VRT
from .gdal_access import gdal, open_dataset, open_object
from .jp2_header import HEADER_BYTES, check_jp2_colours
from .source import Pixels, Valid
from .stretch import LARGE_PIXELS
from .tiff_directory import Read, check_first_image, check_tags, first_directory_of, reading
from .vrt import sources_of

# The limit of bytes for one decoding step: a block, in all interleaved bands.
MAX_BLOCK_BYTES = 96 << 20
# 262,144 x 262,144 pixels, more than any delivered scene.
MAX_PIXELS = 1 << 36
MAX_BANDS = 4096
# The maximum compression of a real image; a file beyond it is empty or hostile.
LARGE_BYTES, MOST_COMPRESSED = 256 << 20, 20_000
# The maximum number of colours in a palette.
MAX_COLOURS = 1 << 16
AVERAGE = Resampling.average
# What complex numbers are once they are their amplitude.
_REAL = {"complex_int16": "float32", "complex64": "float32", "complex128": "float64"}


class RasterSource:
    """The bands of an open raster. A palette gives colours, complex numbers give amplitudes."""

    def __init__(self, file: rasterio.DatasetReader, palette: Image | None) -> None:
        self._file, self._palette = file, palette
        self.height, self.width = file.height, file.width
        self.is_coarse_cheap = bool(file.overviews(1))
        self.is_white_zero = _is_white_zero(file)
        self.has_collar = file.crs is not None and palette is None
        flags = file.mask_flag_enums
        masked, by_alpha = (flag in flags[0] for flag in (MaskFlags.per_dataset, MaskFlags.alpha))
        self._index_nodata = file.nodatavals[0] if palette is not None else None
        # An alpha band next to a palette is not one of its colours.
        self._has_file_mask = masked and (palette is not None or not by_alpha)
        self._with_own_mask = {band for band, own in enumerate(flags, 1) if not own}
        self.has_mask = (
            self._has_file_mask or bool(self._with_own_mask) or self._index_nodata is not None
        )
        if palette is None:
            self.bands = _bands_of(file)
            self.nodata: Sequence[float | None] = _nodata(file)
            bits = file.tags(1, ns="IMAGE_STRUCTURE").get("NBITS", "")
            self.significant_bits = int(bits) if bits.isdecimal() else None
        else:
            colours = ("red", "green", "blue", "alpha")[: palette.shape[1]]
            self.bands = Bands((None,) * len(colours), colours)
            self.nodata = (None,) * len(colours)
            self.significant_bits = None

    def dtype_of(self, bands: Sequence[int]) -> np.dtype[Any]:
        if self._palette is not None:
            return self._palette.dtype
        return np.result_type(*(_REAL.get(kind, kind) for kind in self._kinds(bands)))

    def read(
        self, bands: Sequence[int], window: Window, shape: tuple[int, int], is_sample: bool = False
    ) -> Pixels:
        if self._palette is not None:
            indices = self._read([1], window, shape, Resampling.nearest)[0]
            inside = np.clip(indices, 0, len(self._palette) - 1)
            return np.moveaxis(self._palette[inside][..., [band - 1 for band in bands]], 2, 0)
        kinds = self._kinds(bands)
        if len(kinds) > 1:  # which rasterio does not read at once
            return np.concatenate([self.read([band], window, shape, is_sample) for band in bands])
        exact = is_sample or not _REAL.keys().isdisjoint(kinds)
        pixels = self._read(bands, window, shape, Resampling.nearest if exact else AVERAGE)
        return np.abs(pixels) if np.iscomplexobj(pixels) else pixels

    def read_mask(self, bands: Sequence[int], window: Window, shape: tuple[int, int]) -> Valid:
        valid = np.ones(shape, np.bool_)
        if self._index_nodata is not None:
            valid &= self._read([1], window, shape, Resampling.nearest)[0] != self._index_nodata
        read = [1] if self._palette is not None else bands
        masked = self._with_own_mask.intersection(read) | ({1} if self._has_file_mask else set())
        if masked:
            where = _raster_window(window)
            out = (len(masked), *shape)
            with gdal():
                masks = self._file.read_masks(
                    sorted(masked), out_shape=out, window=where, resampling=AVERAGE
                )
            valid &= (masks > 0).all(axis=0)
        return valid

    def close(self) -> None:
        self._file.close()

    def _read(
        self, bands: Sequence[int], window: Window, shape: tuple[int, int], how: Resampling
    ) -> Pixels:
        out, where = (len(bands), *shape), _raster_window(window)
        with gdal():
            return np.asarray(
                self._file.read(list(bands), out_shape=out, window=where, resampling=how)
            )

    def _kinds(self, bands: Sequence[int]) -> set[str]:
        """The types of bands in the file."""
        return {self._file.dtypes[band - 1] for band in bands}


def open_raster(path: Path, kind: str) -> tuple[rasterio.DatasetReader, RasterSource]:
    """Open a raster of a known format; InputError, without the path, if it must not be read.

    It decodes nothing, but checks the sizes of its parts.
    """
    with contextlib.ExitStack() as undo:
        with gdal():
            if kind == VRT:
                for part, part_kind in sources_of(path):
                    with open_dataset(part, part_kind) as part_file:
                        _check_size(part_file)
                    _check_first_image(part, part_kind)
            file = undo.enter_context(open_dataset(path.resolve() if kind == VRT else path, kind))
            _check_size(file)
            _check_first_image(path, kind)
            source = RasterSource(file, _palette(file))
        undo.pop_all()
    return file, source


def open_raster_object(
    uri: str, kind: str, size: int
) -> tuple[rasterio.DatasetReader, RasterSource]:
    """As open_raster, for an object of this many bytes, within gdal_access.reaching(uri)."""
    read = _reading_object(uri, size)
    with contextlib.ExitStack() as undo:
        if kind == TIFF:
            check_tags(read)
        with gdal():
            file = undo.enter_context(open_object(uri, kind))
            _check_size(file, size)
            _check_first_image_of(read, kind)
            source = RasterSource(file, _palette(file))
        undo.pop_all()
    return file, source


def _reading_object(uri: str, size: int) -> Read:
    """A function that reads parts of an object of this size; it fetches the beginning once."""
    head = read_range(uri, 0, min(HEADER_BYTES, size)) if size else b""

    def read(start: int, most: int) -> bytes:
        end = min(start + most, size)
        if end <= len(head):
            return head[start:end]
        return read_range(uri, start, end) if start < end else b""

    return read


def warnings_of(file: rasterio.DatasetReader, name: str) -> list[str]:
    """Warnings for a person about an open raster with this file name."""
    found = []
    rows, columns = file.block_shapes[0]
    is_in_strips = columns == file.width and columns > rows
    if is_in_strips and file.width * file.height > LARGE_PIXELS:
        found.append(
            "stored in strips, not in tiles, which is slow to read; "
            f"faster after: gdal_translate -of COG {name} cog.tif"
        )
    if pages := len(file.subdatasets):
        found.append(f"it holds {pages} images; only the first is read")
    return found


def scales_of(file: rasterio.DatasetReader) -> list[tuple[float, float]]:
    """Scale and offset of each band."""
    return list(zip(file.scales, file.offsets, strict=True))


def warning_of_scales(
    scales: Sequence[tuple[float, float]], bands: Sequence[int]
) -> tuple[str, ...]:
    """A warning if bands that are shown together have different units.

    scales: scale and offset of each band of the file. bands: the shown bands, from 1.
    """
    if len({scales[band - 1] for band in bands if band <= len(scales)}) <= 1:
        return ()
    return (
        "its bands have different scales or offsets, which are not applied: colours may be wrong; "
        "apply them first: gdal_translate -unscale -ot Float32",
    )


def _raster_window(window: Window) -> RasterWindow:
    return RasterWindow(window.x, window.y, window.width, window.height)


def _bands_of(file: rasterio.DatasetReader) -> Bands:
    try:
        colours = tuple(colour.name.lower() for colour in file.colorinterp)
    except ValueError:  # a colour that this version of rasterio does not know
        colours = ("undefined",) * file.count
    return Bands(tuple(file.descriptions), colours)


def _nodata(file: rasterio.DatasetReader) -> list[float | None]:
    """The nodata value of each band, or None.

    For unsigned integers of 64 bits rasterio omits the greatest value, which as a float is 2^64.
    """
    greatest = float(np.iinfo(np.uint64).max)
    return [
        greatest if value is None and kind == "uint64" and MaskFlags.nodata in flags else value
        for value, kind, flags in zip(
            file.nodatavals, file.dtypes, file.mask_flag_enums, strict=True
        )
    ]


def _is_white_zero(file: rasterio.DatasetReader) -> bool:
    return bool(file.tags(ns="IMAGE_STRUCTURE").get("MINISWHITE") == "YES")


def _palette(file: rasterio.DatasetReader) -> Image | None:
    """Colours uint8 [N, 3] of a raster of one band with a palette; [N, 4] with transparency.

    It may have an alpha band, too.
    """
    kinds = _bands_of(file).colours if file.count <= 2 else ()
    if kinds not in (("palette",), ("palette", "alpha")) or "int" not in file.dtypes[0]:
        return None
    if _is_white_zero(file):
        return None  # GDAL makes a ramp of 8 bits for any depth of the pixels
    colours = file.colormap(1)
    count = min(max(colours, default=0) + 1, MAX_COLOURS)
    table = np.zeros((count, 4), np.uint8)
    for index, colour in colours.items():
        if 0 <= index < count:
            table[index] = np.clip(colour, 0, 255)
    is_opaque = all(len(colour) < 4 or colour[3] == 255 for colour in colours.values())
    return np.ascontiguousarray(table[:, :3]) if is_opaque else table


def _check_first_image(path: Path, kind: str) -> None:
    with open_regular(path) as file:
        _check_first_image_of(reading(file), kind)


def _check_first_image_of(read: Read, kind: str) -> None:
    if kind == TIFF:
        check_first_image(first_directory_of(read))
    elif kind == JPEG_2000:
        check_jp2_colours(read)


def _check_size(file: rasterio.DatasetReader, bytes_stored: int | None = None) -> None:
    if file.count < 1:
        raise InputError("it has no bands")
    if file.count > MAX_BANDS:
        raise InputError(f"it has {file.count:,} bands, and at most {MAX_BANDS:,} are read")
    pixels = file.width * file.height
    if pixels > MAX_PIXELS:
        raise InputError(
            f"{file.width}x{file.height} pixels are too many; cut it first: gdal_translate -srcwin"
        )
    sizes = [_bytes_of(kind) for kind in file.dtypes]
    if bytes_stored is None:
        bytes_stored = sum(Path(name).stat().st_size for name in file.files if Path(name).is_file())
    if pixels * sum(sizes) > max(LARGE_BYTES, MOST_COMPRESSED * bytes_stored):
        raise InputError(
            f"{file.width}x{file.height} pixels are more than a file of {bytes_stored:,} bytes "
            "holds: it is empty, or made to take time"
        )
    rows, columns = file.block_shapes[0]
    together = file.tags(ns="IMAGE_STRUCTURE").get("INTERLEAVE") == "PIXEL"
    if rows * columns * (sum(sizes) if together else max(sizes)) > MAX_BLOCK_BYTES:
        raise InputError(
            f"stored in blocks of {columns}x{rows} pixels, each of which must be read whole; "
            f"convert it first: gdal_translate -of COG {Path(file.name).name} cog.tif"
        )


def _bytes_of(dtype: str) -> int:
    return 4 if dtype == "complex_int16" else np.dtype(dtype).itemsize
