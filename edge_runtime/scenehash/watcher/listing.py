"""What lies in the watched folders."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from scenehash.files import path_text
from scenehash.scenes.files import SCENE_SUFFIXES, walk
from scenehash.store import Arrival

MARK = ".done"
# What the store can hold as an mtime in nanoseconds: the years 1677 to 2262.
LATEST = 2**63 - 1


class Listing(NamedTuple):
    """Scene files as they are now, and which of their paths have a mark beside them.

    Paths are as path_text makes them. unreadable: folders that cannot be listed.
    """

    files: list[Arrival]
    marked: frozenset[str]
    unreadable: frozenset[str] = frozenset()


def scan_folders(folders: Sequence[Path], without: Path) -> Listing:
    """List the scene files in folders, at any depth, but for one folder: that of the store.

    Dot files, folders of a NAS or of a system, and what has no suffix of a scene file are passed
    over: a.tif.part is not there until it is called a.tif.
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
    """The file as it is; none when it has gone meanwhile.

    A dead link, a pipe or a linked folder is listed too, so that whoever reads it sets it aside.
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
