"""The format as docs/link.md has it: the golden bundle, and one that was put together by hand."""

import json
import struct
import zlib
from hashlib import blake2b
from pathlib import Path

import numpy as np

from scenehash import CodeStore
from scenehash.link import AskOptions, apply_bundles, ask_peer, kinds, link_status
from scenehash.link.bundle import Block, pack_block
from scenehash.link.dictionary import DICTIONARY
from scenehash.link.events import put_events, thin_event
from scenehash.link.pieces import codes_mark
from scenehash.link.questions import Question

from ...golden.make_bundle import CODE, SENT, WHERE
from ...golden.make_store import PLACED, PLAIN
from .test_exchange import station

GOLDEN = Path(__file__).parents[2] / "golden" / "bundle-1.shlb"


def checksum(data: bytes, size: int = 8) -> bytes:
    return blake2b(data, digest_size=size).digest()


def test_the_golden_bundle_is_read(tmp_path):
    (applied,) = apply_bundles([GOLDEN], tmp_path / "ground")
    assert (applied.set_aside, applied.scenes, applied.events) == ([], 8, 2)
    wanted = {hashed.content: hashed for hashed in [*SENT, *PLAIN] if hashed.content[-1] != "1"}
    with CodeStore.open(tmp_path / "ground") as store:
        assert set(store.contents()) == set(wanted)
        for record, codes in store.scenes():
            hashed = wanted[record.content]
            assert record.path == f"north-1:{hashed.path}"
            assert record.labels == tuple(hashed.labels)
            assert np.array_equal(codes, hashed.codes)
            if hashed.footprints is not None:
                assert record.footprints is not None
                assert record.footprints.tobytes() == hashed.footprints.tobytes()
    (told,) = link_status(tmp_path / "ground")["received"]
    assert told["complete"] and told["station"] == "north-1"


def test_the_golden_label_is_read(tmp_path):
    ground = tmp_path / "ground"
    (_, applied) = apply_bundles([GOLDEN, GOLDEN.with_name("bundle-1-label.shlb")], ground)
    assert (applied.set_aside, applied.annotations) == ([], 1)
    with CodeStore.open(ground) as store:
        record = store.find_scene(PLACED[0].content)
        assert record is not None
        assert set(record.labels) == {"flood", *PLACED[0].labels}
    assert link_status(ground)["received"][0]["complete"]


def test_the_golden_query_alert_and_model_are_read(tmp_path):
    one = station(tmp_path / "one", "north-1", *PLACED, *PLAIN)
    (applied,) = apply_bundles([GOLDEN.with_name("bundle-1-down.shlb")], one)
    assert applied.set_aside == []
    assert (applied.alerts, applied.questions) == (1, 1)
    (file,) = applied.files
    assert Path(file).read_bytes() == bytes(range(256)) * 70
    assert Path(f"{file}.sig").read_text() == "a signature"
    with CodeStore.open(one) as store:
        alert = store.alerts.get("quay")
        assert np.array_equal(alert.examples, PLACED[0].codes) and alert.radius == 8
        assert np.array_equal(alert.negatives, PLACED[2].codes[:1])
        (asked,) = (
            store.links.states.get("asked", other) for other in store.links.states.peers("asked")
        )
        block = bytes.fromhex(asked["open"]["1"])
        question = Question.of_block(block, codes_mark("a" * 16, 64), 64)
    assert (question.k, question.where) == (3, WHERE)
    assert f"code:{question.codes.tobytes().hex()}" == CODE


def test_the_golden_answer_is_read(tmp_path):
    ground = station(tmp_path / "ground", "ground")
    ask_peer(ground, "north-1", [CODE], (), tmp_path, AskOptions(3, where=WHERE))
    (applied,) = apply_bundles([GOLDEN.with_name("bundle-1-answer.shlb")], ground)
    ((answer,), aside) = applied.answers, applied.set_aside
    assert (answer["question"], answer["searched"], aside) == (1, 16, [])
    best = answer["hits"][0]
    assert (best["distance"], best["scene"]) == (0, f"north-1:{PLACED[2].path}")
    assert best["window"] == [256, 0, 256, 256]
    assert PLACED[2].footprints is not None
    assert np.allclose(best["footprint"], PLACED[2].footprints[1], atol=1e-6)


def test_the_dictionary_is_that_of_the_format():
    text = (Path(__file__).parents[3] / "docs" / "link.md").read_text()
    told = json.loads(text[text.index('["{') :].split("```")[0])
    assert "".join(told).encode() == DICTIONARY


def test_few_events_take_less_by_the_dictionary():
    event = thin_event('{"kind": "scene", "scene": "/a.tif", "alerts": [], "matches": []}')
    block = Block(kinds.EVENTS, put_events([(1, event)]))
    packed = pack_block(block)
    assert packed.entry.way == 2 and 2 * len(packed.data) < len(zlib.compress(block.data, 9))


def number(value: int) -> bytes:
    digits = bytearray()
    while value > 127:
        digits.append(value & 127 | 128)
        value >>= 7
    return bytes([*digits, value])


def signed(value: int) -> bytes:
    return number(2 * value if value >= 0 else -2 * value - 1)


def text(words: str) -> bytes:
    return number(len(words)) + words.encode()


def column(values: list[int]) -> bytes:
    return b"".join(signed(b - a) for a, b in zip([0, *values], values, strict=False))


def test_a_bundle_that_was_put_together_by_hand_is_read(tmp_path):
    content, codes, time = bytes(range(16)), bytes(range(16)), 1_800_000_000
    windows = [(0, 0, 256, 256), (256, 0, 256, 256)]
    places = [
        8.0,
        47.0,
        8.1,
        47.0,
        8.1,
        46.9,
        8.0,
        46.9,
        8.1,
        47.0,
        8.2,
        47.0,
        8.2,
        46.9,
        8.1,
        46.9,
    ]
    footprints = struct.pack("<16d", *places)
    scene_digest = checksum(
        content + struct.pack("<d", time)
        + struct.pack("<8q", *(side for window in windows for side in window))
        + footprints + codes
    )  # fmt: skip
    leaf = checksum((3).to_bytes(8, "little") + scene_digest)
    state = text("a" * 16) + number(8) + text("a-model") + number(5)
    state += number(0) + number(0) + number(256) + number(1) + leaf
    annotation = checksum(text("/a.tif") + number(0))
    state += number(256) + number(1) + checksum((3).to_bytes(8, "little") + annotation)
    gone = number(1) + number(0) + number(3)
    tiles = checksum(b"a" * 16 + b"-64") + number(1)
    tiles += number(1) + text("{}") + number(1) + number(0)
    tiles += signed(3) + number(2) + number(0) + number(2) + content + b"\x01" + signed(time)
    tiles += number(0) + number(0) + number(0) + text("/a.tif")
    tiles += b"".join(column(list(sides)) for sides in zip(*windows, strict=True))
    tiles += b"\x01" + footprints + codes
    blocks = [(1, state), (4, gone), (5, tiles)]
    head = bytes(range(16)) + number(1) + text("sat-7") + text("ground") + number(len(blocks))
    for kind, data in blocks:
        head += bytes([kind, 0]) + number(len(data)) + number(len(data)) + checksum(data, 16)
    head += checksum(head)
    start = b"SHLB\x01\x00" + struct.pack("<HH", len(head), 0)
    (tmp_path / "b").write_bytes(start + head + b"".join(data for _, data in blocks))
    (applied,) = apply_bundles([tmp_path / "b"], tmp_path / "ground")
    assert applied.set_aside == []
    (told,) = link_status(tmp_path / "ground")["received"]
    assert told["complete"], told
    with CodeStore.open(tmp_path / "ground") as store:
        found = store.read_scene(content.hex())
        assert found is not None
        record, stored = found
        assert record.footprints is not None
        assert record.path == "sat-7:/a.tif" and record.time == time
        assert stored.tobytes() == codes and record.footprints.tobytes() == footprints
