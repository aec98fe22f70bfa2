"""The state of a watch, in a file of the store's folder, for other programs."""

import contextlib
import json
import os
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

STATUS = "watch.json"
# Seconds between two writes; seconds of the rate; number of scenes for means.
INTERVAL, RATE_SECONDS, AVERAGED = 1.0, 60.0, 20
MOST_BYTES = 1_000_000


@dataclass(frozen=True)
class WatchStatus:
    """The state of a watch when it wrote the file.

    running: whether its process is alive. backlog: waiting scenes. settling: files that are not
    complete yet. stored, set_aside: since its start. scenes_per_minute: in the last minute.
    seconds: means over the last scenes: "read" a scene, "match" it, "store" it, and from the last
    change of its file to its event, "to_event".
    """

    running: bool
    at: str
    started: str
    folders: Sequence[str]
    backlog: int
    settling: int
    stored: int
    set_aside: int
    scenes_per_minute: int
    seconds: dict[str, float]

    def document(self) -> dict[str, object]:
        """The status as plain values for JSON."""
        return asdict(self)


@dataclass
class StatusFile:
    """Writes the status of this process's watch, about once a second.

    A disk error does not stop the watch: the status is then out of date, which its time shows.
    """

    store: Path
    folders: Sequence[str]
    backlog: int = 0
    settling: int = 0
    stored: int = 0
    set_aside: int = 0
    _started: datetime = field(default_factory=lambda: datetime.now(UTC))
    _written: float = float("-inf")
    _scenes: deque[float] = field(default_factory=deque)
    _seconds: dict[str, deque[float]] = field(default_factory=dict)

    def note_scene(self, **seconds: float) -> None:
        """Record a stored scene, with its seconds by stage."""
        self._scenes.append(time.monotonic())
        for stage, took in seconds.items():
            self.note_stage(stage, took)

    def note_stage(self, stage: str, seconds: float) -> None:
        """Record the seconds of one stage of a scene."""
        self._seconds.setdefault(stage, deque(maxlen=AVERAGED)).append(seconds)

    def write(self, ended: bool = False) -> None:
        """Write the status if it is time, or if the watch ends."""
        now = time.monotonic()
        if not ended and now - self._written < INTERVAL:
            return
        self._written = now
        while self._scenes and self._scenes[0] < now - RATE_SECONDS:
            self._scenes.popleft()
        averages = {stage: sum(took) / len(took) for stage, took in self._seconds.items()}
        document = {
            "pid": None if ended else os.getpid(),
            "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "started": self._started.isoformat(timespec="seconds"),
            "folders": list(self.folders),
            "backlog": self.backlog,
            "settling": self.settling,
            "stored": self.stored,
            "set_aside": self.set_aside,
            "scenes_per_minute": len(self._scenes),
            "seconds": {stage: round(took, 4) for stage, took in averages.items()},
        }
        partial = self.store / f".{STATUS}.{os.getpid()}"
        with contextlib.suppress(OSError):
            partial.write_text(json.dumps(document))
            partial.replace(self.store / STATUS)


def read_status(store: Path) -> WatchStatus | None:
    """The status of the last watch of a store; None when there was none, or it cannot be read."""
    path = store / STATUS
    try:
        if path.stat().st_size > MOST_BYTES:
            return None
        found: dict[str, Any] = json.loads(path.read_text())
        pid = found.pop("pid")
        return WatchStatus(pid is not None and _is_alive(int(pid)), **found)
    except (OSError, AttributeError, LookupError, TypeError, ValueError, RecursionError):
        return None


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
