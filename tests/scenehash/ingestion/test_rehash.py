"""A store changes to another model, and nothing is lost on the way."""

import random
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from scenehash import CodeStore, Filter, HashModel, IngestOptions, ingest, rehash
from scenehash import scenes as scenes_room
from scenehash.errors import (
    ConfigurationError,
    LineageError,
    StoreBusyError,
    StoreDamagedError,
    StoreError,
)
from scenehash.ingestion import rereading
from scenehash.ingestion.rehash import RehashReport
from scenehash.store import Alert, Expected, Rule, earlier_path, fitted_on
from scenehash.store.files.rehash_work import REHASH, rehash_work

from ...tiny_model import DIMS
from .archives import check_codes, make_store, models, picture, write_scenes

SCENES = 12


@pytest.fixture(scope="module")
def by(tmp_path_factory: pytest.TempPathFactory) -> dict[str, HashModel]:
    return models(tmp_path_factory.mktemp("models"))


@pytest.fixture
def scenes(tmp_path: Path) -> Path:
    write_scenes(tmp_path / "scenes", range(SCENES))
    return tmp_path / "scenes"


def accounted(report: RehashReport) -> int:
    return report.scenes + len(report.unreachable)


@pytest.fixture
def no_files(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> Iterator[object]:
        raise AssertionError("a scene was read")

    monkeypatch.setattr(rereading, "reopen_scene", refuse)


@pytest.mark.usefixtures("no_files")
def test_an_adaptation_makes_its_codes_of_kept_vectors(
    tmp_path: Path, scenes: Path, by: dict[str, HashModel]
) -> None:
    store = make_store(tmp_path / "s", scenes, by["first"])
    with CodeStore.open(store) as before:
        rows = {record.path: record.first_row for record, _ in before.scenes()}
    shutil.rmtree(scenes)
    report = rehash(store, by["adapted"])
    assert (report.from_vectors, accounted(report)) == (SCENES, SCENES)
    assert (report.lineage, report.bits) == (by["adapted"].lineage, 128)
    with CodeStore.open(store) as after:
        assert after.bits == 128
        check_codes(after, by["adapted"])
        assert {record.path: record.first_row for record, _ in after.scenes()} == rows
        assert after.vector_count() == len(after)
        assert after.model_file() is not None
        assert not (store / REHASH).exists()
        assert [path.name for path in store.glob("codes*")] == ["codes.1.bin"]
        assert len(list(store.glob("model-*"))) == 1


@pytest.mark.parametrize("name", ["other", "plain", "adapted"])
@pytest.mark.parametrize("kept", [True, False])
def test_without_vectors_of_use_scenes_are_read_again(
    tmp_path: Path, scenes: Path, by: dict[str, HashModel], name: str, kept: bool
) -> None:
    store = make_store(tmp_path / "s", scenes, by["first"], vectors=kept)
    report = rehash(store, by[name])
    of_vectors = name == "adapted" and kept
    assert (report.from_vectors, report.rehashed) == ((SCENES, 0) if of_vectors else (0, SCENES))
    with CodeStore.open(store) as after:
        check_codes(after, by[name])
        # New vectors took the place of those of another frame.
        has = kept and name != "plain"
        assert after.vector_count() == (len(after) if has else 0)
        assert after.vectors.kept == has
    assert any("gives no representations" in text for text in report.warnings) == (
        kept and name == "plain"
    )
    # And the new ones are of use.
    if kept and name == "other":
        shutil.rmtree(scenes)
        with pytest.raises(StoreError, match="no scene can be read"):
            rehash(store, by["first"])


def test_deleted_scenes_leave_no_codes_and_rows_are_not_given_again(
    tmp_path: Path, scenes: Path, by: dict[str, HashModel]
) -> None:
    store = make_store(tmp_path / "s", scenes, by["first"])
    with CodeStore.open(store, writable=True) as before:
        before.delete(Filter(scene=str(scenes / "2.png")))
        before.compact()
        before.delete(Filter(scene=str(scenes / "5.png")))
        rows, tiles = before.rows, len(before)
    report = rehash(store, by["other"])
    assert accounted(report) == SCENES - 2
    write_scenes(scenes, range(SCENES, SCENES + 1))
    ingest([scenes / f"{SCENES}.png"], store, by["other"], IngestOptions(threads=1))
    with CodeStore.open(store) as after:
        check_codes(after, by["other"])
        assert (after.rows, len(after)) == (rows + 1, tiles + 1)
        assert (store / "codes.2.bin").stat().st_size == 8 * (tiles + 1)


@pytest.mark.usefixtures("no_files")
def test_shorter_codes_of_the_same_model_are_cut(
    tmp_path: Path, scenes: Path, by: dict[str, HashModel]
) -> None:
    store = make_store(tmp_path / "s", scenes, by["first"], vectors=False)
    report = rehash(store, by["first"], bits=16)
    assert (report.from_codes, accounted(report)) == (SCENES, SCENES)
    with CodeStore.open(store) as after:
        assert after.bits == 16
        check_codes(after, by["first"])
    with pytest.raises(ConfigurationError, match="24 bits"):
        rehash(store, by["first"], bits=24)


def test_a_store_of_the_model_stays_as_it_is(
    tmp_path: Path, scenes: Path, by: dict[str, HashModel]
) -> None:
    store = make_store(tmp_path / "s", scenes, by["first"])
    report = rehash(store, by["first"])
    assert accounted(report) == 0
    with CodeStore.open(store) as after:
        check_codes(after, by["first"])
    assert [path.name for path in store.glob("codes*")] == ["codes.bin"]


def test_moved_scenes_are_found_and_followed(
    tmp_path: Path, scenes: Path, by: dict[str, HashModel]
) -> None:
    store = make_store(tmp_path / "s", scenes, by["first"], vectors=False)
    (tmp_path / "new").mkdir()
    for number in range(6):
        (scenes / f"{number}.png").rename(tmp_path / "new" / f"{number}.png")
    # Of another content: not the scene that was stored.
    shutil.copy(tmp_path / "new" / "3.png", tmp_path / "new" / "4.png")
    report = rehash(store, by["other"], moved=[(scenes, tmp_path / "new")])
    assert sorted(item.path.name for item in report.moved) == [
        f"{number}.png" for number in (0, 1, 2, 3, 5)
    ]
    assert (report.rehashed, accounted(report)) == (6, SCENES)
    assert [item.path for item in report.unreachable] == [scenes / "4.png"]
    with CodeStore.open(store) as after:
        check_codes(after, by["other"])
        paths = {record.path for record, _ in after.scenes()}
        assert str(tmp_path / "new" / "1.png") in paths
        assert str(scenes / "1.png") not in paths


def test_what_cannot_be_read_is_searched_in_the_old_generation_and_comes_back(
    tmp_path: Path, scenes: Path, by: dict[str, HashModel]
) -> None:
    store = make_store(tmp_path / "s", scenes, by["first"], vectors=False)
    away = tmp_path / "away"
    away.mkdir()
    for number in (1, 4):
        (scenes / f"{number}.png").rename(away / f"{number}.png")
    # Another scene has its path now.
    (scenes / "7.png").rename(away / "7.png")
    write_scenes(scenes, range(100, 101))
    (scenes / "100.png").rename(scenes / "7.png")
    with CodeStore.open(store) as before:
        wanted = {record.path: codes.copy() for record, codes in before.scenes()}
    with pytest.raises(StoreError, match="3 scenes cannot be read"):
        rehash(store, by["other"], require_all=True)
    with CodeStore.open(store) as after:
        check_codes(after, by["first"])
    report = rehash(store, by["other"])
    assert (report.rehashed, len(report.unreachable)) == (SCENES - 3, 3)
    reasons = {item.path.name: item.reason for item in report.unreachable}
    assert "differs from the stored scene" in reasons["7.png"]
    assert "No such file" in reasons["1.png"]
    folder = earlier_path(store, "first", 64)
    assert report.earlier == [str(folder)]
    with CodeStore.open(folder) as earlier, CodeStore.open(store) as after:
        assert earlier.verify() == []
        assert {Path(record.path).name for record, _ in earlier.scenes()} == set(reasons)
        for record, codes in earlier.scenes():
            assert np.array_equal(codes, wanted[record.path])
            (hit, *_) = earlier.search(codes, 1)[0]
            assert (hit.distance, hit.scene) == (0, record.path)
        assert earlier.model_file() is not None
        check_codes(after, by["other"])
        (left,) = after.earlier()
        assert (left.scenes, left.lineage, left.path) == (3, "first", folder)
        assert str(folder) in str(left)
    # One is there again, one is elsewhere.
    (away / "1.png").rename(scenes / "1.png")
    report = rehash(store, by["other"], moved=[(scenes, away)])
    assert (report.returned, report.rehashed, len(report.moved)) == (3, 1, 2)
    assert not report.unreachable
    assert not (store / "earlier").exists()
    with CodeStore.open(store) as after:
        check_codes(after, by["other"])
        assert after.counts()[0] == SCENES
        assert after.earlier() == []


def test_earlier_scenes_come_back_of_their_vectors_without_a_file(
    tmp_path: Path, scenes: Path, by: dict[str, HashModel]
) -> None:
    store = make_store(tmp_path / "s", scenes, by["first"])
    for number in (1, 4):
        (scenes / f"{number}.png").unlink()
    assert len(rehash(store, by["plain"]).unreachable) == 2
    report = rehash(store, by["adapted"])
    assert (report.returned, report.from_vectors, report.rehashed) == (2, 2, SCENES - 2)
    with CodeStore.open(store) as after:
        assert after.counts()[0] == SCENES
        check_codes(after, by["adapted"])


def test_back_to_the_old_model_scenes_that_were_left_behind_are_taken_as_they_are(
    tmp_path: Path, scenes: Path, by: dict[str, HashModel]
) -> None:
    store = make_store(tmp_path / "s", scenes, by["first"], vectors=False)
    (scenes / "1.png").unlink()
    rehash(store, by["other"])
    report = rehash(store, by["first"])
    assert (report.from_codes, report.returned, accounted(report)) == (1, 1, SCENES)
    with CodeStore.open(store) as after:
        check_codes(after, by["first"])


def test_without_any_file_nothing_changes(
    tmp_path: Path, scenes: Path, by: dict[str, HashModel]
) -> None:
    store = make_store(tmp_path / "s", scenes, by["first"], vectors=False)
    shutil.rmtree(scenes)
    with pytest.raises(StoreError, match=r"no scene can be read.*--moved"):
        rehash(store, by["other"])
    with CodeStore.open(store) as after:
        check_codes(after, by["first"])
        assert not (store / "earlier").exists()


def test_work_that_was_done_is_not_done_again(
    tmp_path: Path, scenes: Path, by: dict[str, HashModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = make_store(tmp_path / "s", scenes, by["first"], vectors=False)
    read: list[str] = []
    opened = scenes_room.reopen_scene

    def interrupted(path: Path, params: object) -> object:
        read.append(path.name)
        if len(read) == 9:
            raise KeyboardInterrupt
        return opened(path, params)  # type: ignore[arg-type]

    monkeypatch.setattr(rereading, "reopen_scene", interrupted)
    monkeypatch.setattr(rereading, "SCENES_A_COMMIT", 2)
    with pytest.raises(KeyboardInterrupt):
        rehash(store, by["other"])
    assert (store / REHASH).exists()
    with CodeStore.open(store) as before:
        check_codes(before, by["first"])
    report = rehash(store, by["other"])
    assert len(read) == 9 + SCENES - 8
    assert report.rehashed == SCENES
    with CodeStore.open(store) as after:
        check_codes(after, by["other"])


def test_work_that_is_damaged_is_done_again(
    tmp_path: Path, scenes: Path, by: dict[str, HashModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = make_store(tmp_path / "begun", scenes, by["first"], vectors=False)
    with monkeypatch.context() as patch:
        read: list[object] = []

        def interrupted(path: Path, params: object) -> object:
            read.append(path)
            if len(read) == 9:
                raise KeyboardInterrupt
            return scenes_room.reopen_scene(path, params)  # type: ignore[arg-type]

        patch.setattr(rereading, "reopen_scene", interrupted)
        patch.setattr(rereading, "SCENES_A_COMMIT", 2)
        with pytest.raises(KeyboardInterrupt):
            rehash(begun, by["other"])
    draw = random.Random(0)
    for number in range(8):
        store = Path(shutil.copytree(begun, tmp_path / str(number)))
        (work,) = (store / REHASH).glob("*.sqlite")
        data = bytearray(work.read_bytes())
        if number:
            data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
        work.write_bytes(data if number else data[: len(data) // 2])
        assert rehash(store, by["other"]).rehashed == SCENES
        with CodeStore.open(store) as after:
            check_codes(after, by["other"])


def test_damage_is_named_before_anything_changes_and_damaged_codes_are_mended(
    tmp_path: Path, scenes: Path, by: dict[str, HashModel]
) -> None:
    store = make_store(tmp_path / "s", scenes, by["first"], vectors=False)
    sound = (store / "codes.bin").read_bytes()
    (store / "codes.bin").write_bytes(bytes(8) + sound[8:])
    rehash(store, by["other"])
    with CodeStore.open(store) as after:
        check_codes(after, by["other"])
    with sqlite3.connect(store / "catalog.sqlite") as catalog:
        catalog.execute("UPDATE scene SET time = 5 WHERE first_row = 0")
    with pytest.raises(StoreDamagedError, match=r"0\.png: its entry"):
        rehash(store, by["first"])
    with CodeStore.open(store) as after:
        assert after.lineage == "other"
        assert len(after.verify()) == 1


def test_a_store_without_scenes_changes_too(tmp_path: Path, by: dict[str, HashModel]) -> None:
    model = by["first"]
    CodeStore.create(tmp_path / "s", model.lineage, model.bits, model.name).close()
    assert rehash(tmp_path / "s", by["adapted"]).scenes == 0
    with CodeStore.open(tmp_path / "s") as after:
        assert (after.lineage, after.bits, len(after)) == (by["adapted"].lineage, 128, 0)
        assert after.verify() == []


def test_scenes_that_arrive_meanwhile_are_part_of_it(
    tmp_path: Path, scenes: Path, by: dict[str, HashModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = make_store(tmp_path / "s", scenes, by["first"])
    late: list[int] = []
    opened = scenes_room.reopen_scene

    def busy(path: Path, params: object) -> object:
        number = SCENES + len(late)
        if len(late) < 5:
            late.append(number)
            write_scenes(tmp_path / "late", range(number, number + 1))
            options = IngestOptions(threads=1)
            ingest([tmp_path / "late" / f"{number}.png"], store, by["first"], options)
            with CodeStore.open(store, writable=True) as writer:
                writer.delete(Filter(scene=str(scenes / f"{len(late)}.png")))
        return opened(path, params)  # type: ignore[arg-type]

    monkeypatch.setattr(rereading, "reopen_scene", busy)
    report = rehash(store, by["other"])
    assert accounted(report) == SCENES
    with CodeStore.open(store) as after:
        check_codes(after, by["other"])
        assert after.counts()[0] == SCENES


def test_readers_and_writers_of_the_old_model_are_told(
    tmp_path: Path, scenes: Path, by: dict[str, HashModel]
) -> None:
    store = make_store(tmp_path / "s", scenes, by["first"])
    with CodeStore.open(store) as reader:
        code = by["first"].encode([picture(0)])
        assert reader.search(code, 1)[0][0].distance == 0
        rehash(store, by["adapted"])
        for use in (
            lambda: reader.search(code, 1),
            reader.refresh,
            reader.verify,
            lambda: reader.tile(0),
            lambda: reader.codes(np.array([0])),
        ):
            with pytest.raises(LineageError, match="was rehashed in the meantime"):
                use()
    write_scenes(scenes, range(50, 51))
    with pytest.raises(LineageError):
        ingest([scenes], store, by["first"])
    # Whoever names no model gets that of the store.
    report = ingest([scenes], store)
    assert (len(report.stored), len(report.duplicates)) == (1, SCENES)


def test_there_is_one_rehash_at_a_time(
    tmp_path: Path, scenes: Path, by: dict[str, HashModel]
) -> None:
    store = make_store(tmp_path / "s", scenes, by["first"])
    with rehash_work(store, "x", 64, None), pytest.raises(StoreBusyError, match="already"):
        rehash(store, by["other"])


def alert_of(store: CodeStore, name: str, rows: list[int], radius: int = 4) -> Alert:
    codes = store.codes(np.array(rows))
    return Alert(name, radius, codes, codes[:0], tuple(f"row:{row}" for row in rows))


def test_alerts_are_carried_over_and_none_is_dropped(
    tmp_path: Path, scenes: Path, by: dict[str, HashModel]
) -> None:
    store = make_store(tmp_path / "s", scenes, by["first"], vectors=False)
    gone = scenes / "4.png"
    with CodeStore.open(store, writable=True) as before:
        (first,) = (r.first_row for r, _ in before.scenes() if r.path == str(gone))
        before.alerts.add(alert_of(before, "stays", [0, 3]))
        before.alerts.add(alert_of(before, "half", [0, first]))
        before.alerts.add(alert_of(before, "lost", [first, first + 1]))
        code = before.codes(np.array([0]))
        before.alerts.add(Alert("code", 3, code, code[:0], ("code:" + code.tobytes().hex(),)))
        file = str(scenes / "0.png")
        before.alerts.add(Alert("file", 3, code, code[:0], (file,)))
        other = str(scenes / "6.png")  # which does not show what the alert has
        before.alerts.add(Alert("changed", 3, code, code[:0], (other,)))
    gone.unlink()
    report = rehash(store, by["other"])
    became = {one.name: one for one in report.alerts}
    assert {name for name, one in became.items() if one.alert is None} == {
        "lost", "code", "changed",
    }  # fmt: skip
    assert [source for source, _ in became["half"].lost] == [f"row:{first}"]
    assert "its file has changed" in became["changed"].lost[0][1]
    with CodeStore.open(store) as after, CodeStore.open(report.earlier[0]) as earlier:
        alerts = {alert.name: alert for alert in after.alerts.list()}
        assert alerts.keys() == {"stays", "half", "file"}
        assert np.array_equal(alerts["stays"].examples, after.codes(np.array([0, 3])))
        assert alerts["half"].sources == ("row:0",)
        assert np.array_equal(alerts["file"].examples, after.codes(np.array([0])))
        disabled = {alert.name: alert for alert in earlier.alerts.list()}
        assert disabled.keys() == {"lost", "code", "changed"}
        # Its rows are those of the store that it is in now.
        rows = [int(source.removeprefix("row:")) for source in disabled["lost"].sources]
        assert np.array_equal(earlier.codes(np.array(rows)), disabled["lost"].examples)
    write_scenes(scenes, range(4, 5))
    report = rehash(store, by["other"])
    assert [one.name for one in report.alerts] == ["lost"]
    with CodeStore.open(store) as after:
        assert [alert.name for alert in after.alerts.list()] == ["file", "half", "lost", "stays"]
        alert = after.alerts.get("lost")
        back = [int(source.removeprefix("row:")) for source in alert.sources]
        assert np.array_equal(after.codes(np.array(back)), alert.examples)
        (hit, *_) = after.search(alert.examples[:1], 1)[0]
        assert (hit.distance, hit.scene) == (0, str(gone))


@pytest.mark.parametrize(("name", "is_fitted"), [("adapted", True), ("other", False)])
def test_a_rule_of_representations_goes_on_in_their_frame_alone(
    tmp_path: Path, scenes: Path, by: dict[str, HashModel], name: str, is_fitted: bool
) -> None:
    store = make_store(tmp_path / "s", scenes, by["first"])
    with CodeStore.open(store, writable=True) as before:
        alert = alert_of(before, "quay", [0, 3])
        rule = Rule(
            "linear",
            "colours",
            np.zeros(DIMS, np.float32),
            np.ones((1, DIMS), np.float32),
            1,
            0.5,
            Expected("1/day", 0.001, 0.001, None, 24),
            fitted_on(alert.examples, alert.negatives),
        )
        before.alerts.add(replace(alert, rule=rule))
    rehash(store, by[name])
    with CodeStore.open(store) as after:
        alert = after.alerts.get("quay")
        assert alert.rule is not None
        assert alert.rule.expected.asked == "1/day"
        assert alert.is_fitted == is_fitted


def test_events_quarantine_labels_and_thumbnails_stay(
    tmp_path: Path, scenes: Path, by: dict[str, HashModel]
) -> None:
    (scenes / "broken.png").write_bytes(b"no picture")
    options = IngestOptions(threads=1, thumbnails=True, labels=("a",))
    ingest([scenes], tmp_path / "s", by["first"], options)
    with CodeStore.open(tmp_path / "s", writable=True) as before:
        before.outbox.note(['{"kind": "scene"}'])
        uuid, aside = before.uuid, before.quarantine.list()
    (scenes / "1.png").unlink()
    report = rehash(tmp_path / "s", by["other"])
    with CodeStore.open(tmp_path / "s") as after, CodeStore.open(report.earlier[0]) as earlier:
        assert after.uuid == uuid
        assert after.quarantine.list() == aside
        assert after.outbox.events(0, 9) == [(1, '{"kind": "scene"}')]
        assert after.thumbnail_count() == len(after)
        assert earlier.thumbnail_count() == len(earlier) == 2
        assert {label for record, _ in after.scenes() for label in record.labels} == {"a"}
        assert {label for record, _ in earlier.scenes() for label in record.labels} == {"a"}
