"""Events to a URL on the station's own network: at least once, in order, until it answers."""

import contextlib
import http.client
import threading
import urllib.request
from collections.abc import Callable, Sequence

from scenehash.errors import ConfigurationError, StoreError

from .sinks import Event, missing_before

TIMEOUT = 10.0
# Seconds to the next try: doubled after each failure, up to a minute; and between looks for events.
FIRST_WAIT, LONGEST_WAIT, IDLE_WAIT = 1.0, 60.0, 30.0

Source = Callable[[int], Sequence[Event]]
Post = Callable[[Event], None]


class Webhook:
    """Posts events to a URL, one a request, in a thread of its own.

    source: gives the first events after a number; called by the thread alone. An event counts as
    delivered when the answer has a status of 200 to 299. Until then it is tried again, and those
    after it wait. post: sends one event; raises OSError when it was not taken.
    """

    def __init__(
        self,
        name: str,
        delivered: int,
        source: Source,
        say: Callable[[str], None],
        post: Post,
    ) -> None:
        self.name = name
        self.delivered = delivered
        self._source, self._say, self._post = source, say, post
        self._failures = 0
        self._woken = threading.Event()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def step(self) -> float:
        """Try to deliver what waits, until that fails or the thread is to end; returns seconds
        until it is to be tried again."""
        try:
            while events := self._source(self.delivered):
                missing = missing_before(events, self.delivered)
                if missing is not None:
                    self._say(f"{self.name}: {missing}")
                for event in events:
                    self._post(event)
                    self._succeeded(event)
                    if self._ending.is_set():
                        return 0.0
        except (OSError, StoreError) as error:
            return self._failed(error)
        return IDLE_WAIT

    def wake(self) -> None:
        """There may be events: start the thread, or have it look at once if the URL answers."""
        if self._thread.ident is None:
            self._thread.start()
        if not self._failures:
            self._woken.set()

    def close(self) -> None:
        """End the thread after the request in hand."""
        self._ending.set()
        self._woken.set()
        if self._thread.is_alive():
            self._thread.join()
        self._ending.clear()

    def _succeeded(self, event: Event) -> None:
        self.delivered = event.number
        if self._failures:
            self._say(f"{self.name}: answers again")
        self._failures = 0

    def _failed(self, error: Exception) -> float:
        wait = min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(self._failures, 10))
        if not self._failures:
            self._say(f"{self.name}: not delivered ({error}); it will be tried again")
        self._failures += 1
        return wait

    def _run(self) -> None:
        while not self._ending.is_set():
            self._woken.clear()
            wait = self.step()
            if not self._ending.is_set():
                self._woken.wait(wait)


def webhook_name(url: str) -> str:
    """By which the store remembers how far a URL is."""
    return f"webhook {url}"


def post_to(url: str, store: str) -> Post:
    """What sends events of a store to a URL. Raises ConfigurationError on one that is no URL.

    The header Idempotency-Key is the store's id and the event's number: a receiver that has seen it
    may drop the request.
    """
    if not url.startswith(("http://", "https://")):
        raise ConfigurationError(f"--webhook {url}: not a URL such as http://station:8080/events")

    opener = urllib.request.build_opener(_NoRedirect)

    def post(event: Event) -> None:
        request = urllib.request.Request(
            url,
            event.line.encode(),
            {
                "Content-Type": "application/json",
                "Idempotency-Key": f"{store}-{event.number}",
            },
        )
        try:
            with contextlib.closing(opener.open(request, timeout=TIMEOUT)) as answer:
                answer.read()
        except (http.client.HTTPException, ValueError) as error:
            raise OSError(f"no answer that can be understood: {error!r}") from error

    return post


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """An answer that points elsewhere is a failure: urllib would ask there, and post nothing."""

    def redirect_request(self, *_: object) -> None:
        """See the class."""
