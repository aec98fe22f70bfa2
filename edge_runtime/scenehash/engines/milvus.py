"""Tiles in Milvus, or in a file of Milvus Lite.

BIN_FLAT compares all codes, exactly: BIN_IVF_FLAT misses hits if there are filters.
"""

import contextlib
import json
import logging
import os
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from scenehash.codes import Codes
from scenehash.errors import EngineError, EngineUnreachableError, extra_needed

from .address import Address
from .backend import Conditions, Document, Found
from .milvus_fields import (
    LONGEST,
    MOST_LABELS,
    Field,
    between,
    catalog_fields,
    condition_of,
    document_of,
    hash_of,
    scene_columns,
    scene_fields,
    scene_of,
    stored_tile,
    text_of,
    tile_columns,
    tile_fields,
)
from .nearest import Answer, Asked, ExactSearch
from .tiles import EngineMark, EngineScene, EngineTiles, Span, StoredTile, span_of

TOKEN_VARIABLE = "SCENEHASH_MILVUS_TOKEN"
# Milvus Lite closes a channel with more frequent keep-alives.
LITE_CHANNEL = {"grpc.keepalive_time_ms": 600_000}
# The size limits of an answer and of a request.
MOST = 16_384
KEYS_A_REQUEST = 4096
QUERIES_A_REQUEST = 64
SECONDS = 60.0
METRIC = {"metric_type": "HAMMING"}
PASSING = re.compile(
    r"unavailable|not ready|no available|not available|not found.*(channel|node)|timeout|timed out"
    r"|deadline|connect|not.{0,10}loaded|recover|balanc|lag|initializing|abnormal|try again|reset"
    r"|node (offline|not)|shutdown|stopp|closed|rate limit|cannot find|no leader|expired",
    re.IGNORECASE,
)


class Milvus:
    """An open collection of Milvus; see backend.Backend."""

    plan = "BIN_FLAT"

    def __init__(self, address: Address) -> None:
        with extra_needed("milvus"):
            from pymilvus import MilvusClient
        # It also raises the errors that it logs.
        logging.getLogger("pymilvus").setLevel(logging.CRITICAL)
        self._address, self._prefix = address, address.collection
        self._lite = address.host is None
        self._level = address.option("consistency", "Bounded").capitalize()
        self._catalog = self._prefix
        self._loaded: set[str] = set()
        settings: dict[str, Any] = {}
        if not self._lite:
            scheme = "https" if address.option("tls", "0") == "1" else "http"
            settings = {
                "token": os.environ.get(TOKEN_VARIABLE, ""),
                "db_name": address.option("database", ""),
                "timeout": SECONDS,
            }
            uri = f"{scheme}://{address.host}:{address.port}"
        else:
            uri, settings = address.within, {"grpc_options": LITE_CHANNEL}
            # Of what Milvus Lite imports, which docs/engines.md pins.
            warnings.filterwarnings("ignore", "pkg_resources is deprecated")
        with self._errors():
            self._client: MilvusClient = MilvusClient(uri=uri, **settings)
            self._version = "" if self._lite else str(self._client.get_server_version())

    @property
    def name(self) -> str:
        """See Backend."""
        return "Milvus Lite" if self._lite else f"Milvus {self._version.lstrip('v')}"

    def read(self, key: str) -> Document | None:
        """See Backend."""
        return self.documents(key).get(key)

    def documents(self, prefix: str) -> dict[str, Document]:
        """See Backend."""
        if not self._has(self._catalog):
            return {}
        found = self._query(self._catalog, 'key != ""', ["key", "document"])
        return {
            own["key"]: document_of(own["document"])
            for own in found
            if own["key"].startswith(prefix)
        }

    def write(self, key: str, document: Document) -> None:
        """See Backend."""
        if not self._has(self._catalog):
            self._make(self._catalog, catalog_fields())
        text = text_of(document)
        if len(text) > LONGEST:
            raise EngineError(
                f"{self._address.text}: the labels of {key.rpartition('/')[2]} are too many for "
                "Milvus; take some away (scenehash store label --remove), or push to PostgreSQL"
            )
        columns: dict[str, list[object]] = {"key": [key], "document": [text], "vector": [b"\0"]}
        self._upsert(self._catalog, catalog_fields(), columns)

    def erase(self, keys: Sequence[str]) -> None:
        """See Backend."""
        for key in keys:
            self._delete(self._catalog, f"key == {json.dumps(key)}")

    def make(self, shelf: str, bits: int) -> None:
        """See Backend."""
        self._make(self._scenes(shelf), scene_fields())
        self._make(self._tiles(shelf), tile_fields(bits))

    def drop(self, shelf: str) -> None:
        """See Backend."""
        for name in (self._tiles(shelf), self._scenes(shelf)):
            with self._errors():
                if self._client.has_collection(name):
                    self._client.drop_collection(name)
            self._loaded.discard(name)

    def marks(self, shelf: str, station: int, rows: int) -> Iterator[EngineMark]:
        """See Backend."""
        span = span_of(station, end=rows)
        for own in self._ranged(self._scenes(shelf), span, ["number", "tiles", "seal"]):
            yield EngineMark(own["number"], own["tiles"], own["seal"].strip())

    def put(self, shelf: str, scenes: Sequence[EngineTiles], fresh: bool = False) -> None:
        """See Backend: scenes have no seal until all of their tiles are stored."""
        fields, entries = scene_fields(), scene_columns([tiles.scene for tiles in scenes])
        for own, text in zip(scenes, entries["document"], strict=True):
            if len(text.encode()) > LONGEST or len(own.scene.labels) > MOST_LABELS:
                raise EngineError(
                    f"{self._address.text}: {own.scene.path}: its labels are too many, or too "
                    f"long, for Milvus (at most {MOST_LABELS:,}, and {LONGEST:,} bytes); take some "
                    "away (scenehash store label --remove), or push to PostgreSQL"
                )
        unsealed = {**entries, "seal": [""] * len(scenes)}
        self._upsert(self._scenes(shelf), fields, unsealed)
        tiles = tile_columns(scenes)
        bits = 8 * scenes[0].codes.shape[1]
        for start in range(0, len(tiles["number"]), MOST):
            some = {name: own[start : start + MOST] for name, own in tiles.items()}
            # An upsert also stores a removal in every segment.
            self._write(self._tiles(shelf), tile_fields(bits), some, fresh)
        self._upsert(self._scenes(shelf), fields, entries)

    def count_in(self, shelf: str, span: Span) -> int:
        """See Backend: a key that was inserted twice exists twice."""
        (found,) = self._query(self._tiles(shelf), between(span), ["count(*)"])
        return int(found["count(*)"])

    def remove(self, shelf: str, scenes: Sequence[EngineMark]) -> None:
        """See Backend: removes the tiles first."""
        for some in _parts(scenes, 100):
            spans = " or ".join(between(Span(own.first, own.first + own.tiles)) for own in some)
            self._delete(self._tiles(shelf), spans)
            self._delete(self._scenes(shelf), f"number in {[own.first for own in some]}")

    def settle(self, shelf: str) -> None:
        """See Backend: a request with Strong consistency waits for all writes."""
        for name in (self._tiles(shelf), self._scenes(shelf), self._catalog):
            self._query(name, "", ["count(*)"])

    def count(self, shelf: str) -> int:
        """See Backend."""
        with self._errors():
            (found,) = self._client.query(
                self._ready(self._tiles(shelf)),
                filter="",
                output_fields=["count(*)"],
                consistency_level=self._level,
                timeout=SECONDS,
            )
        return int(found["count(*)"])

    def nearest(
        self, shelf: str, codes: Codes, k: int, radius: int | None, where: Conditions
    ) -> Found:
        """See Backend."""
        if not where.stations or where.scenes == ():
            return Found(np.zeros(0, np.int32), np.zeros(0, np.int64), 0)
        asking = _Asking(self, self._ready(self._tiles(shelf)), where)
        farthest = 8 * codes.shape[1] if radius is None else radius
        found = asking.exact().nearest(codes, k, farthest)
        return Found(found.distances, found.numbers, asking.requests)

    def count_within(self, shelf: str, codes: Codes, radius: int, where: Conditions) -> int | None:
        """See Backend: None if there are more than the size of an answer."""
        if not where.stations or where.scenes == ():
            return 0
        asking = _Asking(self, self._ready(self._tiles(shelf)), where)
        return asking.exact().within(codes, radius)

    def tiles_at(self, shelf: str, numbers: Sequence[int]) -> dict[int, StoredTile]:
        """See Backend."""
        fields = ["number", "scene", "place", "code"]
        found = self._keyed(self._tiles(shelf), numbers, fields)
        return {own["number"]: stored_tile(own) for own in found}

    def scenes_at(self, shelf: str, firsts: Sequence[int]) -> dict[int, EngineScene]:
        """See Backend."""
        fields = ["number", "tiles", "seal", "document"]
        return {
            own["number"]: scene_of(own) for own in self._keyed(self._scenes(shelf), firsts, fields)
        }

    def scenes_of_path(self, shelf: str, path: str) -> list[int]:
        """See Backend."""
        found = self._query(self._scenes(shelf), f'path == "{hash_of(path)}"', ["number"])
        return [own["number"] for own in found]

    def paths_ending(self, shelf: str, ending: str, most: int) -> list[str]:
        """See Backend: compares the paths with the same last part."""
        last = ending.rpartition("/")[2]
        found = self._query(self._scenes(shelf), f'file == "{hash_of(last)}"', ["document"])
        paths = {json.loads(own["document"])["path"] for own in found}
        return sorted(path for path in paths if path.endswith(ending))[:most]

    def close(self) -> None:
        """See Backend."""
        with contextlib.suppress(Exception):
            self._client.close()

    def search(self, collection: str, asked: Asked, condition: str) -> list[Answer]:
        """The answers of a collection to requests; see nearest.py."""
        bits = 8 * asked.codes.shape[1]
        distances: dict[str, int] = {}
        if asked.farthest < bits:
            distances["radius"] = asked.farthest + 1
        if asked.nearest > 0:
            # Milvus needs both ends, or only the farther one.
            distances = {"radius": asked.farthest + 1, "range_filter": asked.nearest}
        answers: list[Answer] = []
        for some in _parts([code.tobytes() for code in asked.codes], QUERIES_A_REQUEST):
            with self._errors():
                found = self._client.search(
                    collection,
                    data=list(some),
                    anns_field="code",
                    filter=condition,
                    limit=asked.limit,
                    search_params={**METRIC, "params": distances},
                    consistency_level=self._level,
                    timeout=SECONDS,
                )
            answers += [_answer(own) for own in found]
        return answers

    def _tiles(self, shelf: str) -> str:
        return f"{self._prefix}_{shelf}_tiles"

    def _scenes(self, shelf: str) -> str:
        return f"{self._prefix}_{shelf}_scenes"

    def _make(self, name: str, fields: Sequence[Field]) -> None:
        """Make a collection if it does not exist; BIN_FLAT compares its last field."""
        if self._has(name):
            return
        with self._errors():
            schema = self._client.create_schema(auto_id=False, enable_dynamic_field=False)
            for field in fields:
                schema.add_field(field.name, field.kind, **field.settings)
            index = self._client.prepare_index_params()
            index.add_index(fields[-1].name, index_type="BIN_FLAT", **METRIC)
            self._client.create_collection(
                name, schema=schema, index_params=index, consistency_level="Bounded"
            )
        self._loaded.add(name)

    def _has(self, name: str) -> bool:
        if name in self._loaded:
            return True
        with self._errors():
            if not self._client.has_collection(name):
                return False
        self._ready(name)
        return True

    def _ready(self, name: str) -> str:
        """The name of a loaded collection."""
        if name not in self._loaded:
            from pymilvus.client.types import LoadState

            with self._errors():
                # Milvus refuses to load a collection again with another number of replicas.
                state = self._client.get_load_state(name, timeout=SECONDS)["state"]
                if state != LoadState.Loaded:
                    self._client.load_collection(name, timeout=SECONDS)
            self._loaded.add(name)
        return name

    def _query(self, name: str, condition: str, fields: list[str]) -> list[dict[str, Any]]:
        with self._errors():
            limit = {} if "count(*)" in fields else {"limit": MOST}
            found = self._client.query(
                self._ready(name),
                filter=condition,
                output_fields=fields,
                consistency_level="Strong",
                timeout=SECONDS,
                **limit,
            )
        return list(found)

    def _ranged(self, name: str, span: Span, fields: list[str]) -> Iterator[dict[str, Any]]:
        """All rows in a range of numbers, in several requests if necessary."""
        found = self._query(name, between(span), fields)
        if len(found) < MOST:
            yield from found
            return
        middle = (span.low + span.high) // 2
        for half in (Span(span.low, middle), Span(middle, span.high)):
            yield from self._ranged(name, half, fields)

    def _keyed(
        self, name: str, numbers: Sequence[int], fields: list[str]
    ) -> Iterator[dict[str, Any]]:
        for some in _parts(numbers, KEYS_A_REQUEST):
            condition = f"number in {list(some)}"
            with self._errors():
                yield from self._client.query(
                    self._ready(name),
                    filter=condition,
                    output_fields=fields,
                    consistency_level=self._level,
                    timeout=SECONDS,
                )

    def _upsert(
        self, name: str, fields: Sequence[Field], columns: Mapping[str, Sequence[Any]]
    ) -> None:
        """Put rows, given by columns; replaces rows with the same keys."""
        self._write(name, fields, columns, fresh=False)

    def _write(
        self,
        name: str,
        fields: Sequence[Field],
        columns: Mapping[str, Sequence[Any]],
        fresh: bool,
    ) -> None:
        """Put rows, given by columns; fresh: no row has one of their keys."""
        # MilvusClient takes rows alone, and of a row's tenth of a millisecond it needs most: what
        # is below it takes columns, and is there in the versions of pymilvus so far.
        connection = getattr(self._client, "_get_connection", None)
        context = getattr(self._client, "_generate_call_context", None)
        with self._errors():
            ready = self._ready(name)
            if connection is None or context is None:
                names = [field.name for field in fields]
                values = zip(*(columns[name] for name in names), strict=True)
                rows = [dict(zip(names, row, strict=True)) for row in values]
                write = self._client.insert if fresh else self._client.upsert
                write(ready, rows, timeout=SECONDS)
                return
            entities = [
                {"name": field.name, "type": field.kind, "values": columns[field.name]}
                for field in fields
            ]
            write = connection().batch_insert if fresh else connection().upsert
            write(ready, entities, timeout=SECONDS, context=context())

    def _delete(self, name: str, condition: str) -> None:
        with self._errors():
            self._client.delete(self._ready(name), filter=condition, timeout=SECONDS)

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        """Raise Milvus's errors as ours."""
        from grpc import RpcError
        from pymilvus import MilvusException

        try:
            yield
        except (MilvusException, RpcError, ConnectionError, TimeoutError, ValueError) as error:
            reason = " ".join(str(getattr(error, "message", "") or error).split())[:300]
            # Milvus says the same of a server that is down and of a refused token.
            if "illegal connection params" in reason:
                reason += f"; if the server runs, check {TOKEN_VARIABLE}"
            text = f"{self._address.text}: {reason}"
            passing = isinstance(error, RpcError | ConnectionError | TimeoutError)
            if passing or PASSING.search(reason):
                raise EngineUnreachableError(text) from error
            raise EngineError(text) from error


class _Asking:
    """Requests to one collection with one filter, counted."""

    def __init__(self, milvus: Milvus, collection: str, where: Conditions) -> None:
        self._milvus, self._collection, self._where = milvus, collection, where
        self.requests = 0

    def exact(self) -> ExactSearch:
        """A search that is exact."""
        spans: list[Span] = []
        for station in self._where.stations:
            known = self._where.rows.get(station, 0)
            halves = span_of(station, end=known), span_of(station, known)
            spans += [half for half in halves if half.high > half.low]
        return ExactSearch(self._ask, MOST, tuple(spans))

    def _ask(self, asked: Asked) -> list[Answer]:
        self.requests += 1
        return self._milvus.search(self._collection, asked, condition_of(self._where, asked.span))


def _answer(hits: Any) -> Answer:
    return Answer(
        np.array([hit["distance"] for hit in hits], np.int32),
        np.array([hit["number"] if "number" in hit else hit["id"] for hit in hits], np.int64),
    )


def _parts(values: Sequence[Any], most: int) -> Iterator[Sequence[Any]]:
    for start in range(0, len(values), most):
        yield values[start : start + most]
