"""Tiles drawn from a store are those that were hashed."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from scenehash import CodeStore, DecodeParams, HashModel, IngestOptions, ingest
from scenehash.adaptation.sample import Sample, draw_sample
from scenehash.progress import SILENT
from scenehash.report.contact_sheet import write_picture
from scenehash.scenes import open_scene
from scenehash.store import FILE
from scenehash.tiles import Image
from scenehash.tiling import Window

from ...tiny_model import SIZE, tiny_model
from ..ingestion.archives import make_store, picture, write_scenes


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> HashModel:
    return HashModel.load(tiny_model(tmp_path_factory.mktemp("models") / "tiny.onnx"))


def drawn(store: CodeStore, model: HashModel) -> Sample:
    return draw_sample(store, model, 100, 0, SILENT)


def check(sample: Sample, tiles: dict[int, Image], model: HashModel) -> None:
    """The sample has just these rows, with the representations of their tiles."""
    assert sorted(sample.rows.tolist()) == sorted(tiles)
    expected = model.encode_all([tiles[row] for row in sample.rows.tolist()])
    assert expected.vectors is not None
    assert np.array_equal(sample.vectors, expected.vectors)
    assert np.array_equal(sample.codes, expected.codes)


def test_two_scenes_of_one_file_are_read_each_by_its_own_bands(
    tmp_path: Path, model: HashModel
) -> None:
    scene = tmp_path / "scene.png"
    write_picture(scene, picture(1, 2))
    tiles: dict[int, Image] = {}
    for bands in ("1,2,3", "3,2,1"):
        params = DecodeParams(bands=bands)
        ingest(scene, tmp_path / "s", model, IngestOptions(params=params, vectors=False))
        with open_scene(scene, params) as opened:
            for place in range(2):
                tiles[len(tiles)] = opened.pixels(Window(SIZE * place, 0, SIZE, SIZE), SIZE)
    with CodeStore.open(tmp_path / "s") as store:
        check(drawn(store, model), tiles, model)


@pytest.mark.parametrize("has_digest", [True, False])
def test_a_scene_whose_file_was_replaced_is_left_out(
    tmp_path: Path, model: HashModel, has_digest: bool
) -> None:
    write_scenes(tmp_path / "in", range(3))
    make_store(tmp_path / "s", tmp_path / "in", model, vectors=False)
    write_picture(tmp_path / "in" / "1.png", picture(7, 2))
    with CodeStore.open(tmp_path / "s", writable=True) as store:
        if not has_digest:
            forget_digests(store)
        sample = drawn(store, model)
        there = {store.tile(row).scene for row in sample.rows.tolist()}
        assert there == {str(tmp_path / "in" / name) for name in ("0.png", "2.png")}
        assert (len(sample), sample.unreachable) == (4, 2)


def forget_digests(store: CodeStore) -> None:
    """Make the entries those of an early store, which noted no state of the file."""
    scenes = []
    for record, codes in store.scenes():
        params = {key: value for key, value in record.decode_params.items() if key != FILE}
        scenes.append(replace(record, decode_params=params).hashed(codes))
    store.remove_scenes([scene.content for scene in scenes])
    store.compact()
    store.add(scenes)


def test_many_tiles_of_one_scene_are_read_some_at_a_time(
    tmp_path: Path, model: HashModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scenehash.adaptation.sample.TILES_AT_ONCE", 2)
    write_picture(tmp_path / "scene.png", picture(5, 5))
    ingest(tmp_path / "scene.png", tmp_path / "s", model, IngestOptions(vectors=False))
    pixels = picture(5, 5)
    with CodeStore.open(tmp_path / "s") as store:
        tiles = {row: pixels[:, SIZE * row : SIZE * (row + 1)] for row in range(5)}
        check(drawn(store, model), tiles, model)
