"""Who is told of events: each sink at its own pace, in order, from where it stopped last time."""

from collections.abc import Callable, Sequence
from typing import IO, NamedTuple, Protocol

from scenehash.store import CodeStore

from .events import numbered

EVENTS_AT_ONCE = 100


class Event(NamedTuple):
    """An event's number and its line of JSON, without the end of the line."""

    number: int
    line: str


class Sink(Protocol):
    """Something that is told of events.

    name: by which the store remembers how far it is. delivered: the number of the last event that
    it has, for good.
    """

    name: str
    delivered: int

    def tell(self, events: Sequence[Event]) -> None:
        """Deliver events, durably where the sink is a file. Raises OSError when that fails."""


class Stream:
    """Standard output: an event that is written when the process is killed may come again."""

    name = "stdout"

    def __init__(self, stream: IO[str], delivered: int) -> None:
        self.delivered = delivered
        self._stream = stream

    def tell(self, events: Sequence[Event]) -> None:
        """See Sink."""
        for event in events:
            self._stream.write(event.line + "\n")
        self._stream.flush()
        self.delivered = events[-1].number


def waiting_events(store: CodeStore, uuid: str, after: int) -> list[Event]:
    """The first events after a number that a store has."""
    found = store.outbox.events(after, EVENTS_AT_ONCE)
    return [Event(number, numbered(number, body, uuid)) for number, body in found]


def drain(store: CodeStore, sink: Sink, say: Callable[[str], None]) -> None:
    """Tell a sink of all events that it does not have. Raises OSError."""
    while events := waiting_events(store, store.uuid, sink.delivered):
        missing = missing_before(events, sink.delivered)
        if missing is not None:
            say(f"{sink.name}: {missing}")
        sink.tell(events)


def missing_before(events: Sequence[Event], delivered: int) -> str | None:
    """What to say when the outbox has forgotten events that a sink never had."""
    first = events[0].number
    if first == delivered + 1:
        return None
    return f"events {delivered + 1} to {first - 1} were forgotten before they could be delivered"
