"""A store as GeoParquet 1.1: places near each other on the Earth are near in the file.

Readers can skip distant parts. Source: https://geoparquet.org/releases/v1.1.0/; the embeddings'
metadata follows the STAC embeddings proposal,
github.com/geo-embeddings/embeddings-stac-specification.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from scenehash.codes import Codes
from scenehash.columns import POLYGON, TileTable, geo_metadata
from scenehash.errors import StoreDamagedError
from scenehash.geo import Box, Floats, bounding_boxes, wrapped
from scenehash.store import CodeStore, SceneRecord

from .geojson import polygon
from .hilbert import hilbert_keys

if TYPE_CHECKING:
    import pyarrow

# A reader that wants 1 % of a large file reads little more than that.
TILES_A_GROUP = 1 << 14
SCENES_READ = 1000
BOX = "bbox"
SIDES = ("xmin", "ymin", "xmax", "ymax")

Stored = tuple[SceneRecord, Codes]


def write_geoparquet(store: CodeStore, path: Path) -> int:
    """Write all tiles of a store; returns their number.

    Scenes are in the order of a Hilbert curve, and so are the tiles of each; those without a
    footprint come last. Raises StoreDamagedError on a damaged scene, MissingExtraError without
    pyarrow.
    """
    columns = TileTable(store.lineage, store.bits, store.model, with_rows=True)
    marks = list(store.scene_marks())
    boxes = [store.box_around(mark) for mark in marks]
    schema = _schema(columns, store, boxes)
    from pyarrow import parquet

    order = _along_the_curve(boxes)
    rows = [marks[number].first_row for number in order.tolist()]
    tiles = 0
    with parquet.ParquetWriter(path, schema, compression="zstd", write_page_index=True) as writer:
        for group in _groups(_scenes(store, rows)):
            table = _table(columns, schema, group)
            writer.write_table(table, row_group_size=TILES_A_GROUP)
            tiles += len(table)
    return tiles


def embedding_metadata(store: CodeStore) -> dict[str, Any]:
    """The metadata of the STAC embeddings proposal for the codes of a store, by field."""
    return {
        "emb:type": "chip",
        "emb:dimensions": store.bits,
        "data_type": "uint8",
        "emb:quantization": {
            "method": "sign, packed 8 a byte, first bit highest",
            "original_dtype": "float32",
            "quantized_dtype": "uint8",
        },
        "emb:fit_for_use": ["retrieval", "similarity_search"],
        "emb:temporal_resolution": "single_acquisition",
    }


def _schema(columns: TileTable, store: CodeStore, boxes: Sequence[Box | None]) -> "pyarrow.Schema":
    schema = columns.schema()
    import pyarrow

    box = pyarrow.struct([(side, pyarrow.float64()) for side in SIDES])
    metadata = {**schema.metadata, b"geo": json.dumps(_geo(boxes)).encode()}
    for name, value in embedding_metadata(store).items():
        metadata[name.encode()] = json.dumps(value).encode()
    return schema.append(pyarrow.field(BOX, box)).with_metadata(metadata)


def _geo(boxes: Sequence[Box | None]) -> dict[str, Any]:
    """The metadata of footprints in the bounding boxes of scenes."""
    found = geo_metadata()
    column = found["columns"][POLYGON]
    column["geometry_types"] = ["Polygon", "MultiPolygon"]
    column["covering"] = {"bbox": {side: [BOX, side] for side in SIDES}}
    placed = [box for box in boxes if box is not None]
    if placed:
        crossing = any(box.west > box.east for box in placed)
        column["bbox"] = [
            -180.0 if crossing else min(box.west for box in placed),
            min(box.south for box in placed),
            180.0 if crossing else max(box.east for box in placed),
            max(box.north for box in placed),
        ]
    return found


def _along_the_curve(boxes: Sequence[Box | None]) -> npt.NDArray[np.int64]:
    """The order int64 [N] of scenes in boxes."""
    sides = np.array([(np.nan,) * 4 if box is None else box for box in boxes]).reshape(-1, 4)
    west, south, east, north = sides.T
    middle = west + ((east - west) % 360) / 2
    return np.argsort(hilbert_keys(wrapped(middle), (south + north) / 2), kind="stable")


def _scenes(store: CodeStore, rows: Sequence[int]) -> Iterator[Stored]:
    """The scenes that begin in rows, in that order."""
    for start in range(0, len(rows), SCENES_READ):
        for found in store.scenes_from(rows[start : start + SCENES_READ]):
            if isinstance(found, StoreDamagedError):
                raise found
            yield found


def _groups(scenes: Iterable[Stored]) -> Iterator[list[Stored]]:
    """Consecutive scenes with the tiles of at least a row group."""
    group: list[Stored] = []
    tiles = 0
    for record, codes in scenes:
        group.append((record, codes))
        tiles += record.tiles
        if tiles >= TILES_A_GROUP:
            yield group
            group, tiles = [], 0
    if group:
        yield group


def _table(
    columns: TileTable, schema: "pyarrow.Schema", group: Sequence[Stored]
) -> "pyarrow.Table":
    """The tiles of scenes, along the curve within each scene."""
    import pyarrow

    records = [record for record, _ in group]
    hashed = [record.hashed(codes) for record, codes in group]
    table = columns.of(hashed, [record.first_row for record in records])
    counts = [record.tiles for record in records]
    placed = np.repeat([record.footprints is not None for record in records], counts)
    boxes = np.full((len(table), 4), np.nan)
    found = [record.footprints for record in records if record.footprints is not None]
    if found:
        footprints = np.concatenate(found)
        boxes[placed] = _boxes(footprints)
        crossing = np.flatnonzero(np.ptp(footprints[..., 0], axis=1) > 180).tolist()
        if crossing:
            rows = np.flatnonzero(placed)
            table = _cut(table, {int(rows[at]): footprints[at] for at in crossing})
    sides = [pyarrow.array(boxes[:, number]) for number in range(4)]
    mask = pyarrow.array(~placed)
    table = table.append_column(BOX, pyarrow.StructArray.from_arrays(sides, SIDES, mask=mask))
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2
    keys = hilbert_keys(middles[:, 0], middles[:, 1])
    order = np.lexsort((keys, np.repeat(np.arange(len(group)), counts)))
    return table.take(pyarrow.array(order)).cast(schema)


def _boxes(footprints: Floats) -> Floats:
    """Boxes float64 [T, 4] with xmin <= xmax: of all longitudes across the antimeridian, since
    readers skip by least and greatest values alone."""
    boxes = bounding_boxes(footprints)
    crossing = boxes[:, 0] > boxes[:, 2]
    boxes[crossing, 0], boxes[crossing, 2] = -180.0, 180.0
    return boxes


def _cut(table: "pyarrow.Table", crossing: Mapping[int, Floats]) -> "pyarrow.Table":
    """The table with rings float64 [4, 2], by row, cut at the antimeridian (RFC 7946, 3.1.9)."""
    import pyarrow

    shapes = table[POLYGON].to_pylist()
    for row, ring in crossing.items():
        found = polygon([(float(x), float(y)) for x, y in ring])
        if found["type"] == "MultiPolygon":
            pieces = [_wkb_polygon(piece[0]) for piece in found["coordinates"]]
            head = b"\x01" + np.array([6, len(pieces)], "<u4").tobytes()
            shapes[row] = head + b"".join(pieces)
        elif found["coordinates"]:
            shapes[row] = _wkb_polygon(found["coordinates"][0])
    at = table.schema.get_field_index(POLYGON)
    return table.set_column(at, POLYGON, pyarrow.array(shapes, table.schema.field(at).type))


def _wkb_polygon(ring: list[tuple[float, float]]) -> bytes:
    head = b"\x01" + np.array([3, 1, len(ring)], "<u4").tobytes()
    return head + np.array(ring, "<f8").tobytes()
