"""Lists of a store's contents: scenes by page, labels, and acquisition times."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from scenehash.geo import Box

from ..catalog.catalog import Catalog
from ..catalog.database import damaged_values
from ..catalog.scene_table import SCENES_DAMAGED, SceneEntry
from ..catalog.tile_table import Owned
from ..records import SceneFile, time_at
from ..rows import Ranges
from ..search.filters import Filter
from ..search.selection import holding, is_narrow, on_scenes, scenes_where
from ..search.snapshot import Snapshot

# With a filter on places that is not narrow, scenes are compared TOGETHER at a time, and at most
# MOST_COMPARED for one page: such a page may have fewer scenes than were asked for.
TOGETHER, MOST_COMPARED = 256, 20_000


@dataclass(frozen=True)
class ListedScene:
    """A scene in a list.

    number: its place in the list. content: the id of its content. time: its acquisition time in
    UTC. box: around its tiles, to a millionth of a degree; None if it is not georeferenced.
    """

    number: int
    content: str
    path: str
    time: datetime | None
    labels: tuple[str, ...]
    first_row: int
    tiles: int
    box: Box | None

    def document(self) -> dict[str, object]:
        """The scene as plain values for JSON."""
        return {
            "id": self.content,
            "path": self.path,
            "time": None if self.time is None else self.time.isoformat(),
            "labels": list(self.labels),
            "tiles": self.tiles,
            "rows": [self.first_row, self.first_row + self.tiles - 1],
            "bbox": self.box,
        }


@dataclass(frozen=True)
class ScenePage:
    """A page of a list of scenes. next: the start of the next page; None at the end."""

    scenes: tuple[ListedScene, ...]
    next: int | None


@dataclass(frozen=True)
class TimeHistogram:
    """The numbers of scenes by acquisition time in equal spans, from since to until, in UTC.

    without: the number of scenes without a time. since is None when no scene has one.
    """

    since: datetime | None
    until: datetime | None
    counts: tuple[int, ...]
    without: int

    def document(self) -> dict[str, object]:
        """The histogram as plain values for JSON."""
        if self.since is None or self.until is None:
            return {"since": None, "until": None, "bins": [], "without": self.without}
        span = (self.until - self.since) / max(1, len(self.counts))
        bins = [
            {"since": (self.since + number * span).isoformat(), "scenes": count}
            for number, count in enumerate(self.counts)
        ]
        return {
            "since": self.since.isoformat(),
            "until": self.until.isoformat(),
            "bins": bins,
            "without": self.without,
        }


def list_scenes(
    catalog: Catalog, snapshot: Snapshot, where: Filter, most: int, after: int | None, newest: bool
) -> ScenePage:
    """See StoreReader.list_scenes."""
    numbers, following = _numbers(catalog, where, most, after, newest)
    found = {entry.number: entry for entry in catalog.scenes.entries(numbers)}
    _check(snapshot, found.values())
    with damaged_values(SCENES_DAMAGED):
        scenes = tuple(_listed(catalog, found[number]) for number in numbers)
    return ScenePage(scenes, following)


def scene_file(catalog: Catalog, snapshot: Snapshot, content: str) -> SceneFile | None:
    """See StoreReader.scene_file."""
    number = catalog.scenes.find([content]).get(content)
    if number is None:
        return None
    _check(snapshot, catalog.scenes.entries([number]))
    return catalog.scenes.file_of(number)


def time_histogram(catalog: Catalog, bins: int, where: Filter) -> TimeHistogram:
    """See StoreReader.time_histogram."""
    condition, values = on_scenes(catalog, where)
    times = catalog.scenes.times(condition, values)
    without = catalog.scenes.count_without_time(condition, values)
    if times is None:
        return TimeHistogram(None, None, (), without)
    first, last = times
    counts = catalog.scenes.count_by_time(first, last, bins, condition, values)
    since, until = (time_at(time) for time in (first, last))
    return TimeHistogram(since, until, tuple(counts), without)


def _numbers(
    catalog: Catalog, where: Filter, most: int, after: int | None, newest: bool
) -> tuple[list[int], int | None]:
    """The numbers of a page's scenes, and the number after which the next page begins."""
    condition, values = on_scenes(catalog, where)
    if where.on_places and is_narrow(catalog, where):
        every = sorted(scenes_where(catalog, where), reverse=newest)
        left = [number for number in every if after is None or (number < after) is newest]
        left = [number for number in left if number != after]
        return left[:most], left[most - 1] if len(left) > most else None
    if not where.on_places:
        found = catalog.scenes.numbers_where(condition, values, after, newest, most + 1)
        return found[:most], found[most - 1] if len(found) > most else None
    page: list[int] = []
    for _ in range(MOST_COMPARED // TOGETHER):
        some = catalog.scenes.numbers_where(condition, values, after, newest, TOGETHER)
        for number in _there(catalog, some, where):
            page.append(number)
            if len(page) == most:
                return page, number
        if len(some) < TOGETHER:
            return page, None
        after = some[-1]
    return page, after


def _there(catalog: Catalog, scenes: Sequence[int], where: Filter) -> list[int]:
    """The scenes with a tile that meets the conditions on places."""
    found = catalog.scenes.entries(scenes)
    spans = {entry.number: (entry.first_row, entry.tiles) for entry in found}
    ranges = Ranges.of(sorted(spans.values()))
    rows = np.sort(holding(catalog, where, ranges.expanded()))
    return [
        number
        for number in scenes
        for first, tiles in [spans[number]]
        if np.searchsorted(rows, first) < np.searchsorted(rows, first + tiles)
    ]


def _listed(catalog: Catalog, entry: SceneEntry) -> ListedScene:
    return ListedScene(
        entry.number,
        entry.content.hex(),
        entry.path,
        None if entry.time is None else time_at(entry.time),
        entry.labels,
        entry.first_row,
        entry.tiles,
        catalog.tiles.box_around(entry.first_row, entry.tiles),
    )


def _check(snapshot: Snapshot, entries: Iterable[SceneEntry]) -> None:
    snapshot.check(Owned(entry.first_row, entry.number, entry.checksum) for entry in entries)
