"""What all commands share: help texts, errors, signals, names on the terminal, the store's name."""

import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main
from typer.testing import Result

from scenehash import CodeStore
from scenehash.cli import main as cli
from scenehash.cli.console import counted
from scenehash.cli.interrupts import Interrupted, interruptible, stopping
from scenehash.cli.main import build_app
from scenehash.report.contact_sheet import write_picture

from ...command_line import COMMAND, run
from ...scenes import draw
from ..store.samples import make, scene

ROOT = Path(__file__).parents[3]
ESCAPE = "\x1b[31mred\x07"


def commands() -> Iterator[tuple[str, Any]]:
    """Each command with its name, such as "store info"."""

    def walk(group: Any, name: str) -> Iterator[tuple[str, Any]]:
        for word, command in group.commands.items():
            path = f"{name} {word}".strip()
            if hasattr(command, "commands"):
                # One that does something by itself, too.
                if command.invoke_without_command:
                    yield path, command
                yield from walk(command, path)
            else:
                yield path, command

    return walk(typer.main.get_command(build_app()), "")


COMMANDS = dict(commands())


def test_there_are_the_commands_that_are_known_of() -> None:
    assert len(COMMANDS) > 20
    assert {
        "ingest",
        "search",
        "watch",
        "store info",
        "alert add",
        "serve",
        "serve token add",
        "train",
    } <= COMMANDS.keys()


@pytest.mark.parametrize(
    "group", ["", *sorted({name.split()[0] for name in COMMANDS if " " in name})]
)
def test_a_list_of_commands_cuts_no_line(group: str) -> None:
    lines = run(*group.split(), "--help").stdout.splitlines()
    assert len(lines) > 8
    assert [line for line in lines if line.endswith("...") and "Usage" not in line] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_says_what_it_does_and_with_each_option(name: str) -> None:
    command = COMMANDS[name]
    for paragraph in (command.help or "").split("\n\n"):
        assert re.fullmatch(r"[A-Z0-9].*\.", " ".join(paragraph.split())), paragraph
    for option in command.params:
        if option.name != "help":
            assert re.match(r"[A-Z].*\.$", option.help or ""), (
                f"{name} {option.name}: {option.help}"
            )


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_marks_what_may_be_given_several_times(name: str) -> None:
    usage, *lines = run(*name.split(), "--help").stdout.splitlines()
    assert not re.search(r"\.{4}|\[\[", usage), usage
    assert [line for line in lines if line.lstrip().startswith("[[")] == []
    for option in COMMANDS[name].params:
        if option.param_type_name == "option":
            assert option.multiple == ("may be repeated" in (option.help or "")), option.name


def test_the_help_of_archive_hash_has_words_of_its_own_for_the_options_of_ingest() -> None:
    assert "new store" in run("ingest", "--help").stdout
    assert "store" not in run("archive", "hash", "--help").stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_a_default_stands_in_brackets(name: str) -> None:
    assert [one.name for one in COMMANDS[name].params if "(default" in (one.help or "")] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_has_examples_that_name_options_it_has(name: str) -> None:
    command = COMMANDS[name]
    title, *lines = (command.epilog or "").removeprefix("\b\n").splitlines()
    assert title == "Examples:"
    assert 1 <= len(lines) <= 6
    known = {flag for option in command.params for flag in (*option.opts, *option.secondary_opts)}
    for line in lines:
        assert line.strip().startswith(f"scenehash {name}"), line
        assert len(line) <= 78
        given = {word for word in line.split() if re.match(r"--?[a-z]", word)}
        assert given <= known, given - known


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_stands_in_the_documentation(name: str) -> None:
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    assert any(f"scenehash {name}" in page.read_text(encoding="utf-8") for page in pages)


@pytest.mark.parametrize(
    "name", ["", "store", "alert", "quarantine", "serve token", "data", *COMMANDS]
)
def test_help_fits_80_columns_and_cuts_nothing(name: str) -> None:
    shown = run(*name.split(), "-h", env={"COLUMNS": "80"}, terminal_width=80)
    assert shown.exit_code == 0
    for line in shown.stdout.splitlines():
        assert len(line) <= 80
        assert not line.endswith("...") or line.startswith("Usage: "), line
        assert not re.search(r"<\w|<=|\{", line), line
    assert shown.stdout == run(*name.split(), "--help", terminal_width=80).stdout


def test_help_imports_nothing_that_takes_long() -> None:
    """The numbers are in benchmarks/cold_start.py; half of them are imports that help can miss."""
    script = "import sys; from scenehash.cli.main import build_app; build_app()(['--help'], "
    script += "standalone_mode=False); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    imported = {name.split(".")[0] for name in done.stdout.decode().splitlines()[-1].split()}
    assert "typer" in imported
    slow = {"numpy", "cv2", "onnxruntime", "pydantic", "rasterio", "torch", "numba", "fastapi"}
    assert not imported & slow


def test_a_shell_completes_commands() -> None:
    assert "--install-completion" in run("--help").stdout
    words = {"COMP_WORDS": "scenehash store ver", "COMP_CWORD": "2"}
    environment = os.environ | words | {"_SCENEHASH_COMPLETE": "complete_bash"}
    done = subprocess.run(COMMAND, capture_output=True, text=True, env=environment)
    assert done.stdout.split() == ["verify"]


# Errors


@pytest.mark.parametrize(
    ("line", "status", "kind"),
    [
        ("nosuch", 2, "UsageError"),
        ("search", 2, "UsageError"),
        ("store info", 2, "UsageError"),
        ("search a.png --store {nowhere} -k 0", 2, "UsageError"),
        ("store info {nowhere}", 1, "StoreError"),
        ("alert list --store {nowhere}", 1, "StoreError"),
    ],
)
def test_an_error_is_one_line_and_one_document_with_json(
    line: str, status: int, kind: str, tmp_path: Path
) -> None:
    words = line.format(nowhere=tmp_path / "no").split()
    plain, as_json = run(*words), run(*words, "--json")
    assert (plain.exit_code, as_json.exit_code) == (status, status)
    assert plain.stdout == ""
    (error,) = plain.stderr.splitlines()
    assert error.startswith("error: ")
    document = json.loads(as_json.stdout)["error"]
    assert (document["type"], document["exit_status"]) == (kind, status)
    assert error == f"error: {document['message']}"


@pytest.mark.parametrize("words", [("", "--store", "s"), (".", "--store", ""), (".", "--store=")])
def test_an_empty_argument_is_no_path(
    words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As of "$FOLDER" that is not set: the folder that one is in would be ingested.
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.png").write_bytes(b"")
    result = run("ingest", *words)
    assert (result.exit_code, [*tmp_path.iterdir()]) == (2, [tmp_path / "a.png"])
    assert "an argument is empty, as of a variable that is not set" in result.stderr


def test_a_word_behind_two_dashes_is_no_option() -> None:
    found = run("store", "info", "--", "--json")
    assert (found.exit_code, found.stdout) == (1, "")


def test_what_only_posix_has_is_named(tmp_path: Path) -> None:
    script = "import sys; sys.modules['fcntl'] = None; from scenehash.cli.main import main; main()"
    words = ["store", "info", str(tmp_path)]
    done = subprocess.run([sys.executable, "-c", script, *words], capture_output=True, text=True)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "Linux or macOS" in line


# Names


@pytest.fixture(scope="module")
def ingested(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A store of scenes whose paths, labels and reasons hold escape codes; and their folder."""
    place = tmp_path_factory.mktemp("hostile")
    folder = place / f"in {ESCAPE}"
    folder.mkdir()
    for seed in range(2):
        write_picture(folder / f"{seed}{ESCAPE}\n.png", draw("harbor", seed))
    (folder / f"bad{ESCAPE}.png").write_bytes(b"no image")
    store = place / "s"
    done = run("ingest", folder, "--store", store, "--label", ESCAPE, "--list")
    assert done.exit_code == 3, done.output
    assert not unsafe(done)
    return store, folder


@pytest.fixture
def hostile(ingested: tuple[Path, Path], tmp_path: Path) -> tuple[Path, Path]:
    """A copy of that store, and the folder."""
    store, folder = ingested
    return Path(shutil.copytree(store, tmp_path / "s")), folder


def unsafe(done: Result) -> set[str]:
    return set(re.findall(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", done.stdout + done.stderr))


@pytest.mark.parametrize(
    "line",
    [
        "search row:0 --store {store}",
        "search row:0 --store {store} --sheet {store}/{escape}/a.png",
        "search {folder}/no --store {store}",
        "store delete {store} --label {escape} --dry-run",
        "store info {folder}",
        "store verify {store}",
        "quarantine list --store {store}",
        "quarantine retry --store {store}",
        "tiles {folder}",
        "alert add {escape} row:0 --store {store}",
        "alert remove {escape} --store {store}",
        "alert tune {escape} --store {store}",
        "watch {folder} --store {store} --once --settle 0",
        "watch {escape} --store {store}",
        "watch {folder} --store {store} --once --webhook {escape}",
        "doctor --model {escape}",
        "bench --compare {escape} {escape}",
        "no{escape}",
        "search --no{escape}",
    ],
)
def test_no_name_reaches_the_terminal_unprintable(line: str, hostile: tuple[Path, Path]) -> None:
    store, folder = hostile
    words = [word.format(store=store, folder=folder, escape=ESCAPE) for word in line.split()]
    done = run(*words)
    assert done.output
    assert not unsafe(done), done.output


def test_a_name_that_is_no_text_is_printed(tmp_path: Path) -> None:
    name = os.fsdecode(b"\xff.png")
    (tmp_path / "in").mkdir()
    write_picture(tmp_path / "in" / "a.png", draw("harbor", 1))
    (tmp_path / "in" / "a.png").rename(tmp_path / "in" / name)
    environment = os.environ | {"PYTHONUTF8": "0", "LC_ALL": "C"}
    for word in (name, str(tmp_path / "in" / "märz.png")):
        done = subprocess.run(
            [*COMMAND, "search", word, "--store", "/nowhere"],
            capture_output=True,
            env=environment,
        )
        assert done.returncode == 1
        assert done.stderr.startswith(b"error: ")
        assert len(done.stderr.splitlines()) == 1


def test_counts_are_words_that_agree() -> None:
    assert [counted(number, "tile") for number in (0, 1, 2, 2000)] == [
        "0 tiles",
        "1 tile",
        "2 tiles",
        "2,000 tiles",
    ]


# Signals


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_ends_a_command_cleanly(
    number: signal.Signals, status: int, tmp_path: Path
) -> None:
    """An ingest that waits for the store: whatever it does then, one line, and the status."""
    make(tmp_path / "s").close()
    holding = CodeStore.open(tmp_path / "s", writable=True)
    words = ["store", "compact", str(tmp_path / "s"), "--wait", "--json"]
    with (
        holding,
        subprocess.Popen(
            [*COMMAND, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process,
    ):
        wait_until_blocked(process)
        process.send_signal(number)
        stdout, stderr = process.communicate(timeout=20)
    assert process.returncode == status
    (line,) = stderr.splitlines()
    assert line == "interrupted"  # nothing is kept of a compaction that is not done
    assert json.loads(stdout)["error"] == {
        "type": "Interrupted",
        "message": line,
        "exit_status": status,
    }


def test_a_command_that_is_called_is_the_one_that_is_loaded() -> None:
    """Words that name none, such as a mistake or --help, load all: for them to be listed.

    And the garbage collector lets be what was loaded.
    """
    script = (
        "import gc, sys; sys.argv[1:] = ['--debug', 'store', 'info', '--help']\n"
        "from scenehash.cli.main import COMMANDS, main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print([name for name in COMMANDS if f'scenehash.cli.{name}' in sys.modules])\n"
        "print(gc.get_freeze_count() > len(gc.get_objects()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-2:] == ["['store']", "True"]
    whole = commands_of(None)
    for name in cli.COMMANDS:
        assert name in commands_of(name)
    assert commands_of("sear") == whole
    assert set(whole) >= set(cli.COMMANDS)


def commands_of(called: str | None) -> list[str]:
    group: Any = typer.main.get_command(build_app(called))
    return list(group.commands)


@pytest.mark.parametrize("when", ["before", "after"])
def test_ctrl_c_outside_a_command_prints_no_traceback(when: str) -> None:
    """While the commands are put together, and while Python ends."""
    program = (
        "import atexit, time; from scenehash.cli import main as cli\n"
        "def wait(*_): print('now', flush=True); time.sleep(60)\n"
    ) + {
        "before": "cli.build_app = wait; cli.main()",
        "after": "atexit.register(wait); import sys; sys.argv[1:] = ['--version']; cli.main()",
    }[when]
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A test that runs in the background has inherited that it is ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as process:
        assert process.stdout is not None
        while process.stdout.readline() != "now\n":
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=20)
    assert process.returncode == -signal.SIGINT
    assert stderr == ""


def wait_until_blocked(process: "subprocess.Popen[str]") -> None:
    """Until a process waits for a lock, as /proc has it."""
    deadline = time.monotonic() + 30
    while "flock" not in Path(f"/proc/{process.pid}/wchan").read_text():
        if Path(f"/proc/{process.pid}/wchan").read_text() in ("0", ""):
            time.sleep(3)  # a kernel that does not say
            return
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.slow
def test_a_terminal_that_closes_ends_a_command_without_a_traceback(tmp_path: Path) -> None:
    make(tmp_path / "s").close()
    log = tmp_path / "log"
    words = ["store", "compact", str(tmp_path / "s"), "--wait"]
    ours, theirs = pty.openpty()
    with CodeStore.open(tmp_path / "s", writable=True):
        process = subprocess.Popen(
            ["setsid", "--ctty", *COMMAND, *words], stdin=theirs, stdout=theirs, stderr=theirs
        )
        os.close(theirs)
        time.sleep(3)
        os.close(ours)
        assert process.wait(20) == 129
    assert not log.exists()


def test_what_is_ignored_from_the_start_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with interruptible(), stopping() as stop:
            os.kill(os.getpid(), signal.SIGHUP)
            assert not stop.asked.is_set()
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.fixture
def heard() -> Iterator[None]:
    """Ctrl-C is not ignored, as it is where the tests run in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heard")
def test_the_first_signal_asks_and_the_second_ends() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(Interrupted) as raised, stopping() as stop:
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.asked.wait(5)
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(5)
    assert raised.value.number == signal.SIGINT
    with pytest.raises(Interrupted):
        stop.raise_if_asked()
    assert signal.getsignal(signal.SIGTERM) == before


# The store's name, and deleting


@pytest.fixture
def store(tmp_path: Path) -> Path:
    with make(tmp_path / "s") as opened:
        opened.add([scene(number, 2) for number in range(3)])
    return tmp_path / "s"


@pytest.mark.parametrize(
    "words",
    [
        ("info",),
        ("verify",),
        ("delete", "--newer-than", 1, "--dry-run"),
        ("compact",),
        ("index",),
        ("export", "--out", "{out}"),
        ("thumbnails", "--remove"),
        ("merge", "{other}"),
    ],
)
def test_a_store_is_named_in_three_ways(
    words: tuple[str, ...], store: Path, tmp_path: Path
) -> None:
    with make(tmp_path / "other") as other:
        other.add([scene(9, 1)])
    name, *rest = (
        str(word).format(out=tmp_path / "a.npz", other=tmp_path / "other") for word in words
    )
    ways: list[tuple[list[object], dict[str, str]]] = [
        ([name, store, *rest], {}),
        ([name, *rest, "--store", store], {}),
        ([name, *rest], {"SCENEHASH_STORE": str(store)}),
        ([name, store, *rest], {"SCENEHASH_STORE": "/nowhere"}),
        ([name, *rest, "--store", store], {"SCENEHASH_STORE": "/nowhere"}),
    ]
    for arguments, environment in ways:
        done = run("store", *arguments, "--json", env=environment)
        assert done.exit_code == 0, done.output
        assert json.loads(done.stdout)["store"] == str(store)
    twice = run("store", name, store, *rest, "--store", tmp_path / "t")
    none = run("store", name, *rest)
    for done in (twice, none):
        assert done.exit_code == 2
        assert "which store?" in done.stderr


def on_a_terminal(*arguments: object, answer: str) -> tuple[int, str]:
    """A command on a terminal, where somebody types an answer: its status, and what it shows."""
    ours, theirs = pty.openpty()
    command = [*COMMAND, *(str(argument) for argument in arguments)]
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    os.write(ours, answer.encode())
    shown = b""
    while True:
        try:
            some = os.read(ours, 4096)
        except OSError:
            break
        if not some:
            break
        shown += some
    os.close(ours)
    return process.wait(30), shown.decode()


@pytest.mark.parametrize(
    ("options", "answer", "status", "left"),
    [
        ((), "n\n", 1, 3),
        ((), "\n", 1, 3),
        ((), "y\n", 0, 2),
        (("--yes",), "", 0, 2),
        (("--dry-run",), "", 0, 3),
    ],
)
def test_delete_asks_on_a_terminal(
    options: tuple[str, ...], answer: str, status: int, left: int, store: Path
) -> None:
    words = ("store", "delete", store, "--newer-than", 3, *options)
    found, shown = on_a_terminal(*words, answer=answer)
    assert found == status, shown
    assert ("Delete 1 scene from" in shown) == bool(answer)
    with CodeStore.open(store) as opened:
        assert opened.counts()[0] == left


def test_delete_deletes_nothing_that_was_not_shown(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def confirm(_: Path, shown: list[str]) -> None:
        assert len(shown) == 1
        with CodeStore.open(store, writable=True) as opened:
            opened.add([scene(77)])

    monkeypatch.setattr("scenehash.cli.store._confirm", confirm)
    monkeypatch.setattr("scenehash.cli.store._is_on_terminal", lambda: True)
    refused = run("store", "delete", store, "--newer-than", 3)
    assert refused.exit_code == 1
    assert "nothing was deleted" in " ".join(refused.stderr.split())
    with CodeStore.open(store) as opened:
        assert opened.counts()[0] == 4


def test_delete_does_not_ask_where_nobody_can_answer(store: Path) -> None:
    assert run("store", "delete", store, "--newer-than", 3).exit_code == 0
