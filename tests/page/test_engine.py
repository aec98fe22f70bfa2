"""The page of an engine: searches of several stations, without what an engine has not."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scenehash import CodeStore, push
from scenehash.demo.tiles import query_path

from ..absent import package
from .conftest import Server, serving, visiting
from .test_search import hits


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory, archive: Path) -> Iterator[Server]:
    """A server of two stations in Milvus Lite: the archive, and the same without its harbors."""
    package("pymilvus", reason="no client of Milvus is installed")
    package("milvus_lite", reason="no Milvus Lite is installed")
    folder = tmp_path_factory.mktemp("engine")
    address = f"milvus://{folder}/tiles.db/tiles"
    for station in ("north", "south"):
        store = folder / station
        # A copy of the folder would be the same store under another name.
        with (
            CodeStore.open(archive) as own,
            CodeStore.create(store, own.lineage, own.bits, own.model) as opened,
        ):
            opened.merge(own)
            opened.name_station(station)
        push(store, address)
    with serving(address) as server:
        yield server


def test_hits_of_several_stations_are_told_apart_and_searched_with(
    browser: Any, engine: Server
) -> None:
    with visiting(browser, engine.url) as visit:
        page = visit.go("/")
        page.wait_for_selector("h2:has-text('182 tiles to search')")
        page.set_input_files("[data-focus=query]", str(query_path("harbor")))
        rows = [str(hit.get_attribute("data-row")) for hit in hits(page).all()]
        assert len(set(rows)) == 20
        # The nearest is there twice: once of each station, at one distance.
        assert [row.partition("/")[0] for row in rows[:2]] == ["north", "south"]
        assert rows[0].partition("/")[2] == rows[1].partition("/")[2]
        page.locator(".hit .open").nth(1).click()
        page.wait_for_function("row => location.search.includes(`hit=${row}`)", arg=rows[1])
        assert "south" in page.locator(".inspector dl").inner_text()
        page.keyboard.press("ArrowLeft")
        page.wait_for_function("row => location.search.includes(`hit=${row}`)", arg=rows[0])
        page.keyboard.press("m")
        page.wait_for_function("row => location.search.includes(`q=row:${row}`)", arg=rows[0])
        assert str(hits(page).first.get_attribute("data-row")) == rows[0]
        page.locator(".station select").select_option("south")
        page.wait_for_function("() => location.search.includes('station=south')")
        hits(page)
        page.wait_for_function(
            "() => [...document.querySelectorAll('.hit')].every(h => h.dataset.row[0] === 's')"
        )
        address = page.url
        page.reload()
        hits(page)
        assert page.url == address
        assert page.locator(".hit[data-row^='south/']").count() == 20


def test_what_an_engine_has_not_is_not_offered(browser: Any, engine: Server) -> None:
    with visiting(browser, engine.url) as visit:
        asked: list[str] = []
        visit.page.on("response", lambda answer: asked.append(f"{answer.status} {answer.url}"))
        page = visit.go("/search?q=row:north/85")
        hits(page)
        views = page.get_by_role("navigation", name="Views").get_by_role("link").all_inner_texts()
        assert views == ["Search", "Station"]
        page.locator(".hit .open").first.dblclick()
        page.wait_for_selector(".inspector")
        for name in ("Make an alert", "Open in scene"):
            assert page.get_by_role("link", name=name).count() == 0
        assert page.locator("path.footprint").count() > 0
        visit.go("/station")
        page.wait_for_selector("table.list tbody tr")
        assert page.locator("tbody th").all_inner_texts() == ["north", "south"]
        visit.go("/live")
        page.wait_for_selector("h1:has-text('No such page')")
        assert [line for line in asked if not line.startswith(("200", "304"))] == []


def test_a_place_on_the_map_of_an_engine_is_searched_with(browser: Any, engine: Server) -> None:
    with visiting(browser, engine.url) as visit:
        page = visit.go("/search?map=11/43.30/5.42")
        page.wait_for_selector("h2:has-text('182 tiles to search')")
        box = page.locator(".map-panel .map").bounding_box()
        page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        page.get_by_role("button", name="Search with this place").click()
        page.wait_for_function("() => location.search.includes('q=at:43.')")
        hits(page)
        assert page.locator("path.footprint").count() > 0


def test_axe_finds_nothing_serious_in_the_views_of_an_engine(browser: Any, engine: Server) -> None:
    axe = package("axe_playwright_python.sync_playwright").Axe()
    found = []
    with visiting(browser, engine.url) as visit:
        for address, ready in (
            ("/", "h2:has-text('tiles to search')"),
            ("/search?q=row:north/85&hit=north/85", ".inspector"),
            ("/station", "table.list tbody tr"),
        ):
            page = visit.go(address)
            page.wait_for_selector(ready)
            for fault in axe.run(page).response["violations"]:
                if fault["impact"] in ("serious", "critical"):
                    places = [node["html"][:120] for node in fault["nodes"][:3]]
                    found.append((address, fault["id"], places))
    assert found == []
