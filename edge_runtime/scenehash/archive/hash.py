"""Hash an archive: its scenes, the finished ones, and a run of the others."""

import json
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from scenehash.errors import ArchiveError, ConfigurationError, ModelError
from scenehash.files import path_text
from scenehash.ingestion import IngestOptions
from scenehash.ingestion.options import CORES
from scenehash.ingestion.prefetch import nothing_valid
from scenehash.model.hash_model import HashModel
from scenehash.progress import SILENT, Progress
from scenehash.progress import Task as Steps

from .local import LocalScheduler
from .manifest import Entry, Keeper, Manifest
from .model import model_bytes
from .recipe import Recipe
from .report import HashReport
from .scheduler import Scheduler
from .sources import Source, find_sources
from .storage import MODEL, Storage, address_of, storage_at
from .work import Outcome, Task

LOCAL, CLUSTERS = "local", ("tcp://", "tls://")
DEFAULTS = IngestOptions()
# The number of tries after temporary errors (a full disk, a file that changed).
MOST_TRIES = 3
# Seconds for which a run waits before it checks again.
POLL = 1.0


def hash_archive(
    uris: str | Path | Sequence[str | Path],
    out: str | Path,
    scheduler: str = LOCAL,
    model: str | Path | HashModel | None = None,
    options: IngestOptions = DEFAULTS,
    workers: int = CORES,
    progress: Progress = SILENT,
) -> HashReport:
    """Hash scenes into parts in Parquet, on many processes.

    uris: scene files and folders, or addresses of objects or prefixes in a bucket, s3://BUCKET/KEY
    (see objects.py); a JSON file is a STAC document that names scenes. out: the folder or the
    address of the archive; the function makes it if it does not exist, and keeps the model in it.
    scheduler: "local" for processes of this machine; or the address of a Dask scheduler,
    tcp://HOST:PORT, whose workers reach scenes and out by the same paths. workers: the number of
    local processes. model: a model, or its file; None: the shipped model. options: how scenes are
    read, cut and labelled, and the code width; threads and wait have no effect.

    A second call continues an interrupted one: it hashes only what is not finished. If a scene
    cannot be read, the report has the reason, and the other scenes are hashed. Each part is written
    whole or not at all, under a name that follows from its content. Raises InputError on a path
    that does not exist, ModelError, ConfigurationError, MissingExtraError, FetchError when an
    object store refuses, and ArchiveError when the archive has another model or other options, or
    cannot be written to, or no scheduler answers.
    """
    began = time.perf_counter()
    given = [uris] if isinstance(uris, str | Path) else uris
    address = address_of(_text(out))
    found = find_sources([_text(uri) for uri in given], options.stac)
    loaded = model if isinstance(model, HashModel) else HashModel.load(model)
    recipe = Recipe.of(loaded, options)
    storage = storage_at(address)
    manifest = _opened(storage, recipe, loaded)
    report = HashReport(address, failed=found.set_aside, passed_over=found.passed_over)
    run = _Run(address, recipe, manifest, storage, report)
    run.plan(found.scenes)
    with progress.task("hash", len(found.scenes)) as steps:
        steps.advance(report.known)
        run.run(lambda: _scheduler(scheduler, workers, progress), steps)
    report.seconds = time.perf_counter() - began
    return report


def _text(uri: str | Path) -> str:
    return path_text(uri) if isinstance(uri, Path) else uri


def _scheduler(address: str, workers: int, progress: Progress) -> Scheduler:
    if address == LOCAL:
        return LocalScheduler(workers)
    if not address.startswith(CLUSTERS):
        raise ConfigurationError(f"--scheduler {address}: give {LOCAL}, or tcp://HOST:PORT of Dask")
    from .cluster import ClusterScheduler  # it imports Dask

    return ClusterScheduler(address, progress)


def _opened(storage: Storage, recipe: Recipe, model: HashModel) -> Manifest:
    """The manifest of an existing or a new archive, with the model in it."""
    manifest = Manifest.read(storage)
    if manifest is not None and manifest.recipe != recipe.document():
        other = "; ".join(_differences(manifest.recipe, recipe.document()))
        raise ArchiveError(f"{storage}: an archive with {other}; give the same, or another --out")
    if manifest is None:
        if not storage.is_vacant() and not storage.exists(MODEL):
            raise ArchiveError(f"{storage}: not empty, and not an archive; give another --out")
        manifest = Manifest(recipe.document())
    if storage.exists(MODEL):
        model_bytes(storage, recipe.lineage)
    else:
        data = model.file_bytes()
        if data is None:
            raise ModelError(f"{model.name}: its file is gone, and workers need it")
        storage.write(MODEL, data)
    storage.sweep()
    return manifest


class _Run:
    """A run: waiting tasks, and scenes with some finished blocks."""

    def __init__(
        self, out: str, recipe: Recipe, manifest: Manifest, storage: Storage, report: HashReport
    ) -> None:
        self._out, self._recipe, self._manifest = out, recipe, manifest
        self._storage, self._report = storage, report
        self._keeper = Keeper(manifest, storage)
        self._waiting: deque[Task] = deque()
        self._running = 0
        self._tries: Counter[tuple[str, int]] = Counter()
        self._blocks: dict[str, dict[int, Outcome | None]] = {}
        self._sources: dict[str, Source] = {}

    def plan(self, scenes: Sequence[Source]) -> None:
        """List the scenes, and decide which to hash."""
        there = self._storage.parts()
        for source in scenes:
            entry = self._manifest.entries.get(source.scene)
            if entry is None:
                self._manifest.set(Entry(source.scene))
            elif entry.state == "done" and entry.file == source.state and there >= {*entry.parts}:
                self._report.known += 1
                continue
            self._sources[source.scene] = source
            self._waiting.append(Task(self._out, self._recipe, source))

    def run(self, scheduler: Callable[[], Scheduler], steps: Steps) -> None:
        """Do all waiting tasks, and write the manifest."""
        self._keeper.keep()
        if not self._waiting:
            return
        try:
            with scheduler() as running:
                while self._waiting or self._running:
                    while self._waiting and running.room() > 0:
                        running.submit(self._waiting.popleft())
                        self._running += 1
                    for task, outcome in running.finished(POLL):
                        self._running -= 1
                        self._take(task, outcome, steps)
                    self._keeper.keep_when_due()
        finally:
            self._keeper.keep()

    def _take(self, task: Task, outcome: Outcome, steps: Steps) -> None:
        scene = task.source.scene
        self._report.task_seconds.append(outcome.seconds)
        if outcome.is_passing and self._tries[task.key] < MOST_TRIES - 1:
            self._tries[task.key] += 1
            self._waiting.append(task)
            return
        if outcome.warnings:
            self._report.warnings[scene] = tuple(outcome.warnings)
        if outcome.blocks:
            self._blocks[scene] = {block.number: None for block in outcome.blocks}
            tasks = [Task(task.out, task.recipe, task.source, block) for block in outcome.blocks]
            # Huge scenes first, or the run would wait for them at its end.
            self._waiting.extendleft(reversed(tasks))
            steps.plan(len(tasks) - 1)
            return
        steps.advance(1)
        if task.block is None:
            self._end(task.source, [outcome])
            return
        done = self._blocks[scene]
        done[task.block.number] = outcome
        outcomes = [one for one in done.values() if one is not None]
        if len(outcomes) == len(done):
            del self._blocks[scene]
            self._end(task.source, outcomes)

    def _end(self, source: Source, outcomes: Sequence[Outcome]) -> None:
        """Record the result of a scene from the results of its blocks, in their order."""
        before = self._manifest.entries[source.scene]
        failed = next((outcome.reason for outcome in outcomes if outcome.reason), "")
        tiles = sum(outcome.tiles for outcome in outcomes)
        if not tiles and not failed:
            failed = nothing_valid(self._recipe.options.tiling)
        if failed:
            self._report.failed[source.scene] = failed
            self._manifest.set(Entry(source.scene, "failed", reason=failed))
            return
        parts = tuple(outcome.part for outcome in outcomes)
        self._manifest.set(
            Entry(
                source.scene,
                "done",
                source.state,
                outcomes[0].content,
                parts,
                tiles,
                sum(outcome.skipped for outcome in outcomes),
            )
        )
        for part in set(before.parts) - set(parts):
            self._storage.delete(part)
        self._report.hashed += 1
        self._report.tiles += tiles


def _differences(there: Mapping[str, Any], asked: Mapping[str, Any]) -> Iterator[str]:
    """What differs between two recipes, a few words each."""
    for name, value in asked.items():
        if isinstance(value, dict) and isinstance(there.get(name), dict):
            yield from _differences(there[name], value)
        elif there.get(name) != value:
            yield f"{name} {json.dumps(there.get(name))}, not {json.dumps(value)}"
