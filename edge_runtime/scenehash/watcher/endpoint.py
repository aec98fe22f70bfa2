"""The URL of a webhook: one request per event, with limits of time and memory for any answer."""

import base64
import contextlib
import hashlib
import http.client
import socket
import ssl
import threading
import urllib.parse
from collections.abc import Iterator

from scenehash.errors import ConfigurationError

from .sinks import Event

# Seconds for a request, seconds for the unused body of its answer, and bytes of that body.
REQUEST_SECONDS, BODY_SECONDS = 10.0, 1.0
LARGEST_BODY = 1 << 16

# Characters in a part of a URL, with "%", since the part may be escaped already.
SAFE = "/%:@!$&'()*+,;=~"

NO_URL = "--webhook: not a URL such as http://station:8080/events"


class Endpoint:
    """Posts the events of a store to a URL, by HTTP or HTTPS; it does not follow redirects.

    A user and a password in the URL become HTTP Basic authentication. redacted: the scheme, the
    host and a digest of the path, which distinguishes two URLs on one host. Secrets may be in the
    other parts, which are never shown or stored.
    """

    def __init__(self, url: str, store: str) -> None:
        """store: its id. Raises ConfigurationError, without the URL in its text, on a bad URL."""
        try:
            parts = urllib.parse.urlsplit(url)
            host, port = parts.hostname, parts.port
            (host or "").encode("idna")
        except ValueError:
            # A cause would show a part of the URL in a traceback.
            raise ConfigurationError(NO_URL) from None
        sound = url.isprintable() and " " not in url
        if parts.scheme not in ("http", "https") or not host or not sound:
            raise ConfigurationError(NO_URL)
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._host, self._port = host, port or (443 if self._tls else 80)
        self._target = urllib.parse.quote(parts.path or "/", safe=SAFE)
        if parts.query:
            self._target += "?" + urllib.parse.quote(parts.query, safe=SAFE + "?")
        self._headers = {"Content-Type": "application/json"} | _authorization(parts)
        self._store = store
        self._request: _Request | None = None
        self.redacted = _redacted(parts)

    def post(self, event: Event) -> None:
        """Send an event; returns when the receiver accepted it with a status of 200 to 299.

        The header Idempotency-Key is the store's id with the event's number: a receiver may drop a
        repeated request. Raises OSError when the event was not accepted in time.
        """
        headers = self._headers | {"Idempotency-Key": f"{self._store}-{event.number}"}
        with contextlib.closing(self._connect()) as opened:
            connection = _connection(self._host, self._port, opened)
            self._request = request = _Request(opened)
            with request.deadline(REQUEST_SECONDS):
                try:
                    if isinstance(opened, ssl.SSLSocket):
                        opened.do_handshake()
                    connection.request("POST", self._target, event.line.encode(), headers)
                    status = (answer := connection.getresponse()).status
                except (http.client.HTTPException, ValueError) as error:
                    request.check()
                    raise OSError(f"the answer is not HTTP: {type(error).__name__}") from error
                except OSError:
                    request.check()
                    raise
            # http.client treats the end of the connection as the end of the headers.
            request.check()
            if not 200 <= status < 300:
                raise OSError(f"HTTP status {status}")
            # A receiver may report an error if the connection ends during its answer: wait a while.
            with (
                request.deadline(BODY_SECONDS),
                contextlib.suppress(OSError, http.client.HTTPException, ValueError),
            ):
                answer.read(LARGEST_BODY)

    def abort(self) -> None:
        """End the present request, if any; another thread calls this."""
        if self._request is not None:
            self._request.end()

    def _connect(self) -> socket.socket:
        # The timeout for each address of the host.
        plain = socket.create_connection((self._host, self._port), REQUEST_SECONDS)
        # From here on the request's deadline applies.
        plain.settimeout(None)
        if self._tls is None:
            return plain
        return self._tls.wrap_socket(
            plain, server_hostname=self._host, do_handshake_on_connect=False
        )


class _Request:
    """A request that time or another thread can end, even if the answer arrives very slowly."""

    def __init__(self, opened: socket.socket) -> None:
        self._opened = opened
        self._ended = threading.Event()

    @contextlib.contextmanager
    def deadline(self, seconds: float) -> Iterator[None]:
        """End the request after some seconds, unless the context ends first."""
        timer = threading.Timer(seconds, self.end)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def end(self) -> None:
        """End the request, so that its thread no longer waits for the receiver."""
        self._ended.set()
        with contextlib.suppress(OSError):
            # Below TLS, whose shutdown would wait for the receiver.
            socket.socket.shutdown(self._opened, socket.SHUT_RDWR)

    def check(self) -> None:
        """Raise TimeoutError when the request was ended."""
        if self._ended.is_set():
            raise TimeoutError(f"no answer within {REQUEST_SECONDS:g} s")


def _connection(host: str, port: int, opened: socket.socket) -> http.client.HTTPConnection:
    secure = isinstance(opened, ssl.SSLSocket)
    kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    connection = kind(host, port)
    connection.sock = opened
    return connection


def _authorization(parts: urllib.parse.SplitResult) -> dict[str, str]:
    if parts.username is None:
        return {}
    user, password = (urllib.parse.unquote(word or "") for word in (parts.username, parts.password))
    token = base64.b64encode(f"{user}:{password}".encode()).decode()
    return {"Authorization": f"Basic {token}"}


def _redacted(parts: urllib.parse.SplitResult) -> str:
    host = parts.netloc.rpartition("@")[2]
    user = "***@" if "@" in parts.netloc else ""
    if parts.path in ("", "/"):
        return f"{parts.scheme}://{user}{host}"
    digest = hashlib.sha256(parts.path.encode()).hexdigest()[:8]
    return f"{parts.scheme}://{user}{host}/*** ({digest})"
