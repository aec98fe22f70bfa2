"""Every stage from a file's bytes to a stored code and its nearest neighbours, timed separately."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from scenehash.codes import Codes
from scenehash.demo.tiles import KINDS, tile_paths
from scenehash.errors import InputError
from scenehash.index import CodeIndex
from scenehash.model.hash_model import HashModel
from scenehash.scenes import Window, content_id, image_files, image_of
from scenehash.store import CodeStore, HashedScene
from scenehash.tiles import to_tile

from .samples import Samples, Stopwatch

NEAREST = 20
TIFF_SUFFIXES = frozenset({".tif", ".tiff"})
JPEG_QUALITY = 95


@dataclass(frozen=True)
class Inputs:
    """The images to hash: whole image files, in memory, and their origin."""

    files: Sequence[bytes]
    origin: str


def demo_inputs(count: int) -> Inputs:
    """The demo's tiles, kind by kind; they repeat if count is larger."""
    paths = [path for row in zip(*map(tile_paths, KINDS), strict=True) for path in row]
    files = [paths[number % len(paths)].read_bytes() for number in range(count)]
    return Inputs(files, f"{count} tiles of the demo")


def read_inputs(folder: Path, count: int) -> Inputs:
    """Image files of a folder, evenly spread over it; InputError when there is none.

    No TIFFs: they are read from their paths, and these times are for data in memory.
    """
    found = image_files(folder) if folder.is_dir() else []
    paths = [path for path in found if path.suffix.lower() not in TIFF_SUFFIXES]
    if not paths:
        raise InputError(f"{folder}: no folder with images in it")
    chosen = paths[:: max(1, len(paths) // count)][:count]
    return Inputs([path.read_bytes() for path in chosen], f"{len(chosen)} images of {folder.name}")


def random_archive(rows: int, bits: int) -> CodeIndex:
    """An index over random codes to search in."""
    rng = np.random.default_rng(0)
    return CodeIndex(rng.integers(0, 256, (rows, bits // 8), np.uint8))


class Pipeline:
    """The device's work on one item: decode, tile, infer, search, write."""

    def __init__(self, model: HashModel, archive: CodeIndex, store: CodeStore) -> None:
        self._model = model
        self._archive = archive
        self._store = store
        self._written = 0

    def stages(self, inputs: Inputs) -> dict[str, list[Callable[[], object]]]:
        """For each stage its work on each input, which can be repeated."""
        size = self._model.tile_size
        images = [image_of(data) for data in inputs.files]
        tiles = [to_tile(image, size) for image in images]
        codes = [self._model.encode([tile]) for tile in tiles]
        return {
            "decode": [partial(image_of, data) for data in inputs.files],
            "tile": [partial(to_tile, image, size) for image in images],
            "infer": [partial(self._model.encode, [tile]) for tile in tiles],
            "search": [partial(self._archive.search, code, NEAREST) for code in codes],
            "write": [
                partial(self._write, data, code)
                for data, code in zip(inputs.files, codes, strict=True)
            ],
        }

    def whole(self, data: bytes) -> None:
        """The whole work for one scene of one tile, in an ingest that commits each scene."""
        tile = to_tile(image_of(data), self._model.tile_size)
        self._write(data, self._model.encode([tile]))

    def _write(self, data: bytes, code: Codes) -> None:
        # A new content each time, since a stored scene is not written again.
        self._written += 1
        content = content_id(data + self._written.to_bytes(8, "little"))
        window = Window(0, 0, self._model.tile_size, self._model.tile_size)
        self._store.add([HashedScene(content, f"/bench/{self._written}", [window], code)])


@contextmanager
def open_pipeline(model: HashModel, archive: CodeIndex, folder: Path) -> Iterator[Pipeline]:
    """A pipeline that writes to its own store in a folder."""
    store = folder / f"{model.card.precision}.store"
    with CodeStore.create(store, model.lineage, model.bits, model.card.name) as code_store:
        yield Pipeline(model, archive, code_store)


def time_stages(
    pipeline: Pipeline,
    others: dict[str, HashModel],
    inputs: Inputs,
    repeats: int,
    advance: Callable[[int], object] = lambda _: None,
) -> dict[str, Samples]:
    """Time every stage on every input; the models named in others alternate with the first.

    A stage goes through all inputs before the next stage: a write that waits for the disk empties
    the caches, and inference right after it takes half as long again. The sustained run measures
    that mixture.
    """
    watch = Stopwatch()
    stages = pipeline.stages(inputs)
    for name, model in others.items():
        tiles = [to_tile(image_of(data), model.tile_size) for data in inputs.files]
        stages[f"infer {name}"] = [partial(model.encode, [tile]) for tile in tiles]
    for _ in range(repeats + 1):
        for stage, works in stages.items():
            works[-1]()  # not timed: the caches belong to another stage
            for work in works:
                watch.time(stage, work)
        advance(len(inputs.files))
    return watch.samples(len(inputs.files))
