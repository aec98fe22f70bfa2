"""Addresses to scenes: which there are, in their order, and what tells that one has changed."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from scenehash.errors import InputError
from scenehash.files import path_from, path_text
from scenehash.objects import SCHEME, Listed, describe, is_object, list_objects
from scenehash.scenes.files import (
    COMPANION_SUFFIXES,
    NO_SUFFIX,
    SCENE_SUFFIXES,
    is_hidden,
    scan,
)
from scenehash.scenes.parts import companion_names

# An object of more bytes is not fetched whole, where it can be read by windows.
FETCHED_BYTES = 256 << 20


@dataclass(frozen=True)
class Source:
    """A scene before it is opened.

    scene: its path or address, as a store has it. state: what changes when its file does, found
    without reading it. size: in bytes, of an object. beside: addresses of what counts beside an
    object.
    """

    scene: str
    state: str
    size: int = 0
    beside: tuple[str, ...] = ()

    @property
    def is_remote(self) -> bool:
        """Whether it is an object of a bucket that is not fetched whole, for its size."""
        return self.size > FETCHED_BYTES


@dataclass
class Sources:
    """Scenes in the order of an ingest; passed_over: files that are none, by suffix."""

    scenes: list[Source] = field(default_factory=list)
    passed_over: Mapping[str, int] = field(default_factory=dict)


def find_sources(uris: Sequence[str]) -> Sources:
    """The scenes at paths and addresses of files and folders, each once; see scenes.files.scan.

    Raises InputError when there is none at one of them.
    """
    found: dict[str, Source] = {}
    passed_over: Counter[str] = Counter()
    for uri in uris:
        if is_object(uri):
            some = _in_bucket(uri, passed_over)
        else:
            files = scan([path_from(uri)])
            passed_over.update(files.passed_over)
            some = list(_local(files.files))
        for source in some:
            found.setdefault(source.scene, source)
    return Sources(list(found.values()), passed_over)


def _local(paths: Iterable[Path]) -> Iterator[Source]:
    for path in paths:
        try:
            status = os.stat(path)  # noqa: PTH116 - of a million files
            state = f"{status.st_size} {status.st_mtime_ns}"
        except OSError:
            state = ""  # whoever opens it says why
        yield Source(path_text(path), state)


def _in_bucket(uri: str, passed_over: Counter[str]) -> list[Source]:
    """The object itself; of a folder its scenes, at any depth, as scan gives those of a folder."""
    if not uri.endswith("/") and (one := describe(uri)) is not None:
        folder = one.uri.rpartition("/")[0]
        beside = {other.uri for other in list_objects(folder) if _folder(other.uri) == folder}
        return [_source(one, beside)]
    folder = uri.rstrip("/")
    listed = {one.uri: one for one in list_objects(uri) if not _is_hidden(one.uri, folder)}
    scenes = []
    for address in sorted(listed, key=lambda address: address.split("/")):
        suffix = os.path.splitext(address)[1].lower()  # noqa: PTH122 - no path
        if suffix in SCENE_SUFFIXES:
            scenes.append(_source(listed[address], listed.keys()))
        elif suffix not in COMPANION_SUFFIXES:
            passed_over[suffix or NO_SUFFIX] += 1
    if not scenes:
        wanted = ", ".join(sorted(SCENE_SUFFIXES))
        raise InputError(f"no images at this address (looked for {wanted})", uri)
    return scenes


def _source(one: Listed, every: Iterable[str]) -> Source:
    folder, _, name = one.uri.rpartition("/")
    notes = (os.path.splitext(name)[0] + ".json", name + ".json")  # noqa: PTH122 - no path
    names = [f"{folder}/{other}" for other in (*companion_names(name), *notes)]
    there = every if isinstance(every, Mapping | set | frozenset) else set(every)
    beside = tuple(other for other in names if other in there)
    return Source(one.uri, f"{one.size} {one.tag}", one.size, beside)


def _folder(uri: str) -> str:
    return uri.rpartition("/")[0]


def _is_hidden(uri: str, folder: str) -> bool:
    names = uri.removeprefix(folder).removeprefix(SCHEME).split("/")
    return any(is_hidden(name) for name in names if name)
