"""Servers under test: in this process, without a socket, or with one; and as a process."""

import contextlib
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from scenehash import HashModel
from scenehash.serve.app import make_app
from scenehash.serve.options import ServeOptions
from scenehash.serve.server import serve
from scenehash.serve.station import Station

COMMAND = [sys.executable, "-c", "from scenehash.cli.main import main; main()"]
LOCAL = ServeOptions(threads=2)


def from_loopback(app: Any) -> Any:
    """An application whose requests come from this machine: before 0.44 no client says so."""

    async def asked(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, "client": ("127.0.0.1", 5000)}, receive, send)

    return asked


@contextlib.contextmanager
def station_client(
    store: Path,
    model: HashModel,
    options: ServeOptions = LOCAL,
    page: Path | None = None,
    **settings: Any,
) -> Iterator[TestClient]:
    """A client of an application without a socket; its station is client.station."""
    lines: list[str] = []
    with contextlib.closing(Station(store, model, options, lines.append)) as station:
        app = make_app(station, page)
        settings.setdefault("base_url", "http://127.0.0.1")
        with TestClient(from_loopback(app), **settings) as client:
            client.station = station
            client.lines = lines
            yield client


@contextlib.contextmanager
def running(
    store: Path, model: HashModel, options: ServeOptions = LOCAL
) -> Iterator[tuple[str, list[str]]]:
    """The address of a server in a thread, and what it logs."""
    stop, lines = threading.Event(), list[str]()
    failed: list[BaseException] = []

    def run() -> None:
        try:
            serve(store, model, options, stop, lines.append)
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    wait_for(lambda: bool(lines or failed))
    try:
        if failed:
            raise failed[0]
        address = lines[0]
        port = int(address.rpartition(":")[2])
        wait_for(lambda: _answers(port))
        yield address, lines
    finally:
        stop.set()
        thread.join(15)
        assert not thread.is_alive()
    assert not failed, failed


@contextlib.contextmanager
def server_process(store: Path, port: int, *options: object) -> Iterator["subprocess.Popen[str]"]:
    """A server as a process of its own, that answers; it is killed at the end."""
    words = ["serve", "--store", store, "--port", port, "--threads", 2, *options]
    process = subprocess.Popen(
        [*COMMAND, *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        wait_for(lambda: process.poll() is not None or _answers(port), 60)
        assert process.poll() is None, process.communicate()
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_for(true: Any, seconds: float = 30) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.02)


def free_port() -> int:
    """A port that nobody has."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def events_of(lines: Iterator[str], count: int) -> list[dict[str, Any]]:
    """The first events of a stream of lines: id, kind and data."""
    found: list[dict[str, Any]] = []
    now: dict[str, Any] = {}
    for line in lines:
        if line.startswith("id: "):
            now["id"] = line.removeprefix("id: ")
        elif line.startswith("event: "):
            now["kind"] = line.removeprefix("event: ")
        elif line.startswith("data: "):
            now["data"] = json.loads(line.removeprefix("data: "))
        elif not line and "data" in now:
            found.append(now)
            now = {}
            if len(found) == count:
                return found
    return found


def _answers(port: int) -> bool:
    import socket

    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True
