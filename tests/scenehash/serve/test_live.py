"""Events: a history in pages, and a feed that goes on where it was, whatever ends the server."""

import contextlib
import json
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from scenehash import CodeStore, HashModel
from scenehash.report.contact_sheet import write_picture
from scenehash.serve import feed

from ...scenes import draw
from ..cli.test_commands import run
from ..store.samples import make
from .stations import events_of, free_port, running, server_process, station_client, wait_for
from .test_limits import SMALL, connect

# Servers in processes.
pytestmark = pytest.mark.slow


def note(store: Path, *numbers: int, kind: str = "scene", alert: str | None = None) -> None:
    """Events as a watch notes them."""
    alerts = [] if alert is None else [{"name": alert, "tiles": 1, "distance": 3}]
    bodies = [json.dumps({"kind": kind, "about": number, "alerts": alerts}) for number in numbers]
    with CodeStore.open(store, writable=True, wait=True) as opened:
        opened.outbox.note(bodies)


def about(events: list[dict[str, Any]]) -> list[int]:
    return [event["about"] for event in events]


@pytest.fixture
def noted(tmp_path: Path) -> Path:
    make(tmp_path / "s", 2).close()
    return tmp_path / "s"


def test_a_history_is_read_in_pages_both_ways(noted: Path, model: HashModel) -> None:
    with station_client(noted, model) as client:
        empty = client.get("/api/events").json()
        assert (empty["events"], empty["oldest"], empty["newest"]) == ([], 0, 0)
        note(noted, *range(1, 31))
        note(noted, 31, alert="quay")
        note(noted, 32, kind="set_aside")

        def page(**asked: Any) -> list[int]:
            answer = client.get("/api/events", params=asked)
            assert answer.status_code == 200, answer.text
            return about(answer.json()["events"])

        assert page(limit=3) == [30, 31, 32]
        assert page(limit=3, before=30) == [27, 28, 29]
        assert page(limit=3, before=3) == [1, 2]
        assert page(limit=3, after=0) == [1, 2, 3]
        assert page(limit=3, after=30) == [31, 32]
        assert page(after=32) == []
        assert page(before=0) == page(before=1) == []
        assert page(alert="quay") == [31]
        assert page(kind="set_aside") == [32]
        assert page(alert="none") == []
        whole = client.get("/api/events", params={"limit": 1}).json()
        assert (whole["oldest"], whole["newest"]) == (1, 32)
        assert whole["events"][0]["event"] == 32
        assert whole["events"][0]["store"] == whole["store"]


class Listener:
    """Listens to a feed in a thread, and remembers what came."""

    def __init__(self, address: str, last: str | None = None) -> None:
        self.events: list[dict[str, Any]] = []
        headers = {} if last is None else {"Last-Event-ID": last}
        self._thread = threading.Thread(target=self._run, args=(address, headers), daemon=True)
        self._thread.start()

    def _run(self, address: str, headers: dict[str, str]) -> None:
        try:
            with httpx.stream("GET", f"{address}/api/events/live", headers=headers,
                              timeout=60) as answer:  # fmt: skip
                assert answer.headers["content-type"].startswith("text/event-stream")
                self.events.append({"open": True})
                for event in _each(answer.iter_lines()):
                    self.events.append(event)
        except httpx.HTTPError:
            pass

    @property
    def about(self) -> list[int]:
        return [one["data"]["about"] for one in self.events if "id" in one]

    @property
    def last(self) -> str:
        last: str = [one["id"] for one in self.events if "id" in one][-1]
        return last


def _each(lines: Iterator[str]) -> Iterator[dict[str, Any]]:
    while found := events_of(lines, 1):
        yield found[0]


def test_events_come_as_they_are_committed_to_all_who_listen(noted: Path, model: HashModel) -> None:
    note(noted, 1)
    with running(noted, model, SMALL) as (address, _):
        listeners = [Listener(address) for _ in range(3)]
        wait_for(lambda: all(one.events for one in listeners))
        for number in (2, 3, 4):
            note(noted, number)
            wait_for(lambda: all(one.about[-1:] == [number] for one in listeners))  # noqa: B023
        assert all(one.about == [2, 3, 4] for one in listeners)
        again = Listener(address, listeners[0].events[1]["id"])
        wait_for(lambda: again.about == [3, 4])


def test_a_feed_goes_on_after_the_last_event_across_a_killed_server(
    noted: Path, model: HashModel
) -> None:
    del model
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    with server_process(noted, port) as process:
        listener = Listener(address)
        wait_for(lambda: bool(listener.events))
        note(noted, 1, 2)
        wait_for(lambda: listener.about == [1, 2])
        process.send_signal(signal.SIGKILL)
        process.wait(20)
    note(noted, 3, 4)
    with server_process(noted, port):
        again = Listener(address, listener.last)
        wait_for(lambda: again.about == [3, 4])
        note(noted, 5)
        wait_for(lambda: again.about == [3, 4, 5])


def test_what_is_no_longer_kept_is_named_as_a_gap(noted: Path, model: HashModel) -> None:
    note(noted, *range(1, 21))
    with CodeStore.open(noted, writable=True) as store:
        uuid = store.uuid
        store.outbox.deliver({"stdout": 20}, 5)
    with running(noted, model, SMALL) as (address, _):
        late = Listener(address, f"{uuid}-10")
        wait_for(lambda: late.about == [16, 17, 18, 19, 20])
        gap = late.events[1]
        assert (gap["kind"], gap["data"]) == ("gap", {"first": 11, "last": 15})


@pytest.mark.parametrize(
    "last", ["0" * 32 + "-1", "{uuid}-999", "x", "", "{uuid}--1", "{uuid}-9999999999999999999", "é"]
)
def test_a_last_event_of_another_store_or_none_replays_nothing(
    noted: Path, model: HashModel, last: str
) -> None:
    note(noted, 1, 2)
    with CodeStore.open(noted) as store:
        given = last.replace("{uuid}", store.uuid)
    with running(noted, model, SMALL) as (address, _):
        if not given.isascii():
            return
        listener = Listener(address, given)
        wait_for(lambda: bool(listener.events))
        note(noted, 3)
        wait_for(lambda: bool(listener.about))
        assert listener.about == [3]


def test_a_number_in_the_address_is_where_a_feed_begins(noted: Path, model: HashModel) -> None:
    note(noted, 1, 2, 3)
    with (
        running(noted, model, SMALL) as (address, _),
        httpx.stream("GET", f"{address}/api/events/live?after=1", timeout=30) as answer,
    ):
        assert [one["data"]["about"] for one in events_of(answer.iter_lines(), 2)] == [2, 3]


def test_what_a_watch_reports_is_what_the_feed_has(
    own: Path, model: HashModel, tmp_path: Path
) -> None:
    assert run("alert", "add", "quay", "row:4", "--radius", 20, "--store", own).exit_code == 0
    (tmp_path / "in").mkdir()
    with running(own, model, SMALL) as (address, _):
        listener = Listener(address)
        wait_for(lambda: bool(listener.events))
        write_picture(tmp_path / "in" / "new.png", draw("harbor", 8))
        done = run("watch", tmp_path / "in", "--once", "--settle", 0, "--store", own)
        assert done.exit_code == 0, done.stderr
        printed = json.loads(done.stdout)
        wait_for(lambda: len(listener.events) == 2)
        assert listener.events[1]["data"] == printed
        history = httpx.get(f"{address}/api/events").json()["events"]
        assert history == [printed]


def test_so_many_may_listen_and_no_more(
    noted: Path, model: HashModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "MOST_LISTENERS", 2)
    with running(noted, model, SMALL) as (address, _):
        listeners = [Listener(address) for _ in range(2)]
        wait_for(lambda: all(one.events for one in listeners))
        assert httpx.get(f"{address}/api/events/live").status_code == 503


def test_so_many_who_come_at_once_may_listen_and_no_more(
    noted: Path, model: HashModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "MOST_LISTENERS", 2)

    with running(noted, model, SMALL) as (address, _), contextlib.ExitStack() as opened:
        many = [opened.enter_context(contextlib.closing(connect(address))) for _ in range(8)]
        for one in many:
            one.sendall(b"GET /api/events/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answers = sorted(one.recv(12) for one in many)
        assert answers == [b"HTTP/1.1 200"] * 2 + [b"HTTP/1.1 503"] * 6
        for one in many:
            one.close()
        wait_for(lambda: bool(first_line(address)))


def first_line(address: str) -> str | None:
    """The first line of the feed; None when nobody else may listen."""
    with httpx.stream("GET", f"{address}/api/events/live") as answer:
        return next(answer.iter_lines()) if answer.status_code == 200 else None


def test_the_head_of_the_feed_ends_and_nobody_listens(noted: Path, model: HashModel) -> None:
    with running(noted, model, SMALL) as (address, _):
        answer = httpx.head(f"{address}/api/events/live")
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        wait_for(lambda: "scenehash_listeners 0\n" in httpx.get(f"{address}/metrics").text)
