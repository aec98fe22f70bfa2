"""All sinks of a watch; the store keeps the progress of each."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from scenehash.errors import InputError, StoreBusyError
from scenehash.store import CodeStore

from .endpoint import Endpoint
from .event_file import EventFile
from .events import now, restored_event
from .options import SinkOptions
from .sinks import Event, Log, Sink, Stream, drain, pending_events
from .webhook import Webhook


@contextlib.contextmanager
def open_dispatcher(store: CodeStore, options: SinkOptions, log: Log) -> Iterator["Dispatcher"]:
    """Open the sinks, and deliver the events that the last watch did not deliver.

    A new sink gets only new events. Raises InputError when the file cannot be written or is not an
    events file, ConfigurationError on a bad URL.
    """
    known, newest = store.outbox.delivered(), store.outbox.newest()

    def delivered(name: str) -> int:
        return known.get(name, newest)

    with contextlib.ExitStack() as stack:
        sinks: list[Sink] = []
        if options.stream is not None:
            sinks.append(Stream(options.stream, delivered(Stream.name)))
        if options.events_file is not None:
            file = _open_file(options.events_file, store.uuid, delivered, options)
            stack.callback(file.close)
            sinks.append(file)
        webhook = None
        if options.webhook is not None:
            endpoint = Endpoint(options.webhook, store.uuid)
            name = f"webhook {endpoint.redacted}"
            reader = _Reader(store.path, store.uuid)
            stack.callback(reader.close)
            webhook = Webhook(name, delivered(name), reader.events, log, endpoint)
            stack.callback(webhook.close)
        dispatcher = Dispatcher(sinks, webhook, options.kept_events, log)
        dispatcher.start(store)
        yield dispatcher


class Dispatcher:
    """Delivers events: to sinks at once, and to a webhook, if any, at its own pace."""

    def __init__(
        self, sinks: Sequence[Sink], webhook: Webhook | None, kept_events: int, log: Log
    ) -> None:
        self._sinks, self._webhook, self._log = sinks, webhook, log
        self._kept_events = kept_events
        self._recorded: dict[str, int] = {}
        self._failing: set[str] = set()

    @property
    def due(self) -> bool:
        """Whether a sink has failed, or has progress that is not recorded yet."""
        return bool(self._failing) or self._positions() != self._recorded

    def start(self, store: CodeStore) -> None:
        """Deliver the events that the last watch did not deliver, and record all sinks.

        A store that was restored from a backup is behind its sinks: event numbers then continue
        after the sinks' numbers, with an event that says so.
        """
        farthest = max(self._positions().values(), default=0)
        if farthest > store.outbox.newest():
            store.outbox.note([restored_event(now())], after=farthest)
        self.deliver(store)
        self.record(store)

    def deliver(self, store: CodeStore) -> None:
        """Deliver pending events to all sinks. A sink that fails is tried again later."""
        for sink in self._sinks:
            try:
                drain(store, sink, self._log)
            except BrokenPipeError:
                raise
            except OSError as error:
                if sink.name not in self._failing:
                    self._log(f"{sink.name}: not written ({error}); watch will try again")
                self._failing.add(sink.name)
            else:
                self._failing.discard(sink.name)
        if self._webhook is not None:
            self._webhook.wake()

    def record(self, store: CodeStore) -> None:
        """Record the progress of the sinks in the store."""
        positions = self._positions()
        if positions != self._recorded:
            store.outbox.deliver(positions, self._kept_events)
            self._recorded = positions

    def finish(self, store: Path, wait: bool, stopped: Callable[[], bool]) -> int:
        """Deliver the pending events; with wait also to the webhook, until it fails or stopped is
        set.

        The next watch delivers the rest; returns the number of missing events of the sink that
        lacks the most.
        """
        if self._webhook is not None:
            if wait:
                self._webhook.flush(stopped)
            self._webhook.close()
        with contextlib.suppress(StoreBusyError), CodeStore.open(store, writable=True) as opened:
            self.deliver(opened)
            self.record(opened)
        with CodeStore.open(store) as opened:
            newest = opened.outbox.newest()
        return max((newest - delivered for delivered in self._positions().values()), default=0)

    def _positions(self) -> dict[str, int]:
        positions = {sink.name: sink.delivered for sink in self._sinks}
        if self._webhook is not None:
            positions[self._webhook.name] = self._webhook.delivered
        return positions


class _Reader:
    """Reads events through a store of its own, opened by the thread that asks first."""

    def __init__(self, path: Path, uuid: str) -> None:
        self._path, self._uuid = path, uuid
        self._store: CodeStore | None = None

    def events(self, after: int) -> list[Event]:
        """The first events after a number."""
        if self._store is None:
            self._store = CodeStore.open(self._path)
        return pending_events(self._store, self._uuid, after)

    def close(self) -> None:
        """Close the store."""
        if self._store is not None:
            self._store.close()


def _open_file(
    path: Path, uuid: str, delivered: Callable[[str], int], options: SinkOptions
) -> EventFile:
    try:
        return EventFile(path, uuid, delivered, options.rotate_bytes, options.rotated_files)
    except OSError as error:
        reason = error.strerror or error
        raise InputError(f"{path}: events cannot be written there ({reason})") from error
