"""Formats of files, by their first bytes, independent of their names."""

from scenehash.errors import InputError

HEAD_BYTES = 512
# The formats for OpenCV, and those for GDAL.
PLAIN = frozenset({"JPEG", "PNG", "BMP", "WebP"})
TIFF, JPEG_2000, IMAGINE, NITF, VRT = "TIFF", "JPEG 2000", "Erdas Imagine", "NITF", "VRT"

_STARTS = {
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"BM": "BMP",
    b"II*\0": TIFF,
    b"MM\0*": TIFF,
    b"II+\0": TIFF,
    b"MM\0+": TIFF,
    b"\0\0\0\x0cjP  ": JPEG_2000,
    b"\xff\x4f\xff\x51": JPEG_2000,
    b"EHFA_HEADER_TAG": IMAGINE,
    b"NITF0": NITF,
    b"NSIF0": NITF,
    b"<VRTDataset": VRT,
}
_OTHERS = {
    b"GIF8": "GIF",
    b"%PDF": "PDF",
    b"\x89HDF": "HDF5",
    b"\x0e\x03\x13\x01": "HDF4",
    b"SIMPLE  =": "FITS",
    b"msid": "MrSID",
    b"SQLite format 3": "GeoPackage (SQLite)",
    b"CDF\x01": "NetCDF",
    b"CDF\x02": "NetCDF",
    b"PK\x03\x04": "ZIP",
    b"\x1f\x8b": "GZIP",
    b"8BPS": "Photoshop",
    b"\xff\x0a": "JPEG XL",
    b"\0\0\0\x0cJXL ": "JPEG XL",
    b"P5": "PNM",
    b"P6": "PNM",
    b"GRIB": "GRIB",
    b"\x76\x2f\x31\x01": "OpenEXR",
    b"<GDAL_WMS": "GDAL WMS",
    b"<WCS_GDAL": "GDAL WCS",
    b"<?xml": "XML",
    b"<html": "HTML",
    b"<!DOC": "HTML",
}


_BRANDS = {
    **dict.fromkeys((b"avif", b"avis"), "AVIF"),
    **dict.fromkeys((b"heic", b"heix", b"hevc", b"heim", b"mif1", b"msf1"), "HEIF (HEIC)"),
}


def format_of(head: bytes) -> str:
    """The format of a file, by its first bytes; InputError for a format that is not read."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WebP"
    # GDAL takes a VRT for one with white space in front.
    for start, name in _STARTS.items():
        if head.startswith(start) or (name == VRT and head.lstrip().startswith(start)):
            return name
    for start, name in _OTHERS.items():
        if head.startswith(start):
            raise _not_read(name)
    if head[4:8] == b"ftyp":  # ISO 14496-12, section 4.3: a file of boxes, by its major brand
        raise _not_read(_BRANDS.get(head[8:12], "MP4, or video of its kind"))
    raise InputError(
        "not an image: no JPEG, PNG, BMP, WebP, TIFF, JPEG 2000, Erdas Imagine or NITF, by its "
        "first bytes"
    )


def _not_read(name: str) -> InputError:
    return InputError(f"the format is {name}, which is not read: convert it to PNG or GeoTIFF")
