"""The watch list: what an alert matches, what each radius would, and the commands for both."""

import dataclasses
import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenehash import CodeStore
from scenehash.alerts.changing import set_radius
from scenehash.alerts.judging import example_distances
from scenehash.alerts.radius_counts import RadiusCounts, around_radius
from scenehash.codes import hamming, pack
from scenehash.report.contact_sheet import SheetLine, contact_sheet
from scenehash.retrieval.pictures import example_pixels
from scenehash.store import Alert, Filter
from scenehash.tiling import Window

from ...command_line import answer, run
from ...scenes import archive, draw, read_pixels
from ..cli.test_scene_commands import write_raster
from ..ingestion.test_ingest import mosaic

BITS = 64


def at_distances(*distances: int) -> np.ndarray:
    """Codes that are so many bits away from the code of no bit set."""
    return pack((np.arange(BITS) < np.array(distances)[:, None]) - 0.5)


def alert(radius: int = 8, negatives: np.ndarray | None = None) -> Alert:
    none = at_distances()[:0].reshape(0, BITS // 8)
    return Alert("a", radius, at_distances(0), none if negatives is None else negatives, ("x",))


@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.integers(0, 3), st.integers(1, 30))
def test_distances_are_those_of_a_plain_loop(
    seed: int, examples: int, negatives: int, tiles: int
) -> None:
    rng = np.random.default_rng(seed)
    # Few bits: distances that are equal must come up.
    near, far, codes = (
        rng.integers(0, 4, (count, 2), np.uint8) for count in (examples, negatives, tiles)
    )
    found = example_distances(Alert("a", 0, near, far, ()), codes)
    for code, distance in zip(codes.tolist(), found.tolist(), strict=True):
        closest, wrong = (
            min([sum((a ^ b).bit_count() for a, b in zip(code, other, strict=True))
                 for other in group.tolist()], default=99)
            for group in (near, far)
        )  # fmt: skip
        assert distance == (17 if wrong <= closest else closest)


def test_radius_counts_have_the_tiles_of_each_radius_in_whatever_parts_they_come() -> None:
    distances = [0, 3, 3, 8, 20, 20, 20, 33, 64]
    codes, rows = at_distances(*distances), np.arange(len(distances))
    parts = [(rows[:4], codes[:4]), (rows[4:4], codes[4:4]), (rows[4:], codes[4:])]
    counted = RadiusCounts.of(alert(), parts, true=np.array([0, 1, 4, 8]))
    expected = [sum(distance <= radius for distance in distances) for radius in range(33)]
    assert counted.matches.tolist() == expected
    assert counted.recall()[[0, 3, 19, 20, 32]].tolist() == [0.25, 0.5, 0.5, 0.75, 0.75]
    assert counted.precision()[[0, 3, 20]].tolist() == pytest.approx([1, 2 / 3, 3 / 7])


def test_without_labels_the_radius_lies_in_the_valley() -> None:
    counts = np.zeros(33, np.int64)
    counts[[0, 1, 2, 3]] = 10, 20, 10, 3
    counts[24:] = 5, 9, 20, 40, 80, 100, 120, 90, 60
    assert 4 < RadiusCounts(counts).proposed() < 23
    counts[9] = 1
    assert 4 < RadiusCounts(counts).proposed() < 23


def test_with_labels_the_radius_is_that_of_the_best_f1() -> None:
    tiles, true = np.zeros(33, np.int64), np.zeros(33, np.int64)
    tiles[[1, 5, 9, 20]] = 10, 10, 10, 500
    true[[1, 5, 9, 20]] = 10, 9, 1, 5
    counted = RadiusCounts(tiles, true, true_total=25)
    f1 = [
        2 * p * r / (p + r) if p + r else 0
        for p, r in zip(counted.precision().tolist(), counted.recall().tolist(), strict=True)
    ]
    assert counted.proposed() == f1.index(max(f1)) == 5


@pytest.mark.parametrize("counts", [[0] * 33, [7] + [0] * 32, [0] * 32 + [9], [5] * 33])
def test_a_radius_is_proposed_whatever_is_stored(counts: list[int]) -> None:
    assert 0 <= RadiusCounts(np.array(counts, np.int64)).proposed() <= 32


def test_the_tiles_around_a_radius_are_the_last_within_and_the_first_beyond() -> None:
    distances = [9, 2, 8, 7, 30, 8, 12, 9]
    codes, rows = at_distances(*distances), 10 + np.arange(len(distances))
    parts = [(rows[:3], codes[:3]), (rows[3:], codes[3:])]
    within, beyond = around_radius(alert(), parts, radius=8, most=3)
    assert within == [(7, 13), (8, 12), (8, 15)]
    assert beyond == [(9, 10), (9, 17), (12, 16)]
    ruled_out = alert(negatives=at_distances(30))
    assert (30, 14) not in around_radius(ruled_out, parts, radius=8, most=9)[1]


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scenes")
    for name, image in archive(3, seed=5):
        cv2.imwrite(str(folder / name), image[:, :, ::-1])
    return folder


@pytest.fixture(scope="module")
def ingested(scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    store = tmp_path_factory.mktemp("ingested") / "s"
    harbors = sorted(scenes.glob("harbor*"))
    others = sorted(set(scenes.iterdir()) - set(harbors))
    assert run("ingest", *harbors, "--label", "harbor", "--store", store).exit_code == 0
    assert run("ingest", *others, "--store", store).exit_code == 0
    return store


@pytest.fixture
def store(ingested: Path, tmp_path: Path) -> Path:
    """A copy of its own of a store: hashing takes longer than most tests."""
    return Path(shutil.copytree(ingested, tmp_path / "s"))


def test_an_alert_is_added_listed_and_removed(store: Path, scenes: Path) -> None:
    example = scenes / "harbor_00.png"
    added = answer("alert", "add", "quay", example, "row:1", "--radius", 12, "--not", "row:9",
                   "--store", store)  # fmt: skip
    assert added == {"name": "quay", "radius": 12, "examples": [str(example), "row:1"],
                     "negatives": ["row:9"], "rule": None}  # fmt: skip
    assert answer("alert", "add", "other", "row:4", "--store", store)["radius"] == 8
    listed = answer("alert", "list", "--store", store)["alerts"]
    assert [one["name"] for one in listed] == ["other", "quay"]
    assert listed[1] == added
    with CodeStore.open(store) as opened:
        _, quay = opened.alerts.list()
        assert np.array_equal(quay.examples, opened.codes(np.array([0, 1])))
        assert np.array_equal(quay.negatives, opened.codes(np.array([9])))
        assert opened.verify() == []
    answer("alert", "remove", "quay", "--store", store)
    assert [one["name"] for one in answer("alert", "list", "--store", store)["alerts"]] == ["other"]


def test_a_confirmed_tile_is_an_example_and_a_rejected_one_a_negative(store: Path) -> None:
    answer("alert", "add", "quay", "row:0", "--not", "row:9", "--store", store)
    for command, examples, negatives in (
        ("confirm quay 1", ["row:0", "row:1"], ["row:9"]),
        ("reject quay 4", ["row:0", "row:1"], ["row:9", "row:4"]),
        ("confirm quay 9", ["row:0", "row:1", "row:9"], ["row:4"]),
        ("confirm quay 9", ["row:0", "row:1", "row:9"], ["row:4"]),
        ("reject quay 1", ["row:0", "row:9"], ["row:4", "row:1"]),
        ("reject quay 0", ["row:9"], ["row:4", "row:1", "row:0"]),
    ):
        judged = answer("alert", *command.split(), "--store", store)
        judged.pop("judged", None)
        assert judged == answer("alert", "list", "--store", store)["alerts"][0]
        assert (judged["examples"], judged["negatives"]) == (examples, negatives)
        with CodeStore.open(store) as opened:
            (quay,) = opened.alerts.list()
            for codes, sources in ((quay.examples, examples), (quay.negatives, negatives)):
                rows = [int(source.removeprefix("row:")) for source in sources]
                assert np.array_equal(codes, opened.codes(np.array(rows)))
    refused = run("alert", "reject", "quay", "row:9", "--store", store)
    assert "row:9: the only example of quay" in " ".join(refused.stderr.split())
    assert "no row" in run("alert", "confirm", "quay", 999, "--store", store).stderr
    assert "no alert of that" in run("alert", "confirm", "none", 0, "--store", store).stderr


def test_confirm_and_reject_name_the_scene_of_the_row(store: Path) -> None:
    answer("alert", "add", "quay", "row:0", "--store", store)
    with CodeStore.open(store) as opened:
        names = {row: Path(opened.tile(row).scene).name for row in (1, 9)}
    for command, row in (("confirm", 1), ("reject", 9)):
        said = " ".join(run("alert", command, "quay", row, "--store", store).stdout.split())
        assert f"row {row} (" in said
        assert names[row] in said


def test_a_confirmed_tile_that_the_alert_does_not_match_is_named_and_can_be_taken_back(
    store: Path,
) -> None:
    answer("alert", "add", "quay", "row:0", "--radius", 1, "--store", store)
    before = answer("alert", "list", "--store", store)["alerts"]
    with CodeStore.open(store) as opened:
        distances = hamming(opened.codes(np.arange(2, 9)), opened.codes(np.array([0]))[0])
        row = 2 + int(distances.argmax())
        scene = opened.tile(row).scene
    done = run("alert", "confirm", "quay", row, "--store", store, "--json")
    assert json.loads(done.stdout)["judged"] == {
        "row": row, "scene": scene, "distance": int(distances.max()), "matches": False,
    }  # fmt: skip
    said = " ".join(done.stderr.split())
    assert f"would not have matched row {row}, {distances.max()} bits from the nearest" in said
    assert f"scenehash alert forget quay {row}" in said
    # By now it is an example: a second time there is nothing to say.
    again = run("alert", "confirm", "quay", row, "--store", store, "--json")
    assert "would not have matched" not in again.stderr
    assert json.loads(again.stdout)["judged"]["matches"]
    answer("alert", "forget", "quay", row, "--store", store)
    assert answer("alert", "list", "--store", store)["alerts"] == before
    for refused in (f"forget quay {row}", "forget quay 0", "forget none 0"):
        assert run("alert", *refused.split(), "--store", store).exit_code == 1
    assert answer("alert", "list", "--store", store)["alerts"] == before


def test_commands_in_messages_can_be_copied_whatever_the_name(store: Path) -> None:
    answer("alert", "add", "my quay", "row:0", "--radius", 0, "--store", store)
    only = run("alert", "reject", "my quay", 0, "--store", store).stderr
    assert "scenehash alert remove 'my quay'" in " ".join(only.split())
    far = run("alert", "confirm", "my quay", 8, "--store", store).stderr
    assert "scenehash alert forget 'my quay' 8" in " ".join(far.split())


def test_a_negative_is_forgotten_too_and_a_rule_is_chosen_anew(large: Path) -> None:
    rows = rows_of(large, "harbor")
    examples = [f"row:{row}" for row in rows[:5]]
    made = answer("alert", "add", "pier", *examples, "--false-alarms", "2/1000", "--store", large)
    other = next(row for row in range(200) if row not in rows)
    judged = answer("alert", "confirm", "pier", other, "--store", large)
    assert judged["rule"]["fitted"]
    assert not judged["judged"]["matches"]
    assert answer("alert", "forget", "pier", other, "--store", large) == made
    assert answer("alert", "reject", "pier", other, "--store", large) != made
    assert answer("alert", "forget", "pier", other, "--store", large) == made
    answer("alert", "remove", "pier", "--store", large)


def test_examples_that_are_files_of_stored_scenes_do_not_count_as_matches(store: Path) -> None:
    with CodeStore.open(store) as opened:
        files = [opened.tile(row).scene for row in (0, 1)]
    answer("alert", "add", "rows", "row:0", "row:1", "--store", store)
    answer("alert", "add", "files", *files, "--store", store)
    by_row, by_file = (
        answer("alert", "test", name, "--store", store)["measured"] for name in ("rows", "files")
    )
    assert by_row == by_file


def test_each_radius_is_tried_with_pictures_and_changed_when_asked(
    store: Path, tmp_path: Path
) -> None:
    answer("alert", "add", "quay", "row:0", "--radius", 1, "--store", store)
    sheet = tmp_path / "sheet.png"
    tuned = answer("alert", "test", "quay", "--label", "harbor", "--sheet", sheet,
                   "--store", store)  # fmt: skip
    with CodeStore.open(store) as opened:
        codes = np.concatenate([codes for _, codes in opened.scenes()])
    distances = np.bitwise_count(codes ^ codes[0]).sum(axis=1)
    assert tuned["matches"] == [int((distances <= radius).sum()) for radius in range(33)]
    assert tuned["recall"][tuned["proposed"]] > 0.3
    assert tuned["precision"][0] == 1
    assert read_pixels(sheet).std() > 20
    assert answer("alert", "list", "--store", store)["alerts"][0]["radius"] == 1
    plain = answer("alert", "test", "quay", "--store", store)
    assert "precision" not in plain
    applied = answer("alert", "tune", "quay", "--radius", plain["proposed"], "--store", store)
    radius = answer("alert", "list", "--store", store)["alerts"][0]["radius"]
    assert radius == applied["radius"] == plain["proposed"]
    shown = run("alert", "test", "quay", "--store", store)
    assert "now" in shown.stdout or "proposed" in shown.stdout


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        ("add twice row:0", 1, "an alert with that name exists"),
        ("add new row:999", 1, "no row"),
        ("add new nowhere.png", 1, "cannot be read"),
        ("add new row:0 row:1 --not row:1", 1, "row:1: an example and a negative at once"),
        ("add new row:0 --radius -1", 2, "--radius"),
        ("add new", 2, "Missing argument"),
        ("remove new", 1, "no alert of that name"),
        ("tune new", 1, "no alert of that name"),
        ("tune twice", 1, "no false alarm rate; give a rate"),
        ("tune twice --radius 3 --false-alarms 1/day", 2, "give one of them"),
        ("tune twice --false-alarms 1/moon", 1, "not a known unit of time"),
        ("tune twice --false-alarms 1/day", 1, "span less than a day"),
        ("tune twice --false-alarms 1/5", 1, "more than 10% of all tiles"),
        ("add new row:0 --false-alarms 2/1000", 1, "are too few to estimate false alarms"),
        ("test new", 1, "no alert of that name"),
        ("test twice --label none", 1, "no stored scene has the label none"),
    ],
)
def test_bad_input_is_one_clear_line(store: Path, arguments: str, status: int, said: str) -> None:
    answer("alert", "add", "twice", "row:0", "--store", store)
    result = run("alert", *arguments.split(), "--store", store)
    assert result.exit_code == status
    assert said in " ".join(result.stderr.split())
    assert len(answer("alert", "list", "--store", store)["alerts"]) == 1


def test_a_running_watch_and_a_watch_list_share_the_store(store: Path, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    answer("alert", "add", "quay", "row:0", "--store", store)
    with CodeStore.open(store) as opened:
        scene = Path(opened.tile(0)[0])
    slightly_darker = (read_pixels(scene)[:, :, ::-1] * 0.97).astype(np.uint8)
    cv2.imwrite(str(folder / "new.png"), slightly_darker)
    cv2.imwrite(str(folder / "wood.png"), draw("forest", 50))
    events = tmp_path / "events.jsonl"
    done = run("watch", folder, "--store", store, "--once", "--settle", 0.1, "--events", events)
    assert done.exit_code == 0, done.stderr
    alerts = {Path(event["scene"]).name: event["alerts"]
            for event in map(json.loads, events.read_text().splitlines())}  # fmt: skip
    assert [one["name"] for one in alerts["new.png"]] == ["quay"]
    assert alerts["wood.png"] == []
    assert done.stdout == events.read_text()


@pytest.fixture(scope="module")
def turned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A raster of six tiles whose bands are blue, green, red, and a store that read them so."""
    folder = tmp_path_factory.mktemp("turned")
    scene = write_raster(folder / "port.tif", mosaic(2, 3)[:, :, ::-1])
    done = run("ingest", scene, "--bands", "3,2,1", "--store", folder / "s")
    assert done.exit_code == 0, done.stderr
    return scene, folder / "s"


def first_example(store: Path, name: str) -> tuple[Alert, np.ndarray, np.ndarray | None]:
    """An alert, the distances of all stored tiles from it, and the picture of its first example."""
    with CodeStore.open(store) as opened:
        found = opened.alerts.get(name)
        codes = np.concatenate([codes for _, codes in opened.scenes()])
        return found, example_distances(found, codes), example_pixels(found, opened)


def test_an_example_is_read_as_the_options_say_and_shown_so(turned: tuple[Path, Path]) -> None:
    scene, store = turned
    tile = mosaic(2, 3)[256:512, 512:768]
    options = ["--bands", "3,2,1", "--store", store]
    answer("alert", "add", "part", scene, "--window", "512,256,256,256", *options)
    found, distances, picture = first_example(store, "part")
    assert distances.tolist().index(0) == 5
    assert found.tiles[str(scene)].window == Window(512, 256, 256, 256)
    assert picture is not None
    assert np.array_equal(picture, tile)
    answer("alert", "add", "place", scene, "--at", "45.126,15.081", "--not", "row:0", *options)
    found, distances, _ = first_example(store, "place")
    assert distances.min() < 8
    answer("alert", "add", "all", scene, "--tile", 768, "--stretch", "0,255", *options)
    found, _, picture = first_example(store, "all")
    assert found.tiles[str(scene)].window.width == 512
    assert picture is not None
    done = run("alert", "test", "part", "--sheet", store.parent / "s.png", "--store", store)
    assert done.exit_code == 0
    sheet = read_pixels(store.parent / "s.png")
    with CodeStore.open(store) as opened:
        assert opened.verify() == []
        shown = contact_sheet([SheetLine(tile, "", [])])
    assert np.array_equal(sheet[13:171, 13:171], shown[13:171, 13:171])


def test_the_radius_of_an_alert_changes_and_nothing_else(turned: tuple[Path, Path]) -> None:
    scene, store = turned
    window = ["--window", "0,0,256,256", "--bands", "3,2,1"]
    answer("alert", "add", "old", scene, *window, "--store", store)
    with CodeStore.open(store, writable=True) as opened:
        before = opened.alerts.get("old")
        after = set_radius(opened, "old", 3)
        assert opened.alerts.get("old").checksum() == after.checksum() != before.checksum()
        assert opened.alerts.get("old").tiles == before.tiles
        # An example that is given up leaves its tile behind, which is not stored.
        row = dataclasses.replace(before, sources=("row:0",))
        opened.alerts.add(row, replace=True)
        assert opened.alerts.get("old").tiles == {}
        assert opened.verify() == []


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--bands", "3,2,1"], "--bands"),
        (["--nodata", "0"], "--nodata"),
        (["--tile", "512"], "--tile"),
        (["--window", "0,0,9,9"], "--window"),
        (["--at", "45.1,15"], "--at"),
        (["--stretch", "0,9", "--whole"], "--whole, --stretch"),
    ],
)
def test_options_for_files_are_refused_where_no_example_is_one(
    turned: tuple[Path, Path], arguments: list[str], named: str
) -> None:
    _, store = turned
    with CodeStore.open(store) as opened:
        code = opened.codes(np.array([3]))[0].tobytes().hex()
    for command in (["alert", "add", "no"], ["search"]):
        for query in ("row:3", f"code:{code}"):
            done = run(*command, query, *arguments, "--store", store)
            assert (done.exit_code, done.stdout) == (2, "")
            assert f"error: {named}: {query} is not a scene file" in " ".join(done.stderr.split())
    assert "no" not in [one["name"] for one in answer("alert", "list", "--store", store)["alerts"]]


def test_options_for_files_hold_for_the_files_among_queries(turned: tuple[Path, Path]) -> None:
    scene, store = turned
    found = answer("search", "row:0", scene, "--bands", "3,2,1", "--store", store, "-k", 6)
    assert [hit["distance"] for hit in found["hits"]] == [0] * 6
    assert answer("search", "row:0", "--not", scene, "--bands", "3,2,1", "--store", store)["not"]


def test_an_example_in_which_nothing_is_to_be_seen_is_named(
    turned: tuple[Path, Path], tmp_path: Path
) -> None:
    cv2.imwrite(str(tmp_path / "grey.png"), np.full((256, 256, 3), 80, np.uint8))
    done = run("alert", "add", "grey", tmp_path / "grey.png", "--store", turned[1])
    assert done.exit_code == 0
    assert "note: " in done.stderr
    assert "it is of one colour" in " ".join(done.stderr.split())


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of 25 tiles of each of several kinds, labelled, with representations."""
    folder = tmp_path_factory.mktemp("large")
    for name, image in archive(25, seed=8):
        kind = folder / name.rpartition("_")[0]
        kind.mkdir(exist_ok=True)
        cv2.imwrite(str(kind / name), image[:, :, ::-1])
    done = run("ingest", folder, "--label-from-folder", "--vectors", "--store", folder / "s")
    assert done.exit_code == 0, done.stderr
    return folder / "s"


def rows_of(store: Path, label: str) -> list[int]:
    with CodeStore.open(store) as opened:
        return [row for rows, _ in opened.living(Filter(label=label)) for row in rows.tolist()]


@pytest.mark.slow
def test_an_alert_is_made_for_a_rate_and_says_what_to_expect(large: Path) -> None:
    rows = rows_of(large, "harbor")
    added = answer("alert", "add", "port", *(f"row:{row}" for row in rows[:5]),
                   "--false-alarms", "10/1000", "--store", large)  # fmt: skip
    rule = added["rule"]
    assert (rule["asked"], rule["asked_per_1000"], rule["fitted"]) == ("10/1000", 10, True)
    assert 0 < rule["false_alarms_per_1000"] <= 20
    assert 0 < rule["recall"] <= 1
    assert answer("alert", "list", "--store", large)["alerts"] == [added]
    listed = " ".join(run("alert", "list", "--store", large).stdout.split())
    assert "for 10/1000 false alarms: expected" in listed
    measured = answer("alert", "test", "port", "--label", "harbor", "--store", large)["measured"]
    with CodeStore.open(large) as opened:
        assert measured["tiles"] == len(opened) - 5
    assert measured["true"] == len(rows) - 5
    assert measured["recall"] == round(measured["true_matches"] / measured["true"], 4)
    assert measured["recall"] > 0.5
    assert measured["false_alarms_per_1000"] < 40

    strangers = [row for row in range(measured["tiles"]) if row not in rows]
    rejected = answer("alert", "reject", "port", strangers[0], "--store", large)
    assert rejected["rule"]["asked"] == "10/1000"
    assert rejected["rule"]["fitted"]
    confirmed = answer("alert", "confirm", "port", rows[7], "--store", large)
    assert confirmed["rule"]["fitted"]
    assert len(confirmed["examples"]) == 6
    with CodeStore.open(large) as opened:
        rule_now = opened.alerts.get("port").rule
        assert rule_now is not None
        assert rule_now.vectors is not None
        there, values = opened.vectors.read(np.array([*rows[:5], rows[7], strangers[0]]))
        order = np.argsort([*rows[:5], rows[7], strangers[0]])
        assert np.array_equal(rule_now.vectors.values[order], values[np.argsort(there)])
    fewer = answer("alert", "tune", "port", "--false-alarms", "1/1000", "--store", large)
    assert fewer["rule"]["false_alarms_per_1000"] < confirmed["rule"]["false_alarms_per_1000"]
    again = answer("alert", "tune", "port", "--store", large)
    assert again == fewer
    plain = answer("alert", "tune", "port", "--radius", 4, "--store", large)
    assert plain["rule"] is None
    answer("alert", "remove", "port", "--store", large)


@pytest.mark.slow
def test_the_rule_decides_in_a_watch_and_its_event_says_so(large: Path, tmp_path: Path) -> None:
    rows = rows_of(large, "harbor")
    answer("alert", "add", "port", *(f"row:{row}" for row in rows[:5]),
           "--false-alarms", "10/1000", "--store", large)  # fmt: skip
    folder = tmp_path / "in"
    folder.mkdir()
    with CodeStore.open(large) as opened:
        scene = read_pixels(Path(opened.tile(rows[0])[0]))[:, :, ::-1]
    cv2.imwrite(str(folder / "new.png"), (scene * 0.97).astype(np.uint8))
    cv2.imwrite(str(folder / "wood.png"), draw("forest", 500)[:, :, ::-1])
    # Twelve windows that overlap by half, all of one harbor.
    cv2.imwrite(str(folder / "wide.png"), np.tile(scene, (2, 2, 1)))
    done = run("watch", folder, "--store", large, "--once", "--settle", 0.1, "--overlap", 0.5,
               "--group")  # fmt: skip
    assert done.exit_code == 0, done.stderr
    events = {
        Path(event["scene"]).name: event for event in map(json.loads, done.stdout.split("\n")[:-1])
    }
    assert events["wood.png"]["alerts"] == []
    (tile,) = events["new.png"]["matches"]
    (alert,) = tile["alerts"]
    assert alert["score"] >= alert["threshold"]
    assert set(alert["expected"]) == {"false_alarms_per_1000", "recall"}
    wide = events["wide.png"]
    (summary,) = wide["alerts"]
    assert wide["tiles"] == 9
    assert summary["finds"] < summary["tiles"]
    finds = [tile for tile in wide["matches"] if tile["alerts"]]
    assert len(finds) == summary["finds"]
    assert sum(1 + len(tile["others"]) for tile in finds) == summary["tiles"]
    answer("alert", "remove", "port", "--store", large)
