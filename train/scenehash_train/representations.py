"""Phase one: the backbone's representation of every image and view, computed once.

It runs in ONNX Runtime, which is several times faster than PyTorch on a CPU. Results are cached in
one SQLite file per backbone and tile size, keyed by image content and view: an interrupted run
continues where it stopped, and a second run computes nothing.
"""

import contextlib
import json
import os
import sqlite3
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import numpy as np
import numpy.typing as npt
from torch import nn

from scenehash.decode_params import DecodeParams
from scenehash.errors import ScenehashError
from scenehash.progress import SILENT, Progress
from scenehash.scenes import content_id, read_tile
from scenehash.tiles import Image

from .augmentation import view_of
from .backbones import Backbone
from .data import LabelledImage
from .onnx_export import export_onnx, open_session

BATCH = 16
# To be raised when the same image, read by the same params, gives other pixels than before.
PIXEL_PATH = 2

Array = npt.NDArray[np.float32]


class Represented:
    """The representations of N images in V views, on disk; read them a few images at a time."""

    def __init__(self, images: Sequence[LabelledImage], views: Sequence[int], cache: "_Cache"):
        self._images = images
        self._views = views
        self._cache = cache

    def __len__(self) -> int:
        return len(self._images)

    @property
    def views(self) -> int:
        """Number of views V of an image."""
        return len(self._views)

    def read(self, start: int = 0, stop: int | None = None) -> Array:
        """The representations float32 [n, V, D] of the images from start to stop."""
        with self._cache as cache:
            return cache.get(self._images[start:stop], self._views)


def represent(
    images: Sequence[LabelledImage],
    backbone: Backbone,
    tile_size: int,
    views: Sequence[int],
    folder: Path | None = None,
    progress: Progress = SILENT,
    params: DecodeParams | None = None,
) -> Represented:
    """The representations of N images in V views; those that are not cached yet are computed.

    folder: of the cache; by default $SCENEHASH_CACHE, or ~/.cache/scenehash. Values are stored as
    float16. params: how images are read. Raises ScenehashError when the folder cannot be used.
    """
    folder = cache_folder() if folder is None else folder
    params = params or DecodeParams()
    kept = _Cache(
        folder / f"{backbone.identity}-{tiles_id(tile_size, params)}.sqlite", backbone.width
    )
    with kept as cache:
        missing = cache.missing(images, views)
        if missing:
            with progress.task("represent", len(missing) * len(views)) as task:
                extractor = _Extractor(backbone, tile_size, params)
                for group, found in extractor.run(missing, views):
                    cache.put(group, views, found)
                    task.advance(len(group) * len(views))
    return Represented(images, views, kept)


def cache_folder() -> Path:
    """The folder in which representations are cached."""
    home = os.environ.get("SCENEHASH_CACHE")
    return Path(home) if home else Path.home() / ".cache" / "scenehash"


def tiles_id(tile_size: int, params: DecodeParams) -> str:
    """What tells one way to make tiles of images from another."""
    said = json.dumps([PIXEL_PATH, asdict(params)]).encode()
    return f"{tile_size}-{content_id(said)[:8]}"


class _Extractor:
    def __init__(self, backbone: Backbone, tile_size: int, params: DecodeParams) -> None:
        self._tile_size, self._params = tile_size, params
        network = backbone.with_head(nn.Identity())
        model = export_onnx(network, tile_size, ["representation"])
        self._session = open_session(model, os.cpu_count() or 1)

    def run(
        self, images: Sequence[LabelledImage], views: Sequence[int]
    ) -> Iterator[tuple[Sequence[LabelledImage], Array]]:
        """Groups of images with their representations [G, V, D]; reads one group ahead."""
        groups = [images[start : start + BATCH] for start in range(0, len(images), BATCH)]
        with ThreadPoolExecutor(max_workers=1) as reader:
            ahead = reader.submit(self._tiles, groups[0], views)
            for number, group in enumerate(groups):
                stacks = ahead.result()
                if number + 1 < len(groups):
                    ahead = reader.submit(self._tiles, groups[number + 1], views)
                found = [self._session.run(None, {"tiles": stack})[0] for stack in stacks]
                yield group, np.stack(found, axis=1)

    def _tiles(self, images: Sequence[LabelledImage], views: Sequence[int]) -> list[Image]:
        """Tiles of a group of images, uint8 [G, S, S, 3] for each view."""
        tiles = [read_tile(image.path, self._tile_size, self._params) for image in images]
        named = list(zip(tiles, images, strict=True))
        return [
            np.stack([view_of(tile, view, image.content) for tile, image in named])
            for view in views
        ]


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
                "vector BLOB NOT NULL, PRIMARY KEY (content, view))"
            )
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def missing(self, images: Sequence[LabelledImage], views: Sequence[int]) -> list[LabelledImage]:
        """The images of which a view is missing, each content once."""
        with self._guard():
            # Answered from the index, one image at a time: the vectors are not read.
            query = "SELECT view FROM representation WHERE content = ?"
            wanted = {image.content: image for image in images}
            return [
                image
                for content, image in wanted.items()
                if set(views) - {view for (view,) in self._connection.execute(query, (content,))}
            ]

    def put(self, images: Sequence[LabelledImage], views: Sequence[int], found: Array) -> None:
        """Store representations [G, V, D] of images; committed when this returns."""
        rows = (
            (image.content, view, vector.astype(np.float16).tobytes())
            for image, vectors in zip(images, found, strict=True)
            for view, vector in zip(views, vectors, strict=True)
        )
        with self._guard(), self._connection:
            self._connection.executemany(
                "INSERT OR REPLACE INTO representation VALUES (?, ?, ?)", rows
            )

    def get(self, images: Sequence[LabelledImage], views: Sequence[int]) -> Array:
        """The representations float32 [N, V, D] of images whose views are all stored."""
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
