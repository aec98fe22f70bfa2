"""`scenehash watch`"""

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from scenehash.decode_params import DecodeParams
from scenehash.watcher.options import SinkConfig, WatchOptions

from .console import EXIT_SET_ASIDE, notice
from .help import examples
from .interrupts import stopping
from .options import (
    CORES,
    BandChoice,
    Bits,
    KeepThumbnails,
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

MEGABYTE = 1_000_000
# Stored tiles that an event may name for each tile: an event is at most some megabytes.
MOST_NEAREST = 100
OPTIONS, SINKS = WatchOptions(), SinkConfig()

EXAMPLES = examples(
    "scenehash watch /srv/incoming --store my.store --events events.jsonl",
    "scenehash watch incoming --store my.store --once --poll",
)


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("watch", epilog=EXAMPLES)(watch_command)


EventsFile = Annotated[
    Path | None,
    typer.Option("--events", metavar="FILE", help="Append events to this file, each exactly once."),
]
RotateMegabytes = Annotated[
    float,
    typer.Option(
        "--rotate-mb",
        min=0.001,
        metavar="MB",
        help="Rename the events file before it becomes larger than this.",
    ),
]
Keep = Annotated[
    int,
    typer.Option(
        "--keep", min=1, max=999, metavar="N", help="Keep this many renamed events files."
    ),
]


def watch_command(
    folders: Annotated[
        list[Path],
        typer.Argument(
            metavar="FOLDER",
            exists=True,
            file_okay=False,
            help="Watch these folders, at any depth.",
        ),
    ],
    store: StorePath,
    tile: TileSize = None,
    overlap: Overlap = 0.0,
    whole: Whole = False,
    min_valid: MinValid = 0.5,
    bands: BandChoice = None,
    nodata: NodataValue = None,
    stretch: StretchRange = None,
    label: Label = None,
    thumbnails: KeepThumbnails = False,
    settle: Annotated[
        float,
        typer.Option(
            min=0, metavar="SECONDS", help="Take a file when it has not changed for this long."
        ),
    ] = OPTIONS.settle,
    done_mark: Annotated[
        bool, typer.Option("--done-mark", help="Take a file only when NAME.done is beside it.")
    ] = False,
    poll: Annotated[
        bool,
        typer.Option("--poll", help="Scan the folders at an interval; for network folders."),
    ] = False,
    per: Annotated[
        Literal["scene", "tile"], typer.Option(help="Report one event per scene or per tile.")
    ] = OPTIONS.per,
    nearest: Annotated[
        int,
        typer.Option(
            min=1,
            max=MOST_NEAREST,
            metavar="N",
            help="Name this many nearest stored tiles for each tile.",
        ),
    ] = OPTIONS.nearest,
    events: EventsFile = None,
    rotate_mb: RotateMegabytes = SINKS.rotate_bytes / MEGABYTE,
    keep: Keep = SINKS.rotated_files,
    webhook: Annotated[
        str | None,
        typer.Option(
            envvar="SCENEHASH_WEBHOOK",
            metavar="URL",
            help="Post each event to this URL until it is accepted.",
        ),
    ] = None,
    keep_events: Annotated[
        int,
        typer.Option(
            min=1, metavar="N", help="Keep this many events in the store, delivered or not."
        ),
    ] = SINKS.kept_events,
    max_backlog: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Set the oldest scenes aside when more wait, and take the newest first.",
            show_default="no limit, oldest first",
        ),
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Ingest what is there, then exit.")] = False,
    model: ModelPath = None,
    bits: Bits = None,
    threads: Threads = CORES,
    wait: Wait = False,
) -> None:
    """Ingest, match and report new scenes as they arrive in folders.

    Events are JSON Lines on stdout: what is similar to the scene, which alerts match, how new it
    is, and whether its place was seen before. A scene and its event are stored together: after a
    kill or a power cut the same command continues, and nothing is missed or reported twice.
    """
    from scenehash.ingestion import IngestOptions
    from scenehash.watcher.watch import watch

    tiling = make_tiling(tile, overlap, whole, min_valid)
    options = WatchOptions(
        settle=settle,
        done_marks=done_mark,
        poll=poll,
        max_backlog=max_backlog,
        per=per,
        nearest=nearest,
        once=once,
        ingest=IngestOptions(
            tiling,
            DecodeParams(bands, nodata, stretch),
            tuple(label or ()),
            threads=threads,
            thumbnails=thumbnails,
            bits=bits,
            wait=wait,
        ),
    )
    rotate_bytes = int(rotate_mb * MEGABYTE)
    sinks = SinkConfig(sys.stdout, events, rotate_bytes, keep, webhook, keep_events)
    with stopping() as stop:
        done = watch(folders, store, model, options, sinks, stop.asked, notice)
    stop.raise_if_asked()
    if once and done.set_aside:
        raise typer.Exit(EXIT_SET_ASIDE)
