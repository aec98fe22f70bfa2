"""Reading of scene files for an ingest."""

import contextlib
import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from scenehash.errors import InputError, StoreDamagedError
from scenehash.files import path_from, path_text
from scenehash.geo import Box, box_around
from scenehash.model.card import Card
from scenehash.scenes import Scene, Window, open_scene, reopen_scene
from scenehash.scenes.exposure import shows_nothing
from scenehash.scenes.place import Footprints
from scenehash.scenes.stac import Noted
from scenehash.scenes.thumbnails import make_thumbnail
from scenehash.store import FILE, CodeStore, HashedScene, SceneRecord
from scenehash.tiling import Tiling

from .options import IngestOptions
from .read_ahead import Images, ReadAhead
from .report import Ingested, Moved

NO_CODES = np.zeros((0, 0), np.uint8)
CHANGED = "the file changed while it was read; ingest it again"


class Begun(NamedTuple):
    """A scene was opened. It has this number of tiles, with tiles without data."""

    tiles: int


class Duplicate(NamedTuple):
    """The store already has this scene; drop its earlier events.

    labels: the given labels that it lacks. moved: its stored path is out of date. origin: see
    Scene.origin. bands: the bands of its first reading, if a file needs a choice of bands and none
    was given now. cut_otherwise: its stored tiles are others than those that were asked for.
    """

    path: Path
    content: str
    labels: Sequence[str] = ()
    moved: Moved | None = None
    origin: Mapping[str, object] = {}
    bands: tuple[int, ...] = ()
    cut_otherwise: bool = False


class Ended(NamedTuple):
    """All tiles of a scene were read: the scene, without codes, and its report."""

    scene: HashedScene
    ingested: Ingested


Event = Begun | Images | Ended | Duplicate


class SceneReading:
    """The windows of an open scene while their tiles are read, and facts about them.

    kept: the windows with enough valid pixels, so far. with_thumbnails: whether to make small
    pictures of them.
    """

    def __init__(
        self, scene: Scene, windows: Sequence[Window], options: IngestOptions, with_thumbnails: bool
    ) -> None:
        self.kept: list[Window] = []
        self._scene, self._windows, self._options = scene, windows, options
        self._trouble: Counter[str | None] = Counter()
        self._thumbnails: list[bytes] | None = [] if with_thumbnails else None

    @property
    def skipped(self) -> int:
        """The number of windows with too few valid pixels, after all were read."""
        return len(self._windows) - len(self.kept)

    def images(self, tile_size: int) -> Iterator[Images]:
        """Yield the tiles in groups; InputError on damage."""
        min_valid = self._options.tiling.min_valid
        for group in self._scene.tiles(self._windows, tile_size, min_valid):
            images = [tile.image for tile in group if tile.image is not None]
            self.kept += [tile.window for tile in group if tile.image is not None]
            self._trouble.update(map(shows_nothing, images))
            if self._thumbnails is not None:
                self._thumbnails += map(make_thumbnail, images)
            yield Images(images, len(group) - len(images))

    def scene(self, content: str, params: Mapping[str, object]) -> HashedScene:
        """The scene of the kept windows, without codes.

        content: its id. params: decode parameters besides the reading, such as FILE.
        """
        scene = self._scene
        params = {**scene.reading, **params}
        # It raises a ValueError here, not when it is stored with other scenes.
        json.dumps(params, allow_nan=False)
        return HashedScene(
            content,
            path_text(scene.path),
            self.kept,
            NO_CODES,
            scene.time,
            scene.footprints(self.kept),
            self._options.labels_of(scene.path),
            params,
            self._thumbnails,
        )

    def ingested(self, seconds: float, box: Box | None) -> Ingested:
        """The report of the scene."""
        tiles, trouble = len(self.kept), self._trouble
        return Ingested(
            self._scene.path,
            tiles,
            self.skipped,
            trouble["blank"],
            trouble["saturated"],
            seconds,
            box,
            [*self._scene.warnings, *_exposure_warnings(trouble, tiles)],
        )


def read_files(
    paths: Sequence[Path],
    store: CodeStore,
    card: Card,
    options: IngestOptions,
    notes: Mapping[Path, Noted],
) -> ReadAhead[Event]:
    """Events of files, in their order, see ReadAhead; notes: facts from STAC items, by file.

    It reads from the store, and does not change it.
    """
    params = options.params.over(card.decode_params)
    own = replace(options, params=params)

    def events(number: int) -> Iterator[Event]:
        path = paths[number]
        return _read(path, store, card.tile_size, own, notes.get(path, Noted()))

    return ReadAhead(paths, events)


def _read(
    path: Path, store: CodeStore, tile_size: int, options: IngestOptions, noted: Noted
) -> Iterator[Event]:
    tiling = options.tiling
    started = time.perf_counter()
    with contextlib.ExitStack() as stack:
        try:
            scene = stack.enter_context(open_scene(path, options.params, noted))
        except InputError:
            known = (
                None if options.params.bands else _read_by_bands(path, store, tile_size, options)
            )
            if known is None:
                raise
            yield known
            return
        stamp = scene.stamp
        stored: Future[bool] | None = None
        if scene.is_large:
            aside = stack.enter_context(ThreadPoolExecutor(1))
            stored = aside.submit(_is_stored, scene, store)
        elif _is_stored(scene, store):
            yield _duplicate(scene, store, tile_size, options)
            return
        windows = scene.windows(tiling, tile_size)
        yield Begun(len(windows))
        reading = SceneReading(scene, windows, options, store.thumbnails.kept)
        for images in reading.images(tile_size):
            yield images
            if stored is not None and stored.done() and stored.result():
                break
        if stored is not None and stored.result():
            yield _duplicate(scene, store, tile_size, options)
            return
        if not reading.kept:
            raise InputError(nothing_valid(tiling))
        origin = scene.origin
        if stamp != origin.get("stamp"):
            raise InputError(CHANGED)
        hashed = reading.scene(scene.content, {"skipped": reading.skipped, FILE: origin})
        box = _box(hashed.footprints)
        yield Ended(hashed, reading.ingested(time.perf_counter() - started, box))


def _is_stored(scene: Scene, store: CodeStore) -> bool:
    """Whether a scene is stored. For a large scene this takes seconds; its tiles are read
    meanwhile.
    """
    return store.has_sound_scene(scene.content)


def _duplicate(scene: Scene, store: CodeStore, tile_size: int, options: IngestOptions) -> Duplicate:
    """The necessary changes of a stored scene's entry."""
    entry = store.find_scene(scene.content)
    if entry is None:  # deleted, in this moment
        return Duplicate(scene.path, scene.content)
    found = Duplicate(
        scene.path,
        scene.content,
        [label for label in options.labels_of(scene.path) if label not in entry.labels],
        cut_otherwise=_is_cut_otherwise(entry, scene, tile_size, options.tiling),
    )
    params = entry.decode_params
    is_there = entry.path == path_text(scene.path) and not _is_replaced(params)
    if is_there or _still_shows(entry.path, params):
        return found
    return found._replace(moved=Moved(scene.path, entry.path), origin=scene.origin)


def _is_cut_otherwise(entry: SceneRecord, scene: Scene, tile_size: int, tiling: Tiling) -> bool:
    """Whether a scene is stored in other tiles than a tiling makes of it."""
    try:
        asked = set(scene.windows(tiling, tile_size))
    except InputError:
        return True
    stored, skipped = entry.windows.tolist(), entry.decode_params.get("skipped")
    are_all = not isinstance(skipped, int) or len(stored) + skipped == len(asked)
    return not (are_all and asked.issuperset(Window(*window) for window in stored))


def _read_by_bands(
    path: Path, store: CodeStore, tile_size: int, options: IngestOptions
) -> Duplicate | None:
    """The stored scene of a file that needs a choice of bands; None otherwise."""
    with contextlib.suppress(StoreDamagedError):  # then nothing is known of it
        for entry in store.records_under(path_text(path)):
            asked = entry.decode_params.get("asked")
            bands = asked.get("bands") if isinstance(asked, Mapping) else None
            if not bands or not store.has_sound_scene(entry.content):
                continue
            with (
                contextlib.suppress(InputError),
                reopen_scene(path, entry.decode_params) as scene,
            ):
                return _duplicate(scene, store, tile_size, options)._replace(bands=tuple(bands))
    return None


def _is_replaced(decode_params: Mapping[str, object]) -> bool:
    file = decode_params.get(FILE)
    return isinstance(file, Mapping) and bool(file.get("replaced"))


def _still_shows(path: str, decode_params: Mapping[str, object]) -> bool:
    """Whether the file at a scene's stored path is still the same scene."""
    try:
        with reopen_scene(path_from(path), decode_params):
            return True
    except InputError:
        return False


def _box(footprints: Footprints | None) -> Box | None:
    if footprints is None:
        return None
    return box_around(footprints)


def nothing_valid(tiling: Tiling) -> str:
    """The reason for setting aside a scene without a tile."""
    return f"no tile with at least {tiling.min_valid:.0%} valid pixels"


def _exposure_warnings(trouble: Mapping[str | None, int], tiles: int) -> Iterator[str]:
    """Warnings for a scene in which most tiles show nothing."""
    meanings = {"blank": "of one colour", "saturated": "overexposed or cloud"}
    for name, meaning in meanings.items():
        if 2 * trouble[name] >= tiles:
            yield f"{trouble[name]} of {tiles} tiles are {name} ({meaning}), and find each other"
