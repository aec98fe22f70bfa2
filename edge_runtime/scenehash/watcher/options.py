"""What a watch does, and where its events go. Light to import: the command takes its defaults."""

from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from scenehash.ingestion import IngestOptions

Per = Literal["scene", "tile"]


@dataclass(frozen=True)
class WatchOptions:
    """How a watch takes in files, and what its events say.

    settle: seconds after which a file that does not change is complete. done_marks: a file is
    complete when NAME.done is beside it, and not before. poll: scan the folders at an interval, and
    trust no mtime; for network folders. max_backlog: when more files wait, the oldest are set aside
    and the newest are taken first; None: no limit, the oldest first. per: one event a scene or a
    tile. nearest: stored tiles named for each tile. group: tiles of a scene that overlap and match
    the same alerts are one find. once: end when what is there is stored. ingest: how scenes are
    read, cut and stored; None: as IngestOptions() has it.
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
    """Where events go: each of these that is given gets all of them.

    stream: such as standard output. events_file: a file of JSON Lines; it is renamed before it has
    more than rotate_bytes, and rotated_files older ones are kept. webhook: a URL that each event is
    posted to. kept_events: how many the store keeps, delivered or not: as a history,
    and for a sink that cannot be reached.
    """

    stream: IO[str] | None = None
    events_file: Path | None = None
    rotate_bytes: int = 10_000_000
    rotated_files: int = 9
    webhook: str | None = None
    kept_events: int = 10_000


@dataclass(frozen=True)
class WatchReport:
    """What a watch did until it ended.

    stored: how many scenes. set_aside: how many files. unreadable: how many folders it could not
    list in the end. undelivered: how many events one of the sinks, or more, lacks; the store keeps
    them for the next watch.
    """

    stored: int = 0
    set_aside: int = 0
    unreadable: int = 0
    undelivered: int = 0
