"""A test of an alert on the tiles of a store: its matches, and those of another radius."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from scenehash.codes import nearest_hamming
from scenehash.errors import NotStoredError
from scenehash.store import Alert, CodeStore, Filter, Hit, SceneVectors

from .example_vectors import example_rows, vectors_in
from .judging import judge
from .match_counts import AlertTest, around_threshold, judge_tiles
from .radius_counts import RadiusCounts, around_radius
from .rule_fitting import Samples

TILES_AT_ONCE = 1 << 13
# Stored tiles on each side of a radius: a row of a contact sheet.
TILES_SHOWN = 13


def count_alert_matches(
    store: CodeStore, alert: str | Alert, label: str | None = None
) -> AlertTest:
    """Count the stored tiles that an alert matches, and the tiles that each radius would match.

    The first count leaves out the alert's own examples. For arguments and errors see
    count_by_radius.
    """
    found, true = _alert(store, alert), _labelled(store, label)
    by_radius = RadiusCounts.of(found, store.living(), true)
    rows = np.array(example_rows(store, found), np.int64)
    return judge_tiles(found, _tiles(store), rows, true, by_radius)


def count_by_radius(store: CodeStore, alert: str | Alert, label: str | None = None) -> RadiusCounts:
    """Count the stored tiles at each distance from an alert's examples, to propose a radius.

    alert: a name, or an alert that need not be stored. label: the scenes with this label are the
    true matches; it gives precision and recall. Raises NotStoredError when there is no such alert,
    or no scene with the label.
    """
    return RadiusCounts.of(_alert(store, alert), store.living(), _labelled(store, label))


class TileJudged(NamedTuple):
    """The judgement of a stored tile: bits to its nearest example, and whether it matches."""

    row: int
    scene: str
    distance: int
    matches: bool

    def document(self) -> dict[str, object]:
        """The judgement as plain values for JSON."""
        return self._asdict()


def judge_row(store: CodeStore, name: str, row: int) -> TileJudged:
    """The judgement of a stored tile by the present alert; NotStoredError as confirm_match."""
    alert, (code, tile) = store.alerts.get(name), store.stored_tile(row)
    matches = bool(judge(alert, code, vectors_in(store, row)).matches[0])
    distance = int(nearest_hamming(code, alert.examples)[0])
    return TileJudged(row, tile.scene, distance, matches)


class Border(NamedTuple):
    """Stored tiles that just match, the weakest match last, and tiles that just do not match."""

    within: list[Hit]
    beyond: list[Hit]


def border(
    store: CodeStore, alert: Alert, radius: int | None = None, most: int = TILES_SHOWN
) -> Border:
    """The stored tiles on both sides of a radius, at most this many on each side.

    None: on both sides of the threshold of the alert's rule, or of its radius if it has no rule.
    """
    if radius is None and alert.rule is not None and alert.is_fitted:
        within, beyond = around_threshold(alert, _tiles(store), most)
    else:
        chosen = alert.radius if radius is None else radius
        within, beyond = around_radius(alert, store.living(), chosen, most)
    return Border(_hits(within, store), _hits(beyond, store))


def _hits(found: Sequence[tuple[int, int]], store: CodeStore) -> list[Hit]:
    tiles = store.tiles([row for _, row in found])
    return [
        Hit(rank, distance, row, *tiles[row])
        for rank, (distance, row) in enumerate(found, start=1)
        if row in tiles
    ]


def _tiles(store: CodeStore) -> Iterator[tuple[npt.NDArray[np.int64], Samples]]:
    """All stored tiles, in parts: rows int64 [N], with representations and then without."""
    frame = store.vectors.frame
    for rows, codes in store.living():
        for start in range(0, len(rows), TILES_AT_ONCE):
            some = slice(start, start + TILES_AT_ONCE)
            own, part = rows[some], Samples(codes[some])
            if frame is None:
                yield own, part
                continue
            there, values = store.vectors.read(own)
            has = np.isin(own, there)
            yield own[has], Samples(part.codes[has], SceneVectors(frame, values))
            yield own[~has], part.part(~has)


def _alert(store: CodeStore, alert: str | Alert) -> Alert:
    return store.alerts.get(alert) if isinstance(alert, str) else alert


def _labelled(store: CodeStore, label: str | None) -> npt.NDArray[np.int64] | None:
    """The rows of scenes with a label, int64 [N]; NotStoredError if there is none.

    None: no label was given.
    """
    if label is None:
        return None
    parts = [rows for rows, _ in store.living(Filter(label=label))]
    rows = np.concatenate([np.zeros(0, np.int64), *parts])
    if not len(rows):
        raise NotStoredError(f"{store.path}: no stored scene has the label {label}")
    return rows
