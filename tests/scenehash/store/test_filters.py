"""Filters, against a plain loop over what was added."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from scenehash import CodeStore, Filter
from scenehash.errors import ConfigurationError
from scenehash.geo import Box, bounding_boxes, meeting
from scenehash.store import HashedScene
from scenehash.store.catalog.blocks import TILES_A_BLOCK
from scenehash.store.search import selection, snapshot

from .samples import LINEAGE, TILE, make, placed, scene

# A point that a ring lies around is never written down by these strategies on an edge by chance:
# whole hundredths meet halves of hundredths only.
LONGITUDES = st.integers(-18000, 17999).map(lambda hundredths: hundredths / 100)
LATITUDES = st.integers(-8999, 8998).map(lambda hundredths: hundredths / 100)


def crosses(west: float, east: float, longitude: float) -> bool:
    return west <= longitude <= east if west <= east else longitude >= west or longitude <= east


def meets(tile: list[list[float]], box: tuple[float, float, float, float]) -> bool:
    """Whether a small square, by its corners, and a box have a point in common, one at a time."""
    west, south, east, north = box
    longitudes = [corner[0] for corner in tile]
    latitudes = [corner[1] for corner in tile]
    if max(latitudes) < south or min(latitudes) > north:
        return False
    if max(longitudes) - min(longitudes) > 180:
        low, high = min(x for x in longitudes if x > 0), max(x for x in longitudes if x < 0)
    else:
        low, high = min(longitudes), max(longitudes)
    ends = crosses(west, east, low) or crosses(west, east, high)
    return ends or crosses(low, high, west) or crosses(low, high, east)


@st.composite
def boxes(draw: st.DrawFn) -> tuple[float, float, float, float]:
    west, east = draw(LONGITUDES) + TILE / 2, draw(LONGITUDES) + TILE / 2
    south, north = sorted([draw(LATITUDES) + TILE / 2, draw(LATITUDES) + TILE / 2])
    return west, south, east, north


@st.composite
def circles(draw: st.DrawFn) -> tuple[float, float, float]:
    return draw(LATITUDES), draw(LONGITUDES), draw(st.sampled_from([0.3, 5.0, 300.0, 9000.0]))


def comes_within(tile: list[list[float]], near: tuple[float, float, float]) -> bool:
    """Whether a small square comes within a distance of a point: the nearest of many of its points.

    The box that counts has its corners' longitudes, so that its own points are looked at.
    """
    latitude, longitude, kilometres = near
    first = tile[0][0]
    longitudes = [(corner[0] - first + 180) % 360 - 180 + first for corner in tile]
    latitudes = [corner[1] for corner in tile]
    x = np.linspace(min(longitudes), max(longitudes), 41)
    y = np.linspace(min(latitudes), max(latitudes), 41)
    a, b = np.radians(np.array(np.meshgrid(x, y)).reshape(2, -1))
    c, d = np.radians([longitude, latitude])
    cosine = np.sin(b) * np.sin(d) + np.cos(b) * np.cos(d) * np.cos(a - c)
    nearest = float((6371.0088 * np.arccos(np.clip(cosine, -1, 1))).min())
    assume(abs(nearest - kilometres) > 0.05)  # the points looked at are 30 m apart
    return nearest <= kilometres


@st.composite
def archives(draw: st.DrawFn) -> list[HashedScene]:
    scenes = []
    for number in range(draw(st.integers(1, 6))):
        tiles = draw(st.sampled_from([1, 2, 5, TILES_A_BLOCK, 2 * TILES_A_BLOCK + 3]))
        label = draw(st.sampled_from(["", "harbor", "forest"]))
        corner = draw(LONGITUDES), draw(LATITUDES)
        near_the_antimeridian = 179.99 - draw(st.integers(0, 100)) / 100, corner[1]
        where = draw(st.sampled_from([corner, near_the_antimeridian]))
        kind = draw(st.sampled_from(["placed", "placed", "nowhere"]))
        labels = (label,) if label else ()
        scenes.append(
            placed(number, tiles, where, labels) if kind == "placed" else scene(number, tiles)
        )
    return scenes


def filters() -> st.SearchStrategy[Filter]:
    """Of few conditions: with many, hardly a tile meets them all."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    days = st.integers(0, 6).map(lambda days: start + timedelta(days=days))
    conditions = {
        "scene": st.integers(0, 6).map(lambda number: f"/scenes/{number}.png"),
        "newer_than": st.integers(-1, 200),
        "other_than": st.integers(0, 6).map(lambda number: (f"/scenes/{number}.png",)),
        "since": days,
        "until": days,
        "bbox": boxes(),
        "near": circles(),
        "label": st.sampled_from(["harbor", "forest", "river"]),
    }
    some = st.sets(st.sampled_from(sorted(conditions)), max_size=3)
    return some.flatmap(
        lambda names: st.builds(Filter, **{name: conditions[name] for name in sorted(names)})
    )


def holds(where: Filter, row: int, tile: int, owner: HashedScene) -> bool:
    """A filter, condition by condition."""
    if where.scene is not None and owner.path != where.scene:
        return False
    if where.other_than is not None and owner.path in where.other_than:
        return False
    if where.newer_than is not None and row <= where.newer_than:
        return False
    if where.since is not None and (owner.time is None or owner.time < where.since):
        return False
    if where.until is not None and (owner.time is None or owner.time > where.until):
        return False
    if where.label is not None and where.label not in owner.labels:
        return False
    if where.bbox is None and where.near is None:
        return True
    if owner.footprints is None:
        return False
    corners = owner.footprints[tile].tolist()
    return (where.bbox is None or meets(corners, where.bbox)) and (
        where.near is None or comes_within(corners, where.near)
    )


# Which filters are listed at once, how many hits are checked at first, and until when.
PLANS = [
    (selection.NARROW, snapshot.MORE, snapshot.TOO_BROAD),
    (0, snapshot.MORE, snapshot.TOO_BROAD),
    (3, 2, 1000),
    (0, 2, 0),
]


@pytest.mark.slow
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    archive=archives(),
    wanted=st.lists(filters(), min_size=1, max_size=6),
    gone=st.sets(st.integers(0, 5), max_size=2),
    compacted=st.booleans(),
)
def test_a_filter_holds_for_just_the_rows_that_a_plain_loop_finds(
    tmp_path: Path,
    archive: list[HashedScene],
    wanted: list[Filter],
    gone: set[int],
    compacted: bool,
) -> None:
    folder = tmp_path / str(len(list(tmp_path.iterdir())))
    left = {scene.path for number, scene in enumerate(archive) if number not in gone}
    with CodeStore.create(folder, LINEAGE, 64, "a-model") as store:
        store.add(archive)
        for path in {scene.path for scene in archive} - left:
            store.delete(Filter(scene=path))
        if compacted:
            store.compact()
        assert store.verify() == []
    tiles = [(tile, owner) for owner in archive for tile in range(len(owner.windows))]
    every = sorted(
        (int(np.bitwise_count(owner.codes[tile]).sum()), row, tile, owner)
        for row, (tile, owner) in enumerate(tiles)
        if owner.path in left
    )
    expected = {
        where: [(near, row) for near, row, tile, owner in every if holds(where, row, tile, owner)]
        for where in wanted
    }
    for narrow, more, too_broad in PLANS:
        with pytest.MonkeyPatch.context() as patch, CodeStore.open(folder) as store:
            patch.setattr(selection, "NARROW", narrow)
            patch.setattr(snapshot, "MORE", more)
            patch.setattr(snapshot, "TOO_BROAD", too_broad)
            for where, found in expected.items():
                for k in (len(tiles), 3):
                    hits = store.search(np.zeros((1, 8), np.uint8), k, where=where)[0]
                    assert [(hit.distance, hit.row) for hit in hits] == found[:k]


def test_a_hit_says_when_and_where_its_tile_was_taken(tmp_path: Path) -> None:
    with make(tmp_path / "s") as store:
        there, nowhere = placed(3, 2, (179.995, -20.0)), scene(4)
        store.add([there, nowhere])
        (hit,) = store.search(there.codes[1:], 1)[0]
        assert hit.time == datetime(2026, 1, 4, tzinfo=UTC)
        assert there.footprints is not None
        assert hit.footprint == tuple(map(tuple, there.footprints[1].tolist()))
        (hit,) = store.search(nowhere.codes, 1)[0]
        assert (hit.time, hit.footprint) == (None, None)


def test_boxes_of_footprints_at_the_antimeridian_and_around_the_poles() -> None:
    rings = np.array(
        [
            [[10, 50], [11, 50], [11, 51], [10, 51]],
            [[179, -20], [-179, -20], [-179, -19], [179, -19]],
            [[0, 80], [90, 80], [180, 80], [-90, 80]],
            [[0, -80], [-90, -80], [180, -80], [90, -80]],
        ],
        np.float64,
    )
    assert bounding_boxes(rings).tolist() == [
        [10, 50, 11, 51],
        [179, -20, -179, -19],
        [-180, 80, 180, 90],
        [-180, -90, 180, -80],
    ]


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        (Box(10.5, 50.5, 10.6, 50.6), [True, False, True]),
        (Box(170, -30, 179.5, 0), [False, True, True]),
        (Box(-179.5, -30, -170, 0), [False, True, True]),
        (Box(179.5, -30, -179.5, 0), [False, True, True]),
        (Box(12, 50, 9, 51), [False, False, True]),
        (Box(11, 51, 12, 52), [True, False, True]),
    ],
)
def test_boxes_meet_across_the_antimeridian(box: Box, expected: list[bool]) -> None:
    table = np.array([[10, 50, 11, 51], [179, -20, -179, -19], [-180, -90, 180, 90]], np.float64)
    assert meeting(table, box).tolist() == expected


def test_a_box_that_is_none_is_an_error() -> None:
    for box in ((0, 10, 10, 0), (0, 0, 190, 1), (0, -91, 1, 0)):
        with pytest.raises(ConfigurationError, match="not a box"):
            Filter(bbox=box)


@pytest.mark.parametrize("time", [datetime.max, datetime.max.replace(tzinfo=UTC)])
def test_the_last_time_that_there_is_can_be_stored_and_asked_for(tmp_path: Path, time) -> None:
    with make(tmp_path / "s", 1) as store:
        last = replace(scene(9), time=time)
        store.add([last])
        for where in (Filter(since=time), Filter(until=time)):
            (hits,) = store.search(last.codes[:1], 50, where=where)
            (hit,) = (hit for hit in hits if hit.scene == last.path)
            assert hit.time is not None
            assert hit.time.year == 9999
        assert store.verify() == []
