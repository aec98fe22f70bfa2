"""`scenehash quarantine`: inputs that could not be ingested."""

from pathlib import Path
from typing import Annotated

import typer

from scenehash.decode_params import DecodeParams
from scenehash.files import path_text
from scenehash.windows import Tiling

from .console import CONSOLE, AsJson, report
from .help import examples
from .ingest import show_report
from .options import (
    CORES,
    BandChoice,
    Label,
    MinValid,
    ModelPath,
    NodataValue,
    Overlap,
    StorePath,
    StretchRange,
    Threads,
    TileSize,
    Wait,
    Whole,
    make_tiling,
)


def register(app: typer.Typer) -> None:
    """Add the group to the app."""
    group = typer.Typer(
        help="List and retry inputs that could not be ingested.", no_args_is_help=True
    )
    for command, line in (
        (list_command, "scenehash quarantine list --store my.store"),
        (retry_command, "scenehash quarantine retry --store my.store"),
        (release_command, "scenehash quarantine release scenes/bad.tif --store my.store"),
    ):
        name = command.__name__.removesuffix("_command")
        group.command(name, epilog=examples(line))(command)
    app.add_typer(group, name="quarantine")


def list_command(store: StorePath, as_json: AsJson = False) -> None:
    """List inputs that could not be ingested, each with the reason."""
    from scenehash.store import CodeStore
    from scenehash.store.documents import quarantine_document

    with CodeStore.open(store) as code_store:
        items, document = code_store.quarantine.list(), quarantine_document(code_store)
    lines = [f"{item.time:%Y-%m-%d %H:%M:%S}Z  {item.path}: {item.reason}" for item in items]
    report(document, as_json, *lines, f"{store}: {len(items)} in quarantine")


def retry_command(
    store: StorePath,
    tile: TileSize = None,
    overlap: Overlap = Tiling.overlap,
    whole: Whole = Tiling.whole,
    min_valid: MinValid = Tiling.min_valid,
    bands: BandChoice = None,
    nodata: NodataValue = None,
    stretch: StretchRange = None,
    label: Label = None,
    model: ModelPath = None,
    threads: Threads = CORES,
    wait: Wait = False,
    as_json: AsJson = False,
) -> None:
    """Ingest quarantined inputs again.

    The files may have been repaired, or may need other options. Exit status 3 when some still
    cannot be ingested.
    """
    from scenehash.ingestion import IngestOptions, retry_quarantine

    tiling = make_tiling(tile, overlap, whole, min_valid)
    options = IngestOptions(
        tiling, DecodeParams(bands, nodata, stretch), tuple(label or ()), threads=threads, wait=wait
    )
    show_report(retry_quarantine(store, model, options, CONSOLE), as_json)


def release_command(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH", readable=False, help="Remove these inputs, named as in the list."
        ),
    ],
    store: StorePath,
    wait: Wait = False,
    as_json: AsJson = False,
) -> None:
    """Remove inputs from quarantine.

    Their files are not touched.
    """
    from scenehash.store import CodeStore

    with CodeStore.open(store, writable=True, wait=wait) as code_store:
        released = code_store.quarantine.remove([path_text(path.absolute()) for path in paths])
    document = {"store": str(store), "released": released}
    report(document, as_json, f"{store}: {released} released from quarantine")
