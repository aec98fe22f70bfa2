"""A digest tree over rows: both ends of a link compute it, and where it differs, tiles do.

A leaf is of 256 rows: the digest of the scenes whose first rows lie there. A node is the digest of
16 nodes below it. What holds no scene has a digest of zeros (Merkle, "A digital signature based on
a conventional encryption function", CRYPTO 1987).
"""

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from itertools import groupby
from typing import NamedTuple

DIGEST_BYTES = 8
LEAF_ROWS = 256
FAN = 16
EMPTY = bytes(DIGEST_BYTES)


class Entry(NamedTuple):
    """A scene as the tree has it: its first row, and its digest."""

    first_row: int
    digest: bytes


class Level(NamedTuple):
    """Digests of a tree: of each so many rows, from row 0 on."""

    rows_each: int
    digests: tuple[bytes, ...]


def tree_level(entries: Iterable[Entry], rows: int, most: int) -> Level:
    """The finest level of the tree over rows that has at most so many nodes.

    entries: all scenes, by first row.
    """
    level = _leaves(entries, rows)
    while len(level.digests) > max(most, 1):
        level = _above(level)
    return level


def root_of(level: Level) -> bytes:
    """The digest of everything, of any level of its tree."""
    while len(level.digests) > 1:
        level = _above(level)
    return level.digests[0] if level.digests else EMPTY


def differing(one: Sequence[bytes], other: Sequence[bytes]) -> list[int]:
    """The nodes of two levels that differ."""
    count = max(len(one), len(other))
    left, right = ([*some, *[EMPTY] * (count - len(some))] for some in (one, other))
    return [at for at in range(count) if left[at] != right[at]]


def level_of(entries: Iterable[Entry], rows: int, rows_each: int) -> Level:
    """The level of a tree whose nodes are of so many rows."""
    level = _leaves(entries, rows)
    while level.rows_each < rows_each:
        level = _above(level)
    return level


def _leaves(entries: Iterable[Entry], rows: int) -> Level:
    digests = [EMPTY] * max(1, -(-rows // LEAF_ROWS))
    for leaf, own in groupby(entries, lambda entry: entry.first_row // LEAF_ROWS):
        if leaf < len(digests):
            data = b"".join(row.to_bytes(8, "little") + digest for row, digest in own)
            digests[leaf] = blake2b(data, digest_size=DIGEST_BYTES).digest()
    return Level(LEAF_ROWS, tuple(digests))


def _above(level: Level) -> Level:
    below = level.digests
    nodes = [b"".join(below[at : at + FAN]) for at in range(0, len(below), FAN)]
    # The children that a last node lacks are empty.
    whole = [node.ljust(FAN * DIGEST_BYTES, b"\0") for node in nodes]
    digests = [
        EMPTY if not any(node) else blake2b(node, digest_size=DIGEST_BYTES).digest()
        for node in whole
    ]
    return Level(level.rows_each * FAN, tuple(digests))
