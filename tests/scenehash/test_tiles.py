from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenehash.errors import InputError
from scenehash.scenes import image_of, read_image
from scenehash.tiles import to_tile


def gradient(height: int, width: int) -> np.ndarray:
    red, green = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    return np.stack([red, green, 255 - red], axis=2).astype(np.uint8)


def speckled(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def encoded(suffix: str, image: np.ndarray) -> bytes:
    return cv2.imencode(suffix, image)[1].tobytes()


@given(st.integers(1, 700), st.integers(1, 700), st.sampled_from([32, 64, 256]))
def test_any_size_becomes_one_square_tile(height: int, width: int, size: int) -> None:
    tile = to_tile(gradient(height, width), size)
    assert tile.shape == (size, size, 3)
    assert tile.dtype == np.uint8
    assert tile.flags.c_contiguous or min(height, width) == size, "only a view is not"


def test_a_tile_of_the_right_size_is_left_as_it_is() -> None:
    image = gradient(256, 256)
    assert np.array_equal(to_tile(image, 256), image)


def test_the_centre_is_kept() -> None:
    image = np.zeros((100, 300, 3), np.uint8)
    image[:, 100:200] = 255
    assert to_tile(image, 50).min() == 255


def test_bands_come_in_the_order_red_green_blue(tmp_path: Path) -> None:
    path = tmp_path / "red.png"
    cv2.imwrite(str(path), np.full((8, 8, 3), (0, 0, 255), np.uint8))
    assert read_image(path)[0, 0].tolist() == [255, 0, 0]


def test_greyscale_alpha_and_sixteen_bits_are_read() -> None:
    grey = gradient(40, 40)[:, :, 0]
    assert image_of(encoded(".png", grey)).shape == (40, 40, 3)
    with_alpha = np.dstack([gradient(40, 40), grey])
    assert np.array_equal(image_of(encoded(".png", with_alpha)), gradient(40, 40)[:, :, ::-1])
    twelve_bits = gradient(40, 40).astype(np.uint16) * 16
    stretched = image_of(encoded(".png", twelve_bits))
    assert stretched.min() == 0
    assert stretched.max() == 255


def test_a_flat_sixteen_bit_image_is_no_division_by_zero() -> None:
    assert image_of(encoded(".png", np.full((4, 4, 3), 1000, np.uint16))).max() == 0


def test_one_pixel_is_an_image() -> None:
    image = image_of(encoded(".png", np.full((1, 1, 3), 7, np.uint8)))
    assert to_tile(image, 64).tolist() == np.full((64, 64, 3), 7).tolist()


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
@pytest.mark.parametrize("kept", [0.3, 0.6, 0.95])
def test_a_truncated_file_is_refused_and_not_filled_with_grey(suffix: str, kept: float) -> None:
    data = encoded(suffix, gradient(200, 200))
    with pytest.raises(InputError, match="truncated"):
        image_of(data[: int(len(data) * kept)])


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
@given(place=st.floats(0.3, 0.9))
def test_a_file_with_a_hole_in_it_is_refused(suffix: str, place: float) -> None:
    data = bytearray(encoded(suffix, speckled(200, 200)))
    at = int(len(data) * place)
    data[at : at + 300] = bytes(300)
    with pytest.raises(InputError, match="damaged"):
        image_of(bytes(data))


def test_whole_jpegs_of_every_kind_are_read() -> None:
    image = speckled(40, 48)
    kinds = [[], [cv2.IMWRITE_JPEG_PROGRESSIVE, 1], [cv2.IMWRITE_JPEG_RST_INTERVAL, 2]]
    for kind in kinds:
        data = cv2.imencode(".jpg", image, kind)[1].tobytes()
        assert image_of(data).shape == (40, 48, 3)
        assert image_of(data + b"camera notes").shape == (40, 48, 3)
    assert image_of(encoded(".jpg", image[:, :, 0])).shape == (40, 48, 3)
    assert image_of(encoded(".jpg", image[:1, :1])).shape == (1, 1, 3)


def test_a_truncated_jpeg_with_a_thumbnail_inside_is_refused() -> None:
    thumbnail = encoded(".jpg", gradient(16, 16))
    segment = b"\xff\xe1" + (len(thumbnail) + 2).to_bytes(2) + thumbnail
    data = encoded(".jpg", gradient(200, 200))
    whole = data[:2] + segment + data[2:]
    assert image_of(whole).shape == (200, 200, 3)
    with pytest.raises(InputError, match="truncated"):
        image_of(whole[: len(whole) * 2 // 3])


def test_what_is_no_image_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="0 bytes"):
        image_of(b"")
    with pytest.raises(InputError, match="by its first bytes"):
        image_of(b"these are words")
    with pytest.raises(InputError, match=r"gone\.jpg: cannot be read"):
        read_image(tmp_path / "gone.jpg")
    with pytest.raises(InputError, match="a TIFF file is read by GDAL"):
        image_of(encoded(".tif", gradient(4, 4)))


@given(st.binary(max_size=400))
def test_no_bytes_crash_the_decoder(data: bytes) -> None:
    for head in (b"", b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"BM", b"II*\x00", b"RIFF"):
        try:
            image = image_of(head + data)
        except InputError:
            continue
        assert image.ndim == 3


def test_every_real_image_is_read(data_root: Path) -> None:
    paths = sorted((data_root / "ucmerced").glob("*/*9.jpg"))
    assert len(paths) == 210
    assert {to_tile(read_image(path), 256).shape for path in paths} == {(256, 256, 3)}
