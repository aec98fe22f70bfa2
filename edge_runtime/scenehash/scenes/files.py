"""Scene files: finding them, and the ids of their contents."""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from hashlib import blake2b, file_digest
from pathlib import Path
from typing import NamedTuple

from scenehash.errors import InputError
from scenehash.files import open_regular

IMAGE_SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
# Without .vrt: a VRT lists other files, and is only read if its own path is given.
SCENE_SUFFIXES = IMAGE_SUFFIXES | frozenset({".jp2", ".j2k", ".img", ".ntf", ".nitf"})
# Companion files of scenes: metadata, world files, masks, overviews, checksums, notes.
COMPANION_SUFFIXES = frozenset({
    ".json", ".geojson", ".xml", ".txt", ".csv", ".md", ".html", ".htm", ".pdf", ".log", ".yaml",
    ".yml", ".ini", ".db", ".toml", ".ovr", ".msk", ".aux", ".rrd", ".ige", ".prj", ".wld",
    ".tfw", ".tifw", ".tiffw", ".jgw", ".jpgw", ".pgw", ".pngw", ".bpw", ".j2w", ".jp2w", ".imd",
    ".rpb", ".rpc", ".att", ".eph", ".til", ".met", ".mtl", ".tab", ".qml", ".qgz", ".qgs",
    ".sld", ".lyr", ".shp", ".shx", ".dbf", ".cpg", ".sbn", ".sbx", ".qix", ".gpx", ".kml",
    ".md5", ".sha1", ".sha256", ".sum", ".sig", ".done", ".part", ".partial", ".tmp", ".temp",
    ".filepart", ".crdownload",
})  # fmt: skip
# Folders of systems: thumbnails, bins, snapshots of NAS, macOS and Windows. In lower case; names
# with a dot in front need no list.
SYSTEM_NAMES = frozenset(
    {
        "@eadir",
        "@__thumb",
        "@recently-snapshot",
        "@recycle",
        "@sharebin",
        "@tmp",
        "#recycle",
        "#snapshot",
        "~snapshot",
        "$recycle.bin",
        "recycler",
        "system volume information",
        "network trash folder",
        "temporary items",
        "__macosx",
        "lost+found",
        "thumbs.db",
        "desktop.ini",
    }
)
LINKED_FOLDER, NO_SUFFIX = "linked folder", "no suffix"
CONTENT_BYTES = 16


class Found(NamedTuple):
    """Scene files, and the numbers of files of other formats among them, by suffix.

    Files that belong to scenes (metadata, world files, overviews) are not counted.
    """

    files: list[Path]
    passed_over: Mapping[str, int]


def find_scenes(paths: Iterable[Path]) -> list[Path]:
    """The scene files in the given files and folders; see scan."""
    return scan(paths).files


def scan(paths: Iterable[Path]) -> Found:
    """The scene files in the given files and folders, absolute, sorted within each.

    A file that is given itself may have any name; a folder gives its scene files, by their suffix,
    at any depth. Dot files, folders of a NAS or of a system, and linked folders are skipped. Raises
    InputError on a path that does not exist, or a folder without scene files.
    """
    found: dict[Path, None] = {}
    passed_over: Counter[str] = Counter()
    for path in paths:
        found.update(dict.fromkeys(_scenes_at(path.absolute(), passed_over)))
    return Found(list(found), passed_over)


def scenes_at(path: Path) -> list[Path]:
    """For a file, the file itself; for a folder, its scene files, sorted, or the folder itself if
    it cannot be listed.
    """
    if not os.path.isdir(path):  # noqa: PTH112 - Path.is_dir raises where that is not permitted
        return [path]
    return _files(path, SCENE_SUFFIXES, Counter())


def image_files(folder: Path) -> list[Path]:
    """The plain image files in a folder, by their suffix, at any depth, sorted."""
    return _files(folder, IMAGE_SUFFIXES, Counter())


def walk(
    folder: Path, failed: Callable[[str], object], without: str | None = None
) -> "Iterator[os.DirEntry[str]]":
    """All files in a folder, at any depth, except dot files and files of systems.

    failed: called with the path of each folder that cannot be listed. without: the path of a folder
    to skip.
    """
    waiting = [os.fspath(folder)]
    while waiting:
        place = waiting.pop()
        try:
            with os.scandir(place) as entries:
                for entry in entries:
                    if is_hidden(entry.name) or entry.path == without:
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    else:
                        yield entry
        except OSError:
            failed(place)


def is_hidden(name: str) -> bool:
    """Whether this name belongs to a dot file or to a system's file or folder."""
    return name.startswith(".") or name.lower() in SYSTEM_NAMES


def content_id(data: bytes) -> str:
    """The id of bytes: 32 hexadecimal digits of BLAKE2b."""
    return blake2b(data, digest_size=CONTENT_BYTES).hexdigest()


def content_of(path: Path) -> str:
    """The id of the bytes of a file of any size; InputError, without the path."""
    try:
        with open_regular(path) as file:
            return file_digest(file, lambda: blake2b(digest_size=CONTENT_BYTES)).hexdigest()
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})") from error


def _scenes_at(path: Path, passed_over: Counter[str]) -> list[Path]:
    try:
        is_folder, is_there = path.is_dir(), path.exists()
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", path) from error
    if not is_there:
        raise InputError("no such file or folder", path)
    if not is_folder:
        return [path]
    files = _files(path, SCENE_SUFFIXES, passed_over)
    if not files:
        wanted = ", ".join(sorted(SCENE_SUFFIXES))
        raise InputError(f"no images in this folder (looked for {wanted})", path)
    return files


def _files(folder: Path, suffixes: frozenset[str], passed_over: Counter[str]) -> list[Path]:
    """The files with one of the suffixes, at any depth, sorted; others are counted by suffix.

    A folder that cannot be opened is listed instead of its files, so that the reader sets it aside
    with the reason. Dead links, pipes and devices are listed, too.
    """
    found: list[str] = []
    for entry in walk(folder, found.append):
        suffix = os.path.splitext(entry.name)[1].lower()  # noqa: PTH122 - one of 100,000 files
        if suffix in suffixes:
            found.append(entry.path)
        elif entry.is_symlink() and os.path.isdir(entry.path):  # noqa: PTH112
            passed_over[LINKED_FOLDER] += 1
        elif suffix not in COMPANION_SUFFIXES:
            passed_over[suffix or NO_SUFFIX] += 1
    return sorted(Path(path) for path in found)
