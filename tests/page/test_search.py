"""Searching with images, tiles and codes; filters; every search has an address."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from scenehash.demo.tiles import demo_tiles, query_path

from .conftest import HOSTILE, Visit, picture

HARBOR = query_path("harbor")
DROP = """async ([name, bytes]) => {
    const data = new DataTransfer();
    data.items.add(new File([new Uint8Array(bytes)], name, { type: "image/jpeg" }));
    for (const type of ["dragover", "drop"]) {
        document.body.dispatchEvent(new DragEvent(type, { dataTransfer: data, bubbles: true }));
    }
}"""
PASTE = """async ([name, bytes]) => {
    const data = new DataTransfer();
    data.items.add(new File([new Uint8Array(bytes)], name, { type: "image/jpeg" }));
    const paste = new ClipboardEvent("paste", { clipboardData: data, bubbles: true });
    document.body.dispatchEvent(paste);
}"""


def hits(page: Any) -> Any:
    page.wait_for_selector(".hits .hit")
    page.wait_for_selector(".results[aria-busy=false]")
    return page.locator(".hits .hit")


def rows(page: Any) -> list[int]:
    return [int(hit.get_attribute("data-row")) for hit in hits(page).all()]


def names(page: Any) -> list[str]:
    return [str(hit.locator(".name").get_attribute("title")) for hit in hits(page).all()]


def settled(page: Any, before: str) -> None:
    """Wait until the address has changed, and its hits are there."""
    page.wait_for_function("before => location.href !== before", arg=before)
    hits(page)


def test_what_is_no_query_in_an_address_is_said(visit: Visit) -> None:
    page = visit.go("/search?q=row:42&q=code:zz")
    assert hits(page).count() == 20
    assert "code:zz" in page.locator(".results .trouble").inner_text()


def test_a_chosen_image_finds_its_kind_with_distances_and_words(visit: Visit) -> None:
    page = visit.go("/")
    page.set_input_files("[data-focus=query]", str(HARBOR))
    found = hits(page)
    assert found.count() == 20
    assert re.search(r"/harbor/|/marseille_", names(page)[0])
    assert re.fullmatch(
        r"\d+(same place|(likely )?same kind|doubtful|other kind)",
        found.first.locator(".facts").inner_text().replace("\n", ""),
    )
    assert page.locator(".summary").inner_text().startswith("20 hits of")
    # Pixels, not only thumbnails, are painted.
    page.wait_for_function("() => document.querySelector('.hit .tile.sharp')?.naturalWidth > 64")


def test_an_image_is_dropped_and_another_is_pasted(visit: Visit) -> None:
    page = visit.go("/search")
    page.wait_for_selector(".drop")
    page.evaluate(DROP, ["a.jpg", list(HARBOR.read_bytes())])
    hits(page)
    assert page.locator(".chip.like").count() == 1
    page.evaluate(PASTE, ["b.jpg", list(query_path("river").read_bytes())])
    page.wait_for_function("() => document.querySelectorAll('.chip.like').length === 2")
    text = " ".join(names(page))
    assert re.search("harbor|marseille", text) and re.search("river|camargue", text)


def test_what_is_no_image_is_refused_in_a_line(visit: Visit, tmp_path: Path) -> None:
    (tmp_path / "notes.jpg").write_text("no image at all")
    page = visit.go("/search")
    page.set_input_files("[data-focus=query]", str(tmp_path / "notes.jpg"))
    assert "notes.jpg" in page.locator(".examples .trouble").inner_text()


def test_the_address_of_an_upload_gives_the_same_hits_to_a_colleague(
    visit: Visit, tmp_path: Path
) -> None:
    page = visit.go("/search")
    own = picture(tmp_path / "own.png", demo_tiles("airplane")[2][20:236, 20:236])
    page.set_input_files("[data-focus=query]", str(own))
    found = rows(page)
    address = page.url
    assert "q=upload:" in address and ";code:" in address
    page.goto("about:blank")
    page.goto(address)
    assert rows(page) == found
    # The server forgets uploads; the code in the address is searched then.
    page.goto(re.sub(r"upload:[0-9a-f]+", "upload:" + "0" * 32, address))
    assert set(rows(page)[:5]) & set(found[:5])
    assert page.locator(".chip .note").inner_text() == "by its code"


def test_a_part_of_a_large_image_is_chosen_before_it_is_searched_with(
    visit: Visit, tmp_path: Path
) -> None:
    harbor, forest = demo_tiles("harbor")[2], demo_tiles("forest")[2]
    large = picture(tmp_path / "large.png", np.hstack([forest, harbor]))
    page = visit.go("/search")
    page.set_input_files("[data-focus=query]", str(large))
    part = page.get_by_role("button", name="Search with this part")
    page.wait_for_function("() => document.querySelector('.stage img')?.naturalWidth === 512")
    assert part.is_disabled()
    box = page.locator(".stage").bounding_box()
    right, bottom = box["x"] + box["width"], box["y"] + box["height"]
    page.mouse.move(right - 0.49 * box["width"], box["y"] + 2)
    page.mouse.down()
    page.mouse.move(right - 2, bottom - 2, steps=3)
    page.mouse.up()
    part.click()
    assert any("/harbor/" in name or "marseille" in name for name in names(page)[:2])
    found = rows(page)
    # Its code comes into the address: the server forgets the image.
    page.wait_for_function(
        "() => /q=upload:[0-9a-f]+@26[0-9],[0-9],2..,2..;code:/.test(location.href)"
    )
    page.goto(re.sub(r"upload:[0-9a-f]+", "upload:" + "0" * 32, page.url))
    assert rows(page)[:5] == found[:5]
    # Another part, by keys and by numbers.
    page.go_back()
    hits(page)
    page.get_by_role("button", name="Crop your image").click()
    page.locator(".stage").focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Shift+ArrowUp")
    page.get_by_label("Crop as x, y, width, height").fill("0, 0, 256, 256")
    page.get_by_role("button", name="Crop", exact=True).click()
    before = page.url
    part.click()
    settled(page, before)
    assert "/forest/" in names(page)[0]
    page.get_by_role("button", name="Crop your image").click()
    before = page.url
    page.get_by_role("button", name="Search with the whole image").click()
    settled(page, before)
    assert "@" not in page.url


def test_more_like_this_and_not_like_this(visit: Visit) -> None:
    page = visit.go("/search?q=row:3")
    third = rows(page)[2]
    before = page.url
    hits(page).nth(2).hover()
    hits(page).nth(2).get_by_role("button", name="More like").click()
    settled(page, before)
    assert f"q=row:{third}" in page.url
    assert page.locator(".chip.like").count() == 2
    last, before = rows(page)[-1], page.url
    hits(page).last.hover()
    hits(page).last.get_by_role("button", name="Not like").click()
    settled(page, before)
    assert f"not=row:{last}" in page.url
    assert last not in rows(page)
    assert page.locator(".chip.unlike").count() == 1
    before = page.url
    page.get_by_role("button", name=f"Remove tile {last}").click()
    settled(page, before)
    assert last in rows(page)


def test_label_scene_distance_and_number_of_hits_limit_a_search(visit: Visit) -> None:
    page = visit.go("/search?q=row:3")
    before = page.url
    page.get_by_label("Label").select_option("harbor")
    settled(page, before)
    assert all("/harbor/" in name for name in names(page))
    assert len(names(page)) == 6
    page = visit.go("/search?q=row:3&scene=marseille_20140720.tif")
    assert {Path(name).name for name in names(page)} == {"marseille_20140720.tif"}
    page = visit.go("/search?q=row:3&radius=12")
    hits(page)
    distances = [int(text) for text in page.locator(".hits .facts b").all_inner_texts()]
    assert 0 < max(distances) <= 12
    page = visit.go("/search?q=row:3&k=50")
    assert len(rows(page)) == 50


def test_a_span_of_time_is_brushed_on_the_histogram(visit: Visit) -> None:
    page = visit.go("/search?q=row:3")
    hits(page)
    # So few scenes have so few bars that they can be read, and the dates at their ends.
    assert 0 < page.locator(".histogram rect").count() < 12
    ends = page.locator(".histogram .axis").inner_text().split()
    assert ends == ["2014-07-20", "2016-01-01"]
    bars = page.locator(".histogram .bars")
    box = bars.bounding_box()
    before = page.url
    page.mouse.move(box["x"] + 0.4 * box["width"], box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.7 * box["width"], box["y"] + 20, steps=4)
    page.mouse.up()
    settled(page, before)
    assert re.search(r"since=2015-\d\d-\d\d&until=2015-\d\d-\d\d", page.url)
    assert {Path(name).name for name in names(page)} == {"camargue_20150502.tif"}
    assert "without a time are left out" in page.locator(".histogram").inner_text()
    # The same by keys, from the handle of one end.
    before = page.url
    page.get_by_role("slider", name="Until").focus()
    page.keyboard.press("ArrowRight")
    settled(page, before)


def test_hits_are_grouped_by_place(visit: Visit) -> None:
    page = visit.go("/search?q=row:3")
    found = rows(page)
    before = page.url
    page.get_by_label("Group hits by place").check()
    settled(page, before)
    page.wait_for_selector(".group")
    assert set(found) <= set(rows(page))
    assert page.locator(".group").count() <= len(found)
    assert page.locator(".group h3").first.inner_text().startswith("Place 1")


def test_a_chosen_hit_is_shown_beside_the_query_and_is_in_the_address(visit: Visit) -> None:
    page = visit.go("/search?q=row:3")
    row = rows(page)[4]
    hits(page).nth(4).locator(".open").click()
    page.wait_for_selector(".inspector")
    assert f"hit={row}" in page.url
    assert page.locator(".inspector img").count() == 2
    page.reload()
    page.wait_for_selector(f".hit.selected[data-row='{row}']")
    before = page.url
    page.get_by_role("button", name="Search with this tile").click()
    settled(page, before)
    assert rows(page)[0] == row


def test_names_and_labels_are_text_wherever_they_are_shown(visit: Visit) -> None:
    page = visit.go("/search?q=row:3&k=100")
    hits(page)
    hostile = page.locator(".hits .hit", has_text=HOSTILE)
    assert hostile.count() == 1
    hostile.locator(".open").click()
    page.wait_for_selector(".inspector")
    assert HOSTILE in page.locator(".inspector").inner_text()
    visit.go("/scenes")
    page.wait_for_selector("table.list")
    assert HOSTILE in page.locator("table.list").inner_text()
    assert page.evaluate("document.querySelectorAll('b[onmouseover], img[src=x]').length") == 0


def test_a_code_and_a_place_are_entered_as_text(visit: Visit) -> None:
    page = visit.go("/search")
    page.get_by_label("A tile, code or place").fill("nonsense")
    page.get_by_role("button", name="Add", exact=True).click()
    assert "row:12" in page.locator(".examples .trouble").inner_text()
    page.get_by_label("A tile, code or place").fill("code:0f3a0f3a0f3a0f3a")
    page.get_by_role("button", name="Add", exact=True).click()
    assert len(rows(page)) == 20
    assert page.locator(".chip svg.code").count() == 1


def test_hits_are_also_geojson(visit: Visit) -> None:
    page = visit.go("/search?q=row:3&k=100&bbox=4,43,6,44")
    found = len(rows(page))
    with page.expect_download() as download:
        page.get_by_role("link", name="GeoJSON").click()
    document = json.loads(Path(download.value.path()).read_text())
    assert len(document["features"]) == found


def test_a_search_that_finds_nothing_says_what_to_do(visit: Visit) -> None:
    page = visit.go("/search?q=row:3&since=1990-01-01&until=1990-02-01")
    assert "after --until" in page.locator(".results .trouble").inner_text()
    page = visit.go("/search?q=row:3&radius=0&label=forest")
    page.wait_for_selector(".results .empty:has-text('Widen the filters')")
    page = visit.go("/search?q=row:999999")
    assert "999999" in page.locator(".results .trouble").inner_text()
