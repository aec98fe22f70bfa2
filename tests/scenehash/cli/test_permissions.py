"""What may not be read or written says so in one line, and nothing is passed over or lost.

Root may do everything, so where the tests run as root the command runs without root's privileges.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from scenehash import CodeStore
from scenehash.report.contact_sheet import write_picture

from ...command_line import COMMAND
from ...scenes import draw

PLAIN = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.geteuid() == 0 else []

pytestmark = pytest.mark.skipif(
    bool(PLAIN) and shutil.which("setpriv") is None, reason="root, and no setpriv (util-linux) here"
)


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [*PLAIN, *COMMAND, *(str(argument) for argument in arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def error_of(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 1, done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert "unexpected" not in line
    return line


@pytest.fixture
def images(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    write_picture(tmp_path / "in" / "a.png", draw("forest", 2))
    return tmp_path / "in"


@pytest.fixture
def store(images: Path, tmp_path: Path) -> Path:
    assert run("ingest", images, "--store", tmp_path / "s").returncode == 0
    return tmp_path / "s"


@pytest.mark.slow
def test_a_read_only_store_is_searched_and_not_written_to(images: Path, store: Path) -> None:
    for path in (store, *store.iterdir()):
        path.chmod(path.stat().st_mode & ~0o222)
    write_picture(images / "b.png", draw("river", 2))
    assert "permissions" in error_of(run("ingest", images, "--store", store))
    assert run("search", "row:0", "--store", store).returncode == 0
    assert run("store", "verify", store).returncode == 0
    assert len(CodeStore.open(store)) == 1


@pytest.mark.slow
@pytest.mark.parametrize("name", ["codes.bin", "catalog.sqlite"])
def test_a_store_that_may_not_be_read_says_which_file(store: Path, name: str) -> None:
    (store / name).chmod(0)
    assert name in error_of(run("search", "row:0", "--store", store))


@pytest.mark.slow
def test_a_folder_that_may_not_be_written_to_gets_no_store_and_no_picture(
    images: Path, store: Path, tmp_path: Path
) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o555)
    said = error_of(run("ingest", images, "--store", locked / "s"))
    assert "cannot be made a store (Permission denied)" in said
    sheet = locked / "hits.png"
    assert "written" in error_of(run("search", "row:0", "--store", store, "--sheet", sheet))
    assert not list(locked.iterdir())


@pytest.mark.slow
def test_what_may_not_be_read_is_set_aside_and_the_rest_goes_on(
    images: Path, tmp_path: Path
) -> None:
    (images / "locked").mkdir(mode=0)
    named = tmp_path / "named.png"
    named.touch(mode=0)
    done = run("ingest", images, named, "--store", tmp_path / "s", "--json")
    assert done.returncode == 3, done.stderr
    document = json.loads(done.stdout)
    assert document["scenes_stored"] == 1
    denied = "cannot be read (Permission denied)"
    assert document["set_aside"] == [
        {"path": str(images / "locked"), "reason": denied},
        {"path": str(named), "reason": denied},
    ]
    # As long as nobody permits it nothing changes; then the folder's files are taken.
    assert run("quarantine", "retry", "--store", tmp_path / "s").returncode == 3
    (images / "locked").chmod(0o755)
    named.unlink()
    write_picture(images / "locked" / "b.png", draw("forest", 3))
    done = run("quarantine", "retry", "--store", tmp_path / "s", "--json")
    document = json.loads(done.stdout)
    assert (document["scenes_stored"], len(document["set_aside"])) == (1, 1)
    listed = json.loads(run("quarantine", "list", "--store", tmp_path / "s", "--json").stdout)
    assert [item["path"] for item in listed["quarantine"]] == [str(named)]


@pytest.mark.slow
def test_a_folder_that_a_watch_may_not_list_is_named_and_the_status_says_so(
    images: Path, tmp_path: Path
) -> None:
    (images / "locked").mkdir(mode=0)
    done = run("watch", images, "--store", tmp_path / "s", "--once", "--settle", "0")
    assert done.returncode == 3, done.stderr
    assert f"{images / 'locked'}: cannot be read; skipped" in done.stderr
    assert [json.loads(line)["kind"] for line in done.stdout.splitlines()] == ["scene"]
