"""Health, scenes, quarantine, sign-in; the size of the first view; no other host is asked."""

import gzip
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import scenehash
from scenehash.demo.tiles import demo_tiles
from scenehash.serve.options import ServeOptions
from scenehash.serve.tokens import Tokens

from .conftest import HOSTILE_LABEL, Server, Visit, picture, serving, visiting

MOST_AT_FIRST = 1_000_000


def test_the_first_view_is_small_and_asks_no_other_host(browser: Any, server: Server) -> None:
    sizes: dict[str, int] = {}
    with visiting(browser, server.url) as visit:
        session = visit.page.context.new_cdp_session(visit.page)
        session.send("Network.enable")
        urls: dict[str, str] = {}
        session.on(
            "Network.requestWillBeSent",
            lambda m: urls.update({m["requestId"]: m["request"]["url"]}),
        )
        session.on(
            "Network.loadingFinished",
            lambda m: sizes.update({urls.get(m["requestId"], "?"): int(m["encodedDataLength"])}),
        )
        page = visit.go("/")
        page.wait_for_selector(".newest img.sharp")
        page.wait_for_load_state("load")
        page.wait_for_timeout(500)
        assert visit.hosts == {server.url.removeprefix("http://")}
    own = {url: size for url, size in sizes.items() if "/api/" not in url}
    assert any(url.endswith(".js") for url in own)
    assert sum(own.values()) < MOST_AT_FIRST / 2, own


def test_the_station_tells_its_health(visit: Visit) -> None:
    page = visit.go("/station")
    page.wait_for_selector(".reading")
    text = page.locator("main").inner_text()
    for name in (
        "Watch",
        "Backlog",
        "Last scene",
        "Quarantine",
        "Disk",
        "Memory",
        "Temperature",
        "Load",
    ):
        assert name in text
    assert "76 scenes" in text
    assert "yes: it made this store" in text


def test_scenes_are_listed_and_filtered(visit: Visit) -> None:
    page = visit.go("/scenes")
    page.wait_for_selector("table.list tbody tr")
    page.locator("main").get_by_label("Label").select_option(HOSTILE_LABEL)
    page.wait_for_function("() => document.querySelectorAll('tbody tr').length === 4")
    page.get_by_label("Since").fill("2015-01-01")
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.querySelectorAll('tbody tr').length === 2")
    page.reload()
    page.wait_for_function("() => document.querySelectorAll('tbody tr').length === 2")
    page.get_by_role("link", name="camargue_20150502.tif").click()
    page.wait_for_selector(".viewer .leaflet-tile-loaded")


def test_a_long_name_pushes_nothing_out_of_the_list(visit: Visit) -> None:
    def lengthened(route: Any) -> None:
        answer = route.fetch()
        document = answer.json()
        for scene in document["scenes"]:
            scene["path"] += "_reprocessed" * 20
        route.fulfill(response=answer, json=document)

    visit.page.route("**/api/scenes?*", lengthened)
    page = visit.go("/scenes")
    page.wait_for_selector("table.list tbody tr")
    assert page.evaluate(
        "() => [...document.querySelectorAll('.scroll')].every(s => s.scrollWidth <= s.clientWidth)"
    )


@pytest.fixture(scope="module")
def changing(tmp_path_factory: pytest.TempPathFactory, archive: Path) -> Iterator[Server]:
    """A server that takes scenes, of a store that tests change."""
    folder = tmp_path_factory.mktemp("changing")
    shutil.copytree(archive, folder / "s.store")
    (folder / "accepted").mkdir()
    with serving(folder / "s.store", ServeOptions(port=0, accept=folder / "accepted")) as running:
        yield running


def test_what_was_set_aside_is_tried_again_and_released(browser: Any, changing: Server) -> None:
    with visiting(browser, changing.url) as visit:
        page = visit.go("/quarantine")
        page.wait_for_selector("tbody tr")
        assert "broken.jpg" in page.locator("tbody").inner_text()
        page.get_by_role("button", name="Retry all").click()
        page.wait_for_selector(".message.shown:has-text('Retried')")
        page.get_by_role("checkbox", name="Select broken.jpg").check()
        page.get_by_role("button", name="Release 1 file").click()
        page.wait_for_selector(".empty:has-text('Nothing is set aside')")


def test_behind_a_name_a_token_is_asked_for_and_a_small_one_may_only_read(
    browser: Any, tmp_path: Path, archive: Path
) -> None:
    tokens = tmp_path / "t.json"
    token = Tokens(tokens).add("wall", "read")
    options = ServeOptions(port=0, names=("localhost",), tokens=tokens)
    with serving(archive, options) as running:
        url = running.url.replace("127.0.0.1", "localhost")
        with visiting(browser, url) as visit:
            page = visit.go("/alerts/new?q=row:42")
            page.get_by_label("Token").fill("wrong")
            page.get_by_role("button", name="Sign in").click()
            page.wait_for_selector(".trouble")
            page.get_by_label("Token").fill(token)
            page.get_by_role("button", name="Sign in").click()
            page.wait_for_selector(".radius rect")
            page.get_by_label("Name").fill("mine")
            assert page.get_by_role("button", name="Add to the watch list").is_disabled()
            assert page.locator(".thumbs img").count() == 1
            page.wait_for_function("() => document.querySelector('.thumbs img').naturalWidth > 0")
            visit.go("/station")
            page.get_by_role("button", name="Sign out wall").wait_for()
            assert page.get_by_role("button", name="Adapt the codes").count() == 0
            page.get_by_role("button", name="Sign out wall").click()
            page.wait_for_selector(".sign-in")


@pytest.mark.parametrize("address", ["/nothing", "/scenes/none", "/tiles/99999", "/tiles/x"])
def test_an_address_of_nothing_says_so(visit: Visit, address: str) -> None:
    page = visit.go(address)
    page.wait_for_selector("main h1")
    assert page.locator("main .trouble, main p").first.inner_text()


def test_the_built_page_has_its_licences() -> None:
    page = Path(scenehash.__file__).parent / "serve" / "page"
    licences = (page / "licences.txt").read_text()
    for name in ("leaflet", "preact", "world-atlas", "ibm-plex-sans", "topojson-client"):
        assert name in licences
    script = next((page / "assets").glob("*.js")).read_bytes()
    assert len(gzip.compress(script)) < 120_000


def test_where_the_server_takes_scenes_one_is_added(
    browser: Any, changing: Server, tmp_path: Path
) -> None:
    fresh = picture(tmp_path / "fresh.png", demo_tiles("runway")[3][30:250, 10:230])
    with visiting(browser, changing.url) as visit:
        page = visit.go("/scenes")
        page.wait_for_selector("tbody tr")
        page.set_input_files("main input[type=file]", str(fresh))
        page.wait_for_selector(".message.shown:has-text('fresh.png is stored.')")
        page.get_by_role("link", name="fresh.png").wait_for()
        shutil.copy(fresh, tmp_path / "again.png")
        page.set_input_files("main input[type=file]", str(tmp_path / "again.png"))
        page.wait_for_selector(".message.shown:has-text('again.png is stored already')")
