"""`scenehash watch`"""

import contextlib
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from scenehash.files import path_text
from scenehash.watcher.options import SinkOptions, WatchOptions

from .choices import IngestChoice
from .console import counted, notice
from .exit_status import EXIT_FAILED, EXIT_SET_ASIDE
from .interrupts import stopping
from .options import Bits, ModelPath, StorePath
from .register import continuing, register_command

if TYPE_CHECKING:
    from scenehash.ingestion import IngestOptions

MEGABYTE = 1_000_000
# Stored tiles that an event may name for each tile: an event is at most some megabytes.
MOST_NEAREST = 100
OPTIONS, SINKS = WatchOptions(), SinkOptions()


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    register_command(
        app,
        watch_command,
        "scenehash watch /srv/incoming --store my.store --events events.jsonl",
        "scenehash watch incoming --store my.store --once --poll",
    )


def _watched(folders: list[Path], store: Path) -> str:
    """The first line of a watch: its folders, its store and the number of alerts."""
    from scenehash.errors import StoreError
    from scenehash.store import CodeStore

    alerts = 0
    with contextlib.suppress(StoreError), CodeStore.open(store) as code_store:
        alerts = len(code_store.alerts.list())
    names = ", ".join(path_text(folder) for folder in folders)
    return f"watching {names} for {store}, {counted(alerts, 'alert')}; Ctrl-C ends it"


@dataclass(frozen=True)
class SinkChoice:
    """The sinks of events besides stdout."""

    events: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Append each event to this file exactly once."),
    ] = SINKS.events_file
    rotate_mb: Annotated[
        float,
        typer.Option(
            min=0.001,
            metavar="MB",
            help="Rename the events file before it becomes larger than this.",
        ),
    ] = SINKS.rotate_bytes / MEGABYTE
    keep: Annotated[
        int,
        typer.Option(min=1, max=999, metavar="N", help="Keep this many renamed events files."),
    ] = SINKS.rotated_files
    webhook: Annotated[
        str | None,
        typer.Option(
            envvar="SCENEHASH_WEBHOOK",
            metavar="URL",
            help="Post each event to this URL until it is accepted.",
        ),
    ] = SINKS.webhook
    keep_events: Annotated[
        int,
        typer.Option(
            min=1, metavar="N", help="Keep this many events in the store, delivered or not."
        ),
    ] = SINKS.kept_events

    def options(self) -> SinkOptions:
        """These sinks and stdout."""
        rotate_bytes = int(self.rotate_mb * MEGABYTE)
        return SinkOptions(
            sys.stdout, self.events, rotate_bytes, self.keep, self.webhook, self.keep_events
        )


@dataclass(frozen=True)
class WatchChoice:
    """When a watch ingests a file, and what its event contains."""

    settle: Annotated[
        float,
        typer.Option(
            min=0, metavar="SECONDS", help="Ingest a file when it has not changed for this long."
        ),
    ] = OPTIONS.settle
    done_mark: Annotated[
        bool, typer.Option("--done-mark", help="Ingest a file only when NAME.done exists, too.")
    ] = OPTIONS.done_marks
    poll: Annotated[
        bool,
        typer.Option("--poll", help="Scan the folders at an interval, for network folders."),
    ] = OPTIONS.poll
    per: Annotated[
        Literal["scene", "tile"], typer.Option(help="Report one event per scene or per tile.")
    ] = OPTIONS.per
    nearest: Annotated[
        int,
        typer.Option(
            min=1,
            max=MOST_NEAREST,
            metavar="N",
            help="Name this many nearest stored tiles for each tile.",
        ),
    ] = OPTIONS.nearest
    group: Annotated[
        bool,
        typer.Option("--group", help="Report overlapping tiles that match an alert as one match."),
    ] = OPTIONS.group
    max_backlog: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Set the oldest scenes aside if more scenes wait, and ingest the newest first.",
            show_default="no limit, oldest first",
        ),
    ] = OPTIONS.max_backlog
    once: Annotated[
        bool, typer.Option("--once", help="Ingest the scenes in the folders now, then exit.")
    ] = OPTIONS.once

    def options(self, ingest: "IngestOptions") -> WatchOptions:
        """These options and the options of ingest."""
        return WatchOptions(
            self.settle,
            self.done_mark,
            self.poll,
            self.max_backlog,
            self.per,
            self.nearest,
            self.group,
            self.once,
            ingest,
        )


@continuing
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
    choice: IngestChoice,
    watching: WatchChoice,
    sinks: SinkChoice,
    model: ModelPath = None,
    bits: Bits = None,
) -> None:
    """Ingest, match and report new scenes as they arrive in folders.

    The command prints events as JSON Lines on stdout. An event holds the similar stored tiles, the
    matching alerts, the novelty of the scene, and whether the store has seen its place before. The
    store commits a scene and its event together: after a kill or a power cut, the same command
    continues, and misses no event. The file of --events has each event exactly once; stdout and a
    webhook may repeat the last event. With --once, the exit status is 1 if an event could not be
    delivered, and 3 if a file was set aside.
    """
    from scenehash.watcher.watch import watch

    options = watching.options(choice.options(bits))
    if sys.stderr.isatty() and not watching.once:
        notice(_watched(folders, store))
    with stopping() as stop:
        done = watch(folders, store, model, options, sinks.options(), stop.asked, notice)
    stop.raise_if_asked()
    if watching.once:
        aside = f", {done.set_aside:,} set aside" if done.set_aside else ""
        notice(f"{store}: {counted(done.stored, 'scene')} stored{aside}")
    if watching.once and done.undelivered:
        lacking = counted(done.undelivered, "event")
        notice(f"not delivered yet: {lacking}; the store keeps them for the next watch")
        raise typer.Exit(EXIT_FAILED)
    if watching.once and (done.set_aside or done.unreadable):
        raise typer.Exit(EXIT_SET_ASIDE)
