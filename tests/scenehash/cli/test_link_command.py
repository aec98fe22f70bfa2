"""The commands of scenehash link, from a station to the ground and back."""

import json
import re

import numpy as np

from ...command_line import run
from ..store.samples import make


def answer(*arguments, status=0):
    done = run(*arguments, "--json")
    assert done.exit_code == status, done.stderr
    return json.loads(done.stdout)


def test_tiles_go_up_and_receipts_queries_and_answers_go_between(tmp_path):
    make(tmp_path / "s", 5).close()
    ground, up, down = (tmp_path / name for name in ("ground", "up.shlb", "down.shlb"))
    answer("store", "station", "north", "--store", tmp_path / "s")
    packed = answer("link", "pack", "--store", tmp_path / "s", "--for", "ground", "--out", up)
    assert (packed["number"], packed["tiles"], packed["path"]) == (1, 9, str(up))
    (applied,) = answer("link", "apply", up, "--store", ground)["bundles"]
    assert (applied["station"], applied["scenes"], applied["set_aside"]) == ("north", 5, [])
    (told,) = answer("link", "status", "--store", ground, "--peer", "north")["received"]
    assert told["complete"] and told["tiles"] == 9
    answer("link", "pack", "--down", "--store", ground, "--for", "north", "--out", down)
    answer("link", "apply", down, "--store", tmp_path / "s")
    packed = run("link", "pack", "--down", "--store", ground, "--for", "north", "--out", down)
    assert "a receipt, nothing new" in packed.stdout
    answer("link", "apply", down, "--store", tmp_path / "s")
    (sent,) = answer("link", "status", "--store", tmp_path / "s")["sent"]
    assert sent["tiles"]["acknowledged"] == 9
    asked = answer(
        "link", "ask", "row:2", "--store", ground, "--for", "north", "-k", 3, "--out", up
    )
    assert asked["letters"] == ["questions"]
    (answered,) = answer("link", "answer", up, "--store", tmp_path / "s", "--out", down)["answers"]
    assert answered["letters"] == ["answers"]
    (applied,) = answer("link", "apply", down, "--store", ground)["bundles"]
    assert applied["answers"][0]["hits"][0]["distance"] == 0
    answer("link", "ask", "--row", 2, "--store", ground, "--for", "north", "--out", up)
    answer("link", "answer", up, "--store", tmp_path / "s", "--out", down)
    said = run("link", "apply", down, "--store", ground).stdout
    assert "north answers question 2: no tiles were searched" in said
    (head, *hits, _) = run("search", "row:0", "--store", ground, "-k", 3).stdout.splitlines()
    assert "station" in head
    assert [" north " in line for line in hits] == [True] * 3
    answer("store", "station", "ground", "--store", ground)
    hits = answer("search", "row:0", "--store", ground, "-k", 3, "--group")
    assert [hit["station"] for hit in hits["hits"]] == ["north"] * 3
    assert all(isinstance(row, int) for group in hits["groups"] for row in group)
    hits = answer("search", "row:0", "--store", tmp_path / "s", "-k", 3)["hits"]
    assert [hit["station"] for hit in hits] == ["north"] * 3
    own = run("search", "row:0", "--store", tmp_path / "s", "-k", 3).stdout
    assert "station" not in own


def test_a_query_for_another_station_is_named_by_its_file_and_gets_no_answer(tmp_path):
    for name in ("north", "south"):
        make(tmp_path / name, 2).close()
        answer("store", "station", name, "--store", tmp_path / name)
    up, ask, out = (tmp_path / name for name in ("up.shlb", "ask.shlb", "out.shlb"))
    ground = tmp_path / "ground"
    answer("link", "pack", "--store", tmp_path / "north", "--for", "ground", "--out", up)
    answer("link", "apply", up, "--store", ground)
    answer("link", "ask", "row:0", "--store", ground, "--for", "north", "--out", ask)
    done = run("link", "answer", ask, "--store", tmp_path / "south", "--out", out)
    assert done.exit_code == 3
    said = " ".join(done.stderr.split())
    assert f"set aside: {ask}: ground-1: the bundle is for north" in said
    assert "no query to answer, no bundle written" in done.stdout
    assert not out.exists()
    told = answer("link", "answer", ask, "--store", tmp_path / "south", "--out", out, status=3)
    assert "the bundle is for north" in told["bundles"][0]["set_aside"][0]
    done = run("link", "answer", ask, "--store", tmp_path / "north", "--out", out)
    assert "1 answer" in done.stdout
    assert out.exists()


def test_what_a_bundle_has_to_leave_out_is_named_in_the_exit_status(tmp_path):
    with make(tmp_path / "s", 3) as store:
        noise = np.random.default_rng(0).bytes(999).hex()
        store.outbox.note([f'{{"alerts": [], "note": "{noise}"}}'])
    answer("store", "station", "north", "--store", tmp_path / "s")
    words = ("link", "pack", "--store", tmp_path / "s", "--for", "ground", "--out", tmp_path)
    few = run(*words, "--max-bytes", 900)
    assert few.exit_code == 3
    left_out = r"^left out: event 1: needs 1,\d{3} bytes: too large for --max-bytes$"
    assert re.search(left_out, few.stderr, re.M)
    assert run(*words).exit_code == 0


def test_what_is_no_bundle_is_set_aside_and_what_makes_no_sense_is_a_line(tmp_path):
    make(tmp_path / "s", 1).close()
    (tmp_path / "none").write_bytes(b"nothing")
    document = answer("link", "apply", tmp_path / "none", "--store", tmp_path / "s", status=3)
    assert "not a bundle" in document["bundles"][0]["set_aside"][0]
    shown = run("link", "apply", tmp_path / "none", "--store", tmp_path / "s")
    assert "nothing new" not in shown.stdout
    pack = ("link", "pack", "--store", tmp_path / "s", "--for", "ground")
    assert "the store has no station name" in answer(*pack, status=1)["error"]["message"]
    answer("store", "station", "north", "--store", tmp_path / "s")
    for more, status, reason in (
        (("--max-bytes", 10), 1, "give 512"),
        (("--again", "7"), 2, "not FIRST-LAST"),
        (("--model", "x.onnx"), 2, "give --down, too"),
        (("--down", "--model", tmp_path / "x.onnx"), 1, "cannot be read"),
    ):
        assert reason in answer(*pack, *more, status=status)["error"]["message"]


def test_two_stores_of_one_name_are_told_apart(tmp_path):
    ground = tmp_path / "ground"
    for name in ("old", "new"):
        make(tmp_path / name, 2).close()
        answer("store", "station", "north", "--store", tmp_path / name)
        up = tmp_path / f"{name}.shlb"
        answer("link", "pack", "--store", tmp_path / name, "--for", "ground", "--out", up)
        answer("link", "apply", up, "--store", ground)
    told = run("link", "status", "--store", ground).stdout
    stores = [one["store"] for one in answer("link", "status", "--store", ground)["received"]]
    assert len(set(stores)) == 2
    assert all(f"from north ({store[:8]}): complete" in told for store in stores)


def test_a_peer_that_is_no_more_is_forgotten(tmp_path):
    make(tmp_path / "s", 5).close()
    ground, up = tmp_path / "ground", tmp_path / "up.shlb"
    answer("store", "station", "north", "--store", tmp_path / "s")
    answer("link", "pack", "--store", tmp_path / "s", "--for", "ground", "--out", up)
    answer("link", "apply", up, "--store", ground)
    told = run("link", "forget", "south", "--store", ground)
    assert told.exit_code == 1 and "'south'; its peers are north" in " ".join(told.stderr.split())
    done = answer("link", "forget", "ground", "--store", tmp_path / "s")
    assert (done["peer"], done["bundles"], done["stores"], done["scenes"]) == ("ground", 1, [], 0)
    told = run("link", "forget", "north", "--store", ground)
    lost = "0 bundles sent, progress of 1 store; 5 scenes of north stay"
    assert told.stdout == f"north: forgotten: {lost}\n"
    assert answer("link", "status", "--store", ground)["received"] == []


def test_a_peer_without_a_link_is_no_store_without_bundles(tmp_path):
    make(tmp_path / "s", 2).close()
    answer("store", "station", "north", "--store", tmp_path / "s")
    told = run("link", "status", "--store", tmp_path / "s")
    assert "no bundle was packed or applied yet" in told.stdout
    answer("link", "pack", "--store", tmp_path / "s", "--for", "ground", "--out", tmp_path)
    told = answer("link", "status", "--store", tmp_path / "s", "--peer", "gruond", status=1)
    assert told["error"]["message"].endswith("'gruond'; its peers are ground")


def test_pieces_of_a_model_are_something_new(tmp_path):
    for name in ("north", "ground"):
        make(tmp_path / name, 2).close()
        answer("store", "station", name, "--store", tmp_path / name)
    model, down = tmp_path / "m.onnx", tmp_path / "down.shlb"
    model.write_bytes(np.random.default_rng(0).bytes(40_000))
    pack = ("link", "pack", "--down", "--store", tmp_path / "ground", "--for", "north")
    some = run(*pack, "--model", model, "--max-bytes", 34_000, "--out", down)
    assert "2 other items; left: 1 other item" in some.stdout
    apply = ("link", "apply", down, "--store", tmp_path / "north")
    assert run(*apply).stdout.endswith("ground 1: 2 model pieces\n")
    assert answer(*apply)["bundles"][0]["pieces"] == 0


def test_what_else_goes_with_a_query_is_named(tmp_path):
    make(tmp_path / "s", 2).close()
    answer("store", "station", "north", "--store", tmp_path / "s")
    ask = ("link", "ask", "row:0", "--store", tmp_path / "s", "--for", "ground", "--out", tmp_path)
    assert run(*ask).stdout.endswith(": a query\n")
    answer("alert", "add", "quay", "row:0", "--store", tmp_path / "s")
    assert run(*ask).stdout.endswith(": a query, 1 other item\n")
