"""What a watch says it is doing: as it is, or nothing."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from scenehash.watcher.status import STATUS, StatusFile, read_status


def test_what_was_written_is_read(tmp_path: Path) -> None:
    assert read_status(tmp_path) is None
    file = StatusFile(tmp_path, ["/in"], backlog=3, settling=1, stored=7, set_aside=2)
    file.note_scene(match=0.5, store=0.25)
    file.note_scene(match=1.5, store=0.75)
    file.note_stage("read", 2.0)
    file.write()
    found = read_status(tmp_path)
    assert found is not None
    assert found.running
    assert (found.backlog, found.settling, found.stored, found.set_aside) == (3, 1, 7, 2)
    assert found.seconds == {"match": 1.0, "store": 0.5, "read": 2.0}
    assert found.scenes_per_minute == 2
    assert list(found.folders) == ["/in"]
    file.write(ended=True)
    ended = read_status(tmp_path)
    assert ended is not None
    assert not ended.running


def test_it_is_written_about_once_a_second(tmp_path: Path) -> None:
    file = StatusFile(tmp_path, [])
    file.write()
    file.backlog = 9
    file.write()
    found = read_status(tmp_path)
    assert found is not None
    assert found.backlog == 0


def test_the_rate_forgets_what_is_older_than_a_minute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    file = StatusFile(tmp_path, [])
    for at in (0.0, 30.0, 61.0, 70.0):
        now[0] = at
        file.note_scene()
    file.write()
    found = read_status(tmp_path)
    assert found is not None
    assert found.scenes_per_minute == 3


def test_a_watch_that_was_killed_does_not_run(tmp_path: Path) -> None:
    script = (
        "import os, sys; from pathlib import Path; from scenehash.watcher.status import StatusFile;"
        "StatusFile(Path(sys.argv[1]), []).write(); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False)
    found = read_status(tmp_path)
    assert found is not None
    assert not found.running


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"pid": "x"}', "null", "[" * 99_999])
def test_a_file_that_says_nothing_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / STATUS).write_text(text)
    assert read_status(tmp_path) is None


def test_what_is_more_than_is_known_is_none(tmp_path: Path) -> None:
    StatusFile(tmp_path, []).write()
    document = json.loads((tmp_path / STATUS).read_text())
    (tmp_path / STATUS).write_text(json.dumps({**document, "more": 1}))
    assert read_status(tmp_path) is None
    (tmp_path / STATUS).write_text(json.dumps({**document, "pid": 10**30}))
    assert read_status(tmp_path) is not None


def test_a_disk_that_refuses_takes_nothing_from_the_watch(tmp_path: Path) -> None:
    StatusFile(tmp_path / "gone", []).write()
    assert os.listdir(tmp_path) == []  # noqa: PTH208
