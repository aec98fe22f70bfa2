"""`scenehash alert`: kinds of tile that a watch reports."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scenehash.files import check_output, write_each

from .choices import CropChoice
from .commands import register_command, register_group
from .console import CONSOLE, AsJson, counted, report, report_files
from .options import ModelPath, StorePath, Wait

if TYPE_CHECKING:
    from rich.table import Table

    from scenehash.store import Alert, CodeStore
    from scenehash.watcher.tuning import Tuning

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name the alert.")]
Row = Annotated[int, typer.Argument(metavar="ROW", help="Name the tile by its row.")]


def register(app: typer.Typer) -> None:
    """Add the group to the app."""
    group = register_group(app, "alert", "Manage alerts: kinds of tile that watch reports.")
    register_command(
        group,
        add_command,
        "scenehash alert add quay a.png row:512 --store my.store",
        "scenehash alert add quay a.png --not crane.png --radius 8 --store my.store",
        "scenehash alert add quay port.tif --at 43.36,5.32 --store my.store",
    )
    register_command(group, confirm_command, "scenehash alert confirm quay 512 --store my.store")
    register_command(group, reject_command, "scenehash alert reject quay 512 --store my.store")
    register_command(group, list_command, "scenehash alert list --store my.store")
    register_command(group, remove_command, "scenehash alert remove quay --store my.store")
    register_command(
        group,
        tune_command,
        "scenehash alert tune quay --store my.store --sheet quay.png",
        "scenehash alert tune quay --store my.store --label harbor --apply",
    )


def add_command(
    name: Name,
    examples: Annotated[
        list[str],
        typer.Argument(metavar="EXAMPLE", help="Match tiles like these: image files, or row:N."),
    ],
    store: StorePath,
    *,
    radius: Annotated[
        int | None,
        typer.Option(
            min=0,
            metavar="BITS",
            help="Match tiles at most this many bits away from an example.",
            show_default="an eighth of the code's bits",
        ),
    ] = None,
    negatives: Annotated[
        list[str] | None,
        typer.Option(
            "--not",
            metavar="EXAMPLE",
            help="Exclude tiles that are as near to this; may be repeated.",
        ),
    ] = None,
    cropping: CropChoice,
    model: ModelPath = None,
    wait: Wait = False,
    as_json: AsJson = False,
) -> None:
    """Add an alert: report new tiles that are similar to examples.

    An example is one tile: a small image, a stored tile, or a part of a scene (--window, --at,
    --whole). A running watch uses the alert from its next scene on.
    """
    from scenehash.store import CodeStore
    from scenehash.watcher.alerts import add_alert

    given = [*examples, *(negatives or ())]
    crop = cropping.crop(given)
    with CodeStore.open(store, writable=True, wait=wait) as code_store:
        alert = add_alert(code_store, name, examples, negatives or (), radius, model, crop, CONSOLE)
    report(alert.document(), as_json, f"{store}: alert {name} added, radius {alert.radius} bits")


def list_command(store: StorePath, as_json: AsJson = False) -> None:
    """List alerts."""
    from scenehash.store import CodeStore
    from scenehash.store.documents import alerts_document

    with CodeStore.open(store) as code_store:
        alerts, document = code_store.alerts.list(), alerts_document(code_store)
    shown = [_alert_table(alerts)] if alerts else []
    report(document, as_json, *shown, f"{store}: {counted(len(alerts), 'alert')}")


def remove_command(
    name: Name, store: StorePath, wait: Wait = False, as_json: AsJson = False
) -> None:
    """Remove an alert."""
    from scenehash.store import CodeStore

    with CodeStore.open(store, writable=True, wait=wait) as code_store:
        code_store.alerts.remove(name)
    document = {"store": str(store), "removed": name}
    report(document, as_json, f"{store}: alert {name} removed")


def confirm_command(
    name: Name, row: Row, store: StorePath, wait: Wait = False, as_json: AsJson = False
) -> None:
    """Confirm that a stored tile is of an alert's kind.

    The tile becomes an example.
    """
    from scenehash.store import CodeStore
    from scenehash.watcher.alerts import confirm_match

    with CodeStore.open(store, writable=True, wait=wait) as code_store:
        alert = confirm_match(code_store, name, row)
    report(alert.document(), as_json, f"{store}: row {row} is an example of {name}")


def reject_command(
    name: Name, row: Row, store: StorePath, wait: Wait = False, as_json: AsJson = False
) -> None:
    """Reject a false alarm of an alert.

    The tile becomes a negative example: what is as near to it as to an example matches no more.
    """
    from scenehash.store import CodeStore
    from scenehash.watcher.alerts import reject_match

    with CodeStore.open(store, writable=True, wait=wait) as code_store:
        alert = reject_match(code_store, name, row)
    report(alert.document(), as_json, f"{store}: row {row} is a negative example of {name}")


def tune_command(
    name: Name,
    store: StorePath,
    label: Annotated[
        str | None,
        typer.Option(
            metavar="LABEL",
            help="Take scenes with this label as true matches, and show precision and recall.",
        ),
    ] = None,
    sheet: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write the tiles just within and just beyond the radius as a picture.",
        ),
    ] = None,
    apply: Annotated[
        bool, typer.Option("--apply", help="Give the alert the proposed radius.")
    ] = False,
    wait: Wait = False,
    as_json: AsJson = False,
) -> None:
    """Propose a radius for an alert, and count what each radius matches.

    Without --label the radius lies in the valley between the tiles near the examples and all
    others; with --label it is the one with the best F1.
    """
    from scenehash.report.contact_sheet import check_format
    from scenehash.store import CodeStore
    from scenehash.watcher.alerts import set_radius, tune_alert

    if sheet is not None:
        check_output(sheet, outside=store)
        check_format(sheet)
    with CodeStore.open(store, writable=apply, wait=wait) as code_store:
        tuning = tune_alert(code_store, name, label)
        alert, proposed = code_store.alerts.get(name), tuning.proposed()
        if apply:
            set_radius(code_store, name, proposed)
        document = tuning.document(alert)
        summary = f"{name}: radius {alert.radius}, proposed {proposed}{', applied' * apply}"
        shown = (_tuning_table(alert, tuning, proposed), summary)
        files = write_each(
            {"sheet": (sheet, lambda path: _write_sheet(path, alert, proposed, code_store))}
        )
    report_files(document, as_json, shown, files)


def _write_sheet(path: Path, alert: "Alert", radius: int, store: "CodeStore") -> None:
    """A line of tiles just within the radius, the last the farthest, and one of those beyond."""
    from scenehash.report.contact_sheet import SheetLine, contact_sheet, write_picture
    from scenehash.retrieval.pictures import example_pixels, thumbnail_pixels
    from scenehash.watcher.alerts import border

    image = example_pixels(alert, store)
    lines: list[SheetLine] = []
    for word, hits in border(store, alert, radius)._asdict().items():
        thumbnails = thumbnail_pixels(store, [hit.row for hit in hits])
        lines.append(SheetLine(image, f"{word} {radius} bits", hits, thumbnails))
    write_picture(path, contact_sheet(lines))


def _alert_table(alerts: "list[Alert]") -> "Table":
    from rich.table import Table

    table = Table("name", "radius", "examples", "negatives", box=None, header_style="bold")
    for alert in alerts:
        counts = (alert.radius, len(alert.examples), len(alert.negatives))
        table.add_row(alert.name, *(str(count) for count in counts))
    return table


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
