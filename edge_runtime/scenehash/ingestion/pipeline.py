"""Ingest: scenes -> tiles -> codes -> store."""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from scenehash.files import path_from, path_text
from scenehash.model.hash_model import Hashed, HashModel
from scenehash.progress import SILENT, Progress, Task
from scenehash.scenes.files import scenes_at
from scenehash.scenes.inputs import find_inputs
from scenehash.scenes.stac import Noted
from scenehash.store import Added, CodeStore, HashedScene, SceneVectors, model_of

from .hash_stream import SCENES_A_COMMIT, SECONDS_A_COMMIT, TILES_A_COMMIT, HashStream
from .options import IngestOptions
from .prefetch import Begun, Duplicate, Ended, Event, read_files
from .read_ahead import Images
from .report import IngestReport, SetAside
from .upkeep import keep_model, keep_vectors

DEFAULTS = IngestOptions()
NO_NOTES: Mapping[Path, Noted] = {}

# Stores hashed scenes: all of them, durable when it returns, or none.
Commit = Callable[[CodeStore, Sequence[HashedScene]], Added]


def ingest(
    paths: str | Path | Sequence[str | Path],
    store: str | Path | CodeStore,
    model: str | Path | HashModel | None = None,
    options: IngestOptions = DEFAULTS,
    progress: Progress = SILENT,
) -> IngestReport:
    """Hash scenes and store their codes. Scenes that the store already has are not hashed again.

    paths: one or several scene files or folders; a JSON file is a STAC document that names scenes.
    store: a store that is open for writing, or its folder; the function makes it if it does not
    exist. model: a model, or its file; None means the model that the store was made with and keeps,
    and for a new store the shipped model.

    Scenes are committed whole, in groups, every few seconds; a second call continues an interrupted
    one. A scene that cannot be read is set aside with its reason, also in the store's quarantine,
    and the other scenes are ingested. A stored but damaged scene is hashed again and repaired. If
    the file of a stored scene is no longer at its old path, the store takes the new path. Raises
    InputError on a path that does not exist, ModelError, StoreError, and LineageError when the
    store was made with another model.
    """
    given = [paths] if isinstance(paths, str | Path) else paths
    found = find_inputs([Path(path) for path in given], options.stac)
    with _opened(store, model, options) as (opened, loaded):
        report = ingest_files(found.files, opened, loaded, options, progress, notes=found.notes)
    report.set_aside += [SetAside(path, reason) for path, reason in found.set_aside.items()]
    report.passed_over = found.passed_over
    return report


def retry_quarantine(
    store: str | Path | CodeStore,
    model: str | Path | HashModel | None = None,
    options: IngestOptions = DEFAULTS,
    progress: Progress = SILENT,
) -> IngestReport:
    """Ingest the inputs in a store's quarantine again, for example repaired files, or with other
    options.

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
        # A folder that can be listed now leaves the quarantine: its files are known one by one.
        listed = [path_text(path) for path, found in files.items() if path not in found]
        opened.quarantine.remove(listed)
    return report


@contextlib.contextmanager
def _opened(
    store: str | Path | CodeStore, model: str | Path | HashModel | None, options: IngestOptions
) -> Iterator[tuple[CodeStore, HashModel]]:
    """The store and the model; a store that was given by its path is closed at the end."""
    if isinstance(model, HashModel):
        loaded = model
    else:
        path = store.path if isinstance(store, CodeStore) else store
        loaded = HashModel.load(model or model_of(path))
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
    notes: Mapping[Path, Noted] = NO_NOTES,
) -> IngestReport:
    """Ingest files; a file that is missing or is not a scene is set aside. See ingest.

    A thread reads ahead while this one hashes. commit: stores scenes, for a caller that commits
    other data with them (see CodeStore.transaction). notes: facts from STAC items, by file.
    """
    started = time.perf_counter()
    store.check(model.lineage, model.width_for(store.bits))
    if options.thumbnails:
        store.keep_thumbnails()
    keep_model(store, model)
    frame = keep_vectors(store, model, options.vectors)
    with (
        ThreadPoolExecutor(options.threads) as pool,
        progress.task("ingest", len(files)) as task,
    ):
        threads = options.threads
        stream = HashStream(model, store.bits, frame is not None, pool, threads, task.advance)
        ingesting = _Ingesting(stream, frame, store, task, commit)
        with read_files(files, store, model.card, options, notes) as events:
            for event in events:
                ingesting.take(event)
        ingesting.commit()
    report = ingesting.report
    with store.transaction():
        store.quarantine.add({path_text(item.path): item.reason for item in report.set_aside})
        store.quarantine.remove([path_text(path) for path in report.sound()])
    if store.trouble is not None:
        report.warnings.append(store.trouble)
    report.seconds = time.perf_counter() - started
    return report


class _Ingesting:
    """Scenes between reading and commit.

    The tiles of all scenes form one stream, whose last tiles belong to the scene that is being
    read. They are hashed in that order, in batches across scenes.
    """

    def __init__(
        self, stream: HashStream, frame: str | None, store: CodeStore, task: Task, commit: Commit
    ) -> None:
        self.report = IngestReport(str(store.path))
        self._stream, self._frame, self._task = stream, frame, task
        self._store, self._commit = store, commit
        self._ended: dict[str, Ended] = {}
        self._duplicates: list[Duplicate] = []
        self._committed = time.monotonic()
        self._left = 1  # steps of the task, of the scene that is being read

    def take(self, event: Event | SetAside) -> None:
        """Take an event of the reader, and commit when it is time."""
        match event:
            case Duplicate():
                self._take_duplicate(event)
            case SetAside():
                self._drop()
                self.report.set_aside.append(event)
            case Begun(tiles):
                self._task.plan(tiles - 1)
                self._left = tiles
            case Images(images, skipped):
                self._task.advance(skipped)
                self._stream.add(images)
                self._left -= skipped + len(images)
            case Ended(scene) if scene.content in self._ended:
                there = self._ended[scene.content].scene.labels
                labels = [label for label in scene.labels if label not in there]
                self._take_duplicate(Duplicate(event.ingested.path, scene.content, labels))
            case Ended(scene):
                self._ended[scene.content] = event
                self._stream.end()
                self._left = 1
                self._commit_when_due()

    def commit(self) -> None:
        """Store the scenes that were read completely, and the changes of scenes that were already
        stored.
        """
        ended = self._ended.values()
        scenes = [
            self._hashed(scene, hashed)
            for (scene, _), hashed in zip(ended, self._stream.take(), strict=True)
        ]
        added = self._commit(self._store, scenes)
        self.report.repaired += added.repaired
        self.report.labelled += added.labelled
        for scene, ingested in ended:
            # Scenes are read ahead: a duplicate may have been read before its like was stored.
            if scene.content in added.left_out:
                self.report.duplicates.append(ingested.path)
            else:
                self.report.stored.append(ingested)
        self._ended = {}
        if scenes or self._duplicates:
            with self._store.transaction():
                taken = {scene.path: scene.content for scene in scenes}
                self._store.take_paths(taken | self._change_duplicates())
        self._committed = time.monotonic()

    def _hashed(self, scene: HashedScene, hashed: Hashed) -> HashedScene:
        vectors = None
        if self._frame is not None and hashed.vectors is not None:
            vectors = SceneVectors(self._frame, hashed.vectors)
        return replace(scene, codes=hashed.codes, vectors=vectors)

    def _drop(self) -> None:
        """Drop the scene that is being read; counts its steps as done."""
        self._task.advance(self._left + self._stream.drop())
        self._left = 1

    def _take_duplicate(self, duplicate: Duplicate) -> None:
        self._drop()
        self.report.duplicates.append(duplicate.path)
        if duplicate.bands:
            self.report.read_by_bands[duplicate.path] = duplicate.bands
        if duplicate.cut_otherwise:
            self.report.cut_otherwise.append(duplicate.path)
        if duplicate.labels or duplicate.moved is not None:
            self._duplicates.append(duplicate)
            self._commit_when_due()

    def _change_duplicates(self) -> dict[str, str]:
        """Add labels to stored scenes, and change the paths of scenes that moved.

        Returns the contents of these scenes by their paths.
        """
        taken: dict[str, str] = {}
        for path, content, labels, moved, origin, *_ in self._duplicates:
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
