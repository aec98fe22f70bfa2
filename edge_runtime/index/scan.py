"""The blocked scan: every code is compared, a block at a time while it is in the cache."""

from collections.abc import Sequence

import numpy as np

from .nearest import Nearest
from .placement import Placement
from .words import Words, distances

# Bytes of codes a block: a block, its differences and its distances stay in the processor's
# second-level cache.
BLOCK_BYTES = 512 * 1024


def scan(
    words: Words,
    placement: Placement,
    queries: Words,
    nearest: Sequence[Nearest],
    limits: Sequence[int],
) -> list[Nearest]:
    """What is nearest to each query after all of words [N, W] were compared with it.

    queries: [Q, W], with what each has found before, among other rows. limits: [Q] distances
    beyond which none is wanted.
    """
    found = list(nearest)
    size = max(1, BLOCK_BYTES // (words.shape[1] * words.itemsize))
    for start in range(0, len(words), size):
        block = words[start : start + size]
        earliest = placement.earliest(start)
        for number, query in enumerate(queries):
            limit = min(limits[number], found[number].limit(earliest))
            if limit < 0:
                continue
            near = distances(block, query)
            if near.min() > limit:
                continue
            positions = np.flatnonzero(near <= limit)
            rows, source = placement.expand(positions + start, found[number].k)
            found[number] = found[number].joined(near[positions[source]], rows)
    return found
