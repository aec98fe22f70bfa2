"""Scenes that stay open for a while: who looks at a scene asks for many pieces of it."""

import contextlib
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from scenehash.errors import InputError
from scenehash.files import path_from
from scenehash.scenes import Scene, reopen_scene
from scenehash.store import SceneRecord

MOST_OPEN, SECONDS_OPEN = 8, 60.0
# Pixels of all scenes that are open and may be held decoded: three bytes each, or six.
MOST_PIXELS = 64_000_000


class OpenScenes:
    """Stored scenes, opened as they were stored, each used by one thread at a time.

    One is opened at a time: what an image takes while it is decoded is taken once.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock, self._opening = threading.Lock(), threading.Lock()
        self._open: OrderedDict[str, _Entry] = OrderedDict()

    @contextlib.contextmanager
    def scene(self, record: SceneRecord) -> Iterator[Scene]:
        """The scene of a record; InputError, with its path, when its file is gone or another."""
        try:
            entry = self._taken(record)
            try:
                with entry.lock:
                    yield entry.scene
            finally:
                self._give_back(entry)
        except InputError as error:
            raise InputError(error.reason, error.path or record.path) from error

    def close(self) -> None:
        """Close all that are open, as soon as nobody uses them."""
        with self._lock:
            for content in list(self._open):
                self._retire(content)

    def _taken(self, record: SceneRecord) -> "_Entry":
        """The entry of a record, with one more user."""
        state = _state(record)
        with self._lock:
            entry = self._known(record.content, state)
        if entry is not None:
            return entry
        with self._opening:
            with self._lock:
                entry = self._known(record.content, state)
            if entry is not None:
                return entry
            scene = reopen_scene(Path(record.path), record.decode_params)
            entry = _Entry(scene, state, self._clock(), users=1)
            with self._lock:
                self._retire(record.content)
                self._open[record.content] = entry
                self._retire_old()
        return entry

    def _known(self, content: str, state: tuple[object, ...]) -> "_Entry | None":
        self._retire_old()
        entry = self._open.get(content)
        if entry is None or entry.state != state:
            return None
        self._open.move_to_end(content)
        entry.used = self._clock()
        entry.users += 1
        return entry

    def _give_back(self, entry: "_Entry") -> None:
        with self._lock:
            entry.users -= 1
            if entry.is_retired and not entry.users:
                entry.scene.close()

    def _retire_old(self) -> None:
        """Close scenes that nobody has asked for lately, and the oldest of too many."""
        now = self._clock()
        for content, entry in list(self._open.items()):
            pixels = sum(other.scene.width * other.scene.height for other in self._open.values())
            too_many = len(self._open) > MOST_OPEN or (pixels > MOST_PIXELS and len(self._open) > 1)
            if too_many or now - entry.used > SECONDS_OPEN:
                self._retire(content)

    def _retire(self, content: str) -> None:
        entry = self._open.pop(content, None)
        if entry is not None:
            entry.is_retired = True
            if not entry.users:
                entry.scene.close()


@dataclass
class _Entry:
    """An open scene. lock: whoever reads it has it. users: who has it, or waits for it."""

    scene: Scene
    state: tuple[object, ...]
    used: float
    users: int = 0
    is_retired: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)


def _state(record: SceneRecord) -> tuple[object, ...]:
    """What changes when the file of a record does, or what the store says of it."""
    try:
        status = os.stat(path_from(record.path))  # noqa: PTH116
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", record.path) from error
    file = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
    return record.path, record.checksum(), file
