"""`scenehash search`"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scenehash.decode_params import DecodeParams

from .console import CONSOLE, EXIT_FAILED, AsJson, counted, notice, report
from .help import examples
from .options import (
    CORES,
    AreaOption,
    BandChoice,
    BoundingBox,
    K,
    LabelOption,
    ModelPath,
    NearOption,
    NewerThan,
    NodataValue,
    SceneOption,
    Sheet,
    Since,
    StorePath,
    StretchRange,
    Threads,
    TileSize,
    Until,
    Whole,
    make_filter,
    make_tiling,
    numbers,
)

if TYPE_CHECKING:
    from rich.table import Table

    from scenehash.retrieval.search import SearchResult


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    lines = (
        "scenehash search harbor.png --store my.store",
        "scenehash search row:12 b.png --not c.png --since 2026-03-01 --json",
        "scenehash search scene.tif --at 43.36,5.32 --store my.store --html hits.html",
    )
    app.command("search", epilog=examples(*lines))(search_command)


def search_command(
    queries: Annotated[
        list[str],
        typer.Argument(
            metavar="QUERY",
            help="Search for tiles like these: scene files, row:N for a stored tile, code:HEX for "
            "a code. A hit is near to at least one of them.",
        ),
    ],
    store: StorePath,
    k: K = 20,
    radius: Annotated[
        int | None,
        typer.Option(min=0, metavar="BITS", help="Return only hits at most this many bits away."),
    ] = None,
    unlike: Annotated[
        list[str] | None,
        typer.Option(
            "--not",
            metavar="QUERY",
            help="Leave out hits that are as near to this; may be repeated.",
        ),
    ] = None,
    window: Annotated[
        Any,
        typer.Option(
            parser=numbers(int, "X,Y,W,H"),
            metavar="X,Y,W,H",
            help="Search with this part of the query scene, in pixels.",
        ),
    ] = None,
    at: Annotated[
        Any,
        typer.Option(
            parser=numbers(float, "LAT,LON"),
            metavar="LAT,LON",
            help="Search with the tile around this place in the query scene, in degrees.",
        ),
    ] = None,
    tile: TileSize = None,
    whole: Whole = False,
    bands: BandChoice = None,
    nodata: NodataValue = None,
    stretch: StretchRange = None,
    scene: SceneOption = None,
    label: LabelOption = None,
    since: Since = None,
    until: Until = None,
    bbox: BoundingBox = None,
    near: NearOption = None,
    area: AreaOption = None,
    newer_than: NewerThan = None,
    rerank: Annotated[
        bool | None,
        typer.Option(
            "--rerank/--no-rerank",
            help="Order the nearest hits by how certain the query is of each bit, too; or keep "
            "the order of distances.",
            show_default="hits that show the query's place first, if the store has thumbnails",
        ),
    ] = None,
    sheet: Sheet = None,
    page: Annotated[
        Path | None,
        typer.Option("--html", metavar="FILE", help="Write the search as a page with maps."),
    ] = None,
    geojson: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the footprints of the hits as GeoJSON."),
    ] = None,
    group: Annotated[
        bool,
        typer.Option("--group", help="Group hits that show one place, the best of each first."),
    ] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show how the index was searched, and the time.")
    ] = False,
    threads: Threads = CORES,
    model: ModelPath = None,
    as_json: AsJson = False,
) -> None:
    """Find the stored tiles that are most similar to queries.

    Hits come in the order of their Hamming distance. A word says what a distance means: same_place,
    same_kind, doubtful, or unlike_anything_stored. A scene of several tiles is searched by all its
    tiles.
    """
    from scenehash.report.search_files import SearchFiles
    from scenehash.retrieval.crop import Crop
    from scenehash.retrieval.search import search

    params = DecodeParams(bands, nodata, stretch)
    files = SearchFiles(sheet, page, geojson)
    files.check(store, [*queries, *(unlike or ())])
    result = search(
        store,
        queries,
        k,
        radius=radius,
        where=make_filter(scene, label, since, until, bbox, near, area, newer_than),
        unlike=unlike or (),
        rerank=rerank,
        crop=Crop(window, at, params, make_tiling(tile, whole=whole)),
        model=model,
        threads=threads,
        progress=CONSOLE,
    )
    for warning in result.warnings:
        notice(f"note: {warning}")
    written, failed = files.write(result)
    document = result.document(group, explain)
    if written or failed:
        document |= {"written": written, "not_written": failed}
    how = [str(result.explanation)] if explain else []
    report(document, as_json, _hit_table(result, group), *how, _summary(result))
    for name, path in written.items():
        notice(f"{name}: {path}")
    for reason in failed.values():
        notice(f"error: {reason}")
    if failed:
        raise typer.Exit(EXIT_FAILED)


def _hit_table(result: "SearchResult", group: bool) -> "Table":
    """Hits as a table for a person; in groups of one place, those after the first indented."""
    from rich.table import Table

    from scenehash.retrieval.shown import named

    headings = ["rank", "distance", "match", "row", "scene", "window"]
    if result.reordered:
        headings.insert(2, "by distance")
    table = Table(*headings, box=None, header_style="bold")
    hits = {hit.row: hit for hit in result.hits}
    groups = result.groups() if group else [[row] for row in hits]
    for row, is_first in ((row, row == rows[0]) for rows in groups for row in rows):
        hit = hits[row]
        window = hit.window
        rank = str(hit.rank) if is_first else f"  {hit.rank}"
        cells = [rank, str(hit.distance), str(hit.match), str(hit.row), named(hit.scene)]
        if result.reordered:
            cells.insert(2, f"#{hit.hamming_rank}")
        table.add_row(*cells, f"{window.width}x{window.height}+{window.x}+{window.y}")
    return table


def _summary(result: "SearchResult") -> str:
    found = f"{counted(len(result.hits), 'hit')} among {counted(result.searched, 'tile')}"
    order = ""
    if result.reranked is not None and result.reordered:
        by = {"same_place": "the query's place first", "bit_certainty": "certainty of bits"}
        names = ", then ".join(by[name] for name in reversed(result.reranked.by))
        order = f"; the nearest {result.reranked.compared} re-ranked: {names}"
    return f"{found} in {result.milliseconds:.1f} ms{order}"
