"""scenehash link apply: bundles into a store, each block in one transaction, in any order."""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scenehash.errors import BundleError, ConfigurationError, InputError, LineageError
from scenehash.files import path_text
from scenehash.progress import SILENT, Progress
from scenehash.store import CodeStore
from scenehash.store.catalog.catalog import is_vacant
from scenehash.store.files.folder import CATALOG

from . import kinds
from .annotations import take_annotations
from .bundle import Block, Head, read_bundle
from .events import station_event, take_events
from .facts import Facts, Receipt
from .letters import (
    check_picture,
    note_question,
    place_pictures,
    take_answer,
    take_judgement,
    take_watched,
)
from .limits import MOST_ROWS
from .model_files import take_piece
from .own import change_again
from .pieces import take_pieces
from .questions import take_thumbnails
from .received import Received, namesakes
from .sent import CHANGES, Sent
from .spans import Spans, span
from .station_scenes import StationScenes
from .wire import Reader

# Events per step.
EVENTS_AT_ONCE = 1000


@dataclass
class Applied:
    """The result for one bundle: the numbers of its new items.

    blocks: the number of its blocks. cut: the number of missing blocks. repeated: the number of
    blocks that had been applied before. pieces: the number of pieces of models. files: models that
    are now complete. answers: answers to queries. set_aside: reasons for items that could not be
    applied.
    """

    bundle: str
    station: str = ""
    number: int = 0
    bytes: int = 0
    blocks: int = 0
    cut: int = 0
    repeated: int = 0
    scenes: int = 0
    tiles: int = 0
    deleted: int = 0
    annotations: int = 0
    events: int = 0
    thumbnails: int = 0
    alerts: int = 0
    judgements: int = 0
    questions: int = 0
    pieces: int = 0
    files: list[str] = field(default_factory=list)
    answers: list[dict[str, Any]] = field(default_factory=list)
    set_aside: list[str] = field(default_factory=list)

    def document(self) -> dict[str, object]:
        """The result as plain values for JSON."""
        return dict(vars(self))


def apply_bundles(
    bundles: Sequence[str | Path],
    store: str | Path,
    wait: bool = False,
    progress: Progress = SILENT,
) -> list[Applied]:
    """Apply bundles to a store; returns the result for each. Makes the store if it does not exist.

    Bundles may come in any order, twice, or cut: blocks that were applied before are skipped, and
    the complete blocks of a cut bundle are applied. A store without a name gets its name from the
    first bundle that is applied; until then, a bundle with other codes than the store's is set
    aside as a whole. Each block is durable before the next one begins: after a kill at any instant,
    apply the same bundles again. An item that cannot be applied is set aside with the reason, and
    the others are applied. Raises StoreError when the store cannot be written to.
    """
    done = []
    with progress.task("apply", len(bundles)) as task:
        for bundle in bundles:
            applied = Applied(path_text(bundle))
            try:
                _apply(Path(bundle), Path(store), wait, applied)
            except (BundleError, InputError) as error:
                applied.set_aside.append(str(error))
            done.append(applied)
            task.advance(1)
    return done


def _apply(path: Path, folder: Path, wait: bool, applied: Applied) -> None:
    head, blocks = read_bundle(path)
    applied.station, applied.number, applied.blocks = head.sender, head.number, len(head.blocks)
    applied.bytes = path.stat().st_size
    come = 0
    with contextlib.ExitStack() as stack:
        store = None
        for position, block in blocks:
            come += 1
            if store is None:
                store = stack.enter_context(_opened(folder, path, block, wait))
                _check_addressee(store, head, path, block)
            try:
                _Application(store, head, applied).apply(position, block)
            except (BundleError, LineageError, ConfigurationError) as error:
                applied.set_aside.append(f"{path_text(path)}: {kinds.name(block.kind)}: {error}")
    applied.cut = len(head.blocks) - come


def _opened(folder: Path, path: Path, first: Block, wait: bool) -> CodeStore:
    """The store; if there is none, a new store for the codes of the bundle's first block."""
    if not is_vacant(folder / CATALOG):
        return CodeStore.open(folder, writable=True, wait=wait)
    if first.kind != kinds.STATE:
        raise BundleError(
            f"{path_text(path)}: there is no store at {path_text(folder)}, and the bundle does not "
            "say whose codes it would hold; apply a bundle with tiles first, and this one again"
        )
    facts = Facts.of_block(first.data)
    return CodeStore.open_or_create(folder, facts.lineage, facts.bits, facts.model, wait)


def _check_addressee(store: CodeStore, head: Head, path: Path, first: Block) -> None:
    """Check that a bundle is for a store; a store without a name gets it from the first fitting
    bundle.
    """
    name = f"{path_text(path)}: {head.sender}-{head.number}"
    if store.uuid == head.store:
        raise BundleError(f"{name}: this store made the bundle")
    if store.station is None:
        _check_codes(store, name, first)
        store.name_station(head.addressee)
    elif store.station != head.addressee:
        raise BundleError(
            f"{name}: the bundle is for {head.addressee}, not for this store's {store.station}"
        )


def _check_codes(store: CodeStore, name: str, first: Block) -> None:
    """Check that a bundle has a store's kind of codes; BundleError, before any change."""
    if first.kind != kinds.STATE:
        return
    facts = Facts.of_block(first.data)
    if (facts.lineage, facts.bits) != (store.lineage, store.bits):
        raise BundleError(
            f"{name}: its codes have another model or width than this store's; nothing was "
            "applied. Apply it to another store, or, if this is the station's own store, name the "
            "station first: scenehash store station NAME"
        )


class _Application:
    """One bundle's blocks, applied to a store."""

    def __init__(self, store: CodeStore, head: Head, applied: Applied) -> None:
        self._store, self._head, self._applied = store, head, applied

    def apply(self, position: int, block: Block) -> None:
        """Apply a block, unless it was applied before."""
        store, head = self._store, self._head
        takers: dict[int, Callable[[Received, bytes], None]] = {
            kinds.STATE: self._take_facts,
            kinds.RECEIPT: self._take_receipt,
            kinds.EVENTS: self._take_events,
            kinds.GONE: self._take_gone,
            kinds.PIECES: self._take_pieces,
            kinds.THUMBNAILS: self._take_thumbnails,
            kinds.ALERTS: self._take_alert,
            kinds.JUDGEMENTS: self._take_judgement,
            kinds.QUESTIONS: self._take_question,
            kinds.ANSWERS: self._take_answer,
            kinds.FILES: self._take_file,
            kinds.ANNOTATIONS: self._take_annotations,
        }
        with store.transaction():
            known = store.links.states.get("from", head.store)
            received = Received.of(head.store, known)
            if received.contradicts(head.number, head.id):
                received.begin_anew()
                store.links.forget_numbers(head.store)
                self._send_again()
            elif not known and namesakes(store, head.sender):
                self._send_again()
            if received.has(head.number, position):
                self._applied.repeated += 1
                return
            if block.kind not in takers:
                raise BundleError("update scenehash, which does not know such blocks yet")
            if head.number >= received.newest and received.name != head.sender:
                self._scenes(received).rename(head.sender)
            received.newest = max(received.newest, head.number)
            takers[block.kind](received, block.data)
            received.note(head.number, head.id, position, len(head.blocks))
            store.links.states.keep("from", head.store, received.state())

    def _send_again(self) -> None:
        states, peer = self._store.links.states, self._head.sender
        sent = Sent.of(states.get("to", peer))
        sent.begin_again()
        states.keep("to", peer, sent.state())

    def _take_facts(self, received: Received, data: bytes) -> None:
        facts = Facts.of_block(data)
        if self._head.number > received.facts_of:
            received.facts_of, received.facts = self._head.number, facts

    def _take_receipt(self, received: Received, data: bytes) -> None:
        receipt = Receipt.of_block(data)
        if receipt.store != self._store.uuid or self._head.number <= received.heard:
            return
        received.heard = self._head.number
        sent = Sent.of(self._store.links.states.get("to", self._head.sender))
        sent.take(receipt)
        own = self._store.links.own.all()
        changes = Spans((one.change, one.change + 1) for one in own if one.change)
        if receipt.annotations and not changes - sent.settled.get(CHANGES, Spans()):
            # No bundle under way can replace it.
            change_again(self._store, receipt.annotations)
        self._store.links.states.keep("to", self._head.sender, sent.state())

    def _take_events(self, received: Received, data: bytes) -> None:
        fresh = []
        for number, body in take_events(data):
            if number not in received.events:
                received.events |= span(number, number + 1)
                fresh.append((number, station_event(self._head.sender, number, body)))
        here = self._here({event for number, event in fresh if number in received.events_before})
        new = [event for _, event in fresh if event not in here]
        self._store.outbox.note(new)
        self._applied.events += len(new)

    def _here(self, events: set[str]) -> set[str]:
        """Those of some events that this store has."""
        found, at = set[str](), 0
        while events and (some := self._store.outbox.events(at, EVENTS_AT_ONCE)):
            found |= events.intersection(body for _, body in some)
            at = some[-1][0]
        return found

    def _take_gone(self, received: Received, data: bytes) -> None:
        found = Reader(data)
        fresh = Spans(found.spans(MOST_ROWS)) - received.gone
        found.done()
        received.gone |= fresh
        self._applied.deleted += self._scenes(received).remove(fresh)

    def _take_pieces(self, received: Received, data: bytes) -> None:
        pieces = take_pieces(data, self._store.lineage, self._store.bits)
        added = self._scenes(received).add(pieces)
        self._applied.scenes += len(added)
        self._applied.tiles += sum(len(scene.codes) for scene in added)
        place_pictures(self._store, received.store)

    def _take_annotations(self, received: Received, data: bytes) -> None:
        self._applied.annotations += self._scenes(received).annotate(take_annotations(data))

    def _scenes(self, received: Received) -> StationScenes:
        return StationScenes(self._store, received, self._head.number)

    def _take_thumbnails(self, received: Received, data: bytes) -> None:
        pictures = take_thumbnails(data)
        for row, picture in pictures.items():
            check_picture(row, picture)
        self._store.links.waiting.put_pictures(received.store, pictures)
        self._applied.thumbnails += len(pictures)
        place_pictures(self._store, received.store)

    def _take_alert(self, received: Received, data: bytes) -> None:
        if take_watched(self._store, received, self._head.number, data):
            self._applied.alerts += 1

    def _take_judgement(self, received: Received, data: bytes) -> None:
        take_judgement(self._store, received.store, data)
        self._applied.judgements += 1

    def _take_question(self, received: Received, data: bytes) -> None:
        note_question(self._store, received, data)
        self._applied.questions += 1

    def _take_answer(self, received: Received, data: bytes) -> None:
        document = take_answer(self._store, received, data)
        if document is not None:
            self._applied.answers.append(document)

    def _take_file(self, received: Received, data: bytes) -> None:
        path = take_piece(self._store, received.store, data)
        self._applied.pieces += 1
        if path is not None:
            self._applied.files.append(path_text(path))
