"""A digest tree over rows: both ends of a link compute it, and different nodes show different
tiles.

A leaf covers 256 rows: the digest of the scenes whose first rows are in it. A node is the digest of
the 16 nodes below it. A node without scenes has a digest of zeros (Merkle, "A digital signature
based on a conventional encryption function", CRYPTO 1987).
"""

from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from itertools import groupby
from typing import NamedTuple

from .limits import DIGEST_BYTES

LEAF_ROWS = 256
FAN = 16
EMPTY = bytes(DIGEST_BYTES)


class Entry(NamedTuple):
    """A scene in the tree: its first row, and its digest."""

    first_row: int
    digest: bytes


class Level(NamedTuple):
    """Digests of a level: each covers this many rows, from row 0 on."""

    rows_each: int
    digests: tuple[bytes, ...]


def tree_level(entries: Iterable[Entry], rows: int, most: int) -> Level:
    """The finest level of the tree over rows with at most this many nodes.

    entries: all scenes, by first row.
    """
    rows_each = LEAF_ROWS
    while _nodes(rows, rows_each) > max(most, 1):
        rows_each *= FAN
    return level_of(entries, rows, rows_each)


def level_of(entries: Iterable[Entry], rows: int, rows_each: int) -> Level:
    """The level of a tree over rows whose nodes cover this many rows."""
    digests, each = _leaves(entries, rows), LEAF_ROWS
    while each < rows_each:
        digests, each = _above(digests), each * FAN
    nodes = range(_nodes(rows, rows_each))
    return Level(rows_each, tuple(digests.get(node, EMPTY) for node in nodes))


def root_of(level: Level) -> bytes:
    """The root digest, from any level of its tree."""
    digests, count = dict(enumerate(level.digests)), len(level.digests)
    while count > 1:
        digests, count = _above(digests), -(-count // FAN)
    return digests.get(0, EMPTY)


def differing(one: Sequence[bytes], other: Sequence[bytes]) -> list[int]:
    """The different nodes of two levels."""
    count = max(len(one), len(other))
    left, right = ([*some, *[EMPTY] * (count - len(some))] for some in (one, other))
    return [at for at in range(count) if left[at] != right[at]]


def _nodes(rows: int, rows_each: int) -> int:
    return max(1, -(-rows // rows_each))


def _leaves(entries: Iterable[Entry], rows: int) -> dict[int, bytes]:
    """The leaves with a scene, by their position."""
    digests = {}
    for leaf, own in groupby(entries, lambda entry: entry.first_row // LEAF_ROWS):
        if leaf < _nodes(rows, LEAF_ROWS):
            data = b"".join(row.to_bytes(8, "little") + digest for row, digest in own)
            digests[leaf] = blake2b(data, digest_size=DIGEST_BYTES).digest()
    return digests


def _above(below: Mapping[int, bytes]) -> dict[int, bytes]:
    """The parents of nodes, as far as they have scenes."""
    digests = {}
    for node in {position // FAN for position, digest in below.items() if digest != EMPTY}:
        children = range(FAN * node, FAN * (node + 1))
        data = b"".join(below.get(child, EMPTY) for child in children)
        digests[node] = blake2b(data, digest_size=DIGEST_BYTES).digest()
    return digests
