"""`scenehash search` as a person meets it: names that work, outputs, mistakes that are named."""

import json
import os
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
import rasterio

from scenehash.report.contact_sheet import write_picture

from ...command_line import answer, run
from ...scenes import draw
from ..ingestion.test_ingest import mosaic
from .test_scene_commands import write_raster


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rasters")
    write_raster(folder / "a" / "coast.tif", mosaic(2, 3))
    write_raster(folder / "b" / "coast.tif", mosaic(2, 3)[:, ::-1], east=600_000)
    write_picture(folder / "plain.png", draw("forest", 1))
    return folder


def test_the_name_that_a_table_shows_finds_that_scene(scenes: Path, store: Path) -> None:
    shown = run("search", "row:0", "--store", store, "-k", 1).stdout
    assert "a/coast.tif" in shown
    found = answer("search", "row:0", "--store", store, "-k", 99, "--scene", "a/coast.tif")
    assert len(found["hits"]) == 6
    for name, said in (("coast.tif", "several scenes end in coast.tif"), ("oast.tif", "no stored")):
        done = run("search", "row:0", "--store", store, "--scene", name)
        assert (done.exit_code, said in done.stderr) == (1, True)
    whole = answer("search", "row:0", "--store", store, "-k", 99, "--scene", scenes / "plain.png")
    assert len(whole["hits"]) == 1


def test_a_large_scene_is_searched_by_its_tiles_and_says_so(scenes: Path, store: Path) -> None:
    scene = scenes / "a" / "coast.tif"
    done = run("search", scene, "--store", store, "-k", 6)
    assert done.exit_code == 0
    assert f"note: {scene}: searched by its 6 tiles" in " ".join(done.stderr.split())
    found = answer("search", scene, "--store", store, "-k", 6)
    assert found["queries"][0]["tiles"] == 6
    assert [hit["distance"] for hit in found["hits"]] == [0] * 6
    assert answer("search", scene, "--whole", "--store", store)["queries"][0]["tiles"] == 1


def test_a_note_about_a_query_names_its_file(store: Path, tmp_path: Path) -> None:
    for seed, name in enumerate(("one", "two")):
        pixels = np.moveaxis(draw("river", seed), 2, 0).astype(np.uint16)
        with rasterio.open(
            tmp_path / f"{name}.tif", "w", driver="GTiff", count=3, height=256, width=256,
            dtype="uint16", photometric="MINISBLACK",
        ) as file:  # fmt: skip
            file.write(pixels)
    queries = [tmp_path / "one.tif", tmp_path / "two.tif"]
    warnings = answer("search", *queries, "--store", store)["warnings"]
    assert len(warnings) == 2
    for path, warning in zip(queries, warnings, strict=True):
        assert warning.startswith(f"{path}: its bands have no names")


def test_a_code_is_a_query(store: Path) -> None:
    code = answer("search", "row:3", "--store", store)["queries"][0]["codes"][0]
    found = answer("search", f"code:{code}", "--store", store, "-k", 4)
    same = answer("search", "row:3", "--store", store, "-k", 4, "--rerank", "none")
    assert found["hits"] == same["hits"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--at", "15.001,45.15"], "45.15,15.001 is inside: the latitude comes first"),
        (["--at", "145,20"], "the latitude comes first: 20,145?"),
        (["--near", "145,20,5"], "the latitude comes first: 20,145?"),
        (["--bbox", "45,115,46,116"], "longitudes come first: 115,45,116,46?"),
        (["--html", "nowhere/p.html"], "there is no folder nowhere"),
        (["--sheet", "p.docx"], "not a picture format"),
    ],
)
def test_mistakes_are_named_before_anything_is_searched(
    scenes: Path, store: Path, arguments: list[str], said: str
) -> None:
    done = run("search", scenes / "a" / "coast.tif", "--store", store, *arguments)
    assert done.exit_code == (2 if "first: " in said else 1)
    assert done.stdout == ""
    assert said in " ".join(done.stderr.split())
    document = json.loads(
        run("search", scenes / "a" / "coast.tif", "--store", store, *arguments, "--json").stdout
    )
    assert said in document["error"]["message"]
    assert document["error"]["exit_status"] == done.exit_code


def test_hits_are_shown_although_a_file_cannot_be_written(store: Path, tmp_path: Path) -> None:
    outputs = ["--geojson", tmp_path / "p.geojson", "--html", tmp_path / "p.html"]
    asked = ["search", "row:12", "--store", store, "--scene", "plain.png", *outputs]
    done = run(*asked)
    assert done.exit_code == 1
    assert "plain.png" in done.stdout
    assert "error: " in done.stderr
    assert "no hit has a footprint" in " ".join(done.stderr.split())
    assert [path.name for path in tmp_path.iterdir()] == ["p.html"]
    shown = run(*asked, "--json")
    document = json.loads(shown.stdout)
    assert shown.exit_code == 1
    assert len(document["hits"]) == 1
    assert list(document["written"]) == ["html"]
    assert "no hit has a footprint" in document["not_written"]["geojson"]


def test_a_blank_query_and_a_filter_without_matches_are_named(store: Path, tmp_path: Path) -> None:
    assert cv2.imwrite(str(tmp_path / "grey.png"), np.full((256, 256, 3), 80, np.uint8))
    done = run("search", tmp_path / "grey.png", "--store", store, "--newer-than", 9, "--radius", 0)
    assert done.exit_code == 0
    said = " ".join(done.stderr.split())
    assert "grey.png: it is of one colour" in said
    assert "no tile meets both the filter and the other conditions: newer_than 9" in said
    assert "0 hits among 3 of 13 tiles" in done.stdout
    done = run("search", tmp_path / "grey.png", "--store", store, "--near", "1,2,3")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "no stored tile meets the filter: near 1,2,3" in done.stderr
    done = run("search", tmp_path / "grey.png", "--store", store, "--label", "fire")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "no stored scene has a label" in done.stderr


def test_a_query_may_have_any_name(store: Path, tmp_path: Path) -> None:
    name = os.fsdecode(b"<b>\xff\x1b[2J.png")
    write_picture(tmp_path / "plain.png", draw("forest", 1))
    (tmp_path / "plain.png").rename(tmp_path / name)
    page = tmp_path / "p.html"
    found = answer("search", tmp_path / name, "--store", store, "-k", 1, "--html", page)
    assert found["hits"][0]["distance"] == 0
    assert found["query"].endswith("<b>\\xff\x1b[2J.png")
    assert "<h1>Scenes like &lt;b&gt;\\xff" in page.read_text(encoding="utf-8")
    shown = run("search", tmp_path / name, "--bands", "1,2", "--store", store)
    assert shown.exit_code == 1
    assert "\x1b" not in shown.stderr


def test_the_times_of_the_stages_add_up_and_are_named(store: Path) -> None:
    found = answer("search", "row:0", "--store", store)
    stages = found["stages"]
    assert list(stages) == ["hash", "open", "search", "rerank"]
    assert all(time >= 0 for time in stages.values())
    assert sum(stages.values()) - stages["hash"] == pytest.approx(found["milliseconds"], abs=0.01)
    said = run("search", "row:0", "--store", store).stdout
    assert re.search(r"13 tiles: read and hash [\d.]+ ms, open [\d.]+ ms, search [\d.]+ ms", said)


def test_every_hit_has_a_word(store: Path) -> None:
    # Of 13 tiles nothing can be unlike anything stored.
    far = answer("search", "code:" + "0f" * 8, "--store", store)
    assert {hit["match"] for hit in far["hits"]} <= {"doubtful", "other_kind"}
    assert far["hits"][0]["distance"] > far["match_distances"]["nearest"]
    near = answer("search", "row:0", "--store", store, "-k", 1)
    assert near["hits"][0]["match"] == "same_kind"
    words = {"same_kind", "likely_same_kind", "doubtful", "nearest"}
    assert set(near["match_distances"]) == words
    assert "same_kind" in run("search", "row:0", "--store", store, "-k", 1).stdout


def test_help_has_examples() -> None:
    for flag in ("-h", "--help"):
        shown = run("search", flag)
        assert shown.exit_code == 0
        assert "Examples:" in shown.stdout
        assert "--at 43.36,5.32" in shown.stdout


@pytest.mark.parametrize("option", ["--label", "--since", "-k", "--scene"])
def test_an_option_of_one_value_is_not_given_twice(option: str, store: Path) -> None:
    value = {"-k": "3", "--since": "2026-01-01"}.get(option, "a")
    done = run("search", "row:0", "--store", store, option, value, option, value)
    assert done.exit_code == 2
    assert f"{option}: given 2 times; give it once" in " ".join(done.stderr.split())
    again = run("search", "row:0", "--store", store, "--not", "row:1", "--not", "row:2")
    assert again.exit_code == 0


def test_the_window_that_a_table_shows_is_a_window_to_search_with(
    scenes: Path, store: Path
) -> None:
    shown = run("search", "row:0", "--store", store, "-k", 1).stdout
    assert "256x256+0+0" in shown
    crop = (scenes / "a" / "coast.tif", "--store", store, "-k", 1, "--window")
    hits = [answer("search", *crop, text)["hits"] for text in ("256x256+256+0", "256,0,256,256")]
    assert hits[0] == hits[1]
    assert hits[0][0]["window"] == [256, 0, 256, 256]
    for text in ("256x256", "256x256+0", "-1x2+3+4"):
        assert "not X,Y,W,H" in run("search", *crop[:-1], f"--window={text}").stderr


def test_a_number_of_hits_counts_groups_where_these_are_shown(store: Path) -> None:
    ungrouped = answer("search", "row:0", "--store", store, "-k", 13)["hits"]
    every = answer("search", "row:0", "--store", store, "-k", 13, "--group")["groups"]
    assert sum(len(group) for group in every) == len(ungrouped) == 13
    found = answer("search", "row:0", "--store", store, "-k", 3, "--group")
    assert found["groups"] == every[:3] and found["k"] == 3
    shown = run("search", "row:0", "--store", store, "-k", 3, "--group").stdout.splitlines()
    assert [line.split()[0] for line in shown[1:4]] == ["1", "2", "3"]
    hits = sum(len(group) for group in every[:3])
    assert shown[4].startswith(f"3 groups of {hits} hits among 13 tiles")


def test_a_narrow_terminal_shows_words_and_windows_whole(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for width in (80, 64):
        monkeypatch.setattr("scenehash.cli.console.PIPE_WIDTH", width)
        lines = run("search", "row:0", "--store", store, "-k", 13).stdout.splitlines()
        assert all("256x256+" in line and "…_" not in line for line in lines[1:14])
        assert all(re.search(r"(kind|doubtful) ", line) for line in lines[1:14])
    assert "cosine" not in lines[0] and "no room" in lines[14]
    monkeypatch.undo()
    assert "cosine" in run("search", "row:0", "--store", store).stdout.splitlines()[0]


def test_a_copy_is_told_where_thumbnails_lack(store: Path, scenes: Path) -> None:
    asked = ("--window", "0,0,256,256", "--store", store, "-k", 1)
    done = run("search", scenes / "a" / "coast.tif", *asked)
    assert f"scenehash store thumbnails {store}" in done.stderr
    assert "thumbnails" not in run("search", "row:0", "--store", store, "-k", 1).stderr
