"""`scenehash demo`"""

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .console import AsJson, report
from .options import ModelPath
from .register import register_command

if TYPE_CHECKING:
    from rich.table import Table

    from scenehash.demo.demo import Demo

DEFAULT_FOLDER = Path("scenehash-demo")


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    register_command(app, demo_command, "scenehash demo", "scenehash demo --out /tmp/demo")


def demo_command(
    out: Annotated[
        Path,
        typer.Option(
            "--out", metavar="FOLDER", help="Write the scenes, store and picture to this folder."
        ),
    ] = DEFAULT_FOLDER,
    model: ModelPath = None,
    as_json: AsJson = False,
) -> None:
    """Ingest and search the package's real aerial tiles.

    The tiles show 12 kinds of scene, 7 tiles of each, from the test part of UC Merced (USGS
    imagery, public domain). One tile of each kind is a query, which the archive does not contain.
    No model was trained on these tiles.
    """
    from scenehash.demo.demo import run_demo
    from scenehash.model.hash_model import HashModel

    demo = run_demo(out, HashModel.load(model))
    right = sum(search.right() for search in demo.searches)
    hits = sum(len(search.hits) for search in demo.searches)
    report(
        demo.document(),
        as_json,
        _table(demo),
        "",
        f"{right} of {hits} hits are of the query's kind, in an archive of {demo.scenes} scenes",
        f"contact sheet: {demo.sheet}",
        "",
        "now with your own images:",
        f"  {_program()} ingest FOLDER --store my.store",
        f"  {_program()} search IMAGE --store my.store --sheet hits.png",
    )


def _program() -> str:
    """The name or path with which the shell finds this command."""
    own, found = Path(sys.argv[0]), shutil.which("scenehash")
    if own.name != "scenehash" or (found is not None and own.samefile(found)):
        return "scenehash"
    return str(own)


def _table(demo: "Demo") -> "Table":
    from rich.table import Table

    table = Table("query", "hits, best first (distance in bits)", "of its kind", box=None)
    for search in demo.searches:
        names = ", ".join(f"{Path(hit.scene).stem} ({hit.distance})" for hit in search.hits)
        table.add_row(search.kind, names, f"{search.right()} of {len(search.hits)}")
    return table
