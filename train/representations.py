"""Phase one: the backbone's representation of every image and view, extracted once.

Extraction runs in ONNX Runtime, which is several times faster than PyTorch on a CPU. Results are
kept in an SQLite file a backbone and tile size, keyed by an image's content and the view, so that
an interrupted extraction goes on where it stopped and a second run extracts nothing.
"""

import contextlib
import os
import sqlite3
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime
from torch import nn

from edge_runtime.console import progress
from edge_runtime.errors import ScenehashError
from edge_runtime.tiles import Image, read_image, to_tile

from .backbones import Backbone
from .data import LabelledImage
from .lowering import lower

# A view is a quarter turn (0-3), mirrored when 4 is added: nadir images have no up.
VIEWS = 8
PLAIN = (0,)
ALL_VIEWS = tuple(range(VIEWS))
BATCH = 16

Representations = npt.NDArray[np.float32]


def turned(tile: Image, view: int) -> Image:
    """A tile [S, S, 3] in one of its 8 views."""
    mirrored = tile[:, ::-1] if view >= 4 else tile
    return np.ascontiguousarray(np.rot90(mirrored, view % 4))


def represent(
    images: Sequence[LabelledImage],
    backbone: Backbone,
    tile_size: int,
    views: Sequence[int],
    folder: Path | None = None,
) -> Representations:
    """The representations float32 [N, V, D] of N images in V views.

    folder: where they are kept; by default $SCENEHASH_CACHE, or ~/.cache/scenehash. Values are
    kept as float16. Raises ScenehashError when the folder cannot be used.
    """
    folder = cache_folder() if folder is None else folder
    with _Cache(folder / f"{backbone.identity}-{tile_size}.sqlite", backbone.width) as cache:
        missing = cache.missing(images, views)
        if missing:
            with progress(len(missing) * len(views), "represent") as advance:
                extractor = _Extractor(backbone, tile_size)
                for group, found in extractor.run(missing, views):
                    cache.put(group, views, found)
                    advance(len(group) * len(views))
        return cache.get(images, views)


def cache_folder() -> Path:
    """Where representations are kept between runs."""
    home = os.environ.get("SCENEHASH_CACHE")
    return Path(home) if home else Path.home() / ".cache" / "scenehash"


class _Extractor:
    def __init__(self, backbone: Backbone, tile_size: int) -> None:
        self._tile_size = tile_size
        network = backbone.with_head(nn.Identity())
        model = lower(network, tile_size, ["representation"])
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = os.cpu_count() or 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )

    def run(
        self, images: Sequence[LabelledImage], views: Sequence[int]
    ) -> Iterator[tuple[Sequence[LabelledImage], Representations]]:
        """Groups of images with their representations [G, V, D], reading one group ahead."""
        groups = [images[start : start + BATCH] for start in range(0, len(images), BATCH)]
        with ThreadPoolExecutor(max_workers=1) as reader:
            ahead = reader.submit(self._tiles, groups[0])
            for number, group in enumerate(groups):
                tiles = ahead.result()
                if number + 1 < len(groups):
                    ahead = reader.submit(self._tiles, groups[number + 1])
                found = [
                    self._session.run(None, {"tiles": np.stack([turned(t, view) for t in tiles])})[
                        0
                    ]
                    for view in views
                ]
                yield group, np.stack(found, axis=1)

    def _tiles(self, images: Sequence[LabelledImage]) -> list[Image]:
        return [to_tile(read_image(image.path), self._tile_size) for image in images]


class _Cache:
    def __init__(self, path: Path, width: int) -> None:
        self._path = path
        self._width = width

    def __enter__(self) -> "_Cache":
        with self._guard():
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(self._path, timeout=60)
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute(
                "CREATE TABLE IF NOT EXISTS representation (content TEXT, view INTEGER, "
                "vector BLOB NOT NULL, PRIMARY KEY (content, view)) WITHOUT ROWID"
            )
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def missing(self, images: Sequence[LabelledImage], views: Sequence[int]) -> list[LabelledImage]:
        """The images, each content once, that lack one of the views."""
        with self._guard():
            query = "SELECT content, view FROM representation"
            kept = set(self._connection.execute(query).fetchall())
        wanted = {image.content: image for image in images}
        return [
            image
            for content, image in wanted.items()
            if any((content, view) not in kept for view in views)
        ]

    def put(
        self, images: Sequence[LabelledImage], views: Sequence[int], found: Representations
    ) -> None:
        """Keep representations [G, V, D] of images; committed when this returns."""
        rows = (
            (image.content, view, vector.astype(np.float16).tobytes())
            for image, vectors in zip(images, found, strict=True)
            for view, vector in zip(views, vectors, strict=True)
        )
        with self._guard(), self._connection:
            self._connection.executemany(
                "INSERT OR REPLACE INTO representation VALUES (?, ?, ?)", rows
            )

    def get(self, images: Sequence[LabelledImage], views: Sequence[int]) -> Representations:
        """The representations float32 [N, V, D] of images that lack none."""
        result = np.empty((len(images), len(views), self._width), np.float32)
        query = "SELECT vector FROM representation WHERE content = ? AND view = ?"
        with self._guard():
            for number, image in enumerate(images):
                for position, view in enumerate(views):
                    found = self._connection.execute(query, (image.content, view)).fetchone()
                    result[number, position] = np.frombuffer(found[0], np.float16)
        return result

    @contextlib.contextmanager
    def _guard(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise ScenehashError(
                f"{self._path}: the cache of representations cannot be used ({error}); "
                "delete the file, or set SCENEHASH_CACHE to another folder"
            ) from error
