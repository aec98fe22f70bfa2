"""Where a scene is, how large its pixels are on the ground, and why neither is known."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rasterio.control import GroundControlPoint
from rasterio.crs import CRS
from rasterio.rpc import RPC
from rasterio.transform import Affine, from_origin
from rasterio.warp import transform

from scenehash.errors import InputError
from scenehash.geo import bounding_boxes, ground_metres
from scenehash.scenes import Tiling, Window, open_scene
from scenehash.scenes.parts import world_file
from scenehash.scenes.scene import Scene

from .inputs import UTM, planes, png, raster, scene_like, vrt_band

IMAGE = planes(scene_like(512, 512))


def rings_of(scene: Scene, windows: Sequence[Window]) -> np.ndarray:
    """The footprints of windows of a scene that has a place."""
    found = scene.footprints(windows)
    assert found is not None
    return found


def whole(scene: Scene) -> Any:
    """The footprint of a scene; None where it has none."""
    found = scene.footprints([Window(0, 0, scene.width, scene.height)])
    return None if found is None else found[0]


def ground(scene: Scene, window: Window) -> tuple[float, float]:
    """Width and height of a window on the ground, in its middle, in metres."""
    ((ring),) = rings_of(scene, [window])
    middle = (ring[:2].mean(axis=0), ring[2:].mean(axis=0))
    left, right = (ring[[0, 3]].mean(axis=0), ring[[1, 2]].mean(axis=0))
    return ground_metres(tuple(left), tuple(right)), ground_metres(*map(tuple, middle))


@pytest.mark.parametrize(
    ("crs", "affine"),
    [
        ("EPSG:4326", from_origin(10, 60, 2e-5, 2e-5)),
        ("EPSG:4326", from_origin(10, -45, 2e-5, 4e-5)),
        ("EPSG:3857", from_origin(1_113_194, 8_399_738, 2, 2)),  # Web Mercator at 60 N
        ("EPSG:3857", from_origin(1_113_194, 0, 2, 2)),
        ("EPSG:32632", from_origin(556_000, 6_651_000, 2, 2)),
        ("EPSG:32632", from_origin(556_000, 6_651_000, 2, 6)),
        ("EPSG:32632", Affine(1.6, 1.2, 556_000, 1.2, -1.6, 6_651_000)),  # turned
        ("EPSG:32632", Affine(2, 0, 556_000, 0, 2, 6_651_000)),  # south up
        ("EPSG:2227", from_origin(6_000_000, 2_100_000, 6, 6)),  # US survey feet
        ("EPSG:3413", from_origin(-600_000, -600_000, 2, 2)),
    ],
)
def test_tiles_in_metres_are_as_large_on_the_ground_in_both_directions(
    tmp_path: Path, crs: str, affine: Affine
) -> None:
    path = raster(tmp_path / "a.tif", IMAGE, crs=crs, transform=affine)
    with open_scene(path) as scene:
        for metres in (50.0, 200.0):
            windows = scene.windows(Tiling(metres=metres), 256)
            for window in (windows[0], windows[-1]):
                width, height = ground(scene, window)
                pixel = max(scene.pixel_size or (0,))
                assert abs(width - metres) < pixel / 2 + metres * 0.02
                assert abs(height - metres) < pixel / 2 + metres * 0.02
        tiles = [tile for group in scene.tiles(windows, 64) for tile in group]
        assert {tile.image.shape for tile in tiles if tile.image is not None} == {(64, 64, 3)}


def test_a_tile_that_is_square_on_the_ground_is_not_cut_to_a_square_of_pixels(
    tmp_path: Path,
) -> None:
    ramp = np.broadcast_to(np.arange(512) // 4 + 50, (3, 256, 512)).astype(np.uint8)
    path = raster(tmp_path / "a.tif", ramp, transform=from_origin(5e5, 5e6, 1, 2))
    with open_scene(path) as scene:
        (window,) = scene.windows(Tiling(metres=400), 128)
        assert (window.width, window.height) == (512, 256)
        tile = scene.pixels(window, 128)
    assert tile[0, :, 0].tolist() == list(range(50, 178))


def test_pixels_of_a_projection_are_the_metres_that_they_say(tmp_path: Path) -> None:
    path = raster(tmp_path / "a.tif", IMAGE)
    with open_scene(path) as scene:
        assert scene.pixel_size == (10, 10)


@pytest.mark.parametrize(("crs", "metres"), [("EPSG:3413", 1031), ("EPSG:3031", 1028)])
def test_a_pixel_on_a_pole_is_as_large_as_those_beside_it(
    tmp_path: Path, crs: str, metres: float
) -> None:
    affine = from_origin(-256_000, 256_000, 1000, 1000)
    with open_scene(raster(tmp_path / "a.tif", IMAGE, crs=crs, transform=affine)) as scene:
        assert scene.pixel_size == pytest.approx((metres, metres), rel=1e-3)


def test_too_few_pixels_and_unequal_ones_are_said(tmp_path: Path) -> None:
    wide = raster(
        tmp_path / "a.tif", IMAGE, crs="EPSG:4326", transform=from_origin(0, 80, 0.1, 0.1)
    )
    with open_scene(wide) as scene:
        with pytest.raises(InputError, match="too few to show anything"):
            scene.windows(Tiling(metres=5000), 256)
        scene.windows(Tiling(metres=500_000), 256)
        assert "differ in size by" in scene.warnings[-1]


def points(affine: Affine, count: int = 3) -> list[GroundControlPoint]:
    at = np.linspace(0, 512, count)
    return [
        GroundControlPoint(row=row, col=col, x=x, y=y)
        for row in at
        for col in at
        for x, y in [affine @ (col, row)]
    ]


@pytest.mark.parametrize("count", [2, 3, 5, 30])
@pytest.mark.parametrize(
    ("crs", "affine"),
    [
        ("EPSG:4326", Affine(0.001, 0.0002, -79, 0.0001, -0.001, 25.5)),
        ("EPSG:32633", Affine(9, 4, 500_000, 4, -9, 5_000_000)),
    ],
)
def test_control_points_place_a_scene(tmp_path: Path, crs: str, affine: Affine, count: int) -> None:
    path = tmp_path / "a.tif"
    with rasterio.open(
        path, "w", driver="GTiff", width=512, height=512, count=3, dtype="uint8"
    ) as file:
        file.write(IMAGE)
        file.gcps = (points(affine, count), CRS.from_user_input(crs))
    with open_scene(path) as scene:
        for window in (Window(0, 0, 512, 512), Window(100, 200, 50, 50)):
            right, below = window.x + window.width, window.y + window.height
            corners = [(window.x, window.y), (right, window.y), (right, below), (window.x, below)]
            found = [affine @ corner for corner in corners]
            expected = np.array(transform(crs, "EPSG:4326", *zip(*found, strict=True))).T
            (ring,) = rings_of(scene, [window])
            assert np.abs(ring - expected).max() < 1e-4
        longitude, latitude = expected[0]
        assert scene.position(longitude, latitude) == pytest.approx((100, 200), abs=0.5)
        assert scene.pixel_size is not None
        assert not scene.warnings


@pytest.mark.parametrize("count", [2, 4])
@pytest.mark.parametrize(
    ("west", "lowest", "pixel"),
    [
        (179.8, -180, 0.001),
        (-0.2, 0, 0.001),
        (359.9, 0, 0.001),
        (-180.1, -180, 0.001),
        (20, -180, 0.001),
        # So small that longitudes of both sides lie on a line.
        (179.998, -180, 1e-5),
        (-0.002, 0, 1e-5),
    ],
)
def test_control_points_across_a_meridian_where_longitudes_jump_place_a_scene(
    tmp_path: Path, west: float, lowest: float, pixel: float, count: int
) -> None:
    affine = from_origin(west, 10, pixel, pixel)
    with rasterio.open(
        tmp_path / "a.tif", "w", driver="GTiff", width=512, height=512, count=3, dtype="uint8"
    ) as file:
        file.write(IMAGE)
        file.gcps = (
            [
                GroundControlPoint(p.row, p.col, lowest + (p.x - lowest) % 360, p.y)
                for p in points(affine, count)
            ],
            CRS.from_user_input("EPSG:4326"),
        )
    with open_scene(tmp_path / "a.tif") as scene:
        ring = whole(scene)
        expected = [affine @ corner for corner in ((0, 0), (512, 0), (512, 512), (0, 512))]
        off = ring - expected
        assert np.abs((off[:, 0] + 180) % 360 - 180).max() < 1e-3
        assert np.abs(off[:, 1]).max() < 1e-3
        longitude, latitude = affine @ (400, 100)
        place = scene.position((longitude + 180) % 360 - 180, latitude)
        assert place == pytest.approx((400, 100), abs=0.1)


def test_control_points_around_the_whole_earth_stay_as_they_are(tmp_path: Path) -> None:
    affine = from_origin(-180, 90, 360 / 512, 180 / 512)
    with rasterio.open(
        tmp_path / "a.tif", "w", driver="GTiff", width=512, height=512, count=3, dtype="uint8"
    ) as file:
        file.write(IMAGE)
        file.gcps = (points(affine, 4), CRS.from_user_input("EPSG:4326"))
    with open_scene(tmp_path / "a.tif") as scene:
        assert scene.position(90.0, 45.0) == pytest.approx((384, 128), abs=0.1)


@pytest.mark.parametrize("name", ["a.pgw", "a.pngw", "a.wld", "a.PGW"])
def test_a_world_file_beside_a_plain_image_is_said_not_to_be_read(
    tmp_path: Path, name: str
) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(png(scene_like()))
    with open_scene(path) as scene:
        assert not scene.warnings
    (tmp_path / name).write_text("10\n0\n0\n-10\n500000\n5000000\n")
    with open_scene(path) as scene:
        (warning,) = scene.warnings
        assert f"it is not georeferenced: {name} is not read" in warning


def test_control_points_beside_a_coordinate_system_place_a_scene(tmp_path: Path) -> None:
    raster(tmp_path / "a.tif", IMAGE[:1], crs=None, transform=None)
    every = points(Affine(0.001, 0, -79, 0, -0.001, 25.5))
    listed = "".join(
        f'<GCP Id="{n}" Pixel="{p.col}" Line="{p.row}" X="{p.x}" Y="{p.y}"/>'
        for n, p in enumerate(every)
    )
    (tmp_path / "a.vrt").write_text(
        '<VRTDataset rasterXSize="512" rasterYSize="512"><SRS>EPSG:4326</SRS>'
        f'<GCPList Projection="EPSG:4326">{listed}</GCPList>{vrt_band("a.tif")}</VRTDataset>'
    )
    with open_scene(tmp_path / "a.vrt") as scene:
        assert whole(scene)[2] == pytest.approx([-78.488, 24.988])


@pytest.mark.parametrize("kind", ["few", "line", "no system", "of Mars", "not finite"])
def test_control_points_that_place_nothing_say_why(tmp_path: Path, kind: str) -> None:
    every = points(Affine(0.001, 0, -79, 0, -0.001, 25.5))
    crs = CRS.from_epsg(4326)
    if kind == "few":
        every = every[:2]
    if kind == "line":
        every = [GroundControlPoint(n, n, -79 + n / 1000, 25 + n / 1000) for n in range(6)]
    if kind == "no system":
        crs = CRS()
    if kind == "of Mars":
        crs = CRS.from_string("+proj=longlat +R=3396190")
    if kind == "not finite":
        every[3] = GroundControlPoint(5, 5, float("nan"), float("inf"))
    with rasterio.open(
        tmp_path / "a.tif", "w", driver="GTiff", width=512, height=512, count=3, dtype="uint8"
    ) as file:
        file.write(IMAGE)
        file.gcps = (every, crs)
    with open_scene(tmp_path / "a.tif") as scene:
        assert whole(scene) is None
        assert "not georeferenced" in scene.warnings[0]
        assert len(scene.windows(Tiling(), 256)) == 4


def rational_polynomials() -> RPC:
    first = [1.0, *[0.0] * 19]
    return RPC(
        height_off=800, height_scale=500, lat_off=45, lat_scale=0.05, long_off=10, long_scale=0.05,
        line_off=256, line_scale=256, samp_off=256, samp_scale=256, line_den_coeff=first,
        samp_den_coeff=first, line_num_coeff=[0, 0, -1, 0.01, *[0.0] * 16],
        samp_num_coeff=[0, 1, 0, 0.02, *[0.0] * 16], err_bias=None, err_rand=None,
    )  # fmt: skip


def test_rational_polynomials_place_a_scene_at_their_height(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    with rasterio.open(
        path, "w", driver="GTiff", width=512, height=512, count=3, dtype="uint8"
    ) as file:
        file.write(IMAGE)
        file.rpcs = rational_polynomials()
    with open_scene(path) as scene:
        expected = [(9.95, 45.05), (10.05, 45.05), (10.05, 44.95), (9.95, 44.95)]
        assert np.abs(whole(scene) - expected).max() < 1e-3
        assert scene.position(10, 45) == pytest.approx((256, 256), abs=1)
        assert "at a height of 800 m" in scene.warnings[0]


def test_a_coordinate_system_without_a_transform_is_no_place(tmp_path: Path) -> None:
    for crs in ("EPSG:4326", UTM):
        path = raster(tmp_path / "a.tif", IMAGE, crs=crs, transform=None)
        with open_scene(path) as scene:
            assert whole(scene) is None
            assert scene.position(0, 0) is None
            assert "but no transform" in scene.warnings[0]
            with pytest.raises(InputError, match="give the tile size in pixels"):
                scene.windows(Tiling(metres=300), 256)
    with open_scene(raster(tmp_path / "b.tif", IMAGE, crs=None)) as scene:
        assert whole(scene) is None
        assert "no coordinate system" in scene.warnings[0]


def test_a_world_file_beside_a_coordinate_system_is_its_transform(tmp_path: Path) -> None:
    path = raster(tmp_path / "a.tif", IMAGE, transform=None)
    (tmp_path / "a.tfw").write_text("10\n0\n0\n-10\n500005\n4999995\n")
    with open_scene(path) as scene:
        assert scene.pixel_size == (10, 10)
        assert not scene.warnings


@pytest.mark.parametrize(
    ("crs", "affine"),
    [
        ("+proj=geos +lon_0=-75 +h=35786023 +sweep=x +ellps=GRS80 +units=m", 21229),
        ("+proj=eqc +R=3396190 +units=m", 10),  # Mars
        ("+proj=longlat +R=1737400", 0.01),  # the Moon
        ('LOCAL_CS["mine",UNIT["metre",1]]', 1),
        (
            'ENGCRS["a",EDATUM["b"],CS[Cartesian,2],AXIS["x",east],AXIS["y",north],'
            'LENGTHUNIT["metre",1]]',
            1,
        ),
        ("EPSG:4326", 1000),
        ("EPSG:3857", 1e9),
        ("EPSG:32633", 1e12),
    ],
    ids=["disk", "Mars", "Moon", "local", "engineering", "degrees", "mercator", "utm"],
)  # fmt: skip
def test_what_is_not_on_the_earth_is_read_and_says_so(
    tmp_path: Path, crs: str, affine: float
) -> None:
    middle = from_origin(-256 * affine, 256 * affine, affine, affine)
    path = raster(tmp_path / "a.tif", IMAGE, crs=crs, transform=middle)
    with open_scene(path) as scene:
        windows = scene.windows(Tiling(), 256)
        assert scene.footprints(windows) is None
        assert [w for w in scene.warnings if "on the Earth" in w or "not georeferenced" in w]
        scene.position(0.0, 0.0)
        assert sum(len(group) for group in scene.tiles(windows, 256)) == 4


@pytest.mark.parametrize("first", [180, 100, -190, -540, 0])
def test_longitudes_past_180_are_the_same_places(tmp_path: Path, first: float) -> None:
    path = raster(
        tmp_path / "a.tif", IMAGE, crs="EPSG:4326", transform=from_origin(first, 45, 0.2, 0.1)
    )
    with open_scene(path) as scene:
        windows = scene.windows(Tiling(), 256)
        rings = rings_of(scene, windows)
        assert np.abs(rings[..., 0]).max() <= 180
        for window, ring, box in zip(windows, rings, bounding_boxes(rings), strict=True):
            assert (box[2] - box[0]) % 360 == pytest.approx(51.2)
            longitude, latitude = ring[0] + (0.05, -0.05)
            turned = (longitude + 180) % 360 - 180
            assert scene.position(turned, latitude) == pytest.approx(
                (window.x + 0.25, window.y + 0.5), abs=0.01
            )
        assert scene.position((first + 50 + 180) % 360 - 180, 20) is not None


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("crs", ["EPSG:3857", "EPSG:32662", "EPSG:3395"])
def test_metres_past_the_edge_of_a_cylinder_are_the_same_places(
    tmp_path: Path, crs: str, side: int
) -> None:
    # Its middle is at 180 degrees: Fiji, as mosaics of the Pacific have it.
    left = side * 20_037_508 - IMAGE.shape[2] / 2 * 100
    path = raster(tmp_path / "a.tif", IMAGE, crs=crs, transform=from_origin(left, -1.8e6, 100, 100))
    columns, rows = np.array([1.5, 200, IMAGE.shape[2] - 200, IMAGE.shape[2] - 1.5]), np.full(4, 99)
    with open_scene(path) as scene:
        places = scene.lonlat(columns, rows)
        assert places is not None
        assert sorted(np.sign(places[:, 0]).tolist()) == [-1, -1, 1, 1]
        for column, (longitude, latitude) in zip(columns, places, strict=True):
            assert scene.position(longitude, latitude) == pytest.approx((column, 99), abs=0.01)


def test_a_window_around_half_the_earth_has_no_footprint(tmp_path: Path) -> None:
    globe = np.concatenate([IMAGE[:, :360], IMAGE[:, :360]], axis=2)
    path = raster(
        tmp_path / "a.tif", globe, crs="EPSG:4326", transform=from_origin(0, 90, 360 / 1024, 0.5)
    )
    with open_scene(path) as scene:
        assert scene.width == 1024
        assert whole(scene) is None
        assert scene.footprints([Window(0, 0, 500, 360)]) is not None
        assert scene.footprints([Window(0, 0, 600, 360)]) is None


@pytest.mark.parametrize(
    ("crs", "half"),
    [("EPSG:3857", 20037508.34), ("EPSG:6933", 17367530.44), ("EPSG:8857", 17243959.06)],
)
def test_a_window_around_half_the_earth_has_none_in_a_projection_either(
    tmp_path: Path, crs: str, half: float
) -> None:
    # From -180 to 180 degrees: by its corners it is as narrow as nothing, at the antimeridian.
    side = 2 * half / 512
    path = raster(
        tmp_path / "a.tif", IMAGE[:, :64], crs=crs, transform=from_origin(-half, 1e6, side, 2e4)
    )
    with open_scene(path) as scene:
        assert scene.footprints(scene.windows(Tiling(64), 64)) is not None
        assert not scene.warnings
        assert whole(scene) is None
        assert "reaches around half the Earth" in scene.warnings[0]


def test_a_window_with_a_pole_in_it_has_its_footprint(tmp_path: Path) -> None:
    path = raster(
        tmp_path / "a.tif", IMAGE, crs="EPSG:3413", transform=from_origin(-4e6, 4e6, 2e4, 2e4)
    )
    with open_scene(path) as scene:
        assert whole(scene) is not None and scene.warnings == ()
        # Past the pole, and through it.
        assert scene.footprints([Window(0, 100, 512, 90), Window(0, 180, 512, 40)]) is not None


def test_grids_whose_pixels_stand_on_the_poles_end_there(tmp_path: Path) -> None:
    path = raster(
        tmp_path / "a.tif", IMAGE[:, :361], crs="EPSG:4326",
        transform=from_origin(0, 90.25, 0.25, 0.5),
    )  # fmt: skip
    with open_scene(path) as scene:
        assert whole(scene)[:, 1].tolist() == [90, 90, -90, -90]


def test_a_transform_that_makes_a_line_of_a_scene_is_no_place(tmp_path: Path) -> None:
    path = raster(tmp_path / "a.tif", IMAGE, transform=Affine(10, 10, 5e5, 5, 5, 5e6))
    with open_scene(path) as scene:
        assert whole(scene) is None
        assert scene.position(15, 45) is None
        assert "its transform has no area" in scene.warnings[0]


def test_a_file_without_a_suffix_may_have_a_world_file(tmp_path: Path) -> None:
    assert world_file(tmp_path / "upload") is None
    (tmp_path / "upload.wld").write_text("1\n0\n0\n-1\n0\n0\n")
    assert world_file(tmp_path / "upload") == tmp_path / "upload.wld"
