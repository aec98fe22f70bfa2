"""From a path to an open scene: by OpenCV for plain images, by GDAL for georeferenced rasters."""

import os
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scenehash.errors import InputError
from scenehash.files import check_regular, open_regular, path_from, read_regular

from .files import RASTER_SUFFIXES
from .parts import check_companions
from .picture import Picture
from .scene import Scene

TIFF_SUFFIXES = frozenset({".tif", ".tiff"})
# ModelPixelScale, ModelTransformation, GeoKeyDirectory: OGC GeoTIFF 1.1, section 7.1.
GEOTIFF_TAGS = frozenset({33550, 34264, 34735})
# Beyond this OpenCV would not decode an image, nor should a small computer hold it.
LARGE_BYTES = 256 << 20


def open_scene(path: Path, bands: str | None = None) -> Scene:
    """Open a scene file; to be closed.

    bands: which are red, green and blue, see bands.choose; for rasters. Raises InputError, without
    the path, that says what is wrong.
    """
    return _open(path, bands, None)


def reopen_scene(path: Path, reading: Mapping[str, Any]) -> Scene:
    """Open a scene file for the same pixels as before, by its `reading` of then; as open_scene.

    path: as the store has it, see files.path_text. Raises InputError, too, when the file has other
    pixels by now: the reading holds its origin.
    """
    bands = ",".join(str(band) for band in reading["bands"]) if "bands" in reading else None
    stretch = reading.get("stretch")
    there = path_from(os.fspath(path))
    scene = _open(there, bands, (stretch[0], stretch[1]) if stretch else None)
    try:
        if not scene.shows(reading):
            raise InputError("the file has another content than the scene that was stored")
    except InputError:
        scene.close()
        raise
    return scene


def _open(path: Path, bands: str | None, stretch: tuple[float, float] | None) -> Scene:
    check_regular(path)
    try:
        if is_raster(path):
            return _open_raster(path, bands, stretch)
        return Picture(path, read_regular(path, LARGE_BYTES))
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})") from error


def is_raster(path: Path) -> bool:
    """Whether a file is for GDAL: georeferenced, of a format of its own, or very large. OSError."""
    suffix = path.suffix.lower()
    if suffix in RASTER_SUFFIXES:
        return True
    return suffix in TIFF_SUFFIXES and (path.stat().st_size > LARGE_BYTES or _is_geotiff(path))


def _open_raster(path: Path, bands: str | None, stretch: tuple[float, float] | None) -> Scene:
    if path.stat().st_size == 0:
        raise InputError("the file is empty (0 bytes)")
    try:
        from .raster import Raster
    except ImportError as error:
        raise InputError(
            "a georeferenced raster needs rasterio, which is not installed: "
            "pip install 'scenehash[geo]'"
        ) from error
    try:
        os.fspath(path).encode()
    except UnicodeEncodeError as error:
        raise InputError("its name is not UTF-8, which GDAL needs; rename it") from error
    check_companions(path)
    return Raster(path, bands, stretch)


def _is_geotiff(path: Path) -> bool:
    """Whether a TIFF's first directory has a tag of GeoTIFF. Source: TIFF 6.0, section 2."""
    with open_regular(path) as file:
        head = file.read(16)
        order = {b"II": "<", b"MM": ">"}.get(head[:2])
        if order is None or len(head) < 16:
            return False
        big = struct.unpack(order + "H", head[2:4])[0] == 43
        (start,) = struct.unpack(order + ("Q" if big else "I"), head[8:16] if big else head[4:8])
        if start > os.fstat(file.fileno()).st_size:
            return False
        file.seek(start)
        count_form, entry = (order + "Q", 20) if big else (order + "H", 12)
        counted = file.read(struct.calcsize(count_form))
        if len(counted) < struct.calcsize(count_form):
            return False
        entries = file.read(min(struct.unpack(count_form, counted)[0], 4096) * entry)
    tags = {
        struct.unpack(order + "H", entries[at : at + 2])[0]
        for at in range(0, len(entries) - 1, entry)
    }
    return bool(tags & GEOTIFF_TAGS)
