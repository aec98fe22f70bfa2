"""Tiles in PostgreSQL: codes are bit strings, and bit_count(code # query) is their distance.

It compares all codes, with as many processes as the server gives a query. Each put or removal is
one transaction. If the extensions are installed, pgvector's <~> compares codes, and PostGIS shows
the tiles as a layer.
"""

import contextlib
import itertools
import json
import re
import struct
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from scenehash.codes import Codes, unpack
from scenehash.errors import EngineError, EngineUnreachableError, extra_needed

from .address import Address
from .backend import Conditions, Document, Found
from .tiles import (
    CORNERS,
    ROWS,
    WINDOW,
    EngineMark,
    EngineScene,
    EngineTiles,
    Span,
    StoredTile,
    span_of,
)

if TYPE_CHECKING:
    from psycopg import Connection

PAGE = 20_000
# The beginning and the end of COPY's binary format.
COPY_HEAD, COPY_END = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff"
TEXT, NULL = 25, -1
# A tile's box for the index, wider if it crosses the antimeridian; NULL without a footprint.
BOX = (
    "(CASE WHEN south > north THEN NULL WHEN west <= east THEN box(point(west, south), "
    "point(east, north)) ELSE box(point(-180, south), point(180, north)) END)"
)
# The same as scenehash.geo.meeting.
MEETING = (
    f"({BOX} && box(point(%s, %s), point(%s, %s)) AND CASE WHEN west <= east THEN east >= %s AND "
    "west <= %s ELSE east >= %s OR west <= %s END AND south <= %s AND north >= %s)"
)
# The offset of the corners in a place, from 1 on, and the bytes of a corner; see tiles.py.
AT, POINT = WINDOW.size + 1, CORNERS.size // 4
# WKB of a place: its corners as they are, and the first of them again.
WKB = (
    rf"'\x01030000000100000005000000'::bytea || substring(place FROM {AT} FOR {CORNERS.size}) "
    f"|| substring(place FROM {AT} FOR {POINT})"
)
# What a server says, in English, of whom it does not let in, however often it is asked. Without
# a code: a client has none before it is connected.
REFUSED = re.compile(
    r"authentication failed|no password supplied|(role|database) \".*\" does not exist|pg_hba.conf"
    r"|permission denied|not permitted to log in|does not support SSL"
)
# Seconds to connect, and milliseconds that a statement may take.
CONNECT, STATEMENT = 10, 600_000


class Postgres:
    """An open collection in PostgreSQL; see backend.Backend."""

    def __init__(self, address: Address) -> None:
        with extra_needed("postgres"):
            import psycopg
        self._address, self._prefix = address, address.collection
        self._psycopg = psycopg
        self._open: Connection[Any] | None = None
        with self._errors():
            self._version = str(self._connection().info.server_version // 10_000)
        ((self._has_vector, self._has_postgis),) = self._all(
            "SELECT to_regoperator('<~>(bit,bit)') IS NOT NULL, to_regtype('geometry') IS NOT NULL",
            [],
        )
        self.plan = "code <~> query" if self._has_vector else "bit_count(code # query)"

    @property
    def name(self) -> str:
        """See Backend."""
        return f"PostgreSQL {self._version}"

    def read(self, key: str) -> Document | None:
        """See Backend."""
        return self.documents(key).get(key)

    def documents(self, prefix: str) -> dict[str, Document]:
        """See Backend."""
        (there,) = self._all("SELECT to_regclass(%s)", [f'"{self._prefix}"'])
        if there[0] is None:
            return {}
        query = f'SELECT key, document FROM "{self._prefix}" WHERE starts_with(key, %s)'
        return {key: json.loads(document) for key, document in self._all(query, [prefix])}

    def write(self, key: str, document: Document) -> None:
        """See Backend."""
        with self._transaction() as cursor:
            cursor.execute(
                f'CREATE TABLE IF NOT EXISTS "{self._prefix}" '
                "(key text PRIMARY KEY, document text NOT NULL)"
            )
            cursor.execute(
                f'INSERT INTO "{self._prefix}" VALUES (%s, %s) '
                "ON CONFLICT (key) DO UPDATE SET document = excluded.document",
                [key, json.dumps(document)],
            )

    def erase(self, keys: Sequence[str]) -> None:
        """See Backend."""
        with self._transaction() as cursor:
            cursor.execute(f'DELETE FROM "{self._prefix}" WHERE key = ANY(%s)', [list(keys)])

    def make(self, shelf: str, bits: int) -> None:
        """See Backend."""
        tiles, scenes = self._tiles(shelf), self._scenes(shelf)
        with self._transaction() as cursor:
            cursor.execute(
                f"CREATE TABLE IF NOT EXISTS {scenes} (number bigint PRIMARY KEY, tiles bigint "
                "NOT NULL, seal text NOT NULL, content text NOT NULL, path text NOT NULL, "
                "time float8, labels text[] NOT NULL, decode_params text NOT NULL)"
            )
            cursor.execute(
                f"CREATE TABLE IF NOT EXISTS {tiles} (number bigint PRIMARY KEY, scene bigint "
                f"NOT NULL, code bit({int(bits)}) NOT NULL, time float8, labels text[] NOT NULL, "
                "west float8 NOT NULL, south float8 NOT NULL, east float8 NOT NULL, "
                "north float8 NOT NULL, place bytea NOT NULL)"
            )
            name = f"{self._prefix}_{shelf}"
            cursor.execute(f'CREATE INDEX IF NOT EXISTS "{name}_path" ON {scenes} (path)')
            cursor.execute(f'CREATE INDEX IF NOT EXISTS "{name}_box" ON {tiles} USING gist ({BOX})')
            if self._has_postgis:
                cursor.execute(
                    f"CREATE OR REPLACE VIEW {self._places(shelf)} AS SELECT t.number, s.path, "
                    f"to_timestamp(t.time) AS time, t.labels, ST_GeomFromWKB({WKB}, 4326)"
                    f"::geometry(Polygon, 4326) AS footprint FROM {tiles} t JOIN {scenes} s "
                    f"ON s.number = t.scene WHERE length(place) = {WINDOW.size + CORNERS.size}"
                )

    def drop(self, shelf: str) -> None:
        """See Backend."""
        with self._transaction() as cursor:
            cursor.execute(f"DROP VIEW IF EXISTS {self._places(shelf)}")
            cursor.execute(f"DROP TABLE IF EXISTS {self._tiles(shelf)}, {self._scenes(shelf)}")

    def marks(self, shelf: str, station: int, rows: int) -> Iterator[EngineMark]:
        """See Backend."""
        first, end = span_of(station, end=rows)
        after = first - 1
        query = (
            f"SELECT number, tiles, seal FROM {self._scenes(shelf)} "
            "WHERE number > %s AND number < %s ORDER BY number LIMIT %s"
        )
        while some := self._all(query, [after, end, PAGE]):
            yield from (EngineMark(*own) for own in some)
            after = some[-1][0]

    def put(self, shelf: str, scenes: Sequence[EngineTiles], fresh: bool = False) -> None:
        """See Backend: all of them in one transaction; a key never exists twice."""
        del fresh
        tiles = f"COPY {self._tiles(shelf)} FROM STDIN (FORMAT binary)"
        with self._transaction() as cursor:
            self._remove(cursor, shelf, [own.scene.mark for own in scenes])
            with cursor.copy(f"COPY {self._scenes(shelf)} FROM STDIN") as copy:
                for own in scenes:
                    copy.write_row(_scene_row(own.scene))
            encoding = cursor.connection.info.encoding
            with cursor.copy(tiles) as copy:
                copy.write(COPY_HEAD)
                for own in scenes:
                    copy.write(_tile_rows(own, encoding))
                copy.write(COPY_END)

    def count_in(self, shelf: str, span: Span) -> int:
        """See Backend."""
        query = f"SELECT count(*) FROM {self._tiles(shelf)} WHERE number >= %s AND number < %s"
        ((count,),) = self._all(query, span)
        return int(count)

    def remove(self, shelf: str, scenes: Sequence[EngineMark]) -> None:
        """See Backend."""
        with self._transaction() as cursor:
            self._remove(cursor, shelf, scenes)

    def settle(self, shelf: str) -> None:
        """See Backend: committed data is visible; this updates the planner's statistics."""
        with self._transaction() as cursor:
            cursor.execute(f"ANALYZE {self._tiles(shelf)}")

    def count(self, shelf: str) -> int:
        """See Backend."""
        ((tiles,),) = self._all(
            f"SELECT coalesce(sum(tiles), 0)::bigint FROM {self._scenes(shelf)}", []
        )
        return int(tiles)

    def nearest(
        self, shelf: str, codes: Codes, k: int, radius: int | None, where: Conditions
    ) -> Found:
        """See Backend."""
        inner, values = self._within(shelf, codes, radius, where)
        stations = ", ".join(str(station) for station in where.stations)
        order = "number"
        if len(where.stations) > 1:
            order = f"array_position(ARRAY[{stations}]::bigint[], number / {ROWS}), number"
        query = f"SELECT distance, number {inner} ORDER BY distance, {order} LIMIT %s"
        found = np.array(self._all(query, [*values, k]), np.int64).reshape(-1, 2)
        return Found(found[:, 0].astype(np.int32), found[:, 1], 1)

    def count_within(self, shelf: str, codes: Codes, radius: int, where: Conditions) -> int | None:
        """See Backend."""
        inner, values = self._within(shelf, codes, radius, where)
        ((count,),) = self._all(f"SELECT count(*) {inner}", values)
        return int(count)

    def tiles_at(self, shelf: str, numbers: Sequence[int]) -> dict[int, StoredTile]:
        """See Backend."""
        query = (
            "SELECT number, scene, place, code::text "
            f"FROM {self._tiles(shelf)} WHERE number = ANY(%s)"
        )
        return {
            number: StoredTile(scene, bytes(place), _packed(code))
            for number, scene, place, code in self._all(query, [list(numbers)])
        }

    def scenes_at(self, shelf: str, firsts: Sequence[int]) -> dict[int, EngineScene]:
        """See Backend."""
        query = (
            "SELECT number, tiles, seal, content, path, time, labels, decode_params "
            f"FROM {self._scenes(shelf)} WHERE number = ANY(%s)"
        )
        return {
            mark[0]: EngineScene(
                EngineMark(*mark), content, path, time, tuple(labels), json.loads(params)
            )
            for *mark, content, path, time, labels, params in self._all(query, [list(firsts)])
        }

    def scenes_of_path(self, shelf: str, path: str) -> list[int]:
        """See Backend."""
        query = f"SELECT number FROM {self._scenes(shelf)} WHERE path = %s"
        return [number for (number,) in self._all(query, [path])]

    def paths_ending(self, shelf: str, ending: str, most: int) -> list[str]:
        """See Backend."""
        query = (
            f"SELECT DISTINCT path FROM {self._scenes(shelf)} WHERE right(path, %s) = %s "
            'ORDER BY path COLLATE "C" LIMIT %s'
        ).replace("DISTINCT path", 'DISTINCT path COLLATE "C" AS path')
        return [path for (path,) in self._all(query, [len(ending), ending, most])]

    def close(self) -> None:
        """See Backend."""
        if self._open is not None:
            with contextlib.suppress(self._psycopg.Error):
                self._open.close()

    def _within(
        self, shelf: str, codes: Codes, radius: int | None, where: Conditions
    ) -> tuple[str, list[object]]:
        """FROM and WHERE of a search: the tiles that meet the conditions, and their distances."""
        bits = ["".join("1" if bit else "0" for bit in code) for code in unpack(codes)]
        distance = "(code <~> B'{}')::int" if self._has_vector else "bit_count(code # B'{}')"
        each = [distance.format(own) for own in bits]
        least = each[0] if len(each) == 1 else f"LEAST({', '.join(each)})"
        wanted, values = conditions(where)
        inner = f"FROM (SELECT number, {least} AS distance FROM {self._tiles(shelf)} {wanted}) t"
        if radius is None:
            return inner, values
        return f"{inner} WHERE distance <= %s", [*values, radius]

    def _remove(self, cursor: Any, shelf: str, scenes: Sequence[EngineMark]) -> None:
        firsts = [own.first for own in scenes]
        ends = [own.first + own.tiles for own in scenes]
        for table in (self._tiles(shelf), self._scenes(shelf)):
            cursor.execute(
                f"DELETE FROM {table} t USING unnest(%s::bigint[], %s::bigint[]) "
                "AS span (low, high) WHERE t.number >= span.low AND t.number < span.high",
                [firsts, ends],
            )

    def _tiles(self, shelf: str) -> str:
        return f'"{self._prefix}_{shelf}_tiles"'

    def _scenes(self, shelf: str) -> str:
        return f'"{self._prefix}_{shelf}_scenes"'

    def _places(self, shelf: str) -> str:
        return f'"{self._prefix}_{shelf}_places"'

    def _connection(self) -> "Connection[Any]":
        if self._open is None or self._open.closed or self._open.broken:
            address = self._address
            self._open = self._psycopg.connect(
                host=address.host,
                port=address.port if address.host else None,
                dbname=address.within,
                user=address.user,
                connect_timeout=CONNECT,
                sslmode=address.option("sslmode", "prefer"),
                options=f"-c statement_timeout={STATEMENT}",
                autocommit=True,
            )
        return self._open

    def _all(self, query: str, values: Sequence[object]) -> list[Any]:
        with self._errors():
            # Keep no plan, since conditions differ.
            return list(self._connection().execute(query, values, prepare=False).fetchall())

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[Any]:
        with self._errors():
            connection = self._connection()
            with connection.transaction(), connection.cursor() as cursor:
                yield cursor

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        """Raise PostgreSQL's errors as ours."""
        try:
            yield
        except self._psycopg.Error as error:
            reason = " ".join(str(error).split())[:300]
            text = f"{self._address.text}: {reason}"
            # OperationalError: the server, the line, or the disk.
            is_passing = isinstance(error, self._psycopg.OperationalError)
            if is_passing and not REFUSED.search(reason):
                raise EngineUnreachableError(text) from error
            raise EngineError(text) from error


def conditions(where: Conditions) -> tuple[str, list[object]]:
    """Conditions in SQL, with their values; "" if there are none."""
    parts: list[str] = []
    values: list[object] = []
    if not where.all_stations or where.after is not None:
        after = 0 if where.after is None else where.after + 1
        spans = [span_of(own, after) for own in where.stations]
        parts.append(" OR ".join(["number >= %s AND number < %s"] * len(spans)) or "false")
        values += [end for span in spans for end in span]
    if where.scenes is not None:
        parts.append("scene = ANY(%s)")
        values.append(list(where.scenes))
    if where.others:
        parts.append("scene <> ALL(%s)")
        values.append(list(where.others))
    if where.since is not None:
        parts.append("time >= %s")
        values.append(where.since)
    if where.until is not None:
        parts.append("time <= %s")
        values.append(where.until)
    if where.label is not None:
        parts.append("%s = ANY(labels)")
        values.append(where.label)
    if where.boxes:
        parts.append(" OR ".join([MEETING] * len(where.boxes)))
        for west, south, east, north in where.boxes:
            values += [west, south, east, north, west, east, west, east, north, south]
    if not parts:
        return "", values
    return "WHERE " + " AND ".join(f"({part})" for part in parts), values


def _scene_row(scene: EngineScene) -> tuple[object, ...]:
    return (
        *scene.mark,
        scene.content,
        scene.path,
        scene.time,
        list(scene.labels),
        json.dumps(scene.decode_params),
    )


def _tile_rows(tiles: EngineTiles, encoding: str) -> bytes:
    """The rows of a scene's tiles in COPY's binary format: each field after its length.

    Within a scene all rows have one layout.
    """
    scene, width = tiles.scene, tiles.codes.shape[1]
    codes = np.ascontiguousarray(tiles.codes).view(f"V{width}")[:, 0]
    places = np.frombuffer(b"".join(tiles.places), f"V{len(tiles.places[0])}")
    labels = np.void(_text_array(scene.labels, encoding))
    number, length = ">i8", ">i4"
    fields: list[list[tuple[str, Any]]] = [
        [(length, 8), (number, tiles.numbers)],
        [(length, 8), (number, scene.mark.first)],
        [(length, 4 + width), (length, 8 * width), (codes.dtype.str, codes)],
        [(length, NULL)] if scene.time is None else [(length, 8), (">f8", scene.time)],
        [(length, labels.itemsize), (labels.dtype.str, labels)],
        *([(length, 8), (">f8", side)] for side in tiles.boxes.T),
        [(length, places.itemsize), (places.dtype.str, places)],
    ]
    columns = [(">i2", len(fields)), *itertools.chain.from_iterable(fields)]
    rows = np.empty(len(tiles), [(str(at), kind) for at, (kind, _) in enumerate(columns)])
    for at, (_, values) in enumerate(columns):
        rows[str(at)] = values
    return rows.tobytes()


def _text_array(texts: Sequence[str], encoding: str) -> bytes:
    """A one-dimensional array of texts in PostgreSQL's binary format."""
    if not texts:
        return struct.pack(">3i", 0, 0, TEXT)
    found = [text.encode(encoding) for text in texts]
    data = b"".join(struct.pack(">i", len(own)) + own for own in found)
    return struct.pack(">5i", 1, 0, TEXT, len(texts), 1) + data


def _packed(code: str) -> bytes:
    return int(code, 2).to_bytes(len(code) // 8)
