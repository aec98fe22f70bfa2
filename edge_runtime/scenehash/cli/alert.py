"""`scenehash alert`: the watch list."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scenehash.errors import ScenehashError, StoreError

from .console import AsJson, notice, report
from .options import ModelPath, StorePath, Wait

if TYPE_CHECKING:
    from rich.table import Table

    from scenehash.codes import Codes
    from scenehash.report.contact_sheet import SheetLine
    from scenehash.store import Alert, CodeStore
    from scenehash.tiles import Image
    from scenehash.watcher.tuning import Tuning

# Tiles on each side of the radius that a contact sheet shows.
TILES_SHOWN = 13

Name = Annotated[str, typer.Argument(help="The alert's name.")]


def register(app: typer.Typer) -> None:
    """Add the group to the app."""
    group = typer.Typer(help="Say what a watch should look out for.", no_args_is_help=True)
    for command in (add_command, list_command, remove_command, tune_command):
        group.command(command.__name__.removesuffix("_command"))(command)
    app.add_typer(group, name="alert")


def add_command(
    name: Name,
    examples: Annotated[
        list[str], typer.Argument(help="What to look out for: image files, or row:N.")
    ],
    store: StorePath,
    radius: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Bits that a tile may be away from an example.",
            show_default="an eighth of the code's",
        ),
    ] = None,
    negatives: Annotated[
        list[str] | None,
        typer.Option(
            "--not",
            metavar="EXAMPLE",
            help="What looks alike and is not meant; may be given again.",
        ),
    ] = None,
    model: ModelPath = None,
    wait: Wait = False,
    as_json: AsJson = False,
) -> None:
    """Look out for tiles like some examples; a running watch does so from its next scene on.

    A tile matches when its nearest example is at most the radius away, and no negative example is
    as near.
    """
    from scenehash.store import Alert, CodeStore

    with CodeStore.open(store, writable=True, wait=wait) as code_store:
        given = (examples, negatives or [])
        positive, negative = (_codes_of(texts, code_store, model) for texts in given)
        chosen = code_store.bits // 8 if radius is None else radius
        sources = tuple(_source(text) for texts in given for text in texts)
        alert = Alert(name, chosen, positive, negative, sources)
        code_store.alerts.add(alert)
    report(_document(alert), as_json, f"{store}: looks out for {name}, within {chosen} bits")


def list_command(store: StorePath, as_json: AsJson = False) -> None:
    """List what is looked out for."""
    from rich.table import Table

    from scenehash.store import CodeStore

    with CodeStore.open(store) as code_store:
        alerts = code_store.alerts.list()
    table = Table("name", "radius", "examples", "not", box=None, header_style="bold")
    for alert in alerts:
        counts = (alert.radius, len(alert.examples), len(alert.negatives))
        table.add_row(alert.name, *(str(count) for count in counts))
    document = {"store": str(store), "alerts": [_document(alert) for alert in alerts]}
    shown = [table] if alerts else []
    report(document, as_json, *shown, f"{store}: {len(alerts)} alerts")


def remove_command(
    name: Name, store: StorePath, wait: Wait = False, as_json: AsJson = False
) -> None:
    """Look out for something no longer."""
    from scenehash.store import CodeStore

    with CodeStore.open(store, writable=True, wait=wait) as code_store:
        code_store.alerts.remove(name)
    report({"store": str(store), "removed": name}, as_json, f"{store}: {name} removed")


def tune_command(
    name: Name,
    store: StorePath,
    label: Annotated[
        str | None,
        typer.Option(help="The scenes with this label are truly of the kind.", show_default=False),
    ] = None,
    sheet: Annotated[
        Path | None,
        typer.Option(
            help="Write the tiles just within and just beyond the radius as a picture.",
            show_default=False,
        ),
    ] = None,
    apply: Annotated[
        bool, typer.Option("--apply", help="Give the alert the radius that is proposed.")
    ] = False,
    wait: Wait = False,
    as_json: AsJson = False,
) -> None:
    """Show how many stored tiles each radius of an alert matches, and propose one.

    Without a label: the radius at which the valley between the tiles near the examples and all
    others is lowest. With one: precision and recall of each radius, and the best F1.
    """
    from scenehash.store import CodeStore, Filter
    from scenehash.watcher.tuning import tune

    with CodeStore.open(store, writable=apply, wait=wait) as code_store:
        alert = code_store.alerts.get(name)
        true = None
        if label is not None:
            import numpy as np

            parts = [rows for rows, _ in code_store.living(Filter(label=label))]
            true = np.concatenate([np.zeros(0, np.int64), *parts])
            if not len(true):
                raise StoreError(f"{store}: no stored scene has the label {label}")
        tuning = tune(alert, code_store.living(), true)
        proposed = tuning.proposed()
        if sheet is not None:
            from scenehash.report.contact_sheet import contact_sheet, write_picture

            write_picture(sheet, contact_sheet(_sheet_lines(alert, proposed, code_store)))
            notice(f"contact sheet: {sheet}")
        if apply:
            code_store.alerts.add(dataclasses.replace(alert, radius=proposed), replace=True)
    document = _tuning_document(alert, tuning, proposed)
    summary = f"{name}: radius {alert.radius}, proposed {proposed}{', applied' * apply}"
    report(document, as_json, _tuning_table(alert, tuning, proposed), summary)


def _codes_of(texts: list[str], store: "CodeStore", model: Path | None) -> "Codes":
    """The codes uint8 [N, K/8] of image files and stored rows."""
    import numpy as np

    from scenehash.retrieval.query import model_when_needed, read_query

    loaded = model_when_needed(model)
    codes = [read_query(text, store, loaded).code for text in texts]
    return np.array(codes, np.uint8).reshape(-1, store.bits // 8)


def _source(text: str) -> str:
    """Where an example comes from, wherever the command is given from later."""
    from scenehash.retrieval.query import ROW_PREFIX

    return text if text.startswith(ROW_PREFIX) else str(Path(text).absolute())


def _sheet_lines(alert: "Alert", radius: int, store: "CodeStore") -> "list[SheetLine]":
    """A line of tiles just within the radius, the last the farthest, and one of those beyond."""
    from scenehash.report.contact_sheet import SheetLine
    from scenehash.retrieval.query import thumbnail_pixels
    from scenehash.store import Hit
    from scenehash.watcher.tuning import around

    image = _pixels(alert.sources[0], store)
    lines = []
    for word, found in zip(
        ("within", "beyond"), around(alert, store.living(), radius, TILES_SHOWN), strict=True
    ):
        tiles = store.tiles([row for _, row in found])
        ranked = enumerate(found, start=1)
        hits = [Hit(rank, distance, row, *tiles[row]) for rank, (distance, row) in ranked]
        thumbnails = thumbnail_pixels(store, list(tiles))
        lines.append(SheetLine(image, f"{word} {radius} bits", hits, thumbnails))
    return lines


def _pixels(source: str, store: "CodeStore") -> "Image | None":
    """An example's pixels, uint8 RGB [H, W, 3]; None when they are no longer there."""
    from scenehash.retrieval.query import picture_of

    try:
        return picture_of(source, store)
    except ScenehashError:
        return None


def _document(alert: "Alert") -> dict[str, object]:
    count = len(alert.examples)
    return {
        "name": alert.name,
        "radius": alert.radius,
        "examples": list(alert.sources[:count]),
        "negatives": list(alert.sources[count:]),
    }


def _tuning_document(alert: "Alert", tuning: "Tuning", proposed: int) -> dict[str, object]:
    document: dict[str, object] = {
        **_document(alert),
        "proposed": proposed,
        "matches": tuning.matches.tolist(),
    }
    if tuning.true is not None:
        document["precision"] = tuning.precision().round(4).tolist()
        document["recall"] = tuning.recall().round(4).tolist()
    return document


def _tuning_table(alert: "Alert", tuning: "Tuning", proposed: int) -> "Table":
    """A line for each radius that matches more than the one before it, and those in question."""
    from rich.table import Table

    table = Table("radius", "tiles", box=None, header_style="bold")
    columns = [[f"{count:,}" for count in tuning.matches.tolist()]]
    if tuning.true is not None:
        for name, shares in (("precision", tuning.precision()), ("recall", tuning.recall())):
            table.add_column(name)
            columns.append([f"{share:.3f}" for share in shares.tolist()])
    table.add_column("")
    named = {alert.radius: "now", proposed: "proposed"}
    for radius, count in enumerate(tuning.tiles.tolist()):
        if count or not radius or radius in named:
            table.add_row(
                str(radius), *(column[radius] for column in columns), named.get(radius, "")
            )
    return table
