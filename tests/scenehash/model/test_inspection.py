"""A model file may come from anywhere: what it holds is bounded before ONNX Runtime opens it."""

import json
import os
import random
import struct
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from scenehash import HashModel
from scenehash.errors import ModelError
from scenehash.files import MAX_MODEL_BYTES
from scenehash.model.card import METADATA_KEY, Card
from scenehash.model.inspection import (
    FieldReader,
    TensorType,
    check_interface,
    inspect_model,
    read_model,
)
from scenehash.model.model_file import shipped_model

from .wire import (
    FLOAT,
    GRAPH,
    INITIALIZER,
    INT64,
    METADATA,
    UINT8,
    changed_field,
    field,
    shipped_card_text,
    tensor,
    value_info,
    varint,
    with_card,
)

GOLDEN_MODEL = Path(__file__).parents[2] / "golden" / "model-1.onnx"

CONV = field(1, "tiles") + field(2, "x") + field(4, "Conv")
INTERFACE = (
    field(11, value_info("tiles", UINT8, [None, 32, 32, 3]))
    + field(12, value_info("codes", UINT8, [None, 2]))
    + field(12, value_info("logits", FLOAT, [None, 16]))
)
CARD = field(METADATA, field(1, METADATA_KEY) + field(2, "{}"))


def model(*parts: bytes, card: bytes = CARD) -> bytes:
    """A file whose graph has the interface of a model and further parts."""
    return field(1, 10) + field(GRAPH, b"".join([INTERFACE, *parts])) + card


def node(*parts: bytes) -> bytes:
    return field(1, CONV + b"".join(parts))


def attribute(*parts: bytes) -> bytes:
    return node(field(5, b"".join(parts)))


def shipped_card() -> dict[str, Any]:
    card: dict[str, Any] = json.loads(shipped_card_text())
    return card


def test_a_file_without_what_is_refused_is_read() -> None:
    found = inspect_model(
        model(node(), attribute(field(1, "pads"), *(field(8, 1) for _ in range(4))))
    )
    assert found.card == b"{}"
    assert found.inputs == {"tiles": TensorType(UINT8, (-1, 32, 32, 3))}
    check_interface(found, 16, 32)
    inspect_model(shipped_model().read_bytes())


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (model(node(field(7, "com.microsoft"))), "operators of the domain 'com.microsoft'"),
        (model(node(field(7, "\N{ESCAPE}[2J"))), r"the domain '\\x1b\[2J'"),
        (model(field(1, field(4, "Loop"))), r"control flow \(Loop\)"),
        (model(attribute(field(1, "then_branch"), field(6, b""))), "subgraphs"),
        (model(attribute(field(1, "branches"), field(11, b""))), "subgraphs"),
        (model(attribute(field(1, "pads"), field(8, 4000))), "pads of 4,000 pixels"),
        (model(attribute(field(1, "pads"), field(8, -4000))), "pads of 4,000 pixels"),
        (model(attribute(field(8, varint(1) + varint(4000)), field(1, "strides"))), "strides"),
        (model(attribute(field(1, "shape"), field(8, 10**5), field(8, 10**5))), "10,000,000,000"),
        (model(attribute(field(5, tensor("t", [10**12], b"1")))), "claims more values"),
        (model(attribute(field(22, b""))), "sparse tensors"),
        (model(field(15, b"")), "sparse tensors"),
        (model(field(5, tensor("w", [1 << 40], b"1234"))), "'w' claims more values"),
        (model(field(5, tensor("w", [1 << 20, 1 << 20, 0, -5], b"1234"))), "claims more values"),
        (model(field(5, field(1, varint(1 << 40)) + field(8, "w"))), "claims more values"),
        (model(field(5, tensor("w", [1] * 9, b"1"))), "claims more values"),
        (model(field(5, tensor("w", [4], b"") + field(13, field(1, "location")))), "other files"),
        (model(field(5, tensor("w", [4], b"1234") + field(14, 1))), "other files"),
        (model() + field(25, b""), "functions"),
        (model() + field(20, b""), "training"),
        (model(card=b""), "without a scenehash card"),
        (model(card=2 * CARD), "2 scenehash cards"),
        (
            model(card=field(METADATA, field(1, METADATA_KEY) + field(2, bytes(17_000_000)))),
            "its card has 17,000,000 bytes",
        ),
        (model(field(1, field(4, "RandomNormal"))), r"draws values at random \(RandomNormal\)"),
        (model(field(1, field(4, "x" * 20_000))), "a name of 20,000 bytes"),
        (model(field(5, tensor("x" * 20_000, [4], b"1234"))), "a name of 20,000 bytes"),
        (CARD, "not an ONNX file"),
        (b"", "not an ONNX file"),
        (b"<html>moved</html>", "not an ONNX file"),
        (field(1, 10) + varint(GRAPH << 3 | 2) + varint(100) + b"cut off", "not an ONNX file"),
        (b"\xff" * 40, "not an ONNX file"),
        (varint(GRAPH << 3 | 3) + model(), "not an ONNX file"),
    ],
)
def test_what_a_model_file_never_has_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(ModelError, match=reason):
        inspect_model(data)


FLOODS = {
    "nodes": field(1, b""),
    "numbers of a tensor": field(5, b"\x08\x01" * 8),
    "numbers of an attribute": field(1, field(5, field(8, b"\x01" * 99))),
    "one attribute again and again": field(1, field(5, field(8, b"\x01" * 150)) * 99),
    "inputs": field(11, value_info("t", FLOAT, [None] * 4)),
}


@pytest.mark.parametrize("part", FLOODS.values(), ids=FLOODS)
def test_a_file_of_millions_of_fields_is_given_up_early(part: bytes) -> None:
    """Measured in bytes: what is read of a field is what takes the time."""
    data = model(part * (4_000_000 // len(part)))
    tracemalloc.start()
    try:
        with pytest.raises(ModelError, match=r"more fields than|claims more values"):
            inspect_model(data)
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "text",
    [
        b'{"quality":{' + b",".join(b'"%d":1' % number for number in range(60_000)) + b"}}",
        b'{"data":{"classes":[' + b"1," * 60_000 + b"1]}}",
        b'{"golden":' + b"[" * 60_000,
        b'{"name":"' + b"x" * 16_000_000 + b'"}',
    ],
    ids=["keys", "values", "nested", "bytes"],
)
def test_a_card_of_millions_of_values_is_given_up_before_one_is_made(text: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(ModelError, match="at most 16,000,000 and 50,000 are read"):
            Card.from_json(text)
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()


def test_of_a_file_that_is_no_model_only_the_outermost_fields_are_read(tmp_path: Path) -> None:
    path = tmp_path / "large.onnx"
    for start in (b"", field(1, 10), varint(GRAPH << 3 | 2) + varint(10**10), b"\x7fELF"):
        with path.open("wb") as file:
            file.write(start)
            file.truncate(MAX_MODEL_BYTES - 10)
        tracemalloc.start()
        try:
            with pytest.raises(ModelError, match="not an ONNX file"):
                read_model(path)
            assert tracemalloc.get_traced_memory()[1] < 1_000_000
        finally:
            tracemalloc.stop()


@pytest.mark.parametrize(
    ("bits", "tile_size"), [(24, 32), (16, 64)], ids=["other bits", "other tiles"]
)
def test_a_graph_that_is_not_what_its_card_says_is_refused(bits: int, tile_size: int) -> None:
    with pytest.raises(ModelError, match="as its card says"):
        check_interface(inspect_model(model()), bits, tile_size)


def test_an_input_beside_the_tiles_is_refused_unless_it_is_a_constant() -> None:
    more = field(11, value_info("w", FLOAT, [4]))
    with pytest.raises(ModelError, match="as its card says"):
        check_interface(inspect_model(model(more)), 16, 32)
    check_interface(
        inspect_model(model(more, field(5, tensor("w", [4], bytes(16), FLOAT)))), 16, 32
    )


def test_only_regular_files_of_bounded_size_are_read(tmp_path: Path) -> None:
    large = tmp_path / "large.onnx"
    with large.open("wb") as file:
        file.truncate(MAX_MODEL_BYTES + 1)
    with pytest.raises(ModelError, match="at most 100,000,000"):
        read_model(large)
    os.mkfifo(tmp_path / "pipe.onnx")
    (tmp_path / "link.onnx").symlink_to("/dev/zero")
    for name, kind in (("pipe.onnx", "a pipe"), ("link.onnx", "a device"), (".", "a folder")):
        with pytest.raises(ModelError, match=f"is {kind}, not a file"):
            read_model(tmp_path / name)
    with pytest.raises(ModelError, match=r"none\.onnx: no such model file"):
        HashModel.open(tmp_path / "none.onnx")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"bits": 20}, "bits"),
        ({"bits": 1 << 40}, "bits"),
        ({"bits": 64}, "a width is larger"),
        ({"tile_size": 1 << 30}, "tile_size"),
        ({"name": "x" * 1000}, "name"),
        ({"quality": {"map_at_20": float("inf")}}, "quality"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_a_card_beyond_its_bounds_is_refused(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(ModelError, match=reason):
        Card.from_json(json.dumps(shipped_card() | change))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"code": "AAAA"}, "not a code of 256 bits"),
        ({"logits": [0.0] * 63}, "not a code of 256 bits"),
        ({"logits": [float("nan")] * 64}, "logits"),
        ({"png": "R0lGODlh"}, "not a PNG of 256 x 256"),
        # The header of a PNG of 2 billion pixels a side.
        ({"png": "iVBORw0KGgoAAAANSUhEUn////9/////CAIAAAA="}, "not a PNG of 256 x 256"),
        ({"png": "no base64!"}, "png"),
    ],
)
def test_a_golden_tile_beyond_its_bounds_is_refused(change: dict[str, Any], reason: str) -> None:
    card = shipped_card()
    card["golden"][0] |= change
    with pytest.raises(ModelError, match=reason):
        Card.from_json(json.dumps(card))
    card["golden"] = shipped_card()["golden"][:1] * 65
    with pytest.raises(ModelError, match="golden"):
        Card.from_json(json.dumps(card))


def test_a_golden_tile_that_is_cut_off_is_an_error_and_no_traceback(tmp_path: Path) -> None:
    card = shipped_card()
    card["golden"][0]["png"] = card["golden"][0]["png"][:100]
    path = tmp_path / "m.onnx"
    path.write_bytes(with_card(shipped_model().read_bytes(), json.dumps(card)))
    with pytest.raises(ModelError, match=r"m\.onnx: .*(decoded|golden)"):
        HashModel.load(path)


def test_a_graph_that_onnxruntime_refuses_prints_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    whole = GOLDEN_MODEL.read_bytes()
    for old, new in ((b"QuantizeLinear", b"Qu\xd7ntizeLinear"), (b"Conv", b"Cowv")):
        (tmp_path / "m.onnx").write_bytes(whole.replace(old, new))
        with pytest.raises(ModelError, match="onnxruntime cannot open it"):
            HashModel.open(tmp_path / "m.onnx")
    assert capfd.readouterr() == ("", "")


def test_a_graph_that_wants_14_gb_is_an_error(tmp_path: Path) -> None:
    """60,000 x 60,000 zeros, of which a file says only the shape."""
    shape = struct.pack("<qq", 60_000, 60_000)
    more = field(1, field(1, "shape") + field(2, "zeros") + field(4, "ConstantOfShape"))
    more += field(INITIALIZER, tensor("shape", [2], shape, INT64))
    more += field(12, value_info("zeros", FLOAT, [None, None]))
    data = changed_field(GOLDEN_MODEL.read_bytes(), GRAPH, lambda graph: graph + more)
    (tmp_path / "m.onnx").write_bytes(data)
    with pytest.raises(ModelError, match="onnxruntime cannot run golden"):
        HashModel.load(tmp_path / "m.onnx")


def test_no_change_of_bytes_gives_anything_but_an_answer_or_an_error() -> None:
    rng = random.Random(0)
    whole = model(
        node(field(5, field(1, "pads") + field(8, 1) + field(5, tensor("t", [2], b"12")))),
        field(5, tensor("w", [2, 2], b"1234")),
    )
    refused = 0
    for _ in range(3000):
        data = bytearray(whole)
        for _ in range(rng.randint(1, 4)):
            at = rng.randrange(len(data))
            action = rng.randrange(3)
            if action == 0:
                data[at] = rng.randrange(256)
            elif action == 1:
                del data[at : at + rng.randint(1, 8)]
            else:
                data[at:at] = rng.randbytes(rng.randint(1, 8))
        try:
            inspect_model(bytes(data))
        except ModelError:
            refused += 1
    assert 1000 < refused < 3000


@pytest.mark.slow
def test_no_change_of_a_card_gives_anything_but_a_card_or_an_error() -> None:
    rng = random.Random(0)
    card = shipped_card()
    card["golden"] = card["golden"][:1]
    card["golden"][0]["png"] = card["golden"][0]["png"][:200]
    values: list[Any] = [None, -1, 1 << 70, 1e308, "", "x", [], {}, True, [[[]]], "\ud800"]

    def paths(part: Any, prefix: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        items = part.items() if isinstance(part, dict) else enumerate(part[:3])
        found = []
        for key, value in items:
            found.append((*prefix, key))
            if isinstance(value, dict | list):
                found += paths(value, (*prefix, key))
        return found

    every = paths(card)
    for _ in range(2000):
        changed = json.loads(json.dumps(card))
        *prefix, last = rng.choice(every)
        part = changed
        for key in prefix:
            part = part[key]
        part[last] = rng.choice(values)
        text = json.dumps(changed)
        if rng.random() < 0.2:
            at = rng.randrange(len(text))
            text = text[:at] + text[at + rng.randint(1, 50) :]
        try:
            assert isinstance(Card.from_json(text), Card)
        except ModelError as error:
            assert "\n" not in str(error)


def test_bytes_that_passed_one_check_are_checked_by_another() -> None:
    reader = FieldReader(b"\x08\x01")
    asked: list[str] = []

    def one(*_: object) -> None:
        asked.append("one")

    def other(*_: object) -> None:
        asked.append("other")

    for check in (one, other, one):
        reader.once((0, 2), check)
    assert asked == ["one", "other"]
