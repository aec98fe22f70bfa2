"""Queries of what is stored: the tile at a place; and a model that is at hand."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from scenehash import Filter, HashModel, Query, ingest, search
from scenehash.errors import ConfigurationError, NotStoredError
from scenehash.model.card import MatchDistances
from scenehash.report.contact_sheet import write_picture
from scenehash.retrieval.stored_place import row_at

from ..ingestion.test_ingest import mosaic
from ..store.samples import make, placed


@pytest.fixture(scope="module")
def model() -> HashModel:
    return HashModel.load()


@pytest.fixture
def store(tmp_path: Path, model: HashModel) -> Path:
    (tmp_path / "in").mkdir()
    write_picture(tmp_path / "in" / "large.png", mosaic(2, 3))
    ingest(tmp_path / "in", tmp_path / "s", model)
    return tmp_path / "s"


def test_other_scenes_leaves_out_the_scenes_of_the_queries_and_no_other(
    store: Path, tmp_path: Path, model: HashModel
) -> None:
    write_picture(tmp_path / "in" / "other.png", mosaic(2, 2))
    ingest(tmp_path / "in", store, model)
    large, other = (str((tmp_path / "in" / name).absolute()) for name in ("large.png", "other.png"))
    for query in ("row:0", large):
        with_own = search(store, query, model=model)
        assert {hit.scene for hit in with_own.hits} == {large, other}
        found = search(store, query, model=model, other_scenes=True)
        assert [hit.scene for hit in found.hits] == [other] * 4
        assert found.document()["filter"] == {"other_than": (large,)}
    both = search(store, ["row:0", other], model=model, other_scenes=True)
    assert not both.hits
    assert any("no tile meets both the filter" in warning for warning in both.warnings)
    only = search(store, large, where=Filter(scene="large.png"), model=model, other_scenes=True)
    assert not only.hits
    code = search(store, "code:" + "0" * 16, model=model, other_scenes=True)
    assert len(code.hits) == 10


def test_the_tile_at_a_place_is_the_newest_and_of_its_scene_the_nearest(tmp_path: Path) -> None:
    with make(tmp_path / "s") as store:
        # Rows 0-2, 3-5 a day later and a third of a tile to the north, 6-8 at no known time.
        north = placed(2, 3, (8.0, 47.0033))
        timeless = dataclasses.replace(placed(3, 3), time=None)
        store.add([placed(1, 3), north, timeless])
        assert row_at(store, 47.005, 8.005) == (3, None)
        assert row_at(store, 47.005, 8.0251) == (5, None)
        assert row_at(store, 47.001, 8.0251) == (2, None)
        store.delete(Filter(scene="/scenes/2.png"))
        store.delete(Filter(scene="/scenes/1.png"))
        assert row_at(store, 47.001, 8.011) == (7, None)
        assert Query.from_place(store, 47.001, 8.011).text == "row:7"
        with pytest.raises(NotStoredError, match="no stored tile shows 46,8"):
            row_at(store, 46, 8)
        with pytest.raises(ConfigurationError, match="the latitude comes first"):
            row_at(store, 120, 47)


def test_a_place_on_the_antimeridian_has_its_tile(tmp_path: Path) -> None:
    with make(tmp_path / "s") as store:
        store.add([placed(1, 1, (179.995, 10.0))])
        for longitude in (179.996, 180, -180, -179.996):
            assert row_at(store, 10.005, longitude) == (0, None)


def test_a_box_that_holds_a_place_is_no_footprint_that_does(tmp_path: Path) -> None:
    diamond = placed(1)
    assert diamond.footprints is not None
    ring = np.array([[[8.0, 47.1], [8.1, 47.0], [8.0, 46.9], [7.9, 47.0]]])
    with make(tmp_path / "s") as store:
        store.add([dataclasses.replace(diamond, footprints=ring)])
        assert row_at(store, 47.0, 8.0) == (0, None)
        with pytest.raises(NotStoredError):
            row_at(store, 47.08, 8.08)


def test_a_model_at_hand_says_what_distances_mean(store: Path, model: HashModel) -> None:
    assert search(store, "row:0", model=model).match_distances.same_kind == 3
    own = MatchDistances(bits=64, same_kind=1, likely_same_kind=2, doubtful=3, nearest=4)
    card = model.card.model_copy(update={"match_distances": [own]})
    other = HashModel(model._session, card)
    assert search(store, "row:0", model=other).match_distances.same_kind == 1


def test_a_stored_tile_is_searched_without_onnxruntime(store: Path) -> None:
    code = (
        "import sys; from scenehash import search; "
        f"assert search({str(store)!r}, 'row:0', 1).hits; print('onnxruntime' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
