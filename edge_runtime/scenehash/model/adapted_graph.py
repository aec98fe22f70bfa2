"""The model file of an adaptation: another model's graph, with codes linear in its representation.

The device has no onnx package, and needs none: an ONNX file is a protocol buffer, and few fields of
it change (onnx.proto of onnx 1.21; encoding: protobuf.dev). The graph stays the same up to the
output "representation"; the old outputs "codes" and "logits" get other names, and new ones are
added:

representation ──► times matrix ──► minus threshold ──► logits ──► above 0 ──► packed codes
"""

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from scenehash.codes import byte_weights
from scenehash.errors import ModelError

from .card import METADATA_KEY, Card
from .inspection import BYTES, FLOAT, REPRESENTATION, UINT8, VARINT, FieldReader, Span
from .linear_code import LinearCode

OUTPUTS = ("codes", "logits")
# Prefixes of the added names, and of the renamed old outputs.
ADAPTED, BEFORE = "adapted/", "before/"
MATRIX, THRESHOLD = ADAPTED + "matrix", ADAPTED + "threshold"

# Fields of ModelProto, GraphProto and NodeProto.
GRAPH, METADATA = 7, 14
NODE, INITIALIZER, OUTPUT = 1, 5, 12
INPUT_NAMES, OUTPUT_NAMES, NODE_NAME, OPERATOR, ATTRIBUTE = 1, 2, 3, 4, 5
ATTRIBUTE_INT = 2


def adapted_file(data: bytes, card: Card, code: LinearCode) -> bytes:
    """The adapted model file for data, the bytes of a model file with a representation.

    card: of the new file. Raises ModelError when data is malformed.
    """
    reader = FieldReader(data)
    parts = [b""]
    for number, kind, start, end in reader.fields((0, len(data))):
        if number == GRAPH:
            parts.append(_message(GRAPH, _graph(reader, (start, end), code)))
        elif number != METADATA:
            parts.append(_same(reader, number, kind, start, end))
    entry = _message(1, METADATA_KEY.encode()) + _message(2, card.to_json().encode())
    return b"".join([*parts, _message(METADATA, entry)])


def read_linear_code(data: bytes) -> LinearCode:
    """The code in an adapted model file; ModelError when it has no exact one."""
    reader = FieldReader(data)
    found: dict[str, npt.NDArray[np.float32]] = {}
    for graph in reader.only(GRAPH, (0, len(data))):
        for tensor in reader.only(INITIALIZER, graph):
            name = reader.text(next(iter(reader.only(8, tensor)), None))
            if name in (MATRIX, THRESHOLD):
                found[name] = _values(reader, tensor)
    matrix, threshold = found.get(MATRIX), found.get(THRESHOLD)
    if matrix is None or threshold is None or matrix.ndim != 2 or threshold.ndim != 1:
        raise ModelError("its card says that it is an adaptation, but its graph has none")
    code = LinearCode(matrix, threshold)
    if matrix.shape[1] != len(threshold) or not code.is_exact:
        raise ModelError("the numbers of its adaptation are not integers, or too large")
    return code


def _graph(reader: FieldReader, span: Span, code: LinearCode) -> bytes:
    parts = []
    for number, kind, start, end in reader.fields(span):
        part = (start, end)
        if number == NODE:
            if not _name(reader, part, NODE_NAME).startswith(ADAPTED):
                parts.append(_message(NODE, _renamed(reader, part)))
        elif not _is_replaced(reader, number, part):
            parts.append(_same(reader, number, kind, start, end))
    return b"".join([*parts, *_added(code)])


def _is_replaced(reader: FieldReader, number: int, span: Span) -> bool:
    """Whether a field of the graph belongs to an earlier adaptation, or is an output to replace."""
    if number == INITIALIZER:
        return _name(reader, span, 8).startswith(ADAPTED)
    return number == OUTPUT and _name(reader, span, 1) in OUTPUTS


def _renamed(reader: FieldReader, span: Span) -> bytes:
    """A node with new names for the old outputs."""
    parts = []
    for number, kind, start, end in reader.fields(span):
        if number in (INPUT_NAMES, OUTPUT_NAMES):
            name = reader.text((start, end))
            parts.append(_message(number, (BEFORE + name if name in OUTPUTS else name).encode()))
        else:
            parts.append(_same(reader, number, kind, start, end))
    return b"".join(parts)


def _added(code: LinearCode) -> Iterable[bytes]:
    """The nodes, constants and outputs from the representation to logits and codes."""
    bits = code.bits
    constants = {
        "matrix": code.matrix,
        "threshold": code.threshold,
        "zero": np.zeros((), np.float32),
        "byte_weights": byte_weights(bits),
    }
    for name, values in constants.items():
        yield _message(INITIALIZER, _tensor(ADAPTED + name, values))
    yield _node("MatMul", [REPRESENTATION, MATRIX], ADAPTED + "products")
    yield _node("Sub", [ADAPTED + "products", THRESHOLD], "logits")
    yield _node("Greater", ["logits", ADAPTED + "zero"], ADAPTED + "bits")
    yield _node("Cast", [ADAPTED + "bits"], ADAPTED + "ones", to=FLOAT)
    yield _node("MatMul", [ADAPTED + "ones", ADAPTED + "byte_weights"], ADAPTED + "sums")
    yield _node("Cast", [ADAPTED + "sums"], "codes", to=UINT8)
    yield _message(OUTPUT, _value_info("codes", UINT8, bits // 8))
    yield _message(OUTPUT, _value_info("logits", FLOAT, bits))


def _node(operator: str, inputs: Sequence[str], output: str, to: int | None = None) -> bytes:
    parts = [_message(INPUT_NAMES, name.encode()) for name in inputs]
    parts.append(_message(OUTPUT_NAMES, output.encode()))
    parts.append(_message(NODE_NAME, (ADAPTED + operator + "/" + output).encode()))
    parts.append(_message(OPERATOR, operator.encode()))
    if to is not None:
        attribute = _message(1, b"to") + _number(3, to) + _number(20, ATTRIBUTE_INT)
        parts.append(_message(ATTRIBUTE, attribute))
    return _message(NODE, b"".join(parts))


def _tensor(name: str, values: npt.NDArray[np.float32]) -> bytes:
    sizes = b"".join(_number(1, size) for size in values.shape)
    raw = np.ascontiguousarray(values, "<f4").tobytes()
    return sizes + _number(2, FLOAT) + _message(8, name.encode()) + _message(9, raw)


def _values(reader: FieldReader, span: Span) -> npt.NDArray[np.float32]:
    """The numbers of a float32 tensor with raw data; an empty array of any other."""
    shape: list[int] = []
    raw = b""
    for number, kind, start, end in reader.fields(span):
        if number == 1:
            shape += reader.numbers(kind, start, end)
        elif number == 9 and kind == BYTES:
            raw = reader.raw((start, end))
    if len(raw) != 4 * int(np.prod(shape)):
        return np.zeros(0, np.float32)
    return np.frombuffer(raw, "<f4").reshape(shape).astype(np.float32)


def _value_info(name: str, element: int, width: int) -> bytes:
    """A graph's output [N, width]."""
    sizes = _message(1, _message(2, b"N")) + _message(1, _number(1, width))
    tensor = _number(1, element) + _message(2, sizes)
    return _message(1, name.encode()) + _message(2, _message(1, tensor))


def _name(reader: FieldReader, span: Span, number: int) -> str:
    return reader.text(next(iter(reader.only(number, span)), None))


def _same(reader: FieldReader, number: int, kind: int, start: int, end: int) -> bytes:
    """A field as it was."""
    if kind == VARINT:
        return _number(number, start)
    if kind == BYTES:
        return _message(number, reader.raw((start, end)))
    raise ModelError(f"its graph has a field {number} of a kind that no ONNX file has")


def _message(number: int, data: bytes) -> bytes:
    return _varint(number << 3 | BYTES) + _varint(len(data)) + data


def _number(number: int, value: int) -> bytes:
    return _varint(number << 3 | VARINT) + _varint(value)


def _varint(value: int) -> bytes:
    parts = bytearray()
    while value > 127:
        parts.append(value & 127 | 128)
        value >>= 7
    parts.append(value)
    return bytes(parts)
