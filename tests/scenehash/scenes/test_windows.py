from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenehash.errors import ConfigurationError, InputError
from scenehash.scenes import Tiling, Window, open_scene
from scenehash.tiling import PixelSize

from .inputs import png


@given(
    st.integers(1, 3000),
    st.integers(1, 3000),
    st.sampled_from([32, 256, 300]),
    st.sampled_from([0.0, 0.25, 0.5]),
)
def test_tiles_cover_a_scene_and_stay_inside_it(
    height: int, width: int, side: int, overlap: float
) -> None:
    windows = Tiling(overlap=overlap).windows(height, width, (side, side))
    seen = np.zeros((height, width), np.bool_)
    for window in windows:
        assert window.width == window.height > 0
        assert 0 <= window.x <= window.x + window.width <= width
        assert 0 <= window.y <= window.y + window.height <= height
        seen[window.y : window.y + window.height, window.x : window.x + window.width] = True
    assert len(set(windows)) == len(windows)
    if max(height, width) < 2 * side:
        smaller = min(height, width)
        assert [window.width for window in windows] == [smaller]
    else:
        assert seen.all()


def test_overlap_and_whole_scenes() -> None:
    assert len(Tiling(overlap=0.5).windows(512, 512, (256, 256))) == 9
    assert Tiling(whole=True).windows(1000, 2000, (256, 256)) == [Window(500, 0, 1000, 1000)]
    narrow = Tiling().windows(100, 1000, (256, 256))
    assert {window.width for window in narrow} == {100}
    assert len(narrow) == 10


def test_a_tile_is_as_large_as_is_asked() -> None:
    assert Tiling().sides(256, None) == (256, 256)
    assert Tiling(pixels=512).sides(256, PixelSize(30, 30)) == (512, 512)
    assert Tiling(metres=300).sides(256, PixelSize(0.5, 1.0)) == (600, 300)
    assert Tiling(metres=300).sides(256, None) is None


@given(st.integers(1, 3000), st.integers(1, 3000), st.integers(30, 700), st.integers(30, 700))
def test_tiles_that_are_square_on_the_ground_cover_a_scene(
    height: int, width: int, across: int, down: int
) -> None:
    windows = Tiling(metres=1).windows(height, width, (across, down))
    shapes = {(window.width, window.height) for window in windows}
    assert len(shapes) == 1
    for window in windows:
        assert 0 <= window.x <= window.x + window.width <= width
        assert 0 <= window.y <= window.y + window.height <= height
    if width >= 2 * across or height >= 2 * down:
        assert {window.x for window in windows} >= {0, width - windows[0].width}
        assert {window.y for window in windows} >= {0, height - windows[0].height}
    if across <= width and down <= height and len(windows) > 1:
        assert shapes == {(across, down)}


@pytest.mark.parametrize(
    "wrong",
    [
        {"pixels": 5, "metres": 5.0},
        {"pixels": 0},
        {"metres": -1.0},
        {"overlap": 0.95},
        {"min_valid": 1.5},
    ],
)
def test_a_tiling_that_makes_no_sense_is_an_error(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError):
        Tiling(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("shape", [(1, 600), (600, 1), (7, 5000)])
def test_a_line_of_pixels_is_not_cut_into_tiles_that_show_nothing(
    tmp_path: Path, shape: tuple[int, int]
) -> None:
    (tmp_path / "a.png").write_bytes(png(np.full(shape, 9, np.uint8)))
    with open_scene(tmp_path / "a.png") as scene:
        with pytest.raises(InputError, match="too narrow for useful tiles"):
            scene.windows(Tiling(), 256)
        assert len(scene.windows(Tiling(whole=True), 256)) == 1
        assert len(scene.windows(Tiling(pixels=1), 256)) == shape[0] * shape[1]
