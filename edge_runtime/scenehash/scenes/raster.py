"""Georeferenced rasters, read by windows through GDAL (rasterio, the extra geo)."""

import contextlib
import os
import warnings
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
import rasterio
from rasterio.enums import ColorInterp, MaskFlags, Resampling
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.warp import transform
from rasterio.windows import Window as RasterWindow

from scenehash.errors import InputError
from scenehash.scenes.decoding import STRETCH_PERCENTILES
from scenehash.tiles import Image
from scenehash.windows import Window, rows_of

from .bands import Bands, choose
from .parts import all_parts, digest_of, stamp_of
from .scene import Footprints, Scene, Tile
from .times import time_of

WGS84 = "EPSG:4326"
METRES_PER_DEGREE = 111_320.0
# GDAL keeps this much of what it decoded: two rows of blocks of 512 of a raster 30,000 pixels wide,
# or of 256 of one twice as wide.
CACHE_BYTES = 96 << 20
# Pixels read at once: few enough for what is made of them to stay in a processor's cache.
READ_PIXELS = 1 << 20
SAMPLE_SIDE, SAMPLE_WINDOWS = 1024, 8
LARGE_PIXELS, LARGE_BYTES = 64_000_000, 64_000_000
MAX_BLOCK_BYTES = 128 << 20
# A band this dark in all colours is margin, where the file does not say what is: JPEG is not exact.
BLACK = 3

Pixels = npt.NDArray[np.generic]


class Raster(Scene):
    """A raster that GDAL reads: by windows, whatever its size, with bounded memory."""

    def __init__(
        self, path: Path, bands: str | None, stretch: tuple[float, float] | None = None
    ) -> None:
        self.path = path
        self.is_large = path.stat().st_size > LARGE_BYTES
        self._open = contextlib.ExitStack()
        with _our_errors():
            self._file = self._opened(path)
            self.height, self.width = self._file.height, self._file.width
            tags = {key: str(value) for key, value in self._file.tags().items()}
            self.take_time(time_of(path, tags))
            self._bands = choose(self._known_bands(), bands)
            self._validity = self._how_valid()
            self.metres_per_pixel = self._resolution()
            self._refuse_large_blocks()
            self._stretch = stretch or self._find_stretch()
        self.reading = {
            "bands": list(self._bands),
            "names": [self._file.descriptions[band - 1] for band in self._bands],
            "stretch": self._stretch,
            "valid by": self._validity,
        }
        self.asked = self._asked_bands()
        if _is_in_strips(self._file) and self.height * self.width > LARGE_PIXELS:
            self.warnings = (
                *self.warnings,
                "stored in strips, not in tiles, which is slow to read; "
                f"faster after: gdal_translate -of COG {path.name} cog.tif",
            )

    @cached_property
    def digest(self) -> str:
        return digest_of(self.path, self._others)

    @property
    def stamp(self) -> str:
        return stamp_of([self.path, *self._others])

    def tiles(
        self, windows: Sequence[Window], tile_size: int, min_valid: float = 0.0
    ) -> Iterator[list[Tile]]:
        for row in rows_of(list(windows)):
            yield from self._row(row, tile_size, min_valid)

    def overview(self, side: int) -> Image:
        scale = min(1.0, side / max(self.height, self.width))
        shape = max(1, round(self.height * scale)), max(1, round(self.width * scale))
        with _our_errors():
            return self._colour(self._read(Window(0, 0, self.width, self.height), shape)[0])

    def footprints(self, windows: Sequence[Window]) -> Footprints | None:
        if self._file.crs is None:
            return None
        corners = np.array(
            [
                [(w.x, w.y), (w.x + w.width, w.y), (w.x + w.width, w.y + w.height),
                 (w.x, w.y + w.height)]
                for w in windows
            ],
            np.float64,
        ).reshape(-1, 2)  # fmt: skip
        x, y = self._file.transform @ (corners[:, 0], corners[:, 1])
        with _our_errors():
            longitudes, latitudes = transform(self._file.crs, WGS84, x.tolist(), y.tolist())
        places = np.stack([longitudes, latitudes], axis=1)
        return places.reshape(-1, 4, 2) if np.isfinite(places).all() else None

    def position(self, longitude: float, latitude: float) -> tuple[float, float] | None:
        if self._file.crs is None:
            return None
        with _our_errors():
            (x,), (y,) = transform(WGS84, self._file.crs, [longitude], [latitude])
        column, row = ~self._file.transform @ (x, y)
        return float(column), float(row)

    def close(self) -> None:
        self._open.close()

    def _opened(self, path: Path) -> rasterio.DatasetReader:
        self._open.enter_context(rasterio.Env(GDAL_CACHEMAX=CACHE_BYTES))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            return self._open.enter_context(rasterio.open(os.fspath(path)))

    def _known_bands(self) -> Bands:
        return Bands(self._file.descriptions, [colour.name for colour in self._file.colorinterp])

    def _asked_bands(self) -> dict[str, object]:
        """The bands, where they are others than those that are chosen by themselves."""
        with contextlib.suppress(InputError):
            if tuple(choose(self._known_bands(), None)) == tuple(self._bands):
                return {}
        return {"bands": list(self._bands)}

    @cached_property
    def _others(self) -> list[Path]:
        """The files besides its own that GDAL reads for it: masks, notes, sources of a VRT."""
        with _our_errors():
            return all_parts(self.path, self._named)

    def _named(self, path: Path) -> Sequence[str]:
        if path == self.path:
            return list(self._file.files)
        with rasterio.open(os.fspath(path)) as file:
            return list(file.files)

    def _how_valid(self) -> str:
        flags = self._file.mask_flag_enums[self._bands[0] - 1]
        if ColorInterp.alpha in self._file.colorinterp:
            return "alpha"
        if MaskFlags.nodata in flags:
            return f"nodata {self._file.nodatavals[self._bands[0] - 1]:g}"
        return "mask" if MaskFlags.per_dataset in flags else "black margin"

    def _resolution(self) -> float | None:
        crs = self._file.crs
        if crs is None:
            return None
        columns, rows = self._file.transform.a, self._file.transform.d
        across = float(np.hypot(columns, rows))
        if crs.is_projected:
            return across * float(crs.linear_units_factor[1])
        middle = self._file.transform @ (self.width / 2, self.height / 2)
        return across * METRES_PER_DEGREE * float(np.cos(np.radians(middle[1])))

    def _refuse_large_blocks(self) -> None:
        rows, columns = self._file.block_shapes[0]
        band_bytes = sum(np.dtype(kind).itemsize for kind in self._file.dtypes)
        if rows * columns * band_bytes > MAX_BLOCK_BYTES:
            raise InputError(
                f"stored in blocks of {columns}x{rows} pixels, each of which must be read whole; "
                f"convert it first: gdal_translate -of COG {self.path.name} cog.tif"
            )

    def _find_stretch(self) -> tuple[float, float] | None:
        """What becomes 0 and 255: percentiles of the valid pixels of the whole scene."""
        if self._file.dtypes[self._bands[0] - 1] == "uint8":
            return None
        samples = [pixels[:, valid].ravel() for pixels, valid in self._samples()]
        values = np.concatenate(samples).astype(np.float64)
        values = values[np.isfinite(values)]
        if not len(values):
            return (0.0, 1.0)
        low, high = np.percentile(values, STRETCH_PERCENTILES)
        return float(low), float(max(high, low + 1e-6))

    def _samples(self) -> Iterator[tuple[Pixels, npt.NDArray[np.bool_]]]:
        """The whole scene seen coarsely; of a large one without overviews, places all over it."""
        if self.height * self.width <= LARGE_PIXELS or self._file.overviews(1):
            scale = min(1.0, SAMPLE_SIDE / max(self.height, self.width))
            shape = max(1, round(self.height * scale)), max(1, round(self.width * scale))
            yield self._read(Window(0, 0, self.width, self.height), shape, Resampling.nearest)
            return
        side = SAMPLE_SIDE // SAMPLE_WINDOWS
        for y in np.linspace(0, self.height - side, SAMPLE_WINDOWS).astype(int):
            for x in np.linspace(0, self.width - side, SAMPLE_WINDOWS).astype(int):
                yield self._read(Window(int(x), int(y), side, side), (side, side))

    def _row(self, row: list[Window], tile_size: int, min_valid: float) -> Iterator[list[Tile]]:
        """The tiles of a row of windows; neighbours in one read unless they are shrunk."""
        side = row[0].width
        if side > tile_size:
            for window in row:
                strip = self._strip(window, (tile_size, tile_size))
                yield [strip.tile(window, slice(None), min_valid)]
            return
        many = max(1, READ_PIXELS // (side * side))
        for start in range(0, len(row), many):
            some = row[start : start + many]
            left, top = some[0].x, some[0].y
            width = some[-1].x + side - left
            strip = self._strip(Window(left, top, width, side), (side, width))
            yield [
                strip.tile(window, slice(window.x - left, window.x - left + side), min_valid)
                for window in some
            ]

    def _strip(self, window: Window, shape: tuple[int, int]) -> "_Strip":
        with _our_errors():
            pixels, valid = self._read(window, shape)
        return _Strip(self._colour(pixels), valid.view(np.uint8))

    def _read(
        self,
        window: Window,
        shape: tuple[int, int],
        resampling: Resampling = Resampling.average,
    ) -> tuple[Pixels, npt.NDArray[np.bool_]]:
        """Pixels [B, H, W] of the chosen bands, and which of them hold data, bool [H, W]."""
        place = RasterWindow(window.x, window.y, window.width, window.height)
        how = {"window": place, "resampling": resampling}
        bands = list(self._bands)
        pixels = self._file.read(bands, out_shape=(len(bands), *shape), **how)
        if self._validity == "alpha":
            alpha = self._file.colorinterp.index(ColorInterp.alpha) + 1
            return pixels, self._file.read(alpha, out_shape=shape, **how) > 0
        if self._validity == "mask":
            return pixels, self._file.read_masks(bands[0], out_shape=shape, **how) > 0
        if self._validity == "black margin":
            darkest = BLACK if pixels.dtype == np.uint8 else 0
            return pixels, np.fmax.reduce(pixels) > darkest
        nodata = self._file.nodatavals[bands[0] - 1]
        missing = np.isnan(pixels) if np.isnan(nodata) else pixels == nodata
        return pixels, ~missing.all(axis=0)

    def _colour(self, pixels: Pixels) -> Image:
        """Pixels [B, H, W] as uint8 RGB [H, W, 3]."""
        if self._stretch is not None:
            low, high = self._stretch
            scaled = (pixels.astype(np.float32) - low) * (255.0 / (high - low))
            pixels = np.clip(np.rint(np.nan_to_num(scaled)), 0, 255).astype(np.uint8)
        if len(pixels) == 1:
            pixels = np.repeat(pixels, 3, axis=0)
        return np.asarray(cv2.merge(list(pixels)), np.uint8)


class _Strip(NamedTuple):
    """A row of tiles in one piece: uint8 RGB [H, W, 3], and where it holds data, uint8 [H, W]."""

    image: Image
    valid: npt.NDArray[np.uint8]

    def tile(self, window: Window, columns: slice, min_valid: float) -> Tile:
        """The tile in some columns; without its pixels when it holds too little data."""
        valid = self.valid[:, columns]
        # OpenCV counts ten times as fast as numpy takes the mean.
        enough = cv2.countNonZero(valid) / valid.size >= min_valid
        return Tile(window, self.image[:, columns] if enough else None)


@contextlib.contextmanager
def _our_errors() -> Iterator[None]:
    try:
        yield
    except (RasterioError, ValueError) as error:
        reason = " ".join(str(error.__cause__ or error).split())
        raise InputError(f"GDAL cannot read it ({reason})") from error


def _is_in_strips(file: rasterio.DatasetReader) -> bool:
    return bool(file.block_shapes[0][1] == file.width and file.width > file.block_shapes[0][0])
