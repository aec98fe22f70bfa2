"""Footprints on the map, places to search with, and areas, also across the antimeridian."""

import json
import re
from pathlib import Path
from typing import Any

from .conftest import Visit
from .test_search import hits, names, rows, settled


def on_map(page: Any, x: float, y: float) -> tuple[float, float]:
    """A point of the map, by shares of its width and height."""
    box = page.locator(".map-panel .map").bounding_box()
    return box["x"] + x * box["width"], box["y"] + y * box["height"]


def test_hits_with_a_place_are_footprints_that_can_be_chosen(visit: Visit) -> None:
    page = visit.go("/search?q=row:85&k=50&scene=marseille_20140720.tif&map=11/43.3/5.42")
    assert len(rows(page)) == 6
    page.wait_for_function("() => document.querySelectorAll('path.footprint').length === 6")
    page.locator("path.footprint").last.click()
    page.wait_for_selector(".inspector")
    assert re.search(r"hit=\d+", page.url)
    assert page.locator("path.footprint.selected").count() == 1
    # The middle of its footprint, and its extent.
    facts = page.locator(".inspector .facts").inner_text()
    assert re.search(r"43\.\d+°N 5\.\d+°E, [\d.]+ . [\d.]+ km", facts), facts


def test_the_maps_view_is_in_the_address(visit: Visit) -> None:
    page = visit.go("/search?q=row:85&map=5/43.30/5.30")
    hits(page)
    page.locator(".map-panel .map").focus()
    page.keyboard.press("+")
    page.wait_for_function("() => location.search.includes('map=6/')")


def test_a_click_on_a_place_searches_with_what_is_stored_there(visit: Visit) -> None:
    page = visit.go("/search?map=11/43.30/5.42")
    page.wait_for_selector("path.coverage")
    page.mouse.click(*on_map(page, 0.5, 0.5))
    page.get_by_role("button", name="Search with this place").click()
    assert "q=at:43." in page.url
    assert any("marseille" in name for name in names(page)[:4])
    # What is searched with is seen: the tile that lies there.
    page.wait_for_selector(".chip img.tile")
    # Of hits without a footprint nothing is left on the map, nor of those before.
    assert page.locator(".leaflet-tooltip.rank").count() > 0
    before = page.url
    page.get_by_role("complementary").get_by_label("Label").select_option("forest")
    settled(page, before)
    page.wait_for_function("() => !document.querySelector('path.footprint')")
    assert page.locator(".leaflet-tooltip.rank").count() == 0
    # Where nothing is stored, the answer says so.
    page = visit.go("/search?q=at:-40.00000,-120.00000")
    assert page.locator(".results .trouble").inner_text()


def test_a_box_is_drawn_and_cleared(visit: Visit) -> None:
    page = visit.go("/search?q=row:3&k=50&map=8/43.40/5.00")
    everywhere = len(rows(page))
    before = page.url
    page.get_by_role("button", name="Box").click()
    page.mouse.move(*on_map(page, 0.1, 0.1))
    page.mouse.down()
    page.mouse.move(*on_map(page, 0.9, 0.9), steps=4)
    page.mouse.up()
    settled(page, before)
    assert "bbox=" in page.url
    # The button that ends the box chooses no place.
    assert page.locator(".leaflet-popup").count() == 0
    assert {Path(name).name for name in names(page)} <= {
        "marseille_20140720.tif",
        "camargue_20150502.tif",
    }
    page.wait_for_selector("path.area")
    before = page.url
    page.get_by_role("button", name="Clear", exact=True).click()
    settled(page, before)
    assert len(rows(page)) == everywhere


def test_a_polygon_leaves_out_what_is_in_its_box_alone(visit: Visit) -> None:
    page = visit.go("/search?q=row:3&k=50&map=8/43.40/5.00")
    hits(page)
    before = page.url
    page.get_by_role("button", name="Polygon").click()
    # A triangle whose box has both scenes, and which itself has one.
    for x, y in ((0.02, 0.02), (0.98, 0.02), (0.02, 0.98)):
        page.mouse.click(*on_map(page, x, y))
    page.keyboard.press("Shift+Enter")
    settled(page, before)
    assert page.url.count(";") == 2
    assert {Path(name).name for name in names(page)} == {"camargue_20150502.tif"}


# Latitude and longitude of the map's centre, by the address.
CENTRE = "new URLSearchParams(location.search).get('map').split('/').slice(1).map(Number)"


def test_a_polygon_is_drawn_without_a_pointer(visit: Visit) -> None:
    page = visit.go("/search?q=row:3&k=50&map=6/43.40/5.00")
    hits(page)
    before = page.url
    page.get_by_role("button", name="Polygon").focus()
    page.keyboard.press("Enter")
    # Corners at the cross, then a step to the east, then one to the south.
    page.keyboard.press("Enter")
    for key in ("ArrowRight", "ArrowDown"):
        here = page.evaluate(CENTRE)
        page.keyboard.press(key)
        # The address follows when the map stands again.
        page.wait_for_function(
            f"here => {{ const [y, x] = {CENTRE}; "
            "return Math.hypot(y - here[0], x - here[1]) > 0.1 }",
            arg=here,
        )
        page.keyboard.press("Enter")
    page.keyboard.press("Shift+Enter")
    settled(page, before)
    assert re.search(r"area=(4\.99|5)", page.url)
    assert {Path(name).name for name in names(page)} == {"marseille_20140720.tif"}


def test_an_area_across_the_antimeridian_finds_scenes_on_both_sides(visit: Visit) -> None:
    page = visit.go("/search?q=row:3&k=50&bbox=179,-18,-179,-16")
    assert {Path(name).name for name in names(page)} == {"fiji_20160101.tif"}
    assert "Box, 18.0°S 179.0°E to 16.0°S 179.0°W" in page.locator(".filters").inner_text()
    # Footprints on both sides of the line are beside each other.
    page.wait_for_selector("path.footprint, path.dot")
    boxes = [box.bounding_box() for box in page.locator("path.footprint").all()]
    assert max(box["x"] for box in boxes if box) - min(box["x"] for box in boxes if box) < 400


def test_an_area_is_imported(visit: Visit, tmp_path: Path) -> None:
    corners = [[179, -18], [181, -18], [181, -16], [179, -16], [179, -18]]
    geometry = {"type": "Polygon", "coordinates": [corners]}
    area = {
        "type": "FeatureCollection",
        "features": [{"type": "Feature", "properties": {}, "geometry": geometry}],
    }
    (tmp_path / "fiji.geojson").write_text(json.dumps(area))
    page = visit.go("/search?q=row:3&k=50")
    hits(page)
    before = page.url
    page.set_input_files(".map-panel input[type=file]", str(tmp_path / "fiji.geojson"))
    settled(page, before)
    assert {Path(name).name for name in names(page)} == {"fiji_20160101.tif"}
    (tmp_path / "wrong.geojson").write_text("{}")
    page.set_input_files(".map-panel input[type=file]", str(tmp_path / "wrong.geojson"))
    assert "no polygon" in page.locator(".map-panel .trouble").inner_text()
