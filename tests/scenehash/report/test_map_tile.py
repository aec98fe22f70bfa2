"""Map tiles lie where GDAL's own warping puts the scene, and show the pixels that ingest reads."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import rasterio
from rasterio.crs import CRS
from rasterio.transform import from_bounds, from_gcps
from rasterio.warp import Resampling, reproject

from scenehash.errors import ConfigurationError
from scenehash.report.map_tile import SIDE, map_tile
from scenehash.scenes import open_scene

from ...scenes import draw

HALF = np.pi * 6378137.0
RNG = np.random.default_rng(0)
GROUND = (RNG.random((9, 9, 3)) * 200 + 40).astype(np.uint8)


Bounds = tuple[float, float, float, float]


def write(
    path: Path, crs: str, bounds: Bounds, nodata: int | None = None, gcps: bool = False
) -> Path:
    """A smooth scene of 300 x 200 pixels, with a hole of nodata where that is asked for."""
    pixels = cv2.resize(GROUND, (300, 200), interpolation=cv2.INTER_CUBIC)
    pixels = np.clip(pixels, 20, 250).astype(np.uint8)
    if nodata is not None:
        pixels[50:100, 60:140] = nodata
    affine = from_bounds(*bounds, 300, 200)
    place: dict = {"transform": affine, "crs": crs}
    if gcps:
        points = [
            rasterio.control.GroundControlPoint(row, col, *(affine @ (col, row)))
            for row, col in ((0, 0), (0, 300), (200, 0), (200, 300))
        ]
        assert from_gcps(points).almost_equals(affine)
        place = {"gcps": points, "crs": crs}
    with rasterio.open(path, "w", driver="GTiff", width=300, height=200, count=3, dtype="uint8",
                       nodata=nodata, **place) as file:  # fmt: skip
        file.write(np.moveaxis(pixels, 2, 0))
    return path


def reference(path: Path, zoom: int, column: int, row: int) -> np.ndarray:
    """The same tile by GDAL: uint8 [256, 256, 4]."""
    side = 2 * HALF / 2**zoom
    west, north = column * side - HALF, HALF - row * side
    tile = np.zeros((4, SIDE, SIDE), np.uint8)
    with rasterio.open(path) as file:
        source = np.concatenate([file.read(), file.dataset_mask()[None]])
        reproject(source, tile, src_transform=file.transform, src_crs=file.crs,
                  dst_transform=from_bounds(west, north - side, west + side, north, SIDE, SIDE),
                  dst_crs=CRS.from_epsg(3857), resampling=Resampling.bilinear)  # fmt: skip
    return np.moveaxis(tile, 0, 2)


def numbers(longitude: float, latitude: float, zoom: int) -> tuple[int, int]:
    x = (longitude + 180) / 360 * 2**zoom
    y = (1 - np.arcsinh(np.tan(np.radians(latitude))) / np.pi) / 2 * 2**zoom
    return int(x), int(y)


@pytest.mark.parametrize(
    ("crs", "bounds", "at"),
    [
        ("EPSG:32632", (500_000, 5_200_000, 503_000, 5_202_000), (9.02, 46.96)),
        ("EPSG:4326", (8.0, 47.0, 8.03, 47.02), (8.015, 47.01)),
        ("EPSG:32733", (500_000, 6_000_000, 503_000, 6_002_000), (15.02, -36.13)),
        ("EPSG:3413", (-1_003_000, -1_002_000, -1_000_000, -1_000_000), (-90.1, 77.0)),
    ],
)
@pytest.mark.parametrize("zoom", [8, 11, 13, 15])
def test_pixels_lie_where_gdal_puts_them(
    tmp_path: Path, crs: str, bounds: Bounds, at: tuple, zoom: int
) -> None:
    path = write(tmp_path / "a.tif", crs, bounds)
    with open_scene(path) as scene:
        middle = scene.lonlat(np.array([150.0]), np.array([100.0]))
        assert middle is not None
        assert np.allclose(middle[0], at, atol=0.5)
        column, row = numbers(middle[0, 0], middle[0, 1], zoom)
        tile = map_tile(scene, zoom, column, row)
    expected = reference(path, zoom, column, row)
    assert tile is not None
    # Edges may differ by a pixel; what both show is alike, where no pixel is shrunk away.
    both = (tile[..., 3] > 0) & (expected[..., 3] > 0)
    either = (tile[..., 3] > 0) | (expected[..., 3] > 0)
    assert either.sum() - both.sum() <= 4 * np.sqrt(either.sum()) + 8
    if zoom >= 13:
        apart = np.abs(tile[both][:, :3].astype(int) - expected[both][:, :3])
        assert np.percentile(apart, 95) <= 4


def test_what_holds_no_data_is_transparent(tmp_path: Path) -> None:
    bounds = (500_000, 5_200_000, 503_000, 5_202_000)
    path = write(tmp_path / "a.tif", "EPSG:32632", bounds, nodata=0)
    with open_scene(path) as scene:
        column, row = numbers(9.012, 46.965, 13)
        tile = map_tile(scene, 13, column, row)
        hole = scene.lonlat(np.array([100.0]), np.array([75.0]))
    assert tile is not None
    assert hole is not None
    size = SIDE * 2**13
    x = (hole[0, 0] + 180) / 360 * size - SIDE * column
    y = (1 - np.arcsinh(np.tan(np.radians(hole[0, 1]))) / np.pi) / 2 * size - SIDE * row
    assert tile[int(y), int(x)].tolist() == [0, 0, 0, 0]
    assert 0.2 < (tile[..., 3] > 0).mean() < 0.95


def test_a_scene_across_the_antimeridian_is_on_both_ends_of_the_map(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", "EPSG:32660", (820_000, 2_000, 850_000, 22_000))
    with open_scene(path) as scene:
        ends = [map_tile(scene, 8, column, 127) for column in (255, 0)]
        between = map_tile(scene, 8, 128, 127)
    assert between is None
    assert all(end is not None for end in ends)


def test_control_points_place_a_scene_too(tmp_path: Path) -> None:
    bounds = (500_000, 5_200_000, 503_000, 5_202_000)
    plain = write(tmp_path / "a.tif", "EPSG:32632", bounds)
    pointed = write(tmp_path / "b.tif", "EPSG:32632", bounds, gcps=True)
    tiles = []
    for path in (plain, pointed):
        with open_scene(path) as scene:
            tiles.append(map_tile(scene, 13, *numbers(9.02, 46.96, 13)))
    assert tiles[0] is not None
    assert tiles[1] is not None
    assert np.percentile(np.abs(tiles[0].astype(int) - tiles[1]), 99) <= 2


def test_a_scene_without_a_place_has_no_map_tiles_and_nonsense_is_named(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), draw("forest", 1))
    with open_scene(tmp_path / "a.png") as scene:
        assert map_tile(scene, 0, 0, 0) is None
        for zoom, column, row in ((-1, 0, 0), (25, 0, 0), (3, 8, 0), (3, 0, -1)):
            with pytest.raises(ConfigurationError, match="give a zoom of 0 to 24"):
                map_tile(scene, zoom, column, row)
