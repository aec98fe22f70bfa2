"""Changes of a stored scene that keep its tiles: path, labels, the state of its file."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

from scenehash.errors import StoreDamagedError

from ..catalog.catalog import Catalog
from ..catalog.entry import read_record
from ..records import FILE, SceneRecord


def add_labels(catalog: Catalog, number: int, labels: Sequence[str]) -> bool:
    """Add labels to a scene by its number; returns whether any was new."""
    return change_labels(catalog, number, read_record(catalog, number), labels)


def change_labels(
    catalog: Catalog, number: int, record: SceneRecord, labels: Sequence[str], remove: bool = False
) -> bool:
    """Add labels to a scene, or remove them; returns whether any changed."""
    before = set(record.labels)
    after = before - set(labels) if remove else before | set(labels)
    if after == before:
        return False
    catalog.scenes.rewrite(number, replace(record, labels=tuple(sorted(after))))
    return True


def update_scene(
    catalog: Catalog,
    content: str,
    path: str | None,
    labels: Sequence[str],
    file: Mapping[str, object] | None,
    without: Sequence[str] = (),
) -> bool:
    """See CodeStore.update_scene."""
    number = catalog.scenes.find([content]).get(content)
    if number is None:
        return False
    record = read_record(catalog, number)
    changed = replace(
        record,
        path=record.path if path is None else path,
        labels=tuple(sorted({*record.labels, *labels} - set(without))),
        decode_params={**record.decode_params, **({} if file is None else {FILE: file})},
    )
    catalog.scenes.rewrite(number, changed)
    return True


def mark_replaced(catalog: Catalog, contents: Mapping[str, str]) -> None:
    """Mark the scenes whose paths now have other files; see CodeStore.take_paths."""
    for path, there in catalog.scenes.contents_at(list(contents)).items():
        if len(there) == 1:
            continue
        records = {}
        for content, number in catalog.scenes.find(there).items():
            with contextlib.suppress(StoreDamagedError):
                records[content] = number, read_record(catalog, number)
        now = records.pop(contents[path], None)
        for number, record in records.values():
            if now is None or not record.is_of_the_file_of(now[1]):
                catalog.scenes.rewrite(number, record.replaced())
