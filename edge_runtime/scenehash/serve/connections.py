"""HTTP connections with a limited number, and limited times of silence.

uvicorn itself waits without limit for the first request of a connection, for the rest of a request,
and for a client to accept an answer; and it accepts any number of connections.
"""

import asyncio
import socket
import struct
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

# Seconds that a client has for the head of a request, from the connection or its first byte on.
HEAD_SECONDS = 10.0
# Bytes of the head.
HEAD_BYTES = 16_384
# Seconds in which a client must accept more of an answer; and after which a connection that is to
# be closed, but has something to send, is closed without that.
SEND_SECONDS = 30.0
KEEP_ALIVE_SECONDS = 15
PROBLEM = (
    b'{"type": "about:blank", "title": "Service Unavailable", "status": 503, '
    b'"detail": "too many connections; try again"}\n'
)
FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/problem+json\r\n"
    b"retry-after: 5\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%b"
) % (len(PROBLEM), PROBLEM)


def bounded(most: int) -> type[H11Protocol]:
    """A protocol with a maximum number of connections."""

    class Bounded(H11Protocol):
        """A connection; connections beyond the limit get an error, and are closed."""

        _deadline: asyncio.TimerHandle | None = None
        _stalled: asyncio.TimerHandle | None = None
        _watch: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._watch_closing()
            if len(self.connections) > most:
                transport.write(FULL)
                transport.close()
                return
            self._await_head()

        def data_received(self, data: bytes) -> None:
            if self._deadline is None and self._is_between_requests():
                self._await_head()
            super().data_received(data)
            if not self._is_between_requests():
                self._cancel()

        def connection_lost(self, exc: Exception | None) -> None:
            self._cancel()
            for timer in (self._stalled, self._watch):
                if timer is not None:
                    timer.cancel()
            super().connection_lost(exc)

        def pause_writing(self) -> None:
            super().pause_writing()
            self._stalled = self.loop.call_later(SEND_SECONDS, self._drop)

        def resume_writing(self) -> None:
            super().resume_writing()
            if self._stalled is not None:
                self._stalled.cancel()

        def _watch_closing(self) -> None:
            """Drop a connection that does not close because its client accepts no more data."""
            if self.transport.is_closing():
                self._drop()
            else:
                self._watch = self.loop.call_later(SEND_SECONDS, self._watch_closing)

        def _is_between_requests(self) -> bool:
            return self.cycle is None or self.cycle.response_complete

        def _await_head(self) -> None:
            self._deadline = self.loop.call_later(HEAD_SECONDS, self._too_slow)

        def _cancel(self) -> None:
            if self._deadline is not None:
                self._deadline.cancel()
                self._deadline = None

        def _too_slow(self) -> None:
            self._deadline = None
            if self._is_between_requests():
                self._drop()

        def _drop(self) -> None:
            """End the connection at once, and discard the unsent part of the answer."""
            opened = self.transport.get_extra_info("socket")
            if opened is not None:
                opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.transport.abort()

    return Bounded


def settings(most: int) -> dict[str, Any]:
    """The settings of uvicorn for this protocol."""
    return {
        "http": bounded(most),
        "h11_max_incomplete_event_size": HEAD_BYTES,
        "timeout_keep_alive": KEEP_ALIVE_SECONDS,
    }
