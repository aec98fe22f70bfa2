"""`scenehash doctor`"""

from typing import TYPE_CHECKING, Annotated

import typer

from .console import AsJson, report
from .exit_status import EXIT_FAILED
from .options import STORE_VARIABLE, ModelPath
from .register import register_command

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from scenehash.diagnose.checks import Finding

COLOURS = {"good": "green", "note": "cyan", "warning": "yellow", "bad": "red"}


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    lines = ("scenehash doctor", "scenehash doctor --store my.store --json")
    register_command(app, doctor_command, *lines)


def doctor_command(
    store: Annotated[
        str | None,
        typer.Option(
            "--store",
            envvar=STORE_VARIABLE,
            metavar="FOLDER",
            help="Check this store and its disk, or the engine at this address.",
        ),
    ] = None,
    model: ModelPath = None,
    as_json: AsJson = False,
) -> None:
    """Check this machine, and the codes that it computes.

    The command hashes the golden tiles of the model file, and compares the bits with the bits in
    the file. identical: no bit differs. tolerable: up to 2 % of the bits differ; with --store, the
    command names the rows whose rank changes. refused: more bits differ. The exit status is 1 if a
    check is bad, for example if the store does not exist or has another model.
    """
    from scenehash.diagnose.doctor import doctor

    found = doctor(model, store)
    ranks = [
        f"nearest 20 of {name}: rows {', '.join(map(str, rows)) or 'none'} change rank"
        for name, rows in found.rows_that_change_rank.items()
    ]
    verdict = "fit" if found.fit else "not fit: see the bad checks above"
    report(found.document(), as_json, _table(found.findings), *ranks, verdict)
    if not found.fit:
        raise typer.Exit(EXIT_FAILED)


def _table(findings: "Sequence[Finding]") -> "Table":
    from rich.table import Table
    from rich.text import Text

    table = Table("check", "", "found", box=None)
    for finding in findings:
        verdict = Text(finding.verdict, COLOURS[finding.verdict])
        table.add_row(finding.check, verdict, finding.what)
        if finding.remedy:
            table.add_row("", "", f"-> {finding.remedy}")
    return table
