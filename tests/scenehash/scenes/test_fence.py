"""A raster makes the station read no other files, fetch nothing, and wait for nobody."""

import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import rasterio
import rasterio.shutil

from scenehash.errors import InputError
from scenehash.scenes import Tiling, find_scenes, open_scene, read_image, read_scene

from .inputs import planes, raster, scene_like, vrt, vrt_band

IMAGE = scene_like()


@pytest.fixture
def listener(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """A port that answers nobody; GDAL would give up after a second."""
    monkeypatch.setenv("GDAL_HTTP_TIMEOUT", "1")
    monkeypatch.setenv("GDAL_HTTP_CONNECTTIMEOUT", "1")
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


def address(server: socket.socket) -> str:
    return f"http://127.0.0.1:{server.getsockname()[1]}/a.tif"


def was_called(server: socket.socket) -> bool:
    try:
        server.accept()
    except BlockingIOError:
        return False
    return True


def tried(path: Path) -> str:
    """Read all that there is of a scene; what is wrong with it, if anything."""
    try:
        with open_scene(path) as scene:
            scene.overview(100)
            scene.footprints(scene.windows(Tiling(), 64))
            return scene.content and ""
    except InputError as error:
        return error.reason


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """A folder of the operator's, and one of somebody's with a raster and a note."""
    mine, other = tmp_path / "mine", tmp_path / "other"
    mine.mkdir()
    other.mkdir()
    raster(mine / "a.tif", planes(IMAGE))
    raster(other / "b.tif", planes(IMAGE))
    (other / "note.txt").write_text("nobody's business " * 20)
    return mine, other


RAW = (
    '<VRTRasterBand dataType="Byte" band="1" subClass="VRTRawRasterBand">'
    '<SourceFilename relativeToVRT="1">{}</SourceFilename><ImageOffset>0</ImageOffset>'
    "<PixelOffset>1</PixelOffset><LineOffset>8</LineOffset></VRTRasterBand>"
)
DERIVED = (
    '<VRTRasterBand dataType="Byte" band="1" subClass="VRTDerivedRasterBand">'
    "<PixelFunctionType>f</PixelFunctionType><PixelFunctionLanguage>Python</PixelFunctionLanguage>"
    "<PixelFunctionCode><![CDATA[import os\ndef f(*a, **k): os.mkdir('{}/ran')]]>"
    "</PixelFunctionCode></VRTRasterBand>"
)
INLINE = '&lt;VRTDataset rasterXSize="8" rasterYSize="8"&gt;&lt;/VRTDataset&gt;'


@pytest.mark.parametrize(
    "text",
    [
        vrt(vrt_band("../other/b.tif")),
        vrt(vrt_band("{other}/b.tif", relative=0)),
        vrt(vrt_band("{other}/b.tif")),
        vrt(vrt_band("sub/../../other/b.tif")),
        vrt(vrt_band("link.tif")),
        vrt(vrt_band("linked/b.tif")),
        vrt(RAW.format("../other/note.txt")),
        vrt(RAW.format("a.tif")),
        vrt(DERIVED.format("{mine}")),
        vrt(vrt_band("/vsicurl/{url}", relative=0)),
        vrt(vrt_band("/vsicurl/{url}")),
        vrt(vrt_band("{url}", relative=0)),
        vrt(vrt_band("/vsizip/a.zip/a.tif", relative=0)),
        vrt(vrt_band("/vsisubfile/0_100,{other}/note.txt", relative=0)),
        vrt(vrt_band("WMS:{url}", relative=0)),
        vrt(vrt_band("HDF5:a.h5://x")),
        vrt(vrt_band(INLINE)),
        vrt(vrt_band("remote.xml")),
        vrt(vrt_band("a.txt")),
        vrt(vrt_band("gone.tif")),
        vrt(vrt_band("pipe.tif")),
        vrt(vrt_band("picture.jpg")),
        vrt(vrt_band("a.tif"), more="<OverviewList>2</OverviewList><Overview><SourceFilename>"
            "/vsicurl/{url}</SourceFilename></Overview>"),
        vrt(vrt_band("a.tif").replace("<SourceBand>", "<Overview><SourceFilename>/vsicurl/{url}"
            "</SourceFilename><SourceBand>1</SourceBand></Overview><SourceBand>")),
        vrt(vrt_band("a.tif"), more='<Metadata domain="OVERVIEWS"><MDI key="OVERVIEW_FILE">'
            "/vsicurl/{url}</MDI></Metadata>"),
        vrt(vrt_band("a.tif"), more='<Metadata domain="overviews"><MDI key="OVERVIEW_FILE">'
            "{other}/b.tif</MDI></Metadata>"),
        vrt("").replace("<VRTDataset", '<VRTDataset subClass="VRTWarpedDataset"'),
        vrt(vrt_band("a.tif")).replace("<Simple", '<SimpleSource SourceFilename="{other}/b.tif"><'),
        vrt(vrt_band("a.tif")).replace(
            "<SimpleSource>", '<SimpleSource SourceFilename="{other}/b.tif">'
        ),
        vrt(vrt_band("../other/b.tif")).replace("SourceFilename", "SOURCEfilename"),
        vrt(vrt_band("{other}/b.tif<!-- -->", relative=0)),
        vrt(vrt_band("a.tif<![CDATA[../other/b.tif]]>")),
        vrt(vrt_band("a.tif<x/>")),
        '<!DOCTYPE x [<!ENTITY e SYSTEM "file://{other}/note.txt">]>' + vrt(vrt_band("&e;")),
        '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>' + vrt(vrt_band("&b;")),
        vrt(vrt_band("a.tif"), more="<a>" * 100 + "</a>" * 100),
        vrt(vrt_band("a.tif"))[:-20],
        "<VRTDataset" + "\xff\xfe" * 50,
        "  \n" + vrt(vrt_band("../other/b.tif")),
    ],
)  # fmt: skip
def test_a_vrt_of_anything_but_rasters_of_its_folder_is_refused(
    folders: tuple[Path, Path], listener: socket.socket, text: str
) -> None:
    mine, other = folders
    (mine / "link.tif").symlink_to(other / "b.tif")
    (mine / "linked").symlink_to(other)
    remote = f"<GDAL_WMS><Service><ServerUrl>{address(listener)}</ServerUrl>"
    (mine / "remote.xml").write_text(remote)
    (mine / "a.txt").write_text("words")
    (mine / "sub").mkdir()
    os.mkfifo(mine / "pipe.tif")
    (mine / "picture.jpg").write_bytes(b"\xff\xd8\xff\xe0" + bytes(100))
    text = text.replace("{other}", str(other)).replace("{mine}", str(mine))
    for name in ("x.vrt", "x.tif"):
        (mine / name).write_text(text.replace("{url}", address(listener)))
        assert tried(mine / name)
        assert not was_called(listener)
        assert not (mine / "ran").exists()


def test_vrts_of_rasters_of_their_folder_are_read_where_they_are_named(tmp_path: Path) -> None:
    (tmp_path / "bands").mkdir()
    for number in range(3):
        raster(tmp_path / f"bands/{number}.tif", planes(IMAGE)[number : number + 1])
    bands = "".join(vrt_band(f"bands/{n}.tif", n + 1) for n in range(3))
    (tmp_path / "a.vrt").write_text(vrt(bands))
    raster(tmp_path / "b.tif", planes(IMAGE))
    assert np.array_equal(read_image(tmp_path / "a.vrt"), read_image(tmp_path / "b.tif"))
    absolute = vrt_band(str(tmp_path / "b.tif"), relative=0)
    (tmp_path / "c.vrt").write_text(vrt(absolute))
    assert np.array_equal(read_image(tmp_path / "c.vrt")[:, :, 0], IMAGE[:, :, 0])
    (tmp_path / "d.vrt").write_text(vrt(vrt_band("a.vrt", band=2)))
    assert np.array_equal(read_image(tmp_path / "d.vrt")[:, :, 0], IMAGE[:, :, 1])
    # What GDAL itself writes.
    rasterio.shutil.copy(tmp_path / "b.tif", tmp_path / "e.vrt", driver="VRT")
    assert np.array_equal(read_image(tmp_path / "e.vrt"), IMAGE)
    found = find_scenes([tmp_path])
    assert {path.suffix for path in found} == {".tif"}
    assert find_scenes([tmp_path / "a.vrt"]) == [tmp_path / "a.vrt"]


def test_vrts_in_a_circle_end(tmp_path: Path) -> None:
    for one, other in ("ab", "bc", "ca"):
        (tmp_path / f"{one}.vrt").write_text(vrt(vrt_band(f"{other}.vrt")))
    assert "nested" in tried(tmp_path / "a.vrt")


@pytest.mark.parametrize("domain", ["OVERVIEWS", "overviews", "ProxyOverviewRequest"])
@pytest.mark.parametrize("where", ["inside", "beside", "in its overviews", "beside a source"])
def test_overviews_elsewhere_are_not_asked_for(
    folders: tuple[Path, Path], listener: socket.socket, domain: str, where: str
) -> None:
    mine, other = folders
    key = "FILENAME" if domain.startswith("Proxy") else "OVERVIEW_FILE"
    for target in (f"/vsicurl/{address(listener)}", str(other / "b.tif")):
        notes = (
            f'<PAMDataset><Metadata domain="{domain}"><MDI key="{key}">{target}</MDI></Metadata>'
            "</PAMDataset>"
        )
        path = mine / "a.tif"
        if where == "inside":
            with rasterio.open(path, "r+") as file:
                file.update_tags(ns=domain, **{key: target})
        elif where == "in its overviews":
            shutil.copy(path, mine / "a.tif.ovr")
            with rasterio.open(mine / "a.tif.ovr", "r+", driver="GTiff") as file:
                file.update_tags(ns=domain, **{key: target})
        else:
            (mine / "a.tif.aux.xml").write_text(notes)
        if where == "beside a source":
            path = mine / "x.vrt"
            path.write_text(vrt(vrt_band("a.tif")))
        assert "overviews" in tried(path)
        assert not was_called(listener)


@pytest.mark.parametrize("suffix", [".msk", ".ovr", ".OVR", ".MSK"])
def test_what_lies_beside_a_raster_as_mask_or_overview_is_a_tiff_or_refused(
    folders: tuple[Path, Path], listener: socket.socket, suffix: str
) -> None:
    mine, other = folders
    beside = mine / f"a.tif{suffix}"
    for text in (
        vrt(vrt_band(f"/vsicurl/{address(listener)}", relative=0)),
        vrt(vrt_band(str(other / "b.tif"), relative=0)),
        f"<GDAL_WMS><Service><ServerUrl>{address(listener)}</ServerUrl></Service></GDAL_WMS>",
        "words",
    ):
        beside.write_text(text)
        assert beside.name in tried(mine / "a.tif")
        assert not was_called(listener)


@pytest.mark.parametrize("kind", ["xml", "words"])
def test_remote_services_whatever_they_are_called_are_refused(
    tmp_path: Path, listener: socket.socket, kind: str
) -> None:
    url = address(listener)
    texts = {
        "xml": f"<GDAL_WMS><Service name='TMS'><ServerUrl>{url}</ServerUrl></Service></GDAL_WMS>",
        "words": f"WMS:{url}",
    }
    for name in ("a.tif", "a.vrt", "a.jp2", "a.img", "a.png"):
        (tmp_path / name).write_text(texts[kind])
        assert tried(tmp_path / name)
        assert not was_called(listener)


@pytest.mark.parametrize(
    "name",
    ["a?b.tif", "a#b.tif", "a!b.tif", "a%20b.tif", "http:b.tif", "zip+x:.tif", "<VRTDataset>.tif",
     "GTIFF_DIR:2:b.tif", "vsicurl", "a b&c.tif", "-of.tif"],
)  # fmt: skip
def test_a_name_is_only_a_name(tmp_path: Path, name: str) -> None:
    raster(tmp_path / "plain.tif", planes(IMAGE))
    (tmp_path / "plain.tif").rename(tmp_path / name)
    assert np.array_equal(read_image(tmp_path / name), IMAGE)


def test_an_imagine_file_that_names_pixels_elsewhere_is_refused(tmp_path: Path) -> None:
    mine, other = tmp_path / "mine", tmp_path / "other"
    mine.mkdir()
    other.mkdir()
    path = raster(mine / "abcdefghijk.img", planes(IMAGE), driver="HFA", USE_SPILL="YES")
    assert (mine / "abcdefghijk.ige").exists()
    assert np.array_equal(read_scene(path).tiles[0], IMAGE)
    (mine / "abcdefghijk.ige").rename(other / "b.ige")
    data = path.read_bytes()
    assert b"abcdefghijk.ige" in data
    path.write_bytes(data.replace(b"abcdefghijk.ige", b"../other/b.ige\0"))
    assert tried(path)


def test_options_are_set_while_gdal_is_used_and_not_beyond(tmp_path: Path) -> None:
    path = raster(tmp_path / "a.tif", planes(IMAGE))
    with open_scene(path) as one, open_scene(path) as other:
        one.close()
        assert np.array_equal(other.overview(256), IMAGE)
    with rasterio.Env() as env:
        assert "GDAL_PAM_ENABLED" not in env.options
