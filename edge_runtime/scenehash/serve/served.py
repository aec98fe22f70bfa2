"""The served object: a station's store, or an engine's collection, and their common part."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from scenehash.decode_params import DecodeParams
from scenehash.errors import ConfigurationError, InputError
from scenehash.model.hash_model import HashModel
from scenehash.retrieval.query import Query, bits_for, check_width
from scenehash.retrieval.search import SearchResult, search
from scenehash.scenes import Scene
from scenehash.store import Searchable

from .audit import Audit
from .limits import WRONG_BURST, WRONG_RATE, RateLimit
from .metrics import Metrics
from .model_in_use import ModelInUse
from .options import AUDIT, TOKENS, ServeOptions
from .queries import (
    CodeQuery,
    PlaceQuery,
    QueryRequest,
    RowQuery,
    SceneQuery,
    SearchRequest,
    UploadQuery,
)
from .readers import Readers
from .tokens import Tokens
from .uploads import Upload, Uploads

# The maximum number of codes in one search.
MOST_CODES = 4096


class Served:
    """The common part of station and collection. Threads may share it; the caller closes it.

    address: the folder of a store, or the address of an engine. readers: for reading. log: called
    with each line for a person.
    """

    def __init__(
        self,
        address: str,
        readers: Readers[Searchable],
        model: HashModel,
        options: ServeOptions,
        log: Callable[[str], None],
        folder: Path | None = None,
    ) -> None:
        """folder: for tokens and the audit log; None: a temporary folder, unless the options name a
        file of tokens.
        """
        self.address, self.options, self.log = address, options, log
        self._readers = readers
        self.models = ModelInUse(model, log)
        self.uploads = Uploads(options.most_upload)
        self.metrics = Metrics()
        if folder is None:
            folder = self.uploads.folder if options.tokens is None else options.tokens.parent
        self.tokens = Tokens(options.tokens or folder / TOKENS)
        self.audit = Audit(folder / AUDIT, log)
        self.wrong_tokens = RateLimit(WRONG_RATE, WRONG_BURST)
        self.started = datetime.now(UTC)
        self._hashing = threading.Semaphore(options.threads)
        self._decoding = threading.Lock()

    def close(self) -> None:
        """Close what is open."""
        self._readers.close()
        self.uploads.close()

    def search(self, request: SearchRequest) -> SearchResult:
        """Search as scenehash.search does; the same errors."""
        asked, like = (*request.queries, *request.unlike), len(request.queries)
        # Whoever reads and hashes pixels holds up nobody who searches: one turn at the store is
        # taken afterwards, for all else.
        read = [self._query_of_pixels(one) for one in asked]
        with self._readers.store() as store:
            queries = [
                self._query_of_store(store, one) if query is None else query
                for one, query in zip(asked, read, strict=True)
            ]
            if sum(len(query.codes) for query in queries) > MOST_CODES:
                raise ConfigurationError(
                    f"the queries have more than {MOST_CODES:,} tiles; search by fewer, or by parts"
                )
            with self.metrics.stage("search"):
                result = search(
                    store,
                    queries[:like],
                    request.k,
                    radius=request.radius,
                    where=request.filter.filter(),
                    unlike=queries[like:],
                    rerank=request.rerank,
                    model=self.models.of(store),
                    other_scenes=request.other_scenes,
                    grouped=request.group,
                )
        if result.hits:
            self.metrics.note_nearest(min(hit.distance for hit in result.hits))
        return result

    def query(self, request: QueryRequest) -> Query:
        """The query of a request; the same errors as of scenehash.search."""
        query = self._query_of_pixels(request)
        if query is None:
            with self._readers.store() as store:
                query = self._query_of_store(store, request)
                check_width(query, store)
        return query

    def _query_of_pixels(self, request: QueryRequest) -> Query | None:
        """A query whose pixels must be read and hashed; None for other queries."""
        match request:
            case UploadQuery():
                return self._query_of_upload(request)
            case SceneQuery():
                return self._query_of_scene(request)
            case _:
                return None

    def _query_of_store(self, store: Searchable, request: QueryRequest) -> Query:
        """A query whose code is given, or stored in a store or a collection."""
        match request:
            case RowQuery(row=row, station=station):
                return Query.from_row(store, row, station)
            case PlaceQuery(at=(latitude, longitude)):
                return Query.from_place(store, latitude, longitude)
            case CodeQuery(code=code):
                return Query.from_code(code)
            case _:
                raise AssertionError(request)

    def _query_of_scene(self, request: SceneQuery) -> Query:
        """A query that only a station can read."""
        del request
        raise ConfigurationError(
            f"{self.address}: an engine cannot be searched by the pixels of scenes; give "
            "row:STATION/ROW, a place, a code or an image"
        )

    @contextlib.contextmanager
    def opened_upload(self, upload: Upload, params: DecodeParams) -> Iterator[Scene]:
        """An upload as a scene; InputError, with its name, on damage.

        Uploads are opened one at a time, to limit the memory for decoding.
        """
        try:
            with self._decoding:
                scene = self.uploads.open(upload, params)
            with scene:
                yield scene
        except InputError as error:
            raise InputError(error.reason, upload.text) from error

    def hasher(self) -> tuple[HashModel, int]:
        """The model of the store's codes, and their width; LineageError when no such model is
        available.
        """
        with self._readers.store() as store:
            model = self.models.of(store)
            return model, bits_for(store, model)

    def model_document(self, store: Searchable) -> dict[str, object]:
        """The model that hashes queries, as plain values."""
        model = self.models.of(store)
        return {
            "name": model.name,
            "lineage": model.lineage,
            "bits": model.bits,
            "tile_size": model.tile_size,
            "fits": model.lineage == store.lineage,
        }

    def _query_of_upload(self, request: UploadQuery) -> Query:
        upload, params, (model, bits) = (
            self.uploads.get(request.upload),
            request.params(),
            self.hasher(),
        )
        crop = request.crop(params)
        opened = self.opened_upload(upload, params.over(model.card.decode_params))
        with self._hashing, opened as scene, self.metrics.stage("hash"):
            return Query.from_scene(scene, upload.text, model, bits, crop)
