"""`scenehash watch`"""

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from scenehash.decode_params import DecodeParams

from .console import EXIT_SET_ASIDE, notice
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

if TYPE_CHECKING:
    from scenehash.watcher.events import Per
    from scenehash.watcher.waiting import Waiting

# Seconds between looks at a folder.
INTERVAL = 0.5
MEGABYTE = 1_000_000


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("watch")(watch_command)


EventsFile = Annotated[
    Path | None,
    typer.Option("--events", help="Append events to this file, each just once.", metavar="FILE"),
]
RotateMegabytes = Annotated[
    float,
    typer.Option("--rotate-mb", min=0.001, help="Rename the file before it becomes larger."),
]
Keep = Annotated[int, typer.Option("--keep", min=1, help="Renamed files that are kept.")]


def watch_command(
    folders: Annotated[
        list[Path],
        typer.Argument(exists=True, file_okay=False, help="The folders in which scenes arrive."),
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
        typer.Option(min=0, help="Seconds after which a file that does not change is complete."),
    ] = 2.0,
    done_mark: Annotated[
        bool,
        typer.Option(
            "--done-mark", help="A file is complete when NAME.done is beside it, not before."
        ),
    ] = False,
    poll: Annotated[
        bool,
        typer.Option("--poll", help="Look again and again: for folders on a network."),
    ] = False,
    per: Annotated[
        str, typer.Option(metavar="scene|tile", help="One event a scene, or one a tile.")
    ] = "scene",
    nearest: Annotated[
        int, typer.Option(min=1, help="How many stored tiles an event names for each tile.")
    ] = 3,
    events: EventsFile = None,
    rotate_mb: RotateMegabytes = 10,
    keep: Keep = 9,
    webhook: Annotated[
        str | None,
        typer.Option(help="Post each event to this URL, until it is taken.", metavar="URL"),
    ] = None,
    keep_events: Annotated[
        int,
        typer.Option(min=1, help="Events that wait, at most, for who cannot be reached."),
    ] = 10_000,
    max_backlog: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="When more scenes wait, set the oldest aside, and take the newest first.",
            show_default="no limit, oldest first",
        ),
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Take what is there, and end.")] = False,
    model: ModelPath = None,
    bits: Bits = None,
    threads: Threads = CORES,
    wait: Wait = False,
) -> None:
    """Store scenes as they arrive in folders, and tell of each: JSON Lines on stdout.

    A file is taken once, when it is complete. An event says what is like the scene, which alerts it
    matches, how new it is, and whether its place was seen before. Killed at any time, the same
    command goes on: no scene is missed, and none told of twice.
    """
    from scenehash.errors import ConfigurationError
    from scenehash.ingestion import IngestOptions
    from scenehash.model.hash_model import HashModel
    from scenehash.store import CodeStore
    from scenehash.watcher.dispatcher import SinkConfig, open_dispatcher
    from scenehash.watcher.lock import watch_lock
    from scenehash.watcher.loop import Watch, WatchOptions

    options = WatchOptions(
        folders,
        settle,
        trust_clock=not poll,
        marks=done_mark,
        max_backlog=max_backlog,
        per=_per(per),
        nearest=nearest,
        ingest=IngestOptions(
            make_tiling(tile, overlap, whole, min_valid),
            DecodeParams(bands, nodata, stretch),
            tuple(label or ()),
            threads=threads,
        ),
    )
    if events is not None and store.absolute() in events.absolute().parents:
        raise ConfigurationError(f"--events {events}: not inside the store's folder")
    outlets = SinkConfig(events, int(rotate_mb * MEGABYTE), keep, webhook, keep_events)
    hash_model = HashModel.load(model)
    with contextlib.ExitStack() as stack:
        with CodeStore.for_model(store, hash_model, bits, wait) as opened:
            stack.enter_context(watch_lock(store))
            if thumbnails:
                opened.keep_thumbnails()
            telling = stack.enter_context(open_dispatcher(opened, outlets, sys.stdout, notice))
        stop = stack.enter_context(_stopping())
        watch = Watch(store, hash_model, options, telling, notice, stop.event.is_set)
        watch.run(_waiting(folders, poll, stop.event), once)
        telling.finish(store, wait=once and not stop.event.is_set())
    if stop.interrupted:
        raise KeyboardInterrupt
    if once and watch.set_aside:
        raise typer.Exit(EXIT_SET_ASIDE)


class _Stop:
    """Whether the watch is to end, and whether by Ctrl-C."""

    def __init__(self) -> None:
        self.event = threading.Event()
        self.interrupted = False

    def ask(self, number: int, frame: FrameType | None) -> None:
        """Handle a signal; the second Ctrl-C does not wait for anything."""
        del frame
        if number == signal.SIGINT and self.interrupted:
            raise KeyboardInterrupt
        self.interrupted |= number == signal.SIGINT
        self.event.set()


@contextlib.contextmanager
def _stopping() -> Iterator[_Stop]:
    """SIGTERM and Ctrl-C end the watch between two tiles, and not in the middle of anything."""
    stop = _Stop()
    before = {number: signal.signal(number, stop.ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _waiting(folders: list[Path], poll: bool, stop: threading.Event) -> "Waiting":
    """How to wait for changes: by the system's notices, where that can be; or by looking again."""
    from scenehash.watcher.waiting import Notified, Polling

    if not poll:
        try:
            return Notified(folders, INTERVAL, stop)
        except ImportError:
            notice("looking again and again; pip install 'scenehash[watch]' to be told of changes")
    return Polling(INTERVAL, stop)


def _per(text: str) -> "Per":
    match text:
        case "scene" | "tile":
            return text
    raise typer.BadParameter(f"{text}: scene or tile", param_hint="--per")
