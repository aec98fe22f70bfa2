"""The checks of an untrusted model file before ONNX Runtime opens it.

An ONNX file is a protocol buffer (onnx.proto of onnx 1.21; encoding: protobuf.dev). This module
reads the few fields that matter, within limits, by the rules of protobuf: it skips unknown fields,
and uses every value of a repeated field. It refuses files

- larger than 100 MB, or not a regular file, or whose outermost fields do not fill it exactly:
  these are refused before more than a few bytes are read;
- with more than 50,000 fields (the shipped model has 7,500), each of which costs time and memory;
- with data in other files, so that no path in a model is ever opened;
- with operators of other domains, functions, or subgraphs (If, Loop, Scan): export writes none;
- with tensors that claim more values than their bytes hold, or sparse ones;
- with random values: the same tile must always get the same code;
- with windows, strides or pads of thousands of pixels;
- without a card, or whose inputs and outputs do not match it.

hash_model.MAX_MEMORY limits the memory of a running graph; its time has no limit.
"""

import math
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, NamedTuple

from scenehash.errors import InputError, ModelError
from scenehash.files import MAX_MODEL_BYTES, open_regular, read_open
from scenehash.tiles import MAX_TILE_SIZE

from .card import MAX_CARD_BYTES, METADATA_KEY
from .model_file import check_is_there

MAX_DIMENSIONS = 8
# The smallest type, of 2 bits, has four values in a byte.
VALUES_A_BYTE = 4

# The optional third output of a model.
REPRESENTATION = "representation"

DEFAULT_DOMAINS = ("", "ai.onnx")
CONTROL_FLOW = ("If", "Loop", "Scan", "SequenceMap")
RANDOM = (
    "Bernoulli",
    "Multinomial",
    "RandomNormal",
    "RandomNormalLike",
    "RandomUniform",
    "RandomUniformLike",
)
# Attributes that make an output larger than its input.
WINDOW_ATTRIBUTES = ("pads", "kernel_shape", "strides", "dilations", "output_padding")
SHAPE_ATTRIBUTES = ("output_shape", "shape")

MALFORMED = "not an ONNX file, cut off, or one of more fields than any model file has"
SPARSE = "it has sparse tensors; a model file has none"

FLOAT, UINT8 = 1, 2
DYNAMIC = -1

# Wire types of protobuf, and the maximum number of fields.
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
MAX_FIELDS = 50_000
MAX_TEXT_BYTES = 10_000
MAX_REPEATED_BYTES = 200
# The longest key and length of a field.
LONGEST_HEAD = 20
# The maximum number of outermost fields; a model file has a dozen.
MAX_OUTERMOST = 1000

Span = tuple[int, int]


class TensorType(NamedTuple):
    """The declared type of a graph's input or output; a dimension without a value is DYNAMIC."""

    element: int
    shape: tuple[int, ...]


@dataclass
class Inspected:
    """What a file declares: its card, and the types of the graph's inputs and outputs."""

    card: bytes = b""
    inputs: dict[str, TensorType] = field(default_factory=dict)
    outputs: dict[str, TensorType] = field(default_factory=dict)
    constants: set[bytes] = field(default_factory=set)


def read_model(path: Path) -> bytes:
    """The bytes of a file that looks like an ONNX file of at most 100 MB; ModelError otherwise.

    For any other file it reads no more than the outermost fields.
    """
    check_is_there(path)
    try:
        with open_regular(path) as file:
            _check_outline(file, os.fstat(file.fileno()).st_size)
            return read_open(file, MAX_MODEL_BYTES)
    except OSError as error:
        raise ModelError(f"cannot be read ({error.strerror})") from error
    except InputError as error:
        raise ModelError(str(error)) from error


def _check_outline(file: IO[bytes], size: int) -> None:
    """Raise ModelError unless the outermost fields of a file fill it exactly.

    The reader refuses a file that is too large.
    """
    at = count = 0
    while at < size <= MAX_MODEL_BYTES:
        file.seek(at)
        head = file.read(LONGEST_HEAD)
        reader = FieldReader(head)
        key, position = reader.varint(0, len(head))
        value, position = reader.varint(position, len(head))
        length = {VARINT: 0, BYTES: value}.get(key & 7, size)
        at, count = at + position + length, count + 1
        if at > size or key < 8 or count > MAX_OUTERMOST:
            raise ModelError(MALFORMED)
    file.seek(0)


def inspect_model(data: bytes) -> Inspected:
    """Read the declarations of an ONNX file; ModelError when it is malformed or has refused
    contents.
    """
    reader = FieldReader(data)
    found = Inspected()
    cards = []
    graphs = 0
    for number, part in reader.messages((0, len(data))):
        if number == 7:  # graph
            graphs += 1
            _inspect_graph(reader, part, found)
        elif number == 14:  # metadata_props
            strings = dict(reader.messages(part))
            if reader.text(strings.get(1)) == METADATA_KEY:
                cards.append(strings.get(2, (0, 0)))
        elif number in (20, 25):  # training_info, functions
            raise ModelError("it has functions or training steps; a model file has neither")
    if not graphs:
        raise ModelError("not an ONNX file")
    if len(cards) != 1:
        what = f"with {len(cards)} scenehash cards" if cards else "without a scenehash card"
        raise ModelError(f"an ONNX file {what}; make one with: scenehash export RUN")
    start, end = cards[0]
    if end - start > MAX_CARD_BYTES:
        raise ModelError(f"its card has {end - start:,} bytes; at most {MAX_CARD_BYTES:,} are read")
    found.card = reader.raw((start, end))
    return found


def check_interface(found: Inspected, bits: int, tile_size: int, dims: int | None = None) -> None:
    """Raise ModelError unless a graph goes from tiles to codes and logits of that size.

    dims: of its representation, if its card has one.
    """
    constants = found.constants
    inputs = {name: kind for name, kind in found.inputs.items() if name.encode() not in constants}
    wanted_inputs = {"tiles": TensorType(UINT8, (DYNAMIC, tile_size, tile_size, 3))}
    wanted_outputs = {
        "codes": TensorType(UINT8, (DYNAMIC, bits // 8)),
        "logits": TensorType(FLOAT, (DYNAMIC, bits)),
    }
    if dims is not None:
        wanted_outputs[REPRESENTATION] = TensorType(FLOAT, (DYNAMIC, dims))
    if inputs != wanted_inputs or not wanted_outputs.items() <= found.outputs.items():
        raise ModelError(
            f"its graph does not take tiles of {tile_size} pixels and give codes of {bits} bits, "
            "as its card says; export again"
        )


def _inspect_graph(reader: "FieldReader", span: Span, found: Inspected) -> None:
    for number, part in reader.messages(span):
        if number == 1:
            _inspect_node(reader, part)
        elif number == 5:
            found.constants.add(_inspect_tensor(reader, part))
        elif number == 11:
            found.inputs.update([_value_info(reader, part)])
        elif number == 12:
            found.outputs.update([_value_info(reader, part)])
        elif number == 15:
            raise ModelError(SPARSE)


def _inspect_node(reader: "FieldReader", span: Span) -> None:
    for number, kind, start, end in reader.fields(span):
        if number < 4 or kind != BYTES:
            continue
        if number == 5:
            reader.once((start, end), _inspect_attribute)
        elif number == 4:
            operator = reader.text((start, end))
            if operator in CONTROL_FLOW:
                raise ModelError(f"its graph has control flow ({operator})")
            if operator in RANDOM:
                raise ModelError(f"its graph draws values at random ({operator})")
        elif number == 7 and (domain := reader.text((start, end))) not in DEFAULT_DOMAINS:
            raise ModelError(f"its graph has operators of the domain {domain[:80]!a}")


def _inspect_attribute(reader: "FieldReader", span: Span) -> None:
    name = ""
    numbers: list[int] = []
    for number, kind, start, end in reader.fields(span):
        if number == 8:  # ints
            numbers += reader.numbers(kind, start, end)
        elif number in (6, 11):  # g, graphs
            raise ModelError("its graph has subgraphs (control flow)")
        elif number in (22, 23):  # sparse_tensor, sparse_tensors
            raise ModelError(SPARSE)
        elif number in (5, 10) and kind == BYTES:  # t, tensors
            _inspect_tensor(reader, (start, end))
        elif number == 1 and kind == BYTES:
            name = reader.text((start, end))
    sizes = [abs(value) for value in numbers]
    if name in WINDOW_ATTRIBUTES and max(sizes, default=0) > MAX_TILE_SIZE:
        raise ModelError(f"its graph has {name} of {max(sizes):,} pixels")
    if name in SHAPE_ATTRIBUTES and math.prod(sizes) > MAX_MODEL_BYTES:
        raise ModelError(f"its graph has a tensor of {math.prod(sizes):,} values")


def _inspect_tensor(reader: "FieldReader", span: Span) -> bytes:
    """Check a TensorProto, and give its name."""
    name = b""
    dimensions: list[int] = []
    for number, kind, start, end in reader.fields(span):
        if number == 1:  # dims
            dimensions += reader.numbers(kind, start, end)
        elif number == 8 and kind == BYTES:
            name = reader.name((start, end))
        elif number == 13 or (number == 14 and start):  # external_data, data_location
            raise ModelError("it has data in other files; export again")
    known = len(dimensions) <= MAX_DIMENSIONS and min(dimensions, default=0) >= 0
    if not known or math.prod(dimensions) > VALUES_A_BYTE * (span[1] - span[0]):
        raise ModelError(f"its tensor {_text(name[:80])!a} claims more values than the file holds")
    return name


def _value_info(reader: "FieldReader", span: Span) -> tuple[str, TensorType]:
    """The name and type of a graph's input or output; what is not a tensor has no dimensions."""
    name = ""
    element = 0
    shape: list[int] = []
    for number, part in reader.messages(span):
        if number == 1:
            name = reader.text(part)
        elif number == 2:  # type
            for tensor in reader.only(1, part):
                for inner, kind, start, end in reader.fields(tensor):
                    if inner == 1 and kind == VARINT:
                        element = start
                    elif inner == 2 and kind == BYTES:
                        shape += [_dimension(reader, one) for one in reader.only(1, (start, end))]
    return name, TensorType(element, tuple(shape))


def _dimension(reader: "FieldReader", span: Span) -> int:
    values = [start for number, kind, start, _ in reader.fields(span) if (number, kind) == (1, 0)]
    return values[-1] if values else DYNAMIC


class FieldReader:
    """Reads the fields of protobuf messages; each field counts towards one limit."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._left = MAX_FIELDS
        self._checked: dict[tuple[object, bytes], int] = {}

    def fields(self, span: Span) -> list[tuple[int, int, int, int]]:
        """The number and wire type of each field, and the start and end of its bytes.

        Of a VARINT, its value and 0. Raises ModelError when the bytes are not a message. Written
        for speed, since each command that hashes waits for it.
        """
        data, left, (at, end) = self._data, self._left, span
        found = []
        while at < end:
            key = data[at]
            at += 1
            if key > 127:
                key, at = self.varint(at - 1, end)
            kind = key & 7
            if kind == BYTES:
                size = data[at] if at < end else 128
                at += 1
                if size > 127:
                    size, at = self.varint(at - 1, end)
                found.append((key >> 3, kind, at, at + size))
                at += size
            elif kind == VARINT:
                value = data[at] if at < end else 128
                at += 1
                if value > 127:
                    value, at = self.varint(at - 1, end)
                found.append((key >> 3, kind, value, 0))
            else:
                at += {FIXED64: 8, FIXED32: 4}.get(kind, end)
            if at > end or key < 8 or len(found) > left:
                raise ModelError(MALFORMED)
        self._left = left - len(found)
        return found

    def once(self, span: Span, check: Callable[["FieldReader", Span], None]) -> None:
        """Check a message, unless a short message with the same bytes was checked before.

        The shipped model has 439 attributes, of which 34 differ. Their fields count each time.
        """
        if span[1] - span[0] > MAX_REPEATED_BYTES:
            check(self, span)
            return
        message, left = (check, self._data[span[0] : span[1]]), self._left
        if message not in self._checked:
            check(self, span)
            self._checked[message] = left - self._left
        elif self._checked[message] > left:
            raise ModelError(MALFORMED)
        else:
            self._left -= self._checked[message]

    def messages(self, span: Span) -> list[tuple[int, Span]]:
        """The number and the bytes of each field that is a message or a string."""
        fields = self.fields(span)
        return [(number, (start, end)) for number, kind, start, end in fields if kind == BYTES]

    def only(self, number: int, span: Span) -> list[Span]:
        """The bytes of each field of that number that is a message or a string."""
        return [part for found, part in self.messages(span) if found == number]

    def numbers(self, kind: int, start: int, end: int) -> list[int]:
        """The values, int64, of a repeated field, packed or not."""
        if kind == VARINT:
            return [_signed(start)] if start >> 63 else [start]
        values: list[int] = []
        at = start if kind == BYTES else end
        while at < end:
            value, at = self.varint(at, end)
            values.append(value)
            if len(values) > self._left:
                raise ModelError(MALFORMED)
        self._left -= len(values)
        return [_signed(value) for value in values]

    def raw(self, span: Span) -> bytes:
        """The bytes of a field."""
        return self._data[span[0] : span[1]]

    def name(self, span: Span) -> bytes:
        """The bytes of a name; ModelError when it is too long."""
        if span[1] - span[0] > MAX_TEXT_BYTES:
            raise ModelError(f"it has a name of {span[1] - span[0]:,} bytes")
        return self._data[span[0] : span[1]]

    def text(self, span: Span | None) -> str:
        """A name as text."""
        return "" if span is None else _text(self.name(span))

    def varint(self, at: int, end: int) -> tuple[int, int]:
        """A number of 64 bits, and the position after it."""
        value = shift = 0
        while at < end and shift < 70:
            byte = self._data[at]
            at += 1
            value |= (byte & 127) << shift
            if byte < 128:
                return value & (1 << 64) - 1, at
            shift += 7
        raise ModelError(MALFORMED)


def _text(name: bytes) -> str:
    """A name as text; what is not UTF-8 is replaced."""
    return name.decode("utf-8", "replace")


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value
