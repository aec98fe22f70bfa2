"""The parts of a scene besides its own file: companion files, and files that it names.

GDAL reads masks, georeferences and metadata from files next to a raster, and a VRT only names other
files. Two scenes are the same if all of these parts are the same.
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
# These hold pixels, and may be as large as the scene.
PIXEL_SUFFIXES = frozenset({".msk", ".ovr", ".r1", ".ige", ".rrd", ".aux"})
RASTERS_BESIDE = frozenset({".msk", ".ovr", ".r1"})
MOST_PARTS = 10_000
# Elements that viewers add to a raster's .aux.xml.
STATISTICS = "STATISTICS_"
UNMEANT = "Histograms"


class Identity(Protocol):
    """The identity of a scene's pixels and place, for comparison at another time."""

    @property
    def digest(self) -> str:
        """The id of all their bytes; InputError."""

    @property
    def stamp(self) -> str | None:
        """A value that changes with those bytes, found without reading them; None if unknown."""


@dataclass(frozen=True)
class BytesIdentity:
    """The identity of a file whose bytes were all read."""

    digest: str
    stamp: str | None = None


class FilesIdentity:
    """The identity of a file and its other parts, read on demand."""

    def __init__(self, path: Path, others: Sequence[Path]) -> None:
        self._path, self._others = path, others

    @cached_property
    def digest(self) -> str:
        return digest_of(self._path, self._others)

    @property
    def stamp(self) -> str:
        return stamp_of([self._path, *self._others])


class ObjectIdentity:
    """The identity of one object of a bucket, read on demand: the same as of its file."""

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
    """Raise InputError if GDAL would wait for a companion file, or take all memory for it."""
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
    """The world file of an image (x.jgw, x.jpgw or x.wld for x.jpg); None if there is none."""
    suffix = path.suffix.lower()
    # An uploaded image has no suffix.
    own = (f".{suffix[1:2]}{suffix[-1:]}w", f"{suffix}w") if suffix else ()
    for end in (*own, ".wld"):
        for variant in (end, end.upper()):
            beside = path.with_suffix(variant)
            if os.path.lexists(beside):
                return beside
    return None


def overviews_and_masks(path: Path) -> list[Path]:
    """The companion files that GDAL opens as rasters."""
    return [part for part in _companions(path) if part.suffix.lower() in RASTERS_BESIDE]


def all_parts(path: Path, named: Callable[[Path], Sequence[str]]) -> list[Path]:
    """The other files of a raster, and the other files of those.

    named: the files that GDAL reports for a file; for a VRT only the files that it names itself.
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
    """The id of a file and of the other files that its pixels and its place depend on.

    Without other files it is the id of the file's bytes. Overviews and statistics do not count.
    Raises InputError.
    """
    parts = sorted(digest for other in others if (digest := _part_digest(other)) is not None)
    main = content_of(path)
    return main if not parts else content_id("\n".join([main, *parts]).encode())


def stamp_of(paths: Iterable[Path]) -> str:
    """A value that changes when one of some files is written: an id of their sizes and mtimes."""
    state = blake2b(digest_size=CONTENT_BYTES // 2)
    for path in paths:
        status = check_regular(path)
        state.update(f"{status.st_size} {status.st_mtime_ns}\n".encode())
    return state.hexdigest()


def companion_names(name: str) -> list[str]:
    """The names of companion files that GDAL may open for a raster."""
    stem = Path(name).stem
    names = [name + end for end in BESIDE_THE_NAME] + [stem + end for end in BESIDE_THE_STEM]
    if stem.upper().startswith("IMG"):
        after = stem[3:].removeprefix("_")
        names += [f"{start}{after}{end}" for start, end in BESIDE_AN_IMAGE]
    return [one for one in dict.fromkeys((*names, *BESIDE_ANY)) if one != name]


def _companions(path: Path) -> Iterator[Path]:
    """The existing companion files of a raster."""
    for name in companion_names(path.name):
        companion = path.with_name(name)
        if os.path.lexists(companion):
            yield companion


def _part_digest(path: Path) -> str | None:
    """The id of a file's contribution to a scene; None if it contributes nothing."""
    name = path.name.lower()
    if name.endswith(".ovr"):
        return None
    if not name.endswith(".aux.xml"):
        return content_of(path)
    content = _notes_content(read_regular(path, MOST_NOTE_BYTES))
    return content_id(content) if content else None


def _notes_content(data: bytes) -> bytes:
    """The content of GDAL's notes of a raster, without statistics; all bytes if it is not XML."""
    notes = _Notes()
    try:
        notes.parser.Parse(data, True)
    except (expat.ExpatError, InputError):
        return data
    return "\n".join(notes.texts).encode()


class _Notes:
    """Reads the XML of GDAL's notes (PAM): each text with the elements around it."""

    def __init__(self) -> None:
        self.texts: list[str] = []
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
            self.texts.append(f"{'/'.join(self._open[-4:])}: {text}")
        self._text.clear()
        self._open.pop()
        self._unmeant = max(0, self._unmeant - 1)

    def _refuse(self, *_: object) -> None:
        raise InputError("XML entities are not read")
