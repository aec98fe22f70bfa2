"""Limits of the rate of requests, and of the size and the slowness of bodies."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from http import HTTPStatus
from math import ceil

from starlette.types import Message, Receive

from .problems import Refused

# Requests per second and at once of one caller: a page of hits loads a hundred pictures.
RATE, BURST = 100.0, 400.0
# Wrong tokens of one address.
WRONG_RATE, WRONG_BURST = 0.2, 10.0
MOST_CALLERS = 10_000

# Seconds until a body must begin, and bytes per second from then on.
PATIENCE, SLOWEST = 15.0, 16_384
JSON_BYTES = 1_000_000


class RateLimit:
    """Limits of requests per second and at once, for each caller. clock: in seconds."""

    def __init__(
        self, rate: float, burst: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate, self._burst, self._clock = rate, burst, clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, caller: str) -> None:
        """Count a request; Refused when it exceeds the limit."""
        now = self._clock()
        left, since = self._left.pop(caller, (self._burst, now))
        left = min(self._burst, left + (now - since) * self._rate)
        self._left[caller] = left - (left >= 1), now
        if len(self._left) > MOST_CALLERS:
            self._left.popitem(last=False)
        if left < 1:
            seconds = ceil((1 - left) / self._rate)
            raise Refused(
                HTTPStatus.TOO_MANY_REQUESTS,
                f"too many requests; try again in {seconds} s",
                {"Retry-After": str(seconds)},
            )


def bounded_receive(receive: Receive, most: int) -> Receive:
    """A body with a maximum size that must not arrive more slowly than SLOWEST; else Refused.

    Also refuses a client that disconnects before the end of its body.
    """
    began = time.monotonic()
    received, whole = 0, False

    async def bounded() -> Message:
        nonlocal received, whole
        if whole:
            return await receive()
        left = began + PATIENCE + received / SLOWEST - time.monotonic()
        try:
            async with asyncio.timeout(max(0.0, left)):
                message = await receive()
        except TimeoutError as error:
            raise Refused(
                HTTPStatus.REQUEST_TIMEOUT, "the request comes too slowly", {"Connection": "close"}
            ) from error
        if message["type"] == "http.disconnect":
            whole = True
            return message
        received += len(message.get("body", b""))
        whole = not message.get("more_body", False)
        if received > most:
            raise too_large(most)
        return message

    return bounded


def too_large(most: int) -> Refused:
    """The error for a body above the size limit."""
    return Refused(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"the body has more than {most:,} bytes, the limit of this request",
        {"Connection": "close"},
    )
