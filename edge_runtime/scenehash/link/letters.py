"""The items besides tiles and events: queries, answers, pictures, alerts, judgements.

Each is a block of its own, which is sent until it is acknowledged or was sent often enough.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from scenehash.errors import BundleError, ConfigurationError, NotStoredError
from scenehash.store import Alert, CodeStore
from scenehash.store.records import digest

from . import kinds
from .alert_code import put_alert, take_alert
from .answering import answer_question
from .limits import MOST_ROWS
from .pieces import codes_mark
from .questions import Answer, Question
from .received import Received, namesakes
from .sent import BEFORE, PICTURES, Sent
from .spans import Spans
from .wire import Reader, Writer

# The maximum number of questions of one peer.
MOST_QUESTIONS = 100
# The sides of a small picture, in pixels, and its bytes.
MOST_SIDE, MOST_PICTURE = 256, 1 << 16
# Sources of examples that name a row of this store.
ROW_SOURCE = "row:"


class Letter(NamedTuple):
    """An item to send: its name, its kind, and a function that makes its block."""

    item: str
    kind: int
    block: Callable[[], bytes]


def letters_for(store: CodeStore, peer: str, sent: Sent, down: bool) -> list[Letter]:
    """All items for a peer; the sender skips those that it has already sent.

    down: with alerts, too.
    """
    letters = [*_questions(store, peer), *_answers(store, peer, sent)]
    letters += _watch_list(store, sent) if down else _judgements(store, peer)
    return letters


def open_question(store: CodeStore, peer: str, question: Question) -> int:
    """Store a question to a peer until its answer arrives; returns its number.

    Raises ConfigurationError when no peer would take it.
    """
    state, mark = store.links.states.get("questions", peer), codes_mark(store.lineage, store.bits)
    number = int(state.get("last", 0)) + 1
    block = replace(question, number=number).block(mark)
    try:
        Question.of_block(block, mark, store.bits)
    except BundleError as error:
        raise ConfigurationError(f"no peer takes such a query: {error}") from error
    waiting = state.get("open", {}) | {str(number): block.hex()}
    kept = dict(sorted(waiting.items(), key=lambda one: int(one[0]))[-MOST_QUESTIONS:])
    store.links.states.keep("questions", peer, {"last": number, "open": kept})
    return number


def note_question(store: CodeStore, received: Received, data: bytes) -> None:
    """Store a question of a peer, to be answered by the next bundle for it."""
    mark = codes_mark(store.lineage, store.bits)
    question = Question.of_block(data, mark, store.bits)
    state = store.links.states.get("asked", received.store)
    waiting = state.get("open", {}) | {str(question.number): data.hex()}
    kept = dict(sorted(waiting.items(), key=lambda one: int(one[0]))[-MOST_QUESTIONS:])
    store.links.states.keep("asked", received.store, state | {"name": received.name, "open": kept})


def take_answer(store: CodeStore, received: Received, data: bytes) -> dict[str, Any] | None:
    """Record an answer as an event, and return it; None for a repeated answer."""
    answer = Answer.of_block(data)
    state = store.links.states.get("questions", received.name)
    if str(answer.number) not in state.get("open", {}):
        return None
    del state["open"][str(answer.number)]
    store.links.states.keep("questions", received.name, state)
    document: dict[str, Any] = {
        "kind": "answer",
        "at": datetime.now(UTC).isoformat(),
        "station": received.name,
        "question": answer.number,
        "scene": f"{received.name}:{answer.hits[0].path}" if answer.hits else None,
        "searched": answer.searched,
        "hits": [hit.document(received.name) for hit in answer.hits],
    }
    store.outbox.note([json.dumps(document)])
    return document


def pictures_asked(store: CodeStore, peer: str) -> Spans:
    """The rows for which a peer wants small pictures, from its answered questions."""
    rows = Spans()
    for other in store.links.states.peers("asked"):
        state = store.links.states.get("asked", other)
        if state.get("name") == peer:
            rows |= Spans(state.get("pictures", []))
    return rows


def check_picture(row: int, picture: bytes) -> None:
    """Raise BundleError when a picture is not a small JPEG."""
    import simplejpeg

    try:
        height, width, *_ = simplejpeg.decode_jpeg_header(picture[:MOST_PICTURE])
    except ValueError as error:
        raise BundleError(f"the picture of row {row} is not a JPEG") from error
    if len(picture) > MOST_PICTURE or not 0 < max(height, width) <= MOST_SIDE:
        raise BundleError(f"the picture of row {row} is too large")


def place_pictures(store: CodeStore, station: str) -> None:
    """Store waiting small pictures as thumbnails of tiles that have arrived."""
    waiting = store.links.waiting.pictures(station)
    placed = []
    for row in waiting:
        for scene in store.links.scenes.of_store(station, row, row + 1):
            record = store.find_scene(scene.content.hex()) if scene.is_same else None
            if record is not None:
                if not store.thumbnails.kept:
                    store.keep_thumbnails()
                own: list[bytes | None] = [None] * record.tiles
                own[row - scene.first_row] = waiting[row]
                store.thumbnails.put([record], [own])
                placed.append(row)
    if placed:
        store.links.waiting.forget_pictures(station, placed)


def take_watched(store: CodeStore, received: Received, number: int, data: bytes) -> bool:
    """Add, change or remove an alert of a peer; returns whether anything changed.

    Examples that were confirmed or rejected here stay. Raises BundleError when this store has an
    own alert with that name.
    """
    found = Reader(data)
    is_there = found.byte()
    alert = take_alert(found, store.bits) if is_there else None
    name = found.text() if alert is None else alert.name
    found.done()
    if number <= received.alerts.get(name, 0):
        return False
    here = {one.name: one for one in store.alerts.list()}
    if name in here and name not in {*received.alerts, *_alerts_of(store, received.name)}:
        raise BundleError(
            f"alert {name}: an alert of that name exists here; remove it, or rename one"
        )
    received.alerts[name] = number
    if alert is None:
        if name in here:
            store.alerts.remove(name)
        return name in here
    if name in here:
        for is_match, source, code in _judged_here(here[name]):
            known = alert.examples if is_match else alert.negatives
            # The peer's list already has the judgements that the peer knows.
            if not (known == code).all(axis=1).any():
                alert = alert.judged(code, source, is_match)
    store.alerts.add(alert, replace=True)
    return True


def take_judgement(store: CodeStore, station: str, data: bytes) -> None:
    """Apply a station's confirmed or rejected match of an alert; BundleError.

    If the tile has arrived, its row here becomes the example; otherwise its code does.
    """
    from scenehash.alerts.changing import confirm_match, reject_match

    found = Reader(data)
    name, is_match, row = found.text(), bool(found.byte()), found.number(MOST_ROWS)
    code = np.frombuffer(found.raw(store.bits // 8), np.uint8)
    found.done()
    try:
        alert = store.alerts.get(name)
        here = row_here(store, station, row)
        if here is None:
            judged = alert.judged(code, f"code:{code.tobytes().hex()}", is_match)
            store.alerts.add(judged, replace=True)
        else:
            (confirm_match if is_match else reject_match)(store, name, here)
    except NotStoredError as error:
        raise BundleError(str(error)) from error


def row_here(store: CodeStore, station: str, row: int) -> int | None:
    """The row in this store of a tile of a station; None if it has not arrived."""
    for scene in store.links.scenes.of_store(station, row, row + 1):
        record = store.find_scene(scene.content.hex()) if scene.is_same else None
        if record is not None:
            return record.first_row + row - scene.first_row
    return None


def _questions(store: CodeStore, peer: str) -> Iterator[Letter]:
    waiting = store.links.states.get("questions", peer).get("open", {})
    for number, block in waiting.items():
        yield Letter(f"question:{number}", kinds.QUESTIONS, partial(bytes.fromhex, block))


def _answers(store: CodeStore, peer: str, sent: Sent) -> Iterator[Letter]:
    mark = codes_mark(store.lineage, store.bits)
    for other in store.links.states.peers("asked"):
        state = store.links.states.get("asked", other)
        if state.get("name") != peer:
            continue
        for number, block in state.get("open", {}).items():
            try:
                question = Question.of_block(bytes.fromhex(block), mark, store.bits)
            except BundleError:
                # This store has changed to another model since: its codes are no answer.
                continue
            item = f"answer:{other}:{number}"
            is_first = not sent.went(item)
            make = partial(_answered, store, other, question, sent, is_first)
            yield Letter(item, kinds.ANSWERS, make)


def _answered(
    store: CodeStore, asker: str, question: Question, sent: Sent, is_first: bool
) -> bytes:
    """The answer to a question as a block; also records the requested pictures.

    Pictures that were sent before are sent again, once for each question.
    """
    answer, rows = answer_question(store, question)
    if rows and is_first:
        wanted = Spans((row, row + 1) for row in rows)
        sent.again(PICTURES, wanted)
        state: dict[str, Any] = store.links.states.get("asked", asker)
        asked = Spans(state.get("pictures", [])) | wanted
        store.links.states.keep("asked", asker, state | {"pictures": asked.pairs()})
    return answer.block()


def _watch_list(store: CodeStore, sent: Sent) -> list[Letter]:
    letters, names = [], set()
    for alert in store.alerts.list():
        names.add(alert.name)
        item = f"alert:{alert.name}:{_version(alert)}"
        letters.append(Letter(item, kinds.ALERTS, partial(_watched, alert)))
    items = [item.removeprefix(BEFORE).split(":") for item in sent.items]
    for _, *name, version in (words for words in items if words[0] == "alert"):
        if ":".join(name) not in names:
            item = f"removed:{':'.join(name)}:{version}"
            letters.append(Letter(item, kinds.ALERTS, partial(_removed, ":".join(name))))
    return letters


def _version(alert: Alert) -> str:
    """A value that changes with an alert or its rule."""
    return digest(_watched(alert)).hex()


def _watched(alert: Alert) -> bytes:
    out = Writer()
    out.byte(1)
    put_alert(out, alert)
    return out.data()


def _removed(name: str) -> bytes:
    out = Writer()
    out.byte(0)
    out.text(name)
    return out.data()


def _judgements(store: CodeStore, peer: str) -> Iterator[Letter]:
    """Tiles that were confirmed or rejected here, for alerts from the peer."""
    watched = _alerts_of(store, peer)
    for alert in store.alerts.list():
        for is_match, source, code in _judged_here(alert) if alert.name in watched else ():
            row = int(source.removeprefix(ROW_SOURCE))

            item = f"judged:{alert.name}:{row}:{int(is_match)}"
            make = partial(_judgement, alert.name, is_match, row, code.tobytes())
            yield Letter(item, kinds.JUDGEMENTS, make)


def _alerts_of(store: CodeStore, peer: str) -> set[str]:
    return {name for received in namesakes(store, peer) for name in received.alerts}


def _judgement(name: str, is_match: bool, row: int, code: bytes) -> bytes:
    out = Writer()
    out.text(name)
    out.byte(is_match)
    out.number(row)
    out.raw(code)
    return out.data()


def _judged_here(alert: Alert) -> Iterator[tuple[bool, str, Any]]:
    """Whether a match, the source and the code of each example that is a row of this store."""
    codes = zip(alert.sources, (*alert.examples, *alert.negatives), strict=True)
    for at, (source, code) in enumerate(codes):
        if source.startswith(ROW_SOURCE) and source.removeprefix(ROW_SOURCE).isdigit():
            yield at < len(alert.examples), source, code
