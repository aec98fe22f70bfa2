"""The contents of a store as plain values for JSON, for commands and the HTTP API."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from scenehash.errors import NotStoredError
from scenehash.geo import box_around

from .files.thumbnails import THUMBNAILS
from .files.vectors import VECTORS
from .reading.listing import ScenePage
from .records import SceneRecord, Tile, time_at
from .store import CodeStore

Document = dict[str, object]


def info_document(store: CodeStore) -> Document:
    """The contents of a store, and the model of its codes."""
    scenes, tiles = store.counts()
    model_file = store.model_file()
    return {
        "store": str(store.path),
        "station": store.station,
        "scenes": scenes,
        "tiles": tiles,
        "rows": store.rows,
        "deleted": store.deleted,
        "indexed": store.indexed,
        "bits": store.bits,
        "lineage": store.lineage,
        "model": store.model,
        "thumbnails": store.thumbnail_count() if store.thumbnails.kept else None,
        "thumbnail_bytes": bytes_of(store.path.glob(f"{THUMBNAILS}*")),
        "vectors": store.vector_count() if store.vectors.kept else None,
        "vector_bytes": bytes_of(store.path.glob(f"{VECTORS}*")),
        "model_file": None if model_file is None else str(model_file),
        "earlier": [one.document() for one in store.earlier()],
        "bytes": bytes_of(store.path.rglob("*")),
    }


def verify_document(store: CodeStore) -> dict[str, Any]:
    """Damaged and missing data in a store, and in the stores of earlier models in its folder."""
    scenes, tiles = store.counts()
    damage, missing, earlier = store.verify(), 0, store.earlier()
    if store.thumbnails.kept:
        missing = sum(own.count(None) for _, own in store.thumbnails_by_scene())
    for one in earlier:
        with CodeStore.open(one.path) as left:
            damage += [f"{one.path}: {line}" for line in left.verify()]
    return {
        "store": str(store.path),
        "scenes": scenes,
        "tiles": tiles,
        "damage": damage,
        "thumbnails_missing": missing,
        "vectors_missing": store.vectors_missing() if store.vectors.kept else 0,
        "earlier": [one.document() for one in earlier],
    }


def quarantine_document(store: CodeStore) -> Document:
    """The inputs that could not be ingested, each with the reason."""
    items = [item.document() for item in store.quarantine.list()]
    return {"store": str(store.path), "quarantine": items}


def scenes_document(store: CodeStore, page: ScenePage) -> Document:
    """A page of the list of scenes."""
    scenes = [scene.document() for scene in page.scenes]
    return {"store": str(store.path), "scenes": scenes, "next": page.next}


def labels_document(store: CodeStore) -> Document:
    """All labels, by name, and the number of scenes with each."""
    counts = store.label_counts()
    return {"labels": [{"label": label, "scenes": scenes} for label, scenes in counts]}


def scene_document(record: SceneRecord) -> Document:
    """A stored scene, as in a list of scenes, with the full bbox and its decode parameters."""
    box = None
    if record.footprints is not None:
        box = list(box_around(record.footprints))
    return {
        "id": record.content,
        "path": record.path,
        "time": None if record.time is None else time_text(record.time),
        "labels": list(record.labels),
        "tiles": record.tiles,
        "rows": [record.first_row, record.first_row + record.tiles - 1],
        "bbox": box,
        "reading": dict(record.decode_params),
    }


def tile_document(store: CodeStore, row: int) -> Document:
    """A stored tile; NotStoredError when the row does not exist."""
    (code,) = store.codes(np.array([row]))
    about = about_tile(row, store.tile(row))
    return {"id": store.content_of(row), **about, "code": code.tobytes().hex()}


def tiles_document(store: CodeStore, content: str, most: int, after: int | None) -> Document:
    """A page of a scene's tiles, at most this many, by row; NotStoredError when there is no scene.

    after: `next` of the last page.
    """
    record = store.find_scene(content)
    if record is None:
        raise NotStoredError(f"{store.path}: no stored scene has the id {content}")
    first = record.first_row if after is None else max(record.first_row, after + 1)
    last = min(record.first_row + record.tiles, first + most) - 1
    tiles = store.tiles(range(first, last + 1))
    following = last if last + 1 < record.first_row + record.tiles else None
    return {
        "id": content,
        "tiles": [about_tile(row, tile) for row, tile in sorted(tiles.items())],
        "next": following,
    }


def about_tile(row: int, tile: Tile) -> Document:
    """A tile without its code, as plain values."""
    window = tile.window
    return {
        "row": row,
        "scene": tile.scene,
        "window": [window.x, window.y, window.width, window.height],
        "time": None if tile.time is None else tile.time.isoformat(),
        "footprint": tile.footprint,
        "labels": list(tile.labels),
    }


def time_text(time: float) -> str:
    """Seconds since 1970 as ISO 8601, UTC."""
    return time_at(time).isoformat()


def bytes_of(paths: Iterable[Path]) -> int:
    """The total size of files in bytes; a file that disappears counts as 0."""
    total = 0
    for path in paths:
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:
            continue
    return total
