"""A station for the API: its store, its model, and its feed and jobs."""

import contextlib
import dataclasses
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from scenehash.diagnose.hardware import read_memory, read_temperature
from scenehash.errors import NotStoredError, StoreBusyError
from scenehash.model.hash_model import HashModel
from scenehash.retrieval.query import Query
from scenehash.store import CodeStore
from scenehash.store.documents import bytes_of
from scenehash.store.records import SceneFile
from scenehash.watcher.status import read_status

from .feed import Feed
from .jobs import Jobs
from .open_scenes import OpenScenes
from .options import FOLDER, JOBS, ServeOptions
from .queries import SceneQuery
from .readers import OpenStore, Readers
from .served import Served
from .work import Workplace, works_of

# Seconds to wait for another writer, and between two tries.
WRITE_PATIENCE, WRITE_INTERVAL = 10.0, 0.05
# Seconds for which the sizes of a store's files are cached.
SIZES_AGE = 10.0


class Station(Served):
    """The store of a station, with its feed of events, jobs and open scenes."""

    def __init__(
        self, path: Path, model: HashModel, options: ServeOptions, log: Callable[[str], None]
    ) -> None:
        """Raises StoreError when there is no store."""
        self.path = path
        self.readers = Readers(str(path), lambda: OpenStore(path), max(2, options.threads))
        super().__init__(str(path), self.readers, model, options, log, path / FOLDER)
        self.open_scenes = OpenScenes()
        works = works_of(Workplace(path, options, self.models))
        self.jobs = Jobs(path / FOLDER / JOBS, works, log)
        self.feed = Feed(self.readers)
        self._writing = threading.Lock()
        self._sizes = (float("-inf"), 0)

    def close(self) -> None:
        """Close what is open."""
        self.jobs.close()
        self.open_scenes.close()
        super().close()

    @contextlib.contextmanager
    def writer(self) -> Iterator[CodeStore]:
        """The store, open for writing; StoreBusyError when another process writes for too long."""
        deadline = time.monotonic() + WRITE_PATIENCE
        if not self._writing.acquire(timeout=WRITE_PATIENCE):
            raise StoreBusyError(f"{self.path}: another request is writing; try again")
        try:
            with self._opened_for_writing(deadline) as store:
                yield store
        finally:
            self._writing.release()

    def scene_file(self, content: str) -> SceneFile:
        """The file of a scene by its id; NotStoredError when there is none."""
        with self.readers.store() as store:
            found = store.scene_file(content)
        if found is None:
            raise NotStoredError(f"{self.path}: no stored scene has the id {content}")
        return found

    def document(self) -> dict[str, object]:
        """The state of the station as plain values for JSON."""
        with self.readers.store() as store:
            scenes, tiles = store.counts()
            newest = store.list_scenes(most=1).scenes
            events = {"oldest": store.outbox.oldest(), "newest": store.outbox.newest()}
            quarantine, alerts = len(store.quarantine.list()), len(store.alerts.list())
            model = self.model_document(store)
            held = {
                "path": str(self.path),
                "uuid": store.uuid,
                "scenes": scenes,
                "tiles": tiles,
                "bits": store.bits,
                "thumbnails": store.thumbnails.kept,
                "bytes": self._bytes(),
            }
        status = read_status(self.path)
        disk = shutil.disk_usage(self.path)
        memory, available = read_memory()
        return {
            "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "version": metadata.version("scenehash"),
            "started": self.started.isoformat(timespec="seconds"),
            "store": held,
            "watch": None if status is None else status.document(),
            "last_scene": newest[0].document() if newest else None,
            "events": events,
            "quarantine": quarantine,
            "alerts": alerts,
            "disk": {"free": disk.free, "total": disk.total},
            "memory": {"available": available, "total": memory},
            "temperature": read_temperature(),
            "load": _load(),
            "model": model,
        }

    def metrics_text(self) -> str:
        """The metrics of this server, its store and its station, for Prometheus."""
        with self.readers.store() as store:
            scenes, tiles = store.counts()
            newest = store.outbox.newest()
            quarantine, alerts = len(store.quarantine.list()), len(store.alerts.list())
        status = read_status(self.path)
        temperature, (memory, available) = read_temperature(), read_memory()
        del memory
        gauges: dict[str, tuple[str, float | None]] = {
            "scenehash_scenes": ("Scenes in the store.", scenes),
            "scenehash_tiles": ("Tiles in the store.", tiles),
            "scenehash_store_bytes": ("Bytes of the store's files.", self._bytes()),
            "scenehash_events_total": ("Number of the newest event.", newest),
            "scenehash_quarantine": ("Inputs in quarantine.", quarantine),
            "scenehash_alerts": ("Alerts.", alerts),
            "scenehash_listeners": ("Listeners to live events.", self.feed.listeners),
            "scenehash_upload_bytes": ("Bytes of query images.", self.uploads.total()),
            "scenehash_disk_free_bytes": (
                "Bytes that are free on the store's disk.",
                shutil.disk_usage(self.path).free,
            ),
            "scenehash_memory_available_bytes": ("Bytes of memory available.", available),
            "scenehash_temperature_celsius": ("The hottest sensor.", temperature),
        }
        if status is not None:
            at = datetime.fromisoformat(status.at).timestamp()
            gauges |= {
                "scenehash_watch_running": ("Whether a watch runs.", status.running),
                "scenehash_watch_updated_seconds": ("When the watch said so, since 1970.", at),
                "scenehash_watch_backlog": ("Scenes that wait.", status.backlog),
                "scenehash_watch_settling": ("Files not complete yet.", status.settling),
                "scenehash_watch_stored_total": ("Scenes it has stored.", status.stored),
                "scenehash_watch_set_aside_total": ("Files it has set aside.", status.set_aside),
                "scenehash_watch_scenes_per_minute": (
                    "Scenes stored in the last minute.",
                    status.scenes_per_minute,
                ),
            }
            for stage, seconds in status.seconds.items():
                meaning = f"Mean of the last scenes, stage {stage}."
                gauges[f"scenehash_watch_{stage}_seconds"] = (meaning, seconds)
        return self.metrics.text(gauges)

    def _query_of_scene(self, request: SceneQuery) -> Query:
        file = self.scene_file(request.scene)
        crop, (model, bits) = request.crop(), self.hasher()
        with self._hashing, self.open_scenes.scene(*file) as scene, self.metrics.stage("hash"):
            query = Query.from_scene(scene, file.path, model, bits, crop)
        return dataclasses.replace(query, scene=Path(file.path))

    @contextlib.contextmanager
    def _opened_for_writing(self, deadline: float) -> Iterator[CodeStore]:
        while True:
            try:
                opened = CodeStore.open(self.path, writable=True)
                break
            except StoreBusyError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(WRITE_INTERVAL)
        with opened as store:
            yield store

    def _bytes(self) -> int:
        known, total = self._sizes
        if time.monotonic() - known > SIZES_AGE:
            total = bytes_of(self.path.rglob("*"))
            self._sizes = time.monotonic(), total
        return total


def _load() -> list[float] | None:
    with contextlib.suppress(OSError):
        return [round(value, 2) for value in os.getloadavg()]
    return None
