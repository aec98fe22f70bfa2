"""What cannot follow a store to another model: kept in a store of its own, and brought back."""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from scenehash.codes import Codes
from scenehash.errors import StoreError
from scenehash.files import flush_folder
from scenehash.model.hash_model import HashModel
from scenehash.store import FILE, Alert, CodeStore, HashedScene, SceneRecord, earlier_path

from .carried_alerts import ROW, AlertCarrier, CarriedAlert, model_file
from .new_codes import NewCodes

# Scenes committed together.
GROUP = 256


def leave_behind(store: CodeStore, contents: Sequence[str], alerts: Sequence[Alert]) -> Path | None:
    """Copy scenes and alerts of a store, durably, to the store of what is left of its lineage.

    Its path; None when there is nothing to copy. What was copied is to be removed from the store;
    until then it is in both. Raises StoreDamagedError on a scene that is damaged.
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
    """What came back from a store of what was left behind: contents of scenes, and alerts."""

    contents: Sequence[str]
    alerts: Sequence[CarriedAlert]


def bring_back(path: Path, store: CodeStore, codes: NewCodes, model: HashModel) -> BroughtBack:
    """Take back what was left behind at a path, as far as there are new codes of it.

    What is in the store already is removed there. A store of which nothing is left is removed.
    """
    back: list[str] = []
    with CodeStore.open(path, writable=True, wait=True) as earlier:
        carrier = AlertCarrier(earlier, model, store.bits, codes)
        carried = [carrier.carry(alert) for alert in earlier.alerts.list()]
        contents = earlier.contents()
        for start in range(0, len(contents), GROUP):
            known, fresh = [], []
            for content in contents[start : start + GROUP]:
                record = earlier.find_scene(content)
                if store.knows(content):
                    known.append(content)
                elif record is not None and (done := codes.find(record)) is not None:
                    fresh.append(_scene(earlier, record, done.codes, codes))
            with store.transaction():
                store.add(fresh)
                store.take_paths({scene.path: scene.content for scene in fresh})
            back += [scene.content for scene in fresh]
            earlier.remove_scenes([*known, *(scene.content for scene in fresh)])
        for one in carried:
            if one.alert is not None and _take_over(store, one.alert):
                earlier.alerts.remove(one.name)
        earlier.compact()
        is_empty = not earlier.counts()[0] and not earlier.alerts.list()
    if is_empty:
        _remove(path)
    return BroughtBack(back, [one for one in carried if one.alert is not None])


def _take_over(store: CodeStore, alert: Alert) -> bool:
    """Add an alert that comes back; whether the store has it: another may have its name by now."""
    for there in store.alerts.list():
        if there.name == alert.name:
            return there.checksum() == alert.checksum()
    store.alerts.add(alert)
    return True


def _scenes(store: CodeStore, contents: Sequence[str]) -> Iterator[HashedScene]:
    for content in contents:
        found = store.read_scene(content)
        if found is not None:
            record, codes = found
            thumbnails = store.thumbnails.of_scene(record) if store.thumbnails.kept else None
            yield record.hashed(codes, thumbnails, store.vectors.read_scene(record))


def _scene(earlier: CodeStore, record: SceneRecord, codes: Codes, new: NewCodes) -> HashedScene:
    """A scene that comes back, with its new codes, where it is now."""
    thumbnails = earlier.thumbnails.of_scene(record) if earlier.thumbnails.kept else None
    done = new.find(record)
    vectors = done.vectors if done is not None else None
    if vectors is None:
        vectors = earlier.vectors.read_scene(record)
    if (place := new.places.get(record.content)) is not None:
        params = {**record.decode_params, FILE: place[1]}
        record = replace(record, path=place[0], decode_params=params)
    return record.hashed(codes, thumbnails, vectors)


def _with_rows_of(earlier: CodeStore, store: CodeStore, alert: Alert) -> Alert:
    """An alert whose stored examples are named by the rows that they have in the earlier store."""

    def renamed(source: str) -> str:
        if not source.startswith(ROW):
            return source
        row = int(source.removeprefix(ROW))
        record = store.scene_of(row)
        there = None if record is None else earlier.find_scene(record.content)
        if record is None or there is None:
            return source
        return f"{ROW}{there.first_row + row - record.first_row}"

    return replace(alert, sources=tuple(renamed(source) for source in alert.sources))


def _remove(path: Path) -> None:
    """Remove a store of which nothing is left."""
    try:
        shutil.rmtree(path)
        flush_folder(path.parent)
        if not any(path.parent.iterdir()):
            path.parent.rmdir()
    except OSError as error:
        raise StoreError(f"{path}: cannot be removed ({error.strerror})") from error
