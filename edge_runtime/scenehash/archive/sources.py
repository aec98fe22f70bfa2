"""Addresses to scenes: which there are, in their order, and what tells that one has changed."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from scenehash.files import path_from, path_text
from scenehash.scenes.files import scan


@dataclass(frozen=True)
class Source:
    """A scene before it is opened.

    scene: its path or address, as a store has it. state: what changes when its file does, found
    without reading it.
    """

    scene: str
    state: str


@dataclass
class Sources:
    """Scenes in the order of an ingest; passed_over: files that are none, by suffix."""

    scenes: list[Source] = field(default_factory=list)
    passed_over: Mapping[str, int] = field(default_factory=dict)


def find_sources(uris: Sequence[str]) -> Sources:
    """The scenes at paths of files and folders, each once; InputError as scenes.files.scan."""
    found = scan([path_from(uri) for uri in uris])
    return Sources(list(_local(found.files)), found.passed_over)


def _local(paths: Iterable[Path]) -> Iterable[Source]:
    for path in paths:
        try:
            status = os.stat(path)  # noqa: PTH116 - of a million files
            state = f"{status.st_size} {status.st_mtime_ns}"
        except OSError:
            state = ""  # whoever opens it says why
        yield Source(path_text(path), state)
