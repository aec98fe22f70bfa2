"""`scenehash doctor`"""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .console import EXIT_FAILED, AsJson, report
from .options import ModelPath

if TYPE_CHECKING:
    from rich.table import Table

    from scenehash.codes import Codes
    from scenehash.diagnose.doctor import Finding
    from scenehash.model.golden import Drift


NEAREST = 20
COLOURS = {"good": "green", "note": "cyan", "warning": "yellow", "bad": "red"}


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("doctor")(doctor_command)


def doctor_command(
    store: Annotated[
        Path | None,
        typer.Option(
            "--store",
            envvar="SCENEHASH_STORE",
            help="A store, or where one will be: its disk is looked at, too.",
            show_default=False,
        ),
    ] = None,
    model: ModelPath = None,
    as_json: AsJson = False,
) -> None:
    """Say whether this machine is fit for scenehash, and whether codes agree here.

    The golden tiles of the model file are replayed. All bits as where it was made: identical. Up to
    2 % of them different: tolerable, and with --store the rows whose rank that changes. More:
    refused. Exit status 1 when anything is bad.
    """
    from scenehash.diagnose.doctor import check_codes, check_disk, check_machine
    from scenehash.diagnose.hardware import read_machine
    from scenehash.model.hash_model import HashModel, shipped_model

    machine = read_machine()
    path = model or shipped_model()
    drift = HashModel.open(path).replay()
    findings = [check_codes(drift), *check_machine(machine)]
    moved: dict[str, list[int]] = {}
    if store is not None:
        findings.append(check_disk(store))
        if drift.bits and store.exists():
            moved = _moved_rows(drift, store)
    bad = any(finding.verdict == "bad" for finding in findings)
    document = {
        "fit": not bad,
        "model": str(path),
        "rule": drift.rule,
        "bits_differ": drift.bits,
        "bits": 8 * drift.expected.size,
        "rows_that_change_rank": moved,
        "findings": [asdict(finding) for finding in findings],
        "machine": machine.document(),
    }
    ranks = [
        f"nearest 20 of {name}: rows {', '.join(map(str, rows)) or 'none'} change rank"
        for name, rows in moved.items()
    ]
    verdict = "not fit: see what is bad above" if bad else "fit"
    report(document, as_json, _table(findings), *ranks, verdict)
    if bad:
        raise typer.Exit(EXIT_FAILED)


def _moved_rows(drift: "Drift", store: Path) -> dict[str, list[int]]:
    from scenehash.store import CodeStore

    with CodeStore.open(store) as code_store:

        def search(codes: "Codes") -> list[list[int]]:
            return [[hit.row for hit in hits] for hits in code_store.search(codes, NEAREST)]

        return drift.rows_that_change_rank(search)


def _table(findings: list["Finding"]) -> "Table":
    from rich.table import Table
    from rich.text import Text

    table = Table("check", "", "found", box=None)
    for finding in findings:
        verdict = Text(finding.verdict, COLOURS[finding.verdict])
        table.add_row(finding.check, verdict, finding.what)
        if finding.remedy:
            table.add_row("", "", f"-> {finding.remedy}")
    return table
