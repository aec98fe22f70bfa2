"""Events of the store: stored events in pages, new events to all listeners."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

from scenehash.errors import StoreBusyError
from scenehash.store import CodeStore
from scenehash.watcher.events import numbered
from scenehash.watcher.sinks import Event, pending_events

from .readers import Readers

# Seconds between two checks of the store, and between two keep-alives to a listener.
INTERVAL, HEARTBEAT = 0.3, 15.0
MOST_LISTENERS = 64
# Events to read in search of the requested ones.
MOST_READ = 10_000
AT_ONCE = 500


@dataclass(frozen=True)
class Wanted:
    """Which events are requested: of a kind, and of an alert; None for any."""

    kind: str | None = None
    alert: str | None = None

    def holds(self, event: dict[str, Any]) -> bool:
        """Whether an event is one of the requested events."""
        if self.kind is not None and event.get("kind") != self.kind:
            return False
        return self.alert is None or self.alert in _alerts(event)


def events_document(
    store: CodeStore, after: int | None, before: int | None, limit: int, wanted: Wanted
) -> dict[str, object]:
    """A page of the stored events, ascending: the first after a number, the last before one, or the
    last of all.
    """
    backwards = after is None
    beyond = store.outbox.newest() + 1 if before is None else before
    at = beyond if after is None else after
    found: list[dict[str, Any]] = []
    read = 0
    while len(found) < limit and read < MOST_READ:
        ask = store.outbox.events_before if backwards else store.outbox.events
        some = ask(at, AT_ONCE)
        if not some:
            break
        read, at = read + len(some), some[-1][0]
        events = (json.loads(numbered(number, body, store.uuid)) for number, body in some)
        found += [event for event in events if wanted.holds(event)]
    page = found[:limit]
    return {
        "store": store.uuid,
        "oldest": store.outbox.oldest(),
        "newest": store.outbox.newest(),
        "events": page[::-1] if backwards else page,
    }


class Feed:
    """New events for all listeners, from one check of the store."""

    def __init__(self, readers: Readers[CodeStore]) -> None:
        self._readers = readers
        self._newest = 0
        self._listeners = 0
        self._changed = asyncio.Condition()
        self._ended = False
        self._task: asyncio.Task[None] | None = None

    @property
    def listeners(self) -> int:
        """The present number of listeners."""
        return self._listeners

    async def start(self) -> None:
        """Begin to check the store."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """End the feed, for all listeners."""
        self._ended = True
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        async with self._changed:
            self._changed.notify_all()

    async def _place(self, last: tuple[str, int] | None) -> tuple[str, int]:
        """The position of a listener after its last event: the store's id and a number.

        None: the position of new events. The same for a number of another store, or beyond the
        newest event.
        """
        uuid, newest = await asyncio.to_thread(self._state)
        known = last is not None and last[0] in ("", uuid) and last[1] <= newest
        return uuid, last[1] if last is not None and known else newest

    async def listen(self, last: tuple[str, int] | None) -> AsyncIterator[str]:
        """Server-sent events after the last event of a new listener, from now on.

        Raises StoreBusyError when too many listen already. Source: HTML Living Standard, section
        9.2.
        """
        lines = self._lines(*await self._place(last))
        # The first step counts the listener, and from then on its end counts it out.
        await anext(lines)
        return lines

    async def _lines(self, uuid: str, at: int) -> AsyncIterator[str]:
        if self._listeners >= MOST_LISTENERS:
            raise StoreBusyError(f"{MOST_LISTENERS} listen to events already; try again")
        self._listeners += 1
        try:
            yield ""
            yield "retry: 2000\n\n"
            while not self._ended:
                for event in await asyncio.to_thread(self._pending, at):
                    if event.number > at + 1:
                        gap = json.dumps({"first": at + 1, "last": event.number - 1})
                        yield f"event: gap\ndata: {gap}\n\n"
                    yield f"id: {uuid}-{event.number}\ndata: {event.line}\n\n"
                    at = event.number
                if not await self._beyond(at):
                    yield ": still here\n\n"
        finally:
            self._listeners -= 1

    async def _beyond(self, number: int) -> bool:
        """Wait until there is an event after a number; False after some time without one."""
        async with self._changed:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(HEARTBEAT):
                    await self._changed.wait_for(lambda: self._newest > number or self._ended)
                return True
        return False

    async def _run(self) -> None:
        while True:
            if self._listeners:
                # If the store cannot be read now, try again later.
                with contextlib.suppress(Exception):
                    _, newest = await asyncio.to_thread(self._state)
                    if newest != self._newest:
                        async with self._changed:
                            self._newest = newest
                            self._changed.notify_all()
            await asyncio.sleep(INTERVAL)

    def _state(self) -> tuple[str, int]:
        with self._readers.store() as store:
            return store.uuid, store.outbox.newest()

    def _pending(self, after: int) -> Sequence[Event]:
        with self._readers.store() as store:
            return pending_events(store, store.uuid, after)


def _alerts(event: dict[str, Any]) -> set[str]:
    """The names of the alerts in an event."""
    alerts = event.get("alerts") or []
    tile = event.get("tile")
    if isinstance(tile, dict):
        alerts = [*alerts, *tile.get("alerts", [])]
    return {alert.get("name") for alert in alerts}
