"""The loop of a watch: scan, choose, ingest, match, deliver."""

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
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
from .events import now, scene_events, set_aside_event
from .listing import Listing, scan_folders
from .matching import match_scene
from .options import WatchOptions
from .sinks import Log
from .status import StatusFile
from .waiting import Waiting

# Scans take at most this share of the time, however many files there are; and when no change is
# expected, there is still one every so many seconds.
SCAN_SHARE, LONGEST_WITHOUT_SCAN = 0.05, 60.0

SHED = "shed: more scenes waited than --max-backlog allows, and this scene was the oldest"


class Watch:
    """Stores the scenes that arrive in folders, and delivers events.

    It opens the store for writing only while it stores scenes, so that other commands can write.
    stopped: whether to end; asked between tiles. A scene that is being read at that time is not
    stored; the next watch ingests its file.
    """

    def __init__(
        self,
        folders: Sequence[Path],
        store: Path,
        model: HashModel,
        options: WatchOptions,
        dispatcher: Dispatcher,
        log: Log,
        stopped: Callable[[], bool],
    ) -> None:
        self.stored = self.set_aside = 0
        self.unreadable: frozenset[str] = frozenset()
        self._folders, self._store, self._model, self._options = folders, store, model, options
        self._ingest = options.ingest or IngestOptions()
        self._dispatcher, self._log, self._stopped = dispatcher, log, stopped
        # The mtimes of a network folder come from another machine's clock.
        trust_clock = not options.poll
        self._arrivals = Arrivals(options.settle, trust_clock, options.done_marks)
        self._backlog = Backlog(options.max_backlog)
        self._shed: list[Arrival] = []
        self._status = StatusFile(store, [path_text(folder) for folder in folders])
        self._busy = False
        self._trouble: str | None = None

    def run(self, waiting: Waiting) -> None:
        """Watch until stopped; with once, until all complete files are stored."""
        try:
            self._run(waiting)
        finally:
            self._write_status(ended=True)

    def _run(self, waiting: Waiting) -> None:
        started = time.monotonic()
        scanned, took, changed = float("-inf"), 0.0, True
        while not self._stopped():
            since = time.monotonic() - scanned
            expected = changed or self._arrivals.settling or since > LONGEST_WITHOUT_SCAN
            listing = None
            if expected and since >= took / SCAN_SHARE:
                scanned, changed = time.monotonic(), False
                listing = scan_folders(self._folders, self._store)
                took = time.monotonic() - scanned
            more = self.step(listing, Now(time.monotonic(), time.time()))
            self._write_status()
            if self._options.once and not more and not self._worth_waiting(scanned - started):
                return
            if not more:
                changed |= waiting.wait()

    def step(self, listing: Listing | None, at: Now) -> bool:
        """Process a scan, if any, and store the next scenes; returns whether more files wait."""
        if listing is not None:
            self._take_in(listing, at)
        if not (self._backlog or self._shed or self._dispatcher.due):
            return False
        files: list[Arrival] = []
        try:
            with CodeStore.open(self._store, writable=True) as store:
                # The store's model may have changed: then write nothing more.
                store.check(self._model.lineage, self._model.width_for(store.bits))
                self._set_shed_aside(store)
                files = self._backlog.take()
                self._store_files(files, store)
                files = []
                self._log_trouble(store)
                self._dispatcher.deliver(store)
                self._dispatcher.record(store)
        except StoreBusyError:
            self._backlog.put_back(files)
            if not self._busy:
                self._log(f"{self._store}: another process is writing; waiting for it")
            self._busy = True
            return False
        except _StopError:
            return False
        self._busy = False
        return bool(self._backlog)

    def _write_status(self, ended: bool = False) -> None:
        self._status.backlog, self._status.settling = len(self._backlog), self._arrivals.settling
        self._status.stored, self._status.set_aside = self.stored, self.set_aside
        self._status.write(ended)

    def _log_trouble(self, store: CodeStore) -> None:
        """Log a problem with the index, thumbnails or representations, once."""
        trouble = store.trouble
        if trouble is not None and trouble != self._trouble:
            self._log(f"warning: {trouble}")
        self._trouble = trouble or self._trouble

    def _worth_waiting(self, seconds: float) -> bool:
        """Whether a watch that is about to end should wait for a file that may become complete.

        seconds: from the start to the last scan. Later time, spent on other files, does not count.
        """
        late = seconds > 2 * self._options.settle
        settling = self._arrivals.settling > 0 and not self._options.done_marks
        return self._busy or (settling and not late)

    def _take_in(self, listing: Listing, at: Now) -> None:
        for path in sorted(listing.unreadable - self.unreadable):
            self._log(f"{path}: cannot be read; skipped")
        self.unreadable = listing.unreadable
        complete = self._arrivals.complete(listing, at)
        if complete:
            with CodeStore.open(self._store) as store:
                known = store.outbox.arrived([file.path for file in complete])
            self._shed += self._backlog.add(file for file in complete if file not in known)

    def _set_shed_aside(self, store: CodeStore) -> None:
        if self._shed:
            items = [SetAside(path_from(file.path), SHED) for file in self._shed]
            self._note_set_aside(items, self._shed, store)
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
            self.stored += total.stored
            self._dispatcher.deliver(store)
            return total

        paths = [path_from(file.path) for file in files]
        progress = _StopBetweenTiles(self._stopped)
        report = ingest_files(paths, store, self._model, self._ingest, progress, commit)
        for scene in report.stored:
            self._status.note_stage("read", scene.seconds)
            for warning in scene.warnings:
                self._log(f"warning: {path_text(scene.path)}: {warning}")
        if report.duplicates:
            others = len(report.duplicates) - 1
            more = f" and {others:,} more" if others else ""
            first = path_text(report.duplicates[0])
            self._log(f"{first}{more}: the content is stored already; no event")
        # The remaining files are duplicates, repaired, or set aside.
        if waiting:
            self._note_set_aside(report.set_aside, list(waiting.values()), store)

    def _commit(
        self, scene: HashedScene, file: Arrival, alerts: Sequence[Alert], store: CodeStore
    ) -> Added:
        """Store a scene and its events together, or neither."""
        started = time.perf_counter()
        matches = match_scene(scene, store, alerts, self._options.nearest)
        matched = time.perf_counter()
        with store.transaction():
            added = store.add([scene])
            for first_row in added.first_rows:
                events = scene_events(
                    scene, first_row, matches, self._options.per, now(), self._options.group
                )
                store.outbox.note(events, [file])
        if added.stored:
            ended = time.perf_counter()
            waited = max(0.0, time.time() - file.modified / 1e9)
            self._status.note_scene(match=matched - started, store=ended - matched, to_event=waited)
            self._write_status()
        return added

    def _note_set_aside(
        self, items: Sequence[SetAside], files: Sequence[Arrival], store: CodeStore
    ) -> None:
        """Record the processed files, and those that were set aside, with the reasons."""
        reasons = {path_text(item.path): item.reason for item in items}
        events = [set_aside_event(path, reason, now()) for path, reason in reasons.items()]
        for path, reason in reasons.items():
            self._log(f"set aside: {path}: {reason}")
        with store.transaction():
            store.outbox.note(events, files)
            store.quarantine.add(reasons)
        self.set_aside += len(reasons)


class _StopError(Exception):
    """The watch is to end."""


class _StopBetweenTiles:
    """Progress that ends an ingest between two tiles when it is asked to stop."""

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
