"""All sinks of a watch, and the store's memory of how far each of them is."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from scenehash.errors import InputError, StoreBusyError
from scenehash.store import CodeStore

from .event_file import EventFile
from .events import now, restored_event
from .sinks import Event, Sink, Stream, drain, waiting_events
from .webhook import Webhook, post_to, webhook_name


@dataclass(frozen=True)
class SinkConfig:
    """Where events go, besides a stream.

    events: a file, renamed before it has more than rotate_bytes, of which keep older ones are kept.
    webhook: a URL. kept: how many events may wait in the store for who cannot be reached.
    """

    events: Path | None = None
    rotate_bytes: int = 10_000_000
    keep: int = 9
    webhook: str | None = None
    kept: int = 10_000


@contextlib.contextmanager
def open_dispatcher(
    store: CodeStore, outlets: SinkConfig, stream: IO[str], say: Callable[[str], None]
) -> Iterator["Dispatcher"]:
    """Open the sinks, and tell them what they were not told when the last watch ended.

    A sink that is new to the store is told what comes from now on. Raises InputError when the file
    cannot be written, ConfigurationError on what is no URL.
    """
    known, newest = store.outbox.delivered(), store.outbox.newest()

    def delivered(name: str) -> int:
        return known.get(name, newest)

    with contextlib.ExitStack() as stack:
        sinks: list[Sink] = [Stream(stream, delivered(Stream.name))]
        if outlets.events is not None:
            try:
                file = EventFile(
                    outlets.events, store.uuid, delivered, outlets.rotate_bytes, outlets.keep
                )
            except OSError as error:
                raise InputError(
                    f"{outlets.events}: events cannot be written there ({error.strerror})"
                ) from error
            stack.callback(file.close)
            sinks.append(file)
        webhook = None
        if outlets.webhook is not None:
            reader = _Reader(store.path, store.uuid)
            stack.callback(reader.close)
            post = post_to(outlets.webhook, store.uuid)
            name = webhook_name(outlets.webhook)
            webhook = Webhook(name, delivered(name), reader.events, say, post)
        telling = Dispatcher(sinks, webhook, outlets.kept, say)
        telling.start(store)
        yield telling


class Dispatcher:
    """Delivers events: sinks at once, and a webhook, if any, at its own pace; see SinkConfig."""

    def __init__(
        self,
        sinks: Sequence[Sink],
        webhook: Webhook | None,
        kept: int,
        say: Callable[[str], None],
    ) -> None:
        self._sinks, self._webhook, self._kept, self._say = sinks, webhook, kept, say
        self._noted: dict[str, int] = {}
        self._failing: set[str] = set()

    @property
    def due(self) -> bool:
        """Whether a sink has failed, or has delivered something that the store does not know of."""
        return bool(self._failing) or self._positions() != self._noted

    def start(self, store: CodeStore) -> None:
        """Tell what was not told when the last watch ended, and have the store know all sinks.

        A store that was restored from a backup is behind what was told of it then: numbers go on
        beyond that, with an event that says so.
        """
        farthest = max(self._positions().values(), default=0)
        if farthest > store.outbox.newest():
            store.outbox.note([restored_event(now())], after=farthest)
        self.tell(store)
        self.note(store)

    def tell(self, store: CodeStore) -> None:
        """Tell all sinks what is new. One that fails is told again next time."""
        for sink in self._sinks:
            try:
                drain(store, sink, self._say)
            except BrokenPipeError:
                raise
            except OSError as error:
                if sink.name not in self._failing:
                    self._say(f"{sink.name}: not written ({error}); it will be tried again")
                self._failing.add(sink.name)
            else:
                self._failing.discard(sink.name)
        if self._webhook is not None:
            self._webhook.wake()

    def note(self, store: CodeStore) -> None:
        """Have the store remember how far the sinks are."""
        positions = self._positions()
        if positions != self._noted:
            store.outbox.deliver(positions, self._kept)
            self._noted = positions

    def finish(self, store: Path, wait: bool) -> None:
        """Tell what there is left to tell; and the webhook, too, when it is to be waited for.

        What cannot be told now is told by the next watch.
        """
        if self._webhook is not None:
            self._webhook.close()
            if wait:
                self._webhook.step()
        with contextlib.suppress(StoreBusyError), CodeStore.open(store, writable=True) as opened:
            self.tell(opened)
            self.note(opened)

    def _positions(self) -> dict[str, int]:
        positions = {sink.name: sink.delivered for sink in self._sinks}
        if self._webhook is not None:
            positions[self._webhook.name] = self._webhook.delivered
        return positions


class _Reader:
    """Reads the events of a store through a view of its own, made by the thread that asks first."""

    def __init__(self, path: Path, uuid: str) -> None:
        self._path, self._uuid = path, uuid
        self._store: CodeStore | None = None

    def events(self, after: int) -> list[Event]:
        """The first events after a number."""
        if self._store is None:
            self._store = CodeStore.open(self._path)
        return waiting_events(self._store, self._uuid, after)

    def close(self) -> None:
        """Close the view."""
        if self._store is not None:
            self._store.close()
