"""Changed labels and paths of scenes, in blocks."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import NamedTuple

from scenehash.errors import BundleError, ConfigurationError
from scenehash.store.labels import check_labels

from .limits import DIGEST_BYTES, MOST_ROWS, MOST_TEXT
from .wire import NOT_TEXT, Reader, Writer

Labels = tuple[str, ...]


class AnnotatedScene(NamedTuple):
    """A scene of the sender, by its first row and digest, and its present annotation."""

    first_row: int
    digest: bytes
    path: str
    labels: Labels


def annotation_mark(path: str, labels: Labels) -> bytes:
    """The contribution of an annotation to the digests, 8 bytes of BLAKE2b: see docs/link.md."""
    out = Writer()
    out.text(path)
    _put_labels(out, labels)
    return blake2b(out.data(), digest_size=DIGEST_BYTES).digest()


def put_annotations(scenes: Sequence[AnnotatedScene]) -> bytes:
    """A block of annotations, by first row."""
    out, sets, paths, row = Writer(), LabelSets(), PathWriter(), 0
    for scene in scenes:
        sets.add(scene.labels)
    sets.put(out)
    out.number(len(scenes))
    for scene in scenes:
        out.number(scene.first_row - row)
        row = scene.first_row
        out.raw(scene.digest)
        out.number(sets.index(scene.labels))
        paths.put(out, scene.path)
    return out.data()


def take_annotations(data: bytes) -> list[AnnotatedScene]:
    """The annotations of a block; BundleError."""
    found, paths, row = Reader(data), PathReader(), 0
    sets, scenes = take_label_sets(found), []
    # An annotation takes at least 12 bytes.
    for _ in range(found.number(found.left // 12)):
        row += found.number(MOST_ROWS)
        digest = found.raw(DIGEST_BYTES)
        labels = take_labels(found, sets)
        scenes.append(AnnotatedScene(row, digest, paths.take(found), labels))
    if row > MOST_ROWS:
        raise BundleError("a scene with impossible rows")
    found.done()
    return scenes


class LabelSets:
    """Sets of labels; a block has each set once."""

    def __init__(self) -> None:
        self._sets: dict[Labels, int] = {}

    def add(self, labels: Labels) -> None:
        """Add a set, unless it exists."""
        self._sets.setdefault(labels, len(self._sets))

    def index(self, labels: Labels) -> int:
        """The number of a set."""
        return self._sets[labels]

    def put(self, out: Writer) -> None:
        """Write all sets."""
        out.number(len(self._sets))
        for labels in self._sets:
            _put_labels(out, labels)


def take_label_sets(found: Reader) -> list[Labels]:
    """Read what LabelSets.put wrote."""
    sets = [tuple(found.text() for _ in range(found.count())) for _ in range(found.count())]
    try:
        check_labels([label for labels in sets for label in labels])
    except ConfigurationError as error:
        raise BundleError(str(error)) from error
    return sets


def take_labels(found: Reader, sets: Sequence[Labels]) -> Labels:
    """Read the number of a set of labels."""
    if not sets:
        raise BundleError("a scene names a set of labels, but the block has none")
    return sets[found.number(len(sets) - 1)]


class PathWriter:
    """Paths, each without its common beginning with the last path."""

    def __init__(self) -> None:
        self._before = b""

    def put(self, out: Writer, path: str) -> None:
        """Write one."""
        data = path.encode(errors="backslashreplace")
        shared = _shared(self._before, data)
        out.number(shared)
        out.blob(data[shared:])
        self._before = data


class PathReader:
    """Reads the output of PathWriter."""

    def __init__(self) -> None:
        self._before = b""

    def take(self, found: Reader) -> str:
        """Read one."""
        path = self._before[: found.number(len(self._before))] + found.blob()
        if len(path) > MOST_TEXT:
            raise BundleError(f"a path of {len(path):,} bytes")
        self._before = path
        try:
            return path.decode()
        except UnicodeDecodeError as error:
            raise BundleError(NOT_TEXT) from error


def _put_labels(out: Writer, labels: Labels) -> None:
    out.number(len(labels))
    for label in labels:
        out.text(label)


def _shared(one: bytes, other: bytes) -> int:
    """The number of bytes that two texts have in common at the beginning."""
    for at, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return at
    return min(len(one), len(other))
