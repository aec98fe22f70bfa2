"""The command line: what it prints, its exit status, and that bad input is one clear line."""

import json
import os
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from onnx import helper

from scenehash import CodeStore
from scenehash.ingestion.hash_stream import SCENES_A_COMMIT
from scenehash.model.model_file import shipped_model

from ...absent import package
from ...command_line import answer, interrupt, run
from ...scenes import archive, draw, read_pixels


def write(path: Path, image: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), image)
    return path


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scenes")
    for name, image in archive(2, seed=5):
        write(folder / name, image[:, :, ::-1])
    return folder


def test_ingest_stores_and_a_second_time_hashes_nothing(scenes: Path, tmp_path: Path) -> None:
    first = answer("ingest", scenes, "--store", tmp_path / "s")
    assert (first["scenes_stored"], first["scenes_duplicate"], first["set_aside"]) == (24, 0, [])
    second = answer("ingest", scenes, "--store", tmp_path / "s")
    assert (second["scenes_stored"], second["scenes_duplicate"]) == (0, 24)
    assert len(CodeStore.open(tmp_path / "s")) == 24


def test_search_finds_an_image_its_copies_and_its_kind(scenes: Path, store: Path) -> None:
    found = answer("search", scenes / "harbor_01.png", "--store", store, "-k", 3)
    assert found["searched"] == 24
    assert [hit["rank"] for hit in found["hits"]] == [1, 2, 3]
    best = found["hits"][0]
    assert best["distance"] == 0
    assert best["scene"].endswith("harbor_01.png")
    assert best["window"] == [0, 0, 256, 256]
    same = answer("search", f"row:{best['row']}", "--store", store, "-k", 3)
    assert same["hits"] == found["hits"]
    near = answer("search", f"row:{best['row']}", "--store", store, "--radius", 0)
    assert all(hit["distance"] == 0 for hit in near["hits"])


def test_a_contact_sheet_shows_the_query_and_its_hits(
    scenes: Path, store: Path, tmp_path: Path
) -> None:
    sheet = tmp_path / "sheet.png"
    result = run("search", scenes / "river_00.png", "--store", store, "-k", 9, "--sheet", sheet)
    assert result.exit_code == 0
    assert "river_00.png" in result.stdout
    picture = read_pixels(sheet)
    assert picture.shape[0] > 400
    assert picture.std() > 20


def test_a_contact_sheet_says_which_scene_is_gone(scenes: Path, tmp_path: Path) -> None:
    for name in ("beach_00.png", "forest_00.png"):
        write(tmp_path / "in" / name, read_pixels(scenes / name)[:, :, ::-1])
    answer("ingest", tmp_path / "in", "--store", tmp_path / "s")
    (tmp_path / "in" / "forest_00.png").unlink()
    sheet = tmp_path / "sheet.png"
    for query in (tmp_path / "in" / "beach_00.png", "row:1"):
        answer("search", query, "--store", tmp_path / "s", "--sheet", sheet)
        assert sheet.exists()
        sheet.unlink()


def test_a_large_scene_is_cut_into_tiles(tmp_path: Path) -> None:
    large = np.vstack([np.hstack([draw(k, 1) for k in pair]) for pair in (
        ("beach", "harbor", "agricultural"), ("forest", "runway", "river"),
    )])  # fmt: skip
    write(tmp_path / "large.png", large[:, :, ::-1])
    write(tmp_path / "harbor.png", draw("harbor", 1)[:, :, ::-1])
    done = answer("ingest", tmp_path / "large.png", "--store", tmp_path / "s")
    assert (done["scenes_stored"], done["tiles_stored"]) == (1, 6)
    found = answer("search", tmp_path / "harbor.png", "--store", tmp_path / "s", "-k", 1)
    assert found["hits"][0]["distance"] == 0
    assert found["hits"][0]["window"] == [256, 0, 256, 256]


def test_readable_oddities_are_ingested_and_the_rest_is_set_aside(tmp_path: Path) -> None:
    folder, scene = tmp_path / "in", draw("denseresidential", 3)
    write(folder / "good.png", scene)
    write(folder / "one-pixel.png", scene[:1, :1])
    write(folder / "grey.png", scene[:, :, 0])
    write(folder / "alpha.png", np.dstack([scene, scene[:, :, 0]]))
    write(folder / "sixteen.png", scene.astype(np.uint16) * 200)
    whole = write(folder / "cut.jpg", scene).read_bytes()
    (folder / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "words.jpg").write_text("these are words")
    (folder / "nothing.png").touch()
    result = run("ingest", folder, "--store", tmp_path / "s", "--json")
    assert result.exit_code == 3
    done = json.loads(result.stdout)
    assert done["scenes_stored"] == 5
    reasons = {Path(item["path"]).name: item["reason"] for item in done["set_aside"]}
    assert set(reasons) == {"cut.jpg", "words.jpg", "nothing.png"}
    assert "truncated" in reasons["cut.jpg"]
    assert "not an image" in reasons["words.jpg"]
    assert "0 bytes" in reasons["nothing.png"]
    assert run("store", "verify", tmp_path / "s").exit_code == 0


def test_a_name_is_shown_as_it_is_whatever_is_in_it(tmp_path: Path) -> None:
    name = "[red]märz[bold] :smile: 100%.png"
    write(tmp_path / "in" / name, draw("beach", 2))
    (tmp_path / "in" / f"bad {name}").touch()
    ingested = run("ingest", tmp_path / "in", "--store", tmp_path / "s")
    assert f"bad {name}: the file is empty" in ingested.stderr
    found = run("search", tmp_path / "in" / name, "--store", tmp_path / "s")
    assert f"in/{name} " in found.stdout


def test_a_terminal_obeys_no_name_of_a_file(tmp_path: Path) -> None:
    folder, store = tmp_path / "in", tmp_path / "s"
    folder.mkdir()
    odd = "\x1b[2J\n\u202e" + os.fsdecode(b"\xff") + ".png"
    (folder / odd).write_bytes(cv2.imencode(".png", draw("forest", 1))[1].tobytes())
    (folder / f"bad{odd}").touch()
    ingested = run("ingest", folder, "--store", store, "--list")
    assert ingested.exit_code == 3
    found = run("search", "row:0", "--store", store)
    tiles = run("tiles", folder, "--pictures", tmp_path / "cut")
    listed = run("quarantine", "list", "--store", store)
    for done in (ingested, found, tiles, listed):
        for text in (done.stdout, done.stderr):
            assert "\x1b" not in text
            assert "\u202e" not in text
            text.encode()
    assert "bad\\u001b[2J\\n\\u202e\\xff.png: the file is empty" in ingested.stderr
    assert "\\u001b[2J" in found.stdout
    assert run("quarantine", "release", folder / f"bad{odd}", "--store", store).exit_code == 0
    assert answer("quarantine", "list", "--store", store)["quarantine"] == []


def test_a_dead_link_is_set_aside_and_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    write(folder / "good.png", draw("forest", 2))
    (folder / "dead.png").symlink_to(tmp_path / "gone.png")
    os.mkfifo(folder / "pipe.png")
    result = run("ingest", folder, "--store", tmp_path / "s", "--json")
    reasons = {Path(item["path"]).name: item["reason"] for item in
               json.loads(result.stdout)["set_aside"]}  # fmt: skip
    assert result.exit_code == 3
    assert reasons == {
        "dead.png": "cannot be read (No such file or directory)",
        "pipe.png": "is a pipe, not a file",
    }


def test_info_and_verify_say_what_a_store_holds(scenes: Path, store: Path, tmp_path: Path) -> None:
    info = answer("store", "info", store)
    assert (info["scenes"], info["tiles"], info["bits"]) == (24, 24, 64)
    assert answer("store", "verify", store)["damage"] == []
    run("ingest", scenes, "--store", tmp_path / "s")
    codes = bytearray((tmp_path / "s" / "codes.bin").read_bytes())
    codes[17] ^= 1
    (tmp_path / "s" / "codes.bin").write_bytes(codes)
    result = run("store", "verify", tmp_path / "s")
    assert result.exit_code == 1
    assert str(sorted(scenes.iterdir())[2]) in result.stdout


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory, scenes: Path, store: Path) -> dict[str, Path]:
    """Things that a command should not be given."""
    root = tmp_path_factory.mktemp("bad")
    (root / "empty").mkdir()
    (root / "words.onnx").write_text("no model")
    value = helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1])
    graph = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["y"])],
        "g",
        [value],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1])],
    )
    plain = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.save(plain, root / "cardless.onnx")
    (root / "cut.onnx").write_bytes(shipped_model().read_bytes()[:100_000])
    CodeStore.create(root / "other-lineage", "0" * 16, 64, "another").close()
    CodeStore.create(root / "other-bits", "0" * 16, 32, "another").close()
    (root / "one" / "only").mkdir(parents=True)
    write(root / "one" / "only" / "a.png", draw("river", 1))
    for kind in ("river", "forest"):
        for number in range(3):
            write(root / "few" / kind / f"{number}.png", draw(kind, number, 64))
    (root / "config.json").write_text('{"colour": "blue"}')
    (root / "file").write_text("a file")
    names = ("empty", "words.onnx", "cardless.onnx", "cut.onnx", "other-lineage", "other-bits",
             "one", "few", "config.json", "file", "nowhere")  # fmt: skip
    image = scenes / "river_00.png"
    things = {Path(name).stem: root / name for name in names}
    return things | {"image": image, "store": store, "in": scenes}


CASES = [
    ("ingest {nowhere} --store {empty}", 1, "no such file or folder"),
    ("ingest {empty} --store {nowhere}", 1, "no images in this folder"),
    ("ingest {in} --store {in}", 1, "not empty; choose another folder"),
    ("ingest {in} --store {file}", 1, "cannot be made a store"),
    ("ingest {in} --store /proc/store", 1, "cannot be made a store"),
    ("ingest {in} --store {other-lineage}", 1, "holds 64-bit codes of model another"),
    ("ingest {in} --store {other-bits}", 1, "holds 32-bit codes"),
    ("ingest {in} --store {nowhere} --model {words}", 1, "not an ONNX file"),
    ("ingest {in} --store {nowhere} --model {cut}", 1, "not an ONNX file"),
    ("ingest {in} --store {nowhere} --model {cardless}", 1, "without a scenehash card"),
    ("ingest {in} --store {nowhere} --model {nowhere}", 1, "no such model file"),
    ("ingest", 2, "Missing argument"),
    ("ingest {in}", 2, "--store"),
    ("search {image} --store {nowhere}", 1, "no scenehash store here"),
    ("search {image} --store {in}", 1, "no scenehash store here"),
    ("search {image} --store {other-lineage}", 1, "lineage"),
    ("search {nowhere} --store {store}", 1, "cannot be read"),
    ("search {file} --store {store}", 1, "not an image"),
    ("search row:many --store {store}", 1, "row:NUMBER"),
    ("search row:24 --store {store}", 1, "no row"),
    ("search row:-1 --store {store}", 1, "no row"),
    ("search {image} --store {store} -k 0", 2, "-k"),
    ("search {image} --store {store} --sheet {nowhere}/a.png", 1, "cannot be written"),
    ("search {image} --store {store} --sheet {nowhere}.docx", 1, "not a picture format"),
    ("store info {nowhere}", 1, "no scenehash store here"),
    ("demo --out {file}", 1, "file"),
    ("train {nowhere}", 1, "no such folder"),
    ("train {empty}", 1, "0 class folders"),
    ("train {one}", 1, "at least 2"),
    ("train {few}", 1, "class forest has 3 different readable images"),
    ("train {in} --bits 20", 1, "20 bits"),
    ("train {in} --backbone resnet9000", 1, "unknown backbone"),
    ("train {in} --backbone timm:resnet18", 1, "its extra timm"),
    ("train {in} --recipe magic", 1, "unknown recipe"),
    ("train {in} --config {config}", 1, "unknown configuration key 'colour'"),
    ("evaluate {nowhere} {in}", 1, "no such model file or run"),
    ("evaluate {words} {in}", 1, "not an ONNX file"),
    ("evaluate {empty} {in}", 1, "no run here"),
    ("export {nowhere}", 1, "no run here"),
    ("export {in} --precision int4", 2, "int4"),
    ("no-such-command", 2, "No such command"),
]


@pytest.mark.parametrize(("line", "status", "said"), CASES)
def test_bad_input_is_one_clear_line(
    line: str, status: int, said: str, bad: dict[str, Path]
) -> None:
    if line.startswith(("train", "evaluate", "export")):
        package("torch")
    arguments = [part.format_map({name: str(path) for name, path in bad.items()})
                 for part in line.split()]  # fmt: skip
    result = run(*arguments)
    assert result.exit_code == status, result.stderr
    assert said in " ".join(result.stderr.split())
    assert "Traceback" not in result.stderr
    if status == 1:
        errors = [text for text in result.stderr.splitlines() if text.startswith("error: ")]
        assert len(errors) == 1
        assert "unexpected" not in errors[0]
    assert not bad["nowhere"].exists()
    assert not list(bad["empty"].iterdir())


def test_an_unexpected_error_is_one_line_too_and_shown_with_debug(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: object) -> int:
        raise RuntimeError("a bug")

    monkeypatch.setattr(CodeStore, "counts", broken)
    result = run("store", "info", store)
    assert result.exit_code == 1
    assert "error: unexpected RuntimeError('a bug')" in result.stderr
    with pytest.raises(RuntimeError, match="a bug"):
        run("--debug", "store", "info", store, catch_exceptions=False)


@pytest.mark.parametrize(
    "words",
    [
        "search row:HUGE",
        "search row:0 --newer-than HUGE",
        "alert add a row:HUGE",
        "alert confirm a HUGE",
        "adapt --out a.onnx --seed -1",
    ],
)
def test_a_number_that_no_row_has_is_an_error_in_words(words: str, store: Path) -> None:
    for huge in (2**63 - 1, 2**63, 10**30):
        result = run(*words.replace("HUGE", str(huge)).split(), "--store", store)
        assert result.exit_code in (1, 2)
        assert result.stderr.startswith("error: ")
        assert "unexpected" not in result.stderr
    assert answer("store", "scenes", store, "--limit", 10**30)["scenes"]


@pytest.mark.parametrize("name", [" ", "two\nlines", "\x1b[31mred", "x" * 101])
def test_an_alerts_name_is_one_line_that_can_be_given_again(name: str, store: Path) -> None:
    result = run("alert", "add", name, "row:0", "--store", store)
    assert result.exit_code == 1
    assert "an alert's name is one line of text" in result.stderr


@pytest.mark.parametrize(
    ("words", "function", "keeps"),
    [
        (["ingest", "in"], "scenehash.ingestion.ingest", True),
        (["rehash"], "scenehash.ingestion.rehash.rehash", True),
        (["push", "--to", "pg://db/archive/tiles"], "scenehash.engines.push", True),
        (["archive", "load", "hashed"], "scenehash.archive.load_archive", True),
        (["adapt", "--out", "a.onnx"], "scenehash.adaptation.adapt", False),
        (["search", "row:0"], "scenehash.retrieval.search.search", False),
    ],
)
def test_only_commands_that_continue_say_that_they_keep_what_is_finished(
    words: list[str],
    function: str,
    keeps: bool,
    store: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(function, interrupted)
    result = run(*words, "--store", store)
    assert result.exit_code == 130
    assert ("finished work is kept" in result.stderr) == keeps
    assert result.stderr.splitlines()[-1].startswith("interrupted")


@pytest.mark.slow
def test_ctrl_c_while_ingesting_keeps_what_is_done_and_the_next_run_goes_on(
    tmp_path: Path,
) -> None:
    for number in range(150):
        scene = draw("agricultural", 0)
        scene[0, 0] = number
        write(tmp_path / "in" / f"{number:03}.png", scene)
    codes = tmp_path / "s" / "codes.bin"

    def second_group() -> bool:
        """The first is committed by then."""
        return codes.exists() and codes.stat().st_size > 8 * SCENES_A_COMMIT

    words = ["ingest", str(tmp_path / "in"), "--store", str(tmp_path / "s")]
    assert "interrupted: finished work is kept; run the same" in interrupt(words, second_group)
    with CodeStore.open(tmp_path / "s") as half:
        done = len(half)
        assert 0 < done < 150
        assert half.verify() == []
    rest = answer("ingest", tmp_path / "in", "--store", tmp_path / "s")
    assert (rest["scenes_duplicate"], rest["scenes_stored"]) == (done, 150 - done)


def test_labels_are_listed_where_nothing_is_to_be_changed(store: Path) -> None:
    answer("store", "label", store, "--add", "checked")
    listed = answer("store", "label", store)
    with CodeStore.open(store) as opened:
        counts = opened.label_counts()
    assert listed["labels"] == [{"label": label, "scenes": count} for label, count in counts]
    assert "checked" in run("store", "label", store).stdout
    refused = run("store", "label", store, "--label", "checked")
    assert (refused.exit_code, "which labels?" in refused.stderr) == (2, True)
