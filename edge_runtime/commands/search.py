"""`scenehash search`"""

import dataclasses
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..console import AsJson, notice, report
from .options import (
    BoundingBox,
    K,
    LabelOption,
    ModelPath,
    NewerThan,
    SceneOption,
    Sheet,
    Since,
    StorePath,
    Until,
    make_filter,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from ..store import Hit


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("search")(search_command)


def search_command(
    query: Annotated[str, typer.Argument(help="An image file, or row:N for a stored tile.")],
    store: StorePath,
    k: K = 20,
    radius: Annotated[
        int | None,
        typer.Option(min=0, help="Only hits at most so many bits away.", show_default=False),
    ] = None,
    scene: SceneOption = None,
    label: LabelOption = None,
    since: Since = None,
    until: Until = None,
    bbox: BoundingBox = None,
    newer_than: NewerThan = None,
    sheet: Sheet = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say how it was searched, and where the time went.")
    ] = False,
    model: ModelPath = None,
    as_json: AsJson = False,
) -> None:
    """Find the stored tiles most similar to a query: nearest first, ties by row."""
    from ..query import query_image, read_query
    from ..store import CodeStore

    where = make_filter(scene, label, since, until, bbox, newer_than) or None
    with CodeStore.open(store) as code_store:
        what = read_query(query, code_store, model)
        started = time.perf_counter()
        found, explanation = code_store.search(what.code, k, radius, where, explain=True)
        hits = found[0]
        milliseconds = 1000 * (time.perf_counter() - started)
        if sheet is not None:
            from ..sheet import SheetLine, contact_sheet, write_picture

            title = query if what.row is not None else what.scene.name
            line = SheetLine(query_image(what, code_store), title, hits)
            write_picture(sheet, contact_sheet([line]))
            notice(f"contact sheet: {sheet}")
        searched = len(code_store)
    document = {
        "query": query,
        "store": str(store),
        "lineage": code_store.lineage,
        "bits": code_store.bits,
        "searched": searched,
        "milliseconds": round(milliseconds, 3),
        "hits": [hit_document(hit) for hit in hits],
    }
    if explain:
        document["explanation"] = dataclasses.asdict(explanation)
    summary = f"{len(hits)} hits among {searched:,} tiles in {milliseconds:.1f} ms"
    how = str(explanation) if explain else ""
    report(document, as_json, hit_table(hits), *filter(None, (how, summary)))


def hit_document(hit: "Hit") -> dict[str, object]:
    """A hit as plain values."""
    window = hit.window
    return {
        "rank": hit.rank,
        "distance": hit.distance,
        "row": hit.row,
        "scene": hit.scene,
        "window": [window.x, window.y, window.width, window.height],
        "time": None if hit.time is None else hit.time.isoformat(),
        "footprint": hit.footprint,
    }


def hit_table(hits: "Sequence[Hit]") -> "Table":
    """Hits as a table for a person."""
    from rich.table import Table

    table = Table("rank", "distance", "row", "scene", "window", box=None, header_style="bold")
    for hit in hits:
        window = hit.window
        place = f"{window.width}x{window.height}+{window.x}+{window.y}"
        scene = "/".join(Path(hit.scene).parts[-2:])
        table.add_row(str(hit.rank), str(hit.distance), str(hit.row), scene, place)
    return table
