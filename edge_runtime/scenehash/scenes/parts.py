"""What a scene is made of besides the bytes of its file: what lies beside it, what it names.

GDAL reads masks, georeference and metadata from files beside a raster, and a VRT is nothing but the
names of other files. Two scenes are the same when all of these are.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Protocol
from xml.parsers import expat

from scenehash.errors import InputError
from scenehash.files import check_regular, read_regular
from scenehash.objects import describe, stream_object

from .files import CONTENT_BYTES, content_id, content_of
from .size_limits import MOST_NOTE_BYTES

# What GDAL opens beside x.tif, as x.tif.msk and as x.tfw; seen with strace for GTiff, JP2OpenJPEG,
# HFA and NITF of GDAL 3.10.
BESIDE_THE_NAME = (".aux.xml", ".aux", ".AUX", ".msk", ".MSK", ".ovr", ".OVR", ".r1")
_STEM_ENDS = (
    ".aux", ".xml", ".txt", ".tfw", ".tifw", ".tiffw", ".wld", ".j2w", ".jp2w", ".nfw", ".tab",
    ".imd", ".rpb", ".rpc", ".pvl", ".pass", ".att", ".eph", ".geo", ".ige", ".rrd", "_rpc.txt",
)  # fmt: skip
# Whatever the raster's name; and beside IMG_x.tif, as Pleiades, SPOT and ALOS name their files.
BESIDE_ANY = ("METADATA.DIM", "metadata.dim", "summary.txt", "SUMMARY.TXT")
BESIDE_AN_IMAGE = tuple(
    (start, end) for start in ("DIM_", "HDR_", "RPC_") for end in (".xml", ".XML", ".txt", ".TXT")
)
BESIDE_THE_STEM = (
    *(variant for end in _STEM_ENDS for variant in (end, end.upper())),
    *("_MTL.txt", "_MTL.TXT", "_metadata.txt", "_METADATA.txt", "_metadata.xml", "_METADATA.XML"),
)
# These hold pixels, and may be as large as the scene itself.
PIXEL_SUFFIXES = frozenset({".msk", ".ovr", ".r1", ".ige", ".rrd", ".aux"})
RASTERS_BESIDE = frozenset({".msk", ".ovr", ".r1"})
MOST_PARTS = 10_000
# What programs that only show a raster add to the .aux.xml beside it.
STATISTICS = "STATISTICS_"
UNMEANT = "Histograms"


class Identity(Protocol):
    """What tells whether a scene's pixels and place are those of another time."""

    @property
    def digest(self) -> str:
        """The id of all bytes that they are made of; InputError."""

    @property
    def stamp(self) -> str | None:
        """What changes when those bytes do, found without reading them; None where that is not."""


@dataclass(frozen=True)
class BytesIdentity:
    """That of a file whose bytes were all read."""

    digest: str
    stamp: str | None = None


class FilesIdentity:
    """That of a file and of the others that it is made of, read when it is asked for."""

    def __init__(self, path: Path, others: Sequence[Path]) -> None:
        self._path, self._others = path, others

    @cached_property
    def digest(self) -> str:
        return digest_of(self._path, self._others)

    @property
    def stamp(self) -> str:
        return stamp_of([self._path, *self._others])


class ObjectIdentity:
    """That of one object of a bucket, read when it is asked for: that of a file of its bytes."""

    def __init__(self, uri: str) -> None:
        self._uri = uri

    @cached_property
    def digest(self) -> str:
        state = blake2b(digest_size=CONTENT_BYTES)
        stream_object(self._uri, state.update)
        return state.hexdigest()

    @property
    def stamp(self) -> str | None:
        found = describe(self._uri)
        return None if found is None else found.tag


def check_companions(path: Path) -> None:
    """Raise InputError where GDAL would wait for what lies beside a raster, or take all memory."""
    for companion in _companions(path):
        try:
            status = check_regular(companion)
        except InputError as error:
            raise InputError(f"{companion.name} beside it {error.reason}") from error
        if companion.suffix.lower() not in PIXEL_SUFFIXES and status.st_size > MOST_NOTE_BYTES:
            raise InputError(
                f"{companion.name} beside it has {status.st_size:,} bytes, and at most "
                f"{MOST_NOTE_BYTES:,} are read"
            )


def world_file(path: Path) -> Path | None:
    """The world file beside an image (x.jgw, x.jpgw or x.wld beside x.jpg); None where there is
    none."""
    suffix = path.suffix.lower()
    # An image that was uploaded has no suffix.
    own = (f".{suffix[1:2]}{suffix[-1:]}w", f"{suffix}w") if suffix else ()
    for end in (*own, ".wld"):
        for variant in (end, end.upper()):
            beside = path.with_suffix(variant)
            if os.path.lexists(beside):
                return beside
    return None


def overviews_and_masks(path: Path) -> list[Path]:
    """The files beside a raster that GDAL opens as rasters themselves."""
    return [part for part in _companions(path) if part.suffix.lower() in RASTERS_BESIDE]


def all_parts(path: Path, named: Callable[[Path], Sequence[str]]) -> list[Path]:
    """The files besides its own that a raster is made of, and those that these are made of.

    named: the files that GDAL says it reads for a file; of a VRT only those that it names itself.
    """
    parts: dict[Path, None] = {}
    waiting = [path]
    while waiting and len(parts) <= MOST_PARTS:
        one = waiting.pop()
        fresh = [part for name in named(one) if (part := Path(name)) != path and part not in parts]
        parts.update(dict.fromkeys(fresh))
        waiting += [part for part in fresh if part.suffix.lower() == ".vrt"]
    if len(parts) > MOST_PARTS:
        raise InputError(f"made of more than {MOST_PARTS:,} files")
    return list(parts)


def digest_of(path: Path, others: Iterable[Path]) -> str:
    """The id of a file and of the others that its pixels and its place depend on.

    Without others it is the id of the file's bytes. Overviews and statistics do not count. Raises
    InputError.
    """
    parts = sorted(digest for other in others if (digest := _part_digest(other)) is not None)
    main = content_of(path)
    return main if not parts else content_id("\n".join([main, *parts]).encode())


def stamp_of(paths: Iterable[Path]) -> str:
    """What changes when one of some files is written to: an id of their sizes and mtimes."""
    state = blake2b(digest_size=CONTENT_BYTES // 2)
    for path in paths:
        status = check_regular(path)
        state.update(f"{status.st_size} {status.st_mtime_ns}\n".encode())
    return state.hexdigest()


def companion_names(name: str) -> list[str]:
    """What GDAL may open beside a raster of a name, by name."""
    stem = Path(name).stem
    names = [name + end for end in BESIDE_THE_NAME] + [stem + end for end in BESIDE_THE_STEM]
    if stem.upper().startswith("IMG"):
        after = stem[3:].removeprefix("_")
        names += [f"{start}{after}{end}" for start, end in BESIDE_AN_IMAGE]
    return [one for one in dict.fromkeys((*names, *BESIDE_ANY)) if one != name]


def _companions(path: Path) -> Iterator[Path]:
    """What is there of what GDAL may open beside a raster."""
    for name in companion_names(path.name):
        companion = path.with_name(name)
        if os.path.lexists(companion):
            yield companion


def _part_digest(path: Path) -> str | None:
    """The id of what a file adds to a scene; None when that is nothing."""
    name = path.name.lower()
    if name.endswith(".ovr"):
        return None
    if not name.endswith(".aux.xml"):
        return content_of(path)
    meant = _meant_of_notes(read_regular(path, MOST_NOTE_BYTES))
    return content_id(meant) if meant else None


def _meant_of_notes(data: bytes) -> bytes:
    """The content of GDAL's notes beside a raster, without statistics; all of what is no XML."""
    notes = _Notes()
    try:
        notes.parser.Parse(data, True)
    except (expat.ExpatError, InputError):
        return data
    return "\n".join(notes.said).encode()


class _Notes:
    """Reads the XML of GDAL's notes (PAM): each text with the elements that it is in."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self._open: list[str] = []
        self._text: list[str] = []
        self._unmeant = 0
        self.parser = expat.ParserCreate()
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text.append
        self.parser.EntityDeclHandler = self._refuse

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        unmeant = name == UNMEANT or attributes.get("key", "").startswith(STATISTICS)
        if self._unmeant or unmeant:
            self._unmeant += 1
        self._open.append(f"{name} {sorted(attributes.items())}")
        self._text.clear()

    def _end(self, name: str) -> None:
        del name
        text = "".join(self._text).strip()
        if text and not self._unmeant:
            self.said.append(f"{'/'.join(self._open[-4:])}: {text}")
        self._text.clear()
        self._open.pop()
        self._unmeant = max(0, self._unmeant - 1)

    def _refuse(self, *_: object) -> None:
        raise InputError("XML entities are not read")
