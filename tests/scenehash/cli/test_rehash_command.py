"""The commands about another model: rehash, vectors, and what others say of it."""

from pathlib import Path

import pytest

from scenehash import CodeStore, HashModel
from scenehash.store import VECTORS
from scenehash.store.rows import Ranges

from ...command_line import answer, run
from ..ingestion.archives import check_codes, models, write_scenes

SCENES = 9
TILES = 18


@pytest.fixture(scope="module")
def by(tmp_path_factory: pytest.TempPathFactory) -> dict[str, HashModel]:
    return models(tmp_path_factory.mktemp("models"))


@pytest.fixture
def files(by: dict[str, HashModel], tmp_path_factory: pytest.TempPathFactory) -> Path:
    del by
    return max(tmp_path_factory.getbasetemp().glob("models*"))


@pytest.fixture
def scenes(tmp_path: Path) -> Path:
    write_scenes(tmp_path / "scenes", range(SCENES))
    return tmp_path / "scenes"


@pytest.fixture
def store(tmp_path: Path, scenes: Path, files: Path) -> Path:
    path = tmp_path / "s"
    done = run("ingest", scenes, "--store", path, "--model", files / "first.onnx")
    assert done.exit_code == 0, done.stderr
    return path


def test_a_new_store_keeps_representations_and_its_model(store: Path, scenes: Path) -> None:
    info = answer("store", "info", store)
    assert info["vectors"] == info["tiles"] == TILES
    assert info["vector_bytes"] == sum(p.stat().st_size for p in store.glob(f"{VECTORS}*"))
    assert info["model_file"]
    assert info["earlier"] == []
    # So that nobody has to name the model again.
    write_scenes(scenes, range(20, 21))
    done = run("ingest", scenes, "--store", store)
    assert done.exit_code == 0, done.stderr
    found = answer("search", scenes / "3.png", "--store", store, "-k", 1)
    assert (found["hits"][0]["distance"], found["lineage"]) == (0, "first")
    done = run("alert", "add", "quay", scenes / "3.png", "--store", store)
    assert done.exit_code == 0, done.stderr
    assert run("doctor", "--store", store).exit_code == 0


def test_none_are_kept_where_that_is_said_or_the_model_has_none(
    tmp_path: Path, scenes: Path, files: Path
) -> None:
    model = ("--model", files / "first.onnx")
    run("ingest", scenes, "--store", tmp_path / "a", "--no-vectors", *model)
    assert answer("store", "info", tmp_path / "a")["vectors"] is None
    made = answer("store", "vectors", tmp_path / "a")
    assert (made["vectors"], made["made"]) == (TILES, TILES)
    write_scenes(scenes, range(30, 31))
    run("ingest", scenes, "--store", tmp_path / "a", "--no-vectors")
    assert answer("store", "verify", tmp_path / "a")["vectors_missing"] == 1
    assert answer("store", "vectors", tmp_path / "a")["made"] == 1
    plain = ("--model", files / "plain.onnx")
    run("ingest", scenes, "--store", tmp_path / "b", *plain)
    assert answer("store", "info", tmp_path / "b")["vectors"] is None
    done = run("ingest", scenes, "--store", tmp_path / "b", "--vectors", *plain)
    assert done.exit_code == 1
    assert "gives no representation" in done.stderr
    hashed = run("archive", "hash", scenes, "--out", tmp_path / "c", "--vectors", *plain)
    assert (hashed.exit_code, "gives no representation" in hashed.stderr) == (1, True)
    done = run("store", "vectors", tmp_path / "b")
    assert (done.exit_code, "gives no representation" in done.stderr) == (1, True)


def test_missing_ones_are_made_of_scenes_that_are_still_there(store: Path, scenes: Path) -> None:
    (store / VECTORS).unlink()
    (scenes / "2.png").unlink()
    done = run("store", "verify", store)
    assert done.exit_code == 0
    assert f"representation missing or damaged: {TILES} of {TILES} tiles" in done.stderr
    done = run("store", "vectors", store)
    assert done.exit_code == 3
    assert "set aside" in done.stderr
    assert f"{TILES - 3} representations, {TILES - 3} made now, 1 set aside" in done.stdout
    assert answer("store", "vectors", store, "--remove")["vectors"] == 0
    assert not (store / VECTORS).exists()


def test_rehash_says_what_became_of_everything(
    store: Path, scenes: Path, files: Path, by: dict[str, HashModel], tmp_path: Path
) -> None:
    assert run("alert", "add", "here", "row:0", "--store", store).exit_code == 0
    with CodeStore.open(store) as opened:
        (row,) = (r.first_row for r, _ in opened.scenes() if r.path.endswith("/5.png"))
    assert run("alert", "add", "gone", f"row:{row}", "--store", store).exit_code == 0
    (scenes / "5.png").unlink()
    (tmp_path / "new").mkdir()
    (scenes / "4.png").rename(tmp_path / "new" / "4.png")
    model = ("--model", files / "other.onnx")
    moved = ("--moved", scenes, tmp_path / "new")
    done = run("rehash", "--store", store, *model, *moved, "--require-all")
    assert done.exit_code == 1
    assert "nothing was changed" in done.stderr
    done = run("rehash", "--store", store, *model, *moved)
    assert done.exit_code == 3, done.stderr
    assert f"{SCENES - 1} scenes rehashed (7 from their files, 1 moved)" in done.stdout
    assert "1 unreachable" in done.stdout
    for text in (
        f"moved: {scenes / '4.png'} -> {tmp_path / 'new' / '4.png'}",
        f"unreachable: {scenes / '5.png'}: ",
        "alert gone: disabled",
        "alert here: radius",
        f"scenehash search QUERY --store {store / 'earlier' / 'first-64'}",
    ):
        assert text in done.stderr
    with CodeStore.open(store) as opened:
        check_codes(opened, by["other"])
    # What is left behind is named wherever one looks, and can be searched as it says.
    info = answer("store", "info", store)
    (left,) = info["earlier"]
    assert (left["scenes"], left["tiles"], left["lineage"]) == (1, 3, "first")
    for command in (
        ("store", "info", store),
        ("store", "verify", store),
        ("search", "row:0", "--store", store),
    ):
        said = run(*command)
        assert said.exit_code == 0
        assert f"scenehash search QUERY --store {left['store']}" in said.stderr
    assert answer("search", "row:0", "--store", left["store"], "-k", 1)["hits"][0]["distance"] == 0
    query = answer("search", scenes / "0.png", "--store", left["store"])
    assert (query["lineage"], len(query["hits"])) == ("first", 3)
    listed = answer("alert", "list", "--store", store)
    assert [alert["name"] for alert in listed["alerts"]] == ["here"]
    assert [alert["name"] for alert in listed["disabled"]] == ["gone"]
    shown = run("alert", "list", "--store", store).stderr
    assert "alert gone is disabled" in shown
    assert "rehash the store again" in shown
    assert run("alert", "remove", "gone", "--store", store).exit_code == 0
    assert answer("alert", "list", "--store", store)["disabled"] == []
    write_scenes(scenes, range(5, 6))
    again = answer("rehash", "--store", store, *model)
    assert (again["scenes_returned"], again["scenes_unreachable"]) == (1, 0)
    assert answer("store", "info", store)["earlier"] == []


def test_damage_in_a_store_of_an_earlier_model_is_named(
    store: Path, scenes: Path, files: Path
) -> None:
    (scenes / "5.png").unlink()
    run("rehash", "--store", store, "--model", files / "other.onnx")
    (codes,) = (store / "earlier" / "first-64").glob("codes*.bin")
    codes.write_bytes(bytes(8 * 3))
    done = run("store", "verify", store)
    assert done.exit_code == 1
    assert "first-64: " in done.stdout
    assert "5.png" in done.stdout


def test_a_second_look_at_representations(store: Path, scenes: Path) -> None:
    query = ("search", scenes / "3.png", "--store", store, "-k", 5)
    found = answer(*query, "--rerank", "vectors")
    assert found["reranked"] == {"by": ["vectors"], "compared": {"vectors": TILES}}
    cosines = [hit["cosine"] for hit in found["hits"]]
    assert cosines[0] == 1.0
    assert cosines == sorted(cosines, reverse=True)
    plain = answer(*query, "--rerank", "none")
    assert plain["reranked"] is None
    assert {hit["cosine"] for hit in plain["hits"]} == {None}
    stored = answer("search", "row:2", "--store", store, "--rerank", "vectors")["hits"][0]
    assert (stored["row"], stored["cosine"]) == (2, 1.0)
    shown = run(*query, "--rerank", "vectors", "--html", scenes.parent / "p.html")
    assert shown.exit_code == 0
    assert f"re-ranked: cosine of representations ({TILES} compared)" in shown.stdout
    assert "1.00" in shown.stdout
    assert "cosine of representations" in (scenes.parent / "p.html").read_text()
    code = plain["queries"][0]["codes"][0]
    done = run("search", f"code:{code}", "--store", store, "--rerank", "vectors")
    assert (done.exit_code, "it has no representation" in done.stderr) == (1, True)
    run("store", "vectors", store, "--remove")
    done = run(*query, "--rerank", "vectors")
    assert (done.exit_code, "keeps no representations" in done.stderr) == (1, True)
    done = run(*query, "--rerank", "thumbnails")
    assert (done.exit_code, "keeps no thumbnails" in done.stderr) == (1, True)


def test_a_hit_without_a_vector_stays_at_its_place(store: Path, scenes: Path) -> None:
    query = ("search", scenes / "3.png", "--store", store, "-k", TILES)
    second = answer(*query, "--rerank", "none")["hits"][1]["row"]
    with CodeStore.open(store, writable=True) as opened:
        opened.vectors.drop(Ranges.of([(second, 1)]))
    for order in ("vectors", "mixed"):
        found = answer(*query, "--rerank", order)
        assert found["hits"][1]["row"] == second
        assert found["hits"][1]["cosine"] is None
        assert found["reranked"]["compared"] == {order: TILES - 1}
