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
            "--out", metavar="FOLDER", help="Write the scenes, the store and the picture there."
        ),
    ] = DEFAULT_FOLDER,
    model: ModelPath = None,
    as_json: AsJson = False,
) -> None:
    """Ingest and search real aerial tiles of the package.

    12 kinds, 7 tiles each, from UC Merced's test part (USGS imagery, public domain). One tile of
    each kind is a query, and is not in the archive. No model was trained on these tiles.
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
    """How the shell finds this command: by its name, or else by its path."""
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
