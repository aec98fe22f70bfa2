"""Options of a watch and its sinks. Light to import: the command takes its defaults from here."""

from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from scenehash.ingestion import IngestOptions

Per = Literal["scene", "tile"]


@dataclass(frozen=True)
class WatchOptions:
    """How a watch takes in files, and what its events contain.

    settle: seconds without a change after which a file is complete. done_marks: a file is complete
    only when NAME.done exists. poll: scan the folders at an interval, and ignore mtimes; for
    network folders. max_backlog: when more files wait, the oldest are set aside and the newest are
    ingested first; None: no limit, the oldest first. per: one event per scene or per tile. nearest:
    the number of stored tiles that are named for each tile. group: overlapping tiles of a scene
    that match the same alerts count as one match. once: end when all present files are stored.
    ingest: how scenes are read, cut and stored; None: as IngestOptions().
    """

    settle: float = 2.0
    done_marks: bool = False
    poll: bool = False
    max_backlog: int | None = None
    per: Per = "scene"
    nearest: int = 3
    group: bool = False
    once: bool = False
    ingest: "IngestOptions | None" = None


@dataclass(frozen=True)
class SinkOptions:
    """The sinks of events. Each given sink gets all events.

    stream: such as standard output. events_file: a file of JSON Lines; it is renamed before it
    exceeds rotate_bytes, and rotated_files older files are kept. webhook: a URL to which each event
    is posted. kept_events: the number of events that the store keeps, delivered or not: as a
    history, and for a sink that cannot be reached.
    """

    stream: IO[str] | None = None
    events_file: Path | None = None
    rotate_bytes: int = 10_000_000
    rotated_files: int = 9
    webhook: str | None = None
    kept_events: int = 10_000


@dataclass(frozen=True)
class WatchReport:
    """The result of a watch.

    stored: the number of scenes. set_aside: the number of files. unreadable: the number of folders
    that could not be listed at the end. undelivered: the number of events that at least one sink
    lacks; the store keeps them for the next watch.
    """

    stored: int = 0
    set_aside: int = 0
    unreadable: int = 0
    undelivered: int = 0
