"""Scenes: finding their files, knowing their content, cutting them into tiles."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from .errors import InputError
from .tiles import IMAGE_SUFFIXES, Image, decode_image


@dataclass(frozen=True)
class Window:
    """A square of a scene: its left upper corner and its size, in pixels."""

    x: int
    y: int
    width: int
    height: int

    def cut(self, image: Image) -> Image:
        """The window's pixels of an image [H, W, 3]."""
        return image[self.y : self.y + self.height, self.x : self.x + self.width]


@dataclass(frozen=True)
class Scene:
    """A scene as it was read: where from, what it holds, and its pixels [H, W, 3]."""

    path: Path
    content: str
    image: Image


def find_scenes(paths: Iterable[Path]) -> list[Path]:
    """The image files in the given files and folders, absolute, sorted within each.

    A file that is named itself is taken whatever its name; a folder gives its image_files. Raises
    InputError on a path that is not there, or a folder without any image.
    """
    found: dict[Path, None] = {}
    for path in paths:
        found.update(dict.fromkeys(_scenes_at(path.absolute())))
    return list(found)


def image_files(folder: Path) -> list[Path]:
    """The image files in a folder, by their suffix, at any depth, sorted.

    A folder that cannot be opened stands in the place of its files, so that whoever reads them sets
    it aside with the reason and does not pass it over.
    """
    found: list[Path] = []
    for place, _, names in os.walk(
        folder, onerror=lambda error: found.append(Path(error.filename))
    ):
        found.extend(file for name in names if _is_image(file := Path(place, name)))
    return sorted(found)


def read_scene(path: Path) -> Scene:
    """Read an image file once, for its content id and its pixels; InputError says what is wrong."""
    try:
        data = path.read_bytes()
        return Scene(path, content_id(data), decode_image(data))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def content_id(data: bytes) -> str:
    """The id of a file's content: 32 hexadecimal digits of BLAKE2b."""
    return blake2b(data, digest_size=16).hexdigest()


def tile_windows(height: int, width: int, size: int) -> Iterator[Window]:
    """Cut a scene into windows of size x size pixels, row by row.

    The last ones are moved inwards, so that nothing is left out. A scene less than two tiles high
    or wide is one tile: its largest centred square.
    """
    if min(height, width) < 2 * size:
        side = min(height, width)
        yield Window((width - side) // 2, (height - side) // 2, side, side)
        return
    for y in _starts(height, size):
        for x in _starts(width, size):
            yield Window(x, y, size, size)


def _starts(length: int, size: int) -> list[int]:
    starts = list(range(0, length - size + 1, size))
    if starts[-1] + size < length:
        starts.append(length - size)
    return starts


def _scenes_at(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise InputError(f"{path}: no such file or folder")
    files = image_files(path)
    if not files:
        raise InputError(
            f"{path}: no images in this folder (looked for {', '.join(sorted(IMAGE_SUFFIXES))})"
        )
    return files


def _is_image(path: Path) -> bool:
    # A dead link counts, and will be set aside; a pipe or a socket would be waited on for ever.
    return path.suffix.lower() in IMAGE_SUFFIXES and (path.is_file() or path.is_symlink())
