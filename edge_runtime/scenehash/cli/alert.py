"""`scenehash alert`: kinds of tile that a watch reports."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scenehash.files import check_output, write_each

from .choices import CropChoice
from .console import CONSOLE, AsJson, UsageError, counted, notice, report, report_files
from .options import ModelPath, StorePath, Wait
from .register import register_command, register_group

if TYPE_CHECKING:
    from rich.table import Table

    from scenehash.alerts.match_counts import AlertTest
    from scenehash.alerts.radius_counts import RadiusCounts
    from scenehash.store import Alert, CodeStore

# From this many times the false alarms that were asked for, a rule's text says so.
MUCH_MORE = 2
Name = Annotated[str, typer.Argument(metavar="NAME", help="Name the alert.")]
FalseAlarms = Annotated[
    str | None,
    typer.Option(
        metavar="RATE",
        help="Choose a rule with about this false alarm rate, estimated on the stored tiles: per "
        "time, such as 1/day, or per tiles, such as 2/1000.",
        show_default=False,
    ),
]


def _row(text: str) -> int:
    number = text.removeprefix("row:")
    if not number.isascii() or not number.isdigit():
        raise typer.BadParameter(f"{text}: not a row number, such as 231 or row:231")
    return int(number)


Row = Annotated[
    int,
    typer.Argument(
        parser=_row, metavar="ROW", help="Choose the tile with this row number, such as 231."
    ),
]


def register(app: typer.Typer) -> None:
    """Add the group to the app."""
    group = register_group(app, "alert", "Manage alerts: kinds of tile that watch reports.")
    register_command(
        group,
        add_command,
        "scenehash alert add quay a.png row:512 --store my.store",
        "scenehash alert add quay a.png b.png --false-alarms 1/day --store my.store",
        "scenehash alert add quay a.png --radius 8 --store my.store",
        "scenehash alert add quay port.tif --at 43.36,5.32 --store my.store",
    )
    register_command(group, confirm_command, "scenehash alert confirm quay 512 --store my.store")
    register_command(group, reject_command, "scenehash alert reject quay 512 --store my.store")
    register_command(group, forget_command, "scenehash alert forget quay 512 --store my.store")
    register_command(group, list_command, "scenehash alert list --store my.store")
    register_command(group, remove_command, "scenehash alert remove quay --store my.store")
    register_command(
        group,
        test_command,
        "scenehash alert test quay --store my.store --sheet quay.png",
        "scenehash alert test quay --store my.store --label harbor",
    )
    register_command(
        group,
        tune_command,
        "scenehash alert tune quay --false-alarms 2/1000 --store my.store",
        "scenehash alert tune quay --radius 11 --store my.store",
    )


def add_command(
    name: Name,
    examples: Annotated[
        list[str],
        typer.Argument(
            metavar="EXAMPLE", help="Match tiles like these: image files of one tile, or row:N."
        ),
    ],
    store: StorePath,
    *,
    radius: Annotated[
        int | None,
        typer.Option(
            min=0,
            metavar="BITS",
            help="Match tiles at most this many bits away from an example.",
            show_default="8 of 64 bits, 51 of 256",
        ),
    ] = None,
    false_alarms: FalseAlarms = None,
    negatives: Annotated[
        list[str] | None,
        typer.Option(
            "--not",
            metavar="EXAMPLE",
            help="Exclude tiles that are at least as near to this tile as to an example; may be "
            "repeated.",
        ),
    ] = None,
    cropping: CropChoice,
    model: ModelPath = None,
    wait: Wait = False,
    as_json: AsJson = False,
) -> None:
    """Add an alert for new tiles that are similar to examples.

    Take an example from a large scene with --window, --at or --whole. A running watch uses the
    alert from the next scene on.
    """
    from scenehash.alerts.making import add_alert
    from scenehash.store import CodeStore

    given = [*examples, *(negatives or ())]
    crop = cropping.crop(given)
    with CodeStore.open(store, writable=True, wait=wait) as code_store:
        alert = add_alert(
            code_store,
            name,
            examples,
            negatives or (),
            radius,
            model,
            crop,
            CONSOLE,
            false_alarms,
        )
    report(alert.document(), as_json, f"{store}: alert {name} added, {rule_text(alert)}")


def list_command(store: StorePath, as_json: AsJson = False) -> None:
    """List alerts.

    The list contains disabled alerts, too. Rehash disables an alert that the new model cannot use.
    """
    from scenehash.alerts.disabled import DISABLED, disabled_alerts
    from scenehash.alerts.documents import alerts_document
    from scenehash.store import CodeStore

    with CodeStore.open(store) as code_store:
        alerts, disabled = code_store.alerts.list(), disabled_alerts(code_store)
        document = alerts_document(code_store)
    for one in disabled:
        notice(f"alert {one.alert.name} is disabled: {DISABLED}")
    shown = [_alert_table(alerts)] if alerts else []
    report(document, as_json, *shown, f"{store}: {counted(len(alerts), 'alert')}")


def remove_command(
    name: Name, store: StorePath, wait: Wait = False, as_json: AsJson = False
) -> None:
    """Remove an alert."""
    from scenehash.alerts.changing import remove_alert
    from scenehash.store import CodeStore

    with CodeStore.open(store, writable=True, wait=wait) as code_store:
        remove_alert(code_store, name)
    document = {"store": str(store), "removed": name}
    report(document, as_json, f"{store}: alert {name} removed")


def confirm_command(
    name: Name, row: Row, store: StorePath, wait: Wait = False, as_json: AsJson = False
) -> None:
    """Confirm that a stored tile is a true match of an alert.

    The tile becomes an example. If the alert does not match the tile, the command prints a note.
    """
    from scenehash.alerts.changing import confirm_match
    from scenehash.alerts.trial import judge_row
    from scenehash.retrieval.filter_text import named
    from scenehash.store import CodeStore

    with CodeStore.open(store, writable=True, wait=wait) as code_store:
        before = judge_row(code_store, name, row)
        alert = confirm_match(code_store, name, row)
    away = f"{counted(before.distance, 'bit')} from the nearest example before"
    if not before.matches:
        notice(
            f"note: {name} would not have matched row {row}, {away}; if the tile shows something "
            f"else, take it back: scenehash alert forget {shlex.quote(name)} {row}"
        )
    report(
        alert.document() | {"judged": before.document()},
        as_json,
        f"{store}: row {row} ({named(before.scene)}) is an example of {name}, {away}; "
        f"{rule_text(alert)}",
    )


def reject_command(
    name: Name, row: Row, store: StorePath, wait: Wait = False, as_json: AsJson = False
) -> None:
    """Reject a false alarm of an alert.

    The tile becomes a negative example. The alert no longer matches tiles that are at least as near
    to a negative example as to an example.
    """
    from scenehash.alerts.changing import reject_match
    from scenehash.retrieval.filter_text import named
    from scenehash.store import CodeStore

    with CodeStore.open(store, writable=True, wait=wait) as code_store:
        alert = reject_match(code_store, name, row)
        scene = named(code_store.tile(row).scene)
    report(
        alert.document(),
        as_json,
        f"{store}: row {row} ({scene}) is a negative example of {name}, {rule_text(alert)}",
    )


def forget_command(
    name: Name, row: Row, store: StorePath, wait: Wait = False, as_json: AsJson = False
) -> None:
    """Remove an example or a negative example from an alert.

    The command undoes confirm, reject or add for this tile.
    """
    from scenehash.alerts.changing import forget_match
    from scenehash.store import CodeStore

    with CodeStore.open(store, writable=True, wait=wait) as code_store:
        alert = forget_match(code_store, name, row)
    report(
        alert.document(),
        as_json,
        f"{store}: row {row} is no longer an example or a negative of {name}; {rule_text(alert)}",
    )


def test_command(
    name: Name,
    store: StorePath,
    label: Annotated[
        str | None,
        typer.Option(
            metavar="LABEL",
            help="Show precision and recall, with the scenes of this label as true matches.",
        ),
    ] = None,
    sheet: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write a picture of the tiles on both sides of the alert's limit.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Count the stored tiles that an alert matches.

    For an alert with a radius, a table counts the matches of each radius, with the alert's own
    examples. Without --label, the proposed radius lies in the valley between the tiles near the
    examples and all other tiles. With --label, the proposed radius has the best balance of
    precision and recall (F1), and the command measures the alert's false alarms and recall.
    The command does not change the alert; see: scenehash alert tune.
    """
    from scenehash.alerts.trial import count_alert_matches
    from scenehash.report.contact_sheet import check_format
    from scenehash.store import CodeStore

    if sheet is not None:
        check_output(sheet, outside=store)
        check_format(sheet)
    with CodeStore.open(store) as code_store:
        alert = code_store.alerts.get(name)
        tested = count_alert_matches(code_store, alert, label)
        proposed = tested.by_radius.proposed()
        files = write_each(
            {"sheet": (sheet, lambda path: _write_sheet(path, alert, proposed, code_store))}
        )
    report_files(tested.document(alert), as_json, _tested_lines(alert, tested, proposed), files)


def tune_command(
    name: Name,
    store: StorePath,
    radius: Annotated[
        int | None,
        typer.Option(min=0, metavar="BITS", help="Use this radius instead of a false alarm rate."),
    ] = None,
    false_alarms: FalseAlarms = None,
    wait: Wait = False,
    as_json: AsJson = False,
) -> None:
    """Set the false alarm rate or the radius of an alert.

    Without an option, the command keeps the alert's false alarm rate, and chooses a new rule for it
    from the tiles that the store holds now.
    """
    from scenehash.alerts.changing import set_false_alarm_rate, set_radius
    from scenehash.store import CodeStore

    if radius is not None and false_alarms is not None:
        raise UsageError("--radius and --false-alarms: give one of them")
    with CodeStore.open(store, writable=True, wait=wait) as code_store:
        if radius is not None:
            alert = set_radius(code_store, name, radius)
        else:
            alert = set_false_alarm_rate(code_store, name, false_alarms)
    report(alert.document(), as_json, f"{store}: alert {name}, {rule_text(alert)}")


def _write_sheet(path: Path, alert: "Alert", proposed: int, store: "CodeStore") -> None:
    """Write one line of tiles that just match, and one of tiles that just do not match.

    The alert's rule decides; without a rule, the proposed radius decides.
    """
    from scenehash.alerts.trial import border
    from scenehash.report.contact_sheet import SheetLine, contact_sheet, write_picture
    from scenehash.retrieval.pictures import example_pixels, thumbnail_pixels

    image = example_pixels(alert, store)
    radius = None if alert.is_fitted else proposed
    limit = "the threshold" if radius is None else f"{radius} bits"
    lines: list[SheetLine] = []
    for word, hits in border(store, alert, radius)._asdict().items():
        thumbnails = thumbnail_pixels(store, [hit.row for hit in hits])
        lines.append(SheetLine(image, f"{word} {limit}", hits, thumbnails))
    write_picture(path, contact_sheet(lines))


def _alert_table(alerts: "list[Alert]") -> "Table":
    from rich.table import Table

    headings = ("name", "examples", "negatives", "rule")
    table = Table(*headings, box=None, header_style="bold")
    for alert in alerts:
        counts = (len(alert.examples), len(alert.negatives))
        table.add_row(alert.name, *(str(count) for count in counts), rule_text(alert))
    return table


def rule_text(alert: "Alert") -> str:
    """An alert's rule and its expected error rates, in words."""
    rule = alert.rule
    if rule is None:
        return f"radius {alert.radius} bits"
    if not alert.is_fitted:
        return (
            f"radius {alert.radius} bits: the rule for {rule.expected.asked} belongs to other "
            f"codes; choose a new rule: scenehash alert tune {shlex.quote(alert.name)}"
        )
    expected, of = rule.expected, "codes" if rule.frame is None else "representations"
    kind = {"nearest": "nearest example", "centroid": "centroid", "linear": "linear rule"}
    recall = "" if expected.recall is None else f", recall {expected.recall:.2f}"
    rate = 1000 * expected.share
    number = f"{rate:.3g}" if rate < 100 else f"{rate:,.0f}"
    more = ""
    if expected.share > MUCH_MORE * expected.asked_share:
        more = " (far more than asked: give other examples, or a radius)"
    return (
        f"{kind[rule.kind]} of {of} for {expected.asked} false alarms: expected "
        f"{number} in 1,000 tiles{more}{recall}, by "
        f"{counted(len(alert.examples), 'example')} and {counted(expected.tiles, 'stored tile')}"
    )


def _tested_text(tested: "AlertTest") -> str:
    """The counts, in words."""
    text = f"matches {tested.matches:,} of {counted(tested.tiles, 'tile')}, without its examples"
    if tested.recall is None or tested.false_share is None:
        return text
    return (
        f"{text}, {1000 * tested.false_share:.3g} false alarms in 1,000 tiles, "
        f"recall {tested.recall:.2f}"
    )


def _tested_lines(alert: "Alert", tested: "AlertTest", proposed: int) -> "tuple[Table | str, ...]":
    """The result of a test; for an alert with a radius, also a table of all radii."""
    summary = f"{alert.name}: {rule_text(alert)}; {_tested_text(tested)}"
    if alert.is_fitted:
        return (summary,)
    table = _radius_table(alert, tested.by_radius, proposed)
    return table, f"{summary}; proposed radius {proposed}"


def _radius_table(alert: "Alert", counts: "RadiusCounts", proposed: int) -> "Table":
    """A row for each radius with more matches than the radius before, and the alert's radii."""
    from rich.table import Table

    table = Table("radius", "tiles, with examples", box=None, header_style="bold")
    columns = [[f"{count:,}" for count in counts.matches.tolist()]]
    if counts.true is not None:
        for name, shares in (("precision", counts.precision()), ("recall", counts.recall())):
            table.add_column(name)
            columns.append([f"{share:.3f}" for share in shares.tolist()])
    table.add_column("")
    named = {alert.radius: "now", proposed: "proposed"}
    for radius, count in enumerate(counts.tiles.tolist()):
        if count or not radius or radius in named:
            table.add_row(
                str(radius), *(column[radius] for column in columns), named.get(radius, "")
            )
    return table
