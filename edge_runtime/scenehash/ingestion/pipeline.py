"""Ingest: scenes -> tiles -> codes -> store."""

import contextlib
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np

from scenehash.codes import Codes
from scenehash.files import path_from, path_text
from scenehash.model.hash_model import HashModel
from scenehash.progress import SILENT, Progress, Task
from scenehash.scenes.files import scan, scenes_at
from scenehash.store import Added, CodeStore, HashedScene
from scenehash.tiles import Image

from .options import IngestOptions
from .prefetch import Begun, Duplicate, Ended, Event, Images, ReadAhead
from .report import IngestReport, SetAside

# Tiles a batch: what a layer makes of more does not stay in a processor's second-level cache.
BATCH = 4
# Batches that wait for each thread that hashes.
BATCHES_AHEAD = 2
# Scenes, and tiles, and seconds after which what is hashed is committed.
SCENES_A_COMMIT, TILES_A_COMMIT, SECONDS_A_COMMIT = 32, 8192, 5.0

DEFAULTS = IngestOptions()

# Stores hashed scenes: all of them, durable when it returns, or none.
Commit = Callable[[CodeStore, Sequence[HashedScene]], Added]


def ingest(
    paths: str | Path | Sequence[str | Path],
    store: str | Path | CodeStore,
    model: str | Path | HashModel | None = None,
    options: IngestOptions = DEFAULTS,
    progress: Progress = SILENT,
) -> IngestReport:
    """Hash scenes and keep their codes; what is stored already is not hashed again.

    paths: a scene file or a folder of them, or several. store: one that is open for writing, or its
    folder; it is made when there is none. model: a model, or its file; None is the one that ships
    with scenehash.

    A scene is committed whole, with others, every few seconds: interrupted, give the same call
    again. One that cannot be read is set aside with its reason, in the store's quarantine too, and
    the rest goes on. A scene that is stored, but damaged, is hashed again and repaired; where its
    old path does not show it any more, the store follows it to the new one. Raises InputError on a
    path that is not there, ModelError, StoreError, and LineageError when the store was made with
    another model.
    """
    given = [paths] if isinstance(paths, str | Path) else paths
    found = scan([Path(path) for path in given])
    with _opened(store, model, options) as (opened, loaded):
        report = ingest_files(found.files, opened, loaded, options, progress)
    report.passed_over = found.passed_over
    return report


def retry_quarantine(
    store: str | Path | CodeStore,
    model: str | Path | HashModel | None = None,
    options: IngestOptions = DEFAULTS,
    progress: Progress = SILENT,
) -> IngestReport:
    """Ingest again what is in a store's quarantine: mended files, or the same in another way.

    Raises StoreError when there is no such store; otherwise see ingest.
    """
    if not isinstance(store, CodeStore):
        CodeStore.open(store).close()  # none is made here
    with _opened(store, model, options) as (opened, loaded):
        files = {
            path: scenes_at(path)
            for path in (path_from(item.path) for item in opened.quarantine.list())
        }
        every = list(dict.fromkeys(file for found in files.values() for file in found))
        report = ingest_files(every, opened, loaded, options, progress)
        # A folder that can be listed by now is dealt with: its files are known one by one.
        listed = [path_text(path) for path, found in files.items() if path not in found]
        opened.quarantine.remove(listed)
    return report


@contextlib.contextmanager
def _opened(
    store: str | Path | CodeStore, model: str | Path | HashModel | None, options: IngestOptions
) -> Iterator[tuple[CodeStore, HashModel]]:
    """The store and the model; a store that was given by its path is closed at the end."""
    loaded = model if isinstance(model, HashModel) else HashModel.load(model)
    if isinstance(store, CodeStore):
        yield store, loaded
    else:
        with CodeStore.for_model(store, loaded, options.bits, options.wait) as opened:
            yield opened, loaded


def ingest_files(
    files: Sequence[Path],
    store: CodeStore,
    model: HashModel,
    options: IngestOptions = DEFAULTS,
    progress: Progress = SILENT,
    commit: Commit = CodeStore.add,
) -> IngestReport:
    """Ingest files, each of which may be gone or no scene: it is set aside then. See ingest.

    A thread reads ahead while this one hashes. commit: stores scenes, for a caller that commits
    more with them (see CodeStore.transaction).
    """
    started = time.perf_counter()
    store.check(model.lineage, model.width_for(store.bits))
    if options.thumbnails:
        store.keep_thumbnails()
    with (
        ThreadPoolExecutor(options.threads) as pool,
        progress.task("ingest", len(files)) as task,
    ):
        ingesting = _Ingesting(model, pool, store, options.threads, task, commit)
        with ReadAhead(files, store, model.card, options) as events:
            for event in events:
                ingesting.take(event)
        ingesting.commit()
    report = ingesting.report
    with store.transaction():
        store.quarantine.add({path_text(item.path): item.reason for item in report.set_aside})
        store.quarantine.remove([path_text(path) for path in report.sound()])
    if store.thumbnails.trouble is not None:
        report.warnings.append(store.thumbnails.trouble)
    report.seconds = time.perf_counter() - started
    return report


class _Ingesting:
    """Scenes between being read and being committed.

    The tiles of scenes follow each other in one stream; the last ones are those of the scene that
    is being read. Hashing takes them as they come, across scenes.
    """

    def __init__(
        self,
        model: HashModel,
        pool: Executor,
        store: CodeStore,
        threads: int,
        task: Task,
        commit: Commit,
    ) -> None:
        self.report = IngestReport(str(store.path))
        self._model, self._threads, self._task = model, threads, task
        self._store, self._commit, self._pool = store, commit, pool
        self._bits = store.bits
        self._hashing: deque[Future[Codes]] = deque()
        # Grows in place: a scene may have a hundred thousand tiles, and comes in batches of a few.
        self._codes = bytearray()
        self._images: list[Image] = []
        self._unfinished = 0
        self._ended: dict[str, Ended] = {}
        self._duplicates: list[Duplicate] = []
        self._committed = time.monotonic()

    def take(self, event: Event) -> None:
        """Take what was read, and commit when that is due."""
        match event:
            case Duplicate():
                self._take_duplicate(event)
                self._task.advance(1)
            case SetAside():
                self._drop_unfinished()
                self.report.set_aside.append(event)
                self._task.advance(1)
            case Begun(tiles):
                self._task.plan(tiles - 1)
            case Images(images, skipped):
                self._images += images
                self._unfinished += len(images)
                self._task.advance(skipped)
                while len(self._images) >= BATCH:
                    self._hash()
            case Ended(scene) if scene.content in self._ended:
                there = self._ended[scene.content].scene.labels
                labels = [label for label in scene.labels if label not in there]
                self._take_duplicate(Duplicate(event.ingested.path, scene.content, labels))
            case Ended(scene):
                self._ended[scene.content] = event
                self._unfinished = 0
                self._commit_when_due()

    def commit(self) -> None:
        """Store the scenes that were read to their end, and what changes of those that were there.

        A scene that was ended and not stored is stored by then.
        """
        self._hash()
        self._finish()
        scenes, first, width = [], 0, self._bits // 8
        codes = np.frombuffer(self._codes, np.uint8).reshape(-1, width).copy()
        for scene, _ in self._ended.values():
            last = first + len(scene.windows)
            scenes.append(replace(scene, codes=codes[first:last]))
            first = last
        self.report.repaired += self._commit(self._store, scenes).repaired
        self.report.stored += [ended.ingested for ended in self._ended.values()]
        self._ended = {}
        del self._codes[: first * width]
        if scenes or self._duplicates:
            with self._store.transaction():
                taken = {scene.path: scene.content for scene in scenes}
                self._store.take_paths(taken | self._change_duplicates())
        self._committed = time.monotonic()

    def _take_duplicate(self, duplicate: Duplicate) -> None:
        self._drop_unfinished()
        self.report.duplicates.append(duplicate.path)
        if duplicate.labels or duplicate.moved is not None:
            self._duplicates.append(duplicate)
            self._commit_when_due()

    def _change_duplicates(self) -> dict[str, str]:
        """Add labels to scenes that were stored, and follow those that moved.

        Returns the contents of these by their paths.
        """
        taken: dict[str, str] = {}
        for path, content, labels, moved, origin in self._duplicates:
            now = None if moved is None else path_text(path)
            if self._store.update_scene(content, now, labels, origin if moved else None):
                self.report.labelled += bool(labels)
                if moved is not None and now is not None:
                    taken[now] = content
                    self.report.moved += [moved] if moved.previous != now else []
        self._duplicates = []
        return taken

    def _commit_when_due(self) -> None:
        tiles = sum(len(scene.windows) for scene, _ in self._ended.values())
        late = time.monotonic() - self._committed > SECONDS_A_COMMIT
        many = len(self._ended) + len(self._duplicates) // 8
        if many >= SCENES_A_COMMIT or tiles >= TILES_A_COMMIT or late:
            self.commit()

    def _hash(self) -> None:
        """Begin to hash a batch of the tiles that wait, once there is room for it."""
        self._finish(BATCHES_AHEAD * self._threads - 1)
        batch, self._images = self._images[:BATCH], self._images[BATCH:]
        self._hashing.append(self._pool.submit(self._model.encode, batch, self._bits))

    def _finish(self, left: int = 0) -> None:
        """Wait for what is being hashed, but for so many times."""
        while len(self._hashing) > left:
            codes = self._hashing.popleft().result()
            self._codes += codes.tobytes()
            self._task.advance(len(codes))

    def _drop_unfinished(self) -> None:
        self._finish()
        hashed = max(0, self._unfinished - len(self._images))
        self._images = self._images[: len(self._images) - (self._unfinished - hashed)]
        del self._codes[len(self._codes) - hashed * self._bits // 8 :]
        self._unfinished = 0
