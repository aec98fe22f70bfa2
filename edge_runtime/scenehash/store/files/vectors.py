"""vectors.sqlite: representations of a store's tiles, to make other codes without the scenes."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..records import SceneRecord, SceneVectors
from ..rows import Rows
from .tile_file import TileFile, Values

Floats = npt.NDArray[np.float32]

VECTORS = "vectors.sqlite"
# Rows per check of vectors.
PART = 1 << 13


class Vectors(TileFile):
    """The representations of a store's tiles, int8 [D] each; see TileFile.

    All have one frame, the id of their vector space: only vectors of one frame can be compared.
    """

    NAME, TABLE, COLUMN = VECTORS, "vector", "vector"
    REMEDY = "scenehash store vectors"

    @property
    def kept(self) -> bool:
        """Whether the store keeps vectors of new scenes."""
        return self._catalog.vector_space() is not None

    @property
    def frame(self) -> str | None:
        """The frame of the stored vectors; None if the store keeps none."""
        space = self._catalog.vector_space()
        return None if space is None else space[0]

    @property
    def kind(self) -> str:
        """See TileFile: vectors of another frame have no effect."""
        return repr(self.frame)

    @property
    def dims(self) -> int:
        """The number of components D of a vector; 0 if the store keeps none."""
        space = self._catalog.vector_space()
        return 0 if space is None else space[1]

    def read(self, rows: Rows) -> tuple[Rows, npt.NDArray[np.int8]]:
        """Those of rows int64 [N] with a sound vector, and the vectors: int8 [M, D]."""
        dims, there, parts = self.dims, [], []
        for start in range(0, len(rows), PART):
            some = rows[start : start + PART].tolist()
            found = {row: own for row, own in self.of(some).items() if len(own) == dims}
            there += [row for row in some if row in found]
            parts.append(b"".join(found[row] for row in some if row in found))
        vectors = np.frombuffer(b"".join(parts), np.int8).reshape(-1, max(dims, 1))
        return np.array(there, np.int64), vectors

    def read_scene(self, record: SceneRecord) -> SceneVectors | None:
        """The vectors of all tiles of a scene, in their order; None unless each has a sound one."""
        frame = self.frame
        rows = np.arange(record.first_row, record.first_row + record.tiles)
        if frame is None:
            return None
        there, vectors = self.read(rows)
        return SceneVectors(frame, vectors) if len(there) == len(rows) else None

    def put_scenes(
        self, records: Sequence[SceneRecord], vectors: Sequence[SceneVectors | None]
    ) -> bool:
        """Store the vectors of scenes in this frame; returns whether that succeeded."""
        frame, dims = self.frame, self.dims
        pairs = [
            (record, _values(own.values))
            for record, own in zip(records, vectors, strict=True)
            if own is not None and own.frame == frame and own.values.shape == (record.tiles, dims)
        ]
        return self.put([record for record, _ in pairs], [own for _, own in pairs])


def _values(vectors: npt.NDArray[np.int8]) -> Values:
    return [row.tobytes() for row in vectors]


def unit(vectors: Floats | npt.NDArray[np.int8]) -> Floats:
    """Vectors float32 or int8 [N, D] scaled to unit length, float32; zeros stay zeros."""
    floats = vectors.astype(np.float32, copy=False)
    units: Floats = floats / np.maximum(np.linalg.norm(floats, axis=1, keepdims=True), 1e-9)
    return units
