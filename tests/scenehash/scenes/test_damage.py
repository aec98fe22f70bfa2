"""JPEGs are decoded strictly, and to the very pixels that OpenCV has of them."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import simplejpeg

from scenehash.demo.tiles import KINDS, archive_paths
from scenehash.errors import InputError
from scenehash.scenes import plain_image
from scenehash.scenes.damage import check_png, decode_jpeg

from ...scenes import draw


def by_opencv(data: bytes) -> np.ndarray:
    flags = cv2.IMREAD_ANYCOLOR | cv2.IMREAD_IGNORE_ORIENTATION
    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    assert decoded is not None
    return decoded[:, :, np.newaxis] if decoded.ndim == 2 else decoded[:, :, ::-1]


def jpegs() -> Iterator[bytes]:
    """Colour and grey, of every sampling of colours, with restarts, progressive; and real ones."""
    for sampling, side in itertools.product(("444", "422", "420", "440", "411"), (1, 7, 123, 256)):
        yield simplejpeg.encode_jpeg(draw("harbor", 1, side), 80, "RGB", sampling)
    for progressive, restarts, optimized in itertools.product((0, 1), (0, 2), (0, 1)):
        settings = [cv2.IMWRITE_JPEG_PROGRESSIVE, progressive, cv2.IMWRITE_JPEG_OPTIMIZE, optimized]
        settings += [cv2.IMWRITE_JPEG_RST_INTERVAL, restarts]
        for pixels in (draw("river", 2, 99), draw("river", 2, 99)[:, :, 0]):
            yield cv2.imencode(".jpg", pixels, settings)[1].tobytes()
    for kind in KINDS:
        yield archive_paths(kind)[0].read_bytes()


def test_pixels_are_those_of_opencv() -> None:
    count = 0
    for data in jpegs():
        pixels = decode_jpeg(data)
        assert pixels is not None
        assert np.array_equal(pixels, by_opencv(data))
        count += 1
    assert count == 20 + 16 + len(KINDS)


def test_a_byte_that_is_missing_or_changed_is_found() -> None:
    data = simplejpeg.encode_jpeg(draw("beach", 1), 90)
    with pytest.raises(InputError, match="damaged or truncated"):
        decode_jpeg(data[: len(data) // 2])
    # A mark in the middle of the entropy-coded data.
    at = len(data) // 2
    with pytest.raises(InputError, match="damaged or truncated"):
        decode_jpeg(data[:at] + b"\xff\xc0" + data[at + 2 :])


def test_a_rare_kind_of_jpeg_is_not_called_damaged() -> None:
    data = simplejpeg.encode_jpeg(draw("beach", 1), 90)
    deeper = data.replace(b"\xff\xc0\0\x11\x08", b"\xff\xc0\0\x11\x0c")  # bits of a band
    with pytest.raises(InputError, match="Unsupported JPEG data precision 12") as refused:
        decode_jpeg(deeper)
    assert "damaged" not in str(refused.value)


def test_a_file_is_checked_once_where_the_system_does_not_name_open_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, checked = tmp_path / "scene.png", []

    def counting(data: bytes) -> None:
        checked.append(len(data))
        check_png(data)

    monkeypatch.setattr(plain_image, "check_png", counting)
    monkeypatch.setattr(plain_image, "_OPEN_FILES", tmp_path / "none")
    path.write_bytes(cv2.imencode(".png", draw("river", 2, 99))[1].tobytes())
    with path.open("rb") as file:
        source, _ = plain_image.read_image_file(file)
    assert (source.width, source.height) == (99, 99)
    assert checked == [path.stat().st_size]
