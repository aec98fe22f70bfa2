"""A store of a million tiles: the first view, a search, the histogram and the map stay quick."""

import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scenehash.store import CodeStore, HashedScene
from scenehash.tiling import Window

from .conftest import Server, serving, visiting
from .test_search import hits

SCENES, SIDE = 100, 100
# How much longer a view may take than that of a store of 91 tiles, and seconds besides.
TIMES, MORE = 4.0, 3.0
PAINTED = "() => [...document.querySelectorAll('.hit img')].some((one) => one.naturalWidth)"


def synthetic(number: int, bits: int) -> HashedScene:
    """A scene of 10,000 tiles with uniform codes, somewhere on the Earth; its file is gone."""
    rng = np.random.default_rng(number)
    columns, rows = (line.ravel() for line in np.meshgrid(np.arange(SIDE), np.arange(SIDE)))
    west, north = rng.uniform(-170, 170), rng.uniform(-60, 60)
    left, top = west + 0.01 * columns, north - 0.01 * rows
    corners = ((0.0, 0.0), (0.01, 0.0), (0.01, -0.01), (0.0, -0.01))
    return HashedScene(
        f"{number:032x}",
        f"/archive/scene_{number:04d}.tif",
        [Window(int(x) * 256, int(y) * 256, 256, 256) for x, y in zip(columns, rows, strict=True)],
        rng.integers(0, 256, (SIDE * SIDE, bits // 8), dtype=np.uint8),
        datetime(2020, 1, 1, tzinfo=UTC) + timedelta(days=13 * number),
        np.stack([np.stack([left + x, top + y], 1) for x, y in corners], 1),
        [f"area {number % 7}"],
    )


@pytest.fixture(scope="module")
def million(tmp_path_factory: pytest.TempPathFactory, archive: Path) -> Iterator[Server]:
    path = tmp_path_factory.mktemp("million") / "million.store"
    shutil.copytree(archive, path)
    with CodeStore.open(path, writable=True) as store:
        for first in range(1, SCENES + 1, 20):
            store.add([synthetic(number, store.bits) for number in range(first, first + 20)])
        assert len(store) > 1_000_000
    with serving(path) as server:
        yield server


def seconds_to_view_and_search(page: Any, url: str) -> tuple[float, float]:
    """From nothing to the newest scenes; and from a query to hits with pictures."""
    begun = time.perf_counter()
    page.goto(url)
    page.wait_for_selector(".newest .hit")
    page.wait_for_selector("path.coverage", state="attached")
    viewed = time.perf_counter()
    page.get_by_label("A tile, code or place").fill("row:43")
    page.keyboard.press("Enter")
    hits(page)
    page.wait_for_function(PAINTED)
    return viewed - begun, time.perf_counter() - viewed


def test_a_million_tiles_are_no_burden(browser: Any, million: Server, server: Server) -> None:
    with visiting(browser, server.url) as visit:
        small = seconds_to_view_and_search(visit.page, server.url)
    with visiting(browser, million.url) as visit:
        page = visit.page
        large = seconds_to_view_and_search(page, million.url)
        assert "of 1,000,0" in page.locator(".summary").inner_text()
        for took, usual in zip(large, small, strict=True):
            assert took < TIMES * usual + MORE, (large, small)

        # A tile whose scene is gone says so, and can still be searched with.
        visit.go("/tiles/5000?q=row:43")
        page.wait_for_selector(".viewer .empty")
        # Of its 10,000 tiles the first ones can be gone to.
        page.wait_for_selector(".gone-scene .strip a[href^='/tiles/']")
        assert page.locator(".gone-scene .strip a").count() == 60
        page.get_by_role("link", name="Search with this tile").click()
        hits(page)
        # A filter that nearly all tiles meet.
        visit.go("/search?q=row:43&since=2020-02-01&k=200")
        assert hits(page).count() == 200
