"""Stored scenes read and hashed again: for codes of another model, and for representations."""

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from scenehash.errors import InputError
from scenehash.files import path_from, path_text
from scenehash.model.hash_model import Hashed, HashModel
from scenehash.progress import Task
from scenehash.scenes import Scene, Window, reopen_scene
from scenehash.store import FILE, SceneRecord

from .hash_stream import SCENES_A_COMMIT, SECONDS_A_COMMIT, TILES_A_COMMIT, HashStream
from .read_ahead import Images, ReadAhead
from .report import SetAside

# A scene that has moved: its present path, and the state of its file.
Place = tuple[str, Mapping[str, object]]


@dataclass(frozen=True)
class Rereading:
    """Options for reading stored scenes again.

    bits: the width of the codes. vectors: whether to make representations, too. places: pairs (old,
    new) of absolute paths: a scene that is missing at or below old is searched at or below new.
    threads: the number of batches that are hashed at the same time.
    """

    model: HashModel
    bits: int
    vectors: bool
    places: Sequence[tuple[Path, Path]] = ()
    threads: int = 1


class Reread(NamedTuple):
    """A stored scene with its new hash (hashed), or the reason why it has none (reason)."""

    record: SceneRecord
    hashed: Hashed | None
    moved: Place | None = None
    reason: str = ""


class _Ended(NamedTuple):
    """All tiles of the scene were read."""

    moved: Place | None


def reread(records: Sequence[SceneRecord], how: Rereading, task: Task) -> Iterator[list[Reread]]:
    """Hash scenes again from their files, with their stored windows and decode parameters.

    Yields scenes in groups, in their order. An error of a file concerns only its scene. task:
    counts each tile.
    """
    pending: list[tuple[SceneRecord, Place | None, str]] = []
    began = time.monotonic()
    with ThreadPoolExecutor(how.threads) as pool:
        stream = HashStream(how.model, how.bits, how.vectors, pool, how.threads, task.advance)

        def taken() -> list[Reread]:
            hashed = iter(stream.take())
            done = [
                Reread(record, None if reason else next(hashed), moved, reason)
                for record, moved, reason in pending
            ]
            pending.clear()
            return done

        paths = [path_from(record.path) for record in records]
        size = how.model.tile_size
        left = iter(records)
        with ReadAhead(paths, lambda number: _read(records[number], size, how.places)) as events:
            for event in events:
                if isinstance(event, Images):
                    stream.add(event.images)
                    continue
                record = next(left)
                if isinstance(event, SetAside):
                    stream.drop()
                    task.advance(record.tiles)
                    pending.append((record, None, event.reason))
                else:
                    stream.end()
                    pending.append((record, event.moved, ""))
                tiles = sum(one.tiles for one, _, _ in pending)
                late = time.monotonic() - began > SECONDS_A_COMMIT
                if len(pending) >= SCENES_A_COMMIT or tiles >= TILES_A_COMMIT or late:
                    yield taken()
                    began = time.monotonic()
        if pending:
            yield taken()


def _read(
    record: SceneRecord, tile_size: int, places: Sequence[tuple[Path, Path]]
) -> Iterator[Images | _Ended]:
    scene, is_moved = _opened(record, places)
    with scene:
        stamp, windows = scene.stamp, [Window(*window) for window in record.windows.tolist()]
        for group in scene.tiles(windows, tile_size):
            yield Images([tile.image for tile in group if tile.image is not None], 0)
        origin = scene.origin
        if stamp != origin.get("stamp"):
            raise InputError("the file changed while it was read")
        yield _Ended((path_text(scene.path), origin) if is_moved else None)


def _opened(record: SceneRecord, places: Sequence[tuple[Path, Path]]) -> tuple[Scene, bool]:
    """The scene, and its new path if it has moved; InputError if it is nowhere."""
    try:
        return reopen_stored(record), False
    except InputError as error:
        for path in _elsewhere(record, places):
            try:
                return reopen_moved(record, path), True
            except InputError:
                continue
        raise error


def reopen_stored(record: SceneRecord) -> Scene:
    """Open a stored scene for the pixels that were hashed; the caller closes it.

    Raises InputError, also when its file now shows another scene.
    """
    scene = reopen_scene(path_from(record.path), record.decode_params)
    try:
        # Otherwise that was compared.
        if _digest_of(record) is None and scene.content != record.content:
            raise InputError("the file's content differs from the stored scene")
    except BaseException:
        scene.close()
        raise
    return scene


def reopen_moved(record: SceneRecord, path: Path) -> Scene:
    """The same at another path: all its bytes are compared, and not what it is called."""
    digest = _digest_of(record)
    params = {name: value for name, value in record.decode_params.items() if name != FILE}
    if digest is not None:
        params[FILE] = {"digest": digest}
    return reopen_stored(replace(record, path=path_text(path), decode_params=params))


def _digest_of(record: SceneRecord) -> str | None:
    file = record.decode_params.get(FILE)
    return file.get("digest") if isinstance(file, Mapping) else None


def _elsewhere(record: SceneRecord, places: Sequence[tuple[Path, Path]]) -> Iterator[Path]:
    for old, new in places:
        before = path_text(old)
        if record.path == before:
            yield new
        elif record.path.startswith(before.rstrip("/") + "/"):
            yield path_from(path_text(new / Path(record.path).relative_to(before)))
