"""The demo's tiles: real, small, and never trained on."""

from pathlib import Path

import numpy as np
import pytest

from scenehash.demo.tiles import (
    FOLDER,
    KINDS,
    TILES_PER_KIND,
    archive_paths,
    demo_tiles,
    query_path,
    tile_paths,
)
from scenehash.scenes import read_image
from scenehash_train.data import read_archive, split

LIMIT_BYTES = 1_500_000
# Mean of what JPEG at quality 87 changes is 1 to 9; two tiles of a kind differ by 14 and more.
MOST_DIFFERENCE = 12


def test_each_kind_has_its_tiles_and_no_other_files_lie_there() -> None:
    tiles = [path for kind in KINDS for path in tile_paths(kind)]
    assert len(tiles) == len(KINDS) * TILES_PER_KIND
    there = {path for path in FOLDER.rglob("*") if path.is_file() and path.suffix != ".pyc"}
    assert there == {*tiles, FOLDER / "SOURCE.md", FOLDER / "__init__.py"}
    assert sum(path.stat().st_size for path in tiles) < LIMIT_BYTES


@pytest.mark.parametrize("kind", KINDS)
def test_tiles_of_a_kind_are_whole_and_differ(kind: str) -> None:
    tiles = demo_tiles(kind)
    assert all(tile.shape == (256, 256, 3) and tile.dtype == np.uint8 for tile in tiles)
    for number, tile in enumerate(tiles):
        others = tiles[number + 1 :]
        assert all(np.abs(tile.astype(int) - other).mean() > MOST_DIFFERENCE for other in others)


@pytest.mark.parametrize("kind", KINDS)
def test_a_query_is_not_in_the_archive(kind: str) -> None:
    assert sorted([query_path(kind), *archive_paths(kind)]) == tile_paths(kind)
    assert query_path(kind) not in archive_paths(kind)


def test_an_unknown_kind_is_named_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"moon.*harbor"):
        tile_paths("moon")


@pytest.mark.slow
def test_no_tile_is_of_the_part_that_the_shipped_model_was_trained_on(data_root: Path) -> None:
    root = data_root / "ucmerced"
    test = {image.path for image in split(read_archive(root).images, seed=0).test}
    for tile in (path for kind in KINDS for path in tile_paths(kind)):
        original = root / tile.relative_to(FOLDER)
        assert original in test
        difference = np.abs(read_image(tile).astype(int) - read_image(original))
        assert difference.mean() < MOST_DIFFERENCE
