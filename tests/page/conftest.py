"""A station with real tiles, its server, and a browser that looks at it.

The browser is Debian's Chromium (apt-get install chromium), driven by Playwright. Where either is
absent these tests are skipped with the reason.
"""

import contextlib
import functools
import os
import shutil
import signal
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from scenehash import HashModel, IngestOptions, ingest
from scenehash.demo.tiles import KINDS, archive_paths, demo_tiles, query_path
from scenehash.serve.options import ServeOptions
from scenehash.serve.server import serve
from scenehash.tiles import Image

from ..absent import absent, package
from ..scenehash.serve.stations import COMMAND, free_port, wait_for

CHROMIUM = os.environ.get("SCENEHASH_CHROMIUM") or shutil.which("chromium") or ""
# A name that would run, and a label that would be bold, if the page took them for HTML.
HOSTILE = "<img src=x onerror=window.hacked=1>.jpg"
HOSTILE_LABEL = "<b onmouseover=window.hacked=1>quay</b>"
START = 90.0
LOCAL = ServeOptions(port=0)
# Rows: six of each kind in the order of KINDS (harbors are 42 to 47), the hostile name 72, then six
# tiles each of camargue (73), fiji (79) and marseille (85).


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All tests here need a browser, and take seconds."""
    for item in items:
        if Path(__file__).parent in Path(item.path).parents:
            item.add_marker(pytest.mark.slow)


class Server:
    """A server of a store in a thread of this process."""

    def __init__(
        self, store: Path | str, options: ServeOptions = LOCAL, model: HashModel | None = None
    ) -> None:
        self._stop, lines = threading.Event(), list[str]()
        given = (store, model or shipped(), options, self._stop, lines.append)
        self._thread = threading.Thread(target=serve, args=given, daemon=True)
        self._thread.start()
        wait_for(lambda: bool(lines) or not self._thread.is_alive(), START)
        self.url = lines[0]
        wait_for(lambda: answers(self.url), START)

    def end(self) -> None:
        self._stop.set()
        self._thread.join(20)
        assert not self._thread.is_alive()


class ServerProcess:
    """`scenehash serve` on a store, on a port that stays the same when it is started again."""

    def __init__(self, store: Path) -> None:
        self.store, self.port = store, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        words = ["serve", "--store", str(self.store), "--port", str(self.port)]
        self._process = subprocess.Popen(
            [*COMMAND, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        process = self._process
        wait_for(lambda: answers(self.url) or process.poll() is not None, START)
        assert process.poll() is None, "scenehash serve ended"

    def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(20)
            self._process = None


def answers(url: str) -> bool:
    """Whether a server is there."""
    with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/healthz"):
        return True
    return False


@functools.cache
def shipped() -> HashModel:
    """The model that ships, loaded once."""
    return HashModel.load()


@contextlib.contextmanager
def serving(
    store: Path | str, options: ServeOptions = LOCAL, model: HashModel | None = None
) -> Iterator[Server]:
    """A server of a store, or of an engine, until the context ends."""
    server = Server(store, options, model)
    try:
        yield server
    finally:
        server.end()


# Of this package alone: Playwright runs an event loop in the main thread, and a server that a later
# test runs there could not have its own.
@pytest.fixture(scope="package")
def browser() -> Iterator[Any]:
    """One Chromium for all tests of the page."""
    playwright = package("playwright.sync_api", reason="playwright is not installed")
    if not CHROMIUM:
        absent("chromium", "no chromium on the path (apt-get install chromium)")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


def geotiff(path: Path, kind: str, crs: str, left: float, top: float, metres: float) -> None:
    """Three by two tiles of a kind as a georeferenced scene."""
    rasterio = package("rasterio", reason="extra geo is not installed")
    tiles = demo_tiles(kind)
    pixels: Image = np.vstack([np.hstack(tiles[:3]), np.hstack(tiles[3:6])])
    height, width = pixels.shape[:2]
    transform = rasterio.transform.from_origin(left, top, metres, metres)
    with rasterio.open(
        path, "w", driver="GTiff", width=width, height=height, count=3, dtype="uint8",
        crs=crs, transform=transform, photometric="RGB",
    ) as target:  # fmt: skip
        target.write(pixels.transpose(2, 0, 1))


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of 72 images by their kinds, and three scenes with places and times."""
    folder = tmp_path_factory.mktemp("station")
    scenes = folder / "scenes"
    for kind in KINDS:
        for path in archive_paths(kind):
            (scenes / kind).mkdir(parents=True, exist_ok=True)
            shutil.copy(path, scenes / kind)
    images = [scenes / kind for kind in KINDS]
    store = folder / "station.store"
    ingest(images, store, shipped(), IngestOptions(label_from_folder=True, thumbnails=True))
    placed = folder / "placed"
    placed.mkdir()
    geotiff(placed / "marseille_20140720.tif", "harbor", "EPSG:32631", 690_000, 4_800_000, 10)
    geotiff(placed / "camargue_20150502.tif", "river", "EPSG:32631", 620_000, 4_820_000, 10)
    # Zone 60 reaches 180 degrees east near 819 km.
    geotiff(placed / "fiji_20160101.tif", "beach", "EPSG:32760", 815_000, 8_120_000, 10)
    shutil.copy(query_path("storagetanks"), placed / HOSTILE)
    (placed / "broken.jpg").write_bytes(b"no image")
    ingest([placed], store, shipped(), IngestOptions(labels=(HOSTILE_LABEL,)))
    return store


@pytest.fixture(scope="session")
def server(archive: Path) -> Iterator[Server]:
    """A server of a copy of that store, for all tests that do not stop it."""
    store = archive.with_name("shared.store")
    shutil.copytree(archive, store)
    with serving(store) as running:
        yield running


class Visit:
    """A page of the browser, with all that went wrong on it and all that it asked for."""

    def __init__(self, page: Any, url: str) -> None:
        self.page, self.url = page, url
        self.errors: list[str] = []
        self.hosts: set[str] = set()
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", self._console)
        page.on("request", lambda request: self.hosts.add(request.url.split("/")[2]))
        page.set_default_timeout(30_000)

    def go(self, address: str) -> Any:
        self.page.goto(self.url + address)
        return self.page

    def _console(self, message: Any) -> None:
        # A picture or an upload that is not there is an answer, not a fault of the page.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.errors.append(message.text)


@contextlib.contextmanager
def visiting(browser: Any, url: str, **options: Any) -> Iterator[Visit]:
    """A new visitor, whose page must be without an error at the end."""
    usual = {"viewport": {"width": 1440, "height": 900}, "reduced_motion": "reduce"}
    context = browser.new_context(**(usual | options))
    visit = Visit(context.new_page(), url)
    try:
        yield visit
        assert visit.errors == []
        assert visit.page.evaluate("window.hacked") is None
    finally:
        context.close()


@pytest.fixture
def visit(browser: Any, server: Server) -> Iterator[Visit]:
    """A visitor of the shared server."""
    with visiting(browser, server.url) as visitor:
        yield visitor


def picture(path: Path, pixels: Image) -> Path:
    """Write pixels uint8 RGB as a picture."""
    assert cv2.imwrite(str(path), cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))
    return path
