"""scenehash.push: the tiles of a store, copied to an engine, and what has changed of them since.

What an engine has of a scene is compared by its number and its checksum with what the store has.
So a push may be interrupted at any instant, and given again: it goes on where it stopped, and
changes nothing when there is nothing to change.
"""

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

from scenehash.errors import (
    ConfigurationError,
    EngineError,
    EngineUnreachableError,
    LineageError,
    StoreDamagedError,
)
from scenehash.progress import SILENT, Progress
from scenehash.store import CodeStore

from .backend import Backend
from .engine_store import HEAD, Head, Station, connect, stations_key
from .tiles import ROWS, EngineTiles, SceneMark, station_number, tiles_of

# Tiles that are put together: what a request of Milvus has room for.
TILES_AT_ONCE = 4096
SCENES_AT_ONCE = 1000
# Seconds that an engine which does not answer is waited for, and between two tries.
PATIENCE = 600.0
FIRST_WAIT, LONGEST_WAIT = 1.0, 15.0

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class PushReport:
    """What a push has done.

    scenes, tiles: how many the engine has of the station now. set_aside: a line for each scene that
    is damaged in the store, and was left as it is in the engine.
    """

    store: Path
    to: str
    station: str
    scenes: int
    tiles: int
    scenes_pushed: int
    tiles_pushed: int
    scenes_removed: int
    set_aside: tuple[str, ...] = ()

    def document(self) -> dict[str, object]:
        """The same as plain values, as JSON has them."""
        return {**vars(self), "store": str(self.store), "set_aside": list(self.set_aside)}


def push(
    store: CodeStore | str | Path,
    to: str,
    *,
    patience: float = PATIENCE,
    progress: Progress = SILENT,
) -> PushReport:
    """Bring the tiles of a store to an engine, so that it has these of the station and no others.

    store: an open store, or its folder; it has the name of its station. to: a collection, which is
    made where it is not there: milvus://HOST:PORT/COLLECTION, milvus:///PATH/FILE.db/COLLECTION or
    pg://USER@HOST:PORT/DATABASE/COLLECTION. Scenes that were deleted go, and those that have
    changed are put anew. After a change of the store's model its codes are brought beside the old
    ones, which are searched until all new ones are there. patience: seconds that an engine which
    does not answer is waited for.

    Raises ConfigurationError when the store has no station's name, or the address makes no sense;
    LineageError when other stations have codes of another lineage or width in the collection;
    EngineError; MissingExtraError without the engine's client.
    """
    with contextlib.ExitStack() as stack:
        if not isinstance(store, CodeStore):
            store = stack.enter_context(CodeStore.open(store))
        if store.station is None:
            raise ConfigurationError(
                f"{store.path}: the store has no station's name, by which its tiles are known in "
                f"an engine; give it one: scenehash store station NAME --store {store.path}"
            )
        patient = _Patient(patience, progress)
        backend = patient.ask(lambda: connect(to))
        stack.callback(backend.close)
        return _Push(store, to, store.station, backend, patient, progress).run()


@dataclass
class _Patient:
    """Asks again while an engine does not answer: all that is asked may be asked twice."""

    patience: float
    progress: Progress

    def ask(self, ask: Callable[[], Answer]) -> Answer:
        wait, until = FIRST_WAIT, time.monotonic() + self.patience
        while True:
            try:
                return ask()
            except EngineUnreachableError as error:
                left = until - time.monotonic()
                if left <= 0:
                    raise
                self.progress.message(f"{error}: waiting {wait:.0f} s ({left:,.0f} s left)")
                time.sleep(min(wait, left))
                wait = min(2 * wait, LONGEST_WAIT)


@dataclass
class _Push:
    store: CodeStore
    to: str
    name: str
    backend: Backend
    patient: _Patient
    progress: Progress
    set_aside: list[str] = field(default_factory=list)

    def run(self) -> PushReport:
        own = Head(self.store.lineage, self.store.bits, self.store.model)
        current = self._current(own)
        self.patient.ask(lambda: self.backend.make(own.shelf, own.bits))
        if current is None:
            self.patient.ask(lambda: self.backend.write(HEAD, own.document()))
        station = self._station(own.shelf)
        self._write(own.shelf, station)

        here = {
            mark.first: mark
            for mark in (
                SceneMark(station.number * ROWS + scene.first_row, scene.tiles, scene.seal)
                for scene in self.store.scene_marks()
            )
        }
        there = self.patient.ask(
            lambda: list(self.backend.marks(own.shelf, station.number, self.store.rows))
        )
        gone = [mark for mark in there if not _same_rows(here.get(mark.first), mark)]
        known = {mark for mark in there if here.get(mark.first) == mark}
        fresh = [mark for mark in here.values() if mark not in known]
        removed = self._remove(own.shelf, gone)
        scenes, tiles = self._put(own.shelf, station.number, fresh)

        self._write(own.shelf, station)
        if current is not None and current.shelf != own.shelf:
            self._turn(current, own)
        self.patient.ask(lambda: self.backend.settle(own.shelf))
        return PushReport(
            self.store.path,
            self.to,
            self.name,
            len(here),
            sum(mark.tiles for mark in here.values()),
            scenes,
            tiles,
            removed,
            tuple(self.set_aside),
        )

    def _current(self, own: Head) -> Head | None:
        """Whose codes the collection has; LineageError when other stations need them."""
        found = self.patient.ask(lambda: self.backend.read(HEAD))
        if found is None:
            return None
        current = Head.of(found, self.to)
        if current.shelf == own.shelf:
            return current
        stations = self.patient.ask(
            lambda: self.backend.documents(stations_key(current.shelf))
        ).values()
        others = sorted(str(one["name"]) for one in stations if one["name"] != self.name)
        if others:
            raise LineageError(
                f"{self.to}: holds {current.bits}-bit codes of model {current.model} (lineage "
                f"{current.lineage}) of stations {', '.join(others)}, not {own.bits}-bit codes of "
                f"lineage {own.lineage}; push to another collection, and these stations too, once "
                "their stores have that model"
            )
        return current

    def _station(self, shelf: str) -> Station:
        """The station as the collection knows it, or as it will; EngineError on another store."""
        found = self.patient.ask(lambda: self.backend.documents(stations_key(shelf)))
        stations = {own.name: own for own in map(Station.of, found.values())}
        known = stations.get(self.name)
        if known is not None and known.store != self.store.uuid:
            raise EngineError(
                f"{self.to}: has tiles of another store of the name {self.name}; give this one "
                f"another: scenehash store station NAME --store {self.store.path}"
            )
        number = (
            station_number(self.name, (own.number for own in stations.values()))
            if known is None
            else known.number
        )
        scenes, tiles = self.store.counts()
        times = self.store.times()
        return Station(
            self.name,
            number,
            self.store.uuid,
            tiles,
            scenes,
            self.store.rows,
            tuple(label for label, _ in self.store.label_counts()),
            None if times is None else times[0],
            None if times is None else times[1],
            self.store.has_footprints(),
        )

    def _write(self, shelf: str, station: Station) -> None:
        key = stations_key(shelf) + station.name
        self.patient.ask(lambda: self.backend.write(key, station.document()))

    def _remove(self, shelf: str, marks: Sequence[SceneMark]) -> int:
        for start in range(0, len(marks), SCENES_AT_ONCE):
            some = marks[start : start + SCENES_AT_ONCE]
            self.patient.ask(partial(self.backend.remove, shelf, some))
        return len(marks)

    def _put(self, shelf: str, number: int, marks: Sequence[SceneMark]) -> tuple[int, int]:
        """Put scenes, some thousand tiles together; how many scenes and tiles that were."""
        scenes = tiles = 0
        total = sum(mark.tiles for mark in marks)
        with self.progress.task("push tiles", total) as task:
            for group in _groups(self._read(number, marks)):
                self.patient.ask(partial(self.backend.put, shelf, group))
                count = sum(map(len, group))
                task.advance(count)
                scenes, tiles = scenes + len(group), tiles + count
        return scenes, tiles

    def _read(self, number: int, marks: Sequence[SceneMark]) -> Iterator[EngineTiles]:
        """The scenes of marks that are in the store still; damaged ones are set aside."""
        for start in range(0, len(marks), SCENES_AT_ONCE):
            rows = [mark.first - number * ROWS for mark in marks[start : start + SCENES_AT_ONCE]]
            for found in self.store.scenes_from(rows):
                if isinstance(found, StoreDamagedError):
                    self.set_aside.append(str(found))
                else:
                    yield tiles_of(*found, number)

    def _turn(self, before: Head, now: Head) -> None:
        """Have the collection searched by its new codes, and drop the old ones."""
        self.patient.ask(lambda: self.backend.settle(now.shelf))
        self.patient.ask(lambda: self.backend.write(HEAD, now.document()))
        self.patient.ask(lambda: self.backend.drop(before.shelf))
        keys = list(self.patient.ask(lambda: self.backend.documents(stations_key(before.shelf))))
        self.patient.ask(lambda: self.backend.erase(keys))


def _same_rows(here: SceneMark | None, there: SceneMark) -> bool:
    """Whether what the engine has in some rows is replaced by what the store has in the same."""
    return here is not None and here.tiles == there.tiles


def _groups(scenes: Iterable[EngineTiles]) -> Iterator[list[EngineTiles]]:
    """Scenes together, as many as have some thousand tiles."""
    group: list[EngineTiles] = []
    for scene in scenes:
        if group and sum(map(len, group)) + len(scene) > TILES_AT_ONCE:
            yield group
            group = []
        group.append(scene)
    if group:
        yield group
