"""scenehash link pack: the data that a peer lacks, the most urgent first, in a bundle of limited
size.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from scenehash.errors import ConfigurationError, InputError, StoreDamagedError
from scenehash.files import atomic_path, check_output, path_text
from scenehash.store import CodeStore
from scenehash.store.catalog.station import check_station_name
from scenehash.store.links.own import OwnScene
from scenehash.store.rows import Ranges

from . import kinds
from .annotations import put_annotations
from .bundle import (
    MOST_BLOCK,
    PREFIX,
    SUFFIX,
    Block,
    Packed,
    bundle_bytes,
    bundle_name,
    head_bytes,
    pack_block,
    parse_head,
)
from .completeness import receipt_for
from .digest_tree import Entry, tree_level
from .events import is_urgent, put_events, thin_event
from .facts import Facts
from .letters import Letter, letters_for, pictures_asked
from .model_files import file_pieces
from .own import annotated, deleted_rows, kept_events, living_rows, own_scenes
from .pack_options import PackOptions
from .pieces import Sizes, codes_mark, piece_of, put_pieces
from .questions import put_thumbnails
from .received import namesakes
from .sent import CHANGES, EVENTS, GONE, PICTURES, ROWS, Carried, Sent
from .signing import sign
from .spans import Spans, span
from .wire import Writer

# Nodes of the digest tree in a bundle: how finely they locate a gap that row numbers do not show.
# Annotations, which differ only where a store is from a backup, are located less finely.
MOST_NODES, MOST_ANNOTATION_NODES = 64, 16
# The maximum size of a block, which is lost when a bundle is cut.
TILES_A_BLOCK, EVENTS_A_BLOCK, PICTURES_A_BLOCK, CHANGES_A_BLOCK = 4096, 200, 32, 1000
# After this many items of a kind that fit in no bundle, the others wait.
MOST_LEFT_OUT = 100
# The maximum number of blocks in a head.
MOST_BLOCKS = 2000
# The noun for a number of a topic.
ONE_OF = {ROWS: "row", GONE: "deleted row", EVENTS: "event", PICTURES: "thumbnail of row",
          CHANGES: "change of labels or path"}  # fmt: skip


@dataclass
class Bundled:
    """A bundle that was written: its file, its contents, and their sizes.

    letters: queries, answers, alerts and pieces of models, by kind. left_letters: the number
    without room. left_tiles, left_events: the numbers without room that were never sent. columns:
    bytes of tiles by column, each compressed by itself. left_out: a line for each damaged scene,
    and for each item that fits in no bundle of this size.
    """

    path: str
    bundle: str
    number: int
    bytes: int
    tiles: int = 0
    deleted: int = 0
    annotations: int = 0
    events: int = 0
    thumbnails: int = 0
    letters: list[str] = field(default_factory=list)
    left_letters: int = 0
    left_tiles: int = 0
    left_events: int = 0
    block_bytes: dict[str, int] = field(default_factory=dict)
    columns: dict[str, int] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)

    def document(self) -> dict[str, object]:
        """The result as plain values for JSON."""
        return dict(vars(self))


def pack_bundle(
    store: str | Path,
    peer: str,
    out: str | Path = ".",
    options: PackOptions | None = None,
    wait: bool = False,
) -> Bundled:
    """Write a bundle of the data of a store that a peer lacks, and record that it was sent.

    out: the bundle's file, or a folder, in which it gets a unique name; the folder must exist, or
    is made if the name does not end in ".shlb". The store must have a station name. After a kill at
    any instant, the contents of the bundle are sent again. Raises ConfigurationError on an invalid
    name or size, InputError when the file cannot be written, StoreError when the store cannot be
    written to.
    """
    options = options or PackOptions()
    check_station_name(peer)
    with CodeStore.open(store, writable=True, wait=wait) as opened:
        if opened.station is None:
            raise ConfigurationError(
                f"{opened.path}: the store has no station name; set one with: "
                f"scenehash store station NAME --store {opened.path}"
            )
        if opened.station == peer:
            raise ConfigurationError(f"{peer}: this store belongs to that station; give another")
        return _Packing(opened, peer, options).write(Path(out))


class _Made(NamedTuple):
    """The data of a block; for tiles also its column sizes, and a line for each damaged scene."""

    data: bytes
    sizes: Sizes | None = None
    damaged: Sequence[str] = ()


class _Packing:
    """One bundle in progress."""

    def __init__(self, store: CodeStore, peer: str, options: PackOptions) -> None:
        self._store, self._peer, self._options = store, peer, options
        self._sent = Sent.of(store.links.states.get("to", peer))
        self._blocks: list[Packed] = []
        self._carried: list[Carried] = []
        self._mark = codes_mark(store.lineage, store.bits)
        number, station = self._sent.number + 1, store.station or ""
        empty = head_bytes(store.uuid, station, peer, number, ())
        # Bytes of a bundle besides its blocks; their count takes one more than in an empty bundle.
        self._frame = PREFIX + len(empty) + len(sign(empty)) + 1
        self._result = Bundled("", "", number, 0)

    def write(self, out: Path) -> Bundled:
        """Fill the bundle, write it, and record it."""
        sent = self._sent
        is_folder = _is_folder(out, self._store.path)
        sent.begin(f"{self._store.lineage}-{self._store.bits}")
        for topic in (ROWS, GONE):
            sent.again(topic, Spans((first, last + 1) for first, last in self._options.again))
        again = self._options.again_events
        sent.again(EVENTS, Spans((first, last + 1) for first, last in again))
        self._fill()
        number, station = sent.number + 1, self._store.station
        assert station is not None
        head = head_bytes(self._store.uuid, station, self._peer, number, self._blocks)
        data = bundle_bytes(head, self._blocks, sign(head))
        path = out / bundle_name(parse_head(head)) if is_folder else out
        sent.note(number, self._carried, self._options.times)
        try:
            with atomic_path(path) as partial:
                partial.write_bytes(data)
                # A kill before the file has its name leaves a number without a bundle: it is lost
                # as others are on their way, and what was in it goes again.
                self._store.links.states.keep("to", self._peer, sent.state())
        except OSError as error:
            raise InputError(f"cannot be written ({error.strerror})", path) from error
        result = self._result
        result.path, result.bundle = path_text(path), parse_head(head).id
        result.number, result.bytes = number, len(data)
        return result

    def _fill(self) -> None:
        store = self._store
        options = self._options
        carries_all = not options.down and not options.letters_only
        own = own_scenes(store) if carries_all else []
        if carries_all:
            self._put(kinds.STATE, self._facts(own).block(), Carried())
        if not options.letters_only:
            for received in namesakes(store, self._peer):
                self._put(kinds.RECEIPT, receipt_for(store, received).block(), Carried())
        if carries_all:
            self._fill_urgent()
        letters = letters_for(store, self._peer, self._sent, options.down)
        for file in options.files:
            pieces = file_pieces(file)
            letters += [Letter(item, kinds.FILES, block) for item, block in pieces]
        self._fill_letters(letters)
        if carries_all:
            self._fill_up(own)
        self._fill_pictures()

    def _fill_letters(self, letters: Sequence[Letter]) -> None:
        waiting = {letter.item: letter for letter in letters}
        times = 1 if self._options.letters_only else self._options.times
        for item in self._sent.due_items(list(waiting), times):
            letter = waiting[item]
            if self._put(letter.kind, letter.block(), Carried(items=(item,))):
                self._result.letters.append(kinds.name(letter.kind))
            else:
                self._result.left_letters += 1

    def _fill_pictures(self) -> None:
        asked = pictures_asked(self._store, self._peer)
        found: dict[int, bytes] = {}

        def make(some: Spans) -> _Made:
            rows = [row for start, end in some for row in range(start, end)]
            found.update(self._store.thumbnails.of([row for row in rows if row not in found]))
            return _Made(put_thumbnails({row: found[row] for row in rows if row in found}))

        due_by_times = self._sent.due(PICTURES, asked, self._options.times)
        waits = self._options.letters_only or self._sent.has_receipts
        for due in due_by_times[:1] if waits else due_by_times:
            for some, _ in self._fill_with(kinds.THUMBNAILS, PICTURES, due, PICTURES_A_BLOCK, make):
                self._result.thumbnails += some.total()

    def _facts(self, own: Sequence[OwnScene]) -> Facts:
        store = self._store
        digests = (Entry(one.first_row, one.digest) for one in own)
        marks = (Entry(one.first_row, one.mark) for one in own)
        return Facts(
            store.lineage,
            store.bits,
            store.model,
            store.rows,
            tree_level(digests, store.rows, MOST_NODES),
            tree_level(marks, store.rows, MOST_ANNOTATION_NODES),
            store.outbox.oldest(),
            store.outbox.newest(),
        )

    def _due_events(self) -> list[Spans]:
        """Events to send that are not in this bundle, by how often they were sent."""
        due = self._sent.due(EVENTS, kept_events(self._store), self._options.times)
        return [self._not_carried(EVENTS, some) for some in due]

    def _fill_urgent(self) -> None:
        """Events of alerts that were never sent, before other data takes their room."""
        self._fill_events(self._due_events()[0], urgent_alone=True)

    def _fill_up(self, own: Sequence[OwnScene]) -> None:
        """Data for a ground store: first data that was never sent, the most urgent first, and so
        on.
        """
        store, sent, times = self._store, self._sent, self._options.times
        alive = living_rows(store)
        due = {
            EVENTS: self._due_events(),
            GONE: sent.due(GONE, deleted_rows(store), times),
            ROWS: sent.due(ROWS, alive, times),
        }
        changed = self._changed(own, alive)
        due[CHANGES] = sent.due(CHANGES, Spans((at, at + 1) for at in changed), times)
        for went in range(times):
            # With receipts, data under way waits for the next one; alerts do not.
            waits = went > 0 and sent.has_receipts
            self._fill_events(due[EVENTS][went], urgent_alone=waits)
            if not waits:
                self._fill_gone(due[GONE][went])
                self._fill_rows(due[ROWS][went])
                self._fill_annotations(due[CHANGES][went], changed)
        self._result.left_tiles = self._not_carried(ROWS, due[ROWS][0]).total()
        self._result.left_events = self._not_carried(EVENTS, due[EVENTS][0]).total()

    def _not_carried(self, topic: str, due: Spans) -> Spans:
        for one in self._carried:
            due = due - one.spans if one.topic == topic else due
        return due

    def _fill_events(self, due: Spans, urgent_alone: bool) -> None:
        found = {number: thin_event(body) for number, body in self._events(due)}
        urgent = [number for number, body in found.items() if is_urgent(body)]
        rest = [number for number in found if number not in set(urgent)]
        for numbers in (urgent, [] if urgent_alone else rest):

            def make(some: Spans, numbers: list[int] = numbers) -> _Made:
                return _Made(put_events([(at, found[at]) for at in numbers if at in some]))

            wanted = Spans((number, number + 1) for number in numbers)
            for some, _ in self._fill_with(kinds.EVENTS, EVENTS, wanted, EVENTS_A_BLOCK, make):
                self._result.events += some.total()

    def _events(self, due: Spans) -> Iterator[tuple[int, str]]:
        for start, end in due:
            at = start - 1
            while at + 1 < end and (some := self._store.outbox.events(at, EVENTS_A_BLOCK)):
                yield from ((number, body) for number, body in some if number < end)
                at = some[-1][0]

    def _fill_gone(self, due: Spans) -> None:
        def make(some: Spans) -> _Made:
            out = Writer()
            out.spans(some.pairs())
            return _Made(out.data())

        for some, _ in self._fill_with(kinds.GONE, GONE, due, 1 << 40, make):
            self._result.deleted += some.total()

    def _changed(self, own: Sequence[OwnScene], alive: Spans) -> dict[int, OwnScene]:
        """The scenes whose annotations have changed since their tiles were sent, by the change."""
        new = self._sent.never_went(ROWS, alive)
        changed = {one.change: one for one in own if one.change}
        # Unsent tiles carry their annotations.
        along = [change for change, one in changed.items() if one.first_row in new]
        self._sent.settle(CHANGES, Spans((change, change + 1) for change in along))
        return {change: changed[change] for change in changed.keys() - set(along)}

    def _fill_annotations(self, due: Spans, changed: Mapping[int, OwnScene]) -> None:
        def make(some: Spans) -> _Made:
            scenes = [changed[at] for start, end in some for at in range(start, end)]
            return _Made(put_annotations(list(annotated(self._store, scenes))))

        for some, _ in self._fill_with(kinds.ANNOTATIONS, CHANGES, due, CHANGES_A_BLOCK, make):
            self._result.annotations += some.total()

    def _fill_rows(self, due: Spans) -> None:
        def make(some: Spans) -> _Made:
            pieces, damaged = [], []
            ranges = Ranges.of(np.array([(a, b - a) for a, b in some], np.int64))
            for found in self._store.scenes_in(ranges):
                if isinstance(found, StoreDamagedError):
                    damaged.append(str(found))
                    continue
                record, codes = found
                own = span(record.first_row, record.first_row + record.tiles) & some
                pieces += [
                    piece_of(record, codes, start - record.first_row, end - record.first_row)
                    for start, end in own
                ]
            return _Made(*put_pieces(pieces, self._mark), damaged)

        for some, made in self._fill_with(kinds.PIECES, ROWS, due, TILES_A_BLOCK, make):
            result = self._result
            result.tiles += some.total()
            result.left_out += [one for one in made.damaged if one not in result.left_out]
            for name, size in made.sizes._asdict().items() if made.sizes else ():
                result.columns[name] = result.columns.get(name, 0) + size

    def _fill_with(
        self, kind: int, topic: str, due: Spans, most: int, make: Callable[[Spans], _Made]
    ) -> Iterator[tuple[Spans, _Made]]:
        """Put blocks of pending data as long as there is room; yields the contents of each.

        Items that fit in no bundle of this size are left out, and nothing waits for them.
        """
        each, left_out = 0.0, 0
        while due and len(self._blocks) < MOST_BLOCKS:
            room = self._room()
            count = min(due.total(), most)
            if room is not None and each:
                count = min(count, int(room / each))
            packed = None
            while count > 0:
                some = due.first(count)
                made = make(some)
                packed = pack_block(Block(kind, made.data))
                each = packed.cost / count
                over = len(made.data) / MOST_BLOCK
                if room is not None:
                    over = max(over, packed.cost / max(room, 1))
                if over <= 1:
                    break
                count = 0 if count == 1 else max(1, min(count - 1, int(0.98 * count / over)))
            if packed is None:
                return
            if count > 0:
                self._add(packed, Carried(topic, some))
                yield some, made
            elif self._fits(packed) or left_out == MOST_LEFT_OUT:
                return
            else:
                left_out, each = left_out + 1, 0.0
                what = f"{ONE_OF[topic]} {some.end() - 1}: needs {packed.cost:,} bytes"
                what += ": too large for --max-bytes"
                if what not in self._result.left_out:
                    self._result.left_out.append(what)
            due = due - some

    def _put(self, kind: int, data: bytes, carried: Carried) -> bool:
        """Put a block if there is room for it; returns whether there was."""
        packed = pack_block(Block(kind, data))
        room = self._room()
        is_small = len(data) <= MOST_BLOCK and len(self._blocks) < MOST_BLOCKS
        has_room = is_small and (room is None or packed.cost <= room)
        if has_room:
            self._add(packed, carried)
        return has_room

    def _add(self, packed: Packed, carried: Carried) -> None:
        self._blocks.append(packed)
        self._carried.append(carried)
        bytes_of, name = self._result.block_bytes, kinds.name(packed.entry.kind)
        bytes_of[name] = bytes_of.get(name, 0) + packed.cost

    def _fits(self, packed: Packed) -> bool:
        """Whether a block would fit in an empty bundle."""
        most = self._options.max_bytes
        is_small = packed.entry.size <= MOST_BLOCK
        return is_small and (most is None or packed.cost <= most - self._frame)

    def _room(self) -> int | None:
        """The number of bytes left; None: no limit."""
        if self._options.max_bytes is None:
            return None
        return self._options.max_bytes - self._frame - sum(block.cost for block in self._blocks)


def _is_folder(out: Path, store: Path) -> bool:
    """Whether a path is a folder, which is made if necessary, or a file; InputError when it cannot
    be written to.
    """
    try:
        if out.suffix != SUFFIX and not out.exists():
            check_output(out, outside=store)
            out.mkdir()
        is_folder = out.is_dir()
        check_output(out / "bundle" if is_folder else out, outside=store)
    except OSError as error:
        raise InputError(f"cannot be made ({error.strerror})", out) from error
    except InputError as error:
        raise InputError(error.reason, out) from error
    return is_folder
