"""From addresses to scenes, in their order, with values that change with their files."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from scenehash.errors import InputError
from scenehash.files import path_from, path_text
from scenehash.objects import SCHEME, Listed, describe, is_object, list_objects
from scenehash.scenes.files import (
    COMPANION_SUFFIXES,
    NO_SUFFIX,
    SCENE_SUFFIXES,
    content_id,
    is_hidden,
    scan,
)
from scenehash.scenes.parts import companion_names
from scenehash.scenes.stac import Noted, StacOptions, is_stac, read_items

# A larger object is not downloaded whole if it can be read by windows.
FETCHED_BYTES = 256 << 20


NOTHING = Noted()


@dataclass(frozen=True)
class Source:
    """A scene before it is opened.

    scene: its path or address for the store. state: a value that changes with its file, found
    without reading it. size: in bytes, of an object. beside: addresses of an object's companion
    files. noted: facts from a STAC item.
    """

    scene: str
    state: str
    size: int = 0
    beside: tuple[str, ...] = ()
    noted: Noted = NOTHING

    @property
    def is_remote(self) -> bool:
        """Whether it is an object that is too large to download."""
        return self.size > FETCHED_BYTES


@dataclass
class Sources:
    """Scenes in the order of an ingest.

    set_aside: reasons for STAC documents and items without a readable scene. passed_over: files of
    other formats, by suffix.
    """

    scenes: list[Source] = field(default_factory=list)
    set_aside: dict[str, str] = field(default_factory=dict)
    passed_over: Counter[str] = field(default_factory=Counter)


def find_sources(uris: Sequence[str], stac: StacOptions) -> Sources:
    """The scenes at paths and addresses of files, folders and STAC documents, each once.

    Raises InputError when one of them has none; see scenes.files.scan.
    """
    sources = Sources()
    found: dict[str, Source] = {}
    for uri in uris:
        for source in _at(uri, stac, sources):
            found.setdefault(source.scene, source)
    sources.scenes = list(found.values())
    return sources


def _at(uri: str, stac: StacOptions, sources: Sources) -> Iterator[Source]:
    if is_stac(uri) and not path_from(uri).is_dir():
        try:
            items = read_items(uri, stac)
        except InputError as error:
            sources.set_aside[uri] = error.reason
            return
        sources.set_aside |= items.set_aside
        for place, noted in items.scenes.items():
            try:
                yield _of_item(place, noted)
            except InputError as error:
                sources.set_aside[place] = error.reason
    elif is_object(uri):
        yield from _in_bucket(uri, sources.passed_over)
    else:
        files = scan([path_from(uri)])
        sources.passed_over.update(files.passed_over)
        yield from _local(files.files)


def _of_item(place: str, noted: Noted) -> Source:
    """The scene of a STAC item; its state also changes with the item."""
    if not is_object(place):
        (source,) = _local([path_from(place)])
    elif (one := describe(place)) is None:
        raise InputError("no such object")
    else:
        source = _source(one, _beside(place))
    note_id = content_id(repr(noted).encode())
    return replace(source, noted=noted, state=f"{source.state} {note_id}")


def _local(paths: Iterable[Path]) -> Iterator[Source]:
    for path in paths:
        try:
            status = os.stat(path)  # noqa: PTH116 - of a million files
            state = f"{status.st_size} {status.st_mtime_ns}"
        except OSError:
            state = ""  # opening it gives the reason
        yield Source(path_text(path), state)


def _in_bucket(uri: str, passed_over: Counter[str]) -> list[Source]:
    """The object itself, or the scenes below an address, at any depth, in the order of scan."""
    if not uri.endswith("/") and (one := describe(uri)) is not None:
        return [_source(one, _beside(uri))]
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


def _beside(uri: str) -> set[str]:
    """The addresses of an object's companion files."""
    folder = uri.rpartition("/")[0]
    every = (other.uri for other in list_objects(folder))
    return {other for other in every if other.rpartition("/")[0] == folder}


def _is_hidden(uri: str, folder: str) -> bool:
    names = uri.removeprefix(folder).removeprefix(SCHEME).split("/")
    return any(is_hidden(name) for name in names if name)
