"""The answer of a store to a question of a peer."""

from typing import NamedTuple

import numpy as np

from scenehash.alerts.judging import judge
from scenehash.errors import NotStoredError
from scenehash.store import CodeStore, Filter, SceneVectors, SearchRequest
from scenehash.store.rows import Rows

from .questions import STEPS, Answer, Found, Question

# Tiles per judgement step.
AT_ONCE = 1 << 13


class Answered(NamedTuple):
    """An answer, and the rows for which small pictures are wanted."""

    answer: Answer
    pictured: list[int]


def answer_question(store: CodeStore, question: Question) -> Answered:
    """Search a store, or judge its tiles by an alert; a filter without matching tiles gives no
    hits.
    """
    if question.rows is not None:
        rows = [row for start, end in question.rows.first(1000) for row in range(start, end)]
        return Answered(Answer(question.number, 0, ()), rows)
    try:
        where = None if question.where is None else store.resolve(question.where)
        found = _judged(store, question, where) if question.alert else _searched(
            store, question, where
        )  # fmt: skip
    except NotStoredError:
        found = []
    hits = _found(store, found)
    pictured = [hit.row for hit in hits] if question.thumbnails else []
    return Answered(Answer(question.number, len(store), tuple(hits)), pictured)


Near = tuple[int, int, float | None]


def _searched(store: CodeStore, question: Question, where: Filter | None) -> list[Near]:
    unlike = question.unlike if len(question.unlike) else None
    request = SearchRequest(question.codes, question.k, question.radius, where, unlike)
    hits, _ = store.search_any(request)
    return [(hit.row, hit.distance, None) for hit in hits]


def _judged(store: CodeStore, question: Question, where: Filter | None) -> list[Near]:
    """The tiles that match an alert: those of the highest score first, or the nearest."""
    alert = question.alert
    assert alert is not None
    found: list[Near] = []
    for rows, codes in store.living(where):
        for start in range(0, len(rows), AT_ONCE):
            some, own = rows[start : start + AT_ONCE], codes[start : start + AT_ONCE]
            vectors = _vectors(store, some) if alert.rule is not None else None
            judged = judge(alert, own, vectors)
            for at in np.flatnonzero(judged.matches).tolist():
                score = None if judged.scores is None else float(judged.scores[at])
                found.append((int(some[at]), int(judged.distances[at]), score))
            found.sort(key=lambda one: (-(one[2] or 0), one[1], one[0]))
            del found[question.k :]
    return found


def _vectors(store: CodeStore, rows: Rows) -> SceneVectors | None:
    frame = store.vectors.frame
    there, values = store.vectors.read(rows)
    whole = frame is not None and len(there) == len(rows)
    return SceneVectors(frame, values) if whole and frame is not None else None


def _found(store: CodeStore, near: list[Near]) -> list[Found]:
    tiles, hits = store.tiles([row for row, _, _ in near]), []
    for row, distance, score in near:
        if row not in tiles:
            continue
        tile, place = tiles[row], None
        if tile.footprint is not None:
            place = np.rint(np.array(tile.footprint) * STEPS).astype(np.int64)
        content = bytes.fromhex(store.content_of(row))
        time = None if tile.time is None else tile.time.timestamp()
        hits.append(Found(row, distance, score, content, tile.scene, tile.window, time, place))
    return hits
