"""What holds data, and what the stretch is made of: what nothing speaks against is data."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio

from scenehash.decode_params import DecodeParams
from scenehash.scenes import SceneTiles, open_scene, read_image, read_scene, reopen_scene

from .inputs import planes, raster, scene_like, vrt, vrt_band

COLOUR = np.concatenate([scene_like(), scene_like(seed=1)], axis=1)
GREY = COLOUR[:, :, 0]


def counts(scene: SceneTiles) -> tuple[int, int]:
    return len(scene.tiles), scene.skipped


def percentiles(values: np.ndarray) -> Any:
    low, high = np.percentile(values.astype(float), (2, 98))
    return [pytest.approx(low, abs=1e-3), pytest.approx(high, abs=1e-3)]


@pytest.mark.parametrize(
    "values",
    [
        -25 + GREY / np.float32(12),  # decibels
        GREY.astype(np.int16) - 120,  # heights, half of them below the sea
        (GREY.astype(np.int16) - 128).astype(np.int8),
        GREY.astype(np.float32) / -255,
        np.where(GREY > 100, GREY, 0).astype(np.uint16),
        np.where(GREY > 100, GREY, 0).astype(np.int32),
    ],
    ids=["decibels", "heights", "int8", "negative", "uint16 with zeros", "int32 with zeros"],
)
def test_values_at_or_under_zero_are_data_where_nothing_says_otherwise(
    tmp_path: Path, values: np.ndarray
) -> None:
    scene = read_scene(raster(tmp_path / "a.tif", values[np.newaxis]))
    assert counts(scene) == (2, 0)
    assert scene.reading["stretch"] == percentiles(values)
    assert "valid_by" not in scene.reading


@pytest.mark.parametrize("nodata", [None, -9999, float("nan"), 0])
@pytest.mark.parametrize("missing", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_never_data(
    tmp_path: Path, nodata: float | None, missing: float
) -> None:
    values = GREY.astype(np.float32) + 1
    values[:, 256:] = missing
    scene = read_scene(raster(tmp_path / "a.tif", values[np.newaxis], nodata=nodata))
    assert counts(scene) == (1, 1)
    assert scene.reading["stretch"] == percentiles(values[:, :256])


@pytest.mark.parametrize("nodata", [None, -3.40282e38, -9999.0])
@pytest.mark.parametrize(
    ("dtype", "fill"),
    [
        ("float32", -3.4028234663852886e38),
        ("float32", 3.4028234663852886e38),
        ("float32", -3.40282e38),
        ("float64", -3.4028234663852886e38),
        ("float64", -1.7976931348623157e308),
    ],
)
def test_what_programs_fill_floats_with_is_never_data(
    tmp_path: Path, dtype: str, fill: float, nodata: float | None
) -> None:
    values = GREY.astype(dtype) + 1
    values[:, 256:] = fill
    scene = read_scene(raster(tmp_path / "a.tif", values[np.newaxis], nodata=nodata))
    assert counts(scene) == (1, 1)
    assert scene.reading["stretch"] == percentiles(values[:, :256])


@pytest.mark.parametrize("band", [0, 1, 2])
@pytest.mark.parametrize("nodata", [-9999.0, -3.4028234663852886e38, 65535.0])
def test_the_nodata_of_every_band_counts_and_stays_out_of_the_stretch(
    tmp_path: Path, band: int, nodata: float
) -> None:
    values = planes(COLOUR).astype(np.float32)
    values[band, :, 256:] = nodata
    scene = read_scene(raster(tmp_path / "a.tif", values, nodata=nodata), params=ALL)
    assert counts(scene) == (1, 1)
    assert scene.reading["stretch"] == percentiles(values[:, :, :256])
    # Half of the pixels of each tile lack one band: they are black in all three.
    values = planes(COLOUR).astype(np.float32)
    values[band, ::2] = nodata
    scene = read_scene(raster(tmp_path / "b.tif", values, nodata=nodata), params=ALL)
    assert counts(scene) == (2, 0)
    assert scene.tiles[0][::2].max() == 0
    assert scene.tiles[0][1::2].min(axis=2).max() > 0


ALL = DecodeParams("1,2,3")


def test_zero_in_one_band_is_a_dark_colour_and_in_all_bands_nodata(tmp_path: Path) -> None:
    values = planes(COLOUR).copy()
    values[0] = 0
    values[:, :, 256:] = 0
    for dtype in (np.uint8, np.uint16):
        path = raster(tmp_path / "a.tif", values.astype(dtype), nodata=0)
        assert counts(read_scene(path, params=ALL)) == (1, 1)
    white = planes(COLOUR).copy()
    white[1] = 255
    assert counts(read_scene(raster(tmp_path / "b.tif", white, nodata=255))) == (2, 0)


def test_nodata_that_the_type_cannot_hold_marks_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.vrt"
    raster(tmp_path / "a.tif", GREY[np.newaxis])
    for value in ("-9999", "300", "1e40", "12.5", "nan"):
        band = vrt_band("a.tif").replace(
            "<SimpleSource>", f"<NoDataValue>{value}</NoDataValue><SimpleSource>"
        )
        path.write_text(vrt(band, (512, 256)))
        assert counts(read_scene(path)) == (2, 0), value


@pytest.mark.parametrize(
    ("dtype", "value"),
    [("int64", -(2**63)), ("int64", -9999), ("int64", 2**60 + 1), ("uint64", 2**64 - 1)],
)
def test_nodata_of_64_bits_counts_though_no_float_holds_it(
    tmp_path: Path, dtype: str, value: int
) -> None:
    values = (GREY.astype(dtype) * 100)[np.newaxis]
    values[:, :, 256:] = value
    raster(tmp_path / "a.tif", values)
    band = vrt_band("a.tif").replace("Byte", dtype.replace("u", "U").replace("int", "Int"))
    path = tmp_path / "a.vrt"
    nodata = f"<NoDataValue>{value}</NoDataValue><SimpleSource>"
    path.write_text(vrt(band.replace("<SimpleSource>", nodata), (512, 256)))
    scene = read_scene(path)
    assert counts(scene) == (1, 1)
    assert max(np.asarray(scene.reading["stretch"], np.float64)) < 30_000


def test_a_vrts_bands_each_have_a_nodata_of_their_own(tmp_path: Path) -> None:
    values = planes(COLOUR).astype(np.int16)
    values[1, :, 256:] = -5
    for number in range(3):
        raster(tmp_path / f"{number}.tif", values[number : number + 1])
    bands = "".join(
        vrt_band(f"{number}.tif", number + 1)
        .replace("Byte", "Int16")
        .replace("<SimpleSource>", f"<NoDataValue>{-4 - number}</NoDataValue><SimpleSource>")
        for number in range(3)
    )
    (tmp_path / "a.vrt").write_text(vrt(bands, (512, 256)))
    scene = read_scene(tmp_path / "a.vrt", params=ALL)
    assert counts(scene) == (1, 1)
    assert scene.reading["nodata"] == [-4, -5, -6]


def test_a_mask_beside_and_a_mask_inside_count(tmp_path: Path) -> None:
    mask = np.zeros(GREY.shape, bool)
    mask[:, :256] = True
    for inside in (True, False):
        path = raster(tmp_path / f"{inside}.tif", planes(COLOUR), photometric="RGB")
        with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=inside), rasterio.open(path, "r+") as file:
            file.write_mask(mask)
        scene = read_scene(path)
        assert counts(scene) == (1, 1)
        assert scene.reading["valid_by"] == ["mask"]
        assert read_image(path)[:, 256:].max() == 0


@pytest.mark.parametrize("kind", ["beside", "vrt", "of one band", "of another band"])
def test_masks_of_single_bands_count_where_the_band_is_shown(tmp_path: Path, kind: str) -> None:
    mask = np.full(GREY.shape, 255, np.uint8)
    mask[:, 256:] = 0
    path = raster(tmp_path / "a.tif", np.concatenate([planes(COLOUR), GREY[np.newaxis]]))
    if kind == "beside":
        own = {f"INTERNAL_MASK_FLAGS_{band}": "0" for band in range(1, 5)}
        with rasterio.open(raster(tmp_path / "a.tif.msk", np.stack([mask] * 4)), "r+") as file:
            file.update_tags(**own)
    else:
        raster(tmp_path / "m.tif", mask[np.newaxis])
        own_mask = f"<MaskBand>{vrt_band('m.tif')}</MaskBand></VRTRasterBand>"
        masked = {"vrt": (1, 2, 3), "of one band": (2,), "of another band": (4,)}[kind]
        bands = [vrt_band("a.tif", band, band=band) for band in range(1, 5)]
        for band in masked:
            bands[band - 1] = bands[band - 1].removesuffix("</VRTRasterBand>") + own_mask
        path = tmp_path / "a.vrt"
        path.write_text(vrt("".join(bands), (512, 256)))
    scene = read_scene(path, params=DecodeParams("1,2,3"))
    assert counts(scene) == ((2, 0) if kind == "of another band" else (1, 1))


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_black_margins_are_looked_for_in_georeferenced_colour_alone(
    tmp_path: Path, dtype: str
) -> None:
    values = planes(COLOUR).astype(dtype)
    values[:, :, 256:] = 0
    assert counts(read_scene(raster(tmp_path / "a.tif", values), params=ALL)) == (1, 1)
    plain = raster(tmp_path / "b.tif", values, crs=None, transform=None)
    assert counts(read_scene(plain, params=ALL)) == (2, 0)
    assert counts(read_scene(raster(tmp_path / "c.tif", values[:1]))) == (2, 0)
    assert counts(read_scene(tmp_path / "a.tif", params=DecodeParams("1,2,3", nodata=7))) == (2, 0)


def test_a_scene_without_any_data_has_no_tiles(tmp_path: Path) -> None:
    for nodata, value in ((-9999, -9999), (None, np.nan)):
        values = np.full((1, 256, 512), value, np.float32)
        path = raster(tmp_path / "a.tif", values, nodata=nodata)
        assert counts(read_scene(path)) == (0, 2)


def test_a_scene_is_read_again_as_it_was_read(tmp_path: Path) -> None:
    values = planes(COLOUR).astype(np.float32) - 90
    values[:, :, 256:] = -9999
    path = raster(tmp_path / "a.tif", values, nodata=-9999)
    asked = [
        DecodeParams("1,2,3"),
        DecodeParams("3,2,1", nodata=-60.0),
        DecodeParams("2", stretch=(-50, 20)),
    ]
    for params in asked:
        with open_scene(path, params) as scene:
            reading, before = {**scene.reading, **scene.origin}, scene.overview(512)
            content = scene.content
        with reopen_scene(path, reading) as scene:
            assert np.array_equal(scene.overview(512), before)
            assert scene.content == content
            assert {**scene.reading, **scene.origin} == reading


def test_the_readings_of_older_stores_are_understood(tmp_path: Path) -> None:
    path = raster(tmp_path / "a.tif", planes(COLOUR).astype(np.uint16) * 100, nodata=0)
    older = {"bands": [3, 2, 1], "names": [None] * 3, "stretch": [100.0, 20_000.0]}
    with reopen_scene(path, older | {"valid by": "nodata 0", "skipped": 3}) as scene:
        assert scene.reading["bands"] == [3, 2, 1]
        assert scene.reading["stretch"] == [100.0, 20_000.0]
        assert scene.reading["valid_by"] == ["nodata"]
    with reopen_scene(path, {}) as scene:
        assert scene.reading["bands"] == [1, 2, 3]


@pytest.mark.parametrize("scale", [1e-40, 1e-320, 1e300])
def test_values_close_to_nothing_and_far_from_it_are_spread_alike(
    tmp_path: Path, scale: float
) -> None:
    dtype = np.float32 if scale == 1e-40 else np.float64
    plain = raster(tmp_path / "a.tif", np.linspace(0, 1, 65536, dtype=dtype).reshape(1, 256, 256))
    with np.errstate(under="ignore"):
        values = np.linspace(0, scale, 65536).reshape(1, 256, 256)
    other = raster(tmp_path / "b.tif", values.astype(dtype))
    apart = np.abs(read_image(plain).astype(int) - read_image(other))
    assert apart.max() <= 1
