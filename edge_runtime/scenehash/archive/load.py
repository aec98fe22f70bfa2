"""Load an archive's parts into a store."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from scenehash.errors import ArchiveError
from scenehash.files import path_text
from scenehash.ingestion.hash_stream import SCENES_A_COMMIT, TILES_A_COMMIT
from scenehash.progress import SILENT, Progress, Task
from scenehash.store import CodeStore, HashedScene

from .manifest import Entry, Manifest
from .model import model_bytes
from .parts import MOST_BYTES, joined, read_part
from .report import LoadReport
from .storage import Storage, address_of, storage_at


def load_archive(
    archive: str | Path,
    store: str | Path,
    wait: bool = False,
    progress: Progress = SILENT,
) -> LoadReport:
    """Load the scenes of an archive into a store.

    archive: its folder, or its address in a bucket. store: its folder; the function makes it if it
    does not exist.

    The scenes get the rows that an ingest of the same scenes would give them. Scenes that the store
    already has are skipped, so a second call continues an interrupted one. Scenes are committed
    whole, in groups. A new store keeps the representations and thumbnails of the parts. wait: wait
    while another process writes to the store. Raises ArchiveError when there is no archive,
    StoreError, and LineageError when the store has another model or width.
    """
    manifest, storage = read_manifest(archive)
    report = LoadReport(path_text(store))
    with (
        _opened(store, manifest, storage, wait) as opened,
        progress.task("load", len(manifest.entries)) as task,
    ):
        _load(manifest, storage, opened, report, task)
    return report


def read_manifest(archive: str | Path) -> tuple[Manifest, Storage]:
    """The manifest of an archive and the storage of its parts; ArchiveError when there is none."""
    storage = storage_at(address_of(str(archive)))
    manifest = Manifest.read(storage)
    if manifest is None:
        raise ArchiveError(f"{storage}: there is no archive here")
    return manifest, storage


def _opened(store: str | Path, manifest: Manifest, storage: Storage, wait: bool) -> CodeStore:
    recipe = manifest.recipe
    opened = CodeStore.open_or_create(
        store, recipe["lineage"], recipe["bits"], recipe["model"], wait
    )
    try:
        if not opened.keeps_model:
            opened.keep_model(model_bytes(storage, recipe["lineage"]))
        if recipe["frame"] is not None and not opened.rows:
            opened.keep_vectors(recipe["frame"], recipe["dims"])
        if recipe["thumbnails"]:
            opened.keep_thumbnails()
    except BaseException:
        opened.close()
        raise
    return opened


def _load(
    manifest: Manifest, storage: Storage, store: CodeStore, report: LoadReport, task: Task
) -> None:
    scenes: list[HashedScene] = []
    tiles = 0
    for scene in _scenes(manifest, storage, report, task):
        scenes.append(scene)
        tiles += len(scene.windows)
        if len(scenes) >= SCENES_A_COMMIT or tiles >= TILES_A_COMMIT:
            _commit(scenes, store, report)
            scenes, tiles = [], 0
    _commit(scenes, store, report)


def _scenes(
    manifest: Manifest, storage: Storage, report: LoadReport, task: Task
) -> Iterator[HashedScene]:
    """The finished scenes, in the order of the manifest."""
    for entry in manifest:
        task.advance(1)
        if entry.state != "done":
            report.missing[entry.scene] = entry.reason or "not hashed yet"
            continue
        try:
            scene = scene_of(entry, manifest, storage)
        except ArchiveError as error:
            report.missing[entry.scene] = str(error)
        else:
            yield scene


def scene_of(entry: Entry, manifest: Manifest, storage: Storage) -> HashedScene:
    """The scene of a finished entry; ArchiveError when its parts are not sound."""
    lineage, bits = manifest.recipe["lineage"], manifest.recipe["bits"]
    parts = [read_part(storage.read(name, MOST_BYTES), lineage, bits, name) for name in entry.parts]
    scene = joined(parts)
    if scene is None or (scene.path, scene.content) != (entry.scene, entry.content):
        raise ArchiveError(f"{', '.join(entry.parts)}: not the tiles of this scene; hash it again")
    return scene


def _commit(scenes: list[HashedScene], store: CodeStore, report: LoadReport) -> None:
    """Store scenes, durably, and record scenes at paths that other scenes had."""
    if not scenes:
        return
    firsts: dict[str, HashedScene] = {}
    for scene in scenes:
        first = firsts.setdefault(scene.content, scene)
        if first is not scene:  # as an ingest would: the first of them, with the labels of all
            firsts[scene.content] = replace(first, labels=(*first.labels, *scene.labels))
    with store.transaction():
        fresh = [scene for content, scene in firsts.items() if not store.has_sound_scene(content)]
        added = store.add(list(firsts.values()))
        store.take_paths({scene.path: scene.content for scene in fresh})
    report.stored += added.stored
    report.repaired += added.repaired
    report.duplicates += len(scenes) - added.stored - added.repaired
    report.tiles += sum(len(scene.windows) for scene in fresh)
