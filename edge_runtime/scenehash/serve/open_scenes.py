"""Scenes that stay open for a while, since a viewer asks for many parts of one scene."""

import contextlib
import json
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from scenehash.errors import InputError
from scenehash.files import path_from
from scenehash.scenes import Scene, reopen_scene

MOST_OPEN, SECONDS_OPEN = 8, 60.0
# The limit of pixels in all open scenes, which may be in memory with 3 or 6 bytes each.
MOST_PIXELS = 64_000_000


class OpenScenes:
    """Stored scenes, opened with their stored parameters, each used by one thread at a time.

    Scenes are opened one at a time, to limit the memory for decoding.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock, self._opening = threading.Lock(), threading.Lock()
        self._open: OrderedDict[str, _Entry] = OrderedDict()

    @contextlib.contextmanager
    def scene(self, path: str, decode_params: Mapping[str, object]) -> Iterator[Scene]:
        """A stored scene; InputError, with its path, when its file is missing or has changed."""
        try:
            entry = self._taken(path, decode_params)
            try:
                with entry.lock:
                    yield entry.scene
            finally:
                self._give_back(entry)
        except InputError as error:
            raise InputError(error.reason, error.path or path) from error

    def close(self) -> None:
        """Close all open scenes as soon as they are unused."""
        with self._lock:
            for key in list(self._open):
                self._retire(key)

    def _taken(self, path: str, decode_params: Mapping[str, object]) -> "_Entry":
        """The entry of a scene, with one more user."""
        key, state = f"{path}\0{json.dumps(decode_params, sort_keys=True)}", _state(path)
        with self._lock:
            entry = self._known(key, state)
        if entry is not None:
            return entry
        with self._opening:
            with self._lock:
                entry = self._known(key, state)
            if entry is not None:
                return entry
            scene = reopen_scene(Path(path), decode_params)
            entry = _Entry(scene, state, self._clock(), users=1)
            with self._lock:
                self._retire(key)
                self._open[key] = entry
                self._retire_old()
        return entry

    def _known(self, key: str, state: tuple[int, ...]) -> "_Entry | None":
        self._retire_old()
        entry = self._open.get(key)
        if entry is None or entry.state != state:
            return None
        self._open.move_to_end(key)
        entry.used = self._clock()
        entry.users += 1
        return entry

    def _give_back(self, entry: "_Entry") -> None:
        with self._lock:
            entry.users -= 1
            if entry.is_retired and not entry.users:
                entry.scene.close()

    def _retire_old(self) -> None:
        """Close scenes that were not used lately, and the oldest of too many."""
        now = self._clock()
        for key, entry in list(self._open.items()):
            pixels = sum(other.scene.width * other.scene.height for other in self._open.values())
            too_many = len(self._open) > MOST_OPEN or (pixels > MOST_PIXELS and len(self._open) > 1)
            if too_many or now - entry.used > SECONDS_OPEN:
                self._retire(key)

    def _retire(self, key: str) -> None:
        entry = self._open.pop(key, None)
        if entry is not None:
            entry.is_retired = True
            if not entry.users:
                entry.scene.close()


@dataclass
class _Entry:
    """An open scene. lock: held by its reader. users: the number of readers, also waiting ones."""

    scene: Scene
    state: tuple[int, ...]
    used: float
    users: int = 0
    is_retired: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)


def _state(path: str) -> tuple[int, ...]:
    """A value that changes with a file."""
    try:
        status = os.stat(path_from(path))  # noqa: PTH116
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", path) from error
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
