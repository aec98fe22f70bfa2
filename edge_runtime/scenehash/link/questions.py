"""Queries and answers in blocks."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np

from scenehash.codes import Codes
from scenehash.errors import BundleError, ConfigurationError
from scenehash.geo import Box
from scenehash.store import Alert, Filter
from scenehash.store.records import seconds
from scenehash.tiling import Window

from .alert_code import put_alert, put_codes, take_alert, take_codes
from .limits import MOST_PIXELS, MOST_ROWS
from .pieces import (
    CONTENT_BYTES,
    FIRST_SECOND,
    LAST_SECOND,
    put_time,
    take_time,
)
from .spans import Spans
from .wire import Integers, Reader, Writer

# A million steps are a degree, 0.1 m; tenths of kilometres around a place.
STEPS, TENTHS = 1_000_000, 10
MOST_HITS = 1000
THUMBNAILS, RADIUS, ALERT, ROWS = 1, 2, 4, 8
SINCE, UNTIL, BBOX, LABEL, NEAR, SCENE, NEWER, UNLIKE = (1 << bit for bit in range(8))


@dataclass(frozen=True, eq=False)
class Question:
    """A query to a peer, for the k tiles nearest to codes, or best for an alert.

    number: from 1, of the questions of a store to a peer. codes, unlike: uint8 [N, K/8]. radius: in
    bits; None: any. thumbnails: whether a small picture of each hit is wanted. rows: thumbnails of
    these rows, without a search.
    """

    number: int
    k: int
    codes: Codes
    unlike: Codes
    radius: int | None = None
    where: Filter | None = None
    thumbnails: bool = False
    alert: Alert | None = None
    rows: Spans | None = None

    def block(self, mark: bytes) -> bytes:
        """The question as a block; mark: see codes_mark."""
        out = Writer()
        out.raw(mark)
        flags = THUMBNAILS * self.thumbnails | RADIUS * (self.radius is not None)
        flags |= ALERT * (self.alert is not None) | ROWS * (self.rows is not None)
        out.byte(flags)
        out.number(self.number)
        out.number(self.k)
        if self.radius is not None:
            out.number(self.radius)
        _put_filter(out, self.where or Filter(), len(self.unlike) > 0)
        if self.rows is not None:
            out.spans(self.rows.pairs())
        elif self.alert is not None:
            put_alert(out, self.alert)
        else:
            put_codes(out, self.codes)
            if len(self.unlike):
                put_codes(out, self.unlike)
        return out.data()

    @classmethod
    def of_block(cls, data: bytes, mark: bytes, bits: int) -> "Question":
        """The question in a block, for codes of this width; BundleError."""
        found = Reader(data)
        if found.raw(len(mark)) != mark:
            raise BundleError("a query with codes of another model or width than this store's")
        flags, number, k = found.byte(), found.number(), found.number(MOST_HITS)
        radius = found.number(bits) if flags & RADIUS else None
        where, has_unlike = _take_filter(found)
        codes = unlike = np.zeros((0, bits // 8), np.uint8)
        alert = rows = None
        if flags & ROWS:
            rows = Spans(found.spans(MOST_ROWS))
        elif flags & ALERT:
            alert = take_alert(found, bits)
        else:
            codes = take_codes(found, bits)
            unlike = take_codes(found, bits) if has_unlike else unlike
            if not 0 < len(codes) <= MOST_HITS:
                raise BundleError("a query without a code, or with too many")
        found.done()
        wants = bool(flags & THUMBNAILS)
        return cls(number, k, codes, unlike, radius, where, wants, alert, rows)


@dataclass(frozen=True)
class Found:
    """A tile in an answer: its row at the station, its distance in bits, and its place.

    score: from the alert's rule, if that decided. footprint: int64 [4, 2], longitude and latitude
    of corners in millionths of a degree; None without one.
    """

    row: int
    distance: int
    score: float | None
    content: bytes
    path: str
    window: Window
    time: float | None
    footprint: Integers | None

    def document(self, station: str) -> dict[str, object]:
        """The tile as plain values for JSON."""
        window, place = self.window, self.footprint
        return {
            "row": self.row,
            "distance": self.distance,
            "score": self.score,
            "scene": f"{station}:{self.path}",
            "content": self.content.hex(),
            "window": [window.x, window.y, window.width, window.height],
            "time": None if self.time is None else _iso(self.time),
            "footprint": None if place is None else (place / STEPS).tolist(),
        }


@dataclass(frozen=True)
class Answer:
    """The answer of a station to a question of a store, with the number of searched tiles."""

    number: int
    searched: int
    hits: tuple[Found, ...]

    def block(self) -> bytes:
        """The answer as a block."""
        out, row, path = Writer(), 0, ""
        out.number(self.number)
        out.number(self.searched)
        out.number(len(self.hits))
        for hit in self.hits:
            out.signed(hit.row - row)
            out.number(hit.distance)
            # Scores are from -1 to 1; 0 means that there is none.
            out.number(0 if hit.score is None else 1 + round((hit.score + 1) * 10_000))
            out.text("" if hit.path == path else hit.path)
            if hit.path != path:
                out.raw(hit.content)
                put_time(out, hit.time)
            for side in (hit.window.x, hit.window.y, hit.window.width, hit.window.height):
                out.number(side)
            out.byte(hit.footprint is not None)
            if hit.footprint is not None:
                out.column(hit.footprint[:, 0])
                out.column(hit.footprint[:, 1])
            row, path = hit.row, hit.path
        return out.data()

    @classmethod
    def of_block(cls, data: bytes) -> "Answer":
        """The answer of a block; BundleError."""
        found, row = Reader(data), 0
        number, searched = found.number(), found.number(MOST_ROWS)
        hits: list[Found] = []
        for _ in range(found.number(min(MOST_HITS, found.left // 8))):
            row += found.signed()
            distance, score, path = found.number(1 << 16), found.number(1 << 16), found.text()
            if path:
                content, time = found.raw(CONTENT_BYTES), take_time(found)
            elif hits:
                path, content, time = hits[-1].path, hits[-1].content, hits[-1].time
            else:
                raise BundleError("a hit without a scene")
            window = Window(*(found.number(MOST_PIXELS) for _ in range(4)))
            place = None
            if found.byte():
                place = np.stack([found.column(4), found.column(4)], axis=1)
            own = (score - 1) / 10_000 - 1 if score else None
            hits.append(Found(row, distance, own, content, path, window, time, place))
        found.done()
        return cls(number, searched, tuple(hits))


def put_thumbnails(pictures: dict[int, bytes]) -> bytes:
    """A block of small pictures by row, ascending."""
    out, before = Writer(), 0
    out.number(len(pictures))
    for row in sorted(pictures):
        out.number(row - before)
        out.blob(pictures[row])
        before = row
    return out.data()


def take_thumbnails(data: bytes) -> dict[int, bytes]:
    """The pictures of a block; BundleError."""
    found, row, pictures = Reader(data), 0, {}
    for _ in range(found.count(3)):
        row += found.number(MOST_ROWS)
        pictures[row] = found.blob()
    found.done()
    return pictures


def _put_filter(out: Writer, where: Filter, has_unlike: bool) -> None:
    if (where.area, where.station, where.other_than) != (None, None, None):
        raise ConfigurationError(
            "a query to a station has no area, names no other station and leaves out no scene"
        )
    given = (where.since, where.until, where.bbox, where.label, where.near, where.scene,
             where.newer_than, has_unlike or None)  # fmt: skip
    out.byte(sum(1 << bit for bit, value in enumerate(given) if value is not None))
    for time in (where.since, where.until):
        if time is not None:
            out.signed(int(seconds(time)))
    if where.bbox is not None:
        for side in where.bbox:
            out.signed(round(side * STEPS))
    if where.label is not None:
        out.text(where.label)
    if where.near is not None:
        latitude, longitude, kilometres = where.near
        out.signed(round(latitude * STEPS))
        out.signed(round(longitude * STEPS))
        out.number(round(kilometres * TENTHS))
    if where.scene is not None:
        out.text(where.scene)
    if where.newer_than is not None:
        out.number(where.newer_than)


def _take_filter(found: Reader) -> tuple[Filter | None, bool]:
    flags = found.byte()
    where = Filter()
    try:
        if flags & SINCE:
            where = replace(where, since=_time(found))
        if flags & UNTIL:
            where = replace(where, until=_time(found))
        if flags & BBOX:
            where = replace(where, bbox=Box(*(found.signed() / STEPS for _ in range(4))))
        if flags & LABEL:
            where = replace(where, label=found.text())
        if flags & NEAR:
            place = found.signed() / STEPS, found.signed() / STEPS
            where = replace(where, near=(*place, found.number(1 << 20) / TENTHS))
        if flags & SCENE:
            where = replace(where, scene=found.text())
        if flags & NEWER:
            where = replace(where, newer_than=found.number(MOST_ROWS))
    except ConfigurationError as error:
        raise BundleError(str(error)) from error
    return where or None, bool(flags & UNLIKE)


def _time(found: Reader) -> datetime:
    time = found.signed()
    if not FIRST_SECOND <= time <= LAST_SECOND:
        raise BundleError("a time beyond the years 1 to 9999")
    return datetime.fromtimestamp(time, UTC)


def _iso(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).isoformat()
