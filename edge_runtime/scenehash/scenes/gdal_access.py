"""GDAL, restricted to the files of a scene: no network, no other files, only our own errors.

A raster may name other files: a VRT its sources, any format its overviews. Each opened file is
checked first, and opened by a named driver; see vrt.py and parts.py.
"""

import contextlib
import os
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import rasterio
from rasterio.errors import NotGeoreferencedWarning

from scenehash.errors import InputError, ScenehashError
from scenehash.files import open_regular
from scenehash.objects import gdal_name, gdal_options
from scenehash.printable import printable

from .formats import HEAD_BYTES, IMAGINE, JPEG_2000, NITF, TIFF, VRT, format_of
from .parts import check_companions, overviews_and_masks
from .tiff_directory import check_tags, reading

DRIVERS = {
    TIFF: "GTiff",
    JPEG_2000: "JP2OpenJPEG",
    IMAGINE: "HFA",
    NITF: "NITF",
    VRT: "VRT",
}
# GDAL keeps this much of what it decoded: two rows of blocks of 512 of a raster 30,000 pixels wide,
# or of 256 of one twice as wide.
CACHE_BYTES = 96 << 20
OPTIONS: dict[str, Any] = {
    "GDAL_CACHEMAX": CACHE_BYTES,
    # Companion files are opened by name (see parts.py), and folders are not listed.
    "GDAL_DISABLE_READDIR_ON_OPEN": "TRUE",
    # In addition to the checks: no suffix is allowed on the network, and no code is run.
    "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": ".none",
    "GDAL_VRT_ENABLE_PYTHON": "NO",
    "GDAL_VRT_ENABLE_RAWRASTERBAND": "NO",
    "JPEGMEM": "128M",
}
# Metadata domains that make GDAL look for overviews in any file or address.
POINTERS = frozenset({"overviews", "proxyoverviewrequest"})
MOST_NESTED, LONGEST_REASON = 3, 200
# The time without an answer after which a request to an object store is repeated.
ANSWER_SECONDS = 60


# The folder of a file in GDAL's messages.
_FOLDER = re.compile(r"(?<![\w:/.])/(?:[^\s/:]+/)+")
# GDAL's words for a truncated or damaged file.
_CUT = re.compile("TIFFRead|IReadBlock|Read error|JPEGDecode|ZIPDecode|LZWDecode")
# Its words for what is sound, but coded in a way that it does not know.
_LACKING = re.compile("[Uu]nsupported|[Nn]ot supported|[Mm]issing codec")


@contextlib.contextmanager
def gdal() -> Iterator[None]:
    """GDAL with the options above; its errors become InputErrors, without the path."""
    try:
        with rasterio.Env(**OPTIONS), warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            yield
    except ScenehashError:
        raise
    except MemoryError as error:
        raise InputError("GDAL needs more memory than is free") from error
    except Exception as error:  # GDAL's own exceptions have no common base that is public
        reason = reason_of(error)
        hint = "; it is damaged or truncated: copy the file again" if _CUT.search(reason) else ""
        raise InputError(f"GDAL cannot read it ({reason}){hint}") from error


def reason_of(error: BaseException) -> str:
    """GDAL's message, shortened to one line, without folders: the caller names the file."""
    cause = _lacking(error) or error.__cause__ or error
    text = " ".join(str(cause).split()) or type(cause).__name__
    return printable(_FOLDER.sub("", text))[:LONGEST_REASON]


def _lacking(error: BaseException | None) -> BaseException | None:
    """The first cause of an error, if it is something that GDAL cannot do."""
    while error is not None and error.__cause__ is not None:
        error = error.__cause__
    return error if error is not None and _LACKING.search(str(error)) else None


def open_dataset(path: Path, kind: str, nested: int = 0) -> rasterio.DatasetReader:
    """Open a raster of a known format, within gdal(); InputError if it names files elsewhere.

    Its overviews and mask files are opened first, for the same checks: GDAL would open them with
    any driver that fits.
    """
    if nested > MOST_NESTED:
        raise InputError("its overview files are nested too deeply")
    if kind == TIFF:
        with open_regular(path) as tiff:
            check_tags(reading(tiff))
    check_companions(path)
    for companion in overviews_and_masks(path):
        try:
            with open_regular(companion) as file:
                beside = format_of(file.read(HEAD_BYTES))
            if beside != TIFF:
                raise InputError(f"is a {beside} file")
            open_dataset(companion, TIFF, nested + 1).close()
        except InputError as error:
            raise InputError(f"{companion.name} beside it: {error.reason}") from error
    file = rasterio.open(os.path.abspath(path), driver=DRIVERS[kind])  # noqa: PTH100
    try:
        _check_pointers(file, path)
    except BaseException:
        file.close()
        raise
    return file


@contextlib.contextmanager
def reaching(uri: str) -> Iterator[None]:
    """Within the context GDAL may read one object of a bucket, and nothing else on the network."""
    name = gdal_name(uri)
    options = {
        "CPL_VSIL_CURL_ALLOWED_FILENAME": name,
        "CPL_VSIL_CURL_NON_CACHED": name,  # it may be written again
        "GDAL_HTTP_TIMEOUT": str(ANSWER_SECONDS),
        "GDAL_HTTP_MAX_RETRY": "3",
    }
    with rasterio.Env(**options, **gdal_options()):
        yield


def open_object(uri: str, kind: str) -> rasterio.DatasetReader:
    """Open a raster that is one object, within gdal() and reaching(); errors as open_dataset."""
    name = gdal_name(uri)
    file = rasterio.open(name, driver=DRIVERS[kind])
    try:
        _check_no_overviews_elsewhere(file)
        if [str(part) for part in file.files] != [name]:
            raise InputError("it is made of several objects, which are not read")
    except BaseException:
        file.close()
        raise
    return file


def _check_no_overviews_elsewhere(file: rasterio.DatasetReader) -> None:
    if POINTERS & {domain.lower() for domain in file.tag_namespaces()}:
        raise InputError("it names other files for its overviews, which are not read")


def _check_pointers(file: rasterio.DatasetReader, path: Path) -> None:
    _check_no_overviews_elsewhere(file)
    homes = (path.parent.resolve(), path.resolve().parent)
    for name in file.files:
        part = Path(name).resolve()
        if name.startswith("/vsi") or not any(part.is_relative_to(home) for home in homes):
            raise InputError(f"it is made of {printable(name)}, outside its folder; copy it there")
