"""Events to a URL on the station's own network: at least once, in order, until it answers."""

import threading
from collections.abc import Callable, Sequence
from typing import Protocol

from scenehash.errors import StoreError

from .sinks import Event, Log, gap_before

# Seconds to the next try: doubled after each failure, up to a minute; and between two checks for
# events that nobody announced.
FIRST_WAIT, LONGEST_WAIT, IDLE_WAIT = 1.0, 60.0, 30.0
# Seconds that a request in hand has to end by itself when the watch ends.
GRACE = 2.0

Source = Callable[[int], Sequence[Event]]


class Post(Protocol):
    """What sends one event; see endpoint.Endpoint."""

    def post(self, event: Event) -> None:
        """Send an event. Raises OSError when it was not accepted."""

    def abort(self) -> None:
        """End the request in hand; called by another thread."""


class Webhook:
    """Posts events, one a request, in a thread of its own.

    source: the first events after a number; called by the thread alone. An event that is not
    accepted is tried again, and those after it wait.
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
        """Deliver what is pending, until that fails or the thread is to end; returns seconds until
        the next try."""
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
        """There may be events: start the thread, or have it check at once if the URL answers."""
        if self._thread.ident is None and not self._ending.is_set():
            self._thread.start()
        if not self._failures:
            self._woken.set()

    def flush(self, stopped: Callable[[], bool]) -> None:
        """Deliver all that is pending now, until a try fails or stopped holds."""
        self._flushed.clear()
        self._flushing.set()
        self.wake()
        self._woken.set()
        while not (self._flushed.wait(0.05) or stopped()):
            pass

    def close(self) -> None:
        """End the thread: after the request in hand, or in the middle of it when that takes long.

        An event that was sent in it, but not answered, will be sent again.
        """
        self._ending.set()
        self._woken.set()
        if self._thread.is_alive():
            self._thread.join(GRACE)
            self._endpoint.abort()
            # While a name is looked up nothing can be ended; the thread ends with the process.
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
            # A step that begins after flush was called delivers all that it is about.
            flushing = self._flushing.is_set()
            self._flushing.clear()
            wait = self.step()
            if flushing:
                self._flushed.set()
            if not self._ending.is_set():
                self._woken.wait(wait)
