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
    """List the archives that you can download, and their terms."""
    from rich.table import Table

    from .archives import PUBLISHED

    table = Table("name", "images", "classes", "download", "about it, and its terms", box=None)
    for name, one in PUBLISHED.items():
        table.add_row(name, f"{one.images:,}", str(one.classes), f"{one.megabytes:,} MB", one.page)
    report({"archives": [one.document(name) for name, one in PUBLISHED.items()]}, as_json, table)


@continuing
def fetch_command(
    name: Annotated[str, typer.Argument(help="Fetch the archive of this name (see: data list).")],
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Make this folder.", show_default="./NAME"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Download, check and unpack a published archive.

    The result is a folder with one folder per class. After an interruption, run the same command
    again: it continues. The command does not download an archive again that the folder contains.
    """
    from scenehash_train import fetch_archive

    fetched = fetch_archive(name, out, CONSOLE)
    how = "already there" if fetched.known else f"downloaded; its terms: {fetched.archive.page}"
    report(
        fetched.document(),
        as_json,
        f"{fetched.folder}: {fetched.images:,} images of {fetched.classes} classes, {how}",
        f"next: scenehash train {fetched.folder}",
    )
