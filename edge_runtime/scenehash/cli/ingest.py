"""`scenehash ingest`"""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .console import CONSOLE, EXIT_SET_ASIDE, AsJson, notice, report
from .options import (
    CORES,
    BandChoice,
    Bits,
    KeepThumbnails,
    Label,
    MinValid,
    ModelPath,
    Overlap,
    StorePath,
    Threads,
    TileSize,
    Wait,
    Whole,
    make_tiling,
    notice_trouble,
)

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from scenehash.ingestion.pipeline import IngestOptions, IngestReport
    from scenehash.ingestion.prefetch import Ingested


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("ingest")(ingest_command)


def ingest_command(
    paths: Annotated[
        list[Path], typer.Argument(readable=False, help="Scene files, or folders of them.")
    ],
    store: StorePath,
    tile: TileSize = None,
    overlap: Overlap = 0.0,
    whole: Whole = False,
    min_valid: MinValid = 0.5,
    bands: BandChoice = None,
    label: Label = None,
    thumbnails: KeepThumbnails = False,
    listed: Annotated[
        bool, typer.Option("--list", help="Print a line for each scene that was stored.")
    ] = False,
    model: ModelPath = None,
    bits: Bits = None,
    threads: Threads = CORES,
    wait: Wait = False,
    as_json: AsJson = False,
) -> None:
    """Hash scenes and keep their codes; the store is made when there is none.

    A scene that is stored already, by its content, is not hashed again. One that cannot be read is
    set aside with its reason (see: scenehash quarantine), the rest goes on, and the exit status
    is 3.
    """
    from scenehash.ingestion.pipeline import IngestOptions
    from scenehash.scenes import find_scenes

    tiling = make_tiling(tile, overlap, whole, min_valid)
    options = IngestOptions(tiling, bands, tuple(label or ()), threads)
    files = find_scenes(paths)
    ingest_files(files, store, options, listed, model, bits, wait, as_json, thumbnails=thumbnails)


def ingest_files(
    files: Sequence[Path],
    store: Path,
    options: "IngestOptions",
    listed: bool,
    model: Path | None,
    bits: int | None,
    wait: bool,
    as_json: bool,
    thumbnails: bool = False,
) -> None:
    """Ingest files and report on it; raises Exit with status 3 when something was set aside."""
    from scenehash.ingestion.pipeline import ingest
    from scenehash.model.hash_model import HashModel
    from scenehash.store import CodeStore

    hash_model = HashModel.load(model)
    started = time.perf_counter()
    with CodeStore.for_model(store, hash_model, bits, wait) as code_store:
        if thumbnails:
            code_store.keep_thumbnails()
        done = ingest(files, code_store, hash_model, options, CONSOLE)
    seconds = time.perf_counter() - started
    notice_trouble(code_store)
    for scene in done.stored:
        for warning in scene.warnings:
            notice(f"warning: {scene.path}: {warning}")
    for item in done.set_aside:
        notice(f"set aside: {item.path}: {item.reason}")
    shown: list[RenderableType] = [scene_table(done.stored)] if listed and done.stored else []
    report(_document(store, done, seconds), as_json, *shown, _summary(store, done, seconds))
    if done.set_aside:
        raise typer.Exit(EXIT_SET_ASIDE)


def scene_table(scenes: "Sequence[Ingested]") -> "Table":
    """Stored scenes as a table for a person."""
    from rich.table import Table

    columns = ("scene", "tiles", "skipped", "seconds", "west, south, east, north")
    table = Table(*columns, box=None, header_style="bold")
    for scene in scenes:
        box = "" if scene.box is None else ", ".join(f"{side:.4f}" for side in scene.box)
        counts = (str(scene.tiles), str(scene.skipped), f"{scene.seconds:.2f}")
        table.add_row("/".join(scene.path.parts[-2:]), *counts, box)
    return table


def _document(store: Path, done: "IngestReport", seconds: float) -> dict[str, object]:
    return {
        "store": str(store),
        "scenes_stored": len(done.stored),
        "tiles_stored": done.tiles,
        "tiles_skipped": done.skipped,
        "scenes_known": len(done.known),
        "scenes_repaired": done.repaired,
        "scenes": [
            {
                "path": str(scene.path),
                "tiles": scene.tiles,
                "skipped": scene.skipped,
                "seconds": round(scene.seconds, 3),
                "bbox": scene.box,
                "warnings": list(scene.warnings),
            }
            for scene in done.stored
        ],
        "set_aside": [{"path": str(item.path), "reason": item.reason} for item in done.set_aside],
        "seconds": round(seconds, 3),
    }


def _summary(store: Path, done: "IngestReport", seconds: float) -> str:
    text = f"{store}: {len(done.stored)} scenes ({done.tiles} tiles) stored in {seconds:.1f} s"
    if done.stored:
        text += f" ({done.tiles / seconds:.0f} tiles a second)"
    if done.skipped:
        text += f", {done.skipped} tiles without enough data skipped"
    if done.repaired:
        text += f", {done.repaired} of them to repair what was damaged"
    return text + f", {len(done.known)} known already, {len(done.set_aside)} set aside"
