"""`scenehash archive`: an archive hashed by many processes."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scenehash.engines.patience import PATIENCE

from .choices import HashChoice, is_from_variable
from .console import CONSOLE, AsJson, UsageError, counted, notice, report
from .exit_status import EXIT_SET_ASIDE
from .options import CORES, STORE_VARIABLE, Bits, ModelPath, Wait
from .push import TO, report_push
from .register import register_command, register_group

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


def hash_command(
    uris: Annotated[
        list[str],
        typer.Argument(
            metavar="URI",
            help="Hash these scene files, folders of them, STAC documents, or what is below an "
            "address (s3://BUCKET/KEY).",
        ),
    ],
    out: Annotated[
        str,
        typer.Option(
            "--out", metavar="URI", help="Write parts and manifest to this folder or address."
        ),
    ],
    choice: HashChoice,
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
    model: ModelPath = None,
    bits: Bits = None,
    as_json: AsJson = False,
) -> None:
    """Hash scenes into parts in Parquet.

    What is done is not done again: run the same command again to continue. A scene that cannot be
    read is noted in the manifest with its reason, the rest goes on, and the exit status is 3.
    """
    from scenehash.archive import hash_archive

    done = hash_archive(uris, out, scheduler, model, choice.options(bits), workers, CONSOLE)
    _notice_scenes(done)
    report(done.document(), as_json, _summary(done))
    if done.failed:
        raise typer.Exit(EXIT_SET_ASIDE)


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
            help="Put the tiles into the code store in this folder.",
        ),
    ] = None,
    to: Annotated[str | None, TO] = None,
    station: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="With --to: the station's name, by which the tiles are known."
        ),
    ] = None,
    patience: Annotated[
        float | None,
        typer.Option(
            min=0,
            metavar="SECONDS",
            help="With --to: wait so long for an engine that does not answer.",
            show_default=f"{PATIENCE:.0f}",
        ),
    ] = None,
    wait: Wait = False,
    as_json: AsJson = False,
) -> None:
    """Bring a hashed archive to a store or an engine.

    The store is made when there is none. What it has already is not stored again. An engine has
    the tiles of this archive as the station's then, and no others. When scenes of the archive have
    no sound part, the exit status is 3.
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
    """A store or an engine, and what belongs to that one alone; otherwise UsageError."""
    if to is not None:
        if store is not None and not is_from_variable(store):
            raise UsageError("--store and --to: an archive is brought to one of them at a time")
        if station is None:
            raise UsageError("--to needs --station NAME, by which these tiles are known")
        if wait:
            raise UsageError("--wait: with --store alone; an engine is waited for with --patience")
        return
    if store is None:
        raise UsageError(
            "say where to: --store FOLDER, or --to ADDRESS --station NAME for an engine"
        )
    if station is not None:
        raise UsageError(
            "--station: with --to alone; name a store's station with: scenehash store station"
        )
    if patience is not None:
        raise UsageError("--patience: with --to alone; a store is waited for with --wait")


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
        notice(f"{total} of other formats passed over")


def _summary(done: "HashReport") -> str:
    rate = f" ({done.tiles / done.seconds:.0f} tiles/s)" if done.tiles else ""
    return (
        f"{done.out}: {counted(done.hashed, 'scene')} ({counted(done.tiles, 'tile')}) hashed in "
        f"{done.seconds:.1f} s{rate}, {done.known:,} done already, {len(done.failed):,} failed"
    )
