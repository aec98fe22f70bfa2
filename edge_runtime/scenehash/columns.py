"""The columns of tiles in Parquet files: one schema for exports, archives and engines.

A row is a tile. TileTable lists the columns. It makes them from scenes, and makes scenes from them,
so a file holds the same data as a store.
"""

import itertools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from scenehash.codes import Codes
from scenehash.errors import extra_needed
from scenehash.store import HashedScene, SceneVectors
from scenehash.tiling import Window

if TYPE_CHECKING:
    import pyarrow

# The key of further facts in the schema's metadata.
LINEAGE, BITS, MODEL, FRAME = (
    f"scenehash.{name}" for name in ("lineage", "bits", "model", "frame")
)
POLYGON = "footprint"
# WKB of a polygon of one ring of five points, little-endian: the bytes before its coordinates.
_WKB_HEAD = b"\x01" + np.array([3, 1, 5], "<u4").tobytes()


@dataclass(frozen=True)
class TileTable:
    """The columns of a table of tiles: code, scene, content, x, y, width, height, time, labels and
    footprint, and the optional columns.

    lineage, bits, model: of the codes. with_rows: row, the tile's number in a store. with_reading:
    decode_params, how the scene's file becomes pixels, as JSON. frame, dims: vector, the tile's
    representation int8 [D] in that frame. with_thumbnails: thumbnail, a JPEG.
    """

    lineage: str
    bits: int
    model: str
    with_rows: bool = False
    with_reading: bool = False
    frame: str | None = None
    dims: int = 0
    with_thumbnails: bool = False

    def schema(self) -> "pyarrow.Schema":
        """The schema: a code is binary of K/8 bytes, a footprint a WKB polygon by GeoParquet 1.1.

        Raises MissingExtraError without pyarrow.
        """
        with extra_needed("parquet"):
            import pyarrow
        text = pyarrow.string()
        fields = [
            *([("row", pyarrow.int64())] if self.with_rows else []),
            ("code", pyarrow.binary(self.bits // 8)),
            ("scene", text),
            ("content", text),
            *((name, pyarrow.int32()) for name in ("x", "y", "width", "height")),
            ("time", pyarrow.timestamp("us", tz="UTC")),
            ("labels", pyarrow.list_(text)),
            (POLYGON, pyarrow.binary()),
            *([("decode_params", text)] if self.with_reading else []),
            *([("vector", pyarrow.list_(pyarrow.int8(), self.dims))] if self.frame else []),
            *([("thumbnail", pyarrow.binary())] if self.with_thumbnails else []),
        ]
        metadata = {
            "geo": json.dumps(geo_metadata()),
            LINEAGE: self.lineage,
            BITS: str(self.bits),
            MODEL: self.model,
            **({FRAME: self.frame} if self.frame else {}),
        }
        return pyarrow.schema(fields, metadata=metadata)

    def of(
        self, scenes: Sequence[HashedScene], first_rows: Sequence[int] | None = None
    ) -> "pyarrow.Table":
        """The table of the tiles of scenes, in their order.

        first_rows: for each scene the row of its first tile, where the table has rows.
        """
        schema = self.schema()
        import pyarrow

        starts = [0] * len(scenes) if first_rows is None else first_rows
        columns = {
            name: _column(name, scenes, starts, schema.field(name).type) for name in schema.names
        }
        return pyarrow.table(columns, schema=schema)


def geo_metadata() -> dict[str, Any]:
    """The metadata of footprints for GeoParquet 1.1; without "crs" they are in OGC:CRS84."""
    column = {"encoding": "WKB", "geometry_types": ["Polygon"]}
    return {"version": "1.1.0", "primary_column": POLYGON, "columns": {POLYGON: column}}


def scenes_in(table: "pyarrow.Table") -> Iterator[HashedScene]:
    """The scenes of a table with decode parameters. Consecutive rows of one content are one scene.

    Raises KeyError, ValueError and TypeError on a table that TileTable did not make.
    """
    contents = np.array(table["content"].to_pylist(), np.str_)
    starts = [0, *(np.flatnonzero(contents[1:] != contents[:-1]) + 1).tolist(), len(contents)]
    for first, last in itertools.pairwise(starts):
        if last > first:
            yield _scene(table.slice(first, last - first))


def polygons(footprints: npt.NDArray[np.float64]) -> list[bytes]:
    """Rings float64 [N, 4, 2] as WKB: little-endian, a polygon of one closed ring."""
    closed = np.concatenate([footprints, footprints[:, :1]], axis=1).astype("<f8")
    return [_WKB_HEAD + ring.tobytes() for ring in closed]


def corners(polygon: bytes) -> npt.NDArray[np.float64]:
    """The ring float64 [4, 2] of WKB from polygons(); ValueError on other WKB."""
    if not polygon.startswith(_WKB_HEAD):
        raise ValueError("a footprint that is no polygon of four corners")
    return np.frombuffer(polygon, "<f8", 10, len(_WKB_HEAD)).reshape(5, 2)[:4]


def _sides(side: str, scene: HashedScene) -> list[int]:
    return [getattr(window, side) for window in scene.windows]


# Columns in which all tiles of a scene have the same value.
_OF_SCENE: Mapping[str, Callable[[HashedScene], Any]] = {
    "scene": lambda scene: scene.path,
    "content": lambda scene: scene.content,
    "time": lambda scene: scene.time,
    "labels": lambda scene: sorted(set(scene.labels)),
    "decode_params": lambda scene: json.dumps(scene.decode_params),
}
# Columns in which each tile has its own value.
_OF_TILES: Mapping[str, Callable[[HashedScene], Sequence[Any]]] = {
    **{side: partial(_sides, side) for side in ("x", "y", "width", "height")},
    "code": lambda scene: [code.tobytes() for code in np.asarray(scene.codes)],
    POLYGON: lambda scene: (
        [None] * len(scene.windows) if scene.footprints is None else polygons(scene.footprints)
    ),
    "thumbnail": lambda scene: scene.thumbnails or [None] * len(scene.windows),
}


def _column(name: str, scenes: Sequence[HashedScene], first_rows: Sequence[int], kind: Any) -> Any:
    """A column of the tiles of scenes, by name."""
    import pyarrow

    if name in _OF_SCENE:
        own = _OF_SCENE[name]
        every = (itertools.repeat(own(scene), len(scene.windows)) for scene in scenes)
        return pyarrow.array(list(itertools.chain.from_iterable(every)), kind)
    if name in _OF_TILES:
        values = map(_OF_TILES[name], scenes)
        return pyarrow.array(list(itertools.chain.from_iterable(values)), kind)
    if name == "row":
        rows = [
            np.arange(first, first + len(scene.windows))
            for scene, first in zip(scenes, first_rows, strict=True)
        ]
        return pyarrow.array(np.concatenate([*rows, np.zeros(0, np.int64)]), kind)
    return pyarrow.chunked_array([_vector_column(scene, kind) for scene in scenes], kind)


def _vector_column(scene: HashedScene, kind: Any) -> Any:
    import pyarrow

    if scene.vectors is None:
        return pyarrow.nulls(len(scene.windows), kind)
    values = pyarrow.array(np.ascontiguousarray(scene.vectors.values).ravel())
    return pyarrow.FixedSizeListArray.from_arrays(values, type=kind)


def _scene(table: "pyarrow.Table") -> HashedScene:
    """The scene of the tiles in a table."""
    first = {
        name: table[name][0].as_py()
        for name in ("scene", "content", "time", "labels", "decode_params")
    }
    sides = zip(*(table[name].to_pylist() for name in ("x", "y", "width", "height")), strict=True)
    footprints = table[POLYGON].to_pylist()
    has_place = all(polygon is not None for polygon in footprints)
    return HashedScene(
        first["content"],
        first["scene"],
        [Window(*window) for window in sides],
        _codes(table),
        first["time"],
        np.stack([corners(polygon) for polygon in footprints]) if has_place else None,
        tuple(first["labels"]),
        json.loads(first["decode_params"]),
        _thumbnails(table),
        _vectors(table),
    )


def _codes(table: "pyarrow.Table") -> Codes:
    return np.frombuffer(b"".join(table["code"].to_pylist()), np.uint8).reshape(len(table), -1)


def _thumbnails(table: "pyarrow.Table") -> Sequence[bytes | None] | None:
    return table["thumbnail"].to_pylist() if "thumbnail" in table.column_names else None


def _vectors(table: "pyarrow.Table") -> SceneVectors | None:
    frame = (table.schema.metadata or {}).get(FRAME.encode())
    if frame is None or "vector" not in table.column_names or table["vector"].null_count:
        return None
    values = table["vector"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
    return SceneVectors(frame.decode(), values.reshape(len(table), -1).astype(np.int8))
