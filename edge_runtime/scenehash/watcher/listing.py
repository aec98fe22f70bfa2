"""What lies in the watched folders."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from scenehash.scenes.files import SCENE_SUFFIXES
from scenehash.store import Arrival

# Names under which copying programs write before they rename: rsync and others put a dot in front.
TEMPORARY_SUFFIXES = frozenset({".part", ".partial", ".tmp", ".temp", ".filepart", ".crdownload"})
MARK = ".done"


class Listing(NamedTuple):
    """Scene files as they are now, and which of their paths have a mark beside them.

    unreadable: folders that cannot be listed, and names that cannot be stored.
    """

    files: list[Arrival]
    marked: frozenset[str]
    unreadable: frozenset[str] = frozenset()


def scan_folders(folders: Sequence[Path], without: Path) -> Listing:
    """List the scene files in folders, at any depth, but for one folder: that of the store.

    Dot files, dot folders and temporary names are passed over, and so is what has no suffix of a
    scene file: a.tif.part is not there until it is called a.tif.
    """
    files: list[Arrival] = []
    marked: set[str] = set()
    unreadable: set[str] = set()
    waiting = [str(folder.absolute()) for folder in folders]
    store = str(without.absolute())
    while waiting:
        place = waiting.pop()
        try:
            with os.scandir(place) as entries:
                for entry in entries:
                    if entry.name.startswith(".") or entry.path == store:
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    elif entry.name.endswith(MARK):
                        marked.add(entry.path.removesuffix(MARK))
                    elif _is_scene(entry.name):
                        if _is_text(entry.path):
                            files += _arrival(entry)
                        else:
                            unreadable.add(ascii(entry.path))
        except OSError:
            unreadable.add(place)
    return Listing(files, frozenset(marked), frozenset(unreadable))


def _is_scene(name: str) -> bool:
    suffix = os.path.splitext(name)[1].lower()  # noqa: PTH122 - a Path for each of 100,000 files
    return suffix in SCENE_SUFFIXES and suffix not in TEMPORARY_SUFFIXES


def _is_text(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _arrival(entry: "os.DirEntry[str]") -> list[Arrival]:
    """The file as it is; none when it has gone meanwhile, or is a pipe or a socket."""
    try:
        status = entry.stat()
        return [Arrival(entry.path, status.st_size, status.st_mtime_ns)] if entry.is_file() else []
    except OSError:
        return []
