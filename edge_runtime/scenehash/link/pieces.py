"""Pieces of scenes in blocks of a bundle, and as both ends count them.

A piece is a scene, or some of its tiles: a scene that does not fit in a bundle continues in the
next one.
"""

import json
import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import blake2b
from typing import NamedTuple

import numpy as np

from scenehash.codes import Codes
from scenehash.errors import BundleError, LineageError
from scenehash.store import FILE, HashedScene, SceneRecord
from scenehash.tiling import MOST_TILES, Window

from .annotations import (
    LabelSets,
    PathReader,
    PathWriter,
    take_label_sets,
    take_labels,
)
from .footprint_code import Floats, put_footprints, take_footprints
from .limits import DIGEST_BYTES, MOST_PIXELS, MOST_ROWS, MOST_TEXT
from .wire import Integers, Reader, Writer

CONTENT_BYTES = 16
# The maximum number of tiles in a block, which limits the memory for unpacking.
MOST_IN_BLOCK = 1 << 14
NO_TIME, SECONDS, MICROSECONDS, DOUBLE = range(4)
# Years 1 to 9999, in seconds since 1970.
FIRST_SECOND, LAST_SECOND = -62_135_596_800, 253_402_300_799


@dataclass(frozen=True)
class Piece:
    """Some tiles of a scene; start is the index of the first in the scene.

    first_row, tiles: the rows of the whole scene at the station. path: of its file there. windows:
    int64 [N, 4], as (x, y, width, height). footprints: float64 [N, 4, 2]. codes: uint8 [N, K/8].
    """

    first_row: int
    tiles: int
    start: int
    content: bytes
    path: str
    time: float | None
    labels: tuple[str, ...]
    reading: str
    windows: Integers
    footprints: Floats | None
    codes: Codes

    @property
    def is_whole(self) -> bool:
        """Whether these are all tiles of the scene."""
        return len(self.windows) == self.tiles

    def after(self, start: int) -> "Piece":
        """The same piece without the tiles before an index in the scene."""
        skipped = max(start - self.start, 0)
        places = None if self.footprints is None else self.footprints[skipped:]
        return replace(
            self,
            start=self.start + skipped,
            windows=self.windows[skipped:],
            footprints=places,
            codes=self.codes[skipped:],
        )

    def scene(self, path: str) -> HashedScene:
        """The scene of a complete piece, to be added to a store under a path."""
        return HashedScene(
            self.content.hex(),
            path,
            [Window(*window) for window in self.windows.tolist()],
            self.codes,
            None if self.time is None else datetime.fromtimestamp(self.time, UTC),
            self.footprints,
            self.labels,
            json.loads(self.reading),
        )

    def digest(self) -> bytes:
        """The contribution of a complete scene to the digests, 8 bytes of BLAKE2b: see
        docs/link.md.
        """
        return scene_digest(self.content, self.time, self.windows, self.footprints, self.codes)


def piece_of(record: SceneRecord, codes: Codes, start: int, end: int) -> Piece:
    """The tiles from start to before end of a stored scene, with all its codes uint8 [T, K/8]."""
    reading = {name: value for name, value in record.decode_params.items() if name != FILE}
    return Piece(
        record.first_row,
        record.tiles,
        start,
        bytes.fromhex(record.content),
        record.path,
        record.time,
        record.labels,
        json.dumps(reading, sort_keys=True),
        record.windows[start:end],
        None if record.footprints is None else record.footprints[start:end],
        codes[start:end],
    )


def joined(pieces: Sequence[Piece]) -> Piece:
    """Consecutive pieces of one scene, without gaps, as one piece."""
    places = [piece.footprints for piece in pieces if piece.footprints is not None]
    if places and len(places) != len(pieces):
        raise BundleError(f"{pieces[0].path}: only some of its pieces have footprints")
    return replace(
        pieces[0],
        windows=np.concatenate([piece.windows for piece in pieces]),
        footprints=np.concatenate(places) if places else None,
        codes=np.concatenate([piece.codes for piece in pieces]),
    )


def scene_digest(
    content: bytes, time: float | None, windows: Integers, footprints: Floats | None, codes: Codes
) -> bytes:
    """The digest of a scene that both ends compute, without its row, path and labels."""
    out = Writer()
    out.raw(content)
    out.double(math.nan if time is None else time)
    hashed = blake2b(out.data(), digest_size=DIGEST_BYTES)
    hashed.update(windows.astype("<i8").tobytes())
    hashed.update(b"" if footprints is None else footprints.astype("<f8").tobytes())
    hashed.update(np.ascontiguousarray(codes).data)
    return hashed.digest()


class Sizes(NamedTuple):
    """The sizes of the columns of a block in bytes, each compressed by itself."""

    heads: int
    windows: int
    footprints: int
    codes: int


def codes_mark(lineage: str, bits: int) -> bytes:
    """The beginning of a block of pieces: the lineage and the width of its codes."""
    return blake2b(f"{lineage}-{bits}".encode(), digest_size=DIGEST_BYTES).digest()


def put_pieces(pieces: Sequence[Piece], mark: bytes) -> tuple[bytes, Sizes]:
    """A block of pieces, and the sizes of its columns; mark: see codes_mark."""
    heads, windows, footprints, codes = Writer(), Writer(), Writer(), Writer()
    heads.raw(mark)
    heads.number(len(pieces))
    readings = list(dict.fromkeys(piece.reading for piece in pieces))
    labels, paths = LabelSets(), PathWriter()
    for piece in pieces:
        labels.add(piece.labels)
    heads.number(len(readings))
    for reading in readings:
        heads.text(reading)
    labels.put(heads)
    row = 0
    for piece in pieces:
        heads.signed(piece.first_row - row)
        row = piece.first_row + piece.tiles
        heads.number(piece.tiles)
        heads.number(piece.start)
        heads.number(len(piece.windows))
        heads.raw(piece.content)
        put_time(heads, piece.time)
        heads.number(readings.index(piece.reading))
        heads.number(labels.index(piece.labels))
        paths.put(heads, piece.path)
        for column in piece.windows.T:
            windows.column(column)
        put_footprints(footprints, piece.windows, piece.footprints)
        codes.raw(np.ascontiguousarray(piece.codes).data)
    parts = (heads, windows, footprints, codes)
    every = [part.data() for part in parts]
    return b"".join(every), Sizes(*(len(zlib.compress(part, 9)) for part in every))


def take_pieces(data: bytes, lineage: str, bits: int) -> list[Piece]:
    """The pieces of a block of codes of a lineage and width.

    Raises LineageError when the codes are different, and BundleError.
    """
    found = Reader(data)
    if found.raw(DIGEST_BYTES) != codes_mark(lineage, bits):
        raise LineageError(
            f"it has codes of another model or width than the {bits} bits of lineage {lineage} "
            "here; apply it to another store, or change the model: scenehash rehash"
        )
    # A piece takes at least 25 bytes.
    count = found.number(found.left // 25)
    readings = [_reading(found.text()) for _ in range(found.count())]
    labels, paths = take_label_sets(found), PathReader()
    heads: list[_Head] = []
    for _ in range(count):
        row = heads[-1].first_row + heads[-1].tiles if heads else 0
        heads.append(_take_head(found, row, readings, labels, paths))
    total = sum(head.count for head in heads)
    if total > MOST_IN_BLOCK or total * (bits // 8 + 4) > found.left:
        raise BundleError(f"{total:,} tiles are declared, and {found.left:,} bytes are left")
    windows = [_take_windows(found, head.count) for head in heads]
    footprints = [take_footprints(found, own) for own in windows]
    pieces = []
    for head, own, places in zip(heads, windows, footprints, strict=True):
        codes = np.frombuffer(found.raw(head.count * bits // 8), np.uint8)
        pieces.append(head.piece(own, places, codes.reshape(head.count, bits // 8)))
    found.done()
    return pieces


@dataclass(frozen=True)
class _Head:
    first_row: int
    tiles: int
    start: int
    count: int
    content: bytes
    time: float | None
    reading: str
    labels: tuple[str, ...]
    path: str

    def piece(self, windows: Integers, footprints: Floats | None, codes: Codes) -> Piece:
        return Piece(
            self.first_row,
            self.tiles,
            self.start,
            self.content,
            self.path,
            self.time,
            self.labels,
            self.reading,
            windows,
            footprints,
            codes,
        )


def _take_head(
    found: Reader,
    row: int,
    readings: Sequence[str],
    labels: Sequence[tuple[str, ...]],
    paths: PathReader,
) -> _Head:
    first_row = row + found.signed()
    tiles = found.number(MOST_TILES)
    start = found.number(tiles)
    count = found.number(tiles - start)
    if not 0 <= first_row <= MOST_ROWS or not count:
        raise BundleError("a piece of a scene without tiles, or with impossible rows")
    content, time = found.raw(CONTENT_BYTES), take_time(found)
    reading = readings[found.number(len(readings) - 1)]
    own = take_labels(found, labels)
    path = paths.take(found)
    return _Head(first_row, tiles, start, count, content, time, reading, own, path)


def _take_windows(found: Reader, count: int) -> Integers:
    windows = np.stack([found.column(count) for _ in range(4)], axis=1)
    if windows.min() < 0 or windows.max() > MOST_PIXELS or windows[:, 2:].min() < 1:
        raise BundleError("a window outside any raster")
    return windows


def put_time(out: Writer, time: float | None) -> None:
    """Write seconds since 1970, or that there is no time."""
    if time is None:
        out.byte(NO_TIME)
    elif time == int(time):
        out.byte(SECONDS)
        out.signed(int(time))
    elif round(time * 1e6) / 1e6 == time:
        out.byte(MICROSECONDS)
        out.signed(round(time * 1e6))
    else:
        out.byte(DOUBLE)
        out.double(time)


def take_time(found: Reader) -> float | None:
    """Read seconds since 1970; None if there is no time."""
    way = found.byte()
    if way == NO_TIME:
        return None
    if way == DOUBLE:
        time = found.double()
    elif way in (SECONDS, MICROSECONDS):
        time = found.signed() / (1 if way == SECONDS else 1e6)
    else:
        raise BundleError(f"a time of kind {way}, which this scenehash does not know")
    if not FIRST_SECOND <= time <= LAST_SECOND:
        raise BundleError("a time beyond the years 1 to 9999")
    return time


def _reading(text: str) -> str:
    """The decode parameters of a scene, as JSON; BundleError when they are not an object."""
    try:
        document = json.loads(text) if len(text) <= MOST_TEXT else None
        json.dumps(document, allow_nan=False)
    except (ValueError, RecursionError) as error:
        raise BundleError("a scene's decoding parameters are not JSON") from error
    if not isinstance(document, Mapping) or FILE in document:
        raise BundleError("a scene's decoding parameters are not a JSON object, or name a file")
    return text
