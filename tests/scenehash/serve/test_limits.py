"""Bounds: slow clients, many connections, many requests, requests beside each other."""

import contextlib
import re
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from scenehash import CodeStore, HashModel, ingest
from scenehash.serve import connections, limits, readers, station
from scenehash.serve.limits import RateLimit
from scenehash.serve.options import ServeOptions
from scenehash.serve.problems import Refused

from .stations import free_port, running, server_process, station_client, wait_for

# A server, and clients that are slow.
pytestmark = pytest.mark.slow


SMALL = ServeOptions(port=0, threads=2, most_connections=8)


def connect(address: str) -> socket.socket:
    host, _, port = address.removeprefix("http://").rpartition(":")
    return socket.create_connection((host, int(port)), 20)


def ended(connection: socket.socket, seconds: float) -> bool:
    """Whether the other side closes a connection within some seconds."""
    connection.settimeout(seconds)
    try:
        while connection.recv(1000):
            pass
    except TimeoutError:
        return False
    except OSError:
        return True
    return True


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.5)
    monkeypatch.setattr(limits, "PATIENCE", 0.5)
    monkeypatch.setattr(connections, "SEND_SECONDS", 0.5)


@pytest.mark.usefixtures("impatient")
def test_whoever_is_slow_is_let_go(own: Path, model: HashModel) -> None:
    head = b"POST /api/search HTTP/1.1\r\nHost: localhost\r\n"
    body = head + b"Content-Type: application/json\r\nContent-Length: 500\r\n\r\n"
    with running(own, model, SMALL) as (address, _):
        for said in (b"", b"GET / HT", head, b"GET / HTTP/1.1\r\nHost: localhost\r\nX: "):
            with contextlib.closing(connect(address)) as silent:
                silent.sendall(said)
                assert ended(silent, 5), said
        with contextlib.closing(connect(address)) as late:
            late.sendall(body + b'{"queries"')
            late.settimeout(10)
            answer = late.recv(4000)
            assert b" 408 " in answer
            assert b"too slowly" in answer + late.recv(4000)
            assert ended(late, 5)
        # A byte now and then is as slow.
        with contextlib.closing(connect(address)) as dripping:
            dripping.sendall(b"GET / HTTP/1.1\r\n")
            began = time.monotonic()
            with contextlib.suppress(OSError):
                for _ in range(100):
                    dripping.sendall(b"X")
                    time.sleep(0.05)
            assert time.monotonic() - began < 4
        assert httpx.get(f"{address}/healthz").status_code == 200


@pytest.mark.usefixtures("impatient")
def test_whoever_does_not_take_the_answer_is_let_go(
    own: Path, model: HashModel, scenes: Path
) -> None:
    ingest(scenes / "coast", own, model)
    with running(own, model, SMALL) as (address, _):
        with contextlib.closing(connect(address)) as deaf:
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            for _ in range(400):
                with contextlib.suppress(OSError):
                    deaf.sendall(
                        b"GET /api/tiles/9/image?size=256 HTTP/1.1\r\nHost: localhost\r\n\r\n"
                    )
            time.sleep(1.5)
            assert ended(deaf, 10)
        assert httpx.get(f"{address}/healthz").status_code == 200


def test_connections_beyond_the_limit_are_refused_and_others_go_on(
    own: Path, model: HashModel
) -> None:
    with running(own, model, SMALL) as (address, _), httpx.Client(base_url=address) as client:
        assert client.get("/healthz").status_code == 200
        with contextlib.ExitStack() as stack:
            many = [stack.enter_context(contextlib.closing(connect(address))) for _ in range(7)]
            wait_for(lambda: _is_full(address))
            assert client.get("/healthz").status_code == 200
            del many
        wait_for(lambda: not _is_full(address))


def _is_full(address: str) -> bool:
    with contextlib.closing(connect(address)) as one:
        one.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        one.settimeout(10)
        try:
            return b" 503 " in one.recv(1000)
        except OSError:
            return True


@pytest.mark.slow
def test_ten_thousand_connections_take_neither_memory_nor_service(own: Path) -> None:
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    with server_process(own, port, "--connections", 64) as process:
        before = _memory(process.pid)
        held: list[socket.socket] = []
        for _ in range(10_000):
            with contextlib.suppress(OSError):
                held.append(connect(address))
            if len(held) > 500:
                held.pop(0).close()
        assert _memory(process.pid) - before < 50_000
        for one in held:
            one.close()
        wait_for(lambda: httpx.get(f"{address}/healthz", timeout=60).status_code == 200)


def _memory(pid: int) -> int:
    """What a process has in memory, in kB."""
    (line,) = re.findall(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    return int(line)


def test_an_answer_waits_for_no_acknowledgement(own: Path, model: HashModel) -> None:
    """Parts of an answer that wait for the client's acknowledgement wait for 40 ms."""
    with running(own, model, SMALL) as (address, _), httpx.Client(base_url=address) as client:
        times = []
        for _ in range(20):
            began = time.perf_counter()
            assert client.get("/api/labels").status_code == 200
            times.append(time.perf_counter() - began)
    assert min(times) < 0.03


def test_the_head_of_a_request_is_bounded(own: Path, model: HashModel) -> None:
    with running(own, model, SMALL) as (address, _):
        with contextlib.closing(connect(address)) as long:
            long.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: " + b"y" * 40_000)
            assert ended(long, 5)
        for rubbish in (b"\x00" * 100, b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\r\n" * 1000,
                        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
                        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n"
                        b"Transfer-Encoding: chunked\r\n\r\n"):  # fmt: skip
            with contextlib.closing(connect(address)) as one:
                one.sendall(rubbish)
                one.shutdown(socket.SHUT_WR)
                assert ended(one, 15), rubbish
        assert httpx.get(f"{address}/healthz").status_code == 200


def test_whoever_goes_in_the_middle_of_a_request_is_no_error_of_the_server(
    own: Path, model: HashModel
) -> None:
    with running(own, model, SMALL) as (address, lines):
        with contextlib.closing(connect(address)) as one:
            one.sendall(
                b"POST /api/uploads HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n"
                b"Content-Length: 1000\r\n\r\nabc"
            )
        counted = 'path="/api/uploads",status="400"} 1\n'
        wait_for(lambda: counted in httpx.get(f"{address}/metrics").text)
        assert lines == [address]


def test_one_asks_so_often_and_no_oftener() -> None:
    now = [0.0]
    rate = RateLimit(2.0, 4.0, lambda: now[0])
    for _ in range(4):
        rate.take("a")
    rate.take("b")
    with pytest.raises(Refused) as refused:
        rate.take("a")
    assert refused.value.headers == {"Retry-After": "1"}
    now[0] = 0.5
    rate.take("a")
    with pytest.raises(Refused):
        rate.take("a")
    now[0] = 100.0
    for _ in range(4):
        rate.take("a")


def test_so_many_callers_are_remembered_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_CALLERS", 10)
    rate = RateLimit(1.0, 1.0, lambda: 0.0)
    for number in range(1000):
        rate.take(str(number))
    assert len(rate._left) == 10


def test_a_token_asks_so_often_and_others_are_not_held_up(
    own: Path, model: HashModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    from scenehash.serve import guard
    from scenehash.serve.tokens import Tokens

    monkeypatch.setattr(guard, "BURST", 5.0)
    monkeypatch.setattr(guard, "RATE", 0.1)
    file = Tokens(own / "serve" / "tokens.json")
    first, second = ({"Authorization": f"Bearer {file.add(name, 'read')}"} for name in ("a", "b"))
    options = ServeOptions(threads=2, names=("x.example",))
    with station_client(own, model, options, base_url="https://x.example") as client:
        statuses = [client.get("/api/labels", headers=first).status_code for _ in range(20)]
        assert statuses[:5] == [200] * 5
        assert 429 in statuses
        assert client.get("/api/labels", headers=second).status_code == 200


def test_a_reader_waits_for_no_writer_and_a_writer_is_waited_for_but_not_for_ever(
    own: Path, model: HashModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(station, "WRITE_PATIENCE", 0.3)
    body = {"name": "quay", "examples": [{"row": 0}]}
    with station_client(own, model) as client:
        with CodeStore.open(own, writable=True) as writer, writer.transaction():
            began = time.monotonic()
            assert client.get("/api/search", params={"q": "row:0"}).status_code == 200
            assert time.monotonic() - began < 5
            busy = client.post("/api/alerts", json=body)
            assert (busy.status_code, busy.headers["retry-after"]) == (503, "5")
            assert "another process is writing" in busy.json()["detail"]
        assert client.post("/api/alerts", json=body).status_code == 201
        monkeypatch.setattr(station, "WRITE_PATIENCE", 20.0)
        writer = CodeStore.open(own, writable=True)
        threading.Timer(0.3, writer.close).start()
        assert client.delete("/api/alerts/quay").status_code == 200


def test_requests_that_wait_too_long_are_told_when_to_come_again(
    own: Path, model: HashModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers, "PATIENCE", 0.1)
    with station_client(own, model) as client, contextlib.ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(client.station.readers.store())
        busy = client.get("/api/labels")
        assert (busy.status_code, busy.headers["retry-after"]) == (503, "5")
        stack.close()
        assert client.get("/api/labels").status_code == 200


def test_searches_beside_each_other_find_what_they_find_alone(
    own: Path, model: HashModel, scenes: Path
) -> None:
    """Sixteen clients, while scenes come in: each answer is that of the store at one moment."""
    with running(own, model, ServeOptions(port=0, threads=2)) as (address, _):
        alone = httpx.get(f"{address}/api/search", params={"q": "row:3", "k": 1}).json()["hits"]

        def ask(number: int) -> None:
            with httpx.Client(base_url=address, timeout=60) as client:
                for _ in range(10):
                    answer = client.get("/api/search", params={"q": "row:3", "k": 20})
                    assert answer.status_code == 200, answer.text
                    hits = answer.json()["hits"]
                    assert hits[0] == alone[0]
                    assert len(hits) in (8, 14, 20)
                    image = client.get(f"/api/tiles/{number % 8}/image")
                    assert image.status_code == 200

        with ThreadPoolExecutor(16) as pool:
            asking = [pool.submit(ask, number) for number in range(16)]
            for file in sorted((scenes / "coast").iterdir()):
                ingest(file, own, model)
            for one in asking:
                one.result()
        assert len(httpx.get(f"{address}/api/search?q=row:3&k=99").json()["hits"]) == 20
