"""Areas: which boxes meet polygons, compared with plain loops in exact numbers; and searches."""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenehash.errors import ConfigurationError, InputError
from scenehash.geo import Box
from scenehash.store import Area, CodeStore, Filter, HashedScene
from scenehash.tiling import Window

Corner = tuple[float, float]
TRIANGLE = {"type": "Polygon", "coordinates": [[[0, 0], [10, 0], [0, 10], [0, 0]]]}
FIJI = {"type": "Polygon", "coordinates": [[[179, -18], [181, -18], [181, -16], [179, -16]]]}
FIJI_CUT = {
    "type": "MultiPolygon",
    "coordinates": [
        [[[179, -18], [180, -18], [180, -16], [179, -16]]],
        [[[-180, -18], [-179, -18], [-179, -16], [-180, -16]]],
    ],
}
# Quarters of degrees are exact as floats, and make corners that lie on sides.
STEPS = st.integers(-40, 40).map(lambda step: step / 4)
CORNERS = st.tuples(STEPS, STEPS)


def meets(area: object, *boxes: tuple[float, float, float, float]) -> list[bool]:
    found: list[bool] = Area.from_geojson(area).meeting(np.array(boxes, np.float64)).tolist()
    return found


def cross(a: Corner, b: Corner, c: Corner) -> Fraction:
    ax, ay, bx, by, cx, cy = map(Fraction, (*a, *b, *c))
    return (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)


def on(a: Corner, b: Corner, c: Corner) -> bool:
    """Whether c is on the edge from a to b."""
    within = all(min(p, q) <= r <= max(p, q) for p, q, r in zip(a, b, c, strict=True))
    return within and cross(a, b, c) == 0


def edges_meet(a: Corner, b: Corner, c: Corner, d: Corner) -> bool:
    if any((on(a, b, c), on(a, b, d), on(c, d, a), on(c, d, b))):
        return True
    return cross(a, b, c) * cross(a, b, d) < 0 and cross(c, d, a) * cross(c, d, b) < 0


def plain(ring: list[Corner], box: tuple[float, float, float, float]) -> bool:
    """By the definition: an edge meets a side, or one is within the other."""
    west, south, east, north = box
    corners = [(west, south), (east, south), (east, north), (west, north)]
    inside = False
    for a, b in zip(ring, [*ring[1:], ring[0]], strict=True):
        sides = zip(corners, [*corners[1:], corners[0]], strict=True)
        if any(edges_meet(a, b, c, d) for c, d in sides):
            return True
        if west <= a[0] <= east and south <= a[1] <= north:
            return True
        if (a[1] > south) != (b[1] > south):
            left = cross(a, b, (west, south)) if b[1] > a[1] else cross(b, a, (west, south))
            inside ^= left > 0
    return inside


@pytest.mark.slow
@settings(max_examples=400, deadline=None)
@given(
    st.lists(CORNERS, min_size=3, max_size=7, unique=True),
    st.lists(st.tuples(CORNERS, CORNERS), min_size=1, max_size=8),
)
def test_boxes_meet_a_polygon_just_where_plain_loops_say(
    ring: list[Corner], spans: list[tuple[Corner, Corner]]
) -> None:
    boxes = [(min(a, c), min(b, d), max(a, c), max(b, d)) for (a, b), (c, d) in spans]
    area = {"type": "Polygon", "coordinates": [ring]}
    assert meets(area, *boxes) == [plain(ring, box) for box in boxes]
    (west, south), (east, north) = np.min(ring, axis=0), np.max(ring, axis=0)
    assert Area.from_geojson(area).box() == Box(west, south, east, north)


def test_a_hole_is_not_in_the_area_but_its_rim_is() -> None:
    square = [[0, 0], [10, 0], [10, 10], [0, 10]]
    hole = [[2, 2], [8, 2], [8, 8], [2, 8]]
    area = {"type": "Polygon", "coordinates": [square, hole]}
    inside, rim, beside, around = (4, 4, 5, 5), (7, 7, 9, 9), (0.5, 0.5, 1, 1), (-1, -1, 11, 11)
    assert meets(area, inside, rim, beside, around) == [False, True, True, True]


@pytest.mark.parametrize("area", [FIJI, FIJI_CUT])
def test_an_area_goes_across_the_antimeridian(area: dict[str, object]) -> None:
    assert meets(
        area,
        (178, -17, 178.5, -16.5),
        (179.5, -17, 179.6, -16.9),
        (-179.6, -17, -179.5, -16.9),
        (179.9, -17, -179.9, -16.9),
        (-178, -17, -177, -16.9),
        (-180, -17, 180, -16.9),
        (179.5, 16, 179.6, 17),
    ) == [False, True, True, True, False, True, False]


def test_a_box_around_an_area_across_the_antimeridian_is_small() -> None:
    assert Area.from_geojson(FIJI).box() == Box(179, -18, -179, -16)
    assert Area.from_geojson(FIJI_CUT).box() == Box(-180, -18, 180, -16)


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ([], "not GeoJSON"),
        ({}, "no polygon"),
        ({"type": "Point", "coordinates": [1, 2]}, "no polygon"),
        ({"type": "Polygon", "coordinates": 7}, "not GeoJSON"),
        ({"type": "Polygon", "coordinates": []}, "without corners"),
        ({"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [0, 0]]]}, "a ring of 2 corners"),
        ({"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [500000, 4]]]}, "in degrees"),
        ({"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [0, float("nan")]]]}, "in degrees"),
        ({"type": "Polygon", "coordinates": [[[0, 0], [1, 1], ["a", 4]]]}, "in degrees"),
        ({"type": "Polygon", "coordinates": [[[-200, 0], [1, 1], [200, 4]]]}, "wider than 360"),
        ({"type": "Polygon", "coordinates": [[[0, 0]] * 20_000]}, "too much"),
    ],
)
def test_what_is_no_area_is_an_error(document: object, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        Area.from_geojson(document)


def test_an_area_is_deep_in_a_collection_and_comes_out_again() -> None:
    feature = {"type": "Feature", "properties": {"name": "x"}, "geometry": TRIANGLE}
    area = Area.from_geojson({"type": "FeatureCollection", "features": [feature, feature]})
    assert len(area.polygons) == 2
    assert Area.from_geojson(area.geojson()) == area


def test_an_area_is_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a.geojson"
    path.write_text(json.dumps(TRIANGLE))
    assert Area.from_file(path) == Area.from_geojson(TRIANGLE)
    for text, reason in (("{", "not GeoJSON"), ("{}", "no polygon"), ("[" * 99_999, "not GeoJSON")):
        path.write_text(text)
        with pytest.raises(InputError, match=reason):
            Area.from_file(path)
    with pytest.raises(InputError):
        Area.from_file(tmp_path)
    path.write_bytes(b" " * 4_000_001)
    with pytest.raises(InputError, match="4 MB"):
        Area.from_file(path)


def test_a_search_in_an_area_finds_the_nearest_of_its_tiles_alone(tmp_path: Path) -> None:
    side = 64
    codes = np.zeros((side * side, 8), np.uint8)
    codes[:, 0] = np.arange(side * side) % 251
    x, y = (line.ravel() for line in np.meshgrid(np.arange(side), np.arange(side)))
    lon, lat = x * 0.25, y * 0.25
    corners = ((0, 0.25), (0.25, 0.25), (0.25, 0), (0, 0))
    footprints = np.stack([np.stack([lon + a, lat + b], 1) for a, b in corners], 1)
    windows = [Window(i, 0, 1, 1) for i in range(side * side)]
    with CodeStore.open_or_create(tmp_path / "s", "0" * 16, 64, "test") as store:
        store.add([HashedScene("0" * 32, "/a.tif", windows, codes, footprints=footprints)])
        where = store.resolve(Filter(area=Area.from_geojson(TRIANGLE)))
        rows = {hit.row for hit in store.search(codes[:1], k=4096, where=where)[0]}
    expected = {row for row in range(side * side) if lon[row] + lat[row] <= 10}
    assert rows == expected
    assert 0 < len(rows) < side * side
