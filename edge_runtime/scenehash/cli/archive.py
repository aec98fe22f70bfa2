"""`scenehash archive`: hash an archive on many processes."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scenehash.engines.patience import PATIENCE

from .choices import HashChoice, is_from_variable
from .console import CONSOLE, AsJson, UsageError, counted, notice, report
from .exit_status import EXIT_SET_ASIDE
from .options import (
    CORES,
    STORE_VARIABLE,
    Bits,
    KeepThumbnails,
    KeepVectors,
    Label,
    ModelPath,
    Wait,
    Words,
)
from .push import TO, report_push
from .register import continuing, register_command, register_group

if TYPE_CHECKING:
    from scenehash.archive import HashReport, LoadReport


def register(app: typer.Typer) -> None:
    """Add the group to the app."""
    group = register_group(app, "archive", "Hash an archive on many processes or machines.")
    register_command(
        group,
        hash_command,
        "scenehash archive hash scenes --out hashed",
        "scenehash archive hash scenes --out hashed --scheduler tcp://10.0.0.1:8786",
    )
    register_command(
        group,
        load_command,
        "scenehash archive load hashed --store my.store",
        "scenehash archive load hashed --to milvus://db:19530/tiles --station north",
    )


@dataclass(frozen=True)
class PartsChoice(HashChoice):
    """How scenes are read, cut and labelled, and what the parts hold besides codes."""

    label: Annotated[Label, Words("Add this label to the scenes; may be repeated.")] = None
    thumbnails: Annotated[
        KeepThumbnails, Words("Write a small picture of each tile to the parts.")
    ] = False
    vectors: Annotated[
        KeepVectors,
        Words(
            "Write the representation of each tile to the parts, or leave it out.",
            "written, if the model gives it",
        ),
    ] = None


@continuing
def hash_command(
    uris: Annotated[
        list[str],
        typer.Argument(
            metavar="URI",
            help="Hash these scene files, folders, STAC documents, or all scenes below an address "
            "(s3://BUCKET/KEY).",
        ),
    ],
    out: Annotated[
        str,
        typer.Option("--out", metavar="URI", help="Write the archive to this folder or address."),
    ],
    choice: PartsChoice,
    scheduler: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS",
            help="Run tasks on this machine (local), or on a Dask scheduler's workers "
            "(tcp://HOST:PORT).",
        ),
    ] = "local",
    workers: Annotated[
        int,
        typer.Option(
            min=1,
            metavar="N",
            help="Hash with this many processes, when the scheduler is local.",
            show_default="all cores",
        ),
    ] = CORES,
    model: Annotated[
        ModelPath,
        Words(
            "Hash with this model file, or, with the word open, the shipped model that was trained "
            "on archives with clear terms.",
            "the shipped model",
        ),
    ] = None,
    bits: Annotated[
        Bits, Words("Set the code width of the archive, such as 32; short codes take less space.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Hash scenes into parts in Parquet.

    After an interruption, run the same command again: it continues. If a scene cannot be read, the
    manifest holds the reason, the command continues with other scenes, and the exit status is 3.
    """
    from scenehash.archive import hash_archive

    done = hash_archive(uris, out, scheduler, model, choice.options(bits), workers, CONSOLE)
    _notice_scenes(done)
    report(done.document(), as_json, _summary(done))
    if done.failed:
        raise typer.Exit(EXIT_SET_ASIDE)


@continuing
def load_command(
    archive: Annotated[
        str,
        typer.Argument(
            metavar="URI", help="Load the parts of the archive in this folder or address."
        ),
    ],
    store: Annotated[
        Path | None,
        typer.Option(
            "--store",
            envvar=STORE_VARIABLE,
            metavar="FOLDER",
            help="Load the tiles into the code store in this folder.",
        ),
    ] = None,
    to: Annotated[str | None, TO] = None,
    station: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Set the name of the station of the tiles, with --to."),
    ] = None,
    patience: Annotated[
        float | None,
        typer.Option(
            min=0,
            metavar="SECONDS",
            help="Wait this long for an engine that does not answer, with --to.",
            show_default=f"{PATIENCE:.0f}",
        ),
    ] = None,
    wait: Wait = False,
    as_json: AsJson = False,
) -> None:
    """Load a hashed archive into a store or an engine.

    The command makes the store if it does not exist, and skips scenes that the store already has.
    In an engine, the tiles of this archive replace all tiles of the station. If the archive lacks
    the tiles of a scene, the exit status is 3.
    """
    _check_destination(store, to, station, patience, wait)
    if to is not None and station is not None:
        from scenehash.archive import push_archive

        patience = PATIENCE if patience is None else patience
        report_push(
            push_archive(archive, to, station, patience=patience, progress=CONSOLE), as_json
        )
    elif store is not None:
        from scenehash.archive import load_archive

        _report_load(load_archive(archive, store, wait, CONSOLE), as_json)


def _check_destination(
    store: Path | None, to: str | None, station: str | None, patience: float | None, wait: bool
) -> None:
    """Raise UsageError unless the options name one destination and belong to it."""
    if to is not None:
        if store is not None and not is_from_variable(store):
            raise UsageError("--store and --to: give one of them")
        if station is None:
            raise UsageError("--to needs --station NAME, the station of the tiles")
        if wait:
            raise UsageError("--wait works only with --store; for an engine, use --patience")
        return
    if store is None:
        raise UsageError("give --store FOLDER, or for an engine --to ADDRESS --station NAME")
    if station is not None:
        raise UsageError(
            "--station works only with --to; name a store's station with: scenehash store station"
        )
    if patience is not None:
        raise UsageError("--patience works only with --to; for a store, use --wait")


def _report_load(done: "LoadReport", as_json: bool) -> None:
    for scene, reason in done.missing.items():
        notice(f"missing: {scene}: {reason}")
    summary = (
        f"{done.store}: {counted(done.stored, 'scene')} ({counted(done.tiles, 'tile')}) stored, "
        f"{done.duplicates:,} stored already, {done.repaired:,} repaired, "
        f"{len(done.missing):,} missing"
    )
    report(done.document(), as_json, summary)
    if done.missing:
        raise typer.Exit(EXIT_SET_ASIDE)


def _notice_scenes(done: "HashReport") -> None:
    for scene, warnings in done.warnings.items():
        for warning in warnings:
            notice(f"warning: {scene}: {warning}")
    for scene, reason in done.failed.items():
        notice(f"failed: {scene}: {reason}")
    if done.passed_over:
        total = counted(sum(done.passed_over.values()), "file")
        notice(f"{total} of other formats skipped")


def _summary(done: "HashReport") -> str:
    rate = f" ({done.tiles / done.seconds:.0f} tiles/s)" if done.tiles else ""
    return (
        f"{done.out}: {counted(done.hashed, 'scene')} ({counted(done.tiles, 'tile')}) hashed in "
        f"{done.seconds:.1f} s{rate}, {done.known:,} done already, {len(done.failed):,} failed"
    )
