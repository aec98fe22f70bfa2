"""Without a pointer, on a phone, in the dark: it can be used, and axe finds nothing serious."""

from typing import Any

import pytest

from ..absent import package
from .conftest import Server, Visit, visiting
from .test_search import hits, rows

VIEWS = {
    "start": ("/search", ".newest img"),
    "search": (
        "/search?q=row:85&not=row:3&hit=86&group=true&bbox=4,43,6,44&since=2013-01-01",
        ".inspector",
    ),
    "scene": ("/tiles/85?q=row:3", "path.focus"),
    "live": ("/live", ".feed"),
    "alerts": ("/alerts", ".head"),
    "new alert": ("/alerts/new?q=row:42", ".radius rect"),
    "scenes": ("/scenes", "tbody tr"),
    "quarantine": ("/quarantine", "tbody tr"),
    "station": ("/station", ".reading"),
}
# Window, display, and the views that are checked so: all of them once.
SHOWN = {
    "light": ({"width": 1440, "height": 900}, "light", tuple(VIEWS)),
    "dark phone": (
        {"width": 390, "height": 844},
        "dark",
        ("search", "scene", "live", "new alert", "scenes", "station"),
    ),
    "wall": ({"width": 1920, "height": 1080}, "wall", ("search", "live")),
}


@pytest.mark.parametrize("shown", SHOWN)
def test_axe_finds_nothing_serious_in_any_view(browser: Any, server: Server, shown: str) -> None:
    axe = package("axe_playwright_python.sync_playwright").Axe()
    viewport, display, views = SHOWN[shown]
    found = []
    with visiting(browser, server.url, viewport=viewport) as visit:
        visit.page.add_init_script(f"localStorage.setItem('scenehash.display', '{display}')")
        for name in views:
            address, ready = VIEWS[name]
            page = visit.go(address)
            page.wait_for_selector(ready, state="attached")
            assert page.evaluate("document.documentElement.dataset.theme") == display
            for fault in axe.run(page).response["violations"]:
                if fault["impact"] in ("serious", "critical"):
                    places = [node["html"][:120] for node in fault["nodes"][:3]]
                    found.append((name, fault["id"], fault["help"], places))
            wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
            assert not wide, f"{name} is wider than the screen"
    assert found == []


def test_a_search_from_the_first_key_to_a_scene_without_a_pointer(visit: Visit) -> None:
    page = visit.go("/station")
    page.wait_for_selector(".reading")
    page.keyboard.press("1")
    page.wait_for_selector(".drop")
    page.keyboard.press("/")
    page.wait_for_function("() => document.activeElement.matches('[data-focus=query]')")
    page.keyboard.press("Tab")
    page.keyboard.type("row:85")
    page.keyboard.press("Enter")
    order = rows(page)
    page.locator(f"[data-row='{order[0]}'] .open").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function(f"() => location.search.includes('hit={order[1]}')")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Home")
    page.wait_for_function(f"() => location.search.includes('hit={order[0]}')")
    page.keyboard.press("End")
    page.keyboard.press("n")
    page.wait_for_function(f"() => location.search.includes('not=row:{order[-1]}')")
    again = rows(page)
    page.locator(f"[data-row='{again[1]}'] .open").focus()
    page.keyboard.press("Enter")
    page.wait_for_function(f"() => location.pathname === '/tiles/{again[1]}'")
    page.keyboard.press("?")
    assert page.get_by_role("dialog").is_visible()
    page.keyboard.press("Escape")


def test_single_keys_can_be_turned_off(visit: Visit) -> None:
    page = visit.go("/search?q=row:3")
    hits(page)
    page.keyboard.press("?")
    page.get_by_label("Use single keys").uncheck()
    page.get_by_role("button", name="Close").click()
    page.keyboard.press("6")
    page.wait_for_timeout(200)
    assert "/search" in page.url
    page.reload()
    hits(page)
    page.keyboard.press("6")
    page.wait_for_timeout(200)
    assert "/search" in page.url


def test_text_in_a_field_is_never_a_key(visit: Visit) -> None:
    page = visit.go("/search")
    page.get_by_label("A tile, code or place").fill("")
    page.keyboard.type("12?/nm")
    assert page.get_by_label("A tile, code or place").input_value() == "12?/nm"


def test_on_a_phone_hits_and_map_take_turns(browser: Any, server: Server) -> None:
    with visiting(
        browser, server.url, viewport={"width": 390, "height": 844}, has_touch=True
    ) as visit:
        page = visit.go("/search?q=row:85&hit=86")
        hits(page)
        assert not page.locator(".map-panel").is_visible()
        # A hit that is touched is seen beside the query at once, however long the list is.
        page.locator(".hit .open").first.tap()
        page.wait_for_selector(".inspector[aria-label='Hit 1']")
        sheet = page.locator(".inspector").bounding_box()
        assert sheet["y"] > 0 and sheet["y"] + sheet["height"] <= 844
        page.get_by_role("button", name="Close the hit").tap()
        page.wait_for_selector(".inspector", state="detached")
        page.get_by_role("button", name="Map", exact=True).tap()
        assert page.locator(".map-panel").is_visible()
        assert not page.locator(".hits").is_visible()
        page.get_by_role("navigation", name="Views").get_by_role("link", name="Live").tap()
        page.wait_for_selector(".feed")


def test_the_display_is_remembered(visit: Visit) -> None:
    page = visit.go("/search")
    page.get_by_label("Display").select_option("dark")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.reload()
    page.wait_for_selector("[data-theme=dark]")
