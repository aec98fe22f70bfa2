"""`scenehash ingest`"""

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..console import EXIT_SET_ASIDE, AsJson, notice, progress, report
from .options import ModelPath, StorePath, Threads

if TYPE_CHECKING:
    from ..model import HashModel

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
    bits: Annotated[
        int | None,
        typer.Option(
            help="Width of the codes of a new store, such as 32: shorter ones take less room.",
            show_default="all that the model has",
        ),
    ] = None,
    threads: Threads = CORES,
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
    identity = (hash_model.lineage, _width(store, hash_model, bits), hash_model.card.name)
    started = time.perf_counter()
    with (
        CodeStore.open_or_create(store, *identity) as code_store,
        progress(len(files), "ingest") as advance,
    ):
        done = ingest(files, code_store, hash_model, advance)
    seconds = time.perf_counter() - started
    for item in done.set_aside:
        notice(f"set aside: {item.path}: {item.reason}")
    document = {
        "store": str(store),
        "scenes_stored": len(done.stored),
        "tiles_stored": done.tiles,
        "scenes_known": len(done.known),
        "set_aside": [{"path": str(item.path), "reason": item.reason} for item in done.set_aside],
        "seconds": round(seconds, 3),
    }
    summary = f"{store}: {len(done.stored)} scenes ({done.tiles} tiles) stored in {seconds:.1f} s"
    if done.stored:
        summary += f" ({done.tiles / seconds:.0f} tiles a second)"
    summary += f", {len(done.known)} known already, {len(done.set_aside)} set aside"
    report(document, as_json, summary)
    if done.set_aside:
        raise typer.Exit(EXIT_SET_ASIDE)


def _width(store: Path, model: "HashModel", bits: int | None) -> int:
    """The width that is asked for; without one a store's own, or all of the model's for a new one.

    Raises ConfigurationError when the model has no codes of the width that is asked for.
    """
    from ..errors import StoreError
    from ..model import check_width
    from ..store import CodeStore

    if bits is not None:
        return check_width(bits, model.widths)
    try:
        with CodeStore.open(store) as there:
            return model.width_for(there.bits)
    except StoreError:
        return model.bits
