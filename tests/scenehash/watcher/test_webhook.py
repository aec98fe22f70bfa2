"""A webhook gets every event, in order, whatever happens to the receiver meanwhile."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from scenehash.errors import StoreError
from scenehash.watcher.endpoint import Endpoint
from scenehash.watcher.sinks import Event
from scenehash.watcher.webhook import FIRST_WAIT, IDLE_WAIT, LONGEST_WAIT, Webhook

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
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


class Pending:
    """Events that a store has, some at a time; and what is logged."""

    def __init__(self, last: int, first: int = 1) -> None:
        self.events = [Event(number, json.dumps({"event": number}))
                       for number in range(first, last + 1)]  # fmt: skip
        self.logged: list[str] = []

    def __call__(self, after: int) -> list[Event]:
        return [event for event in self.events if event.number > after][:2]


def webhook(url: str, source: Pending, delivered: int = 0) -> Webhook:
    return Webhook("webhook", delivered, source, source.logged.append, Endpoint(url, STORE))


class Accepting:
    """An endpoint that accepts everything."""

    def post(self, event: Event) -> None:
        pass

    def abort(self) -> None:
        pass


def test_events_are_posted_in_order_with_a_key_of_their_own(receiver: Receiver) -> None:
    source = Pending(5)
    hook = webhook(receiver.url, source, delivered=1)
    assert hook.step() == IDLE_WAIT
    assert hook.delivered == 5
    assert receiver.taken == [(f"{STORE}-{number}", {"event": number}) for number in (2, 3, 4, 5)]
    assert source.logged == []


@pytest.mark.parametrize("status", [302, 400, 404, 429, 500, 503])
def test_whatever_is_no_yes_is_tried_again_later_and_later(receiver: Receiver, status: int) -> None:
    source = Pending(3)
    receiver.statuses = [200, *[status] * 9]
    hook = webhook(receiver.url, source)
    waits = [hook.step() for _ in range(9)]
    assert waits[:4] == [FIRST_WAIT, 2 * FIRST_WAIT, 4 * FIRST_WAIT, 8 * FIRST_WAIT]
    assert waits[-1] == LONGEST_WAIT
    assert hook.delivered == 1
    assert hook.step() == IDLE_WAIT
    assert [body["event"] for _, body in receiver.taken] == [1, 2, 3]
    # Once when it begins and once when it ends, not at every try.
    assert len(source.logged) == 2


def test_nobody_there_is_tried_again_too() -> None:
    with Receiver() as server:
        url = server.url
    source = Pending(1)
    hook = webhook(url, source)
    assert hook.step() == FIRST_WAIT
    assert hook.delivered == 0
    assert "refused" in source.logged[0]


def test_a_store_that_cannot_be_read_just_now_is_read_later() -> None:
    source = Pending(1)

    def busy(_: int) -> list[Event]:
        raise StoreError("busy")

    hook = Webhook("webhook", 0, busy, source.logged.append, Accepting())
    assert hook.step() == FIRST_WAIT
    assert "busy" in source.logged[0]


def test_events_that_the_store_had_to_remove_are_named() -> None:
    source = Pending(9, first=7)
    hook = Webhook("webhook", 3, source, source.logged.append, Accepting())
    hook.step()
    assert hook.delivered == 9
    assert source.logged == ["webhook: events 4 to 6 were removed before they could be delivered"]


def test_a_thread_delivers_as_soon_as_it_is_woken_and_ends_when_it_is_closed(
    receiver: Receiver,
) -> None:
    source = Pending(0)
    hook = webhook(receiver.url, source)
    hook.wake()
    source.events = Pending(2).events
    hook.wake()
    deadline = threading.Event()
    while hook.delivered < 2:
        assert not deadline.wait(0.01)
    hook.close()
    assert not hook._thread.is_alive()


def test_flush_delivers_all_that_is_pending_and_ends_with_a_failure(receiver: Receiver) -> None:
    source = Pending(5)
    hook = webhook(receiver.url, source)
    hook.flush(lambda: False)
    assert hook.delivered == 5
    source.events = Pending(9).events
    receiver.statuses = [200, 503]
    hook.flush(lambda: False)
    assert hook.delivered == 6
    hook.close()
