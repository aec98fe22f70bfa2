"""Each event stands in the file once, whenever the process ends and wherever the file is cut."""

import json
import random
from pathlib import Path

import pytest

from scenehash.watcher.event_file import EventFile
from scenehash.watcher.events import numbered
from scenehash.watcher.sinks import Event

STORE = "5" * 32


def event(number: int) -> Event:
    return Event(number, numbered(number, json.dumps({"kind": "scene", "x": "y" * number}), STORE))


def opened(path: Path, rotate_bytes: int = 1000, keep: int = 100, known: int = 0) -> EventFile:
    return EventFile(path, STORE, lambda _: known, rotate_bytes, keep)


def deliver(file: EventFile, last: int) -> None:
    """What a watch does: deliver what the file does not have, up to a last event."""
    events = [event(number) for number in range(file.delivered + 1, last + 1)]
    if events:
        file.deliver(events)


def numbers(path: Path) -> list[int]:
    """The events in all files, from the oldest on."""
    files = sorted(path.parent.glob(f"{path.name}.*"), key=lambda one: -int(one.suffix[1:]))
    lines = [line for one in (*files, path) for line in one.read_text().splitlines()]
    return [json.loads(line)["event"] for line in lines]


def test_events_are_lines_of_json(tmp_path: Path) -> None:
    file = opened(tmp_path / "new" / "e.jsonl")
    deliver(file, 3)
    assert file.delivered == 3
    lines = (tmp_path / "new" / "e.jsonl").read_text().splitlines()
    assert [json.loads(line)["event"] for line in lines] == [1, 2, 3]
    assert json.loads(lines[0])["store"] == STORE


def test_files_rotate_before_they_are_too_large_and_the_oldest_go(tmp_path: Path) -> None:
    path = tmp_path / "e.jsonl"
    file = opened(path, rotate_bytes=1000, keep=3)
    for number in range(1, 101):
        deliver(file, number)
    file.close()
    kept = sorted(one.name for one in tmp_path.iterdir())
    assert kept == ["e.jsonl", "e.jsonl.1", "e.jsonl.2", "e.jsonl.3"]
    assert all(one.stat().st_size <= 1000 for one in tmp_path.iterdir())
    there = numbers(path)
    assert there == list(range(there[0], 101))


def test_an_event_larger_than_a_file_may_be_gets_one_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "e.jsonl"
    file = opened(path, rotate_bytes=100)
    deliver(file, 3)
    assert numbers(path) == [1, 2, 3]


def test_cut_anywhere_and_opened_again_each_event_stands_there_once(tmp_path: Path) -> None:
    draw = random.Random(1)
    path, last = tmp_path / "e.jsonl", 0
    for _ in range(60):
        file = opened(path, rotate_bytes=2000)
        last += draw.randrange(4)
        deliver(file, last)
        file.close()
        # A kill or a power cut: the end of the file is missing, or is not what was written.
        data = path.read_bytes()
        cut = draw.randrange(max(0, len(data) - 300), len(data) + 1)
        path.write_bytes(data[:cut] + draw.choice([b"", b"\0" * 40, b'{"event": 9']))
    deliver(opened(path, rotate_bytes=2000), last)
    assert numbers(path) == list(range(1, last + 1))


def test_killed_between_renaming_and_making_a_new_file_nothing_is_delivered_twice(
    tmp_path: Path,
) -> None:
    path = tmp_path / "e.jsonl"
    file = opened(path)
    deliver(file, 5)
    file.close()
    path.rename(tmp_path / "e.jsonl.1")
    file = opened(path)
    assert file.delivered == 5
    deliver(file, 6)
    assert numbers(path) == [1, 2, 3, 4, 5, 6]


def test_a_file_of_another_store_is_gone_on_with_from_what_the_store_remembers(
    tmp_path: Path,
) -> None:
    path = tmp_path / "e.jsonl"
    path.write_text('{"event": 900, "store": "another", "kind": "scene"}\n')
    file = opened(path, known=2)
    assert file.delivered == 2
    deliver(file, 3)
    assert numbers(path) == [900, 3]


def test_what_the_disk_refuses_is_delivered_when_it_takes_it_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "e.jsonl"
    file = opened(path)
    deliver(file, 2)
    whole = file._write

    def half(one: Event) -> None:
        """A disk that is full in the middle of a line."""
        if one.number < 4:
            whole(one)
            return
        assert file._file is not None
        file._file.write(one.line.encode()[:20])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(file, "_write", half)
    with pytest.raises(OSError, match="No space"):
        deliver(file, 6)
    monkeypatch.undo()
    assert file.delivered == 3
    deliver(file, 6)
    assert numbers(path) == [1, 2, 3, 4, 5, 6]
