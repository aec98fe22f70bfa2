"""A random sample of a store's tiles."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from scenehash.codes import Codes

from ..rows import Rows

SAMPLED = 500
# Bits of the number of rows that are drawn from: a store is sampled anew when it has grown by an
# eighth, and whoever opens it draws the same.
FINENESS = 4


@dataclass(frozen=True)
class TileSample:
    """Tiles that have a representation: codes uint8 [N, K/8], and vectors int8 [N, D]."""

    codes: Codes
    vectors: npt.NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.codes)


NO_TILES = TileSample(np.zeros((0, 2), np.uint8), np.zeros((0, 1), np.int8))


def rows_of_sample(rows: int) -> int:
    """The number of first rows from which the sample is drawn."""
    step = 1 << max(rows.bit_length() - FINENESS, 0)
    return rows - rows % step


def draw_rows(rows: int) -> Rows:
    """A sample of the first rows, at most SAMPLED: int64 [N], ascending; always the same."""
    some = np.random.default_rng(0).choice(rows, min(SAMPLED, rows), replace=False)
    return np.sort(some).astype(np.int64)
