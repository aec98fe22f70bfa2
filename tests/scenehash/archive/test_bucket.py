"""Scenes from a bucket, and parts into one: a server that speaks S3, on loopback."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import rasterio

from scenehash import CodeStore, IngestOptions, hash_archive, load_archive
from scenehash.archive import hash as hash_module
from scenehash.archive import sources
from scenehash.archive.sources import find_sources
from scenehash.errors import FetchError, InputError
from scenehash.objects import KEYS, describe, gdal_options, read_object, write_object
from scenehash.scenes import open_scene
from scenehash.scenes.gdal_access import gdal, reaching
from scenehash.scenes.opening import open_object_scene
from scenehash.scenes.stac import StacOptions
from scenehash.store import SceneRecord

from ...command_line import answer
from ..scenes.inputs import scene_like, tiff
from ..scenes.test_stac import item_link, item_of
from .buckets import bucket, parts_in, upload
from .parts import ALL, InThisProcess, files

# A server of buckets.
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def address(scenes: Path) -> Iterator[str]:
    """A bucket with the scenes, below s3://.../in."""
    with pytest.MonkeyPatch.context() as patch, bucket(patch) as uri:
        upload(scenes, f"{uri}/in")
        yield uri


def records(path: Path) -> list[tuple[SceneRecord, bytes]]:
    with CodeStore.open(path) as store:
        assert store.verify() == []
        return [(record, codes.tobytes()) for record, codes in store.scenes()]


def in_bucket(record: SceneRecord, scenes: Path, uri: str) -> SceneRecord:
    """The record of a local scene as one of a bucket has it: an address, and no time of a file."""
    params = dict(record.decode_params)
    file = params["file"]
    assert isinstance(file, dict)
    params["file"] = {"digest": file["digest"]}
    path = record.path.replace(str(scenes), uri)
    return replace(record, path=path, decode_params=params)


@pytest.mark.parametrize("fetched", [1 << 28, 1000])
def test_the_store_is_that_of_the_same_scenes_in_a_folder(
    address: str, scenes: Path, hashed: Path, model: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, fetched: int,
) -> None:  # fmt: skip
    """Objects are fetched, or the raster among them is read by windows where it is."""
    monkeypatch.setattr(sources, "FETCHED_BYTES", fetched)
    monkeypatch.setattr(hash_module, "_scheduler", lambda *_: InThisProcess())
    out = f"{address}/out-{fetched}"
    report = hash_archive(f"{address}/in", out, model=model, options=ALL)
    assert (report.hashed, report.failed) == (10, {})
    blocks = [name for name in parts_in(out) if "-of-0003" in name]
    assert len(blocks) == (3 if fetched == 1000 else 0)
    load_archive(out, tmp_path / "s")
    load_archive(hashed, tmp_path / "local")
    for ours, theirs in zip(records(tmp_path / "s"), records(tmp_path / "local"), strict=True):
        assert ours[0].checksum() == in_bucket(theirs[0], scenes, f"{address}/in").checksum()
        assert ours[1] == theirs[1]
    again = hash_archive(f"{address}/in", out, model=model, options=ALL)
    assert (again.hashed, again.known) == (0, 10)


def test_local_scenes_have_the_same_parts_in_a_bucket(
    address: str, scenes: Path, hashed: Path, model: Path
) -> None:
    out = f"{address}/of-local"
    document = answer(
        "archive", "hash", scenes, "--out", out, "--model", model, "--label-from-folder",
        "--thumbnails", "--workers", 1,
    )  # fmt: skip
    assert document["scenes_hashed"] == 10
    assert parts_in(out) == files(hashed)
    assert read_object(f"{out}/manifest.json", 1 << 20) == (hashed / "manifest.json").read_bytes()


def test_what_counts_beside_an_object_counts(
    address: str, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mask and a time beside it: the tiles and the id are those of the files."""
    monkeypatch.setattr(hash_module, "_scheduler", lambda *_: InThisProcess())
    monkeypatch.setattr(sources, "FETCHED_BYTES", 1000)
    folder = tmp_path / "masked"
    folder.mkdir()
    pixels = np.random.default_rng(1).integers(1, 256, (3, 64, 192), np.uint8)
    profile = {"driver": "GTiff", "height": 64, "width": 192, "dtype": "uint8"}
    with (
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=False),
        rasterio.open(folder / "a.tif", "w", count=3, **profile) as file,
    ):
        file.write(pixels)
        file.write_mask(np.repeat([[False] * 64 + [True] * 128], 64, 0))
    assert (folder / "a.tif.msk").exists()
    (folder / "a.json").write_text('{"properties": {"datetime": "2026-01-02T03:04:05Z"}}')
    upload(folder, f"{address}/masked")
    hash_archive(f"{address}/masked/a.tif", f"{address}/out-m", model=model)
    load_archive(f"{address}/out-m", tmp_path / "s")
    ((record, _),) = records(tmp_path / "s")
    assert record.tiles == 2
    with open_scene(folder / "a.tif") as scene:
        assert scene.time is not None
        assert (record.content, record.time) == (scene.content, scene.time.timestamp())


def test_a_large_object_may_not_make_gdal_reach_another(address: str, scenes: Path) -> None:
    uri = f"{address}/in/b/large.tif"
    with reaching(uri):
        scene = open_object_scene(uri)
        assert scene is not None
        with scene, open_scene(scenes / "b" / "large.tif") as local:
            assert scene.content == local.content
        with pytest.raises(InputError, match="no such object"):
            open_object_scene(f"{address}/in/b/nothing.tif")
        write_object(f"{address}/in-other.tif", (scenes / "b" / "large.tif").read_bytes())
        for name in ("/vsis3/archive/in-other.tif", "/vsicurl/http://127.0.0.1:9/a.tif"):
            with pytest.raises(InputError, match="does not exist"), gdal():
                rasterio.open(name, driver="GTiff")
    with pytest.raises(InputError), gdal():
        rasterio.open("/vsis3/archive/in/b/large.tif", driver="GTiff")


def test_a_large_object_of_other_colours_is_refused_by_what_they_are(address: str) -> None:
    pixels = scene_like()
    place: dict[int, tuple[str, Sequence[float]]] = {
        33550: ("d", [10, 10, 0]), 33922: ("d", [0, 0, 0, 5e5, 5e6, 0]),
        34735: ("H", [1, 1, 0, 2, 1024, 0, 1, 1, 3072, 0, 1, 32633]),
    }  # fmt: skip
    for photometric in (2, 8):
        uri = f"{address}/lab/{photometric}.tif"
        write_object(uri, tiff(pixels, photometric, place))
        with reaching(uri):
            if photometric == 2:
                scene = open_object_scene(uri)
                assert scene is not None
                scene.close()
            else:
                with pytest.raises(InputError, match=r"its colours are CIE L\*a\*b"):
                    open_object_scene(uri)


def test_addresses_that_lead_nowhere_are_said_in_a_line(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for uri, message in {
        f"{address}/nowhere": "no images at this address",
        "s3://": "it names no bucket",
    }.items():
        with pytest.raises(InputError, match=message):
            find_sources([uri], StacOptions())
    with pytest.raises(FetchError, match="no-such-bucket/a: the object store refuses") as found:
        find_sources(["s3://no-such-bucket/a"], StacOptions())
    assert "\n" not in str(found.value)
    assert describe(f"{address}/nothing") is None
    for name in (*KEYS, "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(FetchError, match="privileges"):  # unsigned: nobody is asked for keys
        describe(f"{address}/in/b/large.tif")
    assert gdal_options()["AWS_NO_SIGN_REQUEST"] == "YES"
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setattr("scenehash.objects.RETRY_SECONDS", 1)
    with pytest.raises(FetchError, match="does not answer"):
        find_sources([f"{address}/in"], StacOptions())


def test_a_collection_in_a_bucket_names_scenes(
    address: str, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hash_module, "_scheduler", lambda *_: InThisProcess())
    write_object(
        f"{address}/stac/collection.json",
        json.dumps({"type": "Collection", "links": [item_link("./one/item.json")]}).encode(),
    )
    item = item_of(f"{address}/in/b/large.tif", "2026-05-04T03:02:01Z")
    write_object(f"{address}/stac/one/item.json", json.dumps(item).encode())
    collection = f"{address}/stac/collection.json"
    refused = hash_archive(collection, tmp_path / "none", model=model)
    assert (refused.hashed, len(refused.failed)) == (0, 1)
    assert "--assets-from s3://archive/in/b" in str(refused.failed)
    options = IngestOptions(stac=StacOptions(roots=(f"{address}/in",)))
    report = hash_archive(collection, tmp_path / "out", model=model, options=options)
    assert (report.hashed, report.tiles, report.failed) == (1, 429, {})
    load_archive(tmp_path / "out", tmp_path / "s")
    ((record, _),) = records(tmp_path / "s")
    assert record.path == f"{address}/in/b/large.tif"
    assert record.time == datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC).timestamp()
