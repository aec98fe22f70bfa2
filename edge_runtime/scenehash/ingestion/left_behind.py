"""Scenes and alerts that have no codes of a store's new model: moved to a store of their own, and
brought back later.
"""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from scenehash.alerts.carried import AlertCarrier, CarriedAlert, model_file
from scenehash.codes import Codes
from scenehash.errors import StoreError
from scenehash.files import PARTIAL, flush_folder
from scenehash.model.hash_model import HashModel
from scenehash.retrieval.query import ROW_PREFIX
from scenehash.store import EARLIER, FILE, Alert, CodeStore, HashedScene, SceneRecord, earlier_path
from scenehash.store.files.rehash_work import Done

from .new_codes import NewCodes

# Scenes committed together.
GROUP = 256


def leave_behind(store: CodeStore, contents: Sequence[str], alerts: Sequence[Alert]) -> Path | None:
    """Copy scenes and alerts, durably, to the store for data of the old lineage.

    Returns its path; None if there is nothing to copy. The caller removes the copied data from the
    store afterwards; until then both stores have it. Raises StoreDamagedError on a damaged scene.
    """
    if not contents and not alerts:
        return None
    path = earlier_path(store.path, store.lineage, store.bits)
    with CodeStore.open_or_create(
        path, store.lineage, store.bits, store.model, wait=True
    ) as earlier:
        if store.thumbnails.kept:
            earlier.keep_thumbnails()
        if store.vectors.frame is not None:
            earlier.keep_vectors(store.vectors.frame, store.vectors.dims)
        if not earlier.keeps_model and (file := model_file(store)) is not None:
            earlier.keep_model(file.read_bytes())
        for start in range(0, len(contents), GROUP):
            earlier.add(list(_scenes(store, contents[start : start + GROUP])))
        for alert in alerts:
            earlier.alerts.add(_with_rows_of(earlier, store, alert), replace=True)
    return path


@dataclass(frozen=True)
class BroughtBack:
    """The contents of scenes and the alerts that came back from the store of an earlier model."""

    contents: Sequence[str]
    alerts: Sequence[CarriedAlert]


def bring_back(path: Path, store: CodeStore, codes: NewCodes, model: HashModel) -> BroughtBack:
    """Bring back the scenes and alerts in the store at a path, as far as they have new codes.

    Data that the main store already has is removed there. tidy removes a store that is then empty.
    """
    with CodeStore.open(path, writable=True, wait=True) as earlier:
        contents = _bring_scenes_back(earlier, store, codes)
        alerts = _bring_alerts_back(earlier, store, model)
        known = [content for content in earlier.contents() if store.has_sound_scene(content)]
        earlier.remove_scenes(known)
        earlier.compact()
        is_empty = not earlier.counts()[0] and not earlier.alerts.list()
    if is_empty:
        _retire(path)
    return BroughtBack(contents, alerts)


def _bring_scenes_back(earlier: CodeStore, store: CodeStore, codes: NewCodes) -> list[str]:
    """Add to a store the missing scenes that have new codes; returns their contents."""
    back: list[str] = []
    lacking = [content for content in earlier.contents() if not store.has_sound_scene(content)]
    for start in range(0, len(lacking), GROUP):
        found = [earlier.find_scene(content) for content in lacking[start : start + GROUP]]
        scenes = [
            _scene(earlier, record, done)
            for record in found
            if record is not None and (done := codes.find(record)) is not None
        ]
        with store.transaction():
            store.add(scenes)
            store.take_paths({scene.path: scene.content for scene in scenes})
        back += [scene.content for scene in scenes]
    return back


def _bring_alerts_back(
    earlier: CodeStore, store: CodeStore, model: HashModel
) -> list[CarriedAlert]:
    """The alerts that can be converted now; an alert whose name is taken is dropped."""

    def codes_of(record: SceneRecord) -> Codes | None:
        found = store.read_scene(record.content)
        return None if found is None else found[1]

    carrier = AlertCarrier(earlier, model, store.bits, codes_of)
    names = {alert.name for alert in store.alerts.list()}
    back = []
    for alert in earlier.alerts.list():
        if alert.name not in names:
            carried = carrier.carry(alert)
            if carried.alert is None:
                continue
            store.alerts.add(_with_rows_of(store, earlier, carried.alert))
            back.append(carried)
        earlier.alerts.remove(alert.name)
    return back


def _scenes(store: CodeStore, contents: Sequence[str]) -> Iterator[HashedScene]:
    for content in contents:
        found = store.read_scene(content)
        if found is not None:
            record, codes = found
            thumbnails = store.thumbnails.of_scene(record) if store.thumbnails.kept else None
            yield record.hashed(codes, thumbnails, store.vectors.read_scene(record))


def _scene(earlier: CodeStore, record: SceneRecord, done: Done) -> HashedScene:
    """A scene that comes back, with its new codes and its present path."""
    thumbnails = earlier.thumbnails.of_scene(record) if earlier.thumbnails.kept else None
    vectors = done.vectors or earlier.vectors.read_scene(record)
    now = record
    if done.moved is not None:
        path, origin = done.moved
        now = replace(record, path=path, decode_params={**record.decode_params, FILE: origin})
    return now.hashed(done.codes, thumbnails, vectors)


def _with_rows_of(now: CodeStore, before: CodeStore, alert: Alert) -> Alert:
    """An alert with the rows of its stored examples in another store."""

    def renamed(source: str) -> str:
        if not source.startswith(ROW_PREFIX):
            return source
        row = int(source.removeprefix(ROW_PREFIX))
        record = before.scene_of(row)
        there = None if record is None else now.find_scene(record.content)
        if record is None or there is None:
            return source
        return f"{ROW_PREFIX}{there.first_row + row - record.first_row}"

    return replace(alert, sources=tuple(renamed(source) for source in alert.sources))


def tidy(store: Path) -> None:
    """Remove empty stores, and their folder if it is then empty.

    Raises StoreError on a disk error.
    """
    folder = store / EARLIER
    try:
        for path in folder.iterdir() if folder.is_dir() else ():
            if path.name.endswith(PARTIAL):
                shutil.rmtree(path)
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
    except OSError as error:
        raise StoreError(f"{folder}: cannot be removed ({error.strerror})") from error


def _retire(path: Path) -> None:
    """Move an empty store out of sight at once; tidy removes it."""
    try:
        path.rename(path.with_name(f".{path.name}{PARTIAL}"))
        flush_folder(path.parent)
    except OSError as error:
        raise StoreError(f"{path}: cannot be removed ({error.strerror})") from error
