"""A filter as a person gives it, and as a store can use it."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from scenehash.errors import NotStoredError, StoreError
from scenehash.files import path_text

from .catalog import Catalog
from .filters import Filter
from .records import seconds

# Labels, or scenes, that an error names.
NAMED = 10


def resolve(catalog: Catalog, where: Filter, store: str) -> Filter:
    """See StoreReader.resolve; store: its name in an error."""
    with catalog.database.snapshot():
        if where.station is not None:
            _check_station(catalog, where.station, store)
        if where.label is not None:
            _check_label(catalog, where.label, store)
        if where.since is not None or where.until is not None:
            _check_times(catalog, where, store)
        if where.on_places and not catalog.tiles.has_footprints():
            raise NotStoredError(f"{store}: no stored scene has a place on the Earth")
        if where.scene is None:
            return where
        return replace(where, scene=_path_of(catalog, where.scene, store))


def _check_station(catalog: Catalog, station: str, store: str) -> None:
    if station != catalog.station():
        own = catalog.station() or "a station without a name"
        raise NotStoredError(f"{store}: the store of {own}, and not of {station}")


def _check_label(catalog: Catalog, label: str, store: str) -> None:
    labels = catalog.scenes.labels()
    if not labels:
        raise NotStoredError(f"{store}: no stored scene has a label; see: scenehash store label")
    if label not in labels:
        more = ", ..." if len(labels) > NAMED else ""
        names = ", ".join(labels[:NAMED])
        raise NotStoredError(
            f"{store}: no stored scene has the label {label}; there are {names}{more}"
        )


def _check_times(catalog: Catalog, where: Filter, store: str) -> None:
    times = catalog.scenes.times()
    if times is None:
        raise NotStoredError(f"{store}: no stored scene has an acquisition time")
    first, last = times
    if where.since is not None and seconds(where.since) > last:
        raise NotStoredError(f"{store}: the last stored scene is of {_date(last)}, before --since")
    if where.until is not None and seconds(where.until) < first:
        raise NotStoredError(f"{store}: the first stored scene is of {_date(first)}, after --until")


def _date(time: float) -> str:
    return f"{datetime.fromtimestamp(time, UTC):%Y-%m-%d %H:%M:%SZ}"


def _path_of(catalog: Catalog, name: str, store: str) -> str:
    """The path of the scene of that path, or of a path that ends so."""
    name = path_text(name)
    for path in (name, path_text(Path(name).absolute())):
        if catalog.scenes.at_paths([path]):
            return path
    ending = "/" + name.removeprefix("./").lstrip("/")
    paths = catalog.scenes.paths_ending(ending, NAMED + 1)
    if not paths:
        raise NotStoredError(f"{store}: no stored scene has the path {name}, or one that ends so")
    if len(paths) > 1:
        more = ", ..." if len(paths) > NAMED else ""
        raise StoreError(
            f"{store}: several scenes end in {name}; name one of them: "
            f"{', '.join(paths[:NAMED])}{more}"
        )
    return paths[0]
