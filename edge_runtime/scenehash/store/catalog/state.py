"""The state of a store: whose codes it holds, and how far it has come."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..records import digest

# int64 [N, 3], ascending: first row, number of rows, and 1 where they were dropped from codes.bin.
Deleted = npt.NDArray[np.int64]
NONE_DELETED: Deleted = np.zeros((0, 3), np.int64)

STATE_SCHEMA = """
CREATE TABLE store (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    uuid TEXT NOT NULL,
    lineage TEXT NOT NULL,
    bits INTEGER NOT NULL,
    model TEXT NOT NULL,
    rows INTEGER NOT NULL,
    positions INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    commits INTEGER NOT NULL,
    seal BLOB NOT NULL
);
CREATE TABLE deleted (
    first_row INTEGER PRIMARY KEY,
    tiles INTEGER NOT NULL,
    dropped INTEGER NOT NULL
);
"""


@dataclass(frozen=True)
class State:
    """Whose codes a store holds, and how far it has come.

    rows: the number that the next tile gets. positions: how many codes codes.bin holds. generation:
    how often the codes were compacted. revision: how often codes were repaired in their place.
    commits: how often anything was committed.
    """

    uuid: str
    lineage: str
    bits: int
    model: str
    rows: int = 0
    positions: int = 0
    generation: int = 0
    revision: int = 0
    commits: int = 0

    def checksum(self, deleted: Deleted) -> bytes:
        """A checksum of all fields, and of the rows that were deleted."""
        return digest(repr(self).encode() + deleted.astype("<i8").tobytes())


def is_committed(state: State, deleted: Deleted, checksum: object) -> bool:
    """Whether a state and the rows that were deleted are those that a checksum was made of.

    Stores that were written before checksums covered deleted rows have one of the state alone.
    """
    return checksum in (state.checksum(deleted), state.checksum(NONE_DELETED))
