"""scenehash.watch: ingest what arrives in folders, match it, and deliver events."""

import contextlib
import threading
from collections.abc import Sequence
from pathlib import Path

from scenehash.alerts.disabled import DISABLED, disabled_alerts
from scenehash.errors import ConfigurationError
from scenehash.ingestion import IngestOptions
from scenehash.model.hash_model import HashModel
from scenehash.progress import SILENT
from scenehash.store import CodeStore, model_of

from .dispatcher import open_dispatcher
from .lock import watch_lock
from .loop import Watch
from .options import SinkOptions, WatchOptions, WatchReport
from .sinks import Log
from .waiting import waiting

DEFAULTS, NO_SINKS = WatchOptions(), SinkOptions()


def watch(
    folders: Sequence[str | Path],
    store: str | Path,
    model: str | Path | HashModel | None = None,
    options: WatchOptions = DEFAULTS,
    sinks: SinkOptions = NO_SINKS,
    stop: threading.Event | None = None,
    log: Log = SILENT.message,
) -> WatchReport:
    """Ingest scenes as they arrive in folders, match them, and deliver an event for each.

    A file is ingested once, when it is complete. A scene and its event are committed together, so
    that a watch that ends at any moment continues later without a gap. The watch ends between two
    tiles when stop is set, or, with options.once, when all present files are stored. The function
    makes the store if it does not exist. model: None means the model that the store keeps, or else
    the shipped model. log: called with each line for a person. docs/watch.md describes the events.

    Raises ConfigurationError on contradictory options, InputError when events cannot be written,
    ModelError, LineageError when another model made the store, StoreBusyError when another watch
    uses this store, and StoreError on a disk error.
    """
    stop = stop or threading.Event()
    ingest = options.ingest or IngestOptions()
    paths, path = [Path(folder) for folder in folders], Path(store)
    _check(paths, path, sinks)
    loaded = model if isinstance(model, HashModel) else HashModel.load(model or model_of(path))
    with contextlib.ExitStack() as stack:
        with CodeStore.for_model(path, loaded, ingest.bits, ingest.wait) as opened:
            stack.enter_context(watch_lock(path))
            for one in disabled_alerts(opened):
                log(f"alert {one.alert.name} is disabled: {DISABLED}")
            dispatcher = stack.enter_context(open_dispatcher(opened, sinks, log))
        running = Watch(paths, path, loaded, options, dispatcher, log, stop.is_set)
        running.run(waiting(paths, options.poll, stop, log))
        undelivered = dispatcher.finish(path, options.once, stop.is_set)
    unreadable = len(running.unreadable)
    return WatchReport(running.stored, running.set_aside, unreadable, undelivered)


def _check(folders: Sequence[Path], store: Path, sinks: SinkOptions) -> None:
    file = sinks.events_file
    if file is not None and store.absolute() in file.absolute().parents:
        raise ConfigurationError(f"--events {file}: not inside the store's folder")
    if not folders:
        raise ConfigurationError("no folders to watch")
