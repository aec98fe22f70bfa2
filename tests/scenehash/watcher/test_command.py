"""scenehash watch as a process: how it ends, and what it refuses."""

import builtins
import json
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import pytest

from scenehash import CodeStore
from scenehash.watcher.waiting import Notified, Polling
from scenehash.watcher.webhook import GRACE

from ...command_line import COMMAND, run
from ...scenes import draw
from .test_endpoint import BODIES, LATE, Server, Talk, serve
from .test_webhook import Receiver, receiver

# Each starts the command as a process.
pytestmark = pytest.mark.slow


__all__ = ["receiver", "serve"]


def drop(folder: Path, kind: str, seed: int) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / f"{kind}_{seed}.png"
    assert cv2.imwrite(str(path), draw(kind, seed)[:, :, ::-1])
    return path


def until(true: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def watch(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """A watch of in/, which has one scene, that has reported this scene."""
    drop(tmp_path / "in", "harbor", 1)
    where = [str(tmp_path / "in"), "--store", str(tmp_path / "s"), "--settle", "0.2"]
    with subprocess.Popen(
        [*COMMAND, "watch", *where, "--events", str(tmp_path / "e.jsonl"), "--threads", "1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        until(lambda: bool(events(tmp_path)))
        yield process
        process.kill()


def events(root: Path) -> list[dict]:
    path = root / "e.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)]
)
def test_it_sees_changes_and_ends_cleanly(
    watch: "subprocess.Popen[str]", tmp_path: Path, number: signal.Signals, status: int
) -> None:
    scene = drop(tmp_path / "in", "river", 1)
    until(lambda: len(events(tmp_path)) == 2)
    watch.send_signal(number)
    stdout, stderr = watch.communicate(timeout=20)
    assert watch.returncode == status
    assert "Traceback" not in stderr
    assert [json.loads(line)["scene"] for line in stdout.splitlines()][-1] == str(scene)
    with CodeStore.open(tmp_path / "s", writable=True) as store:
        assert store.counts() == (2, 2)
        assert store.verify() == []


def test_a_second_watch_of_a_store_is_refused_and_other_commands_are_not(
    watch: "subprocess.Popen[str]", tmp_path: Path
) -> None:
    assert watch.poll() is None
    second = run("watch", tmp_path / "in", "--store", tmp_path / "s", "--once")
    assert second.exit_code == 1
    assert "another scenehash watch uses this store" in " ".join(second.stderr.split())
    added = run("alert", "add", "quay", "row:0", "--store", tmp_path / "s", "--wait")
    assert added.exit_code == 0, added.stderr
    drop(tmp_path / "in", "harbor", 2)
    until(lambda: len(events(tmp_path)) == 2)
    assert events(tmp_path)[1]["kind"] == "scene"


def test_once_says_by_its_status_that_something_was_set_aside(tmp_path: Path) -> None:
    drop(tmp_path / "in", "beach", 1)
    (tmp_path / "in" / "broken.jpg").write_text("these are words")
    where = (tmp_path / "in", "--store", tmp_path / "s", "--once", "--settle", "0.1")
    first = run("watch", *where)
    assert first.exit_code == 3
    events = [json.loads(line) for line in first.stdout.splitlines()]
    assert sorted(event["kind"] for event in events) == ["scene", "set_aside"]
    again = run("watch", *where)
    assert (again.exit_code, again.stdout) == (0, "")


def test_a_dead_link_is_set_aside_until_its_file_is_there(tmp_path: Path) -> None:
    scene = drop(tmp_path / "elsewhere", "beach", 1)
    scene.rename(tmp_path / "later.png")
    (tmp_path / "in").mkdir()
    link = tmp_path / "in" / "beach.png"
    link.symlink_to(scene)
    where = (tmp_path / "in", "--store", tmp_path / "s", "--once", "--settle", "0.1")
    first = run("watch", *where)
    assert first.exit_code == 3
    event = json.loads(first.stdout)
    assert (event["kind"], event["scene"]) == ("set_aside", str(link))
    assert "No such file" in event["reason"]
    listed = run("quarantine", "list", "--store", tmp_path / "s", "--json").stdout
    assert [item["path"] for item in json.loads(listed)["quarantine"]] == [str(link)]
    assert run("watch", *where).exit_code == 0
    (tmp_path / "later.png").rename(scene)
    again = run("watch", *where)
    assert (again.exit_code, json.loads(again.stdout)["kind"]) == (0, "scene")
    listed = run("quarantine", "list", "--store", tmp_path / "s", "--json").stdout
    assert json.loads(listed)["quarantine"] == []


def test_once_delivers_to_a_webhook_before_it_ends(tmp_path: Path, receiver: Receiver) -> None:
    for seed in range(20):
        drop(tmp_path / "in", "beach", seed)
    where = (tmp_path / "in", "--store", tmp_path / "s", "--once", "--settle", "0.1")
    assert run("watch", *where, "--webhook", receiver.url).exit_code == 0
    assert [body["event"] for _, body in receiver.taken] == list(range(1, 21))
    drop(tmp_path / "in", "river", 1)
    assert run("watch", *where, "--webhook", receiver.url).exit_code == 0
    assert [body["event"] for _, body in receiver.taken] == list(range(1, 22))


@pytest.mark.parametrize("status", [404, 302, 503])
def test_once_fails_when_events_were_not_delivered_and_keeps_them(
    status: int, tmp_path: Path, receiver: Receiver
) -> None:
    for seed in range(3):
        drop(tmp_path / "in", "beach", seed)
    (tmp_path / "in" / "broken.jpg").write_text("these are words")
    where = (tmp_path / "in", "--store", tmp_path / "s", "--once", "--settle", "0.1")
    receiver.statuses = [200] + 20 * [status]
    refused = run("watch", *where, "--webhook", receiver.url)
    assert refused.exit_code == 1
    assert f"HTTP status {status}" in refused.stderr
    assert "not delivered yet: 3 events; the store keeps them" in refused.stderr
    assert len(receiver.taken) == 1
    receiver.statuses = []
    assert run("watch", *where, "--webhook", receiver.url).exit_code == 0
    assert [body["event"] for _, body in receiver.taken] == [1, 2, 3, 4]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("once", "talk"),
    [
        (False, LATE["silent"]),
        (False, BODIES["endless"]),
        (False, BODIES["dripping"]),
        (True, LATE["silent"]),
        (True, LATE["headers that drip"]),
    ],
)
def test_sigterm_waits_for_no_webhook(
    once: bool, talk: Talk, serve: Callable[[Talk], Server], tmp_path: Path
) -> None:
    for seed in range(9):
        drop(tmp_path / "in", "harbor", seed)
    server = serve(talk)
    words = ["watch", str(tmp_path / "in"), "--store", str(tmp_path / "s"), "--settle", "0.1"]
    url = server.url.replace("//", "//me:hidden@") + "?key=hidden"
    with subprocess.Popen(
        [*COMMAND, *words, "--webhook", url, *["--once"] * once],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        until(lambda: bool(server.requests))
        time.sleep(0.5)
        started = time.monotonic()
        process.send_signal(signal.SIGTERM)
        _, stderr = process.communicate(timeout=30)
    assert time.monotonic() - started < 2 * GRACE + 4
    assert process.returncode == 143
    assert "Traceback" not in stderr
    kept = b"".join(one.read_bytes() for one in (tmp_path / "s").iterdir() if one.is_file())
    assert b"webhook http://***@127.0.0.1" in kept
    assert b"hidden" not in kept
    assert "hidden" not in stderr


def test_secrets_of_a_webhook_are_not_printed(tmp_path: Path) -> None:
    drop(tmp_path / "in", "harbor", 1)
    words = ["watch", tmp_path / "in", "--store", tmp_path / "s", "--once", "--settle", "0.1"]
    nobody = "http://me:hidden@127.0.0.1:9/a/hidden?key=hidden"
    for url in (nobody, "ftp://me:hidden@host", "http://me:hidden@ho st/"):
        for done in (
            run(*words, "--webhook", url),
            run(*words, env={"SCENEHASH_WEBHOOK": url}),
        ):
            assert "webhook" in done.output
            assert "hidden" not in done.output
    assert "http://***@127.0.0.1:9/*** (" in run(*words, "--webhook", nobody).stderr


def test_marks_and_polling(tmp_path: Path) -> None:
    marked = drop(tmp_path / "in", "beach", 1)
    drop(tmp_path / "in", "beach", 2)
    Path(f"{marked}.done").touch()
    where = (tmp_path / "in", "--store", tmp_path / "s", "--once", "--settle", "0.1")
    lines = run("watch", *where, "--done-mark", "--poll").stdout.splitlines()
    assert [json.loads(line)["scene"] for line in lines] == [str(marked)]
    assert len(run("watch", *where, "--poll").stdout.splitlines()) == 1


def test_without_watchfiles_it_polls_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = builtins.__import__

    def without(name: str, *rest: Any) -> object:
        if name == "watchfiles":
            raise ImportError(name)
        return load(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    drop(tmp_path / "in", "beach", 1)
    done = run("watch", tmp_path / "in", "--store", tmp_path / "s", "--once", "--settle", "0.1")
    assert len(done.stdout.splitlines()) == 1
    assert "its extra watch" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        ("{in} --events {s}/e.jsonl", 1, "not inside the store"),
        ("{in} --events /proc/e.jsonl", 1, "events cannot be written there"),
        ("{in} --webhook station:80", 1, "not a URL"),
        ("{in} --per pixel", 2, "'pixel'"),
        ("{in} --max-backlog 0", 2, "--max-backlog"),
        ("{in} --tile many", 2, "--tile many"),
        ("{nowhere}", 2, "does not exist"),
    ],
)
def test_bad_input_is_one_clear_line(
    tmp_path: Path, arguments: str, status: int, said: str
) -> None:
    (tmp_path / "in").mkdir()
    names = {name: str(tmp_path / name) for name in ("in", "s", "nowhere")}
    words = [word.format_map(names) for word in arguments.split()]
    result = run("watch", *words, "--store", tmp_path / "s", "--once")
    assert result.exit_code == status, result.stderr
    assert said in " ".join(result.stderr.replace("│", " ").split())


def test_a_change_ends_the_wait_and_so_does_a_stop(tmp_path: Path) -> None:
    stop = threading.Event()
    notified = Notified([tmp_path], 20, stop, print)
    changing = threading.Timer(0.5, (tmp_path / "a.png").touch)
    started = time.monotonic()
    changing.start()
    assert notified.wait() is True
    stop.set()
    assert notified.wait() is False
    Polling(20, stop).wait()
    assert time.monotonic() - started < 10


def test_what_changes_before_the_first_wait_is_not_missed(tmp_path: Path) -> None:
    notified = Notified([tmp_path], 0.1, threading.Event(), print)
    (tmp_path / "a.png").touch()
    assert notified.wait() is True
    assert notified.wait() is False


@pytest.mark.parametrize("seen_gone", [True, False])
def test_a_folder_that_is_removed_and_made_again_is_watched_again(
    seen_gone: bool, tmp_path: Path
) -> None:
    folder, other = tmp_path / "in", tmp_path / "other"
    folder.mkdir()
    other.mkdir()
    notified = Notified([folder, other], 0.1, threading.Event(), print)

    def quiet() -> None:
        deadline = time.monotonic() + 20
        while notified.wait():
            assert time.monotonic() < deadline

    quiet()
    folder.rmdir()
    if seen_gone:
        quiet()
    folder.mkdir()
    assert notified.wait() is True
    quiet()
    changing = threading.Timer(0.3, (folder / "a.png").touch)
    changing.start()
    until(notified.wait)
    quiet()
    (other / "b.png").touch()
    until(notified.wait)


def test_where_the_system_refuses_notifications_folders_are_polled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged: list[str] = []
    notified = Notified([tmp_path], 0.1, threading.Event(), logged.append)

    def refuse(*_: object, **__: object) -> Iterator[object]:
        raise OSError("OS file watch limit reached")
        yield

    monkeypatch.setattr(notified, "_watch", refuse)
    assert [notified.wait() for _ in range(3)] == [True] * 3
    (line,) = logged
    assert "file watch limit" in line
