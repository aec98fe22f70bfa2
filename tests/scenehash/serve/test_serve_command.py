"""`scenehash serve` as a person starts it: the address, what it refuses, how it ends, HTTPS."""

import builtins
import json
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from scenehash import HashModel
from scenehash.errors import ConfigurationError, InputError, StoreError
from scenehash.serve.options import ServeOptions
from scenehash.serve.server import serve

from ..cli.test_commands import run
from .stations import free_port, running, server_process, wait_for

# The command as a process.
pytestmark = pytest.mark.slow


def test_it_says_its_address_and_answers_there(own: Path) -> None:
    port = free_port()
    with server_process(own, port) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == f"http://127.0.0.1:{port}\n"
        assert httpx.get(f"http://127.0.0.1:{port}/healthz").json() == {"status": "ok"}
        # This machine alone can reach it.
        with (
            pytest.raises(OSError, match=r"."),
            socket.create_connection((_own_address(), port), 2),
        ):
            pass


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)]
)
def test_a_signal_ends_it_although_somebody_listens(
    own: Path, number: signal.Signals, status: int
) -> None:
    port = free_port()
    with server_process(own, port) as process:
        with httpx.stream("GET", f"http://127.0.0.1:{port}/api/events/live", timeout=30) as answer:
            assert answer.status_code == 200
            began = time.monotonic()
            process.send_signal(number)
            assert process.wait(20) == status
            assert time.monotonic() - began < 15
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()


def test_an_address_that_others_can_reach_needs_a_token(own: Path, model: HashModel) -> None:
    stopped = threading.Event()
    stopped.set()
    for options in (
        ServeOptions(host="0.0.0.0", port=0),
        ServeOptions(port=0, names=("a.example",)),
    ):
        with pytest.raises(ConfigurationError, match="scenehash serve token add NAME --store"):
            serve(own, model, options, stopped)
    assert run("serve", "token", "add", "anna", "--store", own).exit_code == 0
    lines: list[str] = []
    serve(own, model, ServeOptions(host="0.0.0.0", port=0), stopped, lines.append)
    assert "not encrypted" in lines[1]
    with running(own, model, ServeOptions(host="0.0.0.0", port=0, threads=2)) as (address, _):
        port = address.rpartition(":")[2]
        assert httpx.get(f"http://127.0.0.1:{port}/api/store").status_code == 401


def test_what_cannot_be_is_one_clear_line(own: Path, model: HashModel, tmp_path: Path) -> None:
    taken = socket.create_server(("127.0.0.1", 0))
    port = taken.getsockname()[1]
    with taken, pytest.raises(StoreError, match=rf"127.0.0.1:{port}: cannot listen there"):
        serve(own, model, ServeOptions(port=port))
    with pytest.raises(StoreError, match="cannot listen there"):
        serve(
            own, model, ServeOptions(host="127.0.0.x.invalid", names=(), tokens=_tokens(tmp_path))
        )
    with pytest.raises(StoreError, match="no scenehash store here"):
        serve(tmp_path / "none", model, ServeOptions(port=0))
    with pytest.raises(ConfigurationError, match="--certificate and --key belong together"):
        serve(own, model, ServeOptions(port=0, certificate=tmp_path / "c.pem"))
    (tmp_path / "c.pem").write_text("no certificate")
    with pytest.raises(InputError, match=r"c\.pem: the certificate cannot be used"):
        pair = ServeOptions(port=0, certificate=tmp_path / "c.pem", key=tmp_path / "c.pem")
        serve(own, model, pair)
    with pytest.raises(InputError, match="no folder to keep scenes in"):
        serve(own, model, ServeOptions(port=0, accept=tmp_path / "none"))
    (own / "in").mkdir()
    with pytest.raises(ConfigurationError, match="not inside the store's folder"):
        serve(own, model, ServeOptions(port=0, accept=own / "in"))
    done = run("serve", "--store", tmp_path / "none")
    assert (done.exit_code, done.stderr.count("\n")) == (1, 1)
    assert run("serve").exit_code == 2
    assert run("serve", "token", "add", "a", "--store", tmp_path / "none").exit_code == 1
    assert run("serve", "token", "add", "a", "--scope", "all", "--store", own).exit_code == 2


def _tokens(folder: Path) -> Path:
    from scenehash.serve.tokens import Tokens

    Tokens(folder / "tokens.json").add("a", "read")
    return folder / "tokens.json"


def test_without_the_extra_it_says_what_to_install(
    own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def missing(name: str, *rest: Any, **more: Any) -> Any:
        if name.partition(".")[0] in ("fastapi", "uvicorn", "starlette"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return real(name, *rest, **more)

    for module in [name for name in sys.modules if name.startswith("scenehash.serve")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setattr(builtins, "__import__", missing)
    done = run("serve", "--store", own)
    assert done.exit_code == 1
    assert "pip install '.[serve]'" in done.stderr
    # Tokens need none of it.
    assert run("serve", "token", "add", "a", "--store", own).exit_code == 0


def test_the_commands_start_without_the_server() -> None:
    script = (
        "import sys; from scenehash.cli.main import build_app; build_app();"
        "server = {'fastapi', 'starlette', 'uvicorn', 'anyio'} & set(sys.modules);"
        "own = [name for name in sys.modules if name.startswith('scenehash.serve.')];"
        "print([*server, *own])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    # The command takes its defaults from there; it is light to import.
    assert done.stdout.strip() == "['scenehash.serve.options']"


def test_https_by_files(own: Path, model: HashModel, tmp_path: Path) -> None:
    certificate, key = tmp_path / "c.pem", tmp_path / "k.pem"
    made = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", str(key), "-out", str(certificate)], capture_output=True, check=False,
    )  # fmt: skip
    if made.returncode:
        pytest.skip("no openssl to make a certificate with")
    options = ServeOptions(port=0, threads=2, certificate=certificate, key=key)
    with running(own, model, options) as (address, _):
        assert address.startswith("https://127.0.0.1:")
        trusted = ssl.create_default_context(cafile=str(certificate))
        assert httpx.get(f"{address}/healthz", verify=trusted).status_code == 200
        with pytest.raises(httpx.HTTPError):
            httpx.get(address.replace("https", "http") + "/healthz")


def test_it_starts_and_stops_again_and_again(own: Path, model: HashModel) -> None:
    before = set(threading.enumerate())
    for _ in range(3):
        with running(own, model, ServeOptions(port=0, threads=2)) as (address, _):
            assert httpx.get(f"{address}/healthz").status_code == 200
    wait_for(lambda: all("serve" not in one.name for one in {*threading.enumerate()} - before))


def test_a_token_is_shown_once_and_alone_on_stdout(own: Path) -> None:
    done = run("serve", "token", "add", "anna", "--scope", "confirm", "--store", own)
    token = done.stdout.strip()
    assert token.startswith("scenehash_")
    assert "not shown again" in done.stderr
    listed = json.loads(run("serve", "token", "list", "--store", own, "--json").stdout)["tokens"]
    assert [(one["name"], one["scope"]) for one in listed] == [("anna", "confirm")]


def _own_address() -> str:
    """An address of this machine that is not loopback, or one that nobody has."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            address: str = probe.getsockname()[0]
        except OSError:
            return "192.0.2.1"
    return address
