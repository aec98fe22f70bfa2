"""A search as a page, a sheet and GeoJSON."""

import os
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from scenehash import CodeStore, Filter, Query, search
from scenehash.errors import InputError
from scenehash.report.footprint_map import Mark, footprint_maps, land_path
from scenehash.report.html_report import search_page
from scenehash.report.search_files import SearchFiles
from scenehash.retrieval.rerank import Reranked
from scenehash.retrieval.search import SearchResult

from ..store.samples import LINEAGE, placed


def ring(west: float, south: float, size: float = 0.1) -> list[tuple[float, float]]:
    corners = [(west, south + size), (west + size, south + size), (west + size, south)]
    return [((x + 180) % 360 - 180, y) for x, y in [*corners, (west, south)]]


def polygons(maps: str) -> list[list[tuple[float, float]]]:
    return [
        [(float(x), float(y)) for x, y in (corner.split(",") for corner in points.split())]
        for points in re.findall(r"<polygon points='([^']+)'", maps)
    ]


@pytest.fixture
def result(tmp_path: Path) -> SearchResult:
    name = "<b>&'\"quay"
    with CodeStore.create(tmp_path / "s", LINEAGE, 64, "a-model") as store:
        scenes = [
            placed(1, 2, (8.0, 47.0)),
            placed(2, 2, (-71.0, -33.0), (name,)),
            replace(placed(3), path=f"/in/{name}.png"),
        ]
        store.add(scenes)
        found = search(store, "row:0", 5, where=Filter(newer_than=-1), radius=60)
        assert len(found.hits) == 5
        return replace(found, unlike=(Query.from_code("f" * 16),))


class Balanced(HTMLParser):
    """Fails on an element that is not closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        del attrs
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("html", "body") or tag in self.open:
            assert self.open.pop() == tag


def test_a_page_says_what_was_asked_of_what_and_needs_nothing_else(result: SearchResult) -> None:
    page = search_page(result)
    Balanced().feed(page)
    assert "<dd>newer_than -1; at most 60 bits away; not like code:ffffffffffffffff</dd>" in page
    assert "<dd>by Hamming distance, then row</dd>" in page
    assert f"<dd>{result.store}, 5 tiles</dd>" in page
    window = result.queries[0].windows[0]
    side = f"{window.width}x{window.height}+{window.x}+{window.y}"
    assert f"<figcaption>row:0<br><span class=faint>{side}</span></figcaption>" in page
    large = replace(result.queries[0], codes=np.zeros((2, 8), np.uint8), skipped=1)
    page = search_page(replace(result, queries=(large,)))
    assert "<span class=faint>2 tiles, 1 more skipped</span>" in page
    assert f"<dd>a-model, 64 bits, lineage {LINEAGE}</dd>" in page
    assert "http" not in page
    assert "<b>&" not in page
    assert "&lt;b&gt;&amp;" in page


def test_bars_are_shares_of_the_code_and_not_of_the_farthest_hit(result: SearchResult) -> None:
    widths = re.findall(r"<i style='width:([\d.]+)%'", search_page(result))
    assert [float(width) for width in widths] == pytest.approx(
        [100 * hit.distance / 64 for hit in result.hits], abs=0.05
    )
    assert 0 < max(hit.distance for hit in result.hits) < 64


def test_a_page_says_that_hits_are_in_another_order(result: SearchResult) -> None:
    first, second, *others = result.hits
    order = Reranked({"bit_certainty": 100, "same_place": 300})
    turned = replace(
        result,
        hits=(replace(second, rank=1, match="same_place"), replace(first, rank=2), *others),
        reranked=order,
    )
    page = search_page(turned)
    assert (
        "<dd>hits that show the query&#x27;s place first (thumbnails of 300 compared), "
        "then by how certain the query is of its bits (the nearest 100), "
        "then by Hamming distance, then row</dd>"
    ) in page
    assert "#2 by Hamming distance" in page
    same = search_page(replace(result, reranked=order))
    assert "this changed nothing" in same


def test_two_continents_are_shown_with_their_coasts_and_close_up() -> None:
    marks = [Mark("#1", "one", ring(8, 47)), Mark("#2", "two", ring(-71, -33))]
    maps = footprint_maps(marks)
    assert maps.count("<path id=land") == 1
    assert len(land_path()) > 20_000
    assert maps.count("class=mark") == 2
    assert len(polygons(maps)) == 2
    overview, first, second = re.findall(r"<figure>.*?</figure>", maps)
    assert "href='#land'" in overview
    assert ">close-up of #1<" in first
    assert ">close-up of #2<" in second
    assert footprint_maps([]) == ""


def test_marks_over_each_other_share_a_label_close_up() -> None:
    marks = [Mark(f"#{n}", "x", ring(8 + 0.01 * n, 47)) for n in (1, 2)]
    marks += [Mark("#3", "x", ring(9, 47)), Mark("#4", "x", ring(-71, -33))]
    maps = footprint_maps(marks)
    _, first, second = re.findall(r"<figure>.*?</figure>", maps, re.DOTALL)
    labels = r"class=label text-anchor=middle>([^<]*)</text>"
    assert re.findall(labels, first) == ["#1, #2", "#3"]
    assert re.findall(labels, second) == ["#4"]
    assert first.count("<polygon") == 3


@pytest.mark.parametrize("west", [-180.05, -180.0, 179.95, 8.0])
def test_a_footprint_across_the_antimeridian_is_in_one_piece(west: float) -> None:
    own, neighbour = ring(west, -17), ring(west + 0.1, -17)
    shapes = polygons(footprint_maps([Mark("#1", "one", own), Mark("#2", "two", neighbour)]))
    assert len(shapes) == 2
    across = [max(x for x, _ in shape) - min(x for x, _ in shape) for shape in shapes]
    assert across[0] == pytest.approx(across[1], abs=0.2)
    assert max(across) < 300
    # The later mark is drawn first, and lies east of the other.
    assert min(x for x, _ in shapes[0]) == pytest.approx(max(x for x, _ in shapes[1]), abs=0.2)


@pytest.mark.parametrize("latitude", [-89.5, -60.0, 0.0, 75.0, 89.0])
def test_every_mark_lies_on_the_map(latitude: float) -> None:
    marks = [Mark(f"#{x}", "x", ring(x, latitude)) for x in (-179, -90, 0, 90, 179)]
    found = re.findall(r"<circle cx=([\d.-]+) cy=([\d.-]+)", footprint_maps(marks))
    assert found
    for x, y in found:
        assert 58 <= float(x) <= 992
        assert 4 <= float(y) <= 416


def test_outputs_are_checked_before_a_search(tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    (tmp_path / "x").mkdir()
    SearchFiles(tmp_path / "a.png", tmp_path / "a.html", tmp_path / "a.geojson").check(
        tmp_path / "s", ["row:0"]
    )
    for files, said in (
        (SearchFiles(page=tmp_path / "no" / "a.html"), "there is no folder"),
        (SearchFiles(geojson=tmp_path), "it is a folder"),
        (SearchFiles(sheet=tmp_path / "a.docx"), "not a picture format"),
        (SearchFiles(page=tmp_path / "a", geojson=tmp_path / "a"), "two outputs"),
        (SearchFiles(sheet=tmp_path / os.fsdecode(b"h.\xff")), "not a picture format"),
        (SearchFiles(sheet=tmp_path / "x" / ".." / "q.png"), "it is a query"),
        (SearchFiles(page=tmp_path / "s" / "catalog.sqlite"), "inside the store's folder"),
    ):
        with pytest.raises(InputError, match=said):
            files.check(tmp_path / "s", [str(tmp_path / "q.png"), "row:1"])
    assert {path.name for path in tmp_path.iterdir()} == {"s", "x"}


def test_what_cannot_be_written_is_said_and_the_rest_is_written(
    result: SearchResult, tmp_path: Path
) -> None:
    bare = replace(result, hits=tuple(replace(hit, footprint=None) for hit in result.hits))
    files = SearchFiles(tmp_path / "a.png", tmp_path / "a.html", tmp_path / "a.geojson")
    written, failed = files.write(bare)
    assert sorted(written) == ["html", "sheet"]
    assert "no hit has a footprint" in failed["geojson"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.html", "a.png", "s"]
