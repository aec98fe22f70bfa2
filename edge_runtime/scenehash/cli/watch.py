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
    """What is watched, and for what."""
    from scenehash.errors import StoreError
    from scenehash.store import CodeStore

    alerts = 0
    with contextlib.suppress(StoreError), CodeStore.open(store) as code_store:
        alerts = len(code_store.alerts.list())
    names = ", ".join(path_text(folder) for folder in folders)
    return f"watching {names} for {store}, {counted(alerts, 'alert')}; Ctrl-C ends it"


@dataclass(frozen=True)
class SinkChoice:
    """Where events go besides stdout."""

    events: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Append events to this file, each exactly once."),
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
        """These, and stdout."""
        rotate_bytes = int(self.rotate_mb * MEGABYTE)
        return SinkOptions(
            sys.stdout, self.events, rotate_bytes, self.keep, self.webhook, self.keep_events
        )


@dataclass(frozen=True)
class WatchChoice:
    """When a file is taken, and what its event says."""

    settle: Annotated[
        float,
        typer.Option(
            min=0, metavar="SECONDS", help="Take a file when it has not changed for this long."
        ),
    ] = OPTIONS.settle
    done_mark: Annotated[
        bool, typer.Option("--done-mark", help="Take a file only when NAME.done is beside it.")
    ] = OPTIONS.done_marks
    poll: Annotated[
        bool,
        typer.Option("--poll", help="Scan the folders at an interval; for network folders."),
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
        typer.Option(
            "--group", help="Report tiles of a scene that overlap and match an alert as one find."
        ),
    ] = OPTIONS.group
    max_backlog: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="If more scenes wait, set the oldest aside, and take the newest first.",
            show_default="no limit, oldest first",
        ),
    ] = OPTIONS.max_backlog
    once: Annotated[bool, typer.Option("--once", help="Ingest what is there, then exit.")] = (
        OPTIONS.once
    )

    def options(self, ingest: "IngestOptions") -> WatchOptions:
        """These, and how scenes are ingested."""
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

    Events are JSON Lines on stdout: what is similar to the scene, which alerts match, how new it
    is, and whether its place was seen before. A scene and its event are stored together: after a
    kill or a power cut the same command continues, and nothing is missed or reported twice. With
    --once the exit status is 1 when events could not be delivered, and 3 when files were set aside.
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
        notice(f"not delivered yet: {lacking}, which the store keeps for the next watch")
        raise typer.Exit(EXIT_FAILED)
    if watching.once and (done.set_aside or done.unreadable):
        raise typer.Exit(EXIT_SET_ASIDE)
