"""A task of a worker: a scene, or a block of a huge one, becomes a part.

A repeated task changes nothing: the part's name follows from its content, and it is written
atomically.
"""

import functools
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from scenehash.errors import ArchiveError, InputError, ScenehashError
from scenehash.files import MAX_MODEL_BYTES
from scenehash.ingestion.hash_stream import HashStream
from scenehash.ingestion.prefetch import CHANGED, SceneReading, nothing_valid
from scenehash.ingestion.read_ahead import Images, ReadAhead
from scenehash.ingestion.report import SetAside
from scenehash.model.hash_model import Hashed, HashModel
from scenehash.scenes import Window
from scenehash.store import FILE, HashedScene, SceneVectors
from scenehash.tiling import rows_of

from .opening import Opened, opened
from .parts import MOST_BYTES, part_bytes, part_name, read_part
from .recipe import Recipe
from .sources import Source
from .storage import MODEL, Storage, storage_at

# A scene of more tiles is hashed by blocks of whole rows of tiles, of about so many each: work of
# some seconds, which is what is lost with a worker, and what a worker must live for.
BLOCK_TILES = 512
# The same for an object that each task downloads: its blocks are larger.
FETCHED_TILES = 32 * BLOCK_TILES


@dataclass(frozen=True)
class Block:
    """A block of a huge scene, with the facts that all blocks share: see Scene and Opened."""

    number: int
    count: int
    content: str
    origin: Mapping[str, str]
    stamp: str | None


@dataclass(frozen=True)
class Task:
    """The work for a worker: hash a scene, or a block of it, into the archive at an address."""

    out: str
    recipe: Recipe
    source: Source
    block: Block | None = None

    @property
    def key(self) -> tuple[str, int]:
        """Its key within a run."""
        return self.source.scene, -1 if self.block is None else self.block.number


@dataclass(frozen=True)
class Outcome:
    """The outcome of a task.

    part: the name of the part, with its numbers of tiles and skipped tiles. blocks: instead of a
    part, the tasks for a huge scene. reason: why there is neither. is_passing: the scene is not the
    cause, so that another try or another worker may succeed. warnings: for a person. seconds: the
    worker's time.
    """

    content: str = ""
    part: str = ""
    tiles: int = 0
    skipped: int = 0
    blocks: Sequence[Block] = ()
    reason: str = ""
    is_passing: bool = False
    warnings: Sequence[str] = ()
    seconds: float = 0.0


class _Read(NamedTuple):
    """All tiles were read: the scene without its codes yet, and the name of its part."""

    scene: HashedScene
    name: str
    skipped: int
    warnings: Sequence[str]


def run_task(task: Task) -> Outcome:
    """Do a task. It never raises: every error is in the outcome."""
    began = time.perf_counter()
    return replace(_done(task), seconds=time.perf_counter() - began)


def _done(task: Task) -> Outcome:
    try:
        storage = storage_at(task.out)
        return _hashed(task, storage, _model(task.out, task.recipe.lineage))
    except (
        ScenehashError
    ) as error:  # errors of the model or the storage; errors of the scene are set aside
        return Outcome(reason=str(error), is_passing=True)
    except MemoryError:
        return Outcome(reason="there was not enough memory for it", is_passing=True)
    except Exception as error:  # a failing task must not end its worker
        text = " ".join(str(error).split())[:200]
        return Outcome(reason=f"unexpected {type(error).__name__}: {text}")


def _hashed(task: Task, storage: Storage, model: HashModel) -> Outcome:
    recipe = task.recipe
    name = Path(task.source.scene)
    with ThreadPoolExecutor(1) as pool:
        with_vectors = recipe.frame is not None
        stream = HashStream(model, recipe.bits, with_vectors, pool, 1, lambda _: None)
        with ReadAhead([name], lambda _: _read(task, storage)) as events:
            for event in events:
                match event:
                    case Images(images):
                        stream.add(images)
                    case SetAside(_, reason):
                        stream.drop()
                        # GDAL's read errors may come from the network.
                        return Outcome(reason=reason, is_passing=task.source.is_remote)
                    case Outcome():
                        return event
                    case _Read():
                        stream.end()
                        return _written(event, stream.take()[0], recipe, storage)
    raise AssertionError("a scene has a last event")


def _written(read: _Read, hashed: Hashed, recipe: Recipe, storage: Storage) -> Outcome:
    vectors = None
    if recipe.frame is not None and hashed.vectors is not None:
        vectors = SceneVectors(recipe.frame, hashed.vectors)
    scene = replace(read.scene, codes=hashed.codes, vectors=vectors)
    storage.write(read.name, part_bytes(recipe, scene, read.skipped))
    tiles = len(scene.windows)
    return Outcome(scene.content, read.name, tiles, read.skipped, warnings=read.warnings)


def _read(task: Task, storage: Storage) -> Iterator[Images | _Read | Outcome]:
    recipe, block = task.recipe, task.block
    with opened(task.source, recipe.options.params) as source:
        scene = source.scene
        windows = scene.windows(recipe.options.tiling, recipe.tile_size)
        blocks = _blocks(windows, FETCHED_TILES if source.is_fetched else BLOCK_TILES)
        if block is None:
            found = scene.content, source.origin, source.stamp
            if len(blocks) > 1:
                every = [Block(number, len(blocks), *found) for number in range(len(blocks))]
                yield Outcome(scene.content, blocks=every, warnings=scene.warnings)
                return
            block = Block(0, 1, *found)
        yield from _read_block(task, block, source, blocks[block.number], storage)


def _read_block(
    task: Task, block: Block, source: Opened, windows: Sequence[Window], storage: Storage
) -> Iterator[Images | _Read | Outcome]:
    recipe, scene = task.recipe, source.scene
    own = recipe.name(task.source.scene, block.content, task.source.noted.box)
    name = part_name(own, block.number, block.count)
    if (found := _found(name, block.content, storage, recipe)) is not None:
        yield found
        return
    reading = SceneReading(scene, windows, recipe.options, recipe.options.thumbnails)
    yield from reading.images(recipe.tile_size)
    if source.stamp != block.stamp:
        yield Outcome(reason=CHANGED, is_passing=True)
        return
    if not reading.kept and block.count == 1:
        raise InputError(nothing_valid(recipe.options.tiling))
    read = reading.scene(block.content, {FILE: block.origin})
    yield _Read(replace(read, path=task.source.scene), name, reading.skipped, scene.warnings)


def _found(name: str, content: str, storage: Storage, recipe: Recipe) -> Outcome | None:
    """The outcome of a task that was done before; None: it was not, or its part is damaged."""
    if not storage.exists(name):
        return None
    try:
        part = read_part(storage.read(name, MOST_BYTES), recipe.lineage, recipe.bits, name)
    except ArchiveError:
        return None
    tiles = 0 if part.scene is None else len(part.scene.windows)
    return Outcome(content, name, tiles, part.skipped)


def _blocks(windows: Sequence[Window], most: int) -> list[list[Window]]:
    """Windows, in row-by-row order, in blocks of whole rows; one block if there are few."""
    if len(windows) <= most:
        return [list(windows)]
    blocks: list[list[Window]] = [[]]
    for row in rows_of(list(windows)):
        if len(blocks[-1]) + len(row) > most and blocks[-1]:
            blocks.append([])
        blocks[-1] += row
    return blocks


@functools.lru_cache(1)
def _model(out: str, lineage: str) -> HashModel:
    """The model in an archive, after a check of its codes on this machine; ModelError."""
    import cv2

    cv2.setNumThreads(1)  # a worker uses one core
    data = storage_at(out).read(MODEL, MAX_MODEL_BYTES)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / MODEL
        path.write_bytes(data)
        model = HashModel.load(path)
    if model.lineage != lineage:
        raise ArchiveError(f"{out}: {MODEL} is not the model that made the parts")
    return model
