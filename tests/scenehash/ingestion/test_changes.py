"""Files that change between ingests: moved, replaced, labelled; and files that end no ingest."""

import json
import os
import shutil
import struct
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import scenehash
from scenehash import CodeStore, HashModel, IngestOptions, Tiling
from scenehash.files import path_text
from scenehash.ingestion import ingest, ingest_files, prefetch, read_ahead, retry_quarantine
from scenehash.report.contact_sheet import write_picture
from scenehash.retrieval.pictures import picture_of
from scenehash.scenes import open_scene
from scenehash.scenes.exposure import shows_nothing
from scenehash.store import Filter, Hit

from ...scenes import draw
from .test_ingest import mosaic, write_raster


@pytest.fixture(scope="module")
def model() -> HashModel:
    return HashModel.load(threads=2)


def paths_in(store: Path) -> list[str]:
    with CodeStore.open(store) as opened:
        assert opened.verify() == []
        return sorted(record.path for record, _ in opened.scenes())


def rows(store: Path, label: str) -> int:
    with CodeStore.open(store) as opened:
        return sum(len(found) for found, _ in opened.living(Filter(label=label)))


def test_the_library_takes_paths_a_folder_of_a_store_and_no_model(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    write_picture(tmp_path / "in/a.png", draw("forest", 1))
    report = scenehash.ingest([str(tmp_path / "in")], str(tmp_path / "s"))
    assert [scene.path.name for scene in report.stored] == ["a.png"]
    assert json.loads(json.dumps(report.document()))["scenes_stored"] == 1
    with CodeStore.open(tmp_path / "s", writable=True) as store:
        again = scenehash.ingest([tmp_path / "in"], store, options=IngestOptions(threads=1))
        assert len(again.duplicates) == 1
        assert len(store) == 1  # it was left open


def test_a_scene_that_moved_is_followed_and_a_copy_is_not(tmp_path: Path, model: HashModel) -> None:
    old, new, store = tmp_path / "old", tmp_path / "new", tmp_path / "s"
    old.mkdir()
    write_picture(old / "a.png", draw("forest", 1))
    write_raster(old / "b.tif", mosaic(2, 2))
    ingest([old], store, model)
    shutil.copytree(old, tmp_path / "copy")
    report = ingest([tmp_path / "copy"], store, model)
    assert (len(report.duplicates), report.moved) == (2, [])
    shutil.rmtree(tmp_path / "copy")
    old.rename(new)
    report = ingest([new], store, model)
    assert [(str(moved.path), moved.previous) for moved in report.moved] == [
        (str(new / name), str(old / name)) for name in ("a.png", "b.tif")
    ]
    assert paths_in(store) == [str(new / "a.png"), str(new / "b.tif")]
    assert ingest([new], store, model).moved == []


def test_a_scene_whose_old_path_has_another_file_by_now_is_followed(
    tmp_path: Path, model: HashModel
) -> None:
    latest, kept, store = tmp_path / "latest.png", tmp_path / "kept.png", tmp_path / "s"
    write_picture(latest, draw("forest", 1))
    ingest([latest], store, model)
    latest.rename(kept)
    write_picture(latest, draw("beach", 2))
    report = ingest([latest, kept], store, model)
    assert (len(report.stored), len(report.moved)) == (1, 1)
    assert paths_in(store) == [str(kept), str(latest)]


@pytest.mark.parametrize("thumbnails", [False, True])
def test_a_file_that_was_replaced_never_shows_under_the_old_code(
    tmp_path: Path, model: HashModel, thumbnails: bool
) -> None:
    path, store = tmp_path / "latest.png", tmp_path / "s"
    forest, beach = draw("forest", 1), draw("beach", 2)
    options = IngestOptions(thumbnails=thumbnails)

    def shown(row: int) -> np.ndarray | None:
        with CodeStore.open(store) as opened:
            try:
                return picture_of(f"row:{row}", opened)
            except scenehash.ScenehashError:
                return None

    def close_to(row: int, image: np.ndarray) -> bool:
        picture = shown(row)
        assert picture is not None
        small = image.mean(axis=(0, 1))
        return bool(np.abs(picture.mean(axis=(0, 1)) - small).max() < 3)

    write_picture(path, forest)
    ingest([path], store, model, options)
    write_picture(path, beach)
    for _ in range(2):  # before the new file is ingested, and after
        assert close_to(0, forest) if thumbnails else shown(0) is None
        ingest([path], store, model, options)
    assert close_to(1, beach)
    write_picture(path, forest)
    report = ingest([path], store, model, options)
    assert (len(report.duplicates), report.moved) == (1, [])
    assert close_to(0, forest)
    assert close_to(1, beach) if thumbnails else shown(1) is None


def test_labels_are_added_to_scenes_that_are_stored(tmp_path: Path, model: HashModel) -> None:
    store = tmp_path / "s"
    for folder in ("harbor", "forest"):
        (tmp_path / folder).mkdir()
        write_picture(tmp_path / folder / "a.png", draw(folder, 1))
    ingest([tmp_path / "harbor", tmp_path / "forest"], store, model)
    report = ingest([tmp_path / "harbor"], store, model, IngestOptions(labels=("ships",)))
    assert (report.labelled, rows(store, "ships")) == (1, 1)
    folders = IngestOptions(label_from_folder=True)
    report = ingest([tmp_path / "harbor", tmp_path / "forest"], store, model, folders)
    assert (report.labelled, rows(store, "harbor"), rows(store, "forest")) == (2, 1, 1)
    assert rows(store, "ships") == 1
    assert ingest([tmp_path / "harbor"], store, model, folders).labelled == 0
    assert paths_in(store) == sorted(
        str(tmp_path / name / "a.png") for name in ("harbor", "forest")
    )


def test_the_same_bytes_in_two_folders_get_both_labels_at_once(
    tmp_path: Path, model: HashModel
) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        write_picture(tmp_path / folder / "x.png", draw("forest", 1))
    ingest([tmp_path / "a", tmp_path / "b"], tmp_path / "s", model,
           IngestOptions(label_from_folder=True))  # fmt: skip
    assert (rows(tmp_path / "s", "a"), rows(tmp_path / "s", "b")) == (1, 1)


def test_whatever_one_file_does_it_alone_is_set_aside(
    tmp_path: Path, model: HashModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b", "c", "d", "e"):
        write_picture(tmp_path / f"{name}.png", draw("forest", ord(name)))
    opened = open_scene
    errors = {
        "b": RecursionError("too deep"),
        "c": OverflowError("\x1b[2J"),
        "d": KeyError("x" * 999),
    }

    def failing(path: Path, *rest: Any) -> object:
        if path.stem in errors:
            raise errors[path.stem]
        return opened(path, *rest)

    monkeypatch.setattr(prefetch, "open_scene", failing)
    report = ingest([tmp_path], tmp_path / "s", model)
    assert [scene.path.stem for scene in report.stored] == ["a", "e"]
    reasons = [item.reason for item in report.set_aside]
    assert reasons[:2] == [
        "cannot be read (unexpected RecursionError: too deep)",
        "cannot be read (unexpected OverflowError: \\u001b[2J)",
    ]
    assert len(reasons[2]) < 300
    monkeypatch.undo()
    assert len(retry_quarantine(tmp_path / "s", model).stored) == 3
    with CodeStore.open(tmp_path / "s") as store:
        assert store.quarantine.list() == []


@pytest.mark.parametrize("kind", [MemoryError, scenehash.ScenehashError])
def test_what_is_no_fault_of_one_file_ends_the_run(
    tmp_path: Path, model: HashModel, monkeypatch: pytest.MonkeyPatch, kind: type[Exception]
) -> None:
    write_picture(tmp_path / "a.png", draw("forest", 1))

    def failing(*_: object) -> object:
        raise kind("no more")

    monkeypatch.setattr(prefetch, "open_scene", failing)
    with pytest.raises(kind, match="no more"):
        ingest([tmp_path], tmp_path / "s", model)


def test_a_file_that_does_not_answer_is_given_up_and_the_rest_goes_on(
    tmp_path: Path, model: HashModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b", "c"):
        write_picture(tmp_path / f"{name}.png", draw("forest", ord(name)))
    opened, answer = open_scene, threading.Event()

    def stalling(path: Path, *rest: Any) -> object:
        if path.stem == "b":
            answer.wait()
        return opened(path, *rest)

    monkeypatch.setattr(prefetch, "open_scene", stalling)
    monkeypatch.setattr(read_ahead, "STALLED_SECONDS", 0.5)
    report = ingest([tmp_path], tmp_path / "s", model)
    assert [scene.path.stem for scene in report.stored] == ["a", "c"]
    assert [item.path.stem for item in report.set_aside] == ["b"]
    assert "check whether its disk answers" in report.set_aside[0].reason
    answer.set()


def test_a_file_that_changes_while_it_is_read_is_set_aside(
    tmp_path: Path, model: HashModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.tif"
    write_raster(path, mosaic(2, 2))
    looked_at = shows_nothing

    def written_to(image: np.ndarray) -> object:
        write_raster(path, mosaic(2, 2)[::-1])
        return looked_at(image)

    monkeypatch.setattr(prefetch, "shows_nothing", written_to)
    report = ingest([path], tmp_path / "s", model)
    assert "changed while it was read" in report.set_aside[0].reason


def test_a_name_that_is_not_utf_8_is_stored_shown_and_found(
    tmp_path: Path, model: HashModel
) -> None:
    folder, store = tmp_path / "in", tmp_path / "s"
    folder.mkdir()
    odd = folder / os.fsdecode(b"caf\xe9_\xff.png")
    write_picture(tmp_path / "x.png", draw("forest", 1))
    shutil.move(tmp_path / "x.png", odd)
    (folder / os.fsdecode(b"bad_\xfe.png")).write_bytes(b"nothing")
    write_raster(tmp_path / "x.tif", mosaic(2, 2))
    shutil.move(tmp_path / "x.tif", folder / os.fsdecode(b"gdal_\xfe.tif"))
    report = ingest([folder], store, model)
    assert json.loads(json.dumps(report.document()).encode())["scenes"][0]["path"] == path_text(odd)
    assert [item.reason.split(";")[0] for item in report.set_aside] == [
        "not an image: no JPEG, PNG, BMP, WebP, TIFF, JPEG 2000, Erdas Imagine or NITF, by its "
        "first bytes",
        "its name is not UTF-8, which GDAL needs",
    ]
    assert paths_in(store) == [f"{folder}/caf\\xe9_\\xff.png"]
    with CodeStore.open(store) as opened:
        assert len(opened.quarantine.list()) == 2
        assert picture_of("row:0", opened).shape == (256, 256, 3)
        hits: list[Hit] = opened.search(opened.codes(np.array([0])), 1)[0]
        json.dumps(hits[0].document()).encode()
    assert len(ingest([folder], store, model).duplicates) == 1


def test_blank_and_saturated_tiles_are_counted_and_warned_of(
    tmp_path: Path, model: HashModel
) -> None:
    write_picture(tmp_path / "blank.png", np.full((300, 300, 3), 90, np.uint8))
    clouds = draw("forest", 1).copy()
    clouds[: len(clouds) * 2 // 3] = 255
    write_picture(tmp_path / "clouds.png", clouds)
    write_picture(tmp_path / "good.png", draw("beach", 2))
    report = ingest([tmp_path], tmp_path / "s", model)
    assert [(scene.blank, scene.saturated) for scene in report.stored] == [(1, 0), (0, 1), (0, 0)]
    assert [len(scene.warnings) for scene in report.stored] == [1, 1, 0]
    document = report.document()
    assert (document["tiles_blank"], document["tiles_saturated"]) == (1, 1)


def test_other_formats_are_named(tmp_path: Path, model: HashModel) -> None:
    write_picture(tmp_path / "a.png", draw("forest", 1))
    for name in ("b.xyz", "c.xyz", "d.nc", "a.json"):
        (tmp_path / name).touch()
    report = ingest([tmp_path], tmp_path / "s", model)
    assert report.passed_over == {".xyz": 2, ".nc": 1}


def test_a_file_that_is_gone_is_set_aside_where_it_was_listed_before(
    tmp_path: Path, model: HashModel
) -> None:
    with CodeStore.for_model(tmp_path / "s", model) as store:
        (item,) = ingest_files([tmp_path / "gone.png"], store, model).set_aside
        assert item.reason == "cannot be read (No such file or directory)"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["png", "device", "pipe", "sidecar", "sparse"])
def test_a_bomb_costs_little_memory_and_time(tmp_path: Path, name: str) -> None:
    """In a process of its own: at most 600 MB with the model, and nowhere near a minute."""
    from ..scenes.test_size_limits import png

    path = tmp_path / "a.png"
    if name == "png":
        path.write_bytes(png(32768, 32700))
    elif name == "device":
        path.symlink_to("/dev/zero")
    elif name == "pipe":
        os.mkfifo(path)
    else:
        write_picture(path, draw("forest", 1))
        large = path.with_suffix(".json") if name == "sidecar" else tmp_path / "b.png"
        with large.open("wb") as file:
            file.truncate(6 << 30)
    program = (
        "import sys, scenehash\n"
        "report = scenehash.ingest([sys.argv[1]], sys.argv[2])\n"
        "peak = open('/proc/self/status').read().split('VmHWM:')[1].split()[0]\n"
        "print(int(peak) // 1024, len(report.stored), len(report.set_aside))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, tmp_path, tmp_path / "s"],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    peak, stored, set_aside = map(int, done.stdout.split())
    assert peak < 600
    assert (stored, set_aside) == {"sidecar": (1, 0), "sparse": (1, 1)}.get(name, (0, 1))


def test_a_scene_of_too_many_tiles_is_set_aside_at_once(tmp_path: Path, model: HashModel) -> None:
    write_raster(tmp_path / "a.tif", mosaic(4, 4))
    tiling = Tiling(pixels=1)
    report = ingest([tmp_path / "a.tif"], tmp_path / "s", model, IngestOptions(tiling))
    assert "1,048,576 tiles, and a scene may have 524,288" in report.set_aside[0].reason


def test_a_tiff_whose_directory_lies_beyond_all_bytes_is_set_aside(
    tmp_path: Path, model: HashModel
) -> None:
    path = tmp_path / "far.tif"
    path.write_bytes(b"II" + struct.pack("<HHHQ", 43, 8, 0, 2**64 - 8))
    report = ingest([path], tmp_path / "s", model)
    assert "unexpected" not in report.set_aside[0].reason
