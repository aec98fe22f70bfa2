"""ONNX files written and changed field by field, without onnx, which no device has.

Encoding: protobuf.dev/programming-guides/encoding. Numbers of fields: onnx.proto of onnx 1.21.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from scenehash.model.card import METADATA_KEY, Card
from scenehash.model.model_file import shipped_model

GRAPH, METADATA = 7, 14
INITIALIZER, RAW_DATA = 5, 9
FLOAT, UINT8, INT8, INT64 = 1, 2, 3, 7


def varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def field(number: int, value: int | bytes | str) -> bytes:
    """A field that holds a number, or a string or message."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def shipped_card_text() -> bytes:
    """The text of the shipped model's card."""
    for number, value in fields(shipped_model().read_bytes()):
        if number == METADATA and isinstance(value, bytes):
            text = dict(fields(value))[2]
            assert isinstance(text, bytes)
            return text
    raise AssertionError


def fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a message: numbers, strings and messages."""
    at = 0

    def number() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7

    while at < len(data):
        key = number()
        assert key & 7 in (0, 2)
        value: int | bytes = number()
        if key & 7 == 2:
            assert isinstance(value, int)
            at += value
            value = data[at - value : at]
        yield key >> 3, value


def changed_field(data: bytes, number: int, change: Callable[[bytes], bytes]) -> bytes:
    """A message with each of its fields of one number changed."""
    return b"".join(
        field(found, change(value) if found == number and isinstance(value, bytes) else value)
        for found, value in fields(data)
    )


def with_card(data: bytes, text: str | bytes) -> bytes:
    """A model file with another card."""
    return changed_field(data, METADATA, lambda _: field(1, METADATA_KEY) + field(2, text))


def changed(path: Path, card: Mapping[str, object]) -> Path:
    """The shipped model with some values of its card changed, in a file."""
    data = shipped_model().read_bytes()
    text = Card.from_json(shipped_card_text()).model_copy(update=card).to_json()
    path.write_bytes(with_card(data, text))
    return path


def tensor(name: str, dims: list[int], data: bytes, kind: int = INT8) -> bytes:
    """A TensorProto."""
    return (
        b"".join(field(1, dim) for dim in dims) + field(2, kind) + field(8, name) + field(9, data)
    )


def value_info(name: str, kind: int, shape: list[int | None]) -> bytes:
    """A ValueInfoProto of a tensor; None is a dynamic dimension."""
    dims = [field(1, field(2, "N") if size is None else field(1, size)) for size in shape]
    return field(1, name) + field(2, field(1, field(1, kind) + field(2, b"".join(dims))))
