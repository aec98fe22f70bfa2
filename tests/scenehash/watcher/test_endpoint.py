"""A request to a webhook ends in time and takes little memory, whatever the other end does.

The servers here are sockets on loopback that answer as no honest server does.
"""

import resource
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from scenehash.errors import ConfigurationError
from scenehash.watcher import endpoint as endpoint_module
from scenehash.watcher.endpoint import LARGEST_BODY, Endpoint
from scenehash.watcher.sinks import Event
from scenehash.watcher.webhook import GRACE, Webhook

STORE = "5" * 32
EVENT = Event(7, '{"event": 7}')
ACCEPTED = b"HTTP/1.1 200 OK\r\n"

Talk = Callable[[socket.socket], object]


class Server:
    """Accepts connections on loopback, reads a request, and answers by a function."""

    def __init__(self, talk: Talk) -> None:
        self.requests: list[bytes] = []
        self.sent = 0
        self._talk = talk
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/events"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listening.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                self.requests.append(connection.recv(65536))
                self._talk(connection)
            except OSError:
                pass


@pytest.fixture
def serve() -> Iterator[Callable[[Talk], Server]]:
    servers: list[Server] = []

    def start(talk: Talk) -> Server:
        servers.append(Server(talk))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Deadlines of a moment."""
    monkeypatch.setattr(endpoint_module, "REQUEST_SECONDS", 0.6)
    monkeypatch.setattr(endpoint_module, "BODY_SECONDS", 0.2)


def drip(connection: socket.socket, data: bytes, seconds: float = 0.05) -> None:
    """Send byte by byte, over and over: no single read takes long."""
    while True:
        for byte in data:
            connection.sendall(bytes([byte]))
            time.sleep(seconds)


def flood(connection: socket.socket, data: bytes = b"x" * 65536) -> None:
    while True:
        connection.sendall(data)


def silent(connection: socket.socket) -> None:
    while connection.recv(65536):
        pass


LATE: dict[str, Talk] = {
    "silent": silent,
    "status that drips": lambda one: drip(one, b"HTTP/1.1 200 OK, or so "),
    "headers that drip": lambda one: (one.sendall(ACCEPTED), drip(one, b"A: b\r\n", 0.01)),
    "100 Continue for ever": lambda one: drip(one, b"HTTP/1.1 100 Continue\r\n\r\n", 0.001),
}
WRONG: dict[str, Talk] = {
    "not HTTP": lambda one: one.sendall(b"\x1b[31mSSH-2.0\r\n\r\n"),
    "closed at once": socket.socket.close,
    "a header without end": lambda one: (one.sendall(ACCEPTED + b"A: "), flood(one)),
    "headers without end": lambda one: (one.sendall(ACCEPTED), flood(one, b"A: b\r\n" * 9999)),
    "a redirect": lambda one: one.sendall(b"HTTP/1.1 307 No\r\nLocation: /\r\n\r\n"),
    "a refusal": lambda one: one.sendall(b"HTTP/1.1 503 \x1b[31mred\r\n\r\n"),
}
BODIES: dict[str, Talk] = {
    "dripping": lambda one: (one.sendall(ACCEPTED + b"\r\n"), drip(one, b"x")),
    "endless": lambda one: (one.sendall(ACCEPTED + b"\r\n"), flood(one)),
    "of a terabyte": lambda one: (
        one.sendall(ACCEPTED + b"Content-Length: 1099511627776\r\n\r\n"),
        flood(one),
    ),
    "chunks without end": lambda one: (
        one.sendall(ACCEPTED + b"Transfer-Encoding: chunked\r\n\r\n"),
        flood(one, b"10000\r\n" + b"x" * 65536 + b"\r\n"),
    ),
    "cut": lambda one: one.sendall(ACCEPTED + b"Content-Length: 100\r\n\r\nshort"),
}


@pytest.mark.slow
@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("talk", LATE.values(), ids=LATE)
def test_an_answer_that_never_ends_is_late_and_not_accepted(
    talk: Talk, serve: Callable[[Talk], Server]
) -> None:
    started = time.monotonic()
    with pytest.raises(TimeoutError, match="no answer within"):
        Endpoint(serve(talk).url, STORE).post(EVENT)
    assert time.monotonic() - started < 30


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("talk", WRONG.values(), ids=WRONG)
def test_what_is_no_acceptance_is_an_error_without_words_of_the_other_end(
    talk: Talk, serve: Callable[[Talk], Server]
) -> None:
    with pytest.raises(OSError) as raised:
        Endpoint(serve(talk).url, STORE).post(EVENT)
    assert "\x1b" not in str(raised.value)
    assert "red" not in str(raised.value)


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("talk", BODIES.values(), ids=BODIES)
def test_an_accepted_event_is_delivered_whatever_the_body_is(
    talk: Talk, serve: Callable[[Talk], Server]
) -> None:
    server = serve(talk)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.monotonic()
    Endpoint(server.url, STORE).post(EVENT)
    assert time.monotonic() - started < 30
    # Kilobytes; the answers would be gigabytes.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000
    assert LARGEST_BODY <= 1 << 16
    assert server.requests[0].startswith(b"POST /events HTTP/1.1\r\n")


@pytest.mark.usefixtures("hurried")
def test_a_handshake_that_never_ends_is_late_too(
    serve: Callable[[Talk], Server],
) -> None:
    server = serve(silent)
    started = time.monotonic()
    with pytest.raises(TimeoutError, match="no answer within"):
        Endpoint(server.url.replace("http:", "https:"), STORE).post(EVENT)
    assert time.monotonic() - started < 30


@pytest.mark.usefixtures("hurried")
def test_a_receiver_that_reads_nothing_is_late(
    serve: Callable[[Talk], Server],
) -> None:
    server = serve(lambda _: time.sleep(5))
    with pytest.raises(TimeoutError):
        Endpoint(server.url, STORE).post(Event(7, '"' + "x" * 50_000_000 + '"'))


@pytest.mark.slow
def test_a_watch_that_ends_waits_for_a_dripping_answer_only_for_a_moment(
    serve: Callable[[Talk], Server],
) -> None:
    server = serve(LATE["headers that drip"])
    logged: list[str] = []
    hook = Webhook(
        "webhook",
        0,
        lambda after: [Event(1, "{}")] if after < 1 else [],
        logged.append,
        Endpoint(server.url, STORE),
    )
    hook.wake()
    while not server.requests:
        time.sleep(0.01)
    started = time.monotonic()
    hook.close()
    assert time.monotonic() - started < GRACE + 6
    assert not hook._thread.is_alive()
    assert hook.delivered == 0


@pytest.mark.slow
def test_flush_ends_when_the_watch_is_stopped(serve: Callable[[Talk], Server]) -> None:
    server = serve(silent)
    hook = Webhook(
        "webhook", 0, lambda _: [Event(1, "{}")], lambda _: None, Endpoint(server.url, STORE)
    )
    stopped = threading.Event()
    threading.Timer(0.3, stopped.set).start()
    started = time.monotonic()
    hook.flush(stopped.is_set)
    assert time.monotonic() - started < 8
    hook.close()


def accept(connection: socket.socket) -> None:
    connection.sendall(ACCEPTED + b"\r\n")


@pytest.mark.parametrize(
    ("before", "after", "target", "authorization"),
    [
        ("http://", "/events", b"/events", None),
        ("http://", "", b"/", None),
        ("http://", "/a%20b?key=s%3Dcret&x=1", b"/a%20b?key=s%3Dcret&x=1", None),
        ("http://", "/caf\u00e9?q=\u00fc#part", b"/caf%C3%A9?q=%C3%BC", None),
        ("http://me:p%40ss@", "/", b"/", b"bWU6cEBzcw=="),
        ("http://token@", "/", b"/", b"dG9rZW46"),
    ],
)
def test_the_url_is_requested_as_it_is_meant(
    before: str,
    after: str,
    target: bytes,
    authorization: bytes | None,
    serve: Callable[[Talk], Server],
) -> None:
    server = serve(accept)
    Endpoint(f"{before}127.0.0.1:{server.port}{after}", STORE).post(EVENT)
    lines = server.requests[0].split(b"\r\n")
    assert lines[0] == b"POST " + target + b" HTTP/1.1"
    assert f"Host: 127.0.0.1:{server.port}".encode() in lines
    assert f"Idempotency-Key: {STORE}-7".encode() in lines
    assert (b"Authorization: Basic " + (authorization or b"")) in lines or authorization is None
    assert any(line.startswith(b"Authorization") for line in lines) == (authorization is not None)


@pytest.mark.parametrize(
    ("url", "redacted"),
    [
        ("http://station:8080/events", "http://station:8080/*** (417baafa)"),
        ("https://me:secret@host/a?token=secret", "https://***@host/*** (6a50dc85)"),
        ("https://host/services/T1/secret", "https://host/*** (4e749dc7)"),
        ("http://secret@[::1]:80/", "http://***@[::1]:80"),
        ("http://host?secret", "http://host"),
        ("http://host/a#secret", "http://host/*** (6a50dc85)"),
    ],
)
def test_secrets_of_a_url_are_not_shown(url: str, redacted: str) -> None:
    assert Endpoint(url, STORE).redacted == redacted
    assert "secret" not in redacted


@pytest.mark.parametrize(
    "url",
    [
        "secret:8080",
        "file:///etc/secret",
        "",
        "http://",
        "http:///secret",
        "http://host:secret/",
        "http://host:99999/secret",
        "http://host/secret\r\nX: y",
        "http://ho st/\x1b",
        "http://ho st/secret",
        "http://[::1/secret",
        "http://" + "secret" * 20 + ".example/",
    ],
)
def test_what_is_no_url_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(ConfigurationError, match="not a URL") as raised:
        Endpoint(url, STORE)
    assert "secret" not in str(raised.value)
