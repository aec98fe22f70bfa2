"""Fetching archives, from a server on this machine that fails in the ways that servers do."""

import contextlib
import errno
import hashlib
import io
import json
import shutil
import sys
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, BinaryIO, cast

import cv2
import numpy as np
import pytest
import requests
from typer.testing import CliRunner

from scenehash.cli.main import build_app
from scenehash.errors import ConfigurationError, FetchError
from scenehash_train.archives import PUBLISHED, PublishedArchive
from scenehash_train.data import read_archive
from scenehash_train.download import CHUNK
from scenehash_train.fetch import Fetched, fetch_archive

CLASSES = ("field", "forest", "river")
IMAGES = 6


class Server(ThreadingHTTPServer):
    """Serves content at any path. What was asked of it is in asked: the first byte of each range.

    cut_at: the connection ends before this byte, each time that it is told so; failing: a status to
    answer with; ranges: whether it knows any; off_by: bytes that a range begins too late.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = b""
        self.asked: list[int] = []
        self.cut_at: int | None = None
        self.failing: int | None = None
        self.ranges = True
        self.off_by = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/archive.zip"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        server = self.server
        if server.failing is not None:
            self.send_error(server.failing)
            return
        wanted = self.headers.get("Range")
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0
        server.asked.append(start)
        size = len(server.content)
        if wanted and server.ranges and start >= size:
            self.send_error(416)
            return
        start += server.off_by
        if wanted and server.ranges:
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
        else:
            self.send_response(200)
            start = 0
        self.send_header("Content-Length", str(size - start))
        self.end_headers()
        self.wfile.write(server.content[start : server.cut_at])

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        server.content = zipped(images())
        yield server
        server.shutdown()
        thread.join()


def images() -> dict[str, bytes]:
    """Files of a zip file as they are published: folders above the classes, and a few more."""
    rng = np.random.default_rng(0)
    files = {"Set/readme.txt": b"terms", "__MACOSX/Set/Images/field/._0.png": b"of no use"}
    for name in CLASSES:
        for number in range(IMAGES):
            pixels = rng.integers(0, 256, (100, 100, 3), np.uint8)
            files[f"Set/Images/{name}/{number}.png"] = cv2.imencode(".png", pixels)[1].tobytes()
    return files


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def published(server: Server, checksum: str | None = None) -> PublishedArchive:
    return PublishedArchive(
        url=server.url,
        checksum=checksum or f"sha256:{hashlib.sha256(server.content).hexdigest()}",
        page="https://example.org/terms",
        images=IMAGES * len(CLASSES),
        classes=len(CLASSES),
        megabytes=1,
    )


def fetch(name: str, archive: PublishedArchive, out: Path) -> Fetched:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(PUBLISHED, name, archive)
        return fetch_archive(name, out)


def test_a_fetched_archive_can_be_trained_on_and_is_not_fetched_again(
    server: Server, tmp_path: Path
) -> None:
    out = tmp_path / "new" / "tiny"
    fetched = fetch("tiny", published(server), out)
    assert (fetched.images, fetched.classes, fetched.known) == (18, 3, False)
    archive = read_archive(out)
    assert archive.classes == CLASSES
    assert len(archive.images) == 18
    assert (out / "river" / "3.png").read_bytes() == images()["Set/Images/river/3.png"]
    assert [path.name for path in out.parent.iterdir()] == ["tiny"]
    assert fetch("tiny", published(server), out).known
    assert server.asked == [0]


@pytest.mark.parametrize("noticed", [True, False])
def test_a_download_that_was_cut_off_goes_on_where_it_stopped(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, noticed: bool
) -> None:
    plain = requests.Response.iter_content

    def unnoticed(response: requests.Response, size: int) -> Iterator[bytes]:
        """As with an old urllib3."""
        with contextlib.suppress(requests.RequestException):
            yield from plain(response, size)

    if not noticed:
        monkeypatch.setattr(requests.Response, "iter_content", unnoticed)
    half = len(server.content) // 2
    assert half > CHUNK
    server.cut_at = half
    with pytest.raises(FetchError, match=r"0\.\d MB are kept in .*tiny\.zip\.part.* to continue"):
        fetch("tiny", published(server), tmp_path / "tiny")
    kept = (tmp_path / "tiny.zip.part").stat().st_size
    assert 0 < kept <= half
    assert not (tmp_path / "tiny").exists()
    server.cut_at = None
    assert fetch("tiny", published(server), tmp_path / "tiny").images == 18
    assert server.asked == [0, kept]


def test_a_server_without_ranges_begins_again(server: Server, tmp_path: Path) -> None:
    (tmp_path / "tiny.zip.part").write_bytes(server.content[:1000])
    server.ranges = False
    assert fetch("tiny", published(server), tmp_path / "tiny").images == 18
    assert server.asked == [1000]


def test_a_server_that_sends_another_range_spoils_nothing(server: Server, tmp_path: Path) -> None:
    (tmp_path / "tiny.zip.part").write_bytes(server.content[:1000])
    server.off_by = 7
    with pytest.raises(FetchError, match="other bytes than requested"):
        fetch("tiny", published(server), tmp_path / "tiny")
    server.off_by = 0
    assert fetch("tiny", published(server), tmp_path / "tiny").images == 18


def test_a_part_that_is_the_whole_is_taken(server: Server, tmp_path: Path) -> None:
    (tmp_path / "tiny.zip.part").write_bytes(server.content)
    assert fetch("tiny", published(server), tmp_path / "tiny").images == 18


def test_a_file_that_was_got_by_hand_is_taken(server: Server, tmp_path: Path) -> None:
    (tmp_path / "tiny.zip").write_bytes(server.content)
    assert fetch("tiny", published(server), tmp_path / "tiny").images == 18
    assert server.asked == []


@pytest.mark.parametrize("begun", [0, 1000])
def test_what_has_another_checksum_is_thrown_away(
    server: Server, tmp_path: Path, begun: int
) -> None:
    archive = published(server)
    server.content = server.content[:-1] + b"!"
    (tmp_path / "tiny.zip.part").write_bytes(b"x" * begun)
    with pytest.raises(FetchError, match="another checksum than sha256:"):
        fetch("tiny", archive, tmp_path / "tiny")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("status", [404, 503])
def test_an_answer_with_an_error_is_reported_and_the_part_kept(
    server: Server, tmp_path: Path, status: int
) -> None:
    part = tmp_path / "tiny.zip.part"
    part.write_bytes(server.content[:1000])
    server.failing = status
    with pytest.raises(FetchError, match=f"tiny: the server answered {status} .* kept in"):
        fetch("tiny", published(server), tmp_path / "tiny")
    assert part.stat().st_size == 1000
    assert list(tmp_path.iterdir()) == [part]


def test_a_server_that_cannot_be_reached_is_reported(server: Server, tmp_path: Path) -> None:
    archive = published(server)
    server.shutdown()
    server.server_close()
    with pytest.raises(FetchError, match="cannot be reached"):
        fetch("tiny", archive, tmp_path / "tiny")


@pytest.mark.parametrize("path", ["../evil.png", "Set/../../x/evil.png", "/tmp/x/evil.png",
                                  "..\\evil.png", "C:\\x\\evil.png", "a/../evil.txt"])  # fmt: skip
def test_a_zip_file_whose_paths_leave_the_folder_is_not_unpacked(
    server: Server, tmp_path: Path, path: str
) -> None:
    server.content = zipped(images() | {path: b"evil"})
    out = tmp_path / "here" / "tiny"
    with pytest.raises(FetchError, match=r"leads out of the folder; nothing was unpacked"):
        fetch("tiny", published(server), out)
    assert [path.name for path in tmp_path.rglob("*")] == ["here", "tiny.zip"]


def test_two_images_of_one_place_do_not_overwrite_each_other(
    server: Server, tmp_path: Path
) -> None:
    server.content = zipped(images() | {"Other/field/0.png": b"another"})
    with pytest.raises(FetchError, match="the same class and name"):
        fetch("tiny", published(server), tmp_path / "tiny")


def test_a_file_that_is_not_a_zip_file_is_reported(server: Server, tmp_path: Path) -> None:
    server.content = b"<html>moved</html>"
    with pytest.raises(FetchError, match="not a readable zip file"):
        fetch("tiny", published(server), tmp_path / "tiny")


class FullDisk:
    """A disk that has room for 30,000 bytes, of which the last write does not all fit."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def __enter__(self) -> "FullDisk":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, data: bytes) -> int:
        room = 30_000 - self._file.tell()
        self._file.write(data[:room])
        if room < len(data):
            raise OSError(errno.ENOSPC, "No space left on device")
        return len(data)


def test_a_disk_that_fills_while_downloading_keeps_the_part(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = Path.open

    def full(path: Path, mode: str = "r", *rest: Any) -> Any:
        file = plain(path, mode, *rest)
        return FullDisk(cast(BinaryIO, file)) if path.suffix == ".part" else file

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", full)
        with pytest.raises(FetchError, match=r"No space left on device.*kept in"):
            fetch("tiny", published(server), tmp_path / "tiny")
    assert (tmp_path / "tiny.zip.part").stat().st_size == 30_000
    assert fetch("tiny", published(server), tmp_path / "tiny").images == 18
    assert server.asked == [0, 30_000]


def test_a_disk_that_fills_while_unpacking_keeps_the_zip_file_alone(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(source: BinaryIO, sink: BinaryIO) -> None:
        sink.write(source.read(100))
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copyfileobj", full)
        with pytest.raises(FetchError, match="No space left on device"):
            fetch("tiny", published(server), tmp_path / "tiny")
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.zip"]
    assert fetch("tiny", published(server), tmp_path / "tiny").images == 18
    assert server.asked == [0]


def test_a_folder_that_has_something_else_is_left_alone(server: Server, tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "thesis.tex").write_text("precious")
    with pytest.raises(ConfigurationError, match="not empty"):
        fetch("tiny", published(server), tmp_path / "thesis")
    (tmp_path / "empty").mkdir()
    fetch("tiny", published(server), tmp_path / "empty")
    with pytest.raises(ConfigurationError, match="holds tiny already"):
        fetch("other", published(server), tmp_path / "empty")
    assert server.asked == [0]


def test_fetch_as_a_user_gives_it(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PUBLISHED, "tiny", published(server))
    monkeypatch.chdir(tmp_path)
    app = build_app()

    def run(*arguments: str) -> Any:
        return CliRunner().invoke(app, ["data", *arguments])

    server.cut_at = 1000
    cut = run("fetch", "tiny")
    assert cut.exit_code == 1
    assert "error: tiny: " in cut.stderr
    server.cut_at = None
    done = run("fetch", "tiny", "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout) == {
        "name": "tiny", "folder": "tiny", "images": 18, "classes": 3, "known": False,
    }  # fmt: skip
    assert "tiny, MB" in done.stderr
    assert "already there" in run("fetch", "tiny").stdout
    unknown = run("fetch", "nothing")
    assert unknown.exit_code == 1
    assert "known are aid, eurosat, resisc45, ucmerced" in unknown.stderr
    listed = json.loads(run("list", "--json").stdout)["archives"]
    assert {one["name"] for one in listed} >= {"aid", "eurosat", "resisc45", "ucmerced"}


def test_without_the_extra_the_command_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pooch", None)
    monkeypatch.delitem(sys.modules, "scenehash_train.fetch")
    monkeypatch.chdir(tmp_path)
    said = CliRunner().invoke(build_app(), ["data", "fetch", "eurosat"])
    assert said.exit_code == 1
    assert "pip install '.[train]'" in said.stderr


def test_every_published_archive_has_a_checksum_that_can_be_checked() -> None:
    for archive in PUBLISHED.values():
        algorithm, _, digits = archive.checksum.partition(":")
        assert len(bytes.fromhex(digits)) == hashlib.new(algorithm).digest_size
        assert archive.url.startswith("https://")
        # An address that names a revision or a record: what is there does not change.
        assert "/main/" not in archive.url
