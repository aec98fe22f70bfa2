"""Events to a URL on the station's own network: at least once, in order, until it accepts them."""

import threading
from collections.abc import Callable, Sequence
from typing import Protocol

from scenehash.errors import StoreError

from .sinks import Event, Log, gap_before

# Seconds to the next try: doubled after each failure, up to a minute; and between two checks for
# events that nobody announced.
FIRST_WAIT, LONGEST_WAIT, IDLE_WAIT = 1.0, 60.0, 30.0
# Seconds for the present request to end by itself when the watch ends.
GRACE = 2.0

Source = Callable[[int], Sequence[Event]]


class Post(Protocol):
    """An object that sends one event; see endpoint.Endpoint."""

    def post(self, event: Event) -> None:
        """Send an event. Raises OSError when it was not accepted."""

    def abort(self) -> None:
        """End the present request; another thread calls this."""


class Webhook:
    """Posts events, one per request, in a thread of its own.

    source: the first events after a number; only the thread calls it. An event that is not accepted
    is tried again, and later events wait.
    """

    def __init__(self, name: str, delivered: int, source: Source, log: Log, endpoint: Post) -> None:
        self.name = name
        self.delivered = delivered
        self._source, self._log, self._endpoint = source, log, endpoint
        self._failures = 0
        self._woken = threading.Event()
        self._flushing, self._flushed = threading.Event(), threading.Event()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def step(self) -> float:
        """Deliver pending events, until one fails or the thread ends; returns the seconds until the
        next try.
        """
        try:
            while events := self._source(self.delivered):
                gap = gap_before(events, self.delivered)
                if gap is not None:
                    self._log(f"{self.name}: {gap}")
                for event in events:
                    self._endpoint.post(event)
                    self._succeeded(event)
                    if self._ending.is_set():
                        return 0.0
        except (OSError, StoreError) as error:
            return self._failed(error)
        return IDLE_WAIT

    def wake(self) -> None:
        """Start the thread, or make it check for events at once if the URL answers."""
        if self._thread.ident is None and not self._ending.is_set():
            self._thread.start()
        if not self._failures:
            self._woken.set()

    def flush(self, stopped: Callable[[], bool]) -> None:
        """Deliver all pending events now, until one fails or stopped is set."""
        self._flushed.clear()
        self._flushing.set()
        self.wake()
        self._woken.set()
        while not (self._flushed.wait(0.05) or stopped()):
            pass

    def close(self) -> None:
        """End the thread after the present request, or during it if it takes long.

        An event that was sent but not answered will be sent again.
        """
        self._ending.set()
        self._woken.set()
        if self._thread.is_alive():
            self._thread.join(GRACE)
            self._endpoint.abort()
            # A name lookup cannot be ended; the thread then ends with the process.
            self._thread.join(GRACE)

    def _succeeded(self, event: Event) -> None:
        self.delivered = event.number
        if self._failures:
            self._log(f"{self.name}: answers again")
        self._failures = 0

    def _failed(self, error: Exception) -> float:
        wait = min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(self._failures, 10))
        if not self._failures:
            self._log(f"{self.name}: not delivered ({error}); watch will try again")
        self._failures += 1
        return wait

    def _run(self) -> None:
        while not self._ending.is_set():
            self._woken.clear()
            # A step that begins after the call of flush delivers all events of that call.
            flushing = self._flushing.is_set()
            self._flushing.clear()
            wait = self.step()
            if flushing:
                self._flushed.set()
            if not self._ending.is_set():
                self._woken.wait(wait)
