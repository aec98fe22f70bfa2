"""`scenehash search`"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scenehash.retrieval.options import DEFAULT_HITS, Rerank

from .choices import CropChoice, StationFilterChoice
from .console import CONSOLE, AsJson, FittingTable, counted, notice, report_files
from .options import CORES, ModelPath, StoreOrEngine, Threads
from .register import register_command

if TYPE_CHECKING:
    from rich.console import RenderableType

    from scenehash.report.search_files import SearchFiles
    from scenehash.retrieval.search import SearchResult
    from scenehash.store import Filter


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    register_command(
        app,
        search_command,
        "scenehash search harbor.png --store my.store",
        "scenehash search row:12 b.png --not c.png --since 2026-03-01 --json",
        "scenehash search scene.tif --at 43.36,5.32 --store my.store --html hits.html",
        "scenehash search row:north/12 --store milvus://localhost:19530/tiles",
    )


@dataclass(frozen=True)
class FilesChoice:
    """Output files of a search."""

    sheet: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the query and its hits as a picture."),
    ] = None
    html: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the search as a page with maps."),
    ] = None
    geojson: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the footprints of the hits as GeoJSON."),
    ] = None

    def files(self) -> "SearchFiles":
        """The files as the library takes them."""
        from scenehash.report.search_files import SearchFiles

        return SearchFiles(self.sheet, self.html, self.geojson)


def search_command(
    queries: Annotated[
        list[str],
        typer.Argument(
            metavar="QUERY",
            help="Find tiles that are similar to at least one of these: scene files, row:N for a "
            "stored tile, code:HEX for a code, logits:FILE for logits in an .npy file.",
        ),
    ],
    store: StoreOrEngine,
    *,
    k: Annotated[
        int, typer.Option("-k", min=1, metavar="N", help="Return at most this many hits.")
    ] = DEFAULT_HITS,
    radius: Annotated[
        int | None,
        typer.Option(min=0, metavar="BITS", help="Return only hits at most this many bits away."),
    ] = None,
    unlike: Annotated[
        list[str] | None,
        typer.Option(
            "--not",
            metavar="QUERY",
            help="Leave out hits that are at least as near to this as to a query; may be repeated.",
        ),
    ] = None,
    cropping: CropChoice,
    filtering: StationFilterChoice,
    other_scenes: Annotated[
        bool,
        typer.Option("--other-scenes", help="Leave out tiles of the queries' own scenes."),
    ] = False,
    rerank: Annotated[
        Rerank | None,
        typer.Option(
            help="Reorder the nearest hits: mixed by distances and representations, vectors by "
            "representations alone, bits by the certainty of the query's bits, thumbnails with "
            "hits of the query's place first; none keeps the order of distances.",
            show_default="mixed and thumbnails, if the store keeps them",
        ),
    ] = None,
    output: FilesChoice,
    group: Annotated[
        bool,
        typer.Option(
            "--group",
            help="Show only the best hit of each place or group of near-duplicates, with the "
            "number of others; -k then counts groups.",
        ),
    ] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show how the search used the index, and the time.")
    ] = False,
    threads: Threads = CORES,
    model: ModelPath = None,
    as_json: AsJson = False,
) -> None:
    """Find the stored tiles that are most similar to queries.

    The nearest hits come first, by Hamming distance and, if the store keeps representations, by
    their cosine. If the store keeps thumbnails, hits of the query's place come before all other
    hits. The column "match" says what a distance means: same_place, same_kind, likely_same_kind,
    doubtful, other_kind, or unlike_anything_stored (docs/search.md). If a query scene has several
    tiles, the search uses all of them.
    """
    from scenehash.retrieval.search import search

    asked = [*queries, *(unlike or ())]
    crop, files, where = cropping.crop(asked), output.files(), filtering.filter()
    files.check(Path(store), asked)
    result = search(
        store,
        queries,
        k,
        radius=radius,
        where=where,
        unlike=unlike or (),
        rerank=rerank,
        crop=crop,
        model=model,
        threads=threads,
        progress=CONSOLE,
        other_scenes=other_scenes,
        grouped=group,
    )
    _check_filter(result, where)
    for line in [*result.warnings, *_thumbnails_hint(result)]:
        notice(f"note: {line}")
    shown: list[RenderableType] = [_hit_table(result, group), _summary(result, group)]
    if explain:
        shown[1:1] = str(result.explanation).splitlines()
    written = files.write(result.best_of_groups() if group else result)
    report_files(result.document(group, explain), as_json, shown, written)


def _check_filter(result: "SearchResult", where: "Filter") -> None:
    """Raise NotStoredError if no stored tile meets the given filter."""
    from scenehash.errors import NotStoredError
    from scenehash.retrieval.filter_text import filter_text

    if where and result.meeting == 0:
        raise NotStoredError(
            f"{result.store}: no stored tile meets the filter: {filter_text(where)}"
        )


def _thumbnails_hint(result: "SearchResult") -> list[str]:
    """A hint for a first hit at distance 0 without a thumbnail to compare."""
    from scenehash.engines import is_address

    first = result.hits[0] if result.hits else None
    if first is None or first.distance or first.row in result.thumbnails:
        return []
    if is_address(result.store) or all(query.row is not None for query in result.queries):
        return []
    return [
        "only thumbnails tell whether a hit shows the same place; make them: "
        f"scenehash store thumbnails {result.store}"
    ]


def _hit_table(result: "SearchResult", group: bool) -> FittingTable:
    """A table of hits; with groups, the best hit of each group and the number of others."""
    from scenehash.engines import is_address
    from scenehash.retrieval.filter_text import named, window_text
    from scenehash.store.catalog.station import origin_of

    columns = ["rank", "distance", "cosine", "by distance", "match", "station", "row", "scene"]
    columns += ["window", "more"]
    # A row of an engine is one of a station.
    stations = is_address(result.store) or any(
        hit.station != result.hits[0].station or origin_of(hit.scene, None) for hit in result.hits
    )
    groups = result.groups() if group else [[hit] for hit in result.hits]
    rows = [
        (
            str(number if group else own[0].rank),
            str(own[0].distance),
            "" if own[0].cosine is None else f"{own[0].cosine:.2f}",
            f"#{own[0].hamming_rank}" if result.reordered else "",
            str(own[0].match),
            (own[0].station or "") if stations else "",
            str(own[0].row),
            named(own[0].scene),
            window_text(own[0].window),
            f"+{len(own) - 1}" if len(own) > 1 else "",
        )
        for number, own in enumerate(groups, start=1)
    ]
    return FittingTable(columns, rows, "scene", ("cosine", "by distance", "station"))


def _summary(result: "SearchResult", group: bool) -> str:
    found = counted(len(result.hits), "hit")
    if group:
        found = f"{counted(len(result.groups()), 'group')} of {found}"
    if result.meeting is None:
        found += f" among {counted(result.searched, 'tile')}"
    else:
        found += f" among {result.meeting:,} of {counted(result.searched, 'tile')}"
    order = ""
    # The summary names a requested re-ranking even if it changed nothing.
    asked = result.reranked is not None and not {*result.reranked.by} <= {"same_place", "mixed"}
    if result.reranked is not None and (result.reordered or asked):
        names = {
            "same_place": "the query's place first",
            "bit_certainty": "certainty of bits",
            "vectors": "cosine of representations",
            "mixed": "distances and representations",
        }
        compared = result.reranked.compared
        by = [
            f"{names[name]} ({compared[name]} compared)"
            for name in result.reranked.by
            if name != "same_place" or any(hit.same_place for hit in result.hits)
        ]
        order = f"; re-ranked: {', then '.join(by)}" if by else ""
    more = result.more_within_radius
    beyond = f"; {more:,} more within the radius" if more else ""
    stages = {name: f"{time:.1f} ms" for name, time in result.stages.items()}
    times = f"read and hash {stages['hash']}, open {stages['open']}, search {stages['search']}"
    if result.reranked is not None:
        names = {"same_place": "thumbnails", "bit_certainty": "bits"}
        kept = [names.get(name, "representations") for name in result.reranked.compared]
        times += f", compare {' and '.join(kept)} {stages['rerank']}"
    return f"{found}: {times}{beyond}{order}"
