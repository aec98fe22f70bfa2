"""`scenehash push`"""

from typing import TYPE_CHECKING, Annotated

import typer

from scenehash.engines.patience import PATIENCE

from .console import CONSOLE, AsJson, counted, notice, report
from .exit_status import EXIT_SET_ASIDE
from .options import StorePath
from .register import continuing, register_command

if TYPE_CHECKING:
    from scenehash.engines import PushReport

TO = typer.Option(
    "--to",
    metavar="ADDRESS",
    help="Push the tiles to this collection: milvus://HOST:PORT/COLLECTION, "
    "milvus:///PATH/FILE.db/COLLECTION or pg://USER@HOST:PORT/DATABASE/COLLECTION.",
)
Patience = Annotated[
    float,
    typer.Option(
        min=0, metavar="SECONDS", help="Wait this long for an engine that does not answer."
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


@continuing
def push_command(
    store: StorePath,
    to: Annotated[str, TO],
    patience: Patience = PATIENCE,
    as_json: AsJson = False,
) -> None:
    """Push a store's tiles to an engine for many machines.

    The command pushes new and changed tiles, and removes deleted tiles from the engine. The engine
    knows the store by its station's name (scenehash store station). After an interruption, run the
    same command again: it continues. The command sets damaged scenes aside; the exit status is
    then 3.
    """
    from scenehash.engines import push

    report_push(push(store, to, patience=patience, progress=CONSOLE), as_json)


def report_push(done: "PushReport", as_json: bool) -> None:
    """Print the report of a push; raises Exit with status 3 if a scene was set aside."""
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
