"""The commands on rasters, places and times, and those that look after a store."""

import json
import sqlite3
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin
from typer.main import get_command

from scenehash.cli.main import build_app
from scenehash.report.contact_sheet import write_picture

from ...command_line import answer, run
from ...scenes import draw, read_pixels
from ..ingestion.test_ingest import mosaic


def write_raster(path: Path, pixels: np.ndarray, east: float = 500_000) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    height, width = pixels.shape[:2]
    with rasterio.open(
        path, "w", driver="GTiff", count=3, height=height, width=width, dtype="uint8",
        crs="EPSG:32633", transform=from_origin(east, 5_000_000, 10, 10),
    ) as file:  # fmt: skip
        file.write(np.moveaxis(pixels, 2, 0))
    return path


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rasters")
    pixels = mosaic(2, 3)
    pixels[:256, :256] = 0
    write_raster(folder / "west_20260101.tif", pixels)
    write_raster(folder / "east_20260601.tif", mosaic(3, 2)[::-1], east=600_000)
    write_picture(folder / "plain.png", draw("forest", 1))
    (folder / "broken.tif").write_bytes(b"II*\x00broken")
    return folder


@pytest.fixture(scope="module")
def store(scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("stores") / "s"
    done = run("ingest", scenes, "--store", path, "--label", "first", "--list")
    assert done.exit_code == 3
    assert "west_20260101.tif" in done.stdout
    return path


def rows(*arguments: object) -> list[int]:
    return sorted(hit["row"] for hit in answer("search", "row:0", "-k", 99, *arguments)["hits"])


def test_search_by_time_place_label_and_scene(scenes: Path, store: Path) -> None:
    west, east = (scenes / name for name in ("west_20260101.tif", "east_20260601.tif"))
    everything = rows("--store", store)
    assert len(everything) == 5 + 6 + 1
    in_west = rows("--store", store, "--scene", west)
    in_east = rows("--store", store, "--scene", east)
    assert (len(in_west), len(in_east)) == (5, 6)
    assert rows("--store", store, "--until", "2026-03-01") == in_west
    assert rows("--store", store, "--since", "2026-03-01T00:00:00Z") == in_east
    assert rows("--store", store, "--bbox", "15.5,44,17,46") == in_east
    assert rows("--store", store, "--near", "45.1,15.0,20") == in_west
    area = scenes.parent / "area.geojson"
    corners = [[13, 44], [15.4, 44], [15.4, 47], [13, 46]]
    area.write_text(json.dumps({"type": "Polygon", "coordinates": [corners]}))
    assert rows("--store", store, "--area", area) == in_west
    assert rows("--store", store, "--label", "first") == everything
    assert rows("--store", store, "--scene", west.name) == in_west
    for option, value, said in (
        ("--label", "second", "no stored scene has the label second; the labels are first"),
        ("--scene", "north.tif", "no stored scene has the path north.tif"),
        ("--since", "2030-01-01", "before --since"),
        ("--bbox", "5,43,6,44", "no stored tile meets the filter: bbox 5,43,6,44"),
    ):
        refused = run("search", "row:0", "--store", store, option, value)
        assert (refused.exit_code, refused.stdout) == (1, "")
        assert said in refused.stderr
    assert rows("--store", store, "--newer-than", 3) == everything[4:]


def test_pictures_pages_and_maps_are_written(scenes: Path, store: Path, tmp_path: Path) -> None:
    scene = scenes / "west_20260101.tif"
    outputs = ["--html", tmp_path / "p.html", "--geojson", tmp_path / "p.geojson"]
    found = answer(
        "search", scene, "--window", "256,256,256,256", "--store", store, "-k", 4,
        "--scene", scene, "--rerank", "bits", "--explain", "--sheet", tmp_path / "p.png", *outputs,
    )  # fmt: skip
    assert found["hits"][0]["window"] == [256, 256, 256, 256]
    assert found["explanation"]["codes"] > 0
    page = (tmp_path / "p.html").read_text()
    assert page.count("<img") == 5
    assert page.count("<polygon") == 4
    assert "http" not in page.replace("http://www.w3.org", "")
    features = json.loads((tmp_path / "p.geojson").read_text())["features"]
    assert [feature["properties"]["rank"] for feature in features] == [1, 2, 3, 4]
    assert read_pixels(tmp_path / "p.png").shape[1] > 5 * 160


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--window", "700,0,256,256"], "is not inside the scene, which has 768x512 pixels"),
        (["--at", "10,10"], "is not inside the scene"),
        (["--geojson", "/nowhere/p.geojson"], "cannot be written"),
        (["--html", "/nowhere/p.html"], "cannot be written"),
        (["--bands", "1,2"], "give three"),
        (["--bands", "7,1,2"], "is not one of its bands"),
        (["--bands", "sentinel"], "did you mean sentinel2"),
        (["--model", "opne"], "no such model file; did you mean open"),
        (["--area", "no.geojson"], "no.geojson: cannot be read"),
        (["--html", "p.txt"], ".html"),
    ],
)
def test_what_cannot_be_searched_with_is_one_clear_line(
    scenes: Path, store: Path, arguments: list[str], said: str
) -> None:
    done = run("search", scenes / "west_20260101.tif", "--store", store, *arguments)
    assert done.exit_code == 1
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert said in line


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--tile", "wide"], "give pixels, such as 512"),
        (["--bbox", "0,5,1,4"], "not a box"),
        (["--near", "95,0,1"], "not LATITUDE,LONGITUDE,KILOMETRES"),
        (["--near", "47,-99"], "not LAT,LON,KM"),
        (["--at", "-99,47"], "not LATITUDE,LONGITUDE"),
        (["-k", "0"], "'-k': give at least 1"),
        (["-k", "x"], "'-k': give a whole number (see"),
        (["--rerank", "bit"], "'--rerank': 'bit' is not one of"),
        (["--since", "2026-02-01", "--until", "2026-01-01"], "--since is after --until"),
    ],
)
def test_a_value_of_no_sense_is_wrong_usage(
    scenes: Path, store: Path, arguments: list[str], said: str
) -> None:
    done = run("search", scenes / "west_20260101.tif", "--store", store, *arguments)
    assert done.exit_code == 2
    assert said in done.stderr
    assert "Input should" not in done.stderr and "Value error" not in done.stderr


def test_a_query_as_the_page_takes_it_and_a_box_around_the_earth_are_hints(store: Path) -> None:
    done = run("search", "at:45.1,15.0", "--store", store)
    assert done.exit_code == 1 and "--at LAT,LON" in done.stderr and "--near" in done.stderr
    done = run("search", "row:0", "--store", store, "--bbox", "16,44,15,46")
    assert "note: --bbox: W 16 is east of E 15" in done.stderr


def test_tiles_shows_how_scenes_are_cut_and_stores_nothing(scenes: Path, tmp_path: Path) -> None:
    outputs = ["--pictures", tmp_path / "cut", "--geojson", tmp_path / "cut.geojson"]
    done = run("tiles", scenes, *outputs, "--json")
    assert done.exit_code == 3
    document = json.loads(done.stdout)
    counts = {Path(one["path"]).name: (one["tiles"], one["skipped"]) for one in document["scenes"]}
    assert counts == {
        "west_20260101.tif": (5, 1), "east_20260601.tif": (6, 0), "plain.png": (1, 0)
    }  # fmt: skip
    assert Path(document["set_aside"][0]["path"]).name == "broken.tif"
    names = sorted(path.name for path in (tmp_path / "cut").iterdir())
    assert names == ["east_20260601.png", "plain.png", "west_20260101.png"]
    features = json.loads((tmp_path / "cut.geojson").read_text())["features"]
    assert sorted(feature["properties"]["kept"] for feature in features) == [False] + [True] * 11
    assert "768x512" in run("tiles", scenes / "west_20260101.tif").stdout


def test_pictures_of_scenes_never_overwrite_scenes(tmp_path: Path) -> None:
    folder = tmp_path / "scenes"
    folder.mkdir()
    write_picture(folder / "a.png", draw("harbor", 1))
    before = (folder / "a.png").read_bytes()
    (tmp_path / "linked").symlink_to(folder)
    for pictures in (folder, tmp_path / "linked"):
        done = run("tiles", folder, "--pictures", pictures)
        assert done.exit_code == 1 and "it holds scenes" in done.stderr
        assert [*folder.iterdir()] == [folder / "a.png"]
        assert (folder / "a.png").read_bytes() == before


def test_quarantine_is_listed_retried_and_released(tmp_path: Path) -> None:
    broken = tmp_path / "in" / "a.png"
    hopeless = tmp_path / "in" / "b.png"
    broken.parent.mkdir()
    broken.write_bytes(b"")
    hopeless.write_bytes(b"nothing")
    here = ("--store", tmp_path / "s")
    assert run("ingest", tmp_path / "in", *here).exit_code == 3
    listed = answer("quarantine", "list", *here)["quarantine"]
    assert [item["path"] for item in listed] == [str(broken), str(hopeless)]
    assert "0 bytes" in run("quarantine", "list", *here).stdout
    write_picture(broken, draw("forest", 1))
    assert run("quarantine", "retry", *here).exit_code == 3
    assert len(answer("quarantine", "list", *here)["quarantine"]) == 1
    unknown = run("quarantine", "release", hopeless, "c.png", *here)
    assert unknown.exit_code == 1
    assert f"{Path('c.png').absolute()}: not in quarantine" in unknown.stderr
    assert len(answer("quarantine", "list", *here)["quarantine"]) == 1
    assert answer("quarantine", "release", hopeless, *here)["released"] == 1
    assert answer("quarantine", "list", *here)["quarantine"] == []


def options_of(*words: str) -> set[str]:
    command = get_command(build_app())
    for word in words:
        command = command.commands[word]  # type: ignore[attr-defined]
    return {flag for option in command.params for flag in option.opts if flag.startswith("-")}


def test_watch_and_retry_take_the_options_of_ingest() -> None:
    ingest = options_of("ingest")
    assert ingest - options_of("watch") == {"--list", "--json"}
    # A store that has a quarantine has its width.
    assert ingest - options_of("quarantine", "retry") == {"--list", "--bits"}


def test_what_was_mended_or_arrives_is_labelled_and_kept_as_by_ingest(tmp_path: Path) -> None:
    for folder in ("port", "wood"):
        (tmp_path / folder).mkdir()
    broken = tmp_path / "port" / "a.png"
    broken.write_bytes(b"")
    here = ("--store", tmp_path / "s")
    labelling = ("--label-from-folder", "--label", "2026", "--thumbnails")
    run("ingest", broken, *here)
    write_picture(broken, draw("harbor", 1))
    assert run("quarantine", "retry", *here, *labelling).exit_code == 0
    write_picture(tmp_path / "wood" / "b.png", draw("forest", 1))
    done = run("watch", tmp_path / "wood", *here, *labelling, "--once", "--settle", "0")
    assert json.loads(done.stdout)["labels"] == ["2026", "wood"]
    hits = answer("search", "row:0", *here)["hits"]
    assert [hit["labels"] for hit in hits] == [["2026", "port"], ["2026", "wood"]]
    assert answer("store", "info", tmp_path / "s")["thumbnails"] == 2


def test_scenes_are_labelled_and_followed_from_the_command_line(tmp_path: Path) -> None:
    store = tmp_path / "s"
    for number, name in enumerate(("wood/a.png", "wood/b.png", "port/c.png")):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_picture(path, draw("forest", number))
    run("ingest", tmp_path / "in", "--store", store)
    assert run("store", "label", store, "--label", "wood").exit_code == 2
    assert len(answer("store", "label", store, "--from-folder")["changed"]) == 3
    assert len(answer("store", "label", store, "--add", "old", "--label", "wood")["changed"]) == 2
    (changed,) = answer("store", "label", store, "--remove", "old", "--scene", "a.png")["changed"]
    assert changed.endswith("wood/a.png")
    found = answer("search", "row:0", "--store", store, "--label", "old")["hits"]
    assert [(hit["scene"][-8:], hit["labels"]) for hit in found] == [("od/b.png", ["old", "wood"])]
    (tmp_path / "in").rename(tmp_path / "moved")
    (tmp_path / "moved/port/c.png").unlink()
    done = run("store", "relocate", store, tmp_path / "in", tmp_path / "moved")
    assert done.exit_code == 3
    assert "port/c.png" in done.stderr
    assert "2 scenes moved, 1 set aside" in done.stdout
    found = answer("search", "row:0", "--store", store, "--scene", "moved/wood/a.png")["hits"]
    assert len(found) == 1


def test_damaged_scenes_are_given_up_from_the_command_line(scenes: Path, tmp_path: Path) -> None:
    store = tmp_path / "s"
    run("ingest", scenes, "--store", store)
    with sqlite3.connect(store / "catalog.sqlite") as catalog:
        catalog.execute("UPDATE scene SET time = 5 WHERE path LIKE '%west%'")
    refused = run("search", "row:0", "--store", store)
    assert refused.exit_code == 1
    assert "scenehash store delete --damaged" in refused.stderr
    would = answer("store", "delete", store, "--damaged", "--dry-run")
    assert [Path(path).name for path in would["deleted"]] == ["west_20260101.tif"]
    assert answer("store", "delete", store, "--damaged") == would | {"dry_run": False}
    assert answer("store", "verify", store)["damage"] == []
    assert run("store", "delete", store, "--damaged", "--label", "a").exit_code == 2


def test_a_store_is_cared_for_from_the_command_line(scenes: Path, tmp_path: Path) -> None:
    west = scenes / "west_20260101.tif"
    store, other = tmp_path / "s", tmp_path / "t"
    run("ingest", scenes, "--store", store, "--label", "all")
    assert run("store", "delete", store).exit_code == 2
    would = answer("store", "delete", store, "--scene", west, "--dry-run")
    assert would["deleted"] == [str(west)]
    assert answer("store", "info", store)["tiles"] == 12
    assert answer("store", "delete", store, "--scene", west)["deleted"] == [str(west)]
    info = answer("store", "info", store)
    assert (info["scenes"], info["tiles"], info["deleted"], info["rows"]) == (2, 7, 5, 12)
    assert answer("store", "compact", store)["tiles_dropped"] == 5
    assert answer("store", "merge", other, store)["scenes_stored"] == 2
    assert answer("store", "merge", other, store)["scenes_duplicate"] == 2
    for name in ("t.parquet", "t.npz", "t.geojson"):
        assert answer("store", "export", other, "--out", tmp_path / name)["tiles"] == 7
    assert run("store", "export", other, "--out", tmp_path / "t.csv").exit_code == 1
    assert answer("store", "index", other)["store"] == str(other)
    assert answer("store", "verify", other)["damage"] == []
    with sqlite3.connect(store / "catalog.sqlite") as catalog:
        catalog.execute("UPDATE scene SET time = 5 WHERE time NOT NULL")
    done = run("store", "merge", other, store)
    assert done.exit_code == 3
    assert "its entry in the catalog is damaged" in done.stderr
    done = run("store", "verify", store)
    assert done.exit_code == 1
    assert "ingest these scenes again" in done.stdout


def test_what_is_no_backup_no_folder_and_no_bundle_is_one_line(store: Path, tmp_path: Path) -> None:
    for words in (("backups", store), ("restore", store, "--to", tmp_path / "r")):
        done = run("store", *words)
        assert done.exit_code == 1 and "this is a store, not a backup" in done.stderr
    done = run("store", "relocate", store, tmp_path, tmp_path / "none")
    assert done.exit_code == 1 and "none: no such file or folder" in done.stderr
    (tmp_path / "a.shlb").write_text("no bundle")
    done = run("link", "apply", tmp_path / "a.shlb", "--store", store)
    assert (done.exit_code, done.stdout) == (3, "")
    (tmp_path / "b.jpg").write_text("no picture")
    done = run("tiles", tmp_path / "b.jpg")
    assert (done.exit_code, done.stdout) == (3, "")


def test_a_store_is_described_in_words_and_units(store: Path) -> None:
    lines = dict(
        line.split(None, 1) for line in run("store", "info", store).stdout.splitlines() if line
    )
    assert lines["tiles"] == "12" and lines["size"].endswith(" MB in all")
    assert lines["index"] == "none: so few tiles are compared one by one"
    assert "so few tiles" in run("store", "index", store).stdout
    assert f"1 of {lines['scenes']} scenes" in run("store", "scenes", store, "--limit", 1).stdout
    assert "1 input in quarantine" in run("quarantine", "list", "--store", store).stdout


def test_a_raster_that_was_cut_is_to_be_copied_again(scenes: Path, tmp_path: Path) -> None:
    data = (scenes / "west_20260101.tif").read_bytes()
    (tmp_path / "cut.tif").write_bytes(data[: len(data) // 2])
    assert "copy the file again" in run("tiles", tmp_path / "cut.tif").stderr
