"""From a path to an open scene: with OpenCV for plain images, with GDAL for TIFFs and other
rasters.
"""

import contextlib
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from scenehash.decode_params import DecodeParams
from scenehash.errors import InputError, extras_remedy
from scenehash.files import open_regular, path_from
from scenehash.objects import describe, gdal_name, read_head
from scenehash.printable import printable
from scenehash.tiling import Window

from .bands import Bands, choose
from .decoding import Decoding, decide, decoding_from
from .exif import UPRIGHT, tiff_orientation
from .formats import HEAD_BYTES, JPEG_2000, PLAIN, TIFF, VRT, format_of
from .parts import BytesIdentity, FilesIdentity, ObjectIdentity, all_parts, world_file
from .place import Place
from .plain_image import read_image_file
from .scene import Scene, only_input_errors
from .size_limits import MOST_TURNED_BYTES
from .source import ArraySource, Source
from .stac import Noted
from .stretch import leaves_alone
from .tiff_directory import first_directory
from .times import time_of
from .turned import turned
from .validity import declares

if TYPE_CHECKING:
    import rasterio

    from .raster import RasterSource

VRT_SUFFIX = ".vrt"
LARGE_BYTES = 64_000_000
# Formats in which a scene is one object.
OBJECT_KINDS = (TIFF, JPEG_2000)
NOTHING = Noted()


def open_scene(path: Path, params: DecodeParams | None = None, noted: Noted = NOTHING) -> Scene:
    """Open a scene file; the caller closes it.

    noted: facts from a STAC item. The same params always give the same pixels. Raises InputError,
    without the path, also when the file lacks the requested bands.
    """
    with only_input_errors():
        return _open(path, params or DecodeParams(), None, noted)


def open_object_scene(
    uri: str, params: DecodeParams | None = None, noted: Noted = NOTHING
) -> Scene | None:
    """Open a raster that is one object of a bucket, to be read by windows; the caller closes it.

    Use it within gdal_access.reaching(uri). Its id is the same as that of its file; its path is
    GDAL's name for the address. None: its format needs a file, or it may have to be turned. Raises
    InputError, without the address.
    """
    from .gdal_access import gdal
    from .georeference import place
    from .raster import open_raster_object, scales_of, warning_of_scales, warnings_of

    with only_input_errors(), contextlib.ExitStack() as undo:
        found = describe(uri)
        if found is None:
            raise InputError("no such object")
        kind = format_of(read_head(uri, HEAD_BYTES))
        if kind not in OBJECT_KINDS:
            return None
        file, raster = open_raster_object(uri, kind, found.size)
        undo.callback(raster.close)
        where = place(file)
        if where.georeference is None:
            return None
        path = Path(gdal_name(uri))
        with gdal():
            warnings = (*where.warnings, *warnings_of(file, path.name))
            tags = {key: str(value) for key, value in file.tags().items()}
            scales = scales_of(file)
        decoding, asked = _decoding(raster, _with_bands(params, noted, raster), None)
        where = replace(where, warnings=(*warnings, *warning_of_scales(scales, decoding.bands)))
        identity, acquired = ObjectIdentity(uri), time_of(path, tags, noted.time)
        scene = Scene(path, raster, decoding, identity, acquired, where, asked, is_large=True)
        undo.pop_all()
        return scene


def reopen_scene(path: Path, reading: Mapping[str, Any]) -> Scene:
    """Open a scene file for the same pixels as before, by its stored `reading`; as open_scene.

    path: the stored path, see files.path_text. Raises InputError, too, when the file has other
    pixels now: the reading has its origin as "file".
    """
    file = reading.get("file", {})
    if file.get("replaced"):
        raise InputError("its file was replaced by another scene's file")
    with only_input_errors(), contextlib.ExitStack() as undo:
        scene = undo.enter_context(
            _open(path_from(os.fspath(path)), DecodeParams(), reading, NOTHING)
        )
        if not scene.shows(file):
            raise InputError("the file's content differs from the stored scene")
        undo.pop_all()
        return scene


def _open(
    path: Path, params: DecodeParams, reading: Mapping[str, Any] | None, noted: Noted
) -> Scene:
    with open_regular(path) as file:
        head = file.read(HEAD_BYTES)
        if not head:
            raise InputError("the file is empty (0 bytes)")
        kind = format_of(head)
        if kind in PLAIN:
            file.seek(0)
            source, content = read_image_file(file)
    if kind in PLAIN:
        decoding, asked = _decoding(source, _with_bands(params, noted, source), reading)
        identity = BytesIdentity(content)
        acquired = time_of(path, {}, noted.time)
        where = _no_place(path) if noted.box is None else Place().or_within(noted.box)
        return Scene(path, source, decoding, identity, acquired, where, asked)
    return _open_raster(path, kind, params, reading, noted)


def _no_place(path: Path) -> Place:
    """The place of a plain image, which is not georeferenced, whatever files are next to it."""
    beside = world_file(path)
    if beside is None:
        return Place()
    return Place(
        warnings=(
            f"it is not georeferenced: {printable(beside.name)} is not read for a plain image; "
            f"make a GeoTIFF: gdal_translate -a_srs EPSG:NUMBER {printable(path.name)} "
            f"{printable(path.stem)}.tif",
        )
    )


def _open_raster(
    path: Path, kind: str, params: DecodeParams, reading: Mapping[str, Any] | None, noted: Noted
) -> Scene:
    if kind == VRT and path.suffix.lower() != VRT_SUFFIX:
        raise InputError("the content is a VRT; if it is meant to be a VRT, rename it to .vrt")
    try:
        os.fspath(path).encode()
    except UnicodeEncodeError as error:
        raise InputError("its name is not UTF-8, which GDAL needs; rename it") from error
    try:
        from .gdal_access import gdal
        from .georeference import place
        from .raster import open_raster, scales_of, warning_of_scales, warnings_of
    except ImportError as error:
        raise InputError(
            f"a {kind} file needs rasterio, which is not installed: {extras_remedy('geo')}"
        ) from error
    # GDAL's name of it, and its files.
    named = path.resolve() if kind == VRT else Path(os.path.abspath(path))  # noqa: PTH100
    with contextlib.ExitStack() as undo:
        file, raster = open_raster(named, kind)
        undo.callback(raster.close)
        where = place(file)
        with gdal():
            warnings = (*where.warnings, *warnings_of(file, path.name))
            tags = {key: str(value) for key, value in file.tags().items()}
            scales = scales_of(file)
        acquired = time_of(path, tags, noted.time)
        identity = FilesIdentity(path, _parts(named, file))
        source = _upright(path, kind, raster, is_placed=where.georeference is not None)
        decoding, asked = _decoding(source, _with_bands(params, noted, source), reading)
        is_large = path.stat().st_size > LARGE_BYTES
        warnings += warning_of_scales(scales, decoding.bands)
        where = replace(where, warnings=warnings).or_within(noted.box)
        scene = Scene(path, source, decoding, identity, acquired, where, asked, is_large)
        undo.pop_all()
        return scene


def _with_bands(params: DecodeParams | None, noted: Noted, source: Source) -> DecodeParams:
    params = params or DecodeParams()
    if params.bands is None:
        noted.check(source.bands)
    return params.over(DecodeParams(noted.bands))


def _decoding(
    source: Source, params: DecodeParams, reading: Mapping[str, Any] | None
) -> tuple[Decoding, dict[str, object]]:
    """How to decode, and the requests that differ from the file's own values."""
    if reading is not None:
        decoding = decoding_from(reading, source)
        asked = dict(reading.get("asked", {}))
        return decoding, asked or _asked_bands(source.bands, decoding.bands)
    decoding = decide(source, params)
    asked = _asked_bands(source.bands, decoding.bands)
    if params.nodata is not None and not declares(source, decoding.bands, params.nodata):
        asked["nodata"] = params.nodata
    if params.stretch is not None and not leaves_alone(source, decoding.bands, params.stretch):
        asked["stretch"] = list(params.stretch)
    return decoding, asked


def _asked_bands(bands: Bands, chosen: tuple[int, ...]) -> dict[str, object]:
    with contextlib.suppress(InputError):
        if choose(bands, None).numbers == chosen:
            return {}
    return {"bands": list(chosen)}


def _parts(path: Path, file: "rasterio.DatasetReader") -> list[Path]:
    """The other files of a raster."""
    from .gdal_access import gdal, open_dataset

    def named(part: Path) -> list[str]:
        if part == path:
            return list(file.files)
        with open_dataset(part, VRT) as inner:
            return list(inner.files)

    with gdal():
        return all_parts(path, named)


def _upright(path: Path, kind: str, raster: "RasterSource", is_placed: bool) -> Source:
    """The raster in its orientation; a georeferenced raster stays as it is."""
    if kind != TIFF or is_placed:
        return raster
    orientation = tiff_orientation(first_directory(path).values)
    every = range(1, len(raster.bands.names) + 1)
    size = raster.width * raster.height * len(every) * raster.dtype_of(every).itemsize
    if orientation == UPRIGHT or size > MOST_TURNED_BYTES:
        return turned(raster, orientation)
    # A visible row is a stored column: each would decode all strips.
    return turned(_in_memory(raster), orientation)


def _in_memory(raster: "RasterSource") -> ArraySource:
    bands, shape = raster.bands, (raster.height, raster.width)
    every, whole = range(1, len(bands.names) + 1), Window(0, 0, raster.width, raster.height)
    mask = raster.read_mask(every, whole, shape) if raster.has_mask else None
    source = ArraySource(np.moveaxis(raster.read(every, whole, shape), 0, 2), bands, mask)
    source.nodata, source.significant_bits = raster.nodata, raster.significant_bits
    source.is_white_zero = raster.is_white_zero
    raster.close()
    return source
