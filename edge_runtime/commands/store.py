"""`scenehash store`: care of a store."""

from pathlib import Path
from typing import Annotated

import typer

from ..console import EXIT_FAILED, AsJson, report

StoreArgument = Annotated[Path, typer.Argument(help="The folder of the code store.")]


def register(app: typer.Typer) -> None:
    """Add the group to the app."""
    group = typer.Typer(help="Look after a code store.", no_args_is_help=True)
    group.command("info")(info_command)
    group.command("verify")(verify_command)
    app.add_typer(group, name="store")


def info_command(store: StoreArgument, as_json: AsJson = False) -> None:
    """Say what a store holds, and whose codes."""
    from ..store import CodeStore

    with CodeStore.open(store) as code_store:
        scenes, tiles = code_store.counts()
        document = {
            "store": str(store),
            "scenes": scenes,
            "tiles": tiles,
            "bits": code_store.bits,
            "lineage": code_store.lineage,
            "model": code_store.model,
        }
    report(document, as_json, *(f"{name:8} {value}" for name, value in document.items()))


def verify_command(store: StoreArgument, as_json: AsJson = False) -> None:
    """Read everything back and compare it with its checksums; exit status 1 on damage."""
    from ..store import CodeStore

    with CodeStore.open(store) as code_store:
        scenes, tiles = code_store.counts()
        damage = code_store.verify()
    document = {"store": str(store), "scenes": scenes, "tiles": tiles, "damage": damage}
    verdict = f"{len(damage)} damaged" if damage else "all good"
    report(document, as_json, *damage, f"{store}: {scenes} scenes, {tiles} tiles: {verdict}")
    if damage:
        raise typer.Exit(EXIT_FAILED)
