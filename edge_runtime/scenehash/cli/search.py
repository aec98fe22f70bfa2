"""`scenehash search`"""

import dataclasses
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scenehash.errors import ConfigurationError

from .console import AsJson, notice, report
from .help import examples
from .options import (
    BandChoice,
    BoundingBox,
    K,
    LabelOption,
    ModelPath,
    NearOption,
    NewerThan,
    SceneOption,
    Sheet,
    Since,
    StorePath,
    TileSize,
    Until,
    make_filter,
    make_tiling,
    notice_trouble,
    numbers,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from scenehash.retrieval.query import Query
    from scenehash.store import CodeStore, Hit


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    epilog = examples(
        "scenehash search image.png --store my.store -k 6 --sheet hits.png",
        "scenehash search row:41 --store my.store --radius 10",
    )
    app.command("search", epilog=epilog)(search_command)


def search_command(
    queries: Annotated[
        list[str],
        typer.Argument(
            metavar="QUERY",
            help="A scene file, or row:N for a stored tile; hits are near any of several.",
        ),
    ],
    store: StorePath,
    k: K = 20,
    radius: Annotated[
        int | None,
        typer.Option(min=0, help="Only hits at most so many bits away.", show_default=False),
    ] = None,
    unlike: Annotated[
        list[str] | None,
        typer.Option(
            "--not",
            metavar="QUERY",
            help="Leave out hits that are as near to this; may be given again.",
        ),
    ] = None,
    window: Annotated[
        Any,
        typer.Option(
            parser=numbers(int, "X,Y,W,H"),
            metavar="X,Y,W,H",
            help="The part of the query scene that is meant, in pixels.",
            show_default=False,
        ),
    ] = None,
    at: Annotated[
        Any,
        typer.Option(
            parser=numbers(float, "LAT,LON"),
            metavar="LAT,LON",
            help="The place in the query scene that is meant: a tile around it.",
            show_default=False,
        ),
    ] = None,
    tile: TileSize = None,
    bands: BandChoice = None,
    scene: SceneOption = None,
    label: LabelOption = None,
    since: Since = None,
    until: Until = None,
    bbox: BoundingBox = None,
    near: NearOption = None,
    newer_than: NewerThan = None,
    rerank: Annotated[
        bool,
        typer.Option(
            "--rerank",
            help="A second look: order the nearest by how sure the query is of each bit; with "
            "thumbnails in the store, those of the query's place come first.",
        ),
    ] = False,
    sheet: Sheet = None,
    page: Annotated[
        Path | None,
        typer.Option("--html", help="Write the search as a page with a map.", show_default=False),
    ] = None,
    geojson: Annotated[
        Path | None,
        typer.Option(help="Write the hits' footprints for a map.", show_default=False),
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say how it was searched, and where the time went.")
    ] = False,
    model: ModelPath = None,
    as_json: AsJson = False,
) -> None:
    """Find the stored tiles most similar to a query.

    The nearest come first; of equals, the lowest row.
    """
    from scenehash.retrieval.query import Crop, model_when_needed, read_query
    from scenehash.retrieval.search import search_by_examples
    from scenehash.store import CodeStore

    wanted = make_filter(scene, label, since, until, bbox, near, newer_than)
    crop = Crop(window, at, bands, make_tiling(tile))

    loaded = model_when_needed(model)
    with CodeStore.open(store) as code_store:
        where = code_store.resolve(wanted) or None
        like = [read_query(text, code_store, loaded, crop) for text in queries]
        others = [read_query(text, code_store, loaded) for text in unlike or ()]
        started = time.perf_counter()
        found = search_by_examples(code_store, like, k, radius, where, others, rerank)
        milliseconds = 1000 * (time.perf_counter() - started)
        hits, searched = found.hits, len(code_store)
        document: dict[str, object] = {
            "query": queries[0] if len(queries) == 1 else queries,
            "store": str(store),
            "lineage": code_store.lineage,
            "bits": code_store.bits,
            "searched": searched,
            "milliseconds": round(milliseconds, 3),
            "hits": [hit.document() for hit in hits],
        }
        _write_pictures(like, hits, code_store, sheet, page, geojson)
        notice_trouble(code_store)
    if explain:
        document["explanation"] = dataclasses.asdict(found.explanation)
    summary = f"{len(hits)} hits among {searched:,} tiles in {milliseconds:.1f} ms"
    how = str(found.explanation) if explain else ""
    report(document, as_json, hit_table(hits), *filter(None, (how, summary)))


def hit_table(hits: "Sequence[Hit]") -> "Table":
    """Hits as a table for a person."""
    from rich.table import Table

    table = Table("rank", "distance", "row", "scene", "window", box=None, header_style="bold")
    if any(hit.same_place for hit in hits):
        table.add_column("")
    for hit in hits:
        window = hit.window
        place = f"{window.width}x{window.height}+{window.x}+{window.y}"
        scene = "/".join(Path(hit.scene).parts[-2:])
        note = ["same place"] if hit.same_place else []
        table.add_row(str(hit.rank), str(hit.distance), str(hit.row), scene, place, *note)
    return table


def _write_pictures(
    queries: "Sequence[Query]",
    hits: "Sequence[Hit]",
    store: "CodeStore",
    sheet: Path | None,
    page: Path | None,
    geojson: Path | None,
) -> None:
    if sheet is not None or page is not None:
        from scenehash.retrieval.query import query_pixels, thumbnail_pixels

        rows = [hit.row for hit in hits] + [query.row for query in queries if query.row is not None]
        thumbnails = thumbnail_pixels(store, rows)
        examples = [(query.title, query_pixels(query, thumbnails)) for query in queries]
    if sheet is not None:
        from scenehash.report.contact_sheet import SheetLine, contact_sheet, write_picture

        lines = [SheetLine(pixels, title, []) for title, pixels in examples]
        lines[-1] = dataclasses.replace(lines[-1], hits=hits, thumbnails=thumbnails)
        write_picture(sheet, contact_sheet(lines))
        notice(f"contact sheet: {sheet}")
    if page is not None:
        from scenehash.report.html_report import write_page

        title = "Scenes like " + ", ".join(query.title for query in queries)
        write_page(page, title, examples, hits, store.bits, thumbnails)
        notice(f"page: {page}")
    if geojson is not None:
        from scenehash.report.geojson import hit_feature, write_geojson

        if hits and all(hit.footprint is None for hit in hits):
            raise ConfigurationError("none of the hits has a place on the Earth: no map of them")
        write_geojson(geojson, [hit_feature(hit) for hit in hits])
        notice(f"footprints: {geojson}")
