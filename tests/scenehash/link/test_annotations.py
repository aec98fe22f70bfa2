"""Labels and paths that change at a station follow, in any order, in a few bytes."""

import shutil

import pytest

from scenehash import CodeStore, Filter, relocate
from scenehash.errors import BundleError
from scenehash.link import PackOptions, apply_bundles, link_status, pack_bundle
from scenehash.link.annotations import AnnotatedScene, put_annotations, take_annotations

from ..store.samples import placed, scene
from .comparing import assert_merged
from .test_exchange import exchange, station


def annotations_of(ground, hashed):
    with CodeStore.open(ground) as store:
        record = store.find_scene(hashed.content)
        assert record is not None
        return record.path, set(record.labels)


def label(path, hashed, *labels, remove=False):
    with CodeStore.open(path, writable=True) as store:
        store.label(Filter(scene=hashed.path), labels, remove)


def test_labels_follow_as_they_come_and_go(tmp_path):
    shown, ground = placed(0, 40), tmp_path / "ground"
    one = station(tmp_path / "one", "one", shown, placed(1, 3))
    exchange(tmp_path, [one], ground)
    label(one, shown, "flood", "port")
    up = pack_bundle(one, "ground", tmp_path)
    assert (up.tiles, up.annotations) == (0, 1)
    assert up.block_bytes["annotations"] < 64
    (applied,) = apply_bundles([up.path], ground)
    assert (applied.annotations, applied.tiles) == (1, 0)
    assert annotations_of(ground, shown) == ("one:/scenes/0.png", {"flood", "port"})
    with CodeStore.open(ground) as store:
        assert store.paths(Filter(label="flood")) == ["one:/scenes/0.png"]
    label(one, shown, "port", remove=True)
    exchange(tmp_path, [one], ground)
    assert annotations_of(ground, shown)[1] == {"flood"}
    assert_merged(ground, [one])
    assert pack_bundle(one, "ground", tmp_path).annotations == 0


def test_a_folder_that_moved_follows(tmp_path):
    from scenehash import HashModel, ingest

    from ...tiny_model import tiny_model
    from ..ingestion.archives import write_scenes

    write_scenes(tmp_path / "old", range(3))
    one, ground = tmp_path / "one", tmp_path / "ground"
    ingest([tmp_path / "old"], one, HashModel.load(tiny_model(tmp_path / "m.onnx")))
    with CodeStore.open(one, writable=True) as store:
        store.name_station("one")
    exchange(tmp_path, [one], ground)
    (tmp_path / "old").rename(tmp_path / "new")
    with CodeStore.open(one, writable=True) as store:
        relocate(store, tmp_path / "old", tmp_path / "new")
    up = pack_bundle(one, "ground", tmp_path)
    assert (up.tiles, up.annotations) == (0, 3)
    apply_bundles([up.path], ground)
    assert_merged(ground, [one])
    with CodeStore.open(ground) as store:
        assert f"one:{tmp_path / 'new' / '1.png'}" in store.paths(Filter())


def test_a_label_that_comes_before_its_tiles_waits_for_them(tmp_path):
    shown, ground = placed(0, 5), tmp_path / "ground"
    one = station(tmp_path / "one", "one", shown)
    tiles = pack_bundle(one, "ground", tmp_path).path
    label(one, shown, "flood")
    later = pack_bundle(one, "ground", tmp_path)
    assert later.annotations == 1
    apply_bundles([later.path, tiles], ground)
    assert annotations_of(ground, shown)[1] == {"flood"}


def test_an_older_label_does_not_come_back(tmp_path):
    shown, ground = placed(0, 5), tmp_path / "ground"
    one = station(tmp_path / "one", "one", shown)
    bundles = [pack_bundle(one, "ground", tmp_path).path]
    for remove in (False, True):
        label(one, shown, "flood", remove=remove)
        bundles.append(pack_bundle(one, "ground", tmp_path).path)
    apply_bundles([bundles[0], bundles[2], bundles[1]], ground)
    assert annotations_of(ground, shown)[1] == set()


def test_what_two_stations_say_of_a_scene_is_joined(tmp_path):
    shown, ground = placed(0, 5), tmp_path / "ground"
    one, two = (station(tmp_path / name, name, shown) for name in ("one", "two"))
    exchange(tmp_path, [one, two], ground)
    label(one, shown, "flood")
    label(two, shown, "flood", "port")
    exchange(tmp_path, [one, two], ground)
    assert annotations_of(ground, shown) == ("one:/scenes/0.png", {"flood", "port"})
    label(two, shown, "flood", remove=True)
    exchange(tmp_path, [one, two], ground)
    assert annotations_of(ground, shown)[1] == {"flood", "port"}
    with CodeStore.open(one, writable=True) as store:
        store.remove_scenes([shown.content])
    exchange(tmp_path, [one, two], ground)
    assert annotations_of(ground, shown) == ("two:/scenes/0.png", {"port"})


def test_what_is_labelled_at_the_ground_stays(tmp_path):
    own, shown, ground = placed(0, 5), placed(1, 3), tmp_path / "ground"
    station(ground, "ground", own)
    label(ground, own, "port")
    one = station(tmp_path / "one", "one", own, shown)
    label(one, own, "port")
    label(one, shown, "flood")
    exchange(tmp_path, [one], ground)
    with CodeStore.open(ground, writable=True) as store:
        store.label(Filter(scene="one:/scenes/1.png"), ["seen"])
        store.label(Filter(scene="one:/scenes/1.png"), ["flood"], remove=True)
    label(one, own, "port", remove=True)
    label(one, shown, "fire")
    exchange(tmp_path, [one], ground)
    assert annotations_of(ground, own) == ("/scenes/0.png", {"port"})
    assert annotations_of(ground, shown)[1] == {"seen", "fire"}


def test_a_label_of_a_scene_that_was_deleted_at_the_ground_is_complete(tmp_path):
    shown, ground = placed(0, 5), tmp_path / "ground"
    one = station(tmp_path / "one", "one", shown)
    exchange(tmp_path, [one], ground)
    with CodeStore.open(ground, writable=True) as store:
        store.delete(Filter())
    label(one, shown, "flood")
    exchange(tmp_path, [one], ground)
    with CodeStore.open(ground) as store:
        assert store.contents() == []


@pytest.mark.slow
def test_a_scene_in_pieces_has_the_label_of_the_newest(tmp_path):
    shown, ground = placed(0, 900), tmp_path / "ground"
    one = station(tmp_path / "one", "one", shown)
    small, bundles = PackOptions(max_bytes=2500), []
    for at in range(20):
        if at == 1:
            label(one, shown, "flood")
        bundles.append(pack_bundle(one, "ground", tmp_path, small).path)
    apply_bundles(bundles[::-1], ground)
    assert annotations_of(ground, shown)[1] == {"flood"}


def test_labels_of_a_station_from_a_backup_are_its_own(tmp_path):
    shown, ground = placed(0, 5), tmp_path / "ground"
    one = station(tmp_path / "one", "one", shown)
    label(one, shown, "old")
    exchange(tmp_path, [one], ground)
    shutil.copytree(one, tmp_path / "backup")
    label(one, shown, "new")
    exchange(tmp_path, [one], ground)
    shutil.rmtree(one)
    shutil.copytree(tmp_path / "backup", one)
    exchange(tmp_path, [one], ground)
    assert_merged(ground, [one])


def test_a_gap_of_a_link_without_receipts_is_named(tmp_path):
    shown, ground, once = placed(0, 5), tmp_path / "ground", PackOptions(times=1)
    one = station(tmp_path / "one", "one", shown)
    apply_bundles([pack_bundle(one, "ground", tmp_path, once).path], ground)
    label(one, shown, "flood")
    pack_bundle(one, "ground", tmp_path, once)  # is lost
    apply_bundles([pack_bundle(one, "ground", tmp_path, once).path], ground)
    (told,) = link_status(ground)["received"]
    assert (told["complete"], told["annotations_differing"]) == (False, [[0, 4]])
    again = PackOptions(again=((0, 4),), times=1)
    apply_bundles([pack_bundle(one, "ground", tmp_path, again).path], ground)
    assert link_status(ground)["received"][0]["complete"]
    assert annotations_of(ground, shown)[1] == {"flood"}


def test_a_station_with_a_new_name_has_paths_of_that_name(tmp_path):
    shown, ground = placed(0, 5), tmp_path / "ground"
    one = station(tmp_path / "one", "one", shown)
    exchange(tmp_path, [one], ground)
    older = pack_bundle(one, "ground", tmp_path).path
    with CodeStore.open(one, writable=True) as store:
        store.name_station("uno")
        store.add([scene(1)])
    exchange(tmp_path, [one], ground)
    apply_bundles([older], ground)
    assert_merged(ground, [one])
    assert annotations_of(ground, shown)[0] == "uno:/scenes/0.png"


def test_annotations_are_read_as_they_were_written():
    scenes = [
        AnnotatedScene(3, b"12345678", "/a/\u00fc.tif", ("x",)),
        AnnotatedScene(9, b"abcdefgh", "/a/b.tif", ()),
        AnnotatedScene(10, b"abcdefgh", "", ("x", "y")),
    ]
    assert take_annotations(put_annotations(scenes)) == scenes
    assert take_annotations(put_annotations([])) == []


@pytest.mark.parametrize("cut", range(1, 40, 3))
def test_annotations_that_were_cut_are_refused(cut):
    data = put_annotations([AnnotatedScene(3, b"12345678", "/a/b.tif", ("x", "y"))] * 2)
    with pytest.raises(BundleError):
        take_annotations(data[: len(data) - cut])
