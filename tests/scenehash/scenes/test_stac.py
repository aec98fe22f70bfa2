"""STAC items and collections name scenes, and say when and where they were; and nothing more."""

import json
import tempfile
import tracemalloc
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import rasterio
from hypothesis import given
from hypothesis import strategies as st

from scenehash import CodeStore, hash_archive, ingest, load_archive
from scenehash.archive import hash as hash_module
from scenehash.decode_params import DecodeParams
from scenehash.errors import InputError
from scenehash.geo import Box
from scenehash.report.contact_sheet import write_picture
from scenehash.scenes import Window, open_scene
from scenehash.scenes.inputs import find_inputs
from scenehash.scenes.stac import Noted, StacOptions, read_items

from ...command_line import run
from ...tiny_model import tiny_model
from ..archive.parts import InThisProcess
from ..ingestion.archives import picture

TIME = "2026-01-02T03:04:05Z"
AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
BOX = [7.0, 46.0, 7.5, 46.5]
RGBN = [{"name": name, "common_name": name} for name in ("blue", "green", "red", "nir")]


def item_of(href: str, time: str = TIME, **assets: Any) -> dict[str, Any]:
    """An item whose scene is at an address."""
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": "one",
        "bbox": BOX,
        "geometry": None,
        "properties": {"datetime": time},
        "assets": {"image": {"href": href, "roles": ["data"]}, **assets},
        "links": [],
    }


def item_link(href: str) -> dict[str, str]:
    return {"rel": "item", "href": href}


def write(path: Path, document: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document))
    return path


def reasons(path: Path, options: StacOptions = StacOptions()) -> str:  # noqa: B008 - frozen
    items = read_items(str(path), options)
    assert not items.scenes
    return " ".join(items.set_aside.values())


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    """A collection of two items of pictures, in a catalogue, with a link back, and a broken one."""
    (tmp_path / "scenes").mkdir()
    for number in range(2):
        write_picture(tmp_path / "scenes" / f"{number}.png", picture(number, 2))
        item = item_of(f"../../scenes/{number}.png", f"2026-01-0{number + 1}T00:00:00Z")
        write(tmp_path / "stac" / f"{number}" / "item.json", item)
    up = {"rel": "child", "href": "../catalog.json"}
    links = [item_link("1/item.json"), item_link("0/item.json"), item_link("2/item.json"), up]
    write(tmp_path / "stac" / "collection.json", {"type": "Collection", "links": links})
    child = {"rel": "child", "href": "./stac/collection.json"}
    return write(tmp_path / "catalog.json", {"type": "Catalog", "links": [child]})


def test_scenes_of_a_catalogue_have_the_times_and_places_of_their_items(
    catalogue: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tiny_model(tmp_path / "tiny.onnx")
    report = ingest(catalogue, tmp_path / "s", model)
    assert [item.reason for item in report.set_aside] == [
        "cannot be read (No such file or directory)"
    ]
    with CodeStore.open(tmp_path / "s") as store:
        found = [record for record, _ in store.scenes()]
    assert [Path(record.path).name for record in found] == ["1.png", "0.png"]
    for record, day in zip(found, (2, 1), strict=True):
        assert record.time == datetime(2026, 1, day, tzinfo=UTC).timestamp()
        assert record.footprints is not None
        assert (
            record.footprints.tolist()
            == [[[7.0, 46.5], [7.5, 46.5], [7.5, 46.0], [7.0, 46.0]]] * record.tiles
        )
    monkeypatch.setattr(hash_module, "_scheduler", lambda *_: InThisProcess())
    hashed = hash_archive(catalogue, tmp_path / "out", model=model)
    assert (hashed.hashed, len(hashed.failed)) == (2, 1)
    load_archive(tmp_path / "out", tmp_path / "loaded")
    with CodeStore.open(tmp_path / "loaded") as store:
        assert [record.checksum() for record, _ in store.scenes()] == [
            record.checksum() for record in found
        ]
    write(tmp_path / "stac" / "0" / "item.json", item_of("../../scenes/0.png", TIME))
    again = hash_archive(catalogue, tmp_path / "out", model=model)
    assert (again.hashed, again.known) == (1, 1)


def test_a_folder_of_items_is_scenes_with_notes_beside_them(catalogue: Path) -> None:
    inputs = find_inputs([catalogue.parent / "scenes"], StacOptions())
    assert [path.name for path in inputs.files] == ["0.png", "1.png"]
    assert inputs.notes == {}


@pytest.mark.parametrize(
    ("assets", "asset", "chosen"),
    [
        ({}, None, "a.tif"),
        ({"preview": {"href": "b.png", "roles": ["thumbnail"]}}, None, "a.tif"),
        ({"meta": {"href": "b.xml", "roles": ["metadata"]}}, None, "a.tif"),
        ({"visual": {"href": "b.tif"}}, None, "b.tif"),
        ({"tci": {"href": "b.tif", "roles": ["visual"]}}, None, "b.tif"),
        ({"all": {"href": "b.tif", "eo:bands": RGBN}}, None, "b.tif"),
        ({"all": {"href": "b", "type": "image/tiff", "bands": RGBN}}, "all", "b"),
        ({"other": {"href": "b.tif"}}, "image", "a.tif"),
    ],
)
def test_the_scene_is_the_asset_that_its_words_say(
    assets: dict[str, Any], asset: str | None, chosen: str, tmp_path: Path
) -> None:
    path = write(tmp_path / "item.json", item_of("a.tif", **assets))
    items = read_items(str(path), StacOptions(asset))
    assert items.set_aside == {}
    assert [Path(place).name for place in items.scenes] == [chosen]


def test_bands_are_those_that_the_item_names(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(1, 256, (4, 64, 64), np.uint8)
    path = tmp_path / "a.tif"
    with rasterio.open(
        path, "w", driver="GTiff", count=4, height=64, width=64, dtype="uint8",
        photometric="MINISBLACK",
    ) as file:  # fmt: skip
        file.write(pixels)
    item = item_of("a.tif")
    item["assets"]["image"]["eo:bands"] = RGBN
    noted = read_items(str(write(tmp_path / "item.json", item)), StacOptions()).scenes[str(path)]
    assert noted == Noted(AT, Box(*BOX), "3,2,1", 4)
    with open_scene(path, None, noted) as scene:
        assert np.array_equal(scene.overview(64), np.moveaxis(pixels[[2, 1, 0]], 0, 2))
    cv2.imwrite(str(path.with_suffix(".png")), np.moveaxis(pixels[:3], 0, 2))
    with pytest.raises(InputError, match="its STAC item names 4 bands, and the file has 3"):
        open_scene(path.with_suffix(".png"), None, noted)
    with open_scene(path.with_suffix(".png"), DecodeParams("1,2,3"), noted) as scene:
        assert np.array_equal(scene.overview(64), np.moveaxis(pixels[[2, 1, 0]], 0, 2))


@pytest.mark.parametrize(
    "bands",
    [
        {"eo:bands": [{"name": name} for name in ("B02", "B03", "B04", "B08")]},
        {"bands": [{"name": name} for name in ("blue", "green", "red", "nir")]},
        {"bands": [{"nodata": 0}] * 4, "eo:bands": RGBN},
    ],
)
def test_bands_may_have_no_common_names(bands: dict[str, Any], tmp_path: Path) -> None:
    item = item_of("a.tif")
    item["assets"]["image"] |= bands
    (noted,) = read_items(str(write(tmp_path / "i.json", item)), StacOptions()).scenes.values()
    assert (noted.bands, noted.of) == ("3,2,1", 4)


@pytest.mark.parametrize("box", [[-100, -9, 100, 9], [-180, -90, 180, 90], [-180, 0, 0, 9]])
def test_a_box_around_half_the_earth_is_no_place(box: list[float], tmp_path: Path) -> None:
    write_picture(tmp_path / "a.png", picture(0, 1))
    path = write(tmp_path / "item.json", item_of("a.png") | {"bbox": box})
    ((name, noted),) = read_items(str(path), StacOptions()).scenes.items()
    with open_scene(Path(name), None, noted) as scene:
        assert scene.footprints([Window(0, 0, 64, 64)]) is None
        assert "around half the Earth or more" in scene.warnings[0]


@pytest.mark.parametrize(
    "href", ["https://user:SECRET@example.com/a.tif?sig=SECRET", "s3://b/a.tif?signature=SECRET"]
)
def test_what_signs_a_link_is_not_repeated(href: str, tmp_path: Path) -> None:
    path = write(tmp_path / "item.json", item_of(href))
    write(tmp_path / "c.json", {"type": "Catalog", "links": [item_link(href)]})
    for document in (path, tmp_path / "c.json"):
        items = read_items(str(document), StacOptions())
        assert "/a.tif" in str(items.set_aside)
        assert "SECRET" not in str(items.set_aside)


@pytest.mark.parametrize(
    ("href", "message"),
    [
        ("https://example.com/a.tif", "on the network"),
        ("/vsicurl/http://example.com/a.tif", "outside the document's folder"),
        ("../secret/a.tif", "outside the document's folder; allow it: --assets-from"),
        ("/etc/passwd.tif", "outside"),
        ("file:///etc/passwd.tif", "outside"),
        ("linked/a.tif", "outside"),
        ("s3://bucket/a.tif", "outside"),
        ("%2e%2e/secret/a.tif", "outside"),
    ],
)
def test_an_item_leads_nowhere_that_was_not_asked_for(
    href: str, message: str, tmp_path: Path
) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "stac").mkdir()
    (tmp_path / "stac" / "linked").symlink_to(tmp_path / "secret")
    path = write(tmp_path / "stac" / "item.json", item_of(href))
    assert message in reasons(path)


@pytest.mark.parametrize("href", ["http://[", "a\0.tif", "%00", "\ud800.tif", "circle/a.tif"])
def test_an_address_that_leads_nowhere_is_set_aside_and_the_rest_goes_on(
    href: str, tmp_path: Path
) -> None:
    (tmp_path / "circle").symlink_to("circle")
    write_picture(tmp_path / "good.png", picture(0, 1))
    good, bad = item_of("good.png"), item_of(href) | {"id": "bad"}
    bad["assets"]["image"]["type"] = "image/tiff"
    links = [item_link(href), item_link("items.json")]
    write(tmp_path / "items.json", {"type": "FeatureCollection", "features": [bad, good]})
    path = write(tmp_path / "collection.json", {"type": "Collection", "links": links})
    report = ingest(path, tmp_path / "s", tiny_model(tmp_path / "tiny.onnx"))
    assert [item.path.name for item in report.stored] == ["good.png"]
    reasons = [item.reason for item in report.set_aside]
    assert len(reasons) == 2
    wanted = ("is not a valid address", "symbolic links")
    assert all(any(text in reason for text in wanted) for reason in reasons)


def test_assets_elsewhere_are_read_where_that_was_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path / "stac" / "item.json", item_of("../cogs/a.tif"))
    found = read_items(str(path), StacOptions(roots=(str(tmp_path / "cogs"),)))
    assert [*found.scenes] == [str(tmp_path / "cogs" / "a.tif")]


def test_what_is_not_clear_is_said(tmp_path: Path) -> None:
    bands: dict[str, Any] = {
        name: {"href": f"{name}.tif", "roles": ["data"]} for name in ("B02", "B03")
    }
    path = write(tmp_path / "item.json", item_of("B04.tif", TIME, **bands))
    assert "which asset is the scene? image, B02, B03: choose with --asset" in reasons(path)
    assert "no asset nothing; it has image, B02, B03" in reasons(path, StacOptions("nothing"))
    path = write(tmp_path / "none.json", item_of("a.txt"))
    assert "no asset that is an image" in reasons(path)
    path = write(tmp_path / "late.json", item_of("a.tif", "yesterday"))
    assert "'yesterday' is not a time" in reasons(path)
    for text in ("[]", "{}", "no json", '{"type": "FeatureCollection"', "[" * 100_000):
        (tmp_path / "odd.json").write_text(text)
        with pytest.raises(InputError):
            read_items(str(tmp_path / "odd.json"), StacOptions())


def test_a_document_of_millions_of_values_is_refused_before_they_take_memory(
    tmp_path: Path,
) -> None:
    path = tmp_path / "many.json"
    path.write_text('{"type": "FeatureCollection", "features": [' + "{}," * 1_500_000 + "{}]}")
    tracemalloc.start()
    with pytest.raises(InputError, match="more than 3,000,000 values in one document"):
        read_items(str(path), StacOptions())
    assert tracemalloc.get_traced_memory()[1] < 3 * path.stat().st_size
    tracemalloc.stop()


def test_a_document_of_another_kind_is_set_aside_and_the_rest_goes_on(
    catalogue: Path, tmp_path: Path
) -> None:
    odd = write(tmp_path / "odd.json", {"name": "no STAC"})
    model = tiny_model(tmp_path / "tiny.onnx")
    result = run(
        "ingest", odd, catalogue.parent / "scenes", "--store", tmp_path / "s", "--model", model
    )
    assert result.exit_code == 3
    assert "odd.json: no STAC item, collection or catalogue" in result.stderr
    assert "2 scenes" in result.stdout


KEYS = ["type", "assets", "links", "href", "rel", "properties", "bbox", "features"]
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(KEYS) | st.text(max_size=3),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(json_values, st.sampled_from(["Feature", "FeatureCollection", "Collection", None]))
def test_whatever_a_document_says_is_read_or_refused(value: Any, kind: str | None) -> None:
    document = {**value, **({"type": kind} if kind else {})} if isinstance(value, dict) else value
    with tempfile.TemporaryDirectory() as name:
        path = write(Path(name) / "a.json", document)
        try:
            items = read_items(str(path), StacOptions())
        except InputError:
            return
        root = str(Path(name).resolve())
        assert all(place.startswith(root) for place in items.scenes)
