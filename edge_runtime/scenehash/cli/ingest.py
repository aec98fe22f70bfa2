"""`scenehash ingest`"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scenehash.files import path_text

from .choices import IngestChoice
from .console import CONSOLE, AsJson, NameCell, counted, notice, report
from .exit_status import EXIT_SET_ASIDE
from .options import Bits, ModelPath, StorePath
from .register import continuing, register_command

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from scenehash.ingestion import IngestReport

# Suffixes that a line names.
NAMED = 8


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    register_command(
        app,
        ingest_command,
        "scenehash ingest scenes --store my.store --thumbnails",
        "scenehash ingest a.tif b.tif --store my.store --tile 300m --label 2026",
    )


@continuing
def ingest_command(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH",
            readable=False,
            help="Ingest these scene files, folders and STAC documents.",
        ),
    ],
    store: StorePath,
    choice: IngestChoice,
    listed: Annotated[
        bool, typer.Option("--list", help="Print a line for each scene that was stored.")
    ] = False,
    model: ModelPath = None,
    bits: Bits = None,
    as_json: AsJson = False,
) -> None:
    """Hash scenes and keep their codes in a store.

    The command makes the store if it does not exist. It does not hash a scene again that the store
    already has; if the file has moved, the store takes the new path. If a scene cannot be read, the
    command sets it aside with the reason (see: scenehash quarantine), continues with other scenes,
    and the exit status is 3.
    """
    from scenehash.ingestion import ingest

    show_report(ingest(paths, store, model, choice.options(bits), CONSOLE), as_json, listed)


def show_report(done: "IngestReport", as_json: bool, listed: bool = False) -> None:
    """Print the report of an ingest; raises Exit with status 3 if an input was set aside."""
    for warning in done.warnings:
        notice(f"warning: {warning}")
    for scene in done.stored:
        for warning in scene.warnings:
            notice(f"warning: {path_text(scene.path)}: {warning}")
    for moved in done.moved:
        notice(f"moved: {moved.previous} -> {path_text(moved.path)}")
    for path, bands in done.read_by_bands.items():
        notice(f"stored already: {path_text(path)} (with --bands {','.join(map(str, bands))})")
    if done.cut_otherwise:
        notice(
            f"warning: {counted(len(done.cut_otherwise), 'scene')} stored already, in other tiles "
            "than asked for; to cut them anew, delete them first: scenehash store delete"
        )
    for item in done.set_aside:
        notice(f"set aside: {path_text(item.path)}: {item.reason}")
    if done.passed_over:
        notice(_passed_over(done.passed_over))
    shown: list[RenderableType] = [_scene_table(done)] if listed and done.stored else []
    report(done.document(), as_json, *shown, _summary(done))
    if done.set_aside:
        raise typer.Exit(EXIT_SET_ASIDE)


def _scene_table(done: "IngestReport") -> "Table":
    from rich.table import Table

    columns = ("scene", "tiles", "skipped", "seconds", "west, south, east, north")
    table = Table(*columns, box=None, header_style="bold")
    for scene in done.stored:
        box = "" if scene.box is None else ", ".join(f"{side:.4f}" for side in scene.box)
        counts = (str(scene.tiles), str(scene.skipped), f"{scene.seconds:.2f}")
        table.add_row(NameCell(path_text("/".join(scene.path.parts[-2:]))), *counts, box)
    return table


def _passed_over(counts: Mapping[str, int]) -> str:
    most = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    named = ", ".join(f"{path_text(suffix)} ({count})" for suffix, count in most[:NAMED])
    others = f" and {len(most) - NAMED} more" if len(most) > NAMED else ""
    hint = "; to ingest a VRT, give its own path" if ".vrt" in counts else ""
    total = counted(sum(counts.values()), "file")
    return f"{total} of other formats skipped: {named}{others}{hint}"


def _summary(done: "IngestReport") -> str:
    text = (
        f"{done.store}: {counted(len(done.stored), 'scene')} ({counted(done.tiles, 'tile')}) "
        f"stored in {done.seconds:.1f} s"
    )
    if done.stored:
        text += f" ({done.tiles / done.seconds:.0f} tiles/s)"
    if done.repaired:
        text += f", {counted(done.repaired, 'damaged scene')} among them repaired"
    if done.skipped:
        text += f", {counted(done.skipped, 'tile')} without enough data skipped"
    if done.blank:
        text += f", {counted(done.blank, 'blank tile')}"
    if done.saturated:
        text += f", {counted(done.saturated, 'overexposed tile')}"
    text += f", {len(done.duplicates):,} stored already"
    changed = {"moved": len(done.moved), "labelled": done.labelled}
    if any(changed.values()):
        text += f" ({', '.join(f'{count:,} {what}' for what, count in changed.items() if count)})"
    return f"{text}, {len(done.set_aside):,} set aside"
