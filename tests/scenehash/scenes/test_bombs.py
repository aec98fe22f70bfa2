"""Small files that stand for much memory or time are set aside, or read within bounds."""

import json
import os
import struct
import subprocess
import sys
import textwrap
import zlib
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from .inputs import exif, png, raster, tiff, vrt, vrt_band

MEBIBYTE = 1 << 20
MOST_SECONDS, MOST_MEBIBYTES = 10, 400

MEASURE = """
    import json, resource, sys, time
    from pathlib import Path
    from scenehash.errors import InputError
    from scenehash.scenes import Tiling, open_scene

    import cv2, rasterio  # what they take is not the file's
    from scenehash.scenes import georeference, raster
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started, reason = time.process_time(), ""
    try:
        with open_scene(Path(sys.argv[1])) as scene:
            scene.windows(Tiling(), 256)
            scene.content
            scene.overview(256)
    except InputError as error:
        reason = error.reason
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps([reason, time.process_time() - started, (peak - before) / 1024]))
"""


def measure(path: Path) -> tuple[str, float, float]:
    """Why a file is set aside, its seconds of processor, and the mebibytes besides the process."""
    command = [sys.executable, "-c", textwrap.dedent(MEASURE), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    reason, seconds, mebibytes = json.loads(done.stdout.splitlines()[-1])
    return reason, seconds, mebibytes


def deflated(width: int, height: int) -> bytes:
    """All rows of a grey image of nothing, deflated a million times."""
    packer = zlib.compressobj(9)
    row = bytes(width + 1)
    return b"".join(packer.compress(row) for _ in range(height)) + packer.flush()


def huge_png(path: Path) -> None:
    width = height = 30_000
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", deflated(width, height)), (b"IEND", b"")]
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + b"".join(
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
            for kind, data in chunks
        )
    )


def sparse(path: Path, side: int, bands: int = 1, **profile: object) -> None:
    """A GeoTIFF of many pixels and no bytes for them."""
    import rasterio

    with rasterio.open(
        path, "w", driver="GTiff", width=side, height=side, count=bands, dtype="uint8",
        SPARSE_OK="TRUE", crs="EPSG:32633", transform=rasterio.Affine(10, 0, 5e5, 0, -10, 5e6),
        **profile,
    ):  # fmt: skip
        pass


def strip(path: Path) -> None:
    """A TIFF of one deflated strip of 400 MB."""
    side = 20_000
    data = zlib.compress(bytes(side * side), 9)
    body = tiff(np.zeros((1, 1), np.uint8))
    tags = {256: ("I", [side]), 257: ("I", [side]), 259: ("H", [8]), 278: ("I", [side]),
            279: ("I", [len(data)]), 273: ("I", [len(body) + 1000])}  # fmt: skip
    directory = tiff(np.zeros((1, 1), np.uint8), tags=tags)
    path.write_bytes(directory.ljust(len(body) + 1000, b"\0") + data)


def changed(path: Path, find: bytes, put: bytes) -> None:
    data = path.read_bytes()
    assert find in data
    path.write_bytes(data.replace(find, put))


def jpeg_2000(path: Path) -> None:
    """A JPEG 2000 that says that it has 200,000 x 200,000 pixels."""
    raster(path, np.zeros((1, 64, 64), np.uint8), driver="JP2OpenJPEG")
    data = bytearray(path.read_bytes())
    for find in (b"ihdr", b"\xff\x51"):
        at = data.index(find)
        start = at + 4 if find == b"ihdr" else at + 6
        data[start : start + 8] = struct.pack(">II", 200_000, 200_000)
    path.write_bytes(data)


BOMBS = {
    "png.png": huge_png,
    "png header.png": lambda path: path.write_bytes(
        png(np.zeros((1, 1), np.uint8), size=(2**31 - 1, 2**31 - 1))
    ),
    "pixels.vrt": lambda path: path.write_text(vrt("", (2_000_000_000, 2_000_000_000))),
    "pixels and a band.vrt": lambda path: path.write_text(
        vrt('<VRTRasterBand dataType="Byte" band="1"/>', (2_000_000_000, 2_000_000_000))
    ),
    "wide.vrt": lambda path: path.write_text(
        vrt('<VRTRasterBand dataType="Byte" band="1"/>', (2_000_000_000, 2))
    ),
    "bands.vrt": lambda path: path.write_text(
        vrt("".join(f'<VRTRasterBand dataType="Byte" band="{n}"/>' for n in range(1, 60_000)))
    ),
    "block.vrt": lambda path: path.write_text(
        vrt('<VRTRasterBand dataType="Byte" band="1" blockXSize="60000" blockYSize="60000"/>',
            (60_000, 60_000))
    ),
    "sparse.tif": lambda path: sparse(
        path, 1_000_000, tiled=True, blockxsize=4096, blockysize=4096, BIGTIFF="YES"
    ),
    "sparse within limits.tif": lambda path: sparse(
        path, 200_000, tiled=True, blockxsize=1024, blockysize=1024
    ),
    "sparse bands.tif": lambda path: sparse(path, 20_000, bands=3000, tiled=True, BIGTIFF="YES"),
    "sparse tile.tif": lambda path: sparse(
        path, 65_536, tiled=True, blockxsize=65_536, blockysize=65_536
    ),
    "jpeg2000.jp2": jpeg_2000,
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_set_aside_in_bounded_memory_and_time(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    BOMBS[name](path)
    assert path.stat().st_size < 4 * MEBIBYTE
    reason, seconds, mebibytes = measure(path)
    assert reason
    assert seconds < MOST_SECONDS
    assert mebibytes < MOST_MEBIBYTES


@pytest.mark.slow
@pytest.mark.parametrize(("tag", "name"), [(270, "a.tif"), (34675, "a.tif"), (700, "a.tif.msk")])
def test_tags_of_gigabytes_are_not_read(tmp_path: Path, tag: int, name: str) -> None:
    # A description, XMP, a colour profile: GDAL would take two to four times as much.
    raster(tmp_path / "a.tif", np.full((1, 64, 64), 90, np.uint8))
    note: dict[int, tuple[str, Sequence[float]]] = {tag: ("I", [100_000])}
    data = bytearray(tiff(np.full((64, 64), 90, np.uint8), tags=note))
    at = data.index(struct.pack("<HHI", tag, 4, 1))
    data[at : at + 8] = struct.pack("<HHI", tag, 2 if tag == 270 else 7, 1_500_000_000)
    (tmp_path / name).write_bytes(data)
    os.truncate(tmp_path / name, 2_000_000_000)
    reason, seconds, mebibytes = measure(tmp_path / "a.tif")
    assert "its tags hold 1,500,000," in reason
    assert seconds < MOST_SECONDS
    assert mebibytes < MOST_MEBIBYTES
    os.truncate(tmp_path / name, 1_000_000)
    assert "its tags hold" not in measure(tmp_path / "a.tif")[0]  # libtiff passes it over


@pytest.mark.slow
def test_one_strip_of_400_megabytes_is_read_by_its_rows(tmp_path: Path) -> None:
    strip(tmp_path / "a.tif")
    reason, seconds, mebibytes = measure(tmp_path / "a.tif")
    assert not reason
    assert seconds < MOST_SECONDS
    assert mebibytes < MOST_MEBIBYTES


def test_sources_of_a_vrt_have_the_same_bounds(tmp_path: Path) -> None:
    BOMBS["sparse tile.tif"](tmp_path / "a.tif")
    (tmp_path / "a.vrt").write_text(vrt(vrt_band("a.tif")))
    reason, _, mebibytes = measure(tmp_path / "a.vrt")
    assert "more than a file of" in reason or "blocks of 65536x65536" in reason
    assert mebibytes < MOST_MEBIBYTES


@pytest.mark.slow
def test_what_is_large_and_holds_it_is_read_within_bounds(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (3, 4000, 4000), np.uint8)
    path = raster(tmp_path / "a.tif", noise, tiled=True, compress="deflate")
    reason, _, mebibytes = measure(path)
    assert not reason
    assert mebibytes < MOST_MEBIBYTES


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="decoded from its bytes elsewhere")
@pytest.mark.parametrize("suffix", [".png", ".bmp", ".jpg", ".webp"])
def test_a_large_picture_is_in_memory_once(tmp_path: Path, suffix: str) -> None:
    side = 5000
    noise = np.random.default_rng(0).integers(0, 255, (side, side, 3), np.uint8) & 15
    options = {".webp": (cv2.IMWRITE_WEBP_QUALITY, 20), ".png": (cv2.IMWRITE_PNG_COMPRESSION, 1)}
    data = cv2.imencode(suffix, noise, options.get(suffix, ()))[1].tobytes()
    if suffix == ".jpg":  # turned by a quarter
        note = b"Exif\0\0" + exif(6)
        data = data[:2] + b"\xff\xe1" + struct.pack(">H", 2 + len(note)) + note + data[2:]
    (tmp_path / f"a{suffix}").write_bytes(data)
    reason, seconds, mebibytes = measure(tmp_path / f"a{suffix}")
    assert not reason
    assert seconds < MOST_SECONDS
    both = noise.nbytes + len(data) if suffix in (".jpg", ".webp") else noise.nbytes
    assert mebibytes < 1.25 * both / MEBIBYTE
