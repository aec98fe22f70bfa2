"""Ingest: scenes -> tiles -> codes -> store."""

import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from scenehash.codes import Codes
from scenehash.model.hash_model import HashModel
from scenehash.progress import SILENT, Progress, Task
from scenehash.scenes import Tiling
from scenehash.store import Added, CodeStore, HashedScene
from scenehash.tiles import Image

from .prefetch import Begun, Ended, Images, Ingested, Known, ReadAhead, SetAside

# Tiles a batch: what a layer makes of more does not stay in a processor's second-level cache.
BATCH = 4
# Batches that wait for each thread that hashes.
BATCHES_AHEAD = 2
# Scenes, and tiles, and seconds after which what is hashed is committed.
SCENES_A_COMMIT, TILES_A_COMMIT, SECONDS_A_COMMIT = 32, 8192, 5.0

# Stores hashed scenes: all of them, durable when it returns, or none.
Commit = Callable[[CodeStore, Sequence[HashedScene]], Added]


@dataclass(frozen=True)
class IngestOptions:
    """How scenes are read and cut.

    bands: which are red, green and blue, see scenes.bands.choose. labels: words to find them by.
    threads: how many batches are hashed at the same time, each on as many threads as the model was
    loaded with. With one each, none waits for the others to have done its share of a layer.
    """

    tiling: Tiling = field(default_factory=Tiling)
    bands: str | None = None
    labels: tuple[str, ...] = ()
    threads: int = 1


@dataclass
class IngestReport:
    """What became of the inputs: each path is in just one of stored, known and set_aside.

    repaired: how many of the stored scenes were there, but damaged.
    """

    stored: list[Ingested] = field(default_factory=list)
    known: list[Path] = field(default_factory=list)
    set_aside: list[SetAside] = field(default_factory=list)
    repaired: int = 0

    def sound(self) -> list[Path]:
        """The paths that were stored or known."""
        return [*(scene.path for scene in self.stored), *self.known]

    @property
    def tiles(self) -> int:
        """How many tiles were stored."""
        return sum(scene.tiles for scene in self.stored)

    @property
    def skipped(self) -> int:
        """How many tiles of the stored scenes hold too little data."""
        return sum(scene.skipped for scene in self.stored)


def ingest(
    paths: Sequence[Path],
    store: CodeStore,
    model: HashModel,
    options: IngestOptions | None = None,
    progress: Progress = SILENT,
    commit: Commit = CodeStore.add,
) -> IngestReport:
    """Hash scene files and store their codes; what is stored already is not hashed again.

    A thread reads ahead while this one hashes. A scene is committed whole, with others, every few
    seconds. One that cannot be read is set aside with its reason, in the store's quarantine too,
    and the rest goes on. A scene that is stored, but damaged, is hashed again and repaired. Codes
    are as wide as the store's. commit: stores scenes, for a caller that commits more with them (see
    CodeStore.transaction). Raises LineageError when the store was made with another model.
    """
    store.check(model.lineage, model.width_for(store.bits))
    options = options or IngestOptions()
    with (
        ThreadPoolExecutor(options.threads) as pool,
        progress.task("ingest", len(paths)) as task,
    ):
        ingesting = _Ingesting(model, pool, store, options, task, commit)
        with ReadAhead(paths, store.path, model.tile_size, options.tiling, options.bands) as events:
            for event in events:
                ingesting.take(event)
        ingesting.commit()
    with store.transaction():
        store.quarantine.add({str(item.path): item.reason for item in ingesting.report.set_aside})
        store.quarantine.remove([str(path) for path in ingesting.report.sound()])
    return ingesting.report


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
        options: IngestOptions,
        task: Task,
        commit: Commit,
    ) -> None:
        self.report = IngestReport()
        self._model, self._options, self._task = model, options, task
        self._store, self._commit, self._pool = store, commit, pool
        self._bits = store.bits
        self._hashing: deque[Future[Codes]] = deque()
        # Grows in place: a scene may have a hundred thousand tiles, and comes in batches of a few.
        self._codes = bytearray()
        self._images: list[Image] = []
        self._unfinished = 0
        self._ended: list[Ended] = []
        self._committed = time.monotonic()

    def take(self, event: Begun | Images | Ended | Known | SetAside) -> None:
        """Take what was read, and commit when that is due."""
        match event:
            case Known(path):
                self._drop_unfinished()
                self.report.known.append(path)
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
            case Ended() if event.content in {scene.content for scene in self._ended}:
                self._drop_unfinished()
                self.report.known.append(event.path)
            case Ended():
                self._ended.append(event)
                self._unfinished = 0
                self._commit_when_due()

    def commit(self) -> None:
        """Store the scenes that were read to their end."""
        self._hash()
        self._finish()
        scenes, first, width = [], 0, self._bits // 8
        codes = np.frombuffer(self._codes, np.uint8).reshape(-1, width).copy()
        for scene in self._ended:
            last = first + len(scene.windows)
            scenes.append(scene.hashed(codes[first:last], self._options.labels))
            first = last
        self.report.repaired += self._commit(self._store, scenes).repaired
        self.report.stored += [scene.ingested() for scene in self._ended]
        self._ended = []
        del self._codes[: first * width]
        self._committed = time.monotonic()

    def _commit_when_due(self) -> None:
        tiles = sum(len(scene.windows) for scene in self._ended)
        late = time.monotonic() - self._committed > SECONDS_A_COMMIT
        if len(self._ended) >= SCENES_A_COMMIT or tiles >= TILES_A_COMMIT or late:
            self.commit()

    def _hash(self) -> None:
        """Begin to hash a batch of the tiles that wait, once there is room for it."""
        self._finish(BATCHES_AHEAD * self._options.threads - 1)
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
