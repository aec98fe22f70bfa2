"""Sinks of events: each at its own pace, in order, from its last position."""

from collections.abc import Callable, Sequence
from typing import IO, NamedTuple, Protocol

from scenehash.store import CodeStore

from .events import numbered

EVENTS_AT_ONCE = 100

Log = Callable[[str], None]


class Event(NamedTuple):
    """An event's number and its line of JSON, without the end of the line."""

    number: int
    line: str


class Sink(Protocol):
    """A receiver of events.

    name: the key of its progress in the store; contains no secrets. delivered: the number of the
    last event that it holds durably.
    """

    name: str
    delivered: int

    def deliver(self, events: Sequence[Event]) -> None:
        """Deliver events, durably if the sink is a file. Raises OSError when that fails."""


class Stream:
    """A text stream: an event may repeat after a kill during its writing."""

    name = "stdout"

    def __init__(self, stream: IO[str], delivered: int) -> None:
        self.delivered = delivered
        self._stream = stream

    def deliver(self, events: Sequence[Event]) -> None:
        """See Sink."""
        for event in events:
            self._stream.write(event.line + "\n")
        self._stream.flush()
        self.delivered = events[-1].number


def pending_events(store: CodeStore, uuid: str, after: int) -> list[Event]:
    """The first events of a store after a number."""
    found = store.outbox.events(after, EVENTS_AT_ONCE)
    return [Event(number, numbered(number, body, uuid)) for number, body in found]


def drain(store: CodeStore, sink: Sink, log: Log) -> None:
    """Deliver all pending events to a sink. Raises OSError."""
    while events := pending_events(store, store.uuid, sink.delivered):
        gap = gap_before(events, sink.delivered)
        if gap is not None:
            log(f"{sink.name}: {gap}")
        sink.deliver(events)


def gap_before(events: Sequence[Event], delivered: int) -> str | None:
    """A message if events were removed from the outbox before a sink received them; else None."""
    first = events[0].number
    if first == delivered + 1:
        return None
    return f"events {delivered + 1} to {first - 1} were removed before they could be delivered"
