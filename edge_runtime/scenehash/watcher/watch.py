"""scenehash.watch: ingest what arrives in folders, match it, and deliver events."""

import contextlib
import threading
from collections.abc import Sequence
from pathlib import Path

from scenehash.errors import ConfigurationError
from scenehash.ingestion import IngestOptions
from scenehash.model.hash_model import HashModel
from scenehash.store import CodeStore

from .dispatcher import open_dispatcher
from .lock import watch_lock
from .loop import Watch
from .options import SinkConfig, WatchOptions, WatchReport
from .sinks import Log
from .waiting import waiting


def _no_log(text: str) -> None:
    del text


def watch(
    folders: Sequence[Path],
    store: Path,
    model: HashModel | Path | None = None,
    options: WatchOptions | None = None,
    sinks: SinkConfig | None = None,
    stop: threading.Event | None = None,
    log: Log = _no_log,
) -> WatchReport:
    """Ingest scenes as they arrive in folders, match them, and deliver an event of each.

    A file is taken once, when it is complete. A scene and its event are committed together, so that
    a watch that ends at any moment goes on where it was. It ends, between two tiles, when stop is
    set; with options.once, when what is there is stored. The store is made when there is none.
    model: None is the one that ships with scenehash. log is called with what a person should know,
    a line each. docs/watch.md describes the events.

    Raises ConfigurationError on options that make no sense, InputError when events cannot be
    written, ModelError, LineageError when another model made the store, StoreBusyError when there
    is a watch of this store already, and StoreError when the disk refuses.
    """
    options, sinks, stop = (
        options or WatchOptions(),
        sinks or SinkConfig(),
        stop or threading.Event(),
    )
    ingest = options.ingest or IngestOptions()
    _check(folders, store, sinks)
    loaded = model if isinstance(model, HashModel) else HashModel.load(model)
    with contextlib.ExitStack() as stack:
        with CodeStore.for_model(store, loaded, ingest.bits, ingest.wait) as opened:
            stack.enter_context(watch_lock(store))
            dispatcher = stack.enter_context(open_dispatcher(opened, sinks, log))
        running = Watch(folders, store, loaded, options, dispatcher, log, stop.is_set)
        running.run(waiting(folders, options.poll, stop, log))
        dispatcher.finish(store, options.once, stop.is_set)
    return WatchReport(running.stored, running.set_aside)


def _check(folders: Sequence[Path], store: Path, sinks: SinkConfig) -> None:
    file = sinks.events_file
    if file is not None and store.absolute() in file.absolute().parents:
        raise ConfigurationError(f"--events {file}: not inside the store's folder")
    if not folders:
        raise ConfigurationError("no folders to watch")
