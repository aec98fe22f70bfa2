"""Search: from queries to ranked hits, with facts about them."""

import contextlib
import dataclasses
import functools
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from scenehash.codes import Codes
from scenehash.engines import is_address
from scenehash.errors import ConfigurationError, StoreDamagedError
from scenehash.files import path_text
from scenehash.index import Explanation
from scenehash.progress import SILENT, Progress
from scenehash.store import CodeStore, Filter, Hit, Searchable, SearchRequest
from scenehash.store.search.sample import NO_TILES
from scenehash.tiles import Image

from .crop import Crop
from .filter_text import filter_document, filter_text
from .grouping import group_hits
from .match_words import MatchDistances
from .mixing import Mixing
from .options import DEFAULT_HITS, Rerank
from .query import ROW_PREFIX, ModelWhenNeeded, Query, bits_for, check_width, read_query
from .rerank import Reranked, orders, reranked, shortlist

if TYPE_CHECKING:
    from scenehash.model.hash_model import HashModel

# Hits to group, per wanted group, and the minimum number.
GROUPED, LEAST_GROUPED = 10, 100
# Tiles of a store in which those that meet a filter are counted.
MOST_MET = 200_000

QueryLike = Query | str | Path | Image


@dataclass(frozen=True)
class SearchResult:
    """The hits of a search, best first, with all facts about the search.

    milliseconds: of searching and re-ranking, without hashing the queries. stages: milliseconds of
    "hash": loading the model, reading and hashing the queries; of "open": opening the index, once
    in a process, and reading the hits' records; of "search": searching the codes; and of "rerank":
    comparing representations, bits and thumbnails. searched: the number of tiles in the store.
    store, lineage, bits, model: of the store. match_distances: the limits of the words for hits,
    see match_words. reranked: None when hits are in the order of (distance, row). warnings: lines
    for a person. thumbnails: a JPEG by row, for hits that have one. codes: uint8 [hits, K/8].
    more_within_radius: the number of further tiles within the radius, beyond k; None if not
    counted: no radius, or too many tiles. meeting: the number of tiles that meet the filter; None
    if not counted (0 is always told).
    """

    queries: tuple[Query, ...]
    unlike: tuple[Query, ...]
    hits: tuple[Hit, ...]
    explanation: Explanation
    milliseconds: float
    stages: Mapping[str, float]
    searched: int
    store: str
    lineage: str
    bits: int
    model: str
    k: int
    radius: int | None
    where: Filter | None
    match_distances: MatchDistances
    codes: Codes
    more_within_radius: int | None = None
    meeting: int | None = None
    reranked: Reranked | None = None
    warnings: tuple[str, ...] = ()
    thumbnails: Mapping[int, bytes] = field(default_factory=dict)

    @property
    def reordered(self) -> bool:
        """Whether a hit has another rank than by its distance."""
        return any(hit.rank != hit.hamming_rank for hit in self.hits)

    def groups(self) -> list[list[Hit]]:
        """The hits in groups of one place or of near-duplicates; see group_hits."""
        return [[self.hits[place] for place in group] for group in self._groups]

    def best_of_groups(self) -> "SearchResult":
        """The same result with only the best hit of each group."""
        return self._with([group[0] for group in self._groups])

    def first_groups(self, most: int) -> "SearchResult":
        """The same result with only the hits of the first groups. most: the maximum number of
        groups.
        """
        kept = self._with(sorted(place for group in self._groups[:most] for place in group))
        left_out = len(self.hits) - len(kept.hits)
        more = self.more_within_radius
        return replace(kept, more_within_radius=None if more is None else more + left_out)

    @functools.cached_property
    def _groups(self) -> list[list[int]]:
        """The indices of hits in groups; cached, since comparing their pictures takes a while."""
        return group_hits(self.hits, self.codes, self.thumbnails)

    def _with(self, places: Sequence[int]) -> "SearchResult":
        hits = tuple(self.hits[place] for place in places)
        return replace(self, hits=hits, codes=self.codes[list(places)])

    def tile_name(self, hit: Hit) -> int | str:
        """The identity of a hit's tile: its row, or STATION/ROW in an engine."""
        stations = {other.station for other in self.hits}
        return (
            hit.row
            if len(stations) == 1 or not is_address(self.store)
            else f"{hit.station}/{hit.row}"
        )

    def document(self, group: bool = False, explain: bool = False) -> dict[str, object]:
        """The result as plain values for JSON; with groups, and with the explanation."""
        more: dict[str, object] = {}
        if group:
            more["groups"] = [[self.tile_name(hit) for hit in own] for own in self.groups()]
        if explain:
            more["explanation"] = dataclasses.asdict(self.explanation)
        texts = [query.text for query in self.queries]
        return {
            "query": texts[0] if len(texts) == 1 else texts,
            "queries": [query.document() for query in self.queries],
            "not": [query.document() for query in self.unlike],
            "k": self.k,
            "radius": self.radius,
            "more_within_radius": self.more_within_radius,
            "filter": filter_document(self.where),
            "store": self.store,
            "lineage": self.lineage,
            "bits": self.bits,
            "model": self.model,
            "searched": self.searched,
            "meeting": self.meeting,
            "milliseconds": round(self.milliseconds, 3),
            "stages": {name: round(time, 3) for name, time in self.stages.items()},
            "match_distances": dataclasses.asdict(self.match_distances),
            "reranked": None if self.reranked is None else self.reranked.document(),
            "warnings": list(self.warnings),
            "hits": [hit.document() for hit in self.hits],
            **more,
        }


def search(
    store: Searchable | str | Path,
    queries: QueryLike | Sequence[QueryLike],
    k: int = DEFAULT_HITS,
    *,
    radius: int | None = None,
    where: Filter | None = None,
    unlike: Sequence[QueryLike] = (),
    rerank: Rerank | None = None,
    crop: Crop | None = None,
    model: "HashModel | str | Path | None" = None,
    threads: int = 1,
    progress: Progress = SILENT,
    other_scenes: bool = False,
    grouped: bool = False,
) -> SearchResult:
    """Find the k stored tiles nearest to any of the queries.

    store: an open store, its folder, or the address of an engine (scenehash.push). queries: one or
    several of: the path of a scene file, "row:12" for a stored tile ("row:north/12" for a tile of
    the station north), "code:0f3a..." for a code, an image uint8 RGB [H, W, 3], a Query. All tiles
    of a large scene are queries. The distance of a stored tile is the distance to the nearest query
    tile. radius: leave out tiles with a larger distance, in bits. where: search only tiles that
    meet a filter, which may name a scene by the end of its path. unlike: leave out tiles that are
    at least as near to one of these as to a query. crop: the part of a scene file to use. model: a
    model or its file, for scene files and images; None: the model that the store keeps, or else the
    shipped model. threads: for hashing and searching. other_scenes: leave out the tiles of scenes
    that are queries, or that contain a query tile; a file is known by its path. grouped: k counts
    groups of hits (SearchResult.groups): return the hits of the first k groups among the nearest
    100, or 10 k.

    rerank: another order of the nearest hits, see rerank.py. "mixed": reorder the nearest 100, or
    k, by their distance together with the cosine of their stored representation and the query's; in
    a store of kinds that the model does not know, reorder the nearest 300 by the cosine (see
    mixing.py). "vectors": reorder the nearest 300 by the cosine alone. "bits": reorder the nearest
    100, or 5 k, by the certainty of the query's bits. "thumbnails": put the hits that show the
    place of a query first, among the nearest 300; the other ways, except "none", do this as well if
    the store keeps thumbnails. "none": keep the order of (distance, row). None: "mixed" if there
    are representations and the model is not an adapted one.

    Raises InputError, ConfigurationError, ModelError, LineageError when another model made the
    store, and StoreError, also when no stored tile can meet the filter.
    """
    with contextlib.ExitStack() as stack:
        found = _opened(store, stack)
        started = time.perf_counter()
        searcher = _Searcher(found, ModelWhenNeeded(model, found), threads, progress)
        asked = [queries] if isinstance(queries, Query | str | Path | np.ndarray) else queries
        like = [searcher.query(one, crop) for one in asked]
        if not like:
            raise ConfigurationError("no query: give a file, row:N, code:HEX, or several of these")
        plain = None if crop is None else crop.of_all()
        others = [searcher.query(one, plain) for one in unlike]
        resolved = found.resolve(where) if where else None
        own = Filter(other_than=searcher.scenes_of(like)) if other_scenes else Filter()
        hashing = 1000 * (time.perf_counter() - started)
        wanted = max(GROUPED * k, LEAST_GROUPED) if grouped else k
        result = searcher.search(like, others, wanted, radius, resolved, rerank, own)
        if grouped:
            result = replace(result.first_groups(k), k=k)
        return replace(result, stages={"hash": hashing, **result.stages})


def _opened(store: Searchable | str | Path, stack: contextlib.ExitStack) -> Searchable:
    """The opened store; stack closes a store that was opened here."""
    if isinstance(store, str) and is_address(store):
        from scenehash.engines import EngineStore

        return stack.enter_context(EngineStore.open(store))
    if isinstance(store, str | Path):
        return stack.enter_context(CodeStore.open(store))
    return store


@dataclass(frozen=True)
class _Searcher:
    """An open store, and the settings for reading queries."""

    store: Searchable
    model: ModelWhenNeeded
    threads: int
    progress: Progress

    def query(self, one: QueryLike, crop: Crop | None) -> Query:
        if isinstance(one, Query):
            check_width(one, self.store)
            return one
        if isinstance(one, str | Path):
            return read_query(one, self.store, self.model, crop, self.threads, self.progress)
        model = self.model()
        return Query.from_image(one, model, bits_for(self.store, model))

    def scenes_of(self, queries: Sequence[Query]) -> tuple[str, ...] | None:
        """The stored paths of the queries' scenes; None for queries without a scene."""
        paths = []
        for query in queries:
            if query.row is not None:
                station = query.text.removeprefix(ROW_PREFIX).rpartition("/")[0]
                paths.append(self.store.stored_tile(query.row, station or None)[1].scene)
            elif query.scene is not None:
                paths.append(path_text(query.scene.absolute()))
        return tuple(dict.fromkeys(paths)) or None

    def search(
        self,
        like: Sequence[Query],
        others: Sequence[Query],
        k: int,
        radius: int | None,
        asked: Filter | None,
        rerank: Rerank | None,
        own: Filter,
    ) -> SearchResult:
        store = self.store
        where = replace(asked or own, other_than=own.other_than) or None
        adapted = rerank in (None, "mixed") and self.model.is_adapted(store)
        by = orders(store, like, rerank, adapted)
        codes = np.concatenate([query.codes for query in like])
        damage: tuple[str, ...] = ()
        started = time.perf_counter()
        mixing = self._mixing(adapted) if "mixed" in by else None
        drawn = time.perf_counter()
        request = SearchRequest(
            codes,
            shortlist(k, by, mixing),
            radius,
            where,
            np.concatenate([query.codes for query in others]) if others else None,
            self.threads,
        )
        try:
            found, explanation = store.search_any(request)
        except StoreDamagedError as error:
            if rerank is not None or not by:
                raise
            # A default order must not fail a search whose hits are sound.
            by, damage = (), (f"hits are in the order of their distances: {error}",)
            found, explanation = store.search_any(replace(request, k=k))
        searched = time.perf_counter()
        ranked = [
            hit if hit.hamming_rank == hit.rank else replace(hit, hamming_rank=hit.rank)
            for hit in found
        ]
        hits, order = reranked(store, like, ranked, k, by, mixing) if by else (ranked[:k], None)
        ended = time.perf_counter()
        # Seconds of several threads add up to more than passed.
        comparing = min(sum(explanation.seconds.values()), searched - drawn)

        limits, tiles = self.model.match_distances(store), len(store)
        blank = all(query.blank for query in like)
        nearest = self._nearest(codes, ranked, is_all=not (asked or others), where=own)
        thumbnails = store.thumbnails.of([hit.row for hit in hits])
        return SearchResult(
            queries=tuple(like),
            unlike=tuple(others),
            hits=tuple(
                replace(
                    hit,
                    match=limits.word(hit.distance, nearest, bool(hit.same_place), blank, tiles),
                )
                for hit in hits
            ),
            explanation=explanation,
            milliseconds=1000 * (ended - started),
            stages={
                "open": 1000 * (searched - drawn - comparing),
                "search": 1000 * comparing,
                "rerank": 1000 * (drawn - started + ended - searched),
            },
            searched=tiles,
            store=store.address,
            lineage=store.lineage,
            bits=store.bits,
            model=store.model,
            k=k,
            radius=radius,
            where=where,
            match_distances=limits,
            codes=store.codes_of(hits),
            more_within_radius=self._more(request, hits, k),
            meeting=self._meeting(request, ranked),
            reranked=order,
            warnings=(*_warnings(store, [*like, *others], where, bool(hits)), *damage),
            thumbnails=thumbnails,
        )

    def _mixing(self, adapted: bool) -> Mixing:
        """The weights of codes and representations; if they are damaged, as for known kinds."""
        try:
            sample = self.store.sample()
        except StoreDamagedError:
            sample = NO_TILES
        return Mixing.of(sample, adapted)

    def _more(self, request: SearchRequest, hits: Sequence[Hit], k: int) -> int | None:
        """The number of tiles within the radius beyond the k hits."""
        if request.radius is None or len(hits) < k:
            return None if request.radius is None else 0
        within = self.store.count_within(request)
        return None if within is None else max(within - len(hits), 0)

    def _meeting(self, request: SearchRequest, hits: Sequence[Hit]) -> int | None:
        """The number of tiles that meet the filter; in a very large store and in an engine, only
        whether there are any."""
        if request.where is None:
            return None
        plain = SearchRequest(request.codes[:1], 1, where=request.where)
        with contextlib.suppress(StoreDamagedError):
            if len(self.store) <= MOST_MET and not is_address(self.store.address):
                return self.store.count_within(plain)
            if not hits and not self.store.search_any(plain)[0]:
                return 0
        return None

    def _nearest(self, codes: Codes, hits: Sequence[Hit], is_all: bool, where: Filter) -> int:
        """The distance of the nearest stored tile, even if other conditions left it out."""
        if not hits:
            return 0
        if not is_all:
            # A damaged tile is an error only if it is a hit.
            with contextlib.suppress(StoreDamagedError):
                hits, _ = self.store.search_any(
                    SearchRequest(codes, 1, where=where or None, threads=self.threads)
                )
        return hits[0].distance


def _warnings(
    store: Searchable, queries: Sequence[Query], where: Filter | None, any_hits: bool
) -> Iterator[str]:
    for query in queries:
        yield from query.warnings
        if len(query.codes) > 1:
            skipped = f" ({query.skipped} more hold too little data)" if query.skipped else ""
            yield f"{query.text}: searched by its {len(query.codes)} tiles{skipped}"
    if where is not None and not any_hits:
        yield f"no tile meets both the filter and the other conditions: {filter_text(where)}"
    yield from store.notes()
