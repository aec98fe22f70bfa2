"""Files and entries that a watch reads back, damaged or made by somebody else, end nothing badly.

Inputs are drawn by seeds. SCENEHASH_FUZZ=100 makes it a hundred times as long.
"""

import contextlib
import itertools
import json
import os
import random
import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from scenehash import CodeStore
from scenehash.cli.main import build_app
from scenehash.errors import InputError, StoreDamagedError
from scenehash.store import Alert
from scenehash.watcher.event_file import LONGEST_LINE, EventFile
from scenehash.watcher.events import LARGEST_NUMBER, number_of, numbered
from scenehash.watcher.sinks import Event, pending_events

from ..store.samples import make

STORE = "5" * 32
LENGTH = int(os.environ.get("SCENEHASH_FUZZ", "1"))
ODD_NUMBERS: list[object] = [
    0,
    -1,
    True,
    2**53,
    2**63,
    10**30,
    1.5,
    float("nan"),
    None,
    "7",
    [7],
    {},
]


def event(number: int) -> Event:
    return Event(number, numbered(number, json.dumps({"kind": "scene", "x": "é" * number}), STORE))


def mutate(draw: random.Random, data: bytes) -> bytes:
    """Some bytes changed, cut, doubled, or put in."""
    spoilt = bytearray(data)
    for _ in range(draw.randrange(1, 6)):
        at = draw.randrange(len(spoilt) + 1)
        match draw.randrange(6):
            case 0:
                del spoilt[at:]
            case 1:
                spoilt[at:at] = draw.randbytes(draw.randrange(1, 40))
            case 2:
                spoilt[at : at + 1] = draw.choice(
                    [b"\0", b"\n", b"\xff", b"[", b"{", b'"', b"\x1b"]
                )
            case 3:
                spoilt[at:at] = b"[" * draw.choice([10, 3000])
            case 4:
                spoilt[at:at] = spoilt[: draw.randrange(len(spoilt) + 1)]
            case _:
                del spoilt[at : at + draw.randrange(1, 40)]
    return bytes(spoilt)


@pytest.mark.slow
def test_a_damaged_events_file_is_gone_on_with_or_refused_and_nothing_in_it_is_lost(
    tmp_path: Path,
) -> None:
    whole = b"".join(event(number).line.encode() + b"\n" for number in range(1, 9))
    refused = 0
    for seed in range(400 * LENGTH):
        draw = random.Random(seed)
        path, data = tmp_path / f"{seed}.jsonl", mutate(draw, whole)
        path.write_bytes(data)
        if draw.random() < 0.5:
            (tmp_path / f"{seed}.jsonl.1").write_bytes(mutate(draw, whole))
        try:
            file = EventFile(path, STORE, lambda _: 2, 100_000, 9)
        except InputError:
            refused += 1
            assert path.read_bytes() == data
            continue
        assert 2 <= file.delivered <= LARGEST_NUMBER
        # Whole lines stay as they were, whatever is in them; the rest is cut off.
        kept = data[: data.rfind(b"\n") + 1]
        file.deliver([event(file.delivered + 1)] if file.delivered < 1000 else [])
        file.close()
        assert path.read_bytes().startswith(kept)
    assert 0 < refused < 400 * LENGTH


@pytest.mark.parametrize(
    "content",
    [b"II*\0 a picture", b"just words\n", b"\xff" * 100_000, b"\n", b'{"kind": "mine"}\n'],
    ids=["picture", "words", "no line", "empty line", "other JSON"],
)
def test_a_file_that_is_no_file_of_events_is_not_touched(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "mine"
    path.write_bytes(content)
    with pytest.raises(InputError, match="not a file of events"):
        EventFile(path, STORE, lambda _: 0, 1000, 9)
    assert path.read_bytes() == content


@pytest.mark.parametrize("make_it", [Path.mkdir, os.mkfifo], ids=["folder", "pipe"])
def test_what_is_no_regular_file_is_refused_at_once(
    make_it: Callable[[Path], None], tmp_path: Path
) -> None:
    make_it(tmp_path / "e")
    with pytest.raises(InputError, match="regular file"):
        EventFile(tmp_path / "e", STORE, lambda _: 0, 1000, 9)


def test_what_is_beside_an_events_file_is_rotated_only_when_it_is_ours(tmp_path: Path) -> None:
    path = tmp_path / "e[1].jsonl"
    strangers = ["e[1].jsonl.20261124", "e[1].jsonl.01", "e[1].jsonl.x", "e1.jsonl.1",
                 "e[1].jsonl.\u0663", "e[1].jsonl.99999999999999999999"]  # fmt: skip
    for name in strangers:
        (tmp_path / name).write_text("mine")
    os.mkfifo(tmp_path / "e[1].jsonl.7")
    file = EventFile(path, STORE, lambda _: 0, 200, 3)
    file.deliver([event(number) for number in range(1, 30)])
    file.close()
    assert all((tmp_path / name).read_text() == "mine" for name in strangers)
    ours = sorted({one.name for one in tmp_path.iterdir()} - set(strangers))
    assert ours == ["e[1].jsonl", *(f"e[1].jsonl.{number}" for number in (1, 2, 3, 7))]


def test_a_line_of_any_length_takes_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "e.jsonl"
    with path.open("wb") as file:
        file.write(event(1).line.encode() + b"\n" + b'{"event": 2, "x": "')
        file.truncate(40 * LONGEST_LINE)
        file.seek(0, os.SEEK_END)
        file.write(b'"}\n')
    found = EventFile(path, STORE, lambda _: 5, 10**12, 9)
    assert found.delivered == 5
    found.close()


@pytest.mark.parametrize("number", ODD_NUMBERS, ids=map(repr, ODD_NUMBERS))
def test_a_number_that_no_event_can_have_is_none(number: object) -> None:
    assert number_of(json.dumps({"event": number, "store": STORE}), STORE) is None


def test_a_number_is_read_from_a_line_or_there_is_none() -> None:
    line = event(7).line
    assert number_of(line, STORE) == 7
    assert number_of("[" * 100_000, STORE) is None
    assert number_of('{"event": ' + "9" * 10_000 + "}", STORE) is None
    for seed in range(2000 * LENGTH):
        spoilt = mutate(random.Random(seed), line.encode()).decode(errors="replace")
        found = number_of(spoilt, STORE)
        assert found is None or 0 < found <= LARGEST_NUMBER


# What a damaged or hostile catalog may have in a column.
VALUES: list[object] = [
    None,
    -1,
    0,
    2**63 - 1,
    0.5,
    float("inf"),
    "",
    "9",
    "[" * 100_000,
    '["a", 1, null]',
    "[]",
    "{}",
    "\x1b[31m",
    b"",
    b"\xff" * 7,
    b"\xff" * 64,
]


def spoil(store: Path, table: str, changes: dict[str, object]) -> bool:
    """Write values into the first entry of a table; whether its columns took them."""
    for side in ("-wal", "-shm"):
        (store / f"catalog.sqlite{side}").unlink(missing_ok=True)
    with contextlib.closing(sqlite3.connect(store / "catalog.sqlite")) as connection, connection:
        for column, value in changes.items():
            try:
                connection.execute(f"UPDATE {table} SET {column} = ?", (value,))
            except sqlite3.IntegrityError:
                return False
    return True


@pytest.fixture
def store(tmp_path: Path) -> Path:
    with make(tmp_path / "s", 3) as opened:
        code = np.zeros((1, 8), np.uint8)
        opened.alerts.add(Alert("quay", 8, code, code[:0], ("a.png",)))
        opened.outbox.note([json.dumps({"kind": "scene"})])
        opened.outbox.deliver({"stdout": 0}, 10)
    return tmp_path / "s"


def test_a_damaged_alert_is_named_and_never_used(store: Path) -> None:
    sound = (store / "catalog.sqlite").read_bytes()
    columns = ["name", "radius", "examples", "negatives", "sources", "seal"]
    for column, value in itertools.product(columns, VALUES):
        (store / "catalog.sqlite").write_bytes(sound)
        if not spoil(store, "alert", {column: value}):
            continue
        with CodeStore.open(store) as opened:
            if (column, value) == ("negatives", b""):
                assert len(opened.alerts.list()) == 1
                continue
            with pytest.raises(StoreDamagedError):
                opened.alerts.list()
            assert opened.verify()


def test_an_alert_that_makes_no_sense_is_damaged_though_its_checksum_is_right(store: Path) -> None:
    code = np.zeros((1, 8), np.uint8)
    sound = (store / "catalog.sqlite").read_bytes()
    for alert in (
        Alert("quay", -1, code, code[:0], ("a.png",)),
        Alert("quay", 8, code[:0], code, ("a.png",)),
        Alert("quay", 8, code, code[:0], ()),
        Alert("quay", 8, code, code[:0], (7,)),  # type: ignore[arg-type]
        Alert("quay", "8", code, code[:0], ("a.png",)),  # type: ignore[arg-type]
    ):
        (store / "catalog.sqlite").write_bytes(sound)
        changes = {
            "radius": alert.radius,
            "examples": alert.examples.tobytes(),
            "negatives": alert.negatives.tobytes(),
            "sources": json.dumps(alert.sources),
            "seal": alert.checksum(),
        }
        assert spoil(store, "alert", changes)
        with CodeStore.open(store) as opened, pytest.raises(StoreDamagedError):
            opened.alerts.list()


@pytest.mark.parametrize("value", VALUES, ids=range(len(VALUES)))
def test_commands_name_a_damaged_alert_in_one_line(value: object, store: Path) -> None:
    if not spoil(store, "alert", {"sources": value}):
        return
    for words in (["list"], ["tune", "quay"]):
        done = CliRunner().invoke(build_app(), ["alert", *words, "--store", str(store)])
        assert done.exit_code == 1, done.output
        assert "damaged" in done.stderr
        assert "unexpected" not in done.stderr


def test_a_damaged_event_is_delivered_as_that(store: Path) -> None:
    sound = (store / "catalog.sqlite").read_bytes()
    for column, value in itertools.product(["body", "seal"], VALUES):
        (store / "catalog.sqlite").write_bytes(sound)
        if spoil(store, "outbox", {column: value}):
            with CodeStore.open(store) as opened:
                (found,) = pending_events(opened, opened.uuid, 0)
            document = json.loads(found.line)
            assert (document["event"], document["kind"]) == (1, "damaged")
