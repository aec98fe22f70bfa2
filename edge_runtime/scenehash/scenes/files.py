"""Scene files: finding them, and knowing their content."""

import os
from collections.abc import Iterable
from hashlib import blake2b, file_digest
from pathlib import Path

from scenehash.errors import InputError
from scenehash.scenes.decoding import IMAGE_SUFFIXES

# What GDAL reads and OpenCV does not; .tif and .tiff may be either.
RASTER_SUFFIXES = frozenset({".jp2", ".j2k", ".img", ".vrt", ".ntf", ".nitf"})
SCENE_SUFFIXES = IMAGE_SUFFIXES | RASTER_SUFFIXES
CONTENT_BYTES = 16


def find_scenes(paths: Iterable[Path]) -> list[Path]:
    """The scene files in the given files and folders, absolute, sorted within each.

    A file that is named itself is taken whatever its name; a folder gives its scene files, by their
    suffix. Raises InputError on a path that is not there, or a folder without any.
    """
    found: dict[Path, None] = {}
    for path in paths:
        found.update(dict.fromkeys(_scenes_at(path.absolute())))
    return list(found)


def image_files(folder: Path) -> list[Path]:
    """The plain image files in a folder, by their suffix, at any depth, sorted."""
    return _files(folder, IMAGE_SUFFIXES)


def content_id(data: bytes) -> str:
    """The id of a file's content: 32 hexadecimal digits of BLAKE2b."""
    return blake2b(data, digest_size=CONTENT_BYTES).hexdigest()


def content_of(path: Path) -> str:
    """The same of a file that may not fit into memory. Raises OSError."""
    with path.open("rb", buffering=0) as file:
        return file_digest(file, lambda: blake2b(digest_size=CONTENT_BYTES)).hexdigest()


def _files(folder: Path, suffixes: frozenset[str]) -> list[Path]:
    """The files with one of the suffixes, at any depth, sorted.

    A folder that cannot be opened stands in the place of its files, so that whoever reads them sets
    it aside with the reason and does not pass it over.
    """
    found: list[Path] = []
    for place, _, names in os.walk(
        folder, onerror=lambda error: found.append(Path(error.filename))
    ):
        paths = (Path(place, name) for name in names)
        found.extend(path for path in paths if path.suffix.lower() in suffixes and _is_file(path))
    return sorted(found)


def _scenes_at(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise InputError(f"{path}: no such file or folder")
    files = _files(path, SCENE_SUFFIXES)
    if not files:
        raise InputError(
            f"{path}: no images in this folder (looked for {', '.join(sorted(SCENE_SUFFIXES))})"
        )
    return files


def _is_file(path: Path) -> bool:
    # A dead link counts, and will be set aside; a pipe or a socket would be waited on for ever.
    return path.is_file() or path.is_symlink()
