"""Reading ahead: scene files to tiles, in a thread, while the caller hashes."""

import contextlib
import json
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from scenehash.errors import InputError, ScenehashError
from scenehash.files import path_from, path_text, printable
from scenehash.geo import Box, bounding_boxes
from scenehash.model.card import Card
from scenehash.scenes import Scene, Window, open_scene, reopen_scene
from scenehash.scenes.exposure import shows_nothing
from scenehash.scenes.place import Footprints
from scenehash.scenes.thumbnails import make_thumbnail
from scenehash.store import FILE, CodeStore, HashedScene
from scenehash.tiles import Image

from .options import IngestOptions
from .report import Ingested, Moved, SetAside

# Tiles that wait to be hashed, as bytes of pixels.
BYTES_AHEAD = 24 << 20
REASON_LENGTH = 200
# A file of which nothing comes for so long is given up: its disk, or its network, does not answer.
STALLED_SECONDS = 300.0
# What a reader is waited for at the end: it may be in the middle of a file that does not answer.
LEAVE_SECONDS = 10.0
NO_CODES = np.zeros((0, 0), np.uint8)


class Begun(NamedTuple):
    """A scene was opened, and will have that many tiles, those without data among them."""

    tiles: int


class Images(NamedTuple):
    """Tiles of the scene that was begun; skipped: how many between them hold too little data."""

    images: list[Image]
    skipped: int


class Duplicate(NamedTuple):
    """A scene that is stored already; what came of it before is void.

    labels: those that it is given, and lacks. moved: its entry has a path that does not show it any
    more. origin: see Scene.origin.
    """

    path: Path
    content: str
    labels: Sequence[str] = ()
    moved: Moved | None = None
    origin: Mapping[str, object] = {}


class Ended(NamedTuple):
    """All tiles of a scene were read: the scene without its codes yet, and what to report of it."""

    scene: HashedScene
    ingested: Ingested


Event = Begun | Images | Ended | Duplicate | SetAside


class ReadAhead:
    """Events of files, in their order, read by a thread of its own; a context manager.

    What one file does, sets that file aside; what goes wrong with the store is raised where the
    events are taken. The store is asked what it has, and not changed.
    """

    def __init__(
        self, paths: Sequence[Path], store: CodeStore, card: Card, options: IngestOptions
    ) -> None:
        params = options.params.over(card.decode_params)
        self._paths, self._from = paths, (store, card.tile_size, replace(options, params=params))
        self._events: deque[Event | BaseException | None] = deque()
        self._bytes = 0
        self._changed = threading.Condition()
        self._stopped = False
        # Which file is being read, and since when without an event; None while there is no room.
        self._number = 0
        self._since: float | None = None
        self._thread = self._reader(0)

    def __enter__(self) -> Iterator[Event]:
        self._thread.start()
        return self._taken()

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify()
        self._thread.join(LEAVE_SECONDS)

    def _reader(self, first: int) -> threading.Thread:
        return threading.Thread(target=self._run, args=(first,), daemon=True)

    def _taken(self) -> Iterator[Event]:
        while True:
            with self._changed:
                while not self._changed.wait_for(lambda: self._events, STALLED_SECONDS / 10):
                    self._give_up_a_stalled_file()
                event = self._events.popleft()
                self._bytes -= _size(event)
                self._changed.notify()
            if event is None:
                return
            if isinstance(event, BaseException):
                raise event
            yield event

    def _give_up_a_stalled_file(self) -> None:
        """Leave a file that does not answer, and its thread, and read on in another."""
        if self._since is None or time.monotonic() - self._since < STALLED_SECONDS:
            return
        reason = f"nothing came of it for {STALLED_SECONDS:.0f} s: does its disk answer?"
        self._events.append(SetAside(self._paths[self._number], reason))
        self._thread = self._reader(self._number + 1)
        self._since = None
        self._thread.start()

    def _run(self, first: int) -> None:
        end: BaseException | None = None
        try:
            for number in range(first, len(self._paths)):
                with self._changed:
                    if self._thread is not threading.current_thread():
                        return
                    self._number, self._since = number, time.monotonic()
                for event in _events_of(self._paths[number], *self._from):
                    if not self._put(event):
                        return
        except BaseException as error:
            end = error
        self._put(end)

    def _put(self, event: Event | BaseException | None) -> bool:
        """Pass an event on, once there is room; whether more are wanted."""
        with self._changed:
            if self._thread is not threading.current_thread():
                return False
            self._since = None
            self._changed.wait_for(lambda: self._stopped or self._bytes < BYTES_AHEAD)
            self._events.append(event)
            self._bytes += _size(event)
            self._since = time.monotonic()
            self._changed.notify()
            return not self._stopped


def _size(event: Event | BaseException | None) -> int:
    return sum(image.nbytes for image in event.images) if isinstance(event, Images) else 0


def _events_of(
    path: Path, store: CodeStore, tile_size: int, options: IngestOptions
) -> Iterator[Event]:
    try:
        yield from _read(path, store, tile_size, options)
    except InputError as error:
        yield SetAside(path, error.reason)
    except (ScenehashError, MemoryError):
        raise  # of the store, of an option, of this machine: not of one file
    except Exception as error:  # whatever one file does, the others go on
        what = printable(" ".join(str(error).split()))[:REASON_LENGTH]
        yield SetAside(path, f"cannot be read (unexpected {type(error).__name__}: {what})")


def _read(path: Path, store: CodeStore, tile_size: int, options: IngestOptions) -> Iterator[Event]:
    tiling = options.tiling
    started = time.perf_counter()
    with open_scene(path, options.params) as scene, contextlib.ExitStack() as stack:
        stamp = scene.stamp
        stored: Future[bool] | None = None
        if scene.is_large:
            aside = stack.enter_context(ThreadPoolExecutor(1))
            stored = aside.submit(_is_stored, scene, store)
        elif _is_stored(scene, store):
            yield _duplicate(scene, store, options)
            return
        windows = scene.windows(tiling, tile_size)
        yield Begun(len(windows))
        kept: list[Window] = []
        trouble: Counter[str | None] = Counter()
        thumbnails: list[bytes] | None = [] if store.thumbnails.kept else None
        for group in scene.tiles(windows, tile_size, tiling.min_valid):
            images = [tile.image for tile in group if tile.image is not None]
            kept += [tile.window for tile in group if tile.image is not None]
            trouble.update(map(shows_nothing, images))
            if thumbnails is not None:
                thumbnails += map(make_thumbnail, images)
            yield Images(images, len(group) - len(images))
            if stored is not None and stored.done() and stored.result():
                break
        if stored is not None and stored.result():
            yield _duplicate(scene, store, options)
            return
        if not kept:
            raise InputError(f"no tile of which at least {tiling.min_valid:.0%} hold data")
        skipped = len(windows) - len(kept)
        origin = scene.origin
        if stamp != origin.get("stamp"):
            raise InputError("the file changed while it was read; ingest it again")
        hashed = _without_codes(
            scene, kept, {"skipped": skipped, FILE: origin}, options, thumbnails
        )
        yield Ended(
            hashed,
            Ingested(
                path,
                len(kept),
                skipped,
                trouble["blank"],
                trouble["saturated"],
                time.perf_counter() - started,
                _box(hashed.footprints),
                [*scene.warnings, *_exposure_warnings(trouble, len(kept))],
            ),
        )


def _is_stored(scene: Scene, store: CodeStore) -> bool:
    """Whether a scene is stored. Of a large one this takes seconds, in which tiles are read."""
    return store.knows(scene.content)


def _duplicate(scene: Scene, store: CodeStore, options: IngestOptions) -> Duplicate:
    """What is to be changed of the entry of a scene that is stored."""
    entry = store.find_scene(scene.content)
    if entry is None:  # deleted, in this moment
        return Duplicate(scene.path, scene.content)
    labels = [label for label in options.labels_of(scene.path) if label not in entry.labels]
    params = entry.decode_params
    is_there = entry.path == path_text(scene.path) and not _is_replaced(params)
    if is_there or _still_shows(entry.path, params):
        return Duplicate(scene.path, scene.content, labels)
    return Duplicate(scene.path, scene.content, labels, Moved(scene.path, entry.path), scene.origin)


def _is_replaced(decode_params: Mapping[str, object]) -> bool:
    file = decode_params.get(FILE)
    return isinstance(file, Mapping) and bool(file.get("replaced"))


def _still_shows(path: str, decode_params: Mapping[str, object]) -> bool:
    """Whether a scene is still where it was, and is the same."""
    try:
        with reopen_scene(path_from(path), decode_params):
            return True
    except InputError:
        return False


def _without_codes(
    scene: Scene,
    windows: Sequence[Window],
    params: Mapping[str, object],
    options: IngestOptions,
    thumbnails: Sequence[bytes] | None,
) -> HashedScene:
    params = {**scene.reading, **params}
    json.dumps(params, allow_nan=False)  # a ValueError here, not when others are stored with it
    return HashedScene(
        scene.content,
        path_text(scene.path),
        windows,
        NO_CODES,
        scene.time,
        scene.footprints(windows),
        options.labels_of(scene.path),
        params,
        thumbnails,
    )


def _box(footprints: Footprints | None) -> Box | None:
    if footprints is None:
        return None
    return Box(*bounding_boxes(footprints.reshape(1, -1, 2))[0].tolist())


def _exposure_warnings(trouble: Mapping[str | None, int], tiles: int) -> Iterator[str]:
    """Warnings of a scene most of whose tiles show nothing."""
    meanings = {"blank": "of one colour", "saturated": "overexposed or cloud"}
    for name, meaning in meanings.items():
        if 2 * trouble[name] >= tiles:
            yield f"{name} tiles, {meaning}, which find each other: {trouble[name]} of {tiles}"
