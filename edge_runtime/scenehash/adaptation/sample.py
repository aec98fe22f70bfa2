"""A random sample of a store's tiles, with their representations, codes and labels."""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from scenehash.codes import Codes
from scenehash.errors import InputError
from scenehash.ingestion.rereading import reopen_stored
from scenehash.model.hash_model import HashModel
from scenehash.model.linear_code import Vectors
from scenehash.progress import Progress
from scenehash.scenes import Window
from scenehash.store import CodeStore
from scenehash.tiles import Image

UNKNOWN = -1
# Tiles of one scene in memory at once.
TILES_AT_ONCE = 64


@dataclass(frozen=True)
class Sample:
    """N tiles of a store.

    rows: int64 [N], codes: uint8 [N, K/8] as stored, vectors: int8 [N, D], labels: int64 [N], the
    same number for the same labels, -1 for none. unreachable: the number of drawn tiles without a
    representation or a readable scene.
    """

    rows: npt.NDArray[np.int64]
    codes: Codes
    vectors: Vectors
    labels: npt.NDArray[np.int64]
    unreachable: int

    def __len__(self) -> int:
        return len(self.rows)

    def part(self, start: int, stop: int | None = None) -> "Sample":
        """The tiles from start to stop."""
        some = slice(start, stop)
        return Sample(self.rows[some], self.codes[some], self.vectors[some], self.labels[some], 0)


def draw_sample(
    store: CodeStore, model: HashModel, count: int, seed: int, progress: Progress
) -> Sample:
    """Draw up to count tiles of a store at random, in random order."""
    parts = [rows for rows, _ in store.living()]
    every = np.concatenate(parts) if parts else np.zeros(0, np.int64)
    rows = np.random.default_rng(seed).permutation(every)[:count]
    tiles = store.tiles(rows.tolist())
    kept = _kept_vectors(store, model, rows)
    missing = [int(row) for row in rows if row not in kept and row in tiles]

    def keep(some: Sequence[int], images: Sequence[Image]) -> None:
        vectors = model.encode_all(images).vectors
        assert vectors is not None
        kept.update(zip(some, vectors, strict=True))

    if missing:
        with progress.task("represent", len(missing)) as task:
            read_tiles(store, missing, model.tile_size, keep, task.advance)
    there = np.array([row for row in rows if row in kept and row in tiles], np.int64)
    dims = 0 if model.representation is None else model.representation.dims
    vectors = np.array([kept[row] for row in there], np.int8).reshape(len(there), dims)
    return Sample(
        there,
        store.codes(there),
        vectors,
        _classes([tiles[row].labels for row in there.tolist()]),
        len(rows) - len(there),
    )


def read_tiles(
    store: CodeStore,
    rows: Sequence[int],
    side: int,
    use: Callable[[Sequence[int], Sequence[Image]], None],
    advance: Callable[[int], None],
) -> None:
    """Read stored tiles, each scene opened once, and pass on rows with images, in groups.

    Leaves out scenes that are missing, or have other pixels now.
    """
    for record, own in store.scenes_of(rows):
        with contextlib.suppress(InputError), reopen_stored(record) as scene:
            for start in range(0, len(own), TILES_AT_ONCE):
                some = own[start : start + TILES_AT_ONCE]
                windows = record.windows[np.array(some) - record.first_row].tolist()
                use(some, [scene.pixels(Window(*window), side) for window in windows])
        advance(len(own))


def _kept_vectors(
    store: CodeStore, model: HashModel, rows: npt.NDArray[np.int64]
) -> dict[int, Vectors]:
    """The stored representations of rows, by row."""
    if model.representation is None or store.vectors.frame != model.representation.frame:
        return {}
    there, vectors = store.vectors.read(rows)
    return dict(zip(there.tolist(), vectors, strict=True))


def _classes(labels: Sequence[tuple[str, ...]]) -> npt.NDArray[np.int64]:
    numbers: dict[tuple[str, ...], int] = {}
    return np.array(
        [numbers.setdefault(own, len(numbers)) if own else UNKNOWN for own in labels], np.int64
    )
