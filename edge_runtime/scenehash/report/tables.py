"""A whole store as one file for other programs: GeoParquet, or numpy's npz."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from scenehash.errors import StoreError
from scenehash.files import atomic_path, check_output
from scenehash.store import CodeStore, SceneRecord

from .geojson import feature, write_geojson
from .geoparquet import write_geoparquet


def write_table(store: CodeStore, path: Path) -> int:
    """Write all tiles of a store to a .parquet, .npz or .geojson file; returns their number.

    Parquet has one row per tile, in the order of a Hilbert curve: row, code, scene, content, x, y,
    width, height, time, labels, footprint and bbox; code is fixed-size binary of K/8 bytes,
    footprint a WKB polygon by GeoParquet 1.1 in OGC:CRS84, cut in two at the antimeridian, bbox its
    covering; lineage, bits, model and the STAC embeddings' fields are in the file's metadata. npz
    has arrays for the N tiles: row int64, code uint8 [N, K/8], window int64 [N, 4], footprint
    float64 [N, 4, 2] and scene int64, an index into the arrays for the scenes: scene_path,
    scene_content, scene_time (seconds since 1970, UTC) and scene_labels (JSON); unknown values are
    NaN. GeoJSON has a feature per tile, without its code. The file appears complete or not at all.
    Raises InputError when it cannot be written there, StoreError when its name has no known ending,
    the disk fails or a scene is damaged, MissingExtraError without pyarrow.
    """
    writers = {".parquet": write_geoparquet, ".npz": _write_npz, ".geojson": _write_geojson}
    if path.suffix not in writers:
        raise StoreError(
            f"{path}: the name must end in {' or '.join(writers)}; one without an ending is the "
            "folder of a STAC catalogue"
        )
    check_output(path, outside=store.path)
    try:
        with atomic_path(path) as partial:
            return writers[path.suffix](store, partial)
    except OSError as error:
        raise StoreError(f"{path}: cannot be written ({error.strerror or error})") from error


def _write_npz(store: CodeStore, path: Path) -> int:
    scenes = list(store.scenes())
    records = [record for record, _ in scenes]
    counts = [record.tiles for record in records]
    arrays: dict[str, Any] = {
        "row": _joined([_rows(record) for record in records], np.int64, ()),
        "code": _joined([codes for _, codes in scenes], np.uint8, (store.bits // 8,)),
        "window": _joined([record.windows for record in records], np.int64, (4,)),
        "footprint": _joined([_corners(record) for record in records], np.float64, (4, 2)),
        "scene": np.repeat(np.arange(len(records)), counts),
        "scene_path": np.array([record.path for record in records], np.str_),
        "scene_content": np.array([record.content for record in records], np.str_),
        "scene_time": np.array([record.time for record in records], np.float64),
        "scene_labels": np.array([json.dumps(record.labels) for record in records], np.str_),
        "lineage": np.array(store.lineage),
        "bits": np.array(store.bits),
    }
    with path.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)
    return sum(counts)


def _write_geojson(store: CodeStore, path: Path) -> int:
    features = []
    for record, _ in store.scenes():
        places = [None] * record.tiles if record.footprints is None else record.footprints.tolist()
        time = None
        if record.time is not None:
            time = datetime.fromtimestamp(record.time, UTC).isoformat()
        for row, window, place in zip(_rows(record), record.windows.tolist(), places, strict=True):
            ring = None if place is None else [(corner[0], corner[1]) for corner in place]
            features.append(
                feature(
                    ring,
                    row=int(row),
                    scene=record.path,
                    window=window,
                    time=time,
                    labels=list(record.labels),
                )
            )
    write_geojson(path, features)
    return len(features)


def _corners(record: SceneRecord) -> np.ndarray[Any, np.dtype[np.float64]]:
    if record.footprints is None:
        return np.full((record.tiles, 4, 2), np.nan)
    return record.footprints


def _rows(record: SceneRecord) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.arange(record.first_row, record.first_row + record.tiles)


def _joined(
    parts: list[np.ndarray[Any, Any]], dtype: type, shape: tuple[int, ...]
) -> np.ndarray[Any, Any]:
    return np.concatenate([np.empty((0, *shape), dtype), *parts])
