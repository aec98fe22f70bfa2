"""A STAC catalogue of a store, as pystac reads and validates it."""

import json
import os

import numpy as np
import pytest

from scenehash import IngestOptions, ingest
from scenehash.errors import InputError
from scenehash.report.contact_sheet import write_picture
from scenehash.report.stac import write_catalog
from scenehash.scenes.stac import StacOptions
from scenehash.store import CodeStore, HashedScene
from scenehash.store.documents import scene_document
from scenehash.tiling import Window

from ...absent import package
from ...tiny_model import tiny_model
from ..ingestion.archives import picture
from ..store.samples import make, placed

JPEG = b"\xff\xd8\xff\xe0 a picture \xff\xd9"


@pytest.fixture(scope="module")
def catalog(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stac")
    ring = np.array([[179.9, 1.0], [-179.9, 1.0], [-179.9, 0.0], [179.9, 0.0]])
    with make(folder / "s", 2) as store:
        store.keep_thumbnails()
        across = HashedScene(
            "ab" * 16,
            "/scenes/a b.tif",
            [Window(0, 0, 256, 256)],
            np.zeros((1, 8), np.uint8),
            footprints=ring[None],
            labels=["strait"],
            thumbnails=[JPEG],
        )
        store.add([placed(20, 3, (7.0, 46.0), ("lake",)), across])
        assert write_catalog(store, folder / "out") == len(store)
    return folder / "out"


def read(path):
    return json.loads(path.read_text("utf-8"))


def items(catalog):
    return {path.stem: read(path) for path in sorted(catalog.glob("items/*/*.json"))}


def test_every_scene_is_an_item_with_place_time_and_thumbnail(catalog):
    found = items(catalog)
    assert len(found) == 4
    across = found["ab" * 16]
    assert across["geometry"]["type"] == "MultiPolygon"
    assert across["bbox"] == pytest.approx([179.9, 0.0, -179.9, 1.0])
    assert across["properties"]["datetime"] is None
    picture = catalog / "items" / "ab" / across["assets"]["thumbnail"]["href"]
    assert picture.read_bytes() == JPEG
    (lake,) = (one for one in found.values() if one["properties"]["labels"] == ["lake"])
    assert lake["properties"]["datetime"] == "2026-01-21T00:00:00Z"
    assert lake["geometry"]["type"] == "Polygon"
    assert lake["bbox"] == pytest.approx([7.0, 46.0, 7.03, 46.01])
    assert sum(one["geometry"] is None for one in found.values()) == 2
    collection = read(catalog / "collection.json")
    assert collection["extent"]["spatial"]["bbox"] == [[-180.0, 0.0, 180.0, pytest.approx(46.01)]]
    assert collection["emb:dimensions"] == 64
    assert (catalog / collection["assets"]["tiles"]["href"]).is_file()


def test_pystac_follows_all_links_and_finds_nothing_wrong(catalog, tmp_path):
    pystac = package("pystac")
    validation = package("pystac.validation")
    package("jsonschema")
    collection = pystac.Collection.from_file(str(catalog / "collection.json"))
    documents = [collection.to_dict(include_self_link=False)]
    documents += [item.to_dict(include_self_link=False) for item in collection.get_items()]
    assert len(documents) == 6
    with make(tmp_path / "s", 2) as store:
        write_catalog(store, tmp_path / "without labels")
    documents.append(read(tmp_path / "without labels" / "collection.json"))
    for document in documents:
        # Schemas of extensions are on the web, and no test goes there.
        document["stac_extensions"] = []
        validation.validate_dict(document)


def test_the_model_is_described(catalog):
    model = read(catalog / "model.json")
    properties = model["properties"]
    assert model["stac_extensions"][0].startswith("https://stac-extensions.github.io/mlm/")
    assert properties["mlm:output"][0]["result"]["shape"] == [-1, 8]
    assert {"mlm:name", "mlm:architecture", "mlm:tasks", "mlm:input"} <= set(properties)


def test_the_models_of_the_extensions_authors_take_the_model(catalog):
    schema = package("stac_model.schema")
    properties = read(catalog / "model.json")["properties"]
    own = {name: value for name, value in properties.items() if name.startswith("mlm:")}
    assert schema.MLModelProperties.model_validate(own).name == own["mlm:name"]
    with pytest.raises(ValueError, match="architecture"):
        schema.MLModelProperties.model_validate({**own, "mlm:architecture": None})


def test_what_is_there_is_not_written_over(catalog, tmp_path):
    with CodeStore.create(tmp_path / "s", "0" * 16, 64, "m") as store:
        with pytest.raises(InputError, match="exists already"):
            write_catalog(store, catalog)
        with pytest.raises(InputError, match="inside the store"):
            write_catalog(store, tmp_path / "s" / "out")
        assert write_catalog(store, tmp_path / "out") == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "s"]


def test_places_at_the_edges_of_the_map_are_those_of_the_scenes(tmp_path):
    def ring(west, south, east, north):
        return [(west, north), (east, north), (east, south), (west, south)]

    wanted = {
        "edge": ([ring(179, 0, 180, 1)], "Polygon", [179, 0, 180, 1]),
        "small": ([ring(10, 50, 10 + 1e-6, 50 + 1e-6)], "Polygon", [10, 50, 10 + 1e-6, 50 + 1e-6]),
        "pole": (
            [[(0, 89), (90, 89), (180, 89), (-90, 89)], ring(0, 88, 1, 89)],
            "Polygon",
            [-180, 88, 180, 90],
        ),
        "wide": (
            [ring(west, -9, west + 30, 9) for west in range(-120, 120, 30)],
            "Polygon",
            [-120, -9, 120, 9],
        ),
        "point": ([ring(7, 46, 7, 46)], "Polygon", [7, 46, 7, 46]),
    }
    with CodeStore.create(tmp_path / "s", "0" * 16, 64, "m") as store:
        for number, (name, (rings, *_)) in enumerate(wanted.items()):
            store.add(
                [
                    HashedScene(
                        f"{number:032x}",
                        f"/{name}.tif",
                        [Window(256 * tile, 0, 256, 256) for tile in range(len(rings))],
                        np.zeros((len(rings), 8), np.uint8),
                        footprints=np.array(rings, float),
                    )
                ]
            )
        write_catalog(store, tmp_path / "out")
        documents = {record.path: scene_document(record) for record, _ in store.scenes()}
    for one in items(tmp_path / "out").values():
        path = one["assets"]["scene"]["href"]
        _, kind, box = wanted[path[1:-4]]
        assert one["geometry"]["type"] == kind
        assert one["bbox"] == documents[path]["bbox"] == pytest.approx(box, abs=1e-9)
        x, y = np.array(one["geometry"]["coordinates"][0]).T
        assert (x.min(), y.min(), x.max(), y.max()) == pytest.approx(box, abs=1e-9)


def test_the_scenes_of_a_catalogue_are_ingested_from_it_whatever_their_names(tmp_path):
    names = ["50%25.png", "100%.png", "a b?c.png", "d#1.png", "new\nline.png", "ü.png"]
    (tmp_path / "in").mkdir()
    for number, name in enumerate(names):
        write_picture(tmp_path / "in" / name, picture(number, 1))
    (tmp_path / "in" / "ü.png").rename(os.fsdecode(os.fsencode(tmp_path / "in") + b"/\xff.png"))
    model = tiny_model(tmp_path / "tiny.onnx")
    ingest(tmp_path / "in", tmp_path / "s", model)
    with CodeStore.open(tmp_path / "s") as store:
        write_catalog(store, tmp_path / "out")
    stac = StacOptions(roots=(str(tmp_path / "in"),))
    report = ingest(
        tmp_path / "out" / "collection.json", tmp_path / "t", model, IngestOptions(stac=stac)
    )
    assert (len(report.stored), report.set_aside) == (6, [])
