import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenehash.errors import InputError
from scenehash.report.geojson import feature, polygon, write_geojson


def area(ring: list[list[float]]) -> float:
    x, y = np.array(ring).T
    return float((x[:-1] * y[1:] - x[1:] * y[:-1]).sum() / 2)


def rings(geometry: dict) -> list[list[list[float]]]:
    if geometry["type"] == "Polygon":
        return list(geometry["coordinates"])
    return [polygon[0] for polygon in geometry["coordinates"]]


@given(
    west=st.floats(-179.9, 179.9),
    south=st.floats(-80, 79),
    width=st.floats(0.01, 5),
    clockwise=st.booleans(),
)
def test_polygons_are_closed_counterclockwise_and_cut_at_the_antimeridian(
    west: float, south: float, width: float, clockwise: bool
) -> None:
    corners = [(west, south), (west + width, south), (west + width, south + 1), (west, south + 1)]
    ring = [((x + 180) % 360 - 180, y) for x, y in corners]
    parts = rings(polygon(ring[::-1] if clockwise else ring))
    assert sum(area(part) for part in parts) == pytest.approx(width, rel=1e-6, abs=1e-6)
    for part in parts:
        assert part[0] == part[-1]
        assert area(part) > 0
        assert all(-180 <= x <= 180 for x, _ in part)
        assert max(x for x, _ in part) - min(x for x, _ in part) <= width + 1e-6


def test_a_file_that_gdal_reads(tmp_path: Path) -> None:
    from rasterio.warp import transform_geom

    ring = [(179.9, 10.0), (-179.9, 10.0), (-179.9, 10.2), (179.9, 10.2)]
    write_geojson(tmp_path / "a.geojson", [feature(ring, name="Zürich"), feature(None, name="x")])
    document = json.loads((tmp_path / "a.geojson").read_text())
    first, second = document["features"]
    assert first["geometry"]["type"] == "MultiPolygon"
    assert (first["properties"]["name"], second["geometry"]) == ("Zürich", None)
    assert transform_geom("EPSG:4326", "EPSG:32601", first["geometry"])["type"] == "MultiPolygon"
    with pytest.raises(InputError, match="cannot be written"):
        write_geojson(tmp_path / "nowhere" / "a.geojson", [])


@pytest.mark.parametrize("edge", [180.0, -180.0])
def test_a_polygon_that_touches_the_antimeridian_lies_on_one_side_of_it(edge: float) -> None:
    east = polygon([(179.0, 1.0), (edge, 1.0), (edge, 0.0), (179.0, 0.0)])
    west = polygon([(edge, 1.0), (-179.0, 1.0), (-179.0, 0.0), (edge, 0.0)])
    assert east["type"] == west["type"] == "Polygon"
    assert sorted({x for x, _ in rings(east)[0]}) == [179, 180]
    assert sorted({x for x, _ in rings(west)[0]}) == [-180, -179]


@pytest.mark.parametrize("first", [0, 45, 180])
@pytest.mark.parametrize(("latitude", "pole"), [(89.0, 90.0), (-89.0, -90.0)])
def test_a_polygon_around_a_pole_reaches_up_to_it(first: int, latitude: float, pole: float) -> None:
    ring = [((first + turn + 180) % 360 - 180.0, latitude) for turn in (0, 90, 180, 270)]
    for one in (ring, ring[::-1]):
        geometry = polygon(one)
        assert geometry["type"] == "Polygon"
        assert area(rings(geometry)[0]) == pytest.approx(360)
        assert {y for _, y in rings(geometry)[0]} == {latitude, pole}
