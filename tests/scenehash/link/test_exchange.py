"""Bundles that are lost, repeated, reordered and cut: the ground store has all in the end."""

import contextlib
import json
import random
import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scenehash import CodeStore, Filter
from scenehash.errors import ConfigurationError, InputError, NotStoredError, StoreDamagedError
from scenehash.link import PackOptions, apply_bundles, forget_peer, link_status, pack_bundle
from scenehash.link.pieces import codes_mark
from scenehash.store import Alert, HashedScene
from scenehash.store.catalog.link_tables import KINDS

from ..store.samples import LINEAGE, make, placed, scene
from .comparing import assert_merged


def station(path, name, *scenes):
    with CodeStore.create(path, LINEAGE, 64, "a-model") as store:
        store.name_station(name)
        store.add(scenes)
    return path


def exchange(folder, stations, ground, rounds=30, max_bytes=None):
    """Bundles and receipts until nothing is left to be said."""
    for _ in range(rounds):
        for path in stations:
            with CodeStore.open(path) as store:
                name = str(store.station)
            up = pack_bundle(path, "ground", folder, PackOptions(max_bytes))
            assert max_bytes is None or up.bytes <= max_bytes
            assert [one.set_aside for one in apply_bundles([up.path], ground)] == [[]]
            down = pack_bundle(ground, name, folder, PackOptions(down=True))
            assert [one.set_aside for one in apply_bundles([down.path], path)] == [[]]
        received = link_status(ground)["received"]
        if len(received) == len(stations) and all(one["complete"] for one in received):
            return
    raise AssertionError(received)


def test_a_ground_store_gets_what_two_stations_have(tmp_path):
    one = station(tmp_path / "one", "one", placed(0, 5), scene(1, 3), placed(2, 2, labels=("x",)))
    two = station(tmp_path / "two", "two", placed(3, 4), placed(2, 2, labels=("y",)))
    exchange(tmp_path, [one, two], tmp_path / "ground")
    assert_merged(tmp_path / "ground", [one, two])
    with CodeStore.open(tmp_path / "ground") as ground:
        assert ground.station == "ground"
        paths = ground.paths(Filter())
        assert "one:/scenes/0.png" in paths and "two:/scenes/3.png" in paths


def test_tiles_are_found_by_their_station(tmp_path):
    one = station(tmp_path / "one", "one", placed(0, 5), placed(2, 2))
    two = station(tmp_path / "two", "two", placed(3, 4), placed(2, 2))
    ground = tmp_path / "ground"
    exchange(tmp_path, [one, two], ground)
    with CodeStore.open(ground) as store:
        code = placed(0, 5).codes[:1]
        for name, tiles in (("one", 7), ("two", 6), ("ground", 11)):
            (hits,) = store.search(code, 20, where=store.resolve(Filter(station=name)))
            assert len(hits) == tiles
        wanted = Filter(station="two", bbox=(8.0, 47.0, 8.015, 47.005))
        assert len(store.search(code, 20, where=wanted)[0]) == 4
        with pytest.raises(NotStoredError, match="it has ground, one, two"):
            store.resolve(Filter(station="three"))


def test_scenes_and_times_are_listed_by_their_station(tmp_path):
    south = station(tmp_path / "south", "south", placed(0, 5), placed(2, 2), scene(1))
    ground = station(tmp_path / "ground", "ground", placed(4, 6))
    exchange(tmp_path, [south], ground)
    with CodeStore.open(ground) as store:
        for where, numbers in (
            (Filter(station="south"), (0, 1, 2)),
            (Filter(station="south", newer_than=5), None),
            (Filter(station="south", bbox=(8.0, 47.0, 8.015, 47.005)), (0, 2)),
            (Filter(newer_than=5), None),
            (Filter(station="ground"), (0, 1, 2, 4)),
        ):
            rows = [row for part, _ in store.living(where) for row in part.tolist()]
            records = [store.scene_of(row) for row in rows]
            times = {one.content: one.time for one in records if one is not None}
            assert numbers is None or times.keys() == {placed(number).content for number in numbers}
            assert {one.content for one in store.list_scenes(where).scenes} == times.keys()
            if where.on_places:
                continue
            found = store.time_histogram(3, where)
            assert found.without == list(times.values()).count(None)
            assert sum(found.counts) == len(times) - found.without


def test_deletions_and_compactions_follow_and_what_another_station_has_stays(tmp_path):
    one = station(tmp_path / "one", "one", placed(0, 5), placed(1, 3), placed(2, 2))
    two = station(tmp_path / "two", "two", placed(1, 3))
    ground = tmp_path / "ground"
    exchange(tmp_path, [one, two], ground)
    with CodeStore.open(one, writable=True) as store:
        store.delete(Filter(scene="/scenes/0.png"))
        store.delete(Filter(scene="/scenes/1.png"))
        store.compact()
        store.add([placed(4, 6)])
    exchange(tmp_path, [one, two], ground)
    assert_merged(ground, [one, two])
    with CodeStore.open(two, writable=True) as store:
        store.delete(Filter(scene="/scenes/1.png"))
    exchange(tmp_path, [one, two], ground)
    assert_merged(ground, [one, two])


def test_what_the_ground_store_had_itself_stays_when_a_station_deletes_it(tmp_path):
    one = station(tmp_path / "one", "one", placed(0, 5))
    ground = station(tmp_path / "ground", "ground", placed(0, 5))
    exchange(tmp_path, [one], ground)
    with CodeStore.open(one, writable=True) as store:
        store.delete(Filter())
    exchange(tmp_path, [one], ground)
    with CodeStore.open(ground) as store:
        assert store.contents() == [placed(0).content]


def test_the_same_scene_cut_otherwise_is_told_apart(tmp_path):
    one = station(tmp_path / "one", "one", placed(0, 5))
    two = station(tmp_path / "two", "two", placed(0, 3))
    ground = tmp_path / "ground"
    exchange(tmp_path, [one, two], ground)
    first, second = link_status(ground)["received"]
    told = {each["station"]: each for each in (first, second)}
    assert (told["one"]["tiles"], told["one"]["cut_otherwise"]) == (5, 0)
    assert (told["two"]["tiles"], told["two"]["cut_otherwise"]) == (0, 3)
    with CodeStore.open(one, writable=True) as store:
        store.delete(Filter())
    exchange(tmp_path, [one, two], ground)
    assert_merged(ground, [two])


def test_a_scene_larger_than_a_bundle_comes_in_pieces(tmp_path):
    one = station(tmp_path / "one", "one", placed(0, 900), placed(1, 1))
    exchange(tmp_path, [one], tmp_path / "ground", max_bytes=2500)
    assert_merged(tmp_path / "ground", [one])


def test_pieces_from_before_a_change_of_the_model_keep_no_scene_back(tmp_path):
    one, ground = station(tmp_path / "one", "one", placed(0, 200)), tmp_path / "ground"
    apply_bundles([pack_bundle(one, "ground", tmp_path, PackOptions(1000)).path], ground)
    with CodeStore.open(one) as store:
        sender = store.uuid
    with CodeStore.open(ground, writable=True) as store:
        (piece,) = store.links.waiting.pieces(sender, 0)
        other = piece._replace(start=1, data=codes_mark(LINEAGE, 32) + piece.data[8:])
        store.links.waiting.put_piece(sender, 0, other)
    exchange(tmp_path, [one], ground, max_bytes=1000)
    assert_merged(ground, [one])
    with CodeStore.open(ground) as store:
        assert store.links.waiting.pieces(sender, 0) == []


def test_what_was_deleted_at_the_ground_store_does_not_come_back(tmp_path):
    one = station(tmp_path / "one", "one", placed(0, 5), placed(1, 3))
    ground = tmp_path / "ground"
    bundle = pack_bundle(one, "ground", tmp_path).path
    apply_bundles([bundle], ground)
    with CodeStore.open(ground, writable=True) as store:
        store.delete(Filter(scene="one:/scenes/0.png"))
    apply_bundles([bundle, pack_bundle(one, "ground", tmp_path).path], ground)
    (told,) = link_status(ground)["received"]
    assert (told["tiles"], told["deleted_here"], told["complete"]) == (3, 5, True)


def test_a_bundle_that_was_cut_is_taken_as_far_as_it_goes(tmp_path):
    one = station(tmp_path / "one", "one", *(placed(number, 200) for number in range(60)))
    ground = tmp_path / "ground"
    up = pack_bundle(one, "ground", tmp_path)
    data = (tmp_path / up.path).read_bytes()
    cut = tmp_path / "cut.shlb"
    cut.write_bytes(data[: len(data) * 2 // 3])
    (applied,) = apply_bundles([cut], ground)
    assert applied.cut and applied.tiles and not applied.set_aside
    down = pack_bundle(ground, "one", tmp_path, PackOptions(down=True))
    apply_bundles([down.path], one)
    (sent,) = link_status(one)["sent"]
    assert 0 < sent["tiles"]["acknowledged"] < sent["tiles"]["all"]
    again = pack_bundle(one, "ground", tmp_path)
    assert again.tiles == sent["tiles"]["all"] - sent["tiles"]["acknowledged"]
    apply_bundles([again.path], ground)
    assert_merged(ground, [one])


def test_without_receipts_all_is_sent_so_many_times_and_then_no_more(tmp_path):
    one = station(tmp_path / "one", "one", placed(0, 5))
    tiles = [pack_bundle(one, "ground", tmp_path, PackOptions(times=2)).tiles for _ in range(3)]
    assert tiles == [5, 5, 0]


def test_a_station_that_was_restored_from_a_backup_goes_on(tmp_path):
    one = station(tmp_path / "one", "one", placed(0, 5))
    ground = tmp_path / "ground"
    exchange(tmp_path, [one], ground)
    shutil.copytree(one, tmp_path / "backup")
    with CodeStore.open(one, writable=True) as store:
        store.add([placed(1, 3), placed(2, 4)])
    exchange(tmp_path, [one], ground)
    shutil.rmtree(one)
    shutil.copytree(tmp_path / "backup", one)
    with CodeStore.open(one, writable=True) as store:
        store.add([placed(3, 4), placed(4, 2), placed(2, 4)])
    exchange(tmp_path, [one], ground)
    assert_merged(ground, [one])


def test_a_ground_store_that_was_restored_from_a_backup_gets_all_again(tmp_path):
    one = station(tmp_path / "one", "one", placed(0, 5), placed(1, 3))
    ground = tmp_path / "ground"
    with CodeStore.open(one, writable=True) as store:
        store.outbox.note(['{"alerts": []}'])
    exchange(tmp_path, [one], ground)
    shutil.copytree(ground, tmp_path / "backup")
    with CodeStore.open(one, writable=True) as store:
        store.outbox.note(['{"alerts": []}'])
        store.add([placed(2, 4)])
        store.remove_scenes([placed(1).content])
        store.update_scene(placed(0).content, labels=["flood"])
    exchange(tmp_path, [one], ground)
    shutil.rmtree(ground)
    shutil.copytree(tmp_path / "backup", ground)
    exchange(tmp_path, [one], ground)
    assert_merged(ground, [one])
    with CodeStore.open(ground) as store:
        assert store.outbox.newest() == 2


def test_a_station_that_was_restored_from_a_backup_gets_alerts_again(tmp_path):
    one, ground = station(tmp_path / "one", "one", placed(0, 5)), tmp_path / "ground"
    exchange(tmp_path, [one], ground)
    with CodeStore.open(ground, writable=True) as store:
        store.alerts.add(Alert("port", 8, placed(0).codes[:1], placed(0).codes[:0], ("a",)))
    exchange(tmp_path, [one], ground, rounds=2)
    shutil.copytree(one, tmp_path / "backup")
    with CodeStore.open(ground, writable=True) as store:
        store.alerts.add(Alert("quay", 8, placed(0).codes[:1], placed(0).codes[:0], ("a",)))
        store.alerts.remove("port")
    for number in range(3):
        with CodeStore.open(one, writable=True) as store:
            store.add([scene(number)])
        exchange(tmp_path, [one], ground)
    shutil.rmtree(one)
    shutil.copytree(tmp_path / "backup", one)
    for number in range(3, 9):
        with CodeStore.open(one, writable=True) as store:
            store.add([scene(number)])
        exchange(tmp_path, [one], ground)
    with CodeStore.open(one) as store:
        assert [alert.name for alert in store.alerts.list()] == ["quay"]


def test_a_station_that_was_restored_from_a_backup_reports_no_event_twice(tmp_path):
    one, ground = station(tmp_path / "one", "one", placed(0, 5)), tmp_path / "ground"

    def happens(*scenes):
        with CodeStore.open(one, writable=True) as store:
            store.outbox.note([f'{{"scene": "{name}", "alerts": []}}' for name in scenes])

    happens("a", "b")
    exchange(tmp_path, [one], ground)
    shutil.copytree(one, tmp_path / "backup")
    happens("lost")
    exchange(tmp_path, [one], ground)
    shutil.rmtree(one)
    shutil.copytree(tmp_path / "backup", one)
    happens("new")  # has the number of the lost one
    exchange(tmp_path, [one], ground)
    with CodeStore.open(ground) as store:
        scenes = [json.loads(body)["scene"] for _, body in store.outbox.events(0, 100)]
    assert scenes == ["one:a", "one:b", "one:lost", "one:new"]


def test_a_ground_store_that_was_made_anew_gets_all_after_its_first_receipt(tmp_path):
    one, ground = station(tmp_path / "one", "one", placed(0, 5), placed(1, 3)), tmp_path / "ground"
    for _ in range(5):  # its receipts have higher numbers than those of the new store
        apply_bundles([pack_bundle(one, "ground", tmp_path).path], ground)
        apply_bundles([pack_bundle(ground, "one", tmp_path, PackOptions(down=True)).path], one)
    shutil.rmtree(ground)
    exchange(tmp_path, [one], ground, rounds=2)
    assert_merged(ground, [one])


def test_a_station_that_was_made_anew_gets_the_alerts_again(tmp_path):
    one, ground = station(tmp_path / "one", "one", placed(0, 5)), tmp_path / "ground"
    exchange(tmp_path, [one], ground)
    for radius in (8, 9):
        with CodeStore.open(ground, writable=True) as store:
            store.alerts.add(
                Alert("quay", radius, placed(0).codes[:1], placed(0).codes[:0], ("a",)), True
            )
        for _ in range(2):
            down = pack_bundle(ground, "one", tmp_path, PackOptions(down=True)).path
            apply_bundles([down], one)
            apply_bundles([pack_bundle(one, "ground", tmp_path).path], ground)
    shutil.rmtree(one)
    station(one, "one", placed(1, 4))
    apply_bundles([pack_bundle(one, "ground", tmp_path).path], ground)
    apply_bundles([pack_bundle(ground, "one", tmp_path, PackOptions(down=True)).path], one)
    with CodeStore.open(one) as store:
        assert [(alert.name, alert.radius) for alert in store.alerts.list()] == [("quay", 9)]


def test_alerts_of_a_ground_store_that_was_made_anew_replace_those_of_the_old_one(tmp_path):
    one, ground = station(tmp_path / "one", "one", placed(0, 5)), tmp_path / "ground"
    for radius in (8, 9):
        shutil.rmtree(ground, ignore_errors=True)
        apply_bundles([pack_bundle(one, "ground", tmp_path).path], ground)
        with CodeStore.open(ground, writable=True) as store:
            store.alerts.add(
                Alert("quay", radius, placed(0).codes[:1], placed(0).codes[:0], ("a",))
            )
        down = pack_bundle(ground, "one", tmp_path, PackOptions(down=True)).path
        assert apply_bundles([down], one)[0].set_aside == []
    with CodeStore.open(one) as store:
        assert [(alert.name, alert.radius) for alert in store.alerts.list()] == [("quay", 9)]


def test_a_bundle_that_cannot_begin_a_store_keeps_no_other_back(tmp_path):
    one, ground = station(tmp_path / "one", "one", placed(0, 5)), tmp_path / "ground"
    whole = pack_bundle(one, "ground", tmp_path).path
    data = bytearray(Path(whole).read_bytes())
    data[10 + int.from_bytes(data[6:8], "little")] ^= 1  # in its first block
    (tmp_path / "damaged.shlb").write_bytes(data)
    damaged, sound = apply_bundles([tmp_path / "damaged.shlb", whole], ground)
    (reason,) = damaged.set_aside
    assert "apply a bundle with tiles first, and this one again" in reason
    assert (sound.tiles, sound.set_aside) == (5, [])
    assert_merged(ground, [one])


def test_a_deletion_that_was_lost_goes_again_without_the_rows_around_it(tmp_path):
    one, ground = (
        station(tmp_path / "one", "one", placed(0, 200), placed(1, 5)),
        tmp_path / "ground",
    )
    exchange(tmp_path, [one], ground)
    with CodeStore.open(one, writable=True) as store:
        store.remove_scenes([placed(1).content])
    pack_bundle(one, "ground", tmp_path)  # is lost
    sent = []
    for _ in range(3):
        up = pack_bundle(one, "ground", tmp_path)
        sent.append((up.tiles, up.deleted))
        apply_bundles([up.path], ground)
        apply_bundles([pack_bundle(ground, "one", tmp_path, PackOptions(down=True)).path], one)
    assert sent == [(0, 0), (0, 5), (0, 0)]
    assert_merged(ground, [one])


def test_what_fits_in_no_bundle_keeps_nothing_else_back(tmp_path):
    one, ground = station(tmp_path / "one", "one", placed(0)), tmp_path / "ground"
    noise = np.random.default_rng(0).bytes(9000).hex()
    with CodeStore.open(one, writable=True) as store:
        store.outbox.note(
            [
                '{"alerts": []}',
                f'{{"alerts": [], "note": "{noise}"}}',
                '{"alerts": []}',
                f'{{"alerts": [], "note": "{"x" * (1 << 21)}"}}',
                '{"alerts": []}',
            ]
        )
        store.add([replace(placed(1), labels=["x" * (1 << 21)]), placed(2)])
    up = pack_bundle(one, "ground", tmp_path, PackOptions(max_bytes=4000, times=1))
    assert (up.events, up.left_events, up.tiles, up.left_tiles) == (3, 2, 2, 1)
    assert [line.split(": ")[0] for line in up.left_out] == ["event 2", "event 4", "row 1"]
    assert apply_bundles([up.path], ground)[0].set_aside == []
    up = pack_bundle(one, "ground", tmp_path, PackOptions(times=1))
    assert (up.events, up.left_events, up.tiles, up.left_tiles) == (1, 1, 0, 1)
    apply_bundles([up.path], ground)
    (told,) = link_status(ground)["received"]
    assert (told["events_missing"], told["missing"]) == ([[4, 4]], [[1, 1]])


def test_a_bundle_is_not_written_into_the_store(tmp_path):
    one = station(tmp_path / "one", "one", placed(0))
    (codes,) = one.glob("codes*.bin")
    for out in (one, codes, one / "new", one / "new.shlb"):
        with pytest.raises(InputError, match="inside the store's folder"):
            pack_bundle(one, "ground", out)
    with CodeStore.open(one) as store:
        assert store.verify() == []
    assert not (one / "new").exists()
    (tmp_path / "nowhere").symlink_to(tmp_path / "none")
    with pytest.raises(InputError, match="cannot be made"):
        pack_bundle(one, "ground", tmp_path / "nowhere")


def test_a_folder_for_bundles_is_made(tmp_path):
    one = station(tmp_path / "one", "one", placed(0))
    path = tmp_path / pack_bundle(one, "ground", tmp_path / "outgoing").path
    assert path.parent.name == "outgoing" and path.suffix == ".shlb"
    file = pack_bundle(one, "ground", tmp_path / "b.shlb").path
    assert file == str(tmp_path / "b.shlb")


def test_gaps_of_a_link_without_receipts_are_named_and_sent_again(tmp_path):
    one = station(tmp_path / "one", "one", placed(0, 5))
    once, ground = PackOptions(times=1), tmp_path / "ground"
    apply_bundles([pack_bundle(one, "ground", tmp_path, once).path], ground)
    with CodeStore.open(one, writable=True) as store:
        store.add([placed(1, 3), placed(2, 4)])
        store.outbox.note(['{"kind": "scene"}'])
    pack_bundle(one, "ground", tmp_path, once)  # is lost
    apply_bundles([pack_bundle(one, "ground", tmp_path, once).path], ground)
    (told,) = link_status(ground)["received"]
    assert (told["complete"], told["missing"], told["events_missing"]) == (
        False,
        [[5, 11]],
        [[1, 1]],
    )
    options = PackOptions(again=((5, 11),), again_events=((1, 1),), times=1)
    apply_bundles([pack_bundle(one, "ground", tmp_path, options).path], ground)
    assert link_status(ground)["received"][0]["complete"]
    assert_merged(ground, [one])


def test_events_of_alerts_go_first_and_come_once(tmp_path):
    one = station(tmp_path / "one", "one", placed(0, 50))
    with CodeStore.open(one, writable=True) as store:
        quiet = '{"kind": "scene", "scene": "/%d", "alerts": [], "note": "%s"}'
        texts = [quiet % (number, "z" * number * 7) for number in range(40)]
        texts[30] = '{"kind": "scene", "scene": "/30", "alerts": [{"name": "quay"}]}'
        store.outbox.note(texts)
    ground = tmp_path / "ground"
    first = pack_bundle(one, "ground", tmp_path, PackOptions(max_bytes=512))
    apply_bundles([first.path], ground)
    with CodeStore.open(ground) as store:
        assert '"station_event": 31' in store.outbox.events(0, 1)[0][1]
    for _ in range(6):
        up = pack_bundle(one, "ground", tmp_path)
        apply_bundles([up.path, up.path], ground)
    with CodeStore.open(ground) as store:
        assert store.outbox.newest() == 40


def test_a_station_that_was_named_only_by_its_bundle_is_refused_elsewhere(tmp_path):
    one = station(tmp_path / "one", "one", placed(0))
    other = station(tmp_path / "other", "other")
    (applied,) = apply_bundles([pack_bundle(one, "ground", tmp_path).path], other)
    assert "the bundle is for ground" in applied.set_aside[0]
    with CodeStore.open(other) as store:
        assert store.contents() == []


def test_damage_of_what_is_known_of_a_link_is_named(tmp_path):
    one = station(tmp_path / "one", "one", placed(0))
    pack_bundle(one, "ground", tmp_path)
    with contextlib.closing(sqlite3.connect(one / "catalog.sqlite")) as catalog, catalog:
        catalog.execute("UPDATE link SET state = replace(state, '1', '2')")
    with CodeStore.open(one) as store:
        assert store.verify() == [
            "catalog.sqlite: the saved progress of the link to ground is damaged"
        ]
    with pytest.raises(StoreDamagedError, match="store verify"):
        pack_bundle(one, "ground", tmp_path)


def test_codes_of_another_model_are_not_mixed_in(tmp_path):
    one = station(tmp_path / "one", "one", placed(0))
    with CodeStore.create(tmp_path / "ground", "b" * 16, 64, "other") as store:
        store.name_station("ground")
    (applied,) = apply_bundles([pack_bundle(one, "ground", tmp_path).path], tmp_path / "ground")
    assert "codes of another model" in applied.set_aside[0]


def test_a_refused_bundle_changes_nothing_of_a_store_without_a_name(tmp_path):
    one = station(tmp_path / "one", "one", placed(0))
    with CodeStore.open(one, writable=True) as store:
        store.outbox.note(['{"alerts": []}'])
    bundle = pack_bundle(one, "ground", tmp_path).path
    CodeStore.create(tmp_path / "other", "b" * 16, 64, "other").close()
    (applied,) = apply_bundles([bundle], tmp_path / "other")
    assert "its codes have another model or width" in applied.set_aside[0] and not applied.events
    with CodeStore.open(tmp_path / "other") as store:
        assert store.station is None and store.outbox.newest() == 0
    # One that is of that station takes what needs no codes, as that of a model in between does.
    with CodeStore.open(tmp_path / "other", writable=True) as store:
        store.name_station("ground")
    (applied,) = apply_bundles([bundle], tmp_path / "other")
    assert len(applied.set_aside) == 1 and applied.events == 1


def test_a_store_without_a_station_s_name_says_what_to_do(tmp_path):
    make(tmp_path / "s").close()
    with pytest.raises(ConfigurationError, match="scenehash store station NAME"):
        pack_bundle(tmp_path / "s", "ground", tmp_path)


SCENES = [
    placed(0, 30), placed(1, 2, (20.0, -3.0)), scene(2, 5), placed(3, 70, (179.9, 60.0)),
    scene(4), placed(5, 1, labels=("a",)), placed(6, 9), scene(7, 40),
]  # fmt: skip


STEPS = ["add", "delete", "label", "unlabel", "relocate", "compact", "pack", "pack"]


def change(store, what, hashed, chance):
    """Do something with a scene of a station."""
    if what == "add":
        store.add([hashed])
    elif what == "compact":
        store.compact()
    elif store.has_scene(hashed.content) and what == "delete":
        store.remove_scenes([hashed.content])
    elif store.has_scene(hashed.content) and what == "relocate":
        store.update_scene(hashed.content, f"/moved/{chance.randrange(99)}.tif")
    elif store.has_scene(hashed.content):
        label = chance.choice(["flood", "port"])
        without = [label] if what == "unlabel" else []
        store.update_scene(hashed.content, labels=[label], without=without)


@pytest.mark.slow
@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    seed=st.integers(0, 2**32),
    steps=st.lists(
        st.tuples(st.sampled_from(STEPS), st.integers(0, 1), st.integers(0, 7)),
        min_size=3,
        max_size=20,
    ),
)
def test_any_loss_order_repetition_and_cut_is_made_up_for(tmp_path_factory, seed, steps):
    chance, folder = random.Random(seed), tmp_path_factory.mktemp("link")
    stations = [
        station(folder / name, name, scene(90 + at), SCENES[5]) for at, name in enumerate("ab")
    ]
    ground, sent = folder / "ground", []
    for what, which, number in steps:
        if what == "pack":
            options = PackOptions(max_bytes=chance.choice([600, 1500, 9000]))
            sent.append(pack_bundle(stations[which], "ground", folder, options).path)
            continue
        with CodeStore.open(stations[which], writable=True) as store:
            change(store, what, SCENES[number], chance)
    arrived = [path for path in sent for _ in range(chance.choice([0, 1, 1, 2]))]
    chance.shuffle(arrived)
    for at, path in enumerate(arrived):
        data = (folder / path).read_bytes()
        part = folder / f"{at}.part"
        part.write_bytes(data[: chance.randrange(len(data))] if chance.random() < 0.3 else data)
        apply_bundles([part], ground)
    exchange(folder, stations, ground, max_bytes=4000)
    assert_merged(ground, stations)


def test_any_width_goes_over_a_link(tmp_path):
    wide = HashedScene("5" * 32, "/wide", scene(0, 3).windows, np.full((3, 32), 7, np.uint8))
    with CodeStore.create(tmp_path / "one", LINEAGE, 256, "a-model") as store:
        store.name_station("one")
        store.add([wide])
    exchange(tmp_path, [tmp_path / "one"], tmp_path / "ground")
    assert_merged(tmp_path / "ground", [tmp_path / "one"])


def test_a_peer_that_is_no_more_is_forgotten_and_its_scenes_stay(tmp_path):
    one = station(tmp_path / "one", "one", placed(0, 5), placed(2, 2))
    two = station(tmp_path / "two", "two", placed(3, 4), placed(2, 2))
    ground = tmp_path / "ground"
    exchange(tmp_path, [one, two], ground)
    with CodeStore.open(ground) as store:
        tiles = store.counts()
        ids = store.links.states.peers("from")
    done = forget_peer(ground, "one")
    assert (done.peer, done.scenes, len(done.stores)) == ("one", 2, 1) and done.bundles > 0
    status = link_status(ground)
    assert [line["station"] for line in status["received"]] == ["two"]
    assert [line["peer"] for line in status["sent"]] == ["two"]
    with CodeStore.open(ground) as store:
        assert store.counts() == tiles and store.verify() == []
        with pytest.raises(NotStoredError, match="it has ground, two"):
            store.resolve(Filter(station="one"))
    for known in ("one", ids[0][:4]):
        with pytest.raises(NotStoredError, match=r"no link to or from '\w+'; its peers are two"):
            forget_peer(ground, known)
    (own,) = done.stores
    (other,) = {*ids} - {own}
    assert forget_peer(ground, other[:8]).stores == (other,)
    assert link_status(ground)["received"] == []


def test_a_peer_that_was_forgotten_and_comes_back_counts_as_new(tmp_path):
    one = station(tmp_path / "one", "one", placed(0, 5), placed(2, 2))
    ground = tmp_path / "ground"
    exchange(tmp_path, [one], ground)
    number = link_status(one)["sent"][0]["bundles"]
    for path, peer in ((one, "ground"), (ground, "one")):
        forget_peer(path, peer)
    assert link_status(one)["sent"] == []
    up = pack_bundle(one, "ground", tmp_path)
    assert (up.tiles, link_status(one)["sent"][0]["bundles"]) == (7, number + 1)
    exchange(tmp_path, [one], ground)
    assert_merged(ground, [one])


def test_a_station_that_forgot_its_peer_sends_it_all_again(tmp_path):
    one = station(tmp_path / "one", "one", placed(0, 5))
    ground = tmp_path / "ground"
    exchange(tmp_path, [one], ground)
    forget_peer(one, "ground")
    with CodeStore.open(one, writable=True) as store:
        store.add([placed(1, 3)])
    exchange(tmp_path, [one], ground)
    assert_merged(ground, [one])


@pytest.mark.parametrize(
    ("name", "table"),
    [("ground", "link_scene"), ("ground", "link_annotation"), ("one", "link_own")],
)
def test_damage_to_what_is_known_of_links_is_said_and_no_traceback(tmp_path, name, table):
    one = station(tmp_path / "one", "one", placed(0, 5), placed(2, 2, labels=("x",)))
    exchange(tmp_path, [one], tmp_path / "ground")
    with contextlib.closing(sqlite3.connect(tmp_path / name / "catalog.sqlite")) as catalog:
        columns = [column for _, column, *_ in catalog.execute(f"PRAGMA table_info({table})")]
        catalog.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert columns
    for column, kind in zip(columns, KINDS[table], strict=True):
        copy = tmp_path / f"{name}-{column}"
        shutil.copytree(tmp_path / name, copy)
        with contextlib.closing(sqlite3.connect(copy / "catalog.sqlite")) as catalog, catalog:
            value = -1 if kind is int else 5 if kind is bytes else b"\xff"
            catalog.execute(f"UPDATE OR IGNORE {table} SET {column} = ?", (value,))
        with CodeStore.open(copy) as store:
            assert any(f"the link table {table} is damaged" in line for line in store.verify()), (
                column
            )
        for action in (
            lambda: link_status(copy),  # noqa: B023
            lambda: pack_bundle(copy, "another", tmp_path),  # noqa: B023
            lambda: forget_peer(copy, "one" if name == "ground" else "ground"),  # noqa: B023
        ):
            with contextlib.suppress(StoreDamagedError):
                action()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE scene SET first_row = x'0000' WHERE scene = 2",
        "UPDATE scene SET first_row = 'x' WHERE scene = 2",
        "UPDATE scene SET tiles = 'x' WHERE scene = 2",
        "UPDATE scene SET labels = '{' WHERE scene = 2",
        "UPDATE scene SET path = x'ff' WHERE scene = 2",
        "UPDATE scene SET time = 'noon' WHERE scene = 2",
        "UPDATE scene SET seal = 7 WHERE scene = 2",
        "UPDATE scene SET content = 7 WHERE scene = 2",
    ],
)
def test_a_scene_with_a_damaged_entry_keeps_no_other_scene_back(tmp_path, statement):
    one = station(tmp_path / "one", "one", *(placed(number, 2) for number in range(3)))
    with contextlib.closing(sqlite3.connect(one / "catalog.sqlite")) as catalog, catalog:
        assert catalog.execute(statement).rowcount == 1
    packed = pack_bundle(one, "ground", tmp_path)
    (applied,) = apply_bundles([packed.path], tmp_path / "ground")
    assert applied.set_aside == []
    with CodeStore.open(tmp_path / "ground") as store:
        assert store.contents() == [placed(0).content, placed(2).content]
