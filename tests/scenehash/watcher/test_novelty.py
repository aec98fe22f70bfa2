"""How new a scene is, and whether its place was seen before."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenehash import CodeStore, Filter
from scenehash.geo import bounding_boxes, overlap
from scenehash.store import HashedScene
from scenehash.watcher.novelty import find_repeats

from ..store.samples import TILE, make, placed

WHOLE = st.tuples(
    st.integers(-180, 179), st.integers(-80, 60), st.integers(1, 170), st.integers(1, 20)
)


def boxes(scene: HashedScene) -> np.ndarray:
    """The bounding boxes of a scene's tiles [T, 4]."""
    assert scene.footprints is not None
    return bounding_boxes(scene.footprints)


def again(before: HashedScene, number: int, days: float, bits: int = 0) -> HashedScene:
    """The same place, so many days later, with so many bits of each code changed."""
    flipped = np.packbits(np.arange(64) < bits)
    assert before.time is not None
    return replace(
        before,
        content=f"{number:032x}",
        path=f"/scenes/{number}.png",
        codes=before.codes ^ flipped,
        time=before.time + timedelta(days=days),
    )


def test_a_place_that_is_seen_again_is_a_repeat_and_looks_changed_beyond_a_quarter_of_the_bits(
    tmp_path: Path,
) -> None:
    first = placed(50, 4)
    with make(tmp_path / "s", 3) as store:
        store.add([first])
        same, changed = (find_repeats(again(first, 9, 5, bits), store) for bits in (16, 17))
        assert [one.row for one in same if one] == [6, 7, 8, 9]
        for one in same:
            assert one is not None
            assert (one.distance, one.changed, one.scene) == (16, False, first.path)
            assert one.time == first.time
            assert one.overlap == pytest.approx(1)
        assert [(one.distance, one.changed) for one in changed if one] == [(17, True)] * 4


def test_of_several_visits_the_one_nearest_in_time_is_compared_with(tmp_path: Path) -> None:
    first = placed(50)
    visits = [first, again(first, 21, 10, 3), again(first, 22, 40, 5)]
    with make(tmp_path / "s") as store:
        store.add(visits)
        for days, row in ((2, 0), (12, 1), (30, 2), (900, 2)):
            (found,) = find_repeats(again(first, 30, days), store)
            assert found is not None
            assert found.row == row, days


def test_the_same_visit_another_place_or_an_unknown_time_is_no_repeat(tmp_path: Path) -> None:
    first = placed(50)
    assert first.footprints is not None
    later = again(first, 9, 5)
    with make(tmp_path / "s", 3) as store:
        store.add([first])
        # A third of a side away in one direction: two thirds of four thirds in common.
        beside = replace(later, footprints=first.footprints + np.array([0.3 * TILE, 0]))
        assert find_repeats(beside, store)[0] is not None
        far = replace(later, footprints=first.footprints + np.array([0.4 * TILE, 0]))
        for other in (again(first, 9, 0), replace(later, time=None),
                      replace(later, footprints=None), far):  # fmt: skip
            assert find_repeats(other, store) == [None]


@pytest.mark.parametrize("seed", range(5))
def test_repeats_are_those_of_a_plain_loop(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    scenes = []
    for number in range(100, 140):
        tiles = int(rng.integers(1, 5))
        plain = placed(number, tiles)
        assert plain.footprints is not None and plain.time is not None
        shift = rng.uniform(-2 * TILE, 2 * TILE, 2)
        size = rng.uniform(0.7, 1.4)
        footprints = (plain.footprints - (8, 47)) * size + (8, 47) + shift
        days = timedelta(days=int(rng.integers(0, 5)))
        time = None if number % 7 == 0 else datetime(2026, 4, 11, tzinfo=UTC) + days
        scenes.append(replace(plain, footprints=footprints, time=time))
    new = scenes.pop()
    with make(tmp_path / "s") as store:
        store.add(scenes)
        stored = [(box, one.time) for one in scenes for box in boxes(one)]
        expected = []
        assert new.time is not None
        for box in boxes(new):
            fitting = [
                (abs(time - new.time), -float(overlap(other[None], box)[0]), row)
                for row, (other, time) in enumerate(stored)
                if time is not None and time != new.time and overlap(other[None], box)[0] >= 0.5
            ]
            expected.append(min(fitting)[2] if fitting else None)
        found = [one and one.row for one in find_repeats(new, store)]
        assert found == expected
        assert any(row is not None for row in found)


def test_a_place_at_the_antimeridian_is_recognised(tmp_path: Path) -> None:
    first = placed(1, 3, (179.985, 10.0))
    with make(tmp_path / "s") as store:
        store.add([first])
        found = find_repeats(again(first, 9, 5, 2), store)
        assert [one.row for one in found if one] == [0, 1, 2]
        assert all(one is not None and one.overlap > 0.99 for one in found)


def test_a_deleted_place_is_not_compared_with(tmp_path: Path) -> None:
    first = placed(50)
    with make(tmp_path / "s", 3) as store:
        store.add([first])
        store.delete(Filter(scene=first.path))
        assert find_repeats(again(first, 9, 5), store) == [None]
        store.compact()
        assert find_repeats(again(first, 9, 5), store) == [None]
    with CodeStore.open(tmp_path / "s") as store:
        assert find_repeats(again(first, 9, 5), store) == [None]


@given(WHOLE, WHOLE)
def test_overlap_is_that_of_counted_cells(
    one: tuple[int, int, int, int], other: tuple[int, int, int, int]
) -> None:
    def cells(west: int, south: int, width: int, height: int) -> set[tuple[int, int]]:
        return {((west + x + 180) % 360, south + y) for x in range(width) for y in range(height)}

    def box(west: int, south: int, width: int, height: int) -> list[float]:
        return [west, south, (west + width + 180) % 360 - 180, south + height]

    first, second = cells(*one), cells(*other)
    expected = len(first & second) / len(first | second)
    found = overlap(np.array([box(*one)], np.float64), np.array(box(*other), np.float64))
    assert found.tolist() == pytest.approx([expected])
