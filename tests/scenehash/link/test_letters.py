"""Queries and their answers, thumbnails, watch lists and judgements over a link."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from scenehash import CodeStore, Filter, search
from scenehash.alerts.judging import judge
from scenehash.errors import BundleError, ConfigurationError, InputError, NotStoredError
from scenehash.link import (
    AskOptions,
    PackOptions,
    answer_peer,
    apply_bundles,
    ask_peer,
    link_status,
    pack_bundle,
)
from scenehash.link.letters import check_picture
from scenehash.store import Alert, HashedScene

from ..store.samples import LINEAGE, placed, scene
from .test_exchange import station

DOWN = PackOptions(down=True)


def jpeg(side=64):
    return bytes(cv2.imencode(".jpg", np.full((side, side, 3), 90, np.uint8))[1])


@pytest.fixture
def sides(tmp_path):
    """A station with tiles and thumbnails, and a ground store that has none of them."""
    shown = placed(0, 30)
    pictured = HashedScene(
        shown.content, shown.path, shown.windows, shown.codes, shown.time, shown.footprints,
        thumbnails=[jpeg()] * 30,
    )  # fmt: skip
    with CodeStore.create(tmp_path / "one", LINEAGE, 64, "a-model") as store:
        store.name_station("one")
        store.keep_thumbnails()
        store.add([pictured, scene(1, 4)])
    return tmp_path / "one", station(tmp_path / "ground", "ground"), shown


def code_text(hashed, tile):
    return f"code:{hashed.codes[tile].tobytes().hex()}"


def test_a_query_goes_up_in_a_hundred_bytes_and_its_hits_come_down(tmp_path, sides):
    one, ground, shown = sides
    asked = ask_peer(ground, "one", [code_text(shown, 7)], out=tmp_path, options=AskOptions(k=5))
    assert asked.bytes < 100
    _, (answer,) = answer_peer([asked.path], one, tmp_path)
    (applied,) = apply_bundles([answer.path], ground)
    assert applied.set_aside == []
    (told,) = applied.answers
    with CodeStore.open(one) as store:
        (hits,) = store.search(shown.codes[7:8], 5)
    assert [hit["row"] for hit in told["hits"]] == [hit.row for hit in hits]
    assert [hit["distance"] for hit in told["hits"]] == [hit.distance for hit in hits]
    best = told["hits"][0]
    assert best["scene"] == "one:/scenes/0.png" and best["content"] == shown.content
    assert np.allclose(best["footprint"], shown.footprints[7], atol=1e-6)
    assert best["time"] == shown.time.isoformat()
    with CodeStore.open(ground) as store:
        ((_, event),) = store.outbox.events(0, 5)
        assert json.loads(event)["kind"] == "answer"
    assert apply_bundles([answer.path], ground)[0].answers == []


def test_filters_radius_and_what_a_hit_is_not_like_go_with_a_query(tmp_path, sides):
    one, ground, shown = sides
    options = AskOptions(k=9, radius=60, where=Filter(bbox=(8.0, 46.9, 8.035, 47.1)))
    asked = ask_peer(ground, "one", [code_text(shown, 2)], [code_text(shown, 1)], tmp_path, options)
    _, (answer,) = answer_peer([asked.path], one, tmp_path)
    (told,) = apply_bundles([answer.path], ground)[0].answers
    rows = [hit["row"] for hit in told["hits"]]
    assert rows[0] == 2 and 1 not in rows and max(rows) < 5
    asked = ask_peer(ground, "one", [code_text(shown, 2)], (), tmp_path,
                     AskOptions(where=Filter(label="none")))  # fmt: skip
    _, (answer,) = answer_peer([asked.path], one, tmp_path)
    assert apply_bundles([answer.path], ground)[0].answers[0]["hits"] == []


def test_thumbnails_come_for_those_rows_alone_and_wait_for_their_tiles(tmp_path, sides):
    one, ground, shown = sides
    options = AskOptions(k=3, thumbnails=True)
    asked = ask_peer(ground, "one", [code_text(shown, 7)], out=tmp_path, options=options)
    _, (answer,) = answer_peer([asked.path], one, tmp_path)
    (applied,) = apply_bundles([answer.path], ground)
    # The scene without thumbnails may be among the hits.
    assert 0 < applied.thumbnails <= 3
    apply_bundles([pack_bundle(one, "ground", tmp_path).path], ground)
    rows = [hit["row"] for hit in applied.answers[0]["hits"] if hit["row"] < 30]
    with CodeStore.open(ground) as store:
        record = store.find_scene(shown.content)
        assert record is not None
        kept = store.thumbnails.of_scene(record)
        assert [row for row, picture in enumerate(kept) if picture] == sorted(rows)
    more = ask_peer(ground, "one", out=tmp_path, options=AskOptions(rows=[20, 21]))
    _, (answer,) = answer_peer([more.path], one, tmp_path)
    assert apply_bundles([answer.path], ground)[0].thumbnails == 2


def test_an_answer_that_is_lost_goes_again_with_the_next_bundles(tmp_path, sides):
    one, ground, shown = sides
    asked = ask_peer(ground, "one", [code_text(shown, 7)], out=tmp_path)
    answer_peer([asked.path], one, tmp_path)
    up = pack_bundle(one, "ground", tmp_path)
    (applied,) = apply_bundles([up.path], ground)
    assert len(applied.answers) == 1
    apply_bundles([pack_bundle(ground, "one", tmp_path, DOWN).path], one)
    assert pack_bundle(one, "ground", tmp_path).letters == []


def test_a_query_that_is_lost_goes_with_the_next_bundle_down(tmp_path, sides):
    one, ground, shown = sides
    ask_peer(ground, "one", [code_text(shown, 7)], out=tmp_path)
    _, (answer,) = answer_peer([pack_bundle(ground, "one", tmp_path, DOWN).path], one, tmp_path)
    assert len(apply_bundles([answer.path], ground)[0].answers) == 1
    assert pack_bundle(ground, "one", tmp_path, DOWN).letters == []


def test_an_alert_is_asked_for_with_its_negatives(tmp_path, sides):
    one, ground, shown = sides
    with CodeStore.open(ground, writable=True) as store:
        alert = Alert("quay", 40, shown.codes[3:5], shown.codes[9:10], ("a", "b", "c"))
        store.alerts.add(alert)
    asked = ask_peer(ground, "one", out=tmp_path, options=AskOptions(alert="quay", k=1000))
    _, (answer,) = answer_peer([asked.path], one, tmp_path)
    (told,) = apply_bundles([answer.path], ground)[0].answers
    with CodeStore.open(one) as store:
        rows, codes = next(store.living())
    judged = judge(alert, codes)
    assert {hit["row"] for hit in told["hits"]} == set(rows[judged.matches].tolist())


def test_watch_lists_go_down_and_judgements_come_up(tmp_path, sides):
    one, ground, shown = sides
    apply_bundles([pack_bundle(one, "ground", tmp_path).path], ground)
    with CodeStore.open(ground, writable=True) as store:
        store.alerts.add(Alert("quay", 9, shown.codes[3:4], shown.codes[:0], ("row:3",)))
    assert apply_bundles([pack_bundle(ground, "one", tmp_path, DOWN).path], one)[0].alerts == 1
    from scenehash import confirm_match, reject_match

    with CodeStore.open(one, writable=True) as store:
        assert store.alerts.get("quay").sources == (code_text(shown, 3),)
        confirm_match(store, "quay", 11)
        reject_match(store, "quay", 12)
    (applied,) = apply_bundles([pack_bundle(one, "ground", tmp_path).path], ground)
    assert (applied.judgements, applied.set_aside) == (2, [])
    with CodeStore.open(ground, writable=True) as store:
        alert = store.alerts.get("quay")
        assert np.array_equal(alert.examples, shown.codes[[3, 11]])
        assert np.array_equal(alert.negatives, shown.codes[[12]])
    apply_bundles([pack_bundle(ground, "one", tmp_path, DOWN).path], one)
    with CodeStore.open(one) as store:
        assert np.array_equal(store.alerts.get("quay").negatives, shown.codes[[12]])
    with CodeStore.open(ground, writable=True) as store:
        store.alerts.remove("quay")
    apply_bundles([pack_bundle(ground, "one", tmp_path, DOWN).path], one)
    with CodeStore.open(one) as store:
        assert store.alerts.list() == []


def test_an_alert_of_one_s_own_is_not_overwritten(tmp_path, sides):
    one, ground, shown = sides
    for path in (one, ground):
        with CodeStore.open(path, writable=True) as store:
            store.alerts.add(Alert("quay", 9, shown.codes[:1], shown.codes[:0], (path.name,)))
    (applied,) = apply_bundles([pack_bundle(ground, "one", tmp_path, DOWN).path], one)
    assert "an alert of that name exists here" in applied.set_aside[0]


@pytest.mark.parametrize("data", [b"", b"no picture", b"\xff\xd8\xff\xe0" + bytes(40), jpeg(300)])
def test_a_picture_that_is_no_small_jpeg_is_refused(data):
    with pytest.raises(BundleError):
        check_picture(1, data)


def test_asking_for_nothing_or_for_two_things_is_refused(tmp_path, sides):
    _, ground, shown = sides
    with pytest.raises(ConfigurationError, match="give one of these: queries"):
        ask_peer(ground, "one", out=tmp_path)
    with pytest.raises(ConfigurationError, match="give one of these: queries"):
        ask_peer(ground, "one", [code_text(shown, 1)], (), tmp_path, AskOptions(alert="quay"))


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (AskOptions(radius=65), "the number 65 is above the limit of 64"),
        (AskOptions(where=Filter(near=(0, 0, 1e9))), "is above the limit of 1,048,576"),
        (AskOptions(where=Filter(newer_than=1 << 50)), "is above the limit"),
    ],
)
def test_a_query_that_no_peer_takes_is_refused_and_not_kept(tmp_path, sides, options, reason):
    one, ground, shown = sides
    apply_bundles([pack_bundle(one, "ground", tmp_path).path], ground)
    with pytest.raises(ConfigurationError, match=reason):
        ask_peer(ground, "one", [code_text(shown, 3)], out=tmp_path, options=options)
    assert pack_bundle(ground, "one", tmp_path, DOWN).letters == []


def test_rows_are_from_0_on(tmp_path, sides):
    with pytest.raises(ConfigurationError, match="-5: rows are numbered from 0"):
        ask_peer(sides[1], "one", out=tmp_path, options=AskOptions(rows=[3, -5]))


def test_status_names_what_was_sent_and_what_has_come(tmp_path, sides):
    one, ground, _ = sides
    apply_bundles([pack_bundle(one, "ground", tmp_path).path], ground)
    (sent,) = link_status(one, "ground")["sent"]
    assert sent["tiles"] == {"all": 34, "acknowledged": 0, "sent": 34, "never_sent": 0}
    apply_bundles([pack_bundle(ground, "one", tmp_path, DOWN).path], one)
    (sent,) = link_status(one)["sent"]
    assert sent["tiles"]["acknowledged"] == 34
    with pytest.raises(NotStoredError, match="'nobody'; its peers are ground"):
        link_status(one, "nobody")


def test_logits_are_a_query(tmp_path, sides):
    one, _, shown = sides
    logits = np.unpackbits(shown.codes[4]).astype(np.float32) - 0.5
    np.save(tmp_path / "tile.npy", logits)
    found = search(one, f"logits:{tmp_path / 'tile.npy'}", k=1)
    assert (found.hits[0].row, found.hits[0].distance) == (4, 0)
    np.save(tmp_path / "short.npy", logits[:20])
    with pytest.raises(ConfigurationError, match="20 logits"):
        search(one, f"logits:{tmp_path / 'short.npy'}")
    (tmp_path / "none.npy").write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"not an \.npy file"):
        search(one, f"logits:{tmp_path / 'none.npy'}")


def test_a_model_goes_down_in_pieces_over_many_bundles(tmp_path, sides):
    one, ground, _ = sides
    model = tmp_path / "adapted.onnx"
    model.write_bytes(np.random.default_rng(0).bytes(100_000))
    options = PackOptions(max_bytes=40_000, down=True, files=(model,))
    files = []
    for number in range(9):
        down = pack_bundle(ground, "one", tmp_path, options)
        assert down.bytes <= 40_000
        if number != 1:  # that one is lost
            files += apply_bundles([down.path], one)[0].files
    (path,) = files
    assert path.endswith("-adapted.onnx") and str(one) in path
    assert Path(path).read_bytes() == model.read_bytes()


def test_an_event_of_an_alert_goes_before_answers(tmp_path, sides):
    one, ground, shown = sides
    asked = [
        ask_peer(ground, "one", [code_text(shown, tile)], out=tmp_path, options=AskOptions(k=20))
        for tile in range(8)
    ]
    apply_bundles([query.path for query in asked], one)
    with CodeStore.open(one, writable=True) as store:
        large = np.random.default_rng(0).bytes(200).hex()
        store.outbox.note(['{"alerts": []}', f'{{"alerts": ["quay"], "note": "{large}"}}'])
    up = pack_bundle(one, "ground", tmp_path, PackOptions(max_bytes=700))
    # There is no room for all answers.
    assert up.left_letters
    apply_bundles([up.path], ground)
    with CodeStore.open(ground) as store:
        events = [json.loads(event) for _, event in store.outbox.events(0, 20)]
    come = [event["station_event"] for event in events if event["kind"] == "station"]
    assert 2 in come
    assert len(come) == up.events == 2 - up.left_events


def test_answers_for_two_who_asked_are_not_written_over_each_other(tmp_path, sides):
    one, ground, shown = sides
    other = station(tmp_path / "other", "other")
    asked = [
        ask_peer(store, "one", [code_text(shown, 7)], out=tmp_path).path
        for store in (ground, other)
    ]
    with pytest.raises(ConfigurationError, match="use --out FOLDER"):
        answer_peer(asked, one, tmp_path / "answer.shlb")
    _, answers = answer_peer(asked, one, tmp_path)
    assert len({answer.path for answer in answers}) == 2
    for answer, store in zip(answers, (ground, other), strict=True):
        (applied,) = apply_bundles([answer.path], store)
        assert len(applied.answers) == 1


@pytest.mark.parametrize("name", ["../x.onnx", "/x.onnx", ".x", "a\\b", ""])
def test_a_file_s_name_leads_nowhere_else(sides, name):
    from scenehash.link.model_files import take_piece
    from scenehash.link.wire import Writer

    out = Writer()
    out.raw(bytes(16))
    out.number(1)
    out.number(0)
    out.text(name)
    out.blob(b"x")
    with CodeStore.open(sides[0], writable=True) as store:
        with pytest.raises(BundleError, match="lies outside its file"):
            take_piece(store, "a", out.data())
        assert not (store.path / "received").exists()
