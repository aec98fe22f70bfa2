"""A store as a static STAC catalogue: a collection, an item per scene, and one for the model.

Source: the specification of STAC 1.1.0; the model by the extension MLM, the codes by the proposal
for embeddings (github.com/geo-embeddings/embeddings-stac-specification).
"""

import json
import os
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from scenehash.errors import InputError, StoreError
from scenehash.files import PARTIAL, check_output
from scenehash.geo import Floats, bounding_boxes, box_around
from scenehash.store import CodeStore, SceneRecord

from .geojson import polygon
from .geoparquet import embedding_metadata, write_geoparquet

if TYPE_CHECKING:
    from scenehash.model.card import Card

VERSION = "1.1.0"
MLM = "https://stac-extensions.github.io/mlm/v1.4.0/schema.json"
# STAC's fields for an item with an unknown time.
ALWAYS = {
    "datetime": None,
    "start_datetime": "1900-01-01T00:00:00Z",
    "end_datetime": "9999-12-31T23:59:59Z",
}
COLLECTION, MODEL, TILES = "collection.json", "model.json", "tiles.parquet"

# Characters that a path may have and a link may not.
_MEANING = re.compile(r"[%?#\x00-\x1f\x7f]")

Document = dict[str, Any]


def write_catalog(store: CodeStore, folder: Path) -> int:
    """Write a catalogue of a store to a new folder; returns the number of its tiles.

    collection.json; model.json, the model by the extension MLM; items/ with one item for each
    scene: its footprint and time, its file, and a thumbnail of its middle tile if the store keeps
    thumbnails; tiles.parquet, all codes (write_geoparquet). The folder appears complete or not at
    all. Raises InputError when it cannot be written there, StoreError when the disk fails or a
    scene is damaged, MissingExtraError without pyarrow.
    """
    if folder.exists():
        raise InputError("it exists already; give the name of a new folder", folder)
    check_output(folder, outside=store.path)
    partial = folder.with_name(f".{folder.name}.{os.getpid()}{PARTIAL}")
    try:
        partial.mkdir()
        tiles = _write_all(store, partial, folder.name)
        partial.rename(folder)
    except OSError as error:
        raise StoreError(f"{folder}: cannot be written ({error.strerror or error})") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return tiles


def _write_all(store: CodeStore, folder: Path, name: str) -> int:
    card = _card(store)
    tiles = write_geoparquet(store, folder / TILES)
    extent, times, links = _Extent(), [], []
    for record, _ in store.scenes():
        item = _item(store, record, folder, name)
        path = Path("items", record.content[:2], f"{record.content}.json")
        _write(folder / path, item)
        links.append(_link("item", f"./{path}", "application/geo+json"))
        extent.add(record)
        times += [] if record.time is None else [record.time]
    _write(folder / MODEL, _model(store, card, name))
    _write(folder / COLLECTION, _collection(store, card, name, extent, times, links))
    return tiles


def _collection(
    store: CodeStore,
    card: "Card | None",
    name: str,
    extent: "_Extent",
    times: list[float],
    items: list[Document],
) -> Document:
    interval = [_time(min(times)), _time(max(times))] if times else [None, None]
    labels = [label for label, _ in store.label_counts()]
    return {
        "type": "Collection",
        "stac_version": VERSION,
        "id": name,
        "description": f"Scenes of a scenehash store, with {store.bits}-bit codes of their tiles "
        f"by the model {store.model} (lineage {store.lineage}).",
        "license": "other",
        "extent": {"spatial": {"bbox": [extent.box()]}, "temporal": {"interval": [interval]}},
        # A summary of no labels is none: STAC has no empty ones.
        "summaries": {"labels": labels} if labels else {},
        **embedding_metadata(store),
        "links": [
            _link("root", f"./{COLLECTION}", "application/json"),
            _link("item", f"./{MODEL}", "application/geo+json"),
            _link("emb:model", f"./{MODEL}", "application/geo+json"),
            _link("emb:source-data", f"./{COLLECTION}", "application/json"),
            *items,
        ],
        "assets": {
            "tiles": {
                "href": f"./{TILES}",
                "type": "application/vnd.apache.parquet",
                "title": "Codes and footprints of all tiles",
                "roles": ["data"],
            }
        },
        **({} if card is None else {"emb:runtime_parameters": {"tile_size": card.tile_size}}),
    }


def _item(store: CodeStore, record: SceneRecord, folder: Path, collection: str) -> Document:
    place = _place(record)
    assets: Document = {
        "scene": {"href": _href(record.path), "title": "The scene", "roles": ["data"]}
    }
    if store.thumbnails.kept:
        pictures = store.thumbnails.of_scene(record)
        picture = pictures[len(pictures) // 2]
        if picture is not None:
            path = folder / "thumbnails" / record.content[:2] / f"{record.content}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(picture)
            assets["thumbnail"] = {
                "href": f"../../thumbnails/{record.content[:2]}/{record.content}.jpg",
                "type": "image/jpeg",
                "roles": ["thumbnail"],
            }
    known = {"datetime": None if record.time is None else _time(record.time)}
    return {
        "type": "Feature",
        "stac_version": VERSION,
        "id": record.content,
        "collection": collection,
        **place,
        "properties": {
            **(ALWAYS if record.time is None else known),
            "labels": list(record.labels),
            "scenehash:tiles": record.tiles,
            "scenehash:rows": [record.first_row, record.first_row + record.tiles - 1],
        },
        "links": _links("../../"),
        "assets": assets,
    }


def _model(store: CodeStore, card: "Card | None", collection: str) -> Document:
    """The model as an item; if the store keeps no model file, with the store's facts about it."""
    side = 256 if card is None else card.tile_size
    size = [-1, side, side, 3]
    properties: Document = {
        **ALWAYS,
        "description": "A hash network: a tile of three bands to a binary code.",
        "mlm:name": store.model,
        "mlm:architecture": "unknown" if card is None else card.backbone,
        "mlm:tasks": ["similarity-search"],
        "mlm:framework": "ONNX",
        "mlm:input": [
            {
                "name": "tiles",
                "bands": ["red", "green", "blue"],
                "input": {
                    "shape": size,
                    "dim_order": ["batch", "height", "width", "channel"],
                    "data_type": "uint8",
                },
            }
        ],
        "mlm:output": [
            {
                "name": "codes",
                "tasks": ["similarity-search"],
                "result": {
                    "shape": [-1, store.bits // 8],
                    "dim_order": ["batch", "code"],
                    "data_type": "uint8",
                },
                "description": f"{store.bits} bits, 8 a byte, the first bit the highest",
            }
        ],
        "scenehash:lineage": store.lineage,
    }
    file = store.model_file()
    assets: Document = {}
    if card is not None and file is not None:
        properties["scenehash:licence"] = card.licence
        assets["model"] = {
            "href": file.as_posix(),
            "type": "application/octet-stream; application=onnx",
            "roles": ["mlm:model"],
            "mlm:artifact_type": "onnx",
        }
    return {
        "type": "Feature",
        "stac_version": VERSION,
        "stac_extensions": [MLM],
        "id": f"model-{store.lineage}",
        "collection": collection,
        "geometry": None,
        "properties": properties,
        "links": _links("./"),
        "assets": assets,
    }


def _card(store: CodeStore) -> "Card | None":
    file = store.model_file()
    if file is None:
        return None
    from scenehash.model.reading import read_card

    return read_card(file)


def _place(record: SceneRecord) -> Document:
    """Geometry and bbox of a scene: the convex hull of its tiles, cut at the antimeridian.

    For a scene around a pole, or around half the Earth, the geometry is its box.
    """
    if record.footprints is None:
        return {"geometry": None}
    box = box_around(record.footprints)
    width = box.east - box.west + 360 * (box.east < box.west)
    corners = record.footprints.reshape(-1, 2)
    # Longitudes that go on past 180, so that a scene across the antimeridian is in one piece.
    middle = box.west + width / 2, (box.south + box.north) / 2
    places = np.column_stack([(corners[:, 0] - middle[0] + 180) % 360 - 180, corners[:, 1]])
    # Small numbers, since OpenCV has 32-bit floats.
    small = (places - [0.0, middle[1]]).astype(np.float32)
    hull = cv2.convexHull(small, returnPoints=False).ravel()
    if width < 180 and len(hull) > 2:
        ring = [(middle[0] + float(x), float(y)) for x, y in places[hull]]
    else:
        # Steps of less than half the Earth tell which way the ring goes.
        steps = [box.west + width * step / 3 for step in range(4)]
        ring = [(x, box.south) for x in steps] + [(x, box.north) for x in steps[::-1]]
    return {"geometry": polygon(ring), "bbox": list(box)}


class _Extent:
    """A bounding box of scenes; it has all longitudes if a scene crosses the antimeridian."""

    def __init__(self) -> None:
        self._sides: list[Floats] = []

    def add(self, record: SceneRecord) -> None:
        if record.footprints is not None:
            boxes = bounding_boxes(record.footprints)
            crossing = boxes[:, 0] > boxes[:, 2]
            boxes[crossing, 0], boxes[crossing, 2] = -180.0, 180.0
            self._sides.append(np.concatenate([boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)]))

    def box(self) -> list[float]:
        """West, south, east, north; the whole Earth if no scene is georeferenced."""
        if not self._sides:
            return [-180.0, -90.0, 180.0, 90.0]
        sides = np.stack(self._sides)
        box = np.concatenate([sides[:, :2].min(axis=0), sides[:, 2:].max(axis=0)])
        return [float(side) for side in box]


def _href(path: str) -> str:
    """A path as a link, in which some characters have a meaning; others stay, for readers that take
    it for a path."""
    return _MEANING.sub(lambda found: f"%{ord(found[0]):02X}", Path(path).as_posix())


def _links(up: str) -> list[Document]:
    collection = f"{up}{COLLECTION}"
    return [_link(rel, collection, "application/json") for rel in ("root", "parent", "collection")]


def _link(rel: str, href: str, kind: str) -> Document:
    return {"rel": rel, "href": href, "type": kind}


def _time(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).isoformat().replace("+00:00", "Z")


def _write(path: Path, document: Document) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", "utf-8")
