"""The watch itself: look, choose, ingest, match, tell."""

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from scenehash.errors import StoreBusyError
from scenehash.files import path_from, path_text
from scenehash.ingestion import IngestOptions, ingest_files
from scenehash.ingestion.report import SetAside
from scenehash.model.hash_model import HashModel
from scenehash.store import Added, Alert, Arrival, CodeStore, HashedScene

from .arrivals import Arrivals, Now
from .backlog import Backlog
from .dispatcher import Dispatcher
from .events import Per, now, scene_events, set_aside_event
from .listing import Listing, look
from .matching import match_scene
from .waiting import Waiting

# Looking takes at most this share of the time, however many files there are; and with nothing to
# expect, it is done at least every so many seconds.
LOOKING_SHARE, LOOK_ANYWAY = 0.05, 60.0

SHED = "shed: more scenes were waiting than --max-backlog allows, and this was the oldest"


@dataclass(frozen=True)
class WatchOptions:
    """What is watched, and what is said of it.

    settle: seconds after which a file that does not change is complete. trust_clock and marks: see
    Arrivals. max_backlog: see Backlog. per: an event a scene or a tile. nearest: stored tiles named
    for each tile. ingest: how scenes are read and cut.
    """

    folders: Sequence[Path]
    settle: float = 2.0
    trust_clock: bool = True
    marks: bool = False
    max_backlog: int | None = None
    per: Per = "scene"
    nearest: int = 3
    ingest: IngestOptions = field(default_factory=IngestOptions)


class Watch:
    """Stores what arrives in folders, and tells of it.

    The store is opened for writing only while there is something to store, so that other commands
    have their turn. stopped: whether to end; asked between tiles. A scene that is in hand then is
    not stored, and its file is taken by the next watch.
    """

    def __init__(
        self,
        store: Path,
        model: HashModel,
        options: WatchOptions,
        telling: Dispatcher,
        say: Callable[[str], None],
        stopped: Callable[[], bool],
    ) -> None:
        self.set_aside = 0
        self._store, self._model, self._options = store, model, options
        self._telling, self._say, self._stopped = telling, say, stopped
        self._arrivals = Arrivals(options.settle, options.trust_clock, options.marks)
        self._backlog = Backlog(options.max_backlog)
        self._shed: list[Arrival] = []
        self._said: frozenset[str] = frozenset()
        self._busy = False
        self._trouble: str | None = None

    def run(self, waiting: Waiting, once: bool = False) -> None:
        """Watch until stopped; or, once, until what is there and complete is stored."""
        started = time.monotonic()
        looked, took, changed = float("-inf"), 0.0, True
        while not self._stopped():
            since = time.monotonic() - looked
            expected = changed or self._arrivals.settling or since > LOOK_ANYWAY
            listing = None
            if expected and since >= took / LOOKING_SHARE:
                looked, changed = time.monotonic(), False
                listing = look(self._options.folders, self._store)
                took = time.monotonic() - looked
            more = self.step(listing, Now(time.monotonic(), time.time()))
            if once and not more and not self._worth_waiting(time.monotonic() - started):
                return
            if not more:
                changed |= waiting.wait()

    def step(self, listing: Listing | None, at: Now) -> bool:
        """Take in what was seen, if anything was, and store what comes next; whether more waits."""
        if listing is not None:
            self._take_in(listing, at)
        if not (self._backlog or self._shed or self._telling.due):
            return False
        files: list[Arrival] = []
        try:
            with CodeStore.open(self._store, writable=True) as store:
                self._note_shed(store)
                files = self._backlog.take()
                self._store_files(files, store)
                files = []
                self._say_trouble(store)
                self._telling.tell(store)
                self._telling.note(store)
        except StoreBusyError:
            self._backlog.put_back(files)
            if not self._busy:
                self._say(f"{self._store}: another process is writing; waiting for it")
            self._busy = True
            return False
        except _StopError:
            return False
        self._busy = False
        return bool(self._backlog)

    def _say_trouble(self, store: CodeStore) -> None:
        """Say what is wrong with the thumbnails, once."""
        trouble = store.thumbnails.trouble
        if trouble is not None and trouble != self._trouble:
            self._say(f"warning: {trouble}")
        self._trouble = trouble or self._trouble

    def _worth_waiting(self, seconds: float) -> bool:
        """Whether a watch that is to end has something to wait for: a file that may settle."""
        late = seconds > 2 * self._options.settle
        return self._busy or (self._arrivals.settling > 0 and not self._options.marks and not late)

    def _take_in(self, listing: Listing, at: Now) -> None:
        for place in sorted(listing.unreadable - self._said):
            self._say(f"{place}: cannot be read, and is passed over")
        self._said = listing.unreadable
        complete = self._arrivals.complete(listing, at)
        if complete:
            with CodeStore.open(self._store) as store:
                known = store.outbox.arrived([file.path for file in complete])
            self._shed += self._backlog.add(file for file in complete if file not in known)

    def _note_shed(self, store: CodeStore) -> None:
        if self._shed:
            self._note_set_aside([SetAside(path_from(file.path), SHED) for file in self._shed],
                                 self._shed, store)  # fmt: skip
            self._shed = []

    def _store_files(self, files: Sequence[Arrival], store: CodeStore) -> None:
        if not files:
            return
        waiting = {file.path: file for file in files}
        alerts = store.alerts.list()

        def commit(store: CodeStore, scenes: Sequence[HashedScene]) -> Added:
            total = Added()
            for scene in scenes:
                added = self._commit(scene, waiting[scene.path], alerts, store)
                if added.stored:
                    del waiting[scene.path]
                total += added
            self._telling.tell(store)
            return total

        paths = [path_from(file.path) for file in files]
        progress = _StopBetweenTiles(self._stopped)
        report = ingest_files(paths, store, self._model, self._options.ingest, progress, commit)
        # What is left is known already, repaired, or set aside.
        if waiting:
            self._note_set_aside(report.set_aside, list(waiting.values()), store)

    def _commit(
        self, scene: HashedScene, file: Arrival, alerts: Sequence[Alert], store: CodeStore
    ) -> Added:
        """Store a scene and its events: both, or neither."""
        matches = match_scene(scene, store, alerts, self._options.nearest)
        with store.transaction():
            added = store.add([scene])
            for first_row in added.first_rows:
                events = scene_events(scene, first_row, matches, self._options.per, now())
                store.outbox.note(events, [file])
        return added

    def _note_set_aside(
        self, items: Sequence[SetAside], files: Sequence[Arrival], store: CodeStore
    ) -> None:
        """Note that files are dealt with, and which of them had to be set aside, and why."""
        reasons = {path_text(item.path): item.reason for item in items}
        events = [set_aside_event(path, reason, now()) for path, reason in reasons.items()]
        for path, reason in reasons.items():
            self._say(f"set aside: {path}: {reason}")
        with store.transaction():
            store.outbox.note(events, files)
            store.quarantine.add(reasons)
        self.set_aside += len(reasons)


class _StopError(Exception):
    """The watch is to end."""


class _StopBetweenTiles:
    """Progress that ends an ingest between two tiles once it is asked to stop."""

    def __init__(self, stopped: Callable[[], bool]) -> None:
        self._stopped = stopped

    @contextlib.contextmanager
    def task(self, name: str, total: int) -> Iterator["_StopBetweenTiles"]:
        """See Progress."""
        del name, total
        yield self

    def message(self, text: str) -> None:
        """See Progress."""

    def plan(self, more: int) -> None:
        """See Task."""

    def advance(self, steps: int) -> None:
        """See Task."""
        del steps
        if self._stopped():
            raise _StopError
