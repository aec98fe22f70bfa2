"""From scene files to a store: whole scenes, each once, whatever lies between them."""

import contextlib
import shutil
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin

from scenehash import CodeStore, HashModel
from scenehash.decode_params import DecodeParams
from scenehash.demo.tiles import KINDS
from scenehash.ingestion import (
    IngestOptions,
    ingest,
    ingest_files,
    pipeline,
    prefetch,
    retry_quarantine,
)
from scenehash.report.contact_sheet import write_picture
from scenehash.retrieval.crop import Crop
from scenehash.retrieval.pictures import tile_pixels
from scenehash.retrieval.query import read_query
from scenehash.scenes import Tiling, find_scenes

from ...command_line import run
from ...scenes import draw


@pytest.fixture(scope="module")
def model() -> HashModel:
    return HashModel.load(threads=2)


def mosaic(rows: int, columns: int) -> np.ndarray:
    """Views of real scenes side by side, uint8 [H, W, 3]."""
    kinds = iter(KINDS * (rows * columns))
    return np.concatenate(
        [
            np.concatenate([draw(next(kinds), 10 * row + column) for column in range(columns)], 1)
            for row in range(rows)
        ]
    )


def write_raster(path: Path, pixels: np.ndarray) -> None:
    height, width = pixels.shape[:2]
    with rasterio.open(
        path, "w", driver="GTiff", count=3, height=height, width=width, dtype="uint8",
        crs="EPSG:32633", transform=from_origin(500_000, 5_000_000, 10, 10), tiled=True,
    ) as file:  # fmt: skip
        file.write(np.moveaxis(pixels, 2, 0))


def new_store(path: Path, model: HashModel) -> CodeStore:
    return CodeStore.open_or_create(path, model.lineage, model.bits, "a-model")


def test_a_duplicate_that_was_read_before_its_like_was_stored_counts_as_one(
    tmp_path: Path, model: HashModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [tmp_path / f"{name}.png" for name in "abc"]
    for path, kind in zip(paths, ("forest", "harbor", "forest"), strict=True):
        write_picture(path, draw(kind, 1))
    # The reader is ahead of every commit.
    monkeypatch.setattr("scenehash.ingestion.pipeline.SCENES_A_COMMIT", 1)
    monkeypatch.setattr("scenehash.ingestion.prefetch._is_stored", lambda *_: False)
    with new_store(tmp_path / "s", model) as store:
        report = ingest_files(paths, store, model, IngestOptions(threads=1, labels=("new",)))
        assert [scene.path for scene in report.stored] == paths[:2]
        assert report.duplicates == paths[2:]
        assert len(store.contents()) == 2
        # The same files, with another label.
        again = ingest_files(paths, store, model, IngestOptions(threads=1, labels=("newer",)))
    assert (again.stored, len(again.duplicates), again.labelled) == ([], 3, 2)


@pytest.mark.slow
@pytest.mark.parametrize("threads", [1, 3])
def test_scenes_of_every_kind_are_stored_in_order_with_their_own_codes(
    tmp_path: Path, model: HashModel, threads: int
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(70):
        write_picture(folder / f"{number:03}.png", draw(KINDS[number % len(KINDS)], number))
    (folder / "013b.jpg").write_bytes(b"no picture")
    raster = mosaic(3, 4)
    write_raster(folder / "020b.tif", raster)
    cut = folder / "040b.tif"
    write_raster(cut, mosaic(3, 4))
    cut.write_bytes(cut.read_bytes()[:1_500_000])
    (folder / "050b.png").write_bytes((folder / "050.png").read_bytes())
    with new_store(tmp_path / "s", model) as store:
        report = ingest(find_scenes([folder]), store, model, IngestOptions(threads=threads))
        assert len(report.stored) == 71
        assert report.tiles == 70 + 12 == len(store)
        assert [path.name for path in report.duplicates] == ["050b.png"]
        assert [item.path.name for item in report.set_aside] == ["013b.jpg", "040b.tif"]
        assert {Path(item.path).name for item in store.quarantine.list()} == {
            "013b.jpg",
            "040b.tif",
        }
        assert store.verify() == []
        for record, codes in store.scenes():
            if record.path.endswith("020b.tif"):
                images = [raster[y : y + 256, x : x + 256] for x, y, *_ in record.windows.tolist()]
                assert record.footprints is not None
            else:
                images = [draw(KINDS[int(Path(record.path).stem) % len(KINDS)],
                               int(Path(record.path).stem))]  # fmt: skip
            assert np.array_equal(codes, model.encode(images))
        again = ingest(find_scenes([folder]), store, model)
        assert (len(again.stored), len(again.duplicates)) == (0, 72)


def test_a_large_scene_that_is_known_is_found_out_while_it_is_read(
    tmp_path: Path, model: HashModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    from scenehash.scenes import raster

    monkeypatch.setattr(raster, "LARGE_BYTES", 1000)
    write_raster(tmp_path / "a.tif", mosaic(3, 4))
    write_picture(tmp_path / "b.png", draw("forest", 1))
    files = [tmp_path / "a.tif", tmp_path / "b.png"]
    with new_store(tmp_path / "s", model) as store:
        assert [scene.tiles for scene in ingest(files, store, model).stored] == [12, 1]
        again = ingest_files([*files, tmp_path / "a.tif"], store, model)
        assert (len(again.stored), len(again.duplicates)) == (0, 3)
        assert len(store) == 13
        assert store.verify() == []


def test_a_scene_that_was_stored_after_the_reader_looked_is_a_duplicate(
    tmp_path: Path, model: HashModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        write_picture(tmp_path / folder / "x.png", draw("harbor", 1))
    monkeypatch.setattr(pipeline, "SCENES_A_COMMIT", 1)
    monkeypatch.setattr(prefetch, "_is_stored", lambda *_: False)
    options = IngestOptions(label_from_folder=True)
    report = ingest([tmp_path / "a", tmp_path / "b"], tmp_path / "s", model, options)
    assert (len(report.stored), len(report.duplicates), report.labelled) == (1, 1, 1)
    with CodeStore.open(tmp_path / "s") as store:
        ((record, _),) = store.scenes()
        assert sorted(record.labels) == ["a", "b"]


def test_what_was_mended_leaves_the_quarantine(tmp_path: Path, model: HashModel) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"")
    with new_store(tmp_path / "s", model) as store:
        ingest([path], store, model)
        assert "0 bytes" in store.quarantine.list()[0].reason
        write_picture(path, draw("forest", 1))
        ingest([path], store, model)
        assert store.quarantine.list() == []
        assert store.verify() == []


def test_a_scene_without_data_is_set_aside(tmp_path: Path, model: HashModel) -> None:
    write_raster(tmp_path / "black.tif", np.zeros((600, 600, 3), np.uint8))
    with new_store(tmp_path / "s", model) as store:
        (item,) = ingest([tmp_path / "black.tif"], store, model).set_aside
        assert "at least 50% valid pixels" in item.reason
        assert len(store) == 0


def test_the_steps_of_an_ingest_are_as_many_as_were_planned(
    tmp_path: Path, model: HashModel
) -> None:
    write_raster(tmp_path / "black.tif", np.zeros((600, 600, 3), np.uint8))
    write_raster(tmp_path / "good.tif", mosaic(2, 3))
    shutil.copy(tmp_path / "good.tif", tmp_path / "same.tif")
    damaged = bytearray((tmp_path / "good.tif").read_bytes())
    del damaged[len(damaged) // 2 :]
    (tmp_path / "damaged.tif").write_bytes(damaged)

    class Counting:
        planned = done = 0

        def task(self, name: str, total: int) -> contextlib.AbstractContextManager["Counting"]:
            del name
            self.planned += total
            return contextlib.nullcontext(self)

        def message(self, text: str) -> None: ...

        def plan(self, more: int) -> None:
            self.planned += more

        def advance(self, tiles: int) -> None:
            self.done += tiles

    counting = Counting()
    with new_store(tmp_path / "s", model) as store:
        ingest(find_scenes([tmp_path]), store, model, progress=counting)
    assert counting.done == counting.planned


@pytest.mark.slow
def test_an_error_while_hashing_ends_the_reader_too(tmp_path: Path, model: HashModel) -> None:
    for number in range(80):
        write_picture(tmp_path / f"{number:03}.png", draw("forest", number))
    threads = threading.active_count()

    class Failing:
        def task(self, name: str, total: int) -> contextlib.AbstractContextManager["Failing"]:
            del name, total
            return contextlib.nullcontext(self)

        def message(self, text: str) -> None: ...

        def plan(self, more: int) -> None: ...

        def advance(self, tiles: int) -> None:
            raise RuntimeError(f"the screen is gone, with {tiles} tiles")

    with (
        new_store(tmp_path / "s", model) as store,
        pytest.raises(RuntimeError, match="the screen is gone"),
    ):
        ingest(find_scenes([tmp_path]), store, model, progress=Failing())
    assert threading.active_count() == threads
    with CodeStore.open(tmp_path / "s") as store:
        assert store.verify() == []


def test_a_crop_of_a_stored_scene_finds_its_own_tile(tmp_path: Path, model: HashModel) -> None:
    raster = mosaic(3, 4)
    write_raster(tmp_path / "a.tif", raster)
    with new_store(tmp_path / "s", model) as store:
        ingest([tmp_path / "a.tif"], store, model, IngestOptions(Tiling(overlap=0.5)))
        text = str(tmp_path / "a.tif")
        query = read_query(text, store, lambda: model, Crop(window=(512, 256, 256, 256)))
        hit = store.search(query.code[None], 1)[0][0]
        assert (hit.distance, hit.window.x, hit.window.y) == (0, 512, 256)
        assert hit.footprint is not None
        longitude, latitude = np.mean(hit.footprint, axis=0)
        query = read_query(text, store, lambda: model, Crop(place=(latitude, longitude)))
        (window,) = query.windows
        assert (window.x, window.y, window.width) == (512, 256, 256)
        shown = tile_pixels(tmp_path / "a.tif", window, query.decode_params, 256)
        assert shown is not None
        assert np.array_equal(shown, raster[256:512, 512:768])


def test_sixteen_bits_are_shown_and_searched_as_they_were_stored(
    tmp_path: Path, model: HashModel
) -> None:
    pixels = mosaic(2, 3).astype(np.uint16) * 40 + 300
    path = tmp_path / "a.tif"
    with rasterio.open(
        path, "w", driver="GTiff", count=3, height=512, width=768, dtype="uint16",
        crs="EPSG:32633", transform=from_origin(500_000, 5_000_000, 10, 10),
    ) as file:  # fmt: skip
        file.write(np.moveaxis(pixels, 2, 0)[::-1])
    with new_store(tmp_path / "s", model) as store:
        ingest([path], store, model, IngestOptions(params=DecodeParams("3,2,1")))
        hit = store.search(store.codes(np.array([4])), 1)[0][0]
        assert hit.decode_params["bands"] == [3, 2, 1]
        shown = tile_pixels(path, hit.window, hit.decode_params, 256)
        assert shown is not None
        window = hit.window
        truth = pixels[window.y : window.y + 256, window.x : window.x + 256].astype(float)
        assert np.corrcoef(truth.ravel(), shown.ravel().astype(float))[0, 1] > 0.98
        assert np.array_equal(store.codes(np.array([hit.row])), model.encode([shown]))


def test_a_scene_that_needed_bands_is_stored_already_without_them(
    tmp_path: Path, model: HashModel
) -> None:
    path = tmp_path / "a.tif"
    with rasterio.open(
        path, "w", driver="GTiff", count=6, height=256, width=256, dtype="uint8",
        crs="EPSG:32633", transform=from_origin(500_000, 5_000_000, 10, 10),
    ) as file:  # fmt: skip
        file.write(np.concatenate([np.moveaxis(mosaic(1, 1), 2, 0)] * 2))
    with new_store(tmp_path / "s", model) as store:
        assert len(ingest([path], store, model).set_aside) == 1
        asked = IngestOptions(params=DecodeParams("3,2,1"))
        assert len(retry_quarantine(store, model, asked).stored) == 1
        for done in (ingest([path], store, model), retry_quarantine(store, model)):
            assert done.set_aside == [] and store.quarantine.list() == []
        done = ingest([path], store, model, IngestOptions(labels=("x",)))
        assert done.duplicates == [path] and done.read_by_bands == {path: (3, 2, 1)}
        assert done.labelled == 1
        # Other bands that it lacks are still wrong, and other pixels are another scene.
        wrong = IngestOptions(params=DecodeParams("9,2,1"))
        assert len(ingest([path], store, model, wrong).set_aside) == 1
        with rasterio.open(path, "r+") as file:
            file.write(255 - file.read())
        assert len(ingest([path], store, model).set_aside) == 1


@pytest.mark.parametrize(
    ("tiling", "is_other"),
    [
        (Tiling(), False),
        (Tiling(min_valid=0), False),
        (Tiling(pixels=256), False),
        (Tiling(pixels=200), True),
        (Tiling(overlap=0.5), True),
        (Tiling(whole=True), True),
        (Tiling(metres=300), True),
    ],
)
def test_a_scene_that_is_stored_in_other_tiles_than_asked_for_is_named(
    tmp_path: Path, model: HashModel, tiling: Tiling, is_other: bool
) -> None:
    pixels = mosaic(2, 2)
    pixels[:256, :256] = 0
    alpha = np.where(pixels.any(axis=2, keepdims=True), 255, 0).astype(np.uint8)
    path = tmp_path / "a.png"
    cv2.imwrite(str(path), np.dstack([pixels, alpha]))
    with new_store(tmp_path / "s", model) as store:
        assert ingest([path], store, model).skipped == 1
        done = ingest([path], store, model, IngestOptions(tiling=tiling))
        assert done.duplicates == [path]
        assert done.cut_otherwise == ([path] if is_other else [])
    again = run("ingest", path, "--store", tmp_path / "s", "--overlap", "0.5")
    assert "1 scene stored already, in other tiles than asked for" in again.stderr


def test_a_plain_image_in_a_folder_of_rasters_needs_no_rasterio(
    tmp_path: Path, model: HashModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "scenehash.scenes.raster", None)
    write_raster(tmp_path / "a.tif", mosaic(2, 2))
    cv2.imwrite(str(tmp_path / "b.png"), mosaic(2, 2))
    with new_store(tmp_path / "s", model) as store:
        report = ingest(find_scenes([tmp_path / "a.tif", tmp_path / "b.png"]), store, model)
        assert [scene.path.name for scene in report.stored] == ["b.png"]
        assert "its extra geo" in report.set_aside[0].reason
