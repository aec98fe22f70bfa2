"""Colours mean what the file says: depths, palettes, alpha, white as zero, turns, complex."""

import io
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
import rasterio
from PIL import Image, ImageOps
from rasterio.enums import ColorInterp

from scenehash.decode_params import DecodeParams
from scenehash.errors import InputError
from scenehash.scenes import Tiling, Window, open_scene, opening, read_image, read_scene
from scenehash.scenes.size_limits import MOST_TURNED_BYTES

from .inputs import exif, planes, png, raster, scene_like, tiff, vrt, vrt_band

COLOUR = scene_like()
GREY = COLOUR[:, :, 0]
SIXTEEN = COLOUR.astype(np.uint16) * 200


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def stretched(values: np.ndarray) -> np.ndarray:
    low, high = np.percentile(values, (2, 98))
    return np.clip(np.rint((values.astype(float) - low) * 255 / (high - low)), 0, 255)


@pytest.mark.parametrize("dtype", ["u2", "i2", "f4"])
@pytest.mark.parametrize("bands", [1, 3])
def test_a_plain_tiff_of_any_depth_has_the_pixels_of_the_file(
    tmp_path: Path, dtype: str, bands: int
) -> None:
    values = (COLOUR if bands == 3 else GREY).astype(dtype) * 100 - (0 if dtype == "u2" else 9000)
    image = read_image(written(tmp_path / "a.tif", tiff(values)))
    expected = stretched(values).reshape(256, 256, bands)
    assert np.abs(image - expected).max() <= 1


def test_a_tiff_and_a_png_of_the_same_sixteen_bits_are_the_same_pixels(tmp_path: Path) -> None:
    plain = read_image(written(tmp_path / "a.tif", tiff(SIXTEEN)))
    placed = read_image(raster(tmp_path / "b.tif", planes(SIXTEEN), photometric="RGB"))
    assert np.array_equal(plain, read_image(written(tmp_path / "a.png", png(SIXTEEN))))
    assert np.array_equal(plain, placed)


@pytest.mark.slow
def test_the_sample_for_the_stretch_is_the_same_for_every_format(tmp_path: Path) -> None:
    large = scene_like(1500, 2100).astype(np.uint16) * 200
    found = [
        read_scene(path, 256).reading["stretch"]
        for path in (
            written(tmp_path / "a.png", png(large)),
            written(tmp_path / "a.tif", tiff(large)),
        )
    ]
    assert found[0] == found[1]


@pytest.mark.parametrize("shrunk", [1, 2, 5])
def test_a_shrunk_tile_is_the_same_of_a_png_and_of_a_raster(tmp_path: Path, shrunk: int) -> None:
    image = scene_like(200 * shrunk, 200 * shrunk)
    tiles = [
        read_scene(path, 200).tiles
        for path in (
            written(tmp_path / "a.png", png(image)),
            written(tmp_path / "a.tif", tiff(image)),
            raster(tmp_path / "b.tif", planes(image), tiled=True, compress="deflate"),
        )
    ]
    assert np.array_equal(tiles[0], tiles[1])
    assert np.array_equal(tiles[0], tiles[2])


@pytest.mark.parametrize("crs", [None, "EPSG:32633"])
def test_a_palette_is_its_colours(tmp_path: Path, crs: str | None) -> None:
    numbers = np.random.default_rng(1).permutation(256).astype(np.uint8)
    colours = {int(n): (int(n), 255 - int(n), int(n) // 2, 255) for n in range(256)}
    indices = numbers[GREY]
    path = raster(tmp_path / "a.tif", indices[np.newaxis], palette=colours, crs=crs)
    expected = np.stack([indices, 255 - indices, indices // 2], axis=2)
    assert np.array_equal(read_image(path), expected)
    shrunk = read_scene(path, 64, Tiling(whole=True)).tiles[0]
    area = cv2.resize(expected, (64, 64), interpolation=cv2.INTER_AREA)
    assert np.array_equal(shrunk, area)  # colours are averaged, and not the numbers of classes


def test_a_palette_of_sixteen_bits_has_more_colours_than_256(tmp_path: Path) -> None:
    indices = np.arange(256 * 256, dtype=np.uint16).reshape(1, 256, 256) % 500
    colours = {n: (n % 256, n // 256 * 100, 7, 255) for n in range(500)}
    image = read_image(raster(tmp_path / "a.tif", indices, palette=colours))
    expected = np.stack([indices[0] % 256, indices[0] // 256 * 100, indices[0] * 0 + 7], axis=2)
    assert np.array_equal(image, expected)


def test_a_palettes_nodata_and_transparency_are_no_data(tmp_path: Path) -> None:
    indices = np.ones((1, 256, 512), np.uint8)
    indices[:, :, 256:] = 0
    colours = {0: (200, 200, 200, 255), 1: (10, 60, 160, 255)}
    path = raster(tmp_path / "a.tif", indices, palette=colours, nodata=0)
    assert (len(read_scene(path).tiles), read_scene(path).skipped) == (1, 1)
    path = raster(tmp_path / "b.tif", indices, palette=colours)
    assert (len(read_scene(path).tiles), read_scene(path).skipped) == (2, 0)


def test_an_alpha_band_beside_a_palette_is_none_of_its_colours(tmp_path: Path) -> None:
    indices = np.arange(256, dtype=np.uint8)[np.newaxis].repeat(256, 0)
    alpha = np.full((256, 256), 255, np.uint8)
    alpha[:64] = 0
    shades = [*range(256), *range(255, -1, -1), *[128] * 256]
    tags = {320: ("H", [257 * shade for shade in shades]), 338: ("H", [2])}
    path = written(tmp_path / "a.tif", tiff(np.dstack([indices, alpha]), 3, tags))
    expected = np.dstack([indices, 255 - indices, np.full((256, 256), 128)])
    expected[:64] = 0
    assert np.array_equal(read_image(path), expected)
    with open_scene(path) as scene:
        _, valid = scene.picture(Window(0, 0, 256, 256), 256)
    assert valid is not None and np.array_equal(valid, alpha > 0)


def test_bands_of_different_scales_get_a_warning(tmp_path: Path) -> None:
    path = raster(tmp_path / "a.tif", planes(scene_like()).astype(np.int16))
    for scales, is_said in (((0.1,) * 3, False), ((0.1, 0.2, 0.1), True)):
        with rasterio.open(path, "r+") as file:
            file.scales = scales
        with open_scene(path) as scene:
            assert any("different scales" in line for line in scene.warnings) == is_said


def test_bits_and_few_classes_are_told_apart(tmp_path: Path) -> None:
    classes = (GREY // 60).astype(np.uint8)
    assert classes.max() <= 4
    for path in (
        written(tmp_path / "a.png", png(classes)),
        written(tmp_path / "a.tif", tiff(classes)),
        raster(tmp_path / "b.tif", classes[np.newaxis]),
        raster(tmp_path / "c.tif", classes[np.newaxis].astype(np.uint16)),
        raster(tmp_path / "d.tif", classes[np.newaxis].astype(np.int32)),
    ):
        image = read_image(path)
        assert (image.min(), image.max()) == (0, 255), path
        assert len(np.unique(image)) == len(np.unique(classes))
    bits = raster(tmp_path / "bits.tif", (classes[np.newaxis] > 2).astype(np.uint8), nbits=1)
    assert set(np.unique(read_image(bits))) == {0, 255}
    nibbles = raster(tmp_path / "four.tif", (classes[np.newaxis] * 3), nbits=4)
    assert np.array_equal(read_image(nibbles)[:, :, 0], classes * 3 * 17)


def test_eight_bits_of_many_values_stay_as_they_are(tmp_path: Path) -> None:
    dark = (GREY // 8).astype(np.uint8)
    assert dark.max() > 15
    path = raster(tmp_path / "a.tif", dark[np.newaxis])
    assert np.array_equal(read_image(path)[:, :, 0], dark)
    mask = np.where(GREY > 100, 255, 0).astype(np.uint8)
    assert np.array_equal(read_image(written(tmp_path / "b.tif", tiff(mask)))[:, :, 0], mask)


@pytest.mark.parametrize("dtype", ["u1", "u2"])
@pytest.mark.parametrize("placed", [False, True])
def test_white_as_zero_is_turned_over(tmp_path: Path, dtype: str, placed: bool) -> None:
    values = GREY.astype(dtype) * (1 if dtype == "u1" else 100)
    if placed:
        path = raster(tmp_path / "a.tif", values[np.newaxis], photometric="MINISWHITE")
    else:
        path = written(tmp_path / "a.tif", tiff(values, photometric=0))
    usual = values if dtype == "u1" else stretched(values)
    assert np.abs(255 - usual - read_image(path)[:, :, 0].astype(float)).max() <= 1


def test_an_unassociated_fourth_band_changes_no_colours(tmp_path: Path) -> None:
    infrared = np.where(GREY > 120, GREY, 0)[:, :, np.newaxis]  # nothing over water
    four = np.concatenate([COLOUR, infrared], axis=2)
    for path in (
        written(tmp_path / "a.tif", tiff(four)),
        written(tmp_path / "a.png", png(four)),
        raster(tmp_path / "b.tif", planes(four), photometric="RGB", alpha="yes"),
        raster(tmp_path / "c.tif", planes(four)),
    ):
        scene = read_scene(path, 256)
        assert np.array_equal(scene.tiles[0], COLOUR), path
        assert "has the name alpha, but" in scene.warnings[0]


def test_a_true_alpha_band_makes_what_is_transparent_black_and_no_data(tmp_path: Path) -> None:
    wide = np.concatenate([COLOUR, COLOUR], axis=1)
    alpha = np.zeros((256, 512, 1), np.uint8)
    alpha[:, :256] = 255
    four = np.concatenate([wide, alpha], axis=2)
    for path in (
        written(tmp_path / "a.tif", tiff(four)),
        written(tmp_path / "a.png", png(four)),
        raster(tmp_path / "b.tif", planes(four), photometric="RGB", alpha="yes"),
        raster(
            tmp_path / "c.tif", planes(np.concatenate([wide, alpha // 255], axis=2)), alpha="yes"
        ),
    ):
        scene = read_scene(path, 256)
        assert (len(scene.tiles), scene.skipped) == (1, 1), path
        assert np.array_equal(scene.tiles[0], COLOUR)
        assert read_image(path)[:, 256:].max() == 0


def test_a_preset_counts_a_fourth_band_where_it_is_no_alpha(tmp_path: Path) -> None:
    params = DecodeParams("sentinel2")
    infrared = GREY[:, :, np.newaxis]
    ten_metres = planes(np.concatenate([COLOUR[:, :, ::-1], infrared], axis=2))
    with rasterio.open(raster(tmp_path / "a.tif", ten_metres)) as file:
        assert [colour.name for colour in file.colorinterp] == ["red", "green", "blue", "alpha"]
    assert np.array_equal(read_scene(tmp_path / "a.tif", 256, params=params).tiles[0], COLOUR)
    opaque = np.full_like(infrared, 255)
    opaque[:8] = 0
    picture = np.concatenate([COLOUR, opaque], axis=2)
    for path in (
        raster(tmp_path / "b.tif", planes(picture)),
        written(tmp_path / "b.png", png(picture)),
    ):
        tile = read_scene(path, 256, params=params).tiles[0]
        assert np.array_equal(tile[8:], COLOUR[8:]), path


def test_bands_that_are_not_shown_change_no_colours_whatever_their_type(tmp_path: Path) -> None:
    raster(tmp_path / "rgb.tif", planes(COLOUR))
    raster(tmp_path / "dem.tif", COLOUR[np.newaxis, :, :, 0].astype(np.float32) * 7 - 300)
    bands = [vrt_band("rgb.tif", band, band=band) for band in (1, 2, 3)]
    bands += [vrt_band("dem.tif", 4).replace("Byte", "Float32")]
    size = (COLOUR.shape[1], COLOUR.shape[0])
    (tmp_path / "a.vrt").write_text(vrt("".join(bands), size))
    assert np.array_equal(read_image(tmp_path / "a.vrt", DecodeParams("1,2,3")), COLOUR)
    both = read_image(tmp_path / "a.vrt", DecodeParams("1,2,4", stretch=(0, 255)))
    assert np.array_equal(both[:, :, :2], COLOUR[:, :, :2])
    truth = np.clip(COLOUR[:, :, 0].astype(int) * 7 - 300, 0, 255)
    assert np.array_equal(both[:, :, 2], truth)


def test_complex_numbers_are_their_amplitude(tmp_path: Path) -> None:
    phase = np.exp(1j * np.random.default_rng(0).uniform(0, 6.28, GREY.shape))
    for name, dtype, scale in (("a", np.complex64, 1.0), ("b", np.complex128, 1e12)):
        signal = (GREY * phase * scale).astype(dtype)
        path = raster(tmp_path / f"{name}.tif", signal[np.newaxis])
        assert np.abs(read_image(path)[:, :, 0] - stretched(GREY)).max() <= 1
    with rasterio.open(
        tmp_path / "c.tif", "w", driver="GTiff", width=256, height=256, count=1,
        dtype="complex_int16", crs="EPSG:32633", transform=rasterio.Affine(10, 0, 5e5, 0, -10, 5e6),
    ) as file:  # fmt: skip
        file.write((GREY.astype(float) * 100 * phase).astype(np.complex64)[np.newaxis])
    assert np.abs(read_image(tmp_path / "c.tif")[:, :, 0] - stretched(GREY)).max() <= 2


def test_values_far_beyond_float32_keep_their_differences(tmp_path: Path) -> None:
    values = GREY.astype(np.float64) + 1e12
    path = raster(tmp_path / "a.tif", values[np.newaxis])
    assert np.abs(read_image(path)[:, :, 0] - stretched(GREY)).max() <= 1


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize(("dtype", "far"), [("float32", 3e38), ("float64", 1.7e308)])
def test_values_from_end_to_end_of_a_type_print_no_warning(
    tmp_path: Path, dtype: str, far: float
) -> None:
    values = np.where(GREY > 127, far, -far).astype(dtype)
    image = read_image(raster(tmp_path / "a.tif", values[np.newaxis]))
    assert image.shape == (*GREY.shape, 3)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_image_is_turned_as_its_camera_noted(tmp_path: Path, orientation: int) -> None:
    image = scene_like(60, 90)
    note = Image.Exif()
    note[0x0112] = orientation
    truth = None
    for kind in ("PNG", "WEBP", "JPEG", "TIFF"):
        buffer = io.BytesIO()
        options = {"lossless": True} if kind == "WEBP" else {"quality": 100}
        Image.fromarray(image).save(buffer, kind, exif=note, **options)
        with Image.open(io.BytesIO(buffer.getvalue())) as opened:
            truth = np.asarray(ImageOps.exif_transpose(opened).convert("RGB"))
        path = written(tmp_path / f"a.{kind.lower()}", buffer.getvalue())
        found = read_image(path)
        assert found.shape == truth.shape, kind
        assert np.abs(found.astype(int) - truth).max() <= (2 if kind == "JPEG" else 0), kind
    ours = written(tmp_path / "b.png", png(image, exif(orientation)))
    assert truth is not None
    assert np.array_equal(read_image(ours), truth)


def test_a_turned_tiff_is_turned_unless_it_is_georeferenced(tmp_path: Path) -> None:
    turned: dict[int, tuple[str, Sequence[float]]] = {274: ("H", [6])}
    # ModelPixelScale, ModelTiepoint, GeoKeyDirectory: UTM 33 N.
    placed: dict[int, tuple[str, Sequence[float]]] = {
        33550: ("d", [10.0, 10.0, 0.0]),
        33922: ("d", [0.0, 0.0, 0.0, 500_000.0, 5_000_000.0, 0.0]),
        34735: ("H", [1, 1, 0, 3, 1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, 32633]),
    }
    plain = read_image(written(tmp_path / "a.tif", tiff(COLOUR[:100], tags=turned)))
    assert np.array_equal(plain, np.rot90(COLOUR[:100], -1))
    path = written(tmp_path / "b.tif", tiff(COLOUR[:100], tags=turned | placed))
    assert np.array_equal(read_image(path), COLOUR[:100])
    with open_scene(path) as scene:
        assert scene.position(15.0, 45.15) is not None


@pytest.mark.parametrize("length", range(0, 26))
def test_exif_that_is_cut_or_wrong_is_no_exif(tmp_path: Path, length: int) -> None:
    image = scene_like(20, 30)
    for note in (exif(6)[:length], exif(99), b"\xff" * length):
        path = written(tmp_path / "a.png", png(image, note))
        assert read_image(path).shape in ((20, 30, 3), (30, 20, 3))


def test_bands_of_a_plain_picture_are_honoured_or_refused(tmp_path: Path) -> None:
    for path in (
        written(tmp_path / "a.png", png(COLOUR)),
        written(tmp_path / "a.tif", tiff(COLOUR)),
        written(tmp_path / "a.jpg", cv2.imencode(".jpg", COLOUR[:, :, ::-1])[1].tobytes()),
    ):
        usual, turned = read_image(path), read_image(path, DecodeParams("3,2,1"))
        assert np.array_equal(turned, usual[:, :, ::-1])
        assert np.array_equal(read_image(path, DecodeParams("blue,green,red")), turned)
        grey = read_image(path, DecodeParams("2"))
        assert np.array_equal(grey, np.repeat(usual[:, :, 1:2], 3, axis=2))
        for wanted in ("9,9,9", "4", "nir,red,green"):
            with pytest.raises(InputError, match="is not one of its bands"):
                read_image(path, DecodeParams(wanted))


def test_nodata_and_stretch_may_be_given(tmp_path: Path) -> None:
    path = written(tmp_path / "a.tif", tiff(SIXTEEN))
    image = read_image(path, DecodeParams(stretch=(0, 65535)))
    assert np.array_equal(image, np.rint(SIXTEEN.astype(np.float32) * np.float32(255 / 65535)))
    wide = np.concatenate([COLOUR, np.full_like(COLOUR, 9)], axis=1)
    path = written(tmp_path / "b.tif", tiff(wide))
    assert read_scene(path).skipped == 0
    assert read_scene(path, params=DecodeParams(nodata=9)).skipped == 1


def test_inks_are_converted_by_gdal_or_refused_by_what_they_are(tmp_path: Path) -> None:
    four = np.concatenate([COLOUR, COLOUR[:, :, :1]], axis=2)
    inks = [ColorInterp.cyan, ColorInterp.magenta, ColorInterp.yellow, ColorInterp.black]
    path = raster(tmp_path / "a.tif", planes(four), colours=inks, photometric="CMYK")
    light = (255 - four[:, :, :3].astype(np.float64)) * (255 - four[:, :, 3:]) / 255
    assert np.abs(read_image(path) - light).max() <= 1
    deep = planes(four).astype(np.uint16) * 257
    path = raster(tmp_path / "b.tif", deep, colours=inks, photometric="CMYK")
    with pytest.raises(InputError, match="its bands are inks"):
        read_image(path)


@pytest.mark.parametrize("photometric", [4, 8, 9, 10, 32803, 32844, 32845])
def test_values_that_are_no_colours_are_refused_by_what_they_are(
    tmp_path: Path, photometric: int
) -> None:
    # GDAL gives L*a*b* as it is stored, and calls it red, green and blue.
    path = tmp_path / "a.tif"
    pixels = COLOUR[:, :, 0] if photometric in (4, 32803, 32844) else COLOUR
    path.write_bytes(tiff(np.ascontiguousarray(pixels), photometric))
    with pytest.raises(InputError, match=r"convert it to red, green and blue"):
        read_image(path)
    beside = tmp_path / "a.vrt"
    beside.write_text(vrt(vrt_band("a.tif")))
    with pytest.raises(InputError, match=r"convert it to red, green and blue"):
        read_image(beside)


@pytest.mark.parametrize(
    ("space", "said"),
    [(16, None), (17, None), (12, "CMYK"), (14, "CIE L"), (18, "its colours are sYCC")],
)
def test_a_jpeg_2000_of_other_colours_is_refused_by_what_they_are(
    tmp_path: Path, space: int, said: str | None
) -> None:
    # GDAL gives sYCC as it is stored, and calls it red, green and blue.
    path = tmp_path / "a.jp2"
    Image.fromarray(COLOUR).save(path, irreversible=False)
    data = path.read_bytes()
    at = data.index(b"colr") + 4
    assert data[at : at + 7] == b"\1\0\0" + (16).to_bytes(4, "big")
    path.write_bytes(data[: at + 3] + space.to_bytes(4, "big") + data[at + 7 :])
    # A box of anything may lie before the header.
    front = data.index(b"jp2h") - 4
    note = (200_000).to_bytes(4, "big") + b"uuid" + bytes(199_992)
    far = written(tmp_path / "b.jp2", path.read_bytes()[:front] + note + path.read_bytes()[front:])
    for one in (path, far):
        if said is None:
            assert np.array_equal(read_image(one), COLOUR)
            continue
        with pytest.raises(InputError, match=said):
            read_image(one)


def test_more_images_in_one_file_are_told_of(tmp_path: Path) -> None:
    pages = [Image.fromarray(scene_like(40, 40, seed)) for seed in range(3)]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    scene = read_scene(tmp_path / "a.tif", 40)
    assert scene.warnings == ("it holds 3 images; only the first is read",)
    assert np.array_equal(scene.tiles[0], np.asarray(pages[0]))


@pytest.mark.parametrize("mark", [(254, 1), (254, 3), (255, 2)])
@pytest.mark.parametrize("big", [False, True])
def test_a_thumbnail_before_its_image_is_refused_and_alone_is_an_image(
    tmp_path: Path, mark: tuple[int, int], big: bool
) -> None:
    page, note = Image.fromarray(scene_like(40, 40)), dict([mark])
    page.save(tmp_path / "a.tif", tiffinfo=note, big_tiff=big)
    assert np.array_equal(read_image(tmp_path / "a.tif"), np.asarray(page))
    page.save(tmp_path / "b.tif", tiffinfo=note, big_tiff=big, save_all=True, append_images=[page])
    with pytest.raises(InputError, match="is only a thumbnail of another image"):
        read_image(tmp_path / "b.tif")


def test_a_thumbnail_whose_image_is_below_it_is_refused(tmp_path: Path) -> None:
    # As in a camera's raw file; the tags are NewSubfileType and SubIFDs.
    pixels = scene_like(40, 40)
    path = written(tmp_path / "a.tif", tiff(pixels, tags={254: ("I", [1]), 330: ("I", [8])}))
    with pytest.raises(InputError, match="thumbnail"):
        read_image(path)


@pytest.mark.parametrize("is_held", [True, False])
@pytest.mark.parametrize("orientation", range(2, 9))
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_windows_of_a_turned_image_are_those_of_the_upright_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, orientation: int, is_held: bool
) -> None:
    monkeypatch.setattr(opening, "MOST_TURNED_BYTES", MOST_TURNED_BYTES if is_held else 0)
    image = scene_like(300, 520, orientation)
    data = png(image, exif(orientation))
    if suffix == ".tif":
        data = tiff(image, tags={274: ("H", [orientation])})
    path = tmp_path / f"a{suffix}"
    path.write_bytes(data)
    marked = Image.fromarray(image)
    marked.getexif()[274] = orientation
    upright = np.asarray(ImageOps.exif_transpose(marked))
    with open_scene(path) as scene:
        assert (scene.height, scene.width) == upright.shape[:2]
        for window in [*scene.windows(Tiling(), 128), Window(7, 11, 201, 123)]:
            assert np.array_equal(scene.picture(window, 999)[0], window.cut(upright))
