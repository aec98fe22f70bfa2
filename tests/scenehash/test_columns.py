"""What a table of tiles has, a scene is made of again."""

from datetime import UTC, datetime

import numpy as np
import pytest

from scenehash.columns import TileTable, scenes_in
from scenehash.store import HashedScene, SceneVectors
from scenehash.tiling import Window


def scene(number: int, tiles: int, with_all: bool) -> HashedScene:
    rng = np.random.default_rng(number)
    return HashedScene(
        f"{number:032x}",
        f"/scenes/{number}.tif",
        [Window(64 * tile, 0, 64, 64) for tile in range(tiles)],
        rng.integers(0, 256, (tiles, 8), np.uint8),
        datetime(2026, 1, 2, 3, 4, 5, 678_901, UTC) if with_all else None,
        rng.uniform(-80, 80, (tiles, 4, 2)) if with_all else None,
        ("Zürich", "lake") if with_all else (),
        {"bands": [3, 2, 1], "file": {"digest": "ab", "stamp": "cd"}},
        [None, *[b"jpeg"] * (tiles - 1)] if with_all else None,
        SceneVectors("frame", rng.integers(-127, 128, (tiles, 48), np.int8)) if with_all else None,
    )


@pytest.mark.parametrize("with_all", [False, True])
def test_scenes_come_back_from_a_table_as_they_were(with_all: bool) -> None:
    columns = TileTable(
        "a", 64, "a-model", with_reading=True,
        frame="frame" if with_all else None, dims=48 * with_all, with_thumbnails=with_all,
    )  # fmt: skip
    scenes = [scene(1, 3, with_all), scene(2, 1, with_all)]
    table = columns.of(scenes)
    for found, one in zip(scenes_in(table), scenes, strict=True):
        for name in ("content", "path", "time", "labels", "decode_params", "thumbnails"):
            assert getattr(found, name) == getattr(one, name), name
        assert list(found.windows) == list(one.windows)
        assert np.array_equal(found.codes, one.codes)
        if one.footprints is None or one.vectors is None:
            assert (found.footprints, found.vectors) == (None, None)
        else:
            assert found.footprints is not None and found.vectors is not None
            assert np.array_equal(found.footprints, one.footprints)
            assert found.vectors.frame == one.vectors.frame
            assert np.array_equal(found.vectors.values, one.vectors.values)


def test_a_scene_without_tiles_is_an_empty_table() -> None:
    columns = TileTable("a", 64, "a-model", with_reading=True, frame="frame", dims=48)
    none = HashedScene("0" * 32, "/a", [], np.zeros((0, 8), np.uint8))
    table = columns.of([none])
    assert (len(table), list(scenes_in(table))) == (0, [])
