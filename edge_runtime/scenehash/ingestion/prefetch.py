"""Reading ahead: scene files to tiles, in a thread, while the caller hashes."""

import contextlib
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from scenehash.codes import Codes
from scenehash.errors import InputError
from scenehash.geo import Box, bounding_boxes
from scenehash.scenes import Scene, Tiling, Window, open_scene
from scenehash.scenes.scene import Footprints
from scenehash.scenes.thumbnails import make_thumbnail
from scenehash.store import CodeStore, HashedScene
from scenehash.tiles import Image

# Tiles that wait to be hashed, as bytes of pixels.
BYTES_AHEAD = 24 << 20


class Begun(NamedTuple):
    """A scene was opened, and will have that many tiles, those without data among them."""

    tiles: int


class Images(NamedTuple):
    """Tiles of the scene that was begun; skipped: how many between them hold too little data."""

    images: list[Image]
    skipped: int


class Known(NamedTuple):
    """A scene whose content is stored already; what came of it before is void."""

    path: Path


class SetAside(NamedTuple):
    """An input that could not be ingested, and why; what came of it before is void."""

    path: Path
    reason: str


@dataclass(frozen=True)
class Ingested:
    """A scene that was stored.

    tiles: how many. skipped: how many hold too little data. seconds: from its opening until its
    last tile was read. box: around its tiles, where that is known. warnings: what its reader wants
    a person to know.
    """

    path: Path
    tiles: int
    skipped: int
    seconds: float
    box: Box | None
    warnings: Sequence[str]


@dataclass(frozen=True)
class Ended:
    """All tiles of a scene were read: what is known of it, but for its codes; see HashedScene."""

    path: Path
    content: str
    time: datetime | None
    windows: Sequence[Window]
    footprints: Footprints | None
    reading: Mapping[str, object]
    skipped: int
    seconds: float
    warnings: Sequence[str]
    thumbnails: Sequence[bytes] | None

    def hashed(self, codes: Codes, labels: Sequence[str]) -> HashedScene:
        """The scene with its codes, ready to be stored."""
        return HashedScene(
            self.content,
            str(self.path),
            self.windows,
            codes,
            self.time,
            self.footprints,
            labels,
            self.reading,
            self.thumbnails,
        )

    def ingested(self) -> Ingested:
        """What a person wants to know of it."""
        box = None
        if self.footprints is not None:
            box = Box(*bounding_boxes(self.footprints.reshape(1, -1, 2))[0].tolist())
        tiles = len(self.windows)
        return Ingested(self.path, tiles, self.skipped, self.seconds, box, self.warnings)


Event = Begun | Images | Ended | Known | SetAside


class ReadAhead:
    """Events of files, in their order, read by a thread of its own; a context manager.

    What goes wrong in the thread is raised where the events are taken.
    """

    def __init__(
        self, paths: Sequence[Path], store: Path, tile_size: int, tiling: Tiling, bands: str | None
    ) -> None:
        self._paths, self._store = paths, store
        self._how = (tile_size, tiling, bands)
        self._events: deque[Event | BaseException | None] = deque()
        self._bytes = 0
        self._changed = threading.Condition()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Iterator[Event]:
        self._thread.start()
        return self._taken()

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify()
        self._thread.join()

    def _taken(self) -> Iterator[Event]:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._events)
                event = self._events.popleft()
                self._bytes -= _size(event)
                self._changed.notify()
            if event is None:
                return
            if isinstance(event, BaseException):
                raise event
            yield event

    def _run(self) -> None:
        end: BaseException | None = None
        try:
            with CodeStore.open(self._store) as store:
                for path in self._paths:
                    for event in _events_of(path, store, *self._how):
                        self._put(event)
                    if self._stopped:
                        return
        except BaseException as error:
            end = error
        self._put(end)

    def _put(self, event: Event | BaseException | None) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or self._bytes < BYTES_AHEAD)
            self._events.append(event)
            self._bytes += _size(event)
            self._changed.notify()


def _is_known(scene: Scene, store: CodeStore) -> bool:
    """Whether a scene is stored. Of a large one this takes seconds, in which tiles are read."""
    content = scene.content
    store.refresh()
    return store.knows(content)


def _size(event: Event | BaseException | None) -> int:
    return sum(image.nbytes for image in event.images) if isinstance(event, Images) else 0


def _events_of(
    path: Path, store: CodeStore, tile_size: int, tiling: Tiling, bands: str | None
) -> Iterator[Event]:
    started = time.perf_counter()
    try:
        with open_scene(path, bands) as scene, contextlib.ExitStack() as stack:
            known: Future[bool] | None = None
            if scene.is_large:
                aside = stack.enter_context(ThreadPoolExecutor(1))
                known = aside.submit(_is_known, scene, store)
            elif _is_known(scene, store):
                yield Known(path)
                return
            windows = scene.windows(tiling, tile_size)
            yield Begun(len(windows))
            kept: list[Window] = []
            thumbnails: list[bytes] | None = [] if store.thumbnails.kept else None
            for group in scene.tiles(windows, tile_size, tiling.min_valid):
                images = [tile.image for tile in group if tile.image is not None]
                kept += [tile.window for tile in group if tile.image is not None]
                if thumbnails is not None:
                    thumbnails += [make_thumbnail(image) for image in images]
                yield Images(images, len(group) - len(images))
                if known is not None and known.done() and known.result():
                    break
            if known is not None and known.result():
                yield Known(path)
                return
            if not kept:
                raise InputError(f"no tile of which at least {tiling.min_valid:.0%} hold data")
            skipped = len(windows) - len(kept)
            yield Ended(
                path,
                scene.content,
                scene.time,
                kept,
                scene.footprints(kept),
                {**scene.reading, "skipped": skipped} if scene.reading else {},
                skipped,
                time.perf_counter() - started,
                scene.warnings,
                thumbnails,
            )
    except InputError as error:
        yield SetAside(path, str(error).removeprefix(f"{path}: "))
