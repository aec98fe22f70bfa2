"""`scenehash push`"""

from typing import TYPE_CHECKING, Annotated

import typer

from scenehash.engines.patience import PATIENCE

from .console import CONSOLE, AsJson, counted, notice, report
from .exit_status import EXIT_SET_ASIDE
from .options import StorePath
from .register import register_command

if TYPE_CHECKING:
    from scenehash.engines import PushReport

TO = typer.Option(
    "--to",
    metavar="ADDRESS",
    help="Bring the tiles to this collection: milvus://HOST:PORT/COLLECTION, "
    "milvus:///PATH/FILE.db/COLLECTION or pg://USER@HOST:PORT/DATABASE/COLLECTION.",
)
Patience = Annotated[
    float,
    typer.Option(
        min=0, metavar="SECONDS", help="Set how long to wait for an engine that does not answer."
    ),
]


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    register_command(
        app,
        push_command,
        "scenehash push --store my.store --to milvus://localhost:19530/tiles",
        "scenehash push --store my.store --to pg://scenehash@db.example/archive/tiles",
    )


def push_command(
    store: StorePath,
    to: Annotated[str, TO],
    patience: Patience = PATIENCE,
    as_json: AsJson = False,
) -> None:
    """Bring a store's tiles to an engine made for many machines.

    What is new or has changed is put, what was deleted goes; the store's station is known by its
    name (scenehash store station). Interrupted at any time, the same command goes on. A damaged
    scene is set aside, and the exit status is 3.
    """
    from scenehash.engines import push

    report_push(push(store, to, patience=patience, progress=CONSOLE), as_json)


def report_push(done: "PushReport", as_json: bool) -> None:
    """Print what was pushed; exit status 3 where a scene was set aside."""
    for line in done.set_aside:
        notice(f"set aside: {line}")
    report(
        done.document(),
        as_json,
        f"{counted(done.tiles_pushed, 'tile')} of {counted(done.scenes_pushed, 'scene')} pushed, "
        f"{counted(done.scenes_removed, 'scene')} removed",
        f"{done.to}: {counted(done.tiles, 'tile')} of station {done.station}",
    )
    if done.set_aside:
        raise typer.Exit(EXIT_SET_ASIDE)
