"""Scenes that moved are followed, and only to their own content."""

import json
import shutil
from pathlib import Path

import pytest

from scenehash import CodeStore, HashModel, relocate
from scenehash.errors import StoreError
from scenehash.ingestion import ingest
from scenehash.report.contact_sheet import write_picture
from scenehash.retrieval.pictures import tile_pixels

from ...scenes import draw


@pytest.fixture(scope="module")
def model() -> HashModel:
    return HashModel.load(threads=2)


@pytest.fixture
def moved(tmp_path: Path, model: HashModel) -> Path:
    """A store of three scenes, whose folder was moved."""
    for number, name in enumerate(("a.png", "b.png", "deep/c.png")):
        path = tmp_path / "old" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_picture(path, draw("forest", number))
    ingest([tmp_path / "old"], tmp_path / "s", model)
    (tmp_path / "old").rename(tmp_path / "new")
    return tmp_path


def test_scenes_of_a_moved_folder_are_shown_again(moved: Path) -> None:
    with CodeStore.open(moved / "s", writable=True) as store:
        tile = store.tile(0)
        assert tile_pixels(Path(tile.scene), tile.window, tile.decode_params, 64) is None
        done = relocate(store, moved / "old", moved / "new")
        assert sorted(done.moved) == [
            moved / "new" / name for name in ("a.png", "b.png", "deep/c.png")
        ]
        assert done.set_aside == []
        tile = store.tile(0)
        assert tile.scene == str(moved / "new" / "a.png")
        assert tile_pixels(Path(tile.scene), tile.window, tile.decode_params, 64) is not None
        assert store.verify() == []
        with pytest.raises(StoreError, match=r"no stored scene is at .*old"):
            relocate(store, moved / "old", moved / "new")


def test_a_file_of_another_content_is_set_aside_and_its_scene_keeps_its_path(moved: Path) -> None:
    shutil.copy(moved / "new" / "b.png", moved / "new" / "a.png")
    (moved / "new" / "deep" / "c.png").unlink()
    with CodeStore.open(moved / "s", writable=True) as store:
        done = relocate(store, moved / "old", moved / "new")
        assert done.moved == [moved / "new" / "b.png"]
        assert [item.path.name for item in done.set_aside] == ["a.png", "c.png"]
        assert "differs from the stored scene" in done.set_aside[0].reason
        paths = {record.path for record, _ in store.scenes()}
        assert paths == {
            str(moved / "old" / "a.png"), str(moved / "new" / "b.png"),
            str(moved / "old" / "deep" / "c.png"),
        }  # fmt: skip
        assert store.verify() == []


def test_one_scene_is_followed_to_another_name(moved: Path) -> None:
    (moved / "new" / "a.png").rename(moved / "renamed.png")
    with CodeStore.open(moved / "s", writable=True) as store:
        done = relocate(store, moved / "old" / "a.png", moved / "renamed.png")
        assert done.moved == [moved / "renamed.png"]
        assert store.tile(0).scene == str(moved / "renamed.png")


def test_a_scene_whose_time_and_place_a_stac_item_told_is_followed_by_its_bytes(
    tmp_path: Path, model: HashModel
) -> None:
    for name, west in (("a", 7), ("b", 100)):
        item = {
            "type": "Feature",
            "bbox": [west, 46, west + 1, 47],
            "properties": {"datetime": "2026-01-02T03:04:05Z"},
            "assets": {"image": {"href": f"{name}.png", "roles": ["data"]}},
        }
        (tmp_path / "old").mkdir(exist_ok=True)
        (tmp_path / "old" / f"item-{name}.json").write_text(json.dumps(item))
        write_picture(tmp_path / "old" / f"{name}.png", draw("forest", 1))
    ingest(sorted((tmp_path / "old").glob("*.json")), tmp_path / "s", model)
    (tmp_path / "old").rename(tmp_path / "new")
    write_picture(tmp_path / "new" / "b.png", draw("forest", 2))
    with CodeStore.open(tmp_path / "s", writable=True) as store:
        records = [record for record, _ in store.scenes()]
        assert [Path(record.path).name for record in records] == ["a.png", "b.png"]
        done = relocate(store, tmp_path / "old", tmp_path / "new")
        assert done.moved == [tmp_path / "new" / "a.png"]
        assert [item.path.name for item in done.set_aside] == ["b.png"]
