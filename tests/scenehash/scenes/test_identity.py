"""What makes two scenes one: the bytes of the file and of what counts beside it, date, bands."""

import json
import os
import shutil
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
import rasterio

from scenehash.decode_params import DecodeParams
from scenehash.errors import InputError
from scenehash.geo import Box
from scenehash.scenes import content_id, open_scene, reopen_scene
from scenehash.scenes.stac import Noted

from .test_raster import speckled, write

STATISTICS = (
    '<PAMDataset><PAMRasterBand band="1"><Histograms><HistItem><HistMin>0</HistMin></HistItem>'
    '</Histograms><Metadata><MDI key="STATISTICS_MEAN">12</MDI></Metadata></PAMRasterBand>'
    "</PAMDataset>"
)
NODATA = (
    '<PAMDataset><PAMRasterBand band="1"><NoDataValue>7</NoDataValue></PAMRasterBand></PAMDataset>'
)


def content(path: Path, bands: str | None = None) -> str:
    with open_scene(path, DecodeParams(bands)) as scene:
        return scene.content


def write_mask(path: Path, rows: int) -> None:
    mask = np.zeros((300, 300), bool)
    mask[:rows] = True
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=False), rasterio.open(path, "r+") as file:
        file.write_mask(mask)


def test_a_file_alone_has_the_id_of_its_bytes(tmp_path: Path) -> None:
    raster = write(tmp_path / "a.tif", speckled(3, 300, 300))
    picture = tmp_path / "a.png"
    cv2.imwrite(str(picture), np.zeros((30, 30, 3), np.uint8))
    for path in (raster, picture):
        assert content(path) == content_id(path.read_bytes())


def test_masks_beside_the_same_bytes_make_two_scenes(tmp_path: Path) -> None:
    whole = write(tmp_path / "a.tif", speckled(3, 300, 300))
    ids = [content(whole)]
    for rows in (100, 200):
        copy = tmp_path / f"{rows}.tif"
        shutil.copy(whole, copy)
        write_mask(copy, rows)
        assert copy.read_bytes() == whole.read_bytes()
        ids.append(content(copy))
    assert len(set(ids)) == 3


def test_sources_of_a_vrt_count_and_so_do_theirs(tmp_path: Path) -> None:
    vrt = (
        '<VRTDataset rasterXSize="300" rasterYSize="300"><VRTRasterBand dataType="Byte" band="1">'
        '<SimpleSource><SourceFilename relativeToVRT="1">{}</SourceFilename><SourceBand>1'
        "</SourceBand></SimpleSource></VRTRasterBand></VRTDataset>"
    )
    ids = []
    for day in range(2):
        folder = tmp_path / str(day)
        folder.mkdir()
        write(folder / "b.tif", speckled(1, 300, 300) + np.uint8(day))
        (folder / "inner.vrt").write_text(vrt.format("b.tif"))
        (folder / "outer.vrt").write_text(vrt.format("inner.vrt"))
        ids += [content(folder / "inner.vrt"), content(folder / "outer.vrt")]
    assert len(set(ids)) == 4


def test_overviews_and_statistics_beside_a_raster_do_not_count_and_nodata_does(
    tmp_path: Path,
) -> None:
    path = write(tmp_path / "a.tif", speckled(1, 600, 600))
    alone = content(path, "1")
    with rasterio.Env(TIFF_USE_OVR=True), rasterio.open(path, "r+") as file:
        file.build_overviews([2])
    assert (tmp_path / "a.tif.ovr").exists()
    notes = tmp_path / "a.tif.aux.xml"
    notes.write_text(STATISTICS)
    assert content(path, "1") == alone
    notes.write_text(NODATA)
    with_nodata = content(path, "1")
    assert with_nodata != alone
    notes.write_text(NODATA.replace("<PAMRasterBand", "<!-- x -->\n<PAMRasterBand"))
    assert content(path, "1") == with_nodata


def test_bands_that_were_asked_for_make_another_scene_unless_they_are_the_files_own(
    tmp_path: Path,
) -> None:
    path = write(tmp_path / "a.tif", speckled(3, 300, 300))
    assert content(path, "1,2,3") == content(path)
    assert len({content(path), content(path, "3,2,1"), content(path, "2")}) == 3


@pytest.mark.parametrize(
    ("dtype", "own", "asked", "same"),
    [
        ("uint8", 0, 0.0, True),
        ("int16", -9999, -9999.0, True),
        # As text has it, and as the file's 32 bits hold it.
        ("float32", np.finfo(np.float32).min, -3.40282e38, False),
        ("float32", np.finfo(np.float32).min, -3.4028235e38, True),
        ("uint8", 0, 7.0, False),
        ("uint8", None, 0.0, False),
    ],
)
def test_the_files_own_nodata_that_is_asked_for_makes_no_other_scene(
    tmp_path: Path, dtype: str, own: float | None, asked: float, same: bool
) -> None:
    path = write(tmp_path / "a.tif", speckled(3, 300, 300, dtype), nodata=own)
    with open_scene(path) as plain, open_scene(path, DecodeParams(nodata=asked)) as given:
        assert (given.content == plain.content) is same
        assert ("asked" in given.reading) is not same


def test_the_full_range_that_is_asked_for_of_8_bits_makes_no_other_scene(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", speckled(3, 300, 300))
    grey = write(tmp_path / "b.tif", speckled(1, 300, 300) % np.uint8(2))
    with open_scene(path, DecodeParams(stretch=(0.0, 255.0))) as scene:
        assert scene.content == content(path)
    for other, stretch in ((path, (0.0, 254.0)), (grey, (0.0, 255.0))):
        with open_scene(other, DecodeParams(stretch=stretch)) as scene:
            assert scene.content != content(other)


@pytest.mark.parametrize("kind", ["tif", "png"])
def test_the_same_bytes_of_two_days_are_two_scenes(tmp_path: Path, kind: str) -> None:
    first = tmp_path / f"a.{kind}"
    if kind == "tif":
        write(first, speckled(3, 300, 300))
    else:
        cv2.imwrite(str(first), np.zeros((30, 30, 3), np.uint8))
    ids = [content(first)]
    for name, day in (("b", "2024-01-01"), ("c", "2024-01-02"), ("d", "2024-01-01")):
        shutil.copy(first, tmp_path / f"{name}.{kind}")
        item = {"properties": {"datetime": f"{day}T00:00:00Z"}}
        (tmp_path / f"{name}.json").write_text(json.dumps(item))
        ids.append(content(tmp_path / f"{name}.{kind}"))
    assert ids[1] == ids[3]
    assert len(set(ids)) == 3


@pytest.mark.parametrize("placed", [True, False])
def test_the_same_bytes_at_two_places_are_two_scenes_unless_the_file_has_its_own(
    tmp_path: Path, placed: bool
) -> None:
    path = tmp_path / "a.tif"
    write(path, speckled(3, 300, 300))
    if not placed:
        path = path.with_suffix(".png")
        cv2.imwrite(str(path), np.zeros((30, 30, 3), np.uint8))
    ids = [content(path)]
    for west in (7, 8, 7):
        with open_scene(path, None, Noted(box=Box(west, 46, west + 0.5, 46.5))) as scene:
            ids.append(scene.content)
    assert ids[1] == ids[3]
    assert len(set(ids)) == (1 if placed else 3)


def test_a_date_that_the_file_says_itself_adds_nothing(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", speckled(3, 300, 300))
    with rasterio.open(path, "r+") as file:
        file.update_tags(TIFFTAG_DATETIME="2024:01:01 00:00:00")
    item = {"properties": {"datetime": "2024-01-01T00:00:00Z"}}
    (tmp_path / "a.json").write_text(json.dumps(item))
    assert content(path) == content_id(path.read_bytes())


@pytest.mark.parametrize("kind", ["tif", "png"])
def test_a_file_that_was_replaced_is_not_shown_and_one_that_was_touched_is(
    tmp_path: Path, kind: str
) -> None:
    path = tmp_path / f"a.{kind}"

    def fill(value: int) -> None:
        pixels = np.full((300, 300, 3), value, np.uint8)
        if kind == "png":
            cv2.imwrite(str(path), pixels)
        else:
            write(path, np.moveaxis(pixels, 2, 0))

    fill(10)
    with open_scene(path) as scene:
        reading = {**scene.reading, "file": scene.origin}
    with reopen_scene(path, reading) as scene:
        assert scene.width == 300
    later = time.time() + 100
    os.utime(path, (later, later))
    with reopen_scene(path, reading) as scene:
        assert scene.width == 300
    fill(11)
    with pytest.raises(InputError, match="differs from the stored scene"):
        reopen_scene(path, reading)


@pytest.mark.parametrize("name", ["a.tif.aux.xml", "a.tif.msk", "a.tfw", "a.IMD", "a_RPC.TXT"])
def test_a_pipe_beside_a_raster_is_named_and_not_waited_for(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / "a.tif", speckled(3, 300, 300))
    os.mkfifo(tmp_path / name)
    with pytest.raises(InputError, match=f"{name} beside it is a pipe"):
        open_scene(path)


def test_notes_of_gigabytes_beside_a_raster_are_not_read(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", speckled(3, 300, 300))
    with (tmp_path / "a.tif.aux.xml").open("wb") as file:
        file.truncate(6 << 30)
    with pytest.raises(InputError, match=r"6,442,450,944 bytes, and at most 4,194,304"):
        open_scene(path)


def test_notes_that_are_no_xml_or_expand_without_end_are_taken_as_they_are(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", speckled(3, 300, 300))
    laughs = '<!DOCTYPE a [<!ENTITY b "hahaha">]><PAMDataset>&b;</PAMDataset>'
    for text in ("<PAMDataset><", laughs, "<a>" * 300_000):
        (tmp_path / "a.tif.aux.xml").write_text(text)
        try:
            content(path)
        except InputError as error:
            assert "aux.xml" in str(error) or "GDAL" in str(error)
