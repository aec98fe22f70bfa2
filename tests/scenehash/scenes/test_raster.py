"""Georeferenced rasters: made ones for each difficulty, and the nine real ones."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import rasterio
from rasterio.enums import ColorInterp
from rasterio.transform import Affine, from_origin
from rasterio.warp import transform

from scenehash.decode_params import DecodeParams
from scenehash.errors import InputError
from scenehash.geo import bounding_boxes
from scenehash.scenes import Tiling, Window, open_scene

UTM = "EPSG:32633"


def speckled(bands: int, height: int, width: int, dtype: str = "uint8") -> np.ndarray:
    values = np.random.default_rng(0).integers(20, 250, (bands, height, width))
    return values.astype(dtype)


def write(
    path: Path,
    pixels: np.ndarray,
    crs: str | None = UTM,
    affine: Affine | None = None,
    colours: list[ColorInterp] | None = None,
    **profile: object,
) -> Path:
    bands, height, width = pixels.shape
    affine = affine or from_origin(500_000, 5_000_000, 10, 10)
    with rasterio.open(
        path, "w", driver="GTiff", count=bands, height=height, width=width, dtype=pixels.dtype,
        crs=crs, transform=affine, **profile,
    ) as file:  # fmt: skip
        file.write(pixels)
        if colours:
            file.colorinterp = colours
    return path


def tiles_of(path: Path, tile_size: int = 256, tiling: Tiling | None = None, bands: str = "1,2,3"):
    tiling = tiling or Tiling()
    with open_scene(path, DecodeParams(bands)) as scene:
        windows = scene.windows(tiling, tile_size)
        groups = scene.tiles(windows, tile_size, tiling.min_valid)
        return [tile for group in groups for tile in group]


def test_tiles_are_the_pixels_of_the_file(tmp_path: Path) -> None:
    pixels = speckled(3, 700, 1100)
    tiles = tiles_of(write(tmp_path / "a.tif", pixels, tiled=True, compress="deflate"))
    assert len(tiles) == 3 * 5
    for window, image in tiles:
        assert image is not None
        assert np.array_equal(image, window.cut(np.moveaxis(pixels, 0, 2)))


@pytest.mark.parametrize("dtype", ["uint16", "int16", "float32"])
def test_other_types_are_stretched_the_same_for_a_whole_scene(tmp_path: Path, dtype: str) -> None:
    ramp = np.linspace(1000, 9000, 1024).astype(dtype)
    pixels = np.broadcast_to(ramp, (3, 512, 1024))
    path = write(tmp_path / "a.tif", pixels)
    low, high = np.percentile(ramp, (2, 98))
    with open_scene(path) as scene:
        assert scene.reading["stretch"] == pytest.approx((low, high), rel=0.01)
    tiles = tiles_of(path)
    by_place = {(window.x, window.y): image for window, image in tiles}
    joined = np.concatenate([by_place[x, 0] for x in (0, 256, 512, 768)], axis=1)[0, :, 0]
    expected = np.clip((ramp.astype(float) - low) / (high - low) * 255, 0, 255)
    assert np.abs(joined - expected).max() <= 2
    assert np.array_equal(by_place[0, 0], by_place[0, 256])


@pytest.mark.parametrize("how", ["nodata", "alpha", "mask", "black", "nan"])
def test_tiles_without_enough_data_are_skipped(tmp_path: Path, how: str) -> None:
    pixels = speckled(3, 512, 1024, "float32" if how == "nan" else "uint8")
    missing = np.zeros((512, 1024), np.bool_)
    missing[:, :700] = True
    pixels[:, missing] = {"nodata": 255, "black": 2, "nan": np.nan}.get(how, 0)
    profile: dict[str, Any] = {}
    colours = None
    if how in ("nodata", "nan"):
        profile["nodata"] = 255 if how == "nodata" else np.nan
    if how == "alpha":
        pixels = np.concatenate([pixels, np.where(missing, 0, 255)[None].astype(np.uint8)])
        colours = [ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha]
    path = write(tmp_path / "a.tif", pixels, colours=colours, **profile)
    if how == "mask":
        with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "r+") as file:
            file.write_mask(~missing)
    kept = {(window.x, window.y) for window, image in tiles_of(path) if image is not None}
    assert kept == {(768, 0), (768, 256)}
    every = Tiling(min_valid=0)
    assert all(image is not None for _, image in tiles_of(path, tiling=every))
    strict = tiles_of(path, tiling=Tiling(min_valid=0.2))
    assert sum(image is not None for _, image in strict) == 4


@pytest.mark.parametrize(
    ("crs", "affine"),
    [
        (UTM, from_origin(500_000, 5_000_000, 10, 10)),
        ("EPSG:32733", from_origin(500_000, 8_000_000, 10, 10)),
        (UTM, Affine(8.66, 5.0, 500_000, 5.0, -8.66, 5_000_000)),
        ("EPSG:4326", from_origin(8.0, 47.0, 0.001, 0.001)),
        ("EPSG:32601", from_origin(250_000, 5_000_000, 30, 30)),
        ("EPSG:3413", from_origin(-5_000, 5_000, 10, 10)),
    ],
)
def test_footprints_are_where_the_corners_are(tmp_path: Path, crs: str, affine: Affine) -> None:
    path = write(tmp_path / "a.tif", speckled(3, 600, 900), crs, affine)
    with open_scene(path) as scene:
        windows = scene.windows(Tiling(), 256)
        footprints = scene.footprints(windows)
        assert footprints is not None
        for window, ring in zip(windows, footprints, strict=True):
            right, below = window.x + window.width, window.y + window.height
            corners = [(window.x, window.y), (right, window.y), (right, below), (window.x, below)]
            points = [affine @ corner for corner in corners]
            expected = np.array(transform(crs, "EPSG:4326", *zip(*points, strict=True))).T
            assert np.allclose(ring, expected, atol=1e-9)
            middle = affine @ (window.x + 40, window.y + 50)
            (longitude,), (latitude,) = transform(crs, "EPSG:4326", [middle[0]], [middle[1]])
            place = scene.position(longitude, latitude)
            assert place == pytest.approx((window.x + 40, window.y + 50), abs=0.1)
    boxes = bounding_boxes(footprints)
    if crs == "EPSG:32601":
        assert (boxes[:, 0] > boxes[:, 2]).any()  # some tiles cross the antimeridian
        width = (boxes[:, 2] - boxes[:, 0]) % 360
        assert width.max() < 1
    if crs == "EPSG:3413":
        assert boxes[:, 3].max() == 90  # one tile lies around the pole


def test_tiles_in_metres_come_from_overviews(tmp_path: Path) -> None:
    pixels = np.repeat(np.repeat(speckled(3, 64, 64), 32, axis=1), 32, axis=2)
    path = write(tmp_path / "a.tif", pixels, tiled=True, blockxsize=256, blockysize=256)
    with rasterio.open(path, "r+") as file:
        file.build_overviews([2, 4], rasterio.enums.Resampling.average)
    with open_scene(path) as scene:
        assert scene.pixel_size == pytest.approx((10, 10))
        windows = scene.windows(Tiling(metres=10_240), 256)
        assert windows[1] == Window(1024, 0, 1024, 1024)
    for window, image in tiles_of(path, tiling=Tiling(metres=10_240)):
        assert image is not None
        assert image.shape == (256, 256, 3)
        blocks = image.reshape(32, 8, 32, 8, 3).mean(axis=(1, 3))
        truth = window.cut(np.moveaxis(pixels, 0, 2))[::32, ::32]
        assert np.abs(blocks - truth).max() <= 1.5


def test_the_ground_size_needs_a_place(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    cv2.imwrite(str(path), speckled(3, 300, 300).transpose(1, 2, 0))
    with open_scene(path) as scene, pytest.raises(InputError, match="give the tile size in pixels"):
        scene.windows(Tiling(metres=100), 256)
    with open_scene(path) as scene:
        assert scene.footprints([Window(0, 0, 9, 9)]) is None
        assert scene.position(0, 0) is None


def test_a_damaged_raster_is_an_error_in_one_line(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", speckled(3, 600, 600), compress="deflate", tiled=True)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError) as error:
        tiles_of(path)
    assert "\n" not in str(error.value)
    path.write_bytes(b"")
    with pytest.raises(InputError, match="0 bytes"):
        open_scene(path)


def test_a_block_too_large_to_read_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from scenehash.scenes import raster

    path = write(tmp_path / "a.tif", speckled(3, 600, 600), blockysize=600)
    assert len(tiles_of(path)) == 9
    monkeypatch.setattr(raster, "MAX_BLOCK_BYTES", 600)
    with pytest.raises(InputError, match="gdal_translate -of COG"):
        open_scene(path)


def test_a_large_raster_in_strips_gets_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from scenehash.scenes import raster, stretch

    monkeypatch.setattr(raster, "LARGE_PIXELS", 1000)
    monkeypatch.setattr(stretch, "LARGE_PIXELS", 1000)
    pixels = speckled(3, 300, 300, "uint16")
    with open_scene(write(tmp_path / "strips.tif", pixels, blockysize=1)) as scene:
        assert [warning for warning in scene.warnings if "strips" in warning]
        assert scene.reading["stretch"] == pytest.approx((24, 245), abs=3)
    with open_scene(write(tmp_path / "tiled.tif", pixels, tiled=True)) as scene:
        assert not [warning for warning in scene.warnings if "strips" in warning]


def test_without_rasterio_a_tiff_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    path = tmp_path / "plain.tif"
    cv2.imwrite(str(path), speckled(3, 300, 300).transpose(1, 2, 0))
    monkeypatch.setitem(sys.modules, "scenehash.scenes.raster", None)
    for raster in (path, write(tmp_path / "geo.tif", speckled(3, 300, 300))):
        with pytest.raises(InputError, match=r"a TIFF file needs .* its extra geo"):
            open_scene(raster)


# Tiles of 256 pixels made and skipped, the band numbers, and the year where it is known.
REAL = {
    "deepforest_oam_urban_2048_rgb8_0.1m": (52, 12, None),
    "landsat8_6band_uint16_30m": (9, 0, None),
    "landsat8_LC81070352015122LGN00_rgb_uint16_150m_nodata0": (29, 20, "2015-05-02"),
    "landsat_rgb_uint16_300m_nodata0_mosaic_cog1": (12, 4, None),
    "naip_4band_rgbn8_5m_20140720": (12, 0, "2014-07-20"),
    "pix4d_drone_rgba8_0.35m_alpha": (9, 0, None),
    "rasterio_RGB.byte": (10, 2, None),
    "sentinel2_tci_rgb8_100m_nodata0": (20, 5, None),
}


@pytest.mark.parametrize("name", REAL)
def test_real_rasters(data_root: Path, name: str) -> None:
    made, skipped, day = REAL[name]
    path = data_root / "scenes" / f"{name}.tif"
    with open_scene(path) as scene, rasterio.open(path) as file:
        windows = scene.windows(Tiling(), 256)
        tiles = [tile for group in scene.tiles(windows, 256, 0.5) for tile in group]
        images = [tile.image for tile in tiles if tile.image is not None]
        assert (len(images), len(tiles) - len(images)) == (made, skipped)
        assert {image.shape for image in images} == {(256, 256, 3)}
        # Neither black nor white: the stretch has found the scene's range.
        assert 30 < np.mean([image.mean() for image in images]) < 220
        assert (scene.time and scene.time.date().isoformat()) == day
        whole = scene.footprints([Window(0, 0, scene.width, scene.height)])
        assert whole is not None
        corners = [(0, 0), (scene.width, 0), (scene.width, scene.height), (0, scene.height)]
        points = [file.transform @ corner for corner in corners]
        for (longitude, latitude), point in zip(whole[0], points, strict=True):
            (x,), (y,) = transform("EPSG:4326", file.crs, [longitude], [latitude])
            assert abs(x - point[0]) < file.res[0]
            assert abs(y - point[1]) < file.res[1]


def test_a_real_raster_without_visible_light_names_its_bands(data_root: Path) -> None:
    path = data_root / "scenes" / "sentinel2_6band_uint16_20m.tif"
    with pytest.raises(InputError, match=r"4 B8A, .*--bands"):
        open_scene(path)
    with open_scene(path, DecodeParams("B11,B8A,B05")) as scene:
        assert scene.reading["names"] == ["B11", "B8A", "B05"]
