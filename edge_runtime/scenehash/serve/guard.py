"""The checks of every request, in this order, and the headers of every answer.

The request's host and site (origin.py), its caller and scope (access.py), the rate of requests, and
the size and the speed of the body (limits.py). The guard reads no part of a body before these
checks.
"""

import asyncio
import time
from collections.abc import Mapping
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from scenehash.errors import ScenehashError

from .access import SESSION, Caller, caller_of, check_scope, scope_of
from .limits import (
    BURST,
    JSON_BYTES,
    RATE,
    RateLimit,
    bounded_receive,
    too_large,
)
from .origin import check_host, check_not_forwarded, check_site
from .problems import Refused, answer_error
from .served import Served

# The page may load only from here, without inline scripts or styles.
CONTENT_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "font-src 'self'",
        "connect-src 'self'",
        "worker-src 'self' blob:",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
UPLOADS = frozenset({"/api/uploads", "/api/scenes"})


class Guard:
    """ASGI middleware around the application; puts the caller into the request's state."""

    def __init__(self, app: ASGIApp, served: Served) -> None:
        self._app, self._served, self._options = app, served, served.options
        self._names = frozenset(name.lower() for name in served.options.names)
        self._tokens = served.tokens if served.options.needs_token else None
        self._rate = RateLimit(RATE, BURST)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        is_head = scope["method"] == "HEAD"
        if is_head:
            scope = {**scope, "method": "GET"}
        answer = _Answer(send, is_head)
        started = time.perf_counter()
        address = scope["client"][0] if scope.get("client") else "unknown"
        caller = Caller(None, None, address)
        headers = Headers(scope=scope)
        try:
            caller = self._caller(scope, headers, address)
            self._admit(scope, headers, caller)
            scope.setdefault("state", {})["caller"] = caller
            await self._app(scope, bounded_receive(receive, self._most(scope)), answer.send)
        except (Refused, ScenehashError) as error:
            await answer.problem(scope, receive, error)
        finally:
            method, path = scope["method"], scope["path"]
            self._served.metrics.count_request(scope, answer.status, time.perf_counter() - started)
            if _is_audited(method, path, answer.status):
                await asyncio.to_thread(
                    self._served.audit.note, caller, address, method, path, answer.status
                )

    def _caller(self, scope: Scope, headers: Mapping[str, str], address: str) -> Caller:
        """The sender of a request; Refused when it has another host or site, or a wrong token."""
        check_host(headers, self._names)
        check_site(scope["method"], headers)
        if self._tokens is None:
            check_not_forwarded(headers)
        try:
            return caller_of(headers, address, self._tokens)
        except Refused:
            # A page whose token was revoked must be able to ask for another one.
            if scope["path"] != SESSION:
                self._served.wrong_tokens.take(address)
                raise
            return Caller(None, None, address)

    def _admit(self, scope: Scope, headers: Mapping[str, str], caller: Caller) -> None:
        """Raise Refused unless the caller may now send a request of this size."""
        check_scope(scope["method"], scope["path"], caller)
        if self._tokens is not None:
            self._rate.take(caller.key)
        length = headers.get("content-length", "0")
        if length.isdecimal() and int(length) > self._most(scope):
            raise too_large(self._most(scope))

    def _most(self, scope: Scope) -> int:
        return self._options.most_upload if scope["path"] in UPLOADS else JSON_BYTES


class _Answer:
    """An answer in progress: its status, when known, and the common headers.

    is_head: the request is HEAD, whose answer is that of GET without its body.
    """

    def __init__(self, send: Send, is_head: bool) -> None:
        self.status = 0
        self._send, self._is_head = send, is_head

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            headers.setdefault("Cache-Control", "no-store")
            await self._send(message)
            if self._is_head:
                await self._send({"type": "http.response.body", "body": b""})
        elif not self._is_head:
            await self._send(message)

    async def problem(self, scope: Scope, receive: Receive, error: Exception) -> None:
        """Answer with the reason for refusing a request, unless an answer has begun."""
        if self.status:
            return
        response = await answer_error(Request(scope), error)
        await response(scope, receive, self.send)


def _is_audited(method: str, path: str, status: int) -> bool:
    return status == HTTPStatus.UNAUTHORIZED or scope_of(method, path) != "read"
