"""The files in the watched folders."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from scenehash.files import path_text
from scenehash.scenes.files import SCENE_SUFFIXES, walk
from scenehash.store import Arrival

MARK = ".done"
# The range of mtimes in nanoseconds that the store can hold: the years 1677 to 2262.
LATEST = 2**63 - 1


class Listing(NamedTuple):
    """The present scene files, and the paths with a mark.

    Paths are in the form of path_text. unreadable: folders that cannot be listed.
    """

    files: list[Arrival]
    marked: frozenset[str]
    unreadable: frozenset[str] = frozenset()


def scan_folders(folders: Sequence[Path], without: Path) -> Listing:
    """List the scene files in folders, at any depth, without the store's folder.

    Skips dot files, folders of a NAS or of a system, and files without the suffix of a scene file:
    a.tif.part counts only after its renaming to a.tif.
    """
    files: list[Arrival] = []
    marked: set[str] = set()
    unreadable: set[str] = set()
    store = str(without.absolute())
    for folder in folders:
        for entry in walk(folder.absolute(), unreadable.add, store):
            if entry.name.endswith(MARK):
                marked.add(path_text(entry.path.removesuffix(MARK)))
            elif os.path.splitext(entry.name)[1].lower() in SCENE_SUFFIXES:  # noqa: PTH122
                files += _arrival(entry)
    return Listing(files, frozenset(marked), frozenset(map(path_text, unreadable)))


def _arrival(entry: "os.DirEntry[str]") -> list[Arrival]:
    """The file with its state; nothing if it has disappeared.

    Lists dead links, pipes and linked folders, too, so that the reader sets them aside.
    """
    try:
        status = entry.stat()
    except OSError:
        try:
            status = entry.stat(follow_symlinks=False)
        except OSError:
            return []
    modified = max(-LATEST, min(LATEST, status.st_mtime_ns))
    return [Arrival(path_text(entry.path), status.st_size, modified)]
