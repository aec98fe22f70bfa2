"""`scenehash ingest`"""

import os
import time
from pathlib import Path
from typing import Annotated

import typer

from ..console import EXIT_SET_ASIDE, AsJson, notice, progress, report
from .options import ModelPath, StorePath, Threads, Wait

CORES = os.cpu_count() or 1


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("ingest")(ingest_command)


def ingest_command(
    paths: Annotated[
        list[Path], typer.Argument(readable=False, help="Image files, or folders of them.")
    ],
    store: StorePath,
    model: ModelPath = None,
    label: Annotated[
        list[str] | None,
        typer.Option("--label", help="A word to find these scenes by; may be given again."),
    ] = None,
    threads: Threads = CORES,
    wait: Wait = False,
    as_json: AsJson = False,
) -> None:
    """Hash scenes and keep their codes; the store is made when there is none.

    A scene that is stored already, by its content, is not hashed again. One that cannot be read is
    set aside with its reason, the rest goes on, and the exit status is 3.
    """
    from ..ingest import ingest
    from ..model import HashModel
    from ..scenes import find_scenes
    from ..store import CodeStore

    files = find_scenes(paths)
    hash_model = HashModel.load(model, threads)
    identity = (hash_model.lineage, hash_model.bits, hash_model.card.name)
    started = time.perf_counter()
    with (
        CodeStore.open_or_create(store, *identity, wait) as code_store,
        progress(len(files), "ingest") as advance,
    ):
        done = ingest(files, code_store, hash_model, tuple(label or ()), advance)
    seconds = time.perf_counter() - started
    for item in done.set_aside:
        notice(f"set aside: {item.path}: {item.reason}")
    document = {
        "store": str(store),
        "scenes_stored": len(done.stored),
        "tiles_stored": done.tiles,
        "scenes_known": len(done.known),
        "scenes_repaired": done.repaired,
        "set_aside": [{"path": str(item.path), "reason": item.reason} for item in done.set_aside],
        "seconds": round(seconds, 3),
    }
    summary = f"{store}: {len(done.stored)} scenes ({done.tiles} tiles) stored in {seconds:.1f} s"
    if done.stored:
        summary += f" ({done.tiles / seconds:.0f} tiles a second)"
    if done.repaired:
        summary += f", {done.repaired} of them to repair what was damaged"
    summary += f", {len(done.known)} known already, {len(done.set_aside)} set aside"
    report(document, as_json, summary)
    if done.set_aside:
        raise typer.Exit(EXIT_SET_ASIDE)
