"""A webhook is told of every event, in order, whatever happens to the receiver meanwhile."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from scenehash.errors import ConfigurationError, StoreError
from scenehash.watcher.sinks import Event
from scenehash.watcher.webhook import FIRST_WAIT, IDLE_WAIT, LONGEST_WAIT, Webhook, post_to

STORE = "5" * 32


class Receiver(ThreadingHTTPServer):
    """Answers with the statuses that it is given, one a request, and then with 200."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.taken: list[tuple[str, dict]] = []
        super().__init__(("127.0.0.1", 0), Answer)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/events"


class Answer(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status = self.server.statuses.pop(0) if self.server.statuses else 200
        if status == 200:
            self.server.taken.append((self.headers["Idempotency-Key"], json.loads(body)))
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/elsewhere")
        self.end_headers()

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


class Waiting:
    """Events that a store has, some at a time; and what is said."""

    def __init__(self, last: int, first: int = 1) -> None:
        self.events = [Event(number, json.dumps({"event": number}))
                       for number in range(first, last + 1)]  # fmt: skip
        self.said: list[str] = []

    def __call__(self, after: int) -> list[Event]:
        return [event for event in self.events if event.number > after][:2]


def webhook(url: str, source: Waiting, delivered: int = 0) -> Webhook:
    return Webhook("webhook", delivered, source, source.said.append, post_to(url, STORE))


def test_events_are_posted_in_order_with_a_key_of_their_own(receiver: Receiver) -> None:
    source = Waiting(5)
    hook = webhook(receiver.url, source, delivered=1)
    assert hook.step() == IDLE_WAIT
    assert hook.delivered == 5
    assert receiver.taken == [(f"{STORE}-{number}", {"event": number}) for number in (2, 3, 4, 5)]
    assert source.said == []


@pytest.mark.parametrize("status", [302, 400, 404, 429, 500, 503])
def test_whatever_is_no_yes_is_tried_again_later_and_later(receiver: Receiver, status: int) -> None:
    source = Waiting(3)
    receiver.statuses = [200, *[status] * 9]
    hook = webhook(receiver.url, source)
    waits = [hook.step() for _ in range(9)]
    assert waits[:4] == [FIRST_WAIT, 2 * FIRST_WAIT, 4 * FIRST_WAIT, 8 * FIRST_WAIT]
    assert waits[-1] == LONGEST_WAIT
    assert hook.delivered == 1
    assert hook.step() == IDLE_WAIT
    assert [body["event"] for _, body in receiver.taken] == [1, 2, 3]
    # Once when it begins and once when it ends, not at every try.
    assert len(source.said) == 2


def test_nobody_there_is_tried_again_too() -> None:
    with Receiver() as server:
        url = server.url
    source = Waiting(1)
    hook = webhook(url, source)
    assert hook.step() == FIRST_WAIT
    assert hook.delivered == 0
    assert "refused" in source.said[0]


def test_a_store_that_cannot_be_read_just_now_is_read_later() -> None:
    source = Waiting(1)

    def busy(_: int) -> list[Event]:
        raise StoreError("busy")

    hook = Webhook("webhook", 0, busy, source.said.append, lambda _: None)
    assert hook.step() == FIRST_WAIT
    assert "busy" in source.said[0]


def test_events_that_the_store_had_to_forget_are_named() -> None:
    source = Waiting(9, first=7)
    hook = Webhook("webhook", 3, source, source.said.append, lambda _: None)
    hook.step()
    assert hook.delivered == 9
    assert source.said == ["webhook: events 4 to 6 were forgotten before they could be delivered"]


def test_a_thread_delivers_as_soon_as_it_is_woken_and_ends_when_it_is_told(
    receiver: Receiver,
) -> None:
    source = Waiting(0)
    hook = webhook(receiver.url, source)
    hook.wake()
    source.events = Waiting(2).events
    hook.wake()
    deadline = threading.Event()
    while hook.delivered < 2:
        assert not deadline.wait(0.01)
    hook.close()
    assert not hook._thread.is_alive()


def test_what_is_no_url_is_refused() -> None:
    for text in ("station:8080", "file:///etc/passwd", ""):
        with pytest.raises(ConfigurationError, match="not a URL"):
            post_to(text, STORE)
