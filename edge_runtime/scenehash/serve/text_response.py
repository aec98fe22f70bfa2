"""Text answers, compressed for clients that accept it, if that saves bytes."""

import gzip

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from .request_headers import takes_gzip

# Sizes below which compression saves no packet, and above which it would delay others.
WORTHWHILE, LONG = 1400, 65_536
# The fastest compression: better compression is not worth a board's time.
LEVEL = 1


class TextResponse(Response):
    """An answer whose bytes are text."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if len(self.body) >= WORTHWHILE:
            self.headers["Vary"] = "Accept-Encoding"
            if takes_gzip(Headers(scope=scope)):
                await self._compress()
        await super().__call__(scope, receive, send)

    async def _compress(self) -> None:
        if len(self.body) < LONG:
            self.body = gzip.compress(self.body, LEVEL, mtime=0)
        else:
            self.body = await run_in_threadpool(gzip.compress, self.body, LEVEL, mtime=0)
        self.headers["Content-Encoding"] = "gzip"
        self.headers["Content-Length"] = str(len(self.body))
