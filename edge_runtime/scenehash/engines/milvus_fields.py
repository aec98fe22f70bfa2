"""The fields of the collections in Milvus, their values, and conditions on them.

Texts for filters are stored as hashes, of one length and one alphabet.
"""

import base64
import hashlib
import json
import zlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from .backend import Conditions, Document
from .tiles import EngineMark, EngineScene, EngineTiles, Span, StoredTile, span_of

# Bytes of a text field.
LONGEST = 65_535
MOST_LABELS = 1024
# What a document begins with that is no JSON as it is.
COMPRESSED = "zlib:"
HASH = 16
# The time of a scene without one: no filter matches it.
NEVER = -1e300
SIDES = ("west", "south", "east", "north")


class Field(NamedTuple):
    """A field of a collection: its name, its type, and its options."""

    name: str
    kind: Any
    settings: dict[str, Any]


def catalog_fields() -> list[Field]:
    """The fields of the collection of documents."""
    from pymilvus import DataType

    return [
        Field("key", DataType.VARCHAR, {"is_primary": True, "max_length": 256}),
        Field("document", DataType.VARCHAR, {"max_length": LONGEST}),
        # Every collection of Milvus needs a vector.
        Field("vector", DataType.BINARY_VECTOR, {"dim": 8}),
    ]


def scene_fields() -> list[Field]:
    """The fields of a collection of scenes."""
    from pymilvus import DataType

    hashed = {"max_length": HASH}
    return [
        Field("number", DataType.INT64, {"is_primary": True}),
        Field("tiles", DataType.INT64, {}),
        *(Field(name, DataType.VARCHAR, hashed) for name in ("seal", "path", "file")),
        Field("document", DataType.VARCHAR, {"max_length": LONGEST}),
        Field("vector", DataType.BINARY_VECTOR, {"dim": 8}),
    ]


def tile_fields(bits: int) -> list[Field]:
    """The fields of a collection of tiles with codes of so many bits."""
    from pymilvus import DataType

    labels = {"element_type": DataType.VARCHAR, "max_capacity": MOST_LABELS, "max_length": HASH}
    return [
        Field("number", DataType.INT64, {"is_primary": True}),
        Field("scene", DataType.INT64, {}),
        *(Field(name, DataType.DOUBLE, {}) for name in ("time", *SIDES)),
        Field("labels", DataType.ARRAY, labels),
        Field("place", DataType.VARCHAR, {"max_length": 128}),
        Field("code", DataType.BINARY_VECTOR, {"dim": bits}),
    ]


def scene_columns(scenes: Sequence[EngineScene]) -> dict[str, list[Any]]:
    """The values of scenes, by field."""
    return {
        "number": [scene.mark.first for scene in scenes],
        "tiles": [scene.mark.tiles for scene in scenes],
        "seal": [scene.mark.seal for scene in scenes],
        "path": [hash_of(scene.path) for scene in scenes],
        "file": [hash_of(scene.path.rpartition("/")[2]) for scene in scenes],
        "document": [json.dumps(_facts(scene), ensure_ascii=False) for scene in scenes],
        "vector": [b"\0"] * len(scenes),
    }


def _facts(scene: EngineScene) -> dict[str, Any]:
    return {
        "content": scene.content,
        "path": scene.path,
        "time": scene.time,
        "labels": scene.labels,
        "decode_params": scene.decode_params,
    }


def tile_columns(scenes: Sequence[EngineTiles]) -> dict[str, list[Any]]:
    """The values of the tiles of scenes, by field."""

    def each(value: Callable[[EngineScene], Any]) -> list[Any]:
        return [own for tiles in scenes for own in [value(tiles.scene)] * len(tiles)]

    boxes = np.concatenate([tiles.boxes for tiles in scenes]).T.tolist()
    return {
        "number": np.concatenate([tiles.numbers for tiles in scenes]).tolist(),
        "scene": each(lambda scene: scene.mark.first),
        "time": each(lambda scene: NEVER if scene.time is None else scene.time),
        **dict(zip(SIDES, boxes, strict=True)),
        "labels": each(lambda scene: [hash_of(label) for label in scene.labels]),
        "place": [base64.b64encode(own).decode() for tiles in scenes for own in tiles.places],
        "code": [own.tobytes() for tiles in scenes for own in tiles.codes],
    }


def text_of(document: Document) -> str:
    """A document as a text; a long one, as of a station with thousands of labels, compressed."""
    text = json.dumps(document)
    if len(text) <= LONGEST:
        return text
    return COMPRESSED + base64.b64encode(zlib.compress(text.encode(), 9)).decode()


def document_of(text: str) -> Document:
    """The document in a text from text_of."""
    if text.startswith(COMPRESSED):
        text = zlib.decompress(base64.b64decode(text.removeprefix(COMPRESSED))).decode()
    found: Document = json.loads(text)
    return found


def scene_of(found: dict[str, Any]) -> EngineScene:
    """The scene in a row with number, tiles, seal and document."""
    facts = json.loads(found["document"])
    return EngineScene(
        EngineMark(found["number"], found["tiles"], found["seal"]),
        facts["content"],
        facts["path"],
        facts["time"],
        tuple(facts["labels"]),
        facts["decode_params"],
    )


def stored_tile(found: dict[str, Any]) -> StoredTile:
    """The tile in a row with scene, place and code."""
    code = found["code"]
    # A query gives the bytes of a vector in a list.
    data = bytes(code[0] if isinstance(code, list) else code)
    return StoredTile(found["scene"], base64.b64decode(found["place"]), data)


def hash_of(text: str) -> str:
    """The hash of a text, for filters."""
    return hashlib.blake2b(text.encode(), digest_size=HASH // 2).hexdigest()


def condition_of(where: Conditions, span: Span | None) -> str:
    """Conditions in Milvus's language; "" if there are none."""
    parts: list[str] = []
    if span is not None:
        parts.append(between(span))
    if not where.all_stations or where.after is not None:
        after = 0 if where.after is None else where.after + 1
        spans = (span_of(own, after) for own in where.stations)
        parts.append(" or ".join(between(own) for own in spans))
    if where.scenes is not None:
        parts.append(f"scene in {list(where.scenes)}")
    if where.others:
        parts.append(f"scene not in {list(where.others)}")
    if where.since is not None:
        parts.append(f"time >= {where.since!r}")
    if where.until is not None:
        parts.append(f"time <= {where.until!r} and time > {NEVER!r}")
    if where.label is not None:
        parts.append(f'array_contains(labels, "{hash_of(where.label)}")')
    if where.boxes:
        parts.append(" or ".join(_meeting(*box) for box in where.boxes))
    return " and ".join(f"({part})" for part in parts)


def _meeting(west: float, south: float, east: float, north: float) -> str:
    """The condition that a tile's box meets a box within the antimeridian, as
    scenehash.geo.meeting.
    """
    after, before = f"east >= {west!r}", f"west <= {east!r}"
    across = f"(west > east and ({after} or {before}))"
    beside = f"(west <= east and {after} and {before})"
    return f"(({beside} or {across}) and south <= {north!r} and north >= {south!r})"


def between(span: Span) -> str:
    """The condition that a number is in a range."""
    return f"(number >= {span.low} and number < {span.high})"
