"""The state of a store: its model, and its counts."""

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
    """The model of a store's codes, and its counts.

    rows: the number of the next tile. positions: the number of codes in codes.bin. generation: the
    number of compactions. revision: the number of repairs in place. commits: the number of commits.
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
        """A checksum of all fields and of the deleted rows."""
        return digest(repr(self).encode() + deleted.astype("<i8").tobytes())


def is_committed(state: State, deleted: Deleted, checksum: object) -> bool:
    """Whether a checksum belongs to a state and the deleted rows.

    Older stores have a checksum of the state alone.
    """
    return checksum in (state.checksum(deleted), state.checksum(NONE_DELETED))
