"""Hash the tiles of consecutive scenes in batches across scenes."""

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future

import numpy as np

from scenehash.model.hash_model import Hashed, HashModel
from scenehash.tiles import Image

# Tiles per batch: a layer's output for more would not fit a second-level cache.
BATCH = 4
# Batches that wait for each thread that hashes.
BATCHES_AHEAD = 2
# Limits of scenes, tiles and seconds after which hashed scenes are committed.
SCENES_A_COMMIT, TILES_A_COMMIT, SECONDS_A_COMMIT = 32, 8192, 5.0


class HashStream:
    """Hashes the tiles of scenes as they arrive.

    bits: the width of the codes. vectors: whether to make representations, too. threads: the number
    of batches that the pool hashes at the same time. hashed: called with the number of tiles after
    each batch.
    """

    def __init__(
        self,
        model: HashModel,
        bits: int,
        vectors: bool,
        pool: Executor,
        threads: int,
        hashed: Callable[[int], None],
    ) -> None:
        self._model, self._bits, self._vectors = model, bits, vectors
        self._pool, self._threads, self._hashed = pool, threads, hashed
        self._hashing: deque[Future[Hashed]] = deque()
        # These grow in place: a scene may have 100,000 tiles, in small batches.
        self._codes, self._representations = bytearray(), bytearray()
        self._images: list[Image] = []
        self._lengths: list[int] = []
        self._unfinished = 0

    def add(self, images: Sequence[Image]) -> None:
        """Add tiles of the scene that is being read."""
        self._images += images
        self._unfinished += len(images)
        while len(self._images) >= BATCH:
            self._hash()

    def end(self) -> None:
        """End the scene that is being read: the next tiles belong to another scene."""
        self._lengths.append(self._unfinished)
        self._unfinished = 0

    def drop(self) -> int:
        """Drop the scene that is being read; returns how many of its tiles were not hashed."""
        self._finish()
        hashed = max(0, self._unfinished - len(self._images))
        waiting = self._unfinished - hashed
        self._images = self._images[: len(self._images) - waiting]
        del self._codes[len(self._codes) - hashed * self._bits // 8 :]
        del self._representations[len(self._representations) - hashed * self._dims :]
        self._unfinished = 0
        return waiting

    def take(self) -> list[Hashed]:
        """Codes and representations of each scene that ended since the last call."""
        self._hash()
        self._finish()
        width, dims, tiles = self._bits // 8, self._dims, sum(self._lengths)
        codes = np.frombuffer(self._codes[: tiles * width], np.uint8).reshape(-1, width)
        vectors = np.frombuffer(self._representations[: tiles * dims], np.int8)
        taken, first = [], 0
        for length in self._lengths:
            last = first + length
            own = vectors[first * dims : last * dims].reshape(-1, dims) if dims else None
            taken.append(Hashed(codes[first:last], own))
            first = last
        del self._codes[: tiles * width]
        del self._representations[: tiles * dims]
        self._lengths = []
        return taken

    @property
    def _dims(self) -> int:
        """The number of components of a representation; 0 if none are wanted."""
        space = self._model.representation
        return space.dims if self._vectors and space is not None else 0

    def _hash(self) -> None:
        """Begin to hash a batch of the waiting tiles when there is room for it."""
        self._finish(BATCHES_AHEAD * self._threads - 1)
        batch, self._images = self._images[:BATCH], self._images[BATCH:]
        if batch:
            self._hashing.append(self._pool.submit(self._encoded, batch))

    def _encoded(self, batch: Sequence[Image]) -> Hashed:
        if self._vectors:
            return self._model.encode_all(batch, self._bits)
        return Hashed(self._model.encode(batch, self._bits), None)

    def _finish(self, left: int = 0) -> None:
        """Wait until no more than this many batches are being hashed."""
        while len(self._hashing) > left:
            done = self._hashing.popleft().result()
            self._codes += done.codes.tobytes()
            if done.vectors is not None:
                self._representations += done.vectors.tobytes()
            self._hashed(len(done.codes))
