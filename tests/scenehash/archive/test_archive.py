"""An archive hashed by many processes is what an ingest of it would be."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scenehash import CodeStore, IngestOptions, hash_archive, ingest, load_archive
from scenehash.archive import hash as hash_module
from scenehash.archive import local
from scenehash.archive.local import LocalScheduler
from scenehash.archive.recipe import Recipe
from scenehash.archive.sources import Source
from scenehash.archive.work import Outcome, Task
from scenehash.errors import ArchiveError, InputError, LineageError
from scenehash.model import HashModel
from scenehash.report.contact_sheet import write_picture
from scenehash.store import SceneRecord
from scenehash.tiling import Tiling

from ...command_line import run
from ...tiny_model import SIZE, tiny_model
from ..ingestion.archives import picture, write_scenes
from .parts import ALL, InThisProcess, files


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hash_module, "_scheduler", lambda *_: InThisProcess())


def tiles(path: Path) -> list[tuple[SceneRecord, bytes, list[bytes | None]]]:
    """All that a store has of its scenes, in the order of their rows."""
    with CodeStore.open(path) as store:
        assert (store.verify(), store.vectors_missing()) == ([], 0)
        return [
            (record, codes.tobytes(), store.thumbnails.of_scene(record))
            for record, codes in store.scenes()
        ]


@pytest.mark.slow
def test_the_loaded_store_is_that_of_an_ingest(
    hashed: Path, scenes: Path, model: Path, tmp_path: Path
) -> None:
    assert len([name for name in files(hashed) if "-of-0003" in name]) == 3
    ingest(scenes, tmp_path / "ingested", model, ALL)
    report = load_archive(hashed, tmp_path / "loaded")
    assert (report.stored, report.duplicates, report.missing) == (9, 1, {})
    ours, theirs = tiles(tmp_path / "loaded"), tiles(tmp_path / "ingested")
    assert [record.path for record, *_ in ours] == [record.path for record, *_ in theirs]
    assert sum(record.tiles for record, *_ in ours) == report.tiles
    for one, other in zip(ours, theirs, strict=True):
        assert one[0].checksum() == other[0].checksum()
        assert one[1:] == other[1:]
    again = load_archive(hashed, tmp_path / "loaded")
    assert (again.stored, again.duplicates, again.tiles) == (0, 10, 0)


@pytest.mark.usefixtures("in_this_process")
def test_doing_it_twice_changes_nothing(hashed: Path, scenes: Path, model: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in hashed.glob("parts/*/*")}
    manifest = (hashed / "manifest.json").read_bytes()
    report = hash_archive(scenes, hashed, model=model, options=ALL)
    assert (report.hashed, report.known) == (0, 10)
    (hashed / "manifest.json").unlink()
    report = hash_archive(scenes, hashed, model=model, options=ALL, workers=2)
    assert (report.hashed, report.known) == (10, 0)
    assert (hashed / "manifest.json").read_bytes() == manifest
    assert {path: path.stat().st_mtime_ns for path in hashed.glob("parts/*/*")} == before


@pytest.mark.usefixtures("in_this_process")
def test_one_odd_file_is_noted_and_ends_no_run(model: Path, tmp_path: Path) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    write_scenes(folder, range(3))
    odd = folder / "1b.png"
    odd.write_bytes(b"no picture")
    (folder / "1c.jp2").symlink_to(tmp_path / "nowhere")
    arguments = ("archive", "hash", folder, "--out", out, "--model", model, "--workers", 1)
    result = run(*arguments, "--json")
    assert result.exit_code == 3
    document = json.loads(result.stdout)
    assert document["scenes_hashed"] == 3
    reasons = {Path(item["scene"]).name: item["reason"] for item in document["failed"]}
    assert reasons.keys() == {"1b.png", "1c.jp2"}
    assert "not an image" in reasons["1b.png"]
    assert run("archive", "load", out, "--store", tmp_path / "s").exit_code == 3
    write_picture(odd, picture(9, 2))
    (folder / "1c.jp2").unlink()
    result = run(*arguments)
    assert (result.exit_code, result.stdout.split(", ", 1)[1]) == (0, "3 done already, 0 failed\n")
    with CodeStore.open(tmp_path / "s") as store:
        assert len(store) == 1 + 2 + 3


@pytest.mark.usefixtures("in_this_process")
def test_a_part_that_could_not_be_written_is_made_by_the_next_run(
    hashed: Path, scenes: Path, model: Path, tmp_path: Path
) -> None:
    parts = files(hashed)
    out = tmp_path / "out"
    place = out / Path(min(parts)).parent
    place.parent.mkdir(parents=True)
    place.write_bytes(b"")  # where a folder is wanted
    (out / "model.onnx").write_bytes(model.read_bytes())
    report = hash_archive(scenes, out, model=model, options=ALL, workers=1)
    assert report.failed
    assert all("cannot be written" in reason for reason in report.failed.values())
    assert files(out).items() < parts.items()
    place.unlink()
    report = hash_archive(scenes, out, model=model, options=ALL, workers=1)
    assert report.failed == {}
    assert files(out) == parts
    assert (out / "manifest.json").read_bytes() == (hashed / "manifest.json").read_bytes()


@pytest.mark.usefixtures("in_this_process")
def test_a_scene_that_changed_gets_another_part_in_place_of_its_own(
    model: Path, tmp_path: Path
) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    write_scenes(folder, range(2))
    hash_archive(folder, out, model=model, workers=1)
    before = files(out)
    write_picture(folder / "0.png", picture(7, 2))
    report = hash_archive(folder, out, model=model, workers=1)
    assert (report.hashed, report.known) == (1, 1)
    assert (len(files(out)), len(files(out).keys() & before.keys())) == (2, 1)
    load_archive(out, tmp_path / "s")
    with CodeStore.open(tmp_path / "s") as store:
        assert len(store) == 2 + 2


@pytest.mark.usefixtures("in_this_process")
def test_what_is_damaged_or_gone_is_said_and_made_again(model: Path, tmp_path: Path) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    write_scenes(folder, range(3))
    hash_archive(folder, out, model=model, workers=1)
    whole = files(out)
    for name, data in whole.items():
        middle = len(data) // 3
        (out / name).write_bytes(data[:middle] + b"\x00" * 40 + data[middle + 40 :])
    report = load_archive(out, tmp_path / "s")
    assert len(report.missing) == 3
    assert all("delete it, and hash again" in why for why in report.missing.values())
    for name in whole:
        (out / name).unlink()
    assert hash_archive(folder, out, model=model, workers=1).hashed == 3
    assert files(out) == whole
    assert load_archive(out, tmp_path / "s").stored == 3


def test_an_archive_has_codes_of_one_recipe_alone(
    hashed: Path, scenes: Path, model: Path, tmp_path: Path
) -> None:
    other = tiny_model(tmp_path / "other.onnx", "other")
    with pytest.raises(ArchiveError, match=r"an archive with lineage .*, not .*; model"):
        hash_archive(scenes, hashed, model=other, options=ALL)
    with pytest.raises(ArchiveError, match=r"overlap 0.0, not 0.5; .*thumbnails true, not"):
        hash_archive(scenes, hashed, model=model, options=IngestOptions(Tiling(overlap=0.5)))
    with pytest.raises(ArchiveError, match="not empty, and not an archive"):
        hash_archive(scenes, scenes, model=model)
    with pytest.raises(InputError, match="no such file"):
        hash_archive(tmp_path / "nowhere", tmp_path / "out", model=model)
    with pytest.raises(ArchiveError, match="there is no archive here"):
        load_archive(tmp_path, tmp_path / "s")
    CodeStore.create(tmp_path / "s", "other", 64, "other").close()
    with pytest.raises(LineageError):
        load_archive(hashed, tmp_path / "s")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda it: it["recipe"].pop("lineage"), "lineage"),
        (lambda it: it["recipe"].update(dims=1 << 70), "dims in its recipe is 118"),
        (lambda it: it["recipe"].update(model=None), "model in its recipe is None"),
        (lambda it: it["scenes"][0].update(parts=[7]), "an entry with other values"),
        (lambda it: it["scenes"][0].update(tiles="many"), "an entry with other values"),
        (lambda it: it["scenes"][0].update(state="lost"), "an entry with other values"),
        (
            lambda it: it["scenes"][0].update(parts=["parts/../../victim.parquet"]),
            "'parts/../../victim.parquet' is not the name of a part",
        ),
    ],
)
def test_a_manifest_of_other_values_is_refused(
    change: Callable[[dict[str, Any]], object], reason: str, model: Path, tmp_path: Path
) -> None:
    write_scenes(tmp_path / "in", range(1))
    out, victim = tmp_path / "out", tmp_path / "victim.parquet"
    victim.write_bytes(b"not of the archive")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hash_module, "_scheduler", lambda *_: InThisProcess())
        hash_archive(tmp_path / "in", out, model=model)
        document = json.loads((out / "manifest.json").read_text())
        change(document)
        (out / "manifest.json").write_text(json.dumps(document))
        write_picture(tmp_path / "in" / "0.png", picture(7, 2))
        with pytest.raises(ArchiveError, match=re.escape(reason)):
            hash_archive(tmp_path / "in", out, model=model)
    with pytest.raises(ArchiveError, match=re.escape(reason)):
        load_archive(out, tmp_path / "s")
    assert victim.exists()


@pytest.mark.usefixtures("in_this_process")
def test_a_model_that_is_damaged_or_another_is_not_taken_into_a_store(
    model: Path, tmp_path: Path
) -> None:
    write_scenes(tmp_path / "in", range(1))
    out = tmp_path / "out"
    hash_archive(tmp_path / "in", out, model=model)
    whole = model.read_bytes()
    other = tiny_model(tmp_path / "other.onnx", "other").read_bytes()
    write_scenes(tmp_path / "in", range(1, 2))
    for data, reason in ((whole[:1000], "cannot be used"), (other, "is not the model that made")):
        (out / "model.onnx").write_bytes(data)
        with pytest.raises(ArchiveError, match=reason):
            load_archive(out, tmp_path / "s")
        with pytest.raises(ArchiveError, match=reason):
            hash_archive(tmp_path / "in", out, model=model)
    (out / "model.onnx").unlink()
    assert hash_archive(tmp_path / "in", out, model=model).hashed == 1
    assert load_archive(out, tmp_path / "s").stored == 2
    with pytest.raises(ArchiveError, match="cannot be listed"):
        hash_archive(tmp_path / "in", model, model=model)


class OtherRunMeanwhile(InThisProcess):
    """Does another run as a whole before the first task of its own."""

    def __init__(self, other: Callable[[], object]) -> None:
        super().__init__()
        self._other: Callable[[], object] | None = other

    def finished(self, seconds: float) -> list[tuple[Task, Outcome]]:
        other, self._other = self._other, None
        if other is not None:
            other()
        return super().finished(seconds)


def test_two_runs_at_once_keep_what_the_other_did(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_scenes(tmp_path / "a", range(3))
    write_scenes(tmp_path / "b", range(3, 5))
    out = tmp_path / "out"
    runs: list[InThisProcess] = [
        InThisProcess(),
        OtherRunMeanwhile(lambda: hash_archive(tmp_path / "b", out, model=model)),
    ]
    monkeypatch.setattr(hash_module, "_scheduler", lambda *_: runs.pop())
    assert hash_archive(tmp_path / "a", out, model=model).hashed == 3
    assert load_archive(out, tmp_path / "s").stored == 5


def test_a_run_with_other_options_at_once_is_refused(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_scenes(tmp_path / "a", range(2))
    out, other = tmp_path / "out", IngestOptions(Tiling(overlap=0.5))

    def begin_anew() -> None:
        (out / "manifest.json").unlink()
        hash_archive(tmp_path / "a", out, model=model, options=other)

    runs: list[InThisProcess] = [InThisProcess(), OtherRunMeanwhile(begin_anew)]
    monkeypatch.setattr(hash_module, "_scheduler", lambda *_: runs.pop())
    with pytest.raises(ArchiveError, match="another run began this archive with other options"):
        hash_archive(tmp_path / "a", out, model=model)
    assert load_archive(out, tmp_path / "s").stored == 2


def tasks_of(folder: Path, model: Path, out: Path) -> list[Task]:
    out.mkdir()
    (out / "model.onnx").write_bytes(model.read_bytes())
    recipe = Recipe.of(HashModel.load(model), IngestOptions())
    return [Task(str(out), recipe, Source(str(path), "")) for path in sorted(folder.iterdir())]


@pytest.mark.slow
def test_a_worker_that_is_killed_is_replaced_and_its_task_done(model: Path, tmp_path: Path) -> None:
    write_scenes(tmp_path / "in", range(4))
    tasks = tasks_of(tmp_path / "in", model, tmp_path / "out")
    done: dict[tuple[str, int], Outcome] = {}
    with LocalScheduler(2) as scheduler:
        for task in tasks:
            scheduler.submit(task)
        for worker in scheduler._workers:
            worker._process.kill()
        while len(done) < len(tasks):
            done.update({task.key: outcome for task, outcome in scheduler.finished(1.0)})
        assert scheduler.room() == 4
    assert {outcome.reason for outcome in done.values()} == {""}


@pytest.mark.slow
def test_a_scene_that_ends_every_process_is_given_up_and_no_other(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_scenes(tmp_path / "in", range(3))
    write_scenes(tmp_path / "in" / "deadly", range(1))
    (tmp_path / "deadly_worker.py").write_text(
        "import os, sys\n"
        "from scenehash.archive import worker, work\n"
        "def run(task):\n"
        "    return os._exit(9) if 'deadly' in task.source.scene else work.run_task(task)\n"
        "worker.run_task = run\n"
        "worker.main(int(sys.argv[1]))\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(local, "WORKER", "deadly_worker")
    report = hash_archive(tmp_path / "in", tmp_path / "out", model=model, workers=1)
    assert report.hashed == 3
    assert {Path(scene).parent.name: reason for scene, reason in report.failed.items()} == {
        "deadly": "the process that hashed it ended 3 times: killed, or out of memory"
    }


@pytest.mark.usefixtures("in_this_process")
def test_names_that_are_not_text_are_hashed_and_loaded(model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    write_scenes(folder, range(1))
    (folder / "0.png").rename(os.fsdecode(os.fsencode(folder) + b"/caf\xe9.png"))
    assert hash_archive(folder, tmp_path / "out", model=model, workers=1).hashed == 1
    load_archive(tmp_path / "out", tmp_path / "s")
    ingest(folder, tmp_path / "s2", model)
    assert [record.path for record, *_ in tiles(tmp_path / "s")] == [
        record.path for record, *_ in tiles(tmp_path / "s2")
    ]


def test_a_tile_has_the_size_of_the_model(hashed: Path) -> None:
    manifest = json.loads((hashed / "manifest.json").read_text())
    assert manifest["recipe"]["tile_size"] == SIZE
    assert {scene["state"] for scene in manifest["scenes"]} == {"done"}


TO = "pg://nobody@127.0.0.1:1/none/tiles"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "give --store FOLDER, or"),
        (("--to", TO), "--to needs --station"),
        (("--station", "north"), "give --store FOLDER, or"),
        (("--store", "s", "--station", "north"), "--station works only with --to"),
        (("--store", "s", "--patience", "5"), "--patience works only with --to"),
        (("--to", TO, "--station", "north", "--wait"), "--wait works only with --store"),
        (("--to", TO, "--station", "north", "--store", "s"), "--store and --to: give one"),
    ],
)
def test_options_that_make_no_sense_together_are_wrong_usage(
    options: tuple[str, ...], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SCENEHASH_STORE", raising=False)
    refused = run("archive", "load", "hashed", *options)
    assert refused.exit_code == 2
    assert said in " ".join(refused.stderr.split())
