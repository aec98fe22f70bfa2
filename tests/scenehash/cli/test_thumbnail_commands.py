"""The commands in a store with thumbnails, its archive at hand or gone offline."""

import base64
import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from scenehash import CodeStore
from scenehash.report.contact_sheet import THUMBNAIL, write_picture
from scenehash.retrieval.pictures import thumbnail_pixels
from scenehash.scenes.thumbnails import SIDE, make_thumbnail
from scenehash.store import THUMBNAILS
from scenehash.tiles import to_tile

from ...command_line import answer, run
from ...scenes import draw, read_pixels
from ..ingestion.test_ingest import mosaic
from .test_scene_commands import write_raster

KINDS = ("forest", "river", "beach")


@pytest.fixture
def scenes(tmp_path: Path) -> Path:
    write_raster(tmp_path / "in" / "raster.tif", mosaic(2, 3))
    for number, kind in enumerate(KINDS):
        write_picture(tmp_path / "in" / f"{kind}.png", draw(kind, number))
    return tmp_path / "in"


@pytest.fixture
def store(scenes: Path, tmp_path: Path) -> Path:
    assert run("ingest", scenes, "--store", tmp_path / "s", "--thumbnails").exit_code == 0
    return tmp_path / "s"


def decoded(jpeg: bytes) -> np.ndarray:
    """The pixels of a JPEG, uint8 RGB [H, W, 3]."""
    pixels = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR_RGB)
    assert pixels is not None
    return pixels


def alike(picture: np.ndarray, other: np.ndarray) -> float:
    """Correlation of two pictures, both brought to a thumbnail's size."""
    one, two = (to_tile(any_size, SIDE).ravel().astype(float) for any_size in (picture, other))
    return float(np.corrcoef(one, two)[0, 1])


def test_a_thumbnail_is_the_tile_made_small() -> None:
    image = draw("river", 3)
    jpeg = make_thumbnail(image)
    assert len(jpeg) < 4000
    pixels = decoded(jpeg)
    assert pixels.shape == (SIDE, SIDE, 3)
    assert alike(pixels, image) > 0.95


def test_an_archive_that_went_offline_is_still_seen(
    scenes: Path, store: Path, tmp_path: Path
) -> None:
    scenes.rename(tmp_path / "gone")
    sheet, page = tmp_path / "p.png", tmp_path / "p.html"
    found = answer("search", "row:0", "--store", store, "-k", 9, "--sheet", sheet, "--html", page)
    text = page.read_text()
    assert "scene not found" not in text
    shown = re.findall(r"data:image/jpeg;base64,([^']+)", text)
    assert len(shown) == 1 + 9
    with CodeStore.open(store) as opened:
        own = thumbnail_pixels(opened, range(9))
    assert len(own) == 9
    rows = [0, *(hit["row"] for hit in found["hits"])]
    for row, data in zip(rows, shown, strict=True):
        pixels = decoded(base64.b64decode(data))
        assert max(own, key=lambda other: alike(pixels, own[other])) == row
        assert alike(pixels, own[row]) > 0.9
    first = read_pixels(sheet)[12 : 12 + THUMBNAIL, 12 : 12 + THUMBNAIL]
    assert max(own, key=lambda other: alike(first, own[other])) == 0
    assert alike(first, own[0]) > 0.9


def test_a_store_without_them_shows_a_placeholder_and_says_nothing(
    scenes: Path, tmp_path: Path
) -> None:
    store, page = tmp_path / "s", tmp_path / "p.html"
    run("ingest", scenes, "--store", store)
    scenes.rename(tmp_path / "gone")
    done = run("search", "row:0", "--store", store, "-k", 3, "--html", page)
    assert page.read_text().count("scene not found") == 4
    assert "warning" not in done.stderr
    assert answer("store", "info", store)["thumbnails"] is None


def test_later_ingests_go_on_and_info_counts(scenes: Path, store: Path) -> None:
    write_picture(scenes / "late.png", draw("runway", 8))
    assert run("ingest", scenes, "--store", store).exit_code == 0
    info = answer("store", "info", store)
    assert info["thumbnails"] == info["tiles"] == 10
    assert 0 < info["thumbnail_bytes"] < info["bytes"]
    assert "thumbnails" in run("store", "info", store).stdout


def test_missing_ones_are_made_of_scenes_that_are_still_there(
    scenes: Path, store: Path, tmp_path: Path
) -> None:
    with CodeStore.open(store) as opened:
        before = thumbnail_pixels(opened, range(9))
    (store / THUMBNAILS).unlink()
    (scenes / "river.png").unlink()
    write_picture(scenes / "beach.png", draw("river", 77))
    done = run("store", "verify", store)
    assert done.exit_code == 0
    assert "thumbnail missing or damaged: 9 of 9 tiles" in done.stderr
    page = tmp_path / "p.html"
    done = run("search", "row:0", "--store", store, "--html", page)
    assert done.exit_code == 0
    assert "the file is missing" in done.stderr
    done = run("store", "thumbnails", store)
    assert done.exit_code == 3
    assert "differs from the stored scene" in done.stderr
    assert "7 thumbnails, 7 made now, 2 set aside" in done.stdout
    with CodeStore.open(store) as opened:
        after = thumbnail_pixels(opened, range(9))
        gone = {row for row in range(9) if "river" in opened.tile(row).scene}
        gone |= {row for row in range(9) if "beach" in opened.tile(row).scene}
    assert after.keys() == before.keys() - gone
    for row, pixels in after.items():
        assert alike(pixels, before[row]) > 0.97
    assert answer("store", "verify", store)["thumbnails_missing"] == 2


def test_they_can_be_begun_later_and_ended(scenes: Path, tmp_path: Path) -> None:
    store = tmp_path / "s"
    run("ingest", scenes, "--store", store)
    made = answer("store", "thumbnails", store)
    assert (made["thumbnails"], made["made"]) == (9, 9)
    assert answer("store", "thumbnails", store)["made"] == 0
    assert answer("store", "thumbnails", store, "--remove")["thumbnails"] == 0
    assert not (store / THUMBNAILS).exists()
    assert answer("store", "info", store)["thumbnails"] is None


def test_a_search_says_which_hit_is_the_same_place(
    scenes: Path, store: Path, tmp_path: Path
) -> None:
    query = ("search", scenes / "raster.tif", "--window", "276,20,256,256", "--store", store)
    found = answer(*query, "-k", 4)
    hits = found["hits"]
    looked = {"mixed": 9, "same_place": 9}
    assert found["reranked"] == {"by": ["same_place", "mixed"], "compared": looked}
    assert hits[0]["match"] == "same_place"
    plain = answer(*query, "-k", 9, "--rerank", "none")
    assert plain["reranked"] is None
    ranks = {hit["row"]: hit["rank"] for hit in plain["hits"]}
    assert [hit["hamming_rank"] for hit in hits] == [ranks[hit["row"]] for hit in hits]
    assert [hit["same_place"] for hit in hits] == [True, False, False, False]
    assert hits[0]["window"] == [256, 0, 256, 256]
    assert (
        "same_place" in run(*query, "--rerank", "thumbnails", "--html", tmp_path / "p.html").stdout
    )
    page = (tmp_path / "p.html").read_text()
    assert "same place" in page
    assert "place first (thumbnails of 9 compared)" in page
    assert plain["hits"][0]["same_place"] is None
    row = next(hit["row"] for hit in hits if hit["same_place"])
    stored = answer("search", f"row:{row}", "--store", store)["hits"][0]
    assert (stored["row"], stored["match"]) == (row, "same_place")


def test_a_watch_keeps_them(scenes: Path, tmp_path: Path) -> None:
    store = tmp_path / "s"
    done = run("watch", scenes, "--store", store, "--thumbnails", "--once", "--settle", 0, "--poll")
    assert done.exit_code == 0, done.stderr
    info = answer("store", "info", store)
    assert info["thumbnails"] == info["tiles"] == 9
