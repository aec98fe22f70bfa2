"""`scenehash data`: archives that are published, for those who have none of their own."""

from pathlib import Path
from typing import Annotated

import typer

from scenehash.cli.console import AsJson, notice, report
from scenehash.errors import ConfigurationError, MissingExtraError


def register(app: typer.Typer) -> None:
    """Add the group to the app."""
    group = typer.Typer(help="Fetch published archives of labelled images.", no_args_is_help=True)
    group.command("list")(list_command)
    group.command("fetch")(fetch_command)
    app.add_typer(group, name="data")


def list_command(as_json: AsJson = False) -> None:
    """List the archives that can be fetched, and where to read of each and of its terms."""
    from rich.table import Table

    from .archives import PUBLISHED

    table = Table("name", "images", "classes", "download", "about it, and its terms", box=None)
    for name, one in PUBLISHED.items():
        table.add_row(name, f"{one.images:,}", str(one.classes), f"{one.megabytes:,} MB", one.page)
    document = {
        "archives": [
            {
                "name": name,
                "images": one.images,
                "classes": one.classes,
                "megabytes": one.megabytes,
                "page": one.page,
                "url": one.url,
                "checksum": one.checksum,
            }
            for name, one in PUBLISHED.items()
        ]
    }
    report(document, as_json, table)


def fetch_command(
    name: Annotated[str, typer.Argument(help="One of those that `scenehash data list` shows.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", help="The folder to make.", show_default="NAME, in this folder"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Download a published archive, check it, and unpack it as a folder a class.

    An interrupted download goes on where it stopped; what is there already is not fetched again.
    """
    from .archives import PUBLISHED

    if name not in PUBLISHED:
        raise ConfigurationError(f"unknown archive {name!r}; known are {', '.join(PUBLISHED)}")
    try:
        from .fetch import fetch
    except ImportError as error:
        raise MissingExtraError(error.name or "pooch", "train") from error
    archive = PUBLISHED[name]
    fetched = fetch(name, archive, out or Path(name))
    if (fetched.images, fetched.classes) != (archive.images, archive.classes):
        notice(
            f"warning: {archive.images:,} images of {archive.classes} classes were expected; "
            f"look at {fetched.folder}"
        )
    document = {
        "name": name,
        "folder": str(fetched.folder),
        "images": fetched.images,
        "classes": fetched.classes,
        "known": fetched.known,
    }
    how = "there already" if fetched.known else f"fetched; its terms: {archive.page}"
    report(
        document,
        as_json,
        f"{fetched.folder}: {fetched.images:,} images of {fetched.classes} classes, {how}",
        f"next: scenehash train {fetched.folder}",
    )
