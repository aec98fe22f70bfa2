"""The small blocks: a sender's counts, and its receipt for the addressee's data."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from scenehash.codes import check_bits
from scenehash.errors import BundleError, ConfigurationError
from scenehash.printable import printable

from .bundle import MOST_NUMBER, UUID_BYTES
from .digest_tree import FAN, LEAF_ROWS, Level
from .limits import DIGEST_BYTES, MOST_ROWS
from .spans import Spans, span
from .wire import Reader, Writer

MOST_WORD = 256


@dataclass(frozen=True)
class Facts:
    """The counts of a sender.

    lineage, bits, model: of its codes. rows: the number of its next tile. level: of the digest tree
    of its tiles. annotations: the same for their annotations. oldest_event, newest_event: the
    numbers of its stored events.
    """

    lineage: str
    bits: int
    model: str
    rows: int
    level: Level
    annotations: Level
    oldest_event: int
    newest_event: int

    @property
    def events(self) -> Spans:
        """The numbers of its stored events."""
        return event_numbers(self.oldest_event, self.newest_event)

    def block(self) -> bytes:
        """The facts as a block."""
        out = Writer()
        out.text(self.lineage)
        out.number(self.bits // 8)
        out.text(self.model)
        out.number(self.rows)
        out.number(self.oldest_event)
        out.number(self.newest_event)
        for level in (self.level, self.annotations):
            out.number(level.rows_each)
            out.number(len(level.digests))
            for digest in level.digests:
                out.raw(digest)
        return out.data()

    @classmethod
    def of_block(cls, data: bytes) -> "Facts":
        """The facts of a block; BundleError."""
        found = Reader(data)
        lineage, width, model = _word(found), found.number(32), _word(found)
        try:
            bits = check_bits(8 * width)
        except ConfigurationError as error:
            raise BundleError(str(error)) from error
        rows, oldest, newest = (found.number(MOST_ROWS) for _ in range(3))
        level, annotations = _take_level(found, rows), _take_level(found, rows)
        found.done()
        return cls(lineage, bits, model, rows, level, annotations, oldest, newest)


def event_numbers(oldest: int, newest: int) -> Spans:
    """The numbers of events from the oldest to the newest; both are 0 if there is none."""
    return span(max(oldest, 1), newest + 1)


@dataclass(frozen=True)
class Receipt:
    """The sender's record of the bundles that it received from the addressee.

    store: the id of the addressee's store. newest: the highest received number. whole: the numbers
    of complete bundles. partial: the received blocks of cut bundles. missing: rows of the addressee
    that the sender lacks, and that no bundle under way brings. annotations: rows in which
    annotations differ, although all tiles have arrived. events: the events that the sender lacks.
    """

    store: str
    newest: int
    whole: Spans
    partial: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    missing: Spans = field(default_factory=Spans)
    annotations: Spans = field(default_factory=Spans)
    events: Spans = field(default_factory=Spans)

    def block(self) -> bytes:
        """The receipt as a block."""
        out = Writer()
        out.raw(bytes.fromhex(self.store))
        out.number(self.newest)
        out.spans(self.whole.pairs())
        out.number(len(self.partial))
        for number, blocks in self.partial.items():
            out.number(number)
            out.number(len(blocks))
            for block in blocks:
                out.number(block)
        out.spans(self.missing.pairs())
        out.spans(self.annotations.pairs())
        out.spans(self.events.pairs())
        return out.data()

    @classmethod
    def of_block(cls, data: bytes) -> "Receipt":
        """The receipt of a block; BundleError."""
        found = Reader(data)
        store, newest = found.raw(UUID_BYTES).hex(), found.number(MOST_NUMBER)
        whole = Spans(found.spans(MOST_NUMBER))
        partial = {}
        for _ in range(found.count(2)):
            number = found.number(MOST_NUMBER)
            partial[number] = tuple(found.number(MOST_WORD) for _ in range(found.count()))
        missing, annotations, events = (Spans(found.spans(MOST_ROWS)) for _ in range(3))
        found.done()
        return cls(store, newest, whole, partial, missing, annotations, events)


def _take_level(found: Reader, rows: int) -> Level:
    rows_each = found.number(MOST_ROWS)
    digests = tuple(found.raw(DIGEST_BYTES) for _ in range(found.count(DIGEST_BYTES)))
    level = LEAF_ROWS
    while level < rows_each:
        level *= FAN
    if level != rows_each or len(digests) != max(1, -(-rows // rows_each)):
        raise BundleError("a digest tree that does not fit its rows")
    return Level(rows_each, digests)


def _word(found: Reader) -> str:
    word = found.text()
    if not word or len(word) > MOST_WORD or word != printable(word):
        raise BundleError("a name that is not one line of text")
    return word
