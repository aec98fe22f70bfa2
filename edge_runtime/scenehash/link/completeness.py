"""Whether a store has all data of a station, by rows and by digest tree; and the receipt for it."""

from collections.abc import Iterable
from dataclasses import dataclass

from scenehash.store import CodeStore

from .digest_tree import EMPTY, Entry, Level, differing, level_of, root_of
from .facts import Receipt
from .received import Received
from .spans import Spans, span

# The maximum number of ranges in a receipt; the next receipt has further ones.
MOST_NAMED = 200


@dataclass(frozen=True)
class Completeness:
    """Whether a store has all tiles of a station, as counted in the station's newest bundle.

    rows: the number of the station's next tile then. held: the number of its tiles here.
    deleted_here: tiles that arrived, and were deleted from this store. cut_otherwise: tiles of
    scenes that another station has cut in another way. missing: rows that have not arrived.
    waiting: rows of incomplete scenes. differing: rows in which the digest trees differ, although
    no row is missing. annotations: rows in which labels or paths differ, although all tiles have
    arrived. events_missing: numbers of events. root, own_root: of both trees of tiles, 16
    hexadecimal digits.
    """

    rows: int
    held: int
    deleted_here: int
    cut_otherwise: int
    missing: Spans
    waiting: Spans
    differing: Spans
    annotations: Spans
    events_missing: Spans
    root: str
    own_root: str

    @property
    def is_complete(self) -> bool:
        """Whether the digest trees are equal, and no event is missing."""
        tiles = self.root == self.own_root and not self.missing
        return tiles and not self.annotations and not self.events_missing


def completeness(store: CodeStore, received: Received) -> Completeness:
    """Compare a store's data from a station with the station's own counts."""
    facts = received.facts
    assert facts is not None
    found = store.links.scenes.of_store(received.store)
    here = {content for _, _, content in store.scene_rows()}
    rows = span(0, facts.rows)
    came = Spans((one.first_row, one.end) for one in found)
    waiting = Spans(store.links.waiting.rows(received.store)) - came
    missing = rows - came - received.gone - waiting
    own = _own_level((Entry(one.first_row, one.digest) for one in found), facts.rows, facts.level)
    each = facts.level.rows_each
    # Missing rows explain a difference.
    lacking = {node for start, end in missing | waiting
               for node in range(start // each, (end - 1) // each + 1)}  # fmt: skip
    apart = _apart(facts.level, own)
    for node in lacking:
        apart = apart - span(node * each, (node + 1) * each)
    annotations = Spans()
    if own.digests == facts.level.digests and not missing:
        marks = (Entry(row, mark) for row, mark in store.links.annotations.marks(received.store))
        annotations = _apart(facts.annotations, _own_level(marks, facts.rows, facts.annotations))
    return Completeness(
        facts.rows,
        sum(one.tiles for one in found if one.is_same and one.content in here),
        sum(one.tiles for one in found if one.content not in here),
        sum(one.tiles for one in found if not one.is_same and one.content in here),
        missing,
        waiting,
        apart & rows,
        annotations & rows,
        facts.events - received.events,
        root_of(facts.level).hex(),
        root_of(own).hex(),
    )


def receipt_for(store: CodeStore, received: Received) -> Receipt:
    """The receipt for the data that has come from a station."""
    missing, annotations, events = Spans(), Spans(), Spans()
    if received.facts is not None:
        found = completeness(store, received)
        pairs = (found.missing | found.differing).pairs()
        missing, annotations = Spans(pairs[:MOST_NAMED]), found.annotations
        events = Spans(found.events_missing.pairs()[:MOST_NAMED])
    whole = Spans(received.whole.pairs()[-MOST_NAMED:])
    partial = {number: tuple(blocks) for number, blocks in received.partial.items()}
    return Receipt(received.store, received.newest, whole, partial, missing, annotations, events)


def _own_level(entries: Iterable[Entry], rows: int, theirs: Level) -> Level:
    """The received level of a station's tree, computed from this store."""
    known = (entry for entry in entries if entry.first_row < rows)
    level = level_of(known, rows, theirs.rows_each)
    lacking = len(theirs.digests) - len(level.digests)
    return Level(level.rows_each, (*level.digests, *[EMPTY] * lacking))


def _apart(theirs: Level, own: Level) -> Spans:
    """The rows in which two levels differ."""
    each = own.rows_each
    nodes = differing(theirs.digests, own.digests)
    return Spans((node * each, (node + 1) * each) for node in nodes)
