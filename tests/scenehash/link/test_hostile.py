"""Bundles are untrusted: what they claim takes no memory, and what is wrong is refused."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenehash import CodeStore
from scenehash.errors import BundleError, LineageError
from scenehash.link import PackOptions, apply_bundles, link_status, model_files, pack_bundle
from scenehash.link.bundle import (
    Block,
    bundle_bytes,
    head_bytes,
    pack_block,
    read_bundle,
)
from scenehash.link.digest_tree import Level
from scenehash.link.events import put_events, station_event, take_events
from scenehash.link.facts import Facts, Receipt
from scenehash.link.kinds import EVENTS, FILES, PIECES, RECEIPT, STATE
from scenehash.link.pieces import piece_of, put_pieces, take_pieces
from scenehash.link.spans import Spans
from scenehash.link.wire import Writer
from scenehash.store.records import record_of

from ..store.samples import LINEAGE, placed, scene
from .hostile import HOSTILE, MARK
from .test_exchange import station

MEBIBYTES = 50 << 20
UUID = "ab" * 16


def written(path, *blocks):
    path.write_bytes(bundle_bytes(head_bytes(UUID, "one", "ground", 1, blocks), blocks))
    return path


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_claimed_takes_no_memory_and_changes_nothing(tmp_path, name):
    ground = station(tmp_path / "ground", "ground", placed(0))
    bundle = written(tmp_path / "b", HOSTILE[name])
    tracemalloc.start()
    try:
        (applied,) = apply_bundles([bundle], ground)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(applied.set_aside) == 1 and "\n" not in applied.set_aside[0]
    assert most < MEBIBYTES
    with CodeStore.open(ground) as store:
        assert store.contents() == [placed(0).content]
        assert store.outbox.newest() == 0


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"SHLB",
        b"PK\x03\x04" + bytes(100),
        b"SHLB\x02\x00" + bytes(100),
        b"SHLB\x01\x00\xff\xff\x00\x00" + bytes(100),
        b"SHLB\x01\x00\x10\x00\xff\xff" + bytes(100),
        b"SHLB\x01\x00\x20\x00\x00\x00" + bytes(100),
    ],
)
def test_what_is_no_bundle_is_refused(tmp_path, data):
    (tmp_path / "b").write_bytes(data)
    with pytest.raises(BundleError):
        read_bundle(tmp_path / "b")


def test_a_station_that_claims_a_million_million_rows_takes_no_memory(tmp_path):
    ground = station(tmp_path / "ground", "ground", placed(0))
    level = Level(256 << 32, (bytes(8),))
    facts = Facts(LINEAGE, 64, "m", 1 << 40, level, level, 0, 0)
    bundle = written(tmp_path / "b", pack_block(Block(STATE, facts.block())))
    tracemalloc.start()
    try:
        (applied,) = apply_bundles([bundle], ground)
        pack_bundle(ground, "one", tmp_path, PackOptions(down=True))
        (told,) = link_status(ground)["received"]
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert not applied.set_aside and not told["complete"]
    assert most < MEBIBYTES


def test_a_pipe_is_no_bundle_and_does_not_hold_up(tmp_path):
    import os

    os.mkfifo(tmp_path / "pipe")
    ground = station(tmp_path / "ground", "ground")
    (applied,) = apply_bundles([tmp_path / "pipe"], ground)
    assert "a pipe" in applied.set_aside[0]


def test_each_byte_of_a_bundle_counts(tmp_path):
    one = station(tmp_path / "one", "one", placed(0, 3))
    data = bytearray((tmp_path / pack_bundle(one, "ground", tmp_path).path).read_bytes())
    for at in range(len(data)):
        changed = bytearray(data)
        changed[at] ^= 0x10
        (tmp_path / "b").write_bytes(changed)
        try:
            found = list(read_bundle(tmp_path / "b").blocks)
        except BundleError:
            continue
        assert len(found) <= 1, at  # the block that was changed is left out


def piece_block():
    pieces = []
    for hashed in (placed(0, 20), scene(1, 2), placed(2, 1)):
        record = record_of(hashed, 7 * int(hashed.content, 16), 64)
        pieces.append(piece_of(record, hashed.codes, 0, record.tiles))
    return put_pieces(pieces, MARK)[0]


BLOCKS = [
    (piece_block(), lambda data: take_pieces(data, LINEAGE, 64)),
    (put_events([(3, '{"kind": "scene"}'), (9, "{}")]),
     lambda data: [station_event("one", *event) for event in take_events(data)]),
    (bytes.fromhex("0161080161030102800203") + bytes(8), Facts.of_block),
    (bytes(16) + bytes.fromhex("0901010901040101010200"), Receipt.of_block),
]  # fmt: skip


CHANGES = st.lists(st.tuples(st.integers(0), st.integers(0, 255)), min_size=1, max_size=4)


@settings(max_examples=300, deadline=None)
@given(which=st.integers(0, 3), changes=CHANGES, cut=st.integers(0, 40))
def test_changed_blocks_are_read_or_refused_and_nothing_else(which, changes, cut):
    data, take = BLOCKS[which]
    changed = bytearray(data)
    for at, value in changes:
        changed[at % len(changed)] = value
    with np.errstate(all="ignore"):
        try:
            take(bytes(changed[: len(changed) - cut] if cut < 20 else changed))
        except (BundleError, LineageError):
            return


def test_a_sound_block_is_taken(tmp_path):
    ground = station(tmp_path / "ground", "ground")
    bundle = written(tmp_path / "b", pack_block(Block(PIECES, piece_block())))
    (applied,) = apply_bundles([bundle], ground)
    assert (applied.tiles, applied.set_aside) == (23, [])


def replaced(**fields):
    hashed = placed(0, 3)
    piece = piece_of(record_of(hashed, 0, 64), hashed.codes, 0, 3)
    return Block(PIECES, put_pieces([replace(piece, **fields)], MARK)[0])


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"path": "/a/X.tif"}, "not UTF-8"),
        ({"labels": ("X",)}, "not UTF-8"),
        ({"labels": ("a", " ")}, "a label must not be empty"),
        ({"reading": '{"stretch": NaN}'}, "not JSON"),
        ({"reading": '{"stretch": 1e999}'}, "not JSON"),
    ],
)
def test_what_no_store_could_hold_is_refused(tmp_path, fields, reason):
    ground, block = station(tmp_path / "ground", "ground"), replaced(**fields)
    bad = Block(PIECES, block.data.replace(b"X", b"\xff"))
    (applied,) = apply_bundles([written(tmp_path / "b", pack_block(bad))], ground)
    assert reason in applied.set_aside[0]
    with CodeStore.open(ground) as store:
        assert store.contents() == []


def test_an_event_of_no_number_is_one_that_every_reader_takes(tmp_path):
    ground = station(tmp_path / "ground", "ground")
    block = Block(EVENTS, put_events([(1, '{"alerts": [], "x": [NaN, 1e999, 1.5]}')]))
    apply_bundles([written(tmp_path / "b", pack_block(block))], ground)
    with CodeStore.open(ground) as store:
        ((_, body),) = store.outbox.events(0, 9)
    assert '"x": [null, null, 1.5]' in body


def test_a_receipt_for_a_bundle_that_cannot_be_does_not_end_the_numbers(tmp_path):
    one, ground = station(tmp_path / "one", "one", placed(0)), tmp_path / "ground"
    with CodeStore.open(one) as store:
        receipt = Receipt(store.uuid, 1 << 40, Spans([(1, 1 << 40)]))
    blocks = [pack_block(Block(RECEIPT, receipt.block()))]
    path = tmp_path / "receipt"
    path.write_bytes(bundle_bytes(head_bytes(UUID, "ground", "one", 1, blocks), blocks))
    pack_bundle(one, "ground", tmp_path)
    apply_bundles([path], one)
    up = pack_bundle(one, "ground", tmp_path)
    assert up.number == 2
    assert apply_bundles([up.path], ground)[0].set_aside == []


def test_files_of_which_pieces_never_come_take_only_so_much(tmp_path, monkeypatch):
    monkeypatch.setattr(model_files, "MOST_FILE", 40_000)
    ground, aside = station(tmp_path / "ground", "ground"), []
    for number in range(1, 6):
        out = Writer()
        out.raw(bytes([number]) * 16)
        out.number(30_000)
        out.number(0)
        out.text("a")
        out.blob(bytes(model_files.PIECE))
        blocks = [pack_block(Block(FILES, out.data()))]
        path = tmp_path / "piece"
        path.write_bytes(bundle_bytes(head_bytes(UUID, "one", "ground", number, blocks), blocks))
        aside += apply_bundles([path], ground)[0].set_aside
    assert len(aside) == 2 and "too many incomplete files" in aside[0]
