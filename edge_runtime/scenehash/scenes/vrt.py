"""VRTs: lists of other rasters, checked before GDAL opens them.

A VRT can make GDAL read any file, fetch any address, and run code. Only VRTs that combine rasters
of their own folder, as gdalbuildvrt and gdal_translate write them, are read.
"""

from pathlib import Path
from xml.parsers import expat

from scenehash.errors import InputError
from scenehash.files import open_regular, read_regular
from scenehash.printable import printable

from .formats import HEAD_BYTES, PLAIN, VRT, format_of
from .size_limits import MOST_VRT_BYTES

MOST_SOURCES, MOST_NESTED, MOST_DEEP = 10_000, 4, 64
SOURCE = "sourcefilename"
# GDAL ignores case, and accepts a value as an element or an attribute.
ELEMENTS = frozenset({
    "vrtdataset", "srs", "geotransform", "gcplist", "gcp", "metadata", "mdi", "blockxsize",
    "blockysize", "maskband", "vrtrasterband", "description", "unittype", "offset", "scale",
    "nodatavalue", "hidenodatavalue", "colorinterp", "colortable", "entry", "categorynames",
    "category", "histograms", "histitem", "histmin", "histmax", "bucketcount", "histcounts",
    "includeoutofrange", "approximate", "simplesource", "complexsource", "averagedsource",
    "noinitialiseddata", SOURCE, "sourceband", "sourceproperties", "srcrect", "dstrect", "nodata",
    "scaleoffset", "scaleratio", "lut", "usemaskband", "colortablecomponent", "overviewlist",
    "exponent", "srcmin", "srcmax", "dstmin", "dstmax", "clamp", "kernel", "resampling",
})  # fmt: skip
ATTRIBUTES = frozenset({
    "rasterxsize", "rasterysize", "dataaxistosrsaxismapping", "coordinateepoch", "projection", "id",
    "info", "pixel", "line", "x", "y", "z", "key", "domain", "format", "datatype", "band",
    "blockxsize", "blockysize", "c1", "c2", "c3", "c4", "relativetovrt", "shared", "xoff", "yoff",
    "xsize", "ysize", "resampling", "subclass",
})  # fmt: skip
PLAIN_BAND = "vrtsourcedrasterband"
# Metadata domains of the raster and its bands; GDAL reads others as instructions.
DOMAINS = frozenset({"", "rpc", "image_structure", "color_profile", "imagery", "pds4"})


def sources_of(path: Path, nested: int = 0) -> list[tuple[Path, str]]:
    """All rasters of a VRT, and their formats.

    Raises InputError, without the path, on a VRT with anything else than rasters of its own folder.
    """
    if nested > MOST_NESTED:
        raise InputError("VRTs are nested too deeply")
    real = path.resolve()
    found: list[tuple[Path, str]] = []
    for source in _named(read_regular(real, MOST_VRT_BYTES), real):
        try:
            with open_regular(source) as file:
                kind = format_of(file.read(HEAD_BYTES))
            if kind in PLAIN:
                raise InputError(f"is a {kind} image; make it a GeoTIFF")
            found += sources_of(source, nested + 1) if kind == VRT else [(source, kind)]
        except InputError as error:
            raise InputError(f"its source {printable(source.name)}: {error.reason}") from error
        if len(found) > MOST_SOURCES:
            raise InputError(f"a VRT of more than {MOST_SOURCES:,} sources")
    return found


def _named(data: bytes, path: Path) -> list[Path]:
    reader = _Reader()
    try:
        reader.parser.Parse(data, True)
    except expat.ExpatError as error:
        raise InputError(f"a VRT that is not XML ({error})") from error
    return [_inside(name, is_relative, path) for name, is_relative in dict.fromkeys(reader.sources)]


def _inside(name: str, is_relative: bool, path: Path) -> Path:
    """The file of a source, in the VRT's folder; InputError for any other."""
    home = path.parent
    is_plain = not name.startswith("/vsi") and not {":", "<"} & set(name)
    if is_plain and (is_relative or Path(name).is_absolute()):
        source = home / name
        if ".." not in source.parts and source.resolve().is_relative_to(home):
            return source
    raise InputError(
        f"a VRT of {printable(name)[:100]!r}, and only files of its own folder are read; copy them "
        "there, or make it a GeoTIFF: gdal_translate"
    )


class _Reader:
    """Reads the XML of a VRT, and accepts only elements that are known to be harmless."""

    def __init__(self) -> None:
        self.sources: list[tuple[str, bool]] = []
        self._text: list[str] = []
        self._is_relative = False
        self._open: list[str] = []
        self.parser = expat.ParserCreate()
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text.append
        self.parser.StartDoctypeDeclHandler = self._refuse_entities
        self.parser.CommentHandler = self._inner
        self.parser.StartCdataSectionHandler = self._inner
        self.parser.ProcessingInstructionHandler = self._inner

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        lower = name.lower()
        given = {key.lower(): value for key, value in attributes.items()}
        unknown = ({lower} - ELEMENTS) | (given.keys() - ATTRIBUTES)
        if unknown or len(self._open) >= MOST_DEEP:
            raise InputError(
                f"a VRT with {printable(min(unknown, default='too many levels'))[:40]}, which is "
                "not read; make it a GeoTIFF: gdal_translate"
            )
        if given.get("subclass", PLAIN_BAND).lower() != PLAIN_BAND:
            raise InputError(f"a VRT of the kind {printable(given['subclass'])[:40]} is not read")
        if lower in ("metadata", "mdi") and given.get("domain", "").lower() not in DOMAINS:
            raise InputError(f"a VRT with metadata {printable(given['domain'])[:40]} is not read")
        self._inner()
        self._open.append(lower)
        self._is_relative = given.get("relativetovrt", "0").strip() == "1"
        self._text.clear()

    def _end(self, name: str) -> None:
        if name.lower() == SOURCE:
            self.sources.append(("".join(self._text).strip(), self._is_relative))
        self._open.pop()

    def _inner(self, *_: object) -> None:
        # GDAL would use the text before the element, and this reader the text around it.
        if self._open[-1:] == [SOURCE]:
            raise InputError("a VRT with more than a name in SourceFilename is not read")

    def _refuse_entities(self, *_: object) -> None:
        raise InputError("a VRT with a document type is not read")
