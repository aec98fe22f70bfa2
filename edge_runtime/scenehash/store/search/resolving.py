"""From a filter as a person gives it to a filter that a store can use."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from scenehash.errors import NotStoredError, StoreError
from scenehash.files import path_text

from ..catalog.catalog import Catalog
from ..links.scenes import linked_stations
from ..records import seconds, time_at
from .filters import Filter

# The maximum number of labels or scenes in an error.
NAMED = 10


class Known(Protocol):
    """The stored values that a filter may name."""

    def stations(self) -> Sequence[str]:
        """The names of the stations."""

    def labels(self) -> Sequence[str]:
        """All labels, by name."""

    def times(self) -> tuple[float, float] | None:
        """The first and the last acquisition time, in seconds; None if no scene has one."""

    def has_footprints(self) -> bool:
        """Whether any tile has a footprint."""

    def has_path(self, path: str) -> bool:
        """Whether a scene has a path."""

    def paths_ending(self, ending: str, most: int) -> list[str]:
        """The paths with this end, by name; at most this many."""


class InCatalog:
    """The values in a store's catalog."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self.labels, self.times = catalog.scenes.labels, catalog.scenes.times
        self.has_footprints = catalog.tiles.has_footprints
        self.paths_ending = catalog.scenes.paths_ending

    def stations(self) -> Sequence[str]:
        """See Known."""
        own = self._catalog.station()
        linked = linked_stations(self._catalog.database)
        return linked if own is None else [own, *linked]

    def has_path(self, path: str) -> bool:
        """See Known."""
        return bool(self._catalog.scenes.at_paths([path]))


def resolve(known: Known, where: Filter, store: str) -> Filter:
    """See StoreReader.resolve; store: its name in an error."""
    if where.station is not None and where.station not in known.stations():
        stations = ", ".join(known.stations()) or "a station without a name"
        raise NotStoredError(f"{store}: no tiles of station {where.station}; it has {stations}")
    if where.label is not None:
        _check_label(known.labels(), where.label, store)
    if where.since is not None or where.until is not None:
        _check_times(known.times(), where, store)
    if where.on_places and not known.has_footprints():
        raise NotStoredError(f"{store}: no stored scene is georeferenced")
    if where.scene is None:
        return where
    return replace(where, scene=_path_of(known, where.scene, store))


def _check_label(labels: Sequence[str], label: str, store: str) -> None:
    if not labels:
        raise NotStoredError(f"{store}: no stored scene has a label; see: scenehash store label")
    if label not in labels:
        more = ", ..." if len(labels) > NAMED else ""
        names = ", ".join(labels[:NAMED])
        raise NotStoredError(
            f"{store}: no stored scene has the label {label}; the labels are {names}{more}"
        )


def _check_times(times: tuple[float, float] | None, where: Filter, store: str) -> None:
    if times is None:
        raise NotStoredError(f"{store}: no stored scene has an acquisition time")
    first, last = times
    if where.since is not None and seconds(where.since) > last:
        raise NotStoredError(f"{store}: the newest scene is from {_date(last)}, before --since")
    if where.until is not None and seconds(where.until) < first:
        raise NotStoredError(f"{store}: the oldest scene is from {_date(first)}, after --until")


def _date(time: float) -> str:
    return f"{time_at(time):%Y-%m-%d %H:%M:%SZ}"


def _path_of(known: Known, name: str, store: str) -> str:
    """The path of the scene with this path, or with a path that ends in it."""
    name = path_text(name)
    for path in (name, path_text(Path(name).absolute())):
        if known.has_path(path):
            return path
    ending = "/" + name.removeprefix("./").lstrip("/")
    paths = known.paths_ending(ending, NAMED + 1)
    if not paths:
        raise NotStoredError(
            f"{store}: no stored scene has the path {name}, or a path ending in it"
        )
    if len(paths) > 1:
        more = ", ..." if len(paths) > NAMED else ""
        raise StoreError(
            f"{store}: several scenes end in {name}; name one of them: "
            f"{', '.join(paths[:NAMED])}{more}"
        )
    return paths[0]
