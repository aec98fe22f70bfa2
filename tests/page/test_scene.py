"""A tile opens in its scene, down to single pixels; a crop of a scene is searched with."""

import re
from typing import Any

from .conftest import Visit
from .test_search import hits, rows


def box_of(page: Any, selector: str) -> dict[str, float]:
    box: dict[str, float] = page.locator(selector).bounding_box()
    return box


def test_a_hit_opens_in_its_scene_dimmed_outside_beside_the_query(visit: Visit) -> None:
    page = visit.go("/search?q=row:85&k=50&scene=marseille_20140720.tif")
    row = rows(page)[2]
    hits(page).nth(2).locator(".open").dblclick()
    page.wait_for_selector(".viewer path.shade")
    assert page.url.split("?")[0].endswith(f"/tiles/{row}")
    assert page.locator(".beside img").count() == 2
    assert "hit 3" in page.locator(".beside").inner_text()
    page.wait_for_function(
        "() => document.querySelectorAll('.pixels .leaflet-tile-loaded').length > 0"
    )
    page.keyboard.press("d")
    page.wait_for_function("() => !document.querySelector('path.shade')")
    page.keyboard.press("]")
    page.wait_for_function("() => document.querySelector('.beside')?.innerText.includes('hit 4')")
    page.keyboard.press("b")
    page.wait_for_selector(".hits .hit.selected")


def test_a_scene_is_zoomed_to_its_pixels(visit: Visit) -> None:
    page = visit.go("/tiles/85")
    page.wait_for_selector(".viewer path.focus")
    before = box_of(page, "path.focus")["width"]
    page.locator(".viewer .map").focus()
    for _ in range(4):
        here = page.url
        page.keyboard.press("+")
        page.wait_for_function("here => location.href !== here", arg=here)
    assert box_of(page, "path.focus")["width"] > 3 * before or page.locator("path.focus").count()
    assert "view=" in page.url
    # Enlarged pixels keep their edges.
    rendering = (
        "getComputedStyle(document.querySelector('.pixels .leaflet-tile img')).imageRendering"
    )
    assert page.evaluate(rendering) == "pixelated"
    page.reload()
    page.wait_for_selector(".viewer path.focus")
    zoomed = page.url
    page.wait_for_timeout(300)
    assert page.url == zoomed


def test_a_crop_is_drawn_and_searched_with(visit: Visit) -> None:
    page = visit.go("/tiles/85")
    page.get_by_role("button", name="Whole scene").click()
    page.get_by_role("button", name="Draw a crop").click()
    box = box_of(page, ".viewer .map")
    page.mouse.move(box["x"] + 0.45 * box["width"], box["y"] + 0.45 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.7 * box["height"], steps=4)
    page.mouse.up()
    page.wait_for_function("() => location.search.includes('window=')")
    window = re.search(r"window=(\d+,\d+,\d+,\d+)", page.url)
    assert window
    page.get_by_role("link", name="Search with this crop").click()
    found = names_of_hits(page)
    assert f"@{window[1]}" in page.url
    assert any("marseille" in name for name in found[:8])
    assert page.locator(".chip img").count() == 1


def test_a_crop_is_given_in_numbers(visit: Visit) -> None:
    page = visit.go("/tiles/85")
    page.get_by_label("Crop as x, y, width, height").fill("0, 0, 9999, 9999")
    assert page.get_by_role("button", name="Crop", exact=True).is_disabled()
    page.get_by_label("Crop as x, y, width, height").fill("256, 0, 256, 256")
    page.keyboard.press("Enter")
    page.wait_for_function("() => location.search.includes('window=256,0,256,256')")
    assert page.locator(".facts").first.inner_text().count("px at 256, 0")


def test_tiles_of_a_scene_can_be_chosen(visit: Visit) -> None:
    page = visit.go("/tiles/85")
    page.wait_for_selector("path.cell", state="attached")
    page.keyboard.press("t")
    page.get_by_role("button", name="Whole scene").click()
    page.locator("path.cell").nth(3).click()
    page.wait_for_function("() => location.pathname === '/tiles/88'")


def names_of_hits(page: Any) -> list[str]:
    return [str(hit.locator(".name").get_attribute("title")) for hit in hits(page).all()]
