"""Blocks of bundles that claim what is not there."""

import zlib
from hashlib import blake2b

from scenehash.link.bundle import MOST_BLOCK, Packed, _Entry
from scenehash.link.events import put_events
from scenehash.link.kinds import (
    ALERTS,
    ANNOTATIONS,
    ANSWERS,
    EVENTS,
    FILES,
    GONE,
    JUDGEMENTS,
    PIECES,
    QUESTIONS,
    RECEIPT,
    STATE,
    THUMBNAILS,
)
from scenehash.link.pieces import codes_mark
from scenehash.link.wire import Writer

from ..store.samples import LINEAGE


def checksum(data):
    return blake2b(data, digest_size=16).digest()


def packed(kind, data, way=0, size=None):
    return Packed(_Entry(kind, way, len(data), len(data) if size is None else size,
                         checksum(data)), data)  # fmt: skip


def number(value):
    out = Writer()
    out.number(value)
    return out.data()


def zeros(mebibytes):
    """A zlib stream of so many MiB of zeros. It is soon made: the deflated bytes of one repeat."""
    packer = zlib.compressobj(9, wbits=-15)
    parts = [packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH) for _ in range(2)]
    checked = 1
    for _ in range(mebibytes):
        checked = zlib.adler32(bytes(1 << 20), checked)
    repeated = parts[0] + parts[1] * (mebibytes - 1)
    return b"\x78\xda" + repeated + b"\x03\x00" + checked.to_bytes(4, "big")


MARK = codes_mark(LINEAGE, 64)
HOSTILE = {
    "ten gigabytes claimed": packed(PIECES, b"x", 0, 10 << 30),
    "a bomb": packed(PIECES, zeros(256), 1, MOST_BLOCK),
    "a bomb of the size that it claims": packed(
        PIECES, zlib.compress(MARK + bytes(MOST_BLOCK - 8), 9), 1, MOST_BLOCK
    ),
    "pieces without end": packed(PIECES, MARK + number(1 << 62)),
    "readings without end": packed(PIECES, MARK + b"\x01" + number(1 << 40) + bytes(40)),
    "events without end": packed(EVENTS, number(1 << 50)),
    "an event without end": packed(EVENTS, b"\x01\x01" + number(1 << 40) + b"{}"),
    "an event that is nested without end": packed(EVENTS, put_events([(1, "[" * 100_000)])),
    "deleted rows without end": packed(GONE, number(1 << 40) + bytes(20)),
    "deleted rows beyond all": packed(GONE, b"\x01\x00" + number(1 << 60)),
    "a receipt without end": packed(RECEIPT, bytes(17) + number(1 << 40)),
    "a tree without end": packed(STATE, b"\x01a\x08\x01m" + number(1 << 40) + bytes(9)),
    "thumbnails without end": packed(THUMBNAILS, number(1 << 40)),
    "a thumbnail of a million pixels a side": packed(
        THUMBNAILS,
        b"\x01\x00"
        + number(33)
        + bytes.fromhex("ffd8ffc0001108ffffffff03011100021101031101")
        + bytes(12),
    ),
    "an alert of examples without end": packed(ALERTS, b"\x01\x01a\x08" + number(1 << 40)),
    "an alert with a rule of a million templates": packed(
        ALERTS,
        b"\x01\x01a\x08\x01"
        + bytes(8)
        + b"\x00"
        + number(36)
        + b'{"kind": "nearest", "dims": 1000000}'
        + b"\x00",
    ),
    "a judgement of no alert": packed(JUDGEMENTS, b"\x01a\x01\x01" + bytes(8)),
    "a query for codes without end": packed(
        QUESTIONS, MARK + b"\x00\x01\x05\x00" + number(1 << 40)
    ),
    "a query for hits without end": packed(QUESTIONS, MARK + b"\x00\x01" + number(1 << 30)),
    "an answer of hits without end": packed(ANSWERS, b"\x01\x01" + number(1 << 40)),
    "a file of ten gigabytes": packed(
        FILES, bytes(16) + number(10 << 30) + b"\x00\x01a" + number(5) + b"12345"
    ),
    "a file that leads elsewhere": packed(
        FILES, bytes(16) + b"\x05\x00" + number(8) + b"../../ab" + b"\x0512345"
    ),
    "sets of labels without end": packed(ANNOTATIONS, number(1 << 40) + bytes(20)),
    "annotations without end": packed(ANNOTATIONS, b"\x01\x00" + number(1 << 40) + bytes(40)),
    "an annotation of a set that is not there": packed(
        ANNOTATIONS, b"\x00\x01\x00" + bytes(8) + b"\x00\x00\x00"
    ),
    "an annotation of a path without end": packed(
        ANNOTATIONS, b"\x01\x00\x01\x00" + bytes(8) + b"\x00\x00" + number(1 << 40)
    ),
    "a bomb by the dictionary": packed(
        EVENTS, zlib.compressobj(9, zdict=b"other").compress(bytes(9)) + bytes(90), 2, MOST_BLOCK
    ),
    "another way of packing": packed(PIECES, b"x", 7),
    "no deflated bytes": packed(PIECES, b"x" * 50, 1, 60),
}
