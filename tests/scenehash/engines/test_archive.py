"""An archive's parts, brought straight to an engine."""

import json
import shutil

import numpy as np
import pytest

from scenehash import CodeStore, EngineStore, hash_archive, load_archive, push, push_archive
from scenehash.errors import EngineError
from scenehash.ingestion import IngestOptions
from scenehash.store import Filter, SearchRequest

from ...command_line import run
from ...tiny_model import tiny_model
from ..ingestion.archives import write_scenes
from .conftest import address_of
from .corpus import BITS, LINEAGE, make_scenes

OPTIONS = IngestOptions(label_from_folder=True)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return tiny_model(tmp_path_factory.mktemp("model") / "tiny.onnx", widths=(16, 32))


@pytest.fixture
def archive(tmp_path, model):
    """An archive of scenes in two folders; one of them is there twice, one cannot be read."""
    scenes = tmp_path / "scenes"
    write_scenes(scenes / "a", range(4))
    write_scenes(scenes / "b", range(4, 7))
    (scenes / "b" / "again.png").write_bytes((scenes / "a" / "1.png").read_bytes())
    (scenes / "b" / "odd.png").write_bytes(b"no picture")
    report = hash_archive(scenes, tmp_path / "hashed", model=model, options=OPTIONS, workers=1)
    assert (report.hashed, len(report.failed)) == (8, 1)
    return tmp_path / "hashed"


@pytest.fixture(params=["lite", "postgres"])
def collection(request) -> str:
    return f"{address_of(request, request.param)}/{request.node.originalname[5:30]}"


def all_hits(searched) -> list[dict[str, object]]:
    with searched as store:
        code = np.zeros((1, store.bits // 8), np.uint8)
        request = SearchRequest(code, 2 * len(store))
        hits = [hit.document() for hit in store.search_any(request)[0]]
        assert len(hits) == len(store)
        return [{**hit, "station": None} for hit in hits]


def test_an_archive_in_an_engine_is_as_one_in_a_store(archive, collection, tmp_path):
    done = push_archive(archive, collection, "north")
    load_archive(archive, tmp_path / "loaded")
    assert all_hits(EngineStore.open(collection)) == all_hits(CodeStore.open(tmp_path / "loaded"))
    assert done.scenes == done.scenes_pushed == 7
    assert len(done.set_aside) == 1
    assert "odd.png" in done.set_aside[0]
    again = push_archive(archive, collection, "north")
    assert (again.tiles, again.scenes_pushed, again.scenes_removed) == (done.tiles, 0, 0)
    with EngineStore.open(collection) as engine:
        request = SearchRequest(
            np.zeros((1, engine.bits // 8), np.uint8), 99, where=Filter(label="b")
        )
        assert {hit.scene.rpartition("/")[2] for hit in engine.search_any(request)[0]} == {
            "1.png",
            "4.png",
            "5.png",
            "6.png",
        }


def test_what_comes_and_goes_follows(archive, collection, tmp_path, model):
    push_archive(archive, collection, "north")
    scenes = tmp_path / "scenes"
    write_scenes(scenes / "c", range(7, 9))
    hash_archive(scenes, archive, model=model, options=OPTIONS, workers=1)
    grown = push_archive(archive, collection, "north")
    assert (grown.scenes, grown.scenes_pushed, grown.scenes_removed) == (9, 2, 0)
    # Another archive of the same name is another's.
    hash_archive(scenes / "c", tmp_path / "other", model=model, options=OPTIONS, workers=1)
    with pytest.raises(EngineError, match="--station NAME"):
        push_archive(tmp_path / "other", collection, "north")
    # One whose rows all move: nothing of the old ones stays.
    manifest = json.loads((archive / "manifest.json").read_text())
    manifest["scenes"] = manifest["scenes"][1:]
    (archive / "manifest.json").write_text(json.dumps(manifest))
    push_archive(archive, collection, "north")
    load_archive(archive, tmp_path / "loaded")
    assert all_hits(EngineStore.open(collection)) == all_hits(CodeStore.open(tmp_path / "loaded"))


def test_a_damaged_part_is_set_aside_and_comes_when_it_is_sound(archive, collection, tmp_path):
    part = min(archive.glob("parts/*/*.parquet"))
    data = part.read_bytes()
    part.write_bytes(data[:-9])
    done = push_archive(archive, collection, "north")
    assert sum(part.name in line for line in done.set_aside) == 1
    part.write_bytes(data)
    whole = push_archive(archive, collection, "north")
    assert whole.scenes_pushed == 1
    load_archive(archive, tmp_path / "loaded")
    assert all_hits(EngineStore.open(collection)) == all_hits(CodeStore.open(tmp_path / "loaded"))


def test_the_command_says_what_is_missing(archive, collection):
    words = ("archive", "load", archive, "--to", collection)
    result = run(*words, "--station", "north", "--json")
    assert (result.exit_code, json.loads(result.stdout)["station"]) == (3, "north")
    assert "odd.png" in result.stderr


def test_a_store_that_came_back_from_a_backup_takes_its_later_tiles_away(collection, tmp_path):
    with CodeStore.create(tmp_path / "s", LINEAGE, BITS, "test") as store:
        store.name_station("north")
        store.add(make_scenes(1, 5))
    shutil.copytree(tmp_path / "s", tmp_path / "backup")
    with CodeStore.open(tmp_path / "s", writable=True) as store:
        store.add(make_scenes(2, 5))
        push(store, collection)
    done = push(tmp_path / "backup", collection)
    assert (done.scenes, done.scenes_removed) == (5, 5)
    backup = CodeStore.open(tmp_path / "backup")
    assert all_hits(EngineStore.open(collection)) == all_hits(backup)
