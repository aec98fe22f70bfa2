"""`scenehash data`: published archives of labelled images."""

from pathlib import Path
from typing import Annotated

import typer

from scenehash.cli.console import CONSOLE, AsJson, report
from scenehash.cli.register import continuing, register_command, register_group


def register(app: typer.Typer) -> None:
    """Add the group to the app."""
    group = register_group(app, "data", "Download published archives of labelled images.")
    register_command(group, list_command, "scenehash data list")
    register_command(
        group,
        fetch_command,
        "scenehash data fetch ucmerced",
        "scenehash data fetch eurosat --out data",
    )


def list_command(as_json: AsJson = False) -> None:
    """List the archives that can be downloaded, and their terms."""
    from rich.table import Table

    from .archives import PUBLISHED

    table = Table("name", "images", "classes", "download", "about it, and its terms", box=None)
    for name, one in PUBLISHED.items():
        table.add_row(name, f"{one.images:,}", str(one.classes), f"{one.megabytes:,} MB", one.page)
    report({"archives": [one.document(name) for name, one in PUBLISHED.items()]}, as_json, table)


@continuing
def fetch_command(
    name: Annotated[str, typer.Argument(help="A name from `scenehash data list`.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", help="The folder to make.", show_default="./NAME"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Download, check and unpack a published archive.

    It becomes one folder per class. An interrupted download continues where it stopped. An archive
    that is there already is not downloaded again.
    """
    from scenehash_train import fetch_archive

    fetched = fetch_archive(name, out, CONSOLE)
    how = "is there already" if fetched.known else f"downloaded; its terms: {fetched.archive.page}"
    report(
        fetched.document(),
        as_json,
        f"{fetched.folder}: {fetched.images:,} images of {fetched.classes} classes, {how}",
        f"next: scenehash train {fetched.folder}",
    )
