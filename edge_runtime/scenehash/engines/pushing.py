"""scenehash.push: the tiles of a store, copied to an engine, and their later changes.

For each scene, the push compares number and seal in the engine with those of the source. So a
second push continues an interrupted one, and changes nothing if nothing has changed.
"""

import contextlib
import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from scenehash.errors import EngineError, LineageError, ScenehashError
from scenehash.progress import SILENT, Progress
from scenehash.store import CodeStore
from scenehash.store.records import SceneMark

from .backend import Backend
from .engine_store import HEAD, Head, Station, connect, stations_key
from .patience import PATIENCE, Patient
from .source import Facts, Source, StoreSource
from .tiles import (
    EngineMark,
    EngineTiles,
    Span,
    number_of,
    station_and_row,
    station_number,
    tiles_of,
)

# Tiles of whole scenes per put, which is a transaction if the engine has them.
TILES_A_BATCH = 16_384
SCENES_AT_ONCE = 1000


@dataclass(frozen=True)
class PushReport:
    """The result of a push.

    store: the store's folder, or the archive's address. scenes, tiles: the present numbers of the
    station in the engine. set_aside: a line for each scene that is damaged in the store, or has no
    sound part in the archive; the engine keeps its earlier state of it.
    """

    store: str
    to: str
    station: str
    scenes: int
    tiles: int
    scenes_pushed: int
    tiles_pushed: int
    scenes_removed: int
    set_aside: tuple[str, ...] = ()

    def document(self) -> dict[str, object]:
        """The report as plain values for JSON."""
        return {**vars(self), "set_aside": list(self.set_aside)}


def push(
    store: CodeStore | str | Path,
    to: str,
    *,
    patience: float = PATIENCE,
    progress: Progress = SILENT,
) -> PushReport:
    """Push the tiles of a store to an engine.

    Afterwards the engine has exactly these tiles of the station. store: an open store, or its
    folder, with the name of its station. to: a collection, which the function makes if it does not
    exist: milvus://HOST:PORT/COLLECTION, milvus:///PATH/FILE.db/COLLECTION or
    pg://USER@HOST:PORT/DATABASE/COLLECTION. Deleted scenes are removed, and changed scenes are
    replaced. After a change of the store's model, the new codes are written next to the old codes,
    which are searched until all new codes are there. patience: seconds to wait for an engine that
    does not answer.

    Raises ConfigurationError when the store has no station name, or the address is not valid;
    LineageError when other stations have codes of another lineage or width in the collection;
    EngineError; MissingExtraError without the engine's client.
    """
    with contextlib.ExitStack() as stack:
        if not isinstance(store, CodeStore):
            store = stack.enter_context(CodeStore.open(store))
        return push_source(StoreSource(store), to, patience, progress)


def push_source(source: Source, to: str, patience: float, progress: Progress) -> PushReport:
    """As push, for any source of scenes."""
    patient = Patient(patience, progress)
    with contextlib.closing(patient.ask(lambda: connect(to))) as backend:
        return _Push(source, to, backend, patient, progress).run()


@dataclass
class _Push:
    source: Source
    to: str
    backend: Backend
    patient: Patient
    progress: Progress
    set_aside: list[str] = field(default_factory=list)

    def run(self) -> PushReport:
        source = self.source
        own = Head(source.lineage, source.bits, source.model)
        current = self._current(own)
        self.patient.ask(lambda: self.backend.make(own.shelf, own.bits))
        if current is None:
            self.patient.ask(lambda: self.backend.write(HEAD, own.document()))
        marks = list(source.marks())
        station, known = self._station(own.shelf, marks)
        self._write(own.shelf, station)
        self._forget_other_names(own.shelf, station)

        here = {
            mark.first: mark
            for mark in (
                EngineMark(number_of(station.number, scene.first_row), scene.tiles, scene.seal)
                for scene in marks
            )
        }
        there = self._there(own.shelf, station)
        gone = [mark for mark in there if not _same_rows(here.get(mark.first), mark)]
        kept = {mark for mark in there if here.get(mark.first) == mark}
        missing = [mark for mark in here.values() if mark not in kept]
        removed = self._remove(own.shelf, gone)
        begun = {mark.first for mark in there}
        put = self._put(own.shelf, station, known, missing, begun)
        every = sorted(kept | put)
        wrong = self._miscounted(own.shelf, every)
        put |= self._put(own.shelf, station, known, wrong, {mark.first for mark in wrong})

        if current is not None and current.shelf != own.shelf:
            self._turn(current, own)
        self.patient.ask(lambda: self.backend.settle(own.shelf))
        return PushReport(
            source.text,
            self.to,
            source.station,
            len(here),
            station.tiles,
            len(put),
            sum(mark.tiles for mark in put),
            removed,
            tuple(self.set_aside),
        )

    def _current(self, own: Head) -> Head | None:
        """The lineage and the width of the collection's codes; LineageError when other stations
        need them.
        """
        found = self.patient.ask(lambda: self.backend.read(HEAD))
        if found is None:
            return None
        current = Head.of(found, self.to)
        if current.shelf == own.shelf:
            return current
        stations = self.patient.ask(
            lambda: self.backend.documents(stations_key(current.shelf))
        ).values()
        name, store = self.source.station, self.source.id
        others = sorted(
            str(one["name"]) for one in stations if one["name"] != name and one["store"] != store
        )
        if others:
            raise LineageError(
                f"{self.to}: holds {current.bits}-bit codes of model {current.model} (lineage "
                f"{current.lineage}) of stations {', '.join(others)}, not {own.bits}-bit codes of "
                f"lineage {own.lineage}; push to another collection, and push these stations to "
                "it, too, when their stores have that model"
            )
        return current

    def _station(self, shelf: str, marks: Sequence[SceneMark]) -> tuple[Station, Facts]:
        """The station as the collection will know it, and the facts that it knows; EngineError on
        another store's."""
        source = self.source
        found = self.patient.ask(lambda: self.backend.documents(stations_key(shelf)))
        stations = {own.name: own for own in map(Station.of, found.values())}
        known = stations.get(source.station)
        if known is not None and known.store != source.id:
            raise EngineError(
                f"{self.to}: has tiles of another store named {source.station}; give this "
                f"store another name: {source.rename}"
            )
        if known is None:  # or the store had another name
            known = next((own for own in stations.values() if own.store == source.id), None)
        if known is None:
            number = station_number(source.station, (own.number for own in stations.values()))
            rows, facts = source.rows, Facts()
        else:
            # A restored store has fewer rows than were pushed.
            number, rows = known.number, max(source.rows, known.rows)
            facts = Facts(known.labels, known.first, known.last, known.placed)
        tiles = sum(mark.tiles for mark in marks)
        new = source.facts(facts)
        station = Station(
            source.station,
            number,
            source.id,
            tiles,
            len(marks),
            rows,
            new.labels,
            new.first,
            new.last,
            new.placed,
        )
        return station, facts

    def _write(self, shelf: str, station: Station) -> None:
        key = stations_key(shelf) + station.name
        self.patient.ask(lambda: self.backend.write(key, station.document()))

    def _there(self, shelf: str, station: Station) -> list[EngineMark]:
        return self.patient.ask(
            lambda: list(self.backend.marks(shelf, station.number, station.rows))
        )

    def _forget_other_names(self, shelf: str, station: Station) -> None:
        """Have a store that got another name be one station, not two."""
        key = stations_key(shelf)
        found = self.patient.ask(lambda: self.backend.documents(key)).values()
        for other in map(Station.of, found):
            if other.store != station.store or other.name == station.name:
                continue
            if other.number != station.number:
                self._remove(shelf, self._there(shelf, other))
            self.patient.ask(partial(self.backend.erase, [key + other.name]))

    def _miscounted(self, shelf: str, marks: Sequence[EngineMark]) -> list[EngineMark]:
        """Those of a station's scenes, by first row, that have another number of tiles there: tiles
        that two pushes put at once are there twice, and others may have been dropped."""
        if not marks:
            return []
        span = Span(marks[0].first, marks[-1].first + marks[-1].tiles)
        count = self.patient.ask(lambda: self.backend.count_in(shelf, span))
        if count == sum(mark.tiles for mark in marks):
            return []
        if len(marks) == 1 or count == 0:
            return list(marks)
        middle = len(marks) // 2
        return [
            *self._miscounted(shelf, marks[:middle]),
            *self._miscounted(shelf, marks[middle:]),
        ]

    def _remove(self, shelf: str, marks: Sequence[EngineMark]) -> int:
        for start in range(0, len(marks), SCENES_AT_ONCE):
            some = marks[start : start + SCENES_AT_ONCE]
            self.patient.ask(partial(self.backend.remove, shelf, some))
        return len(marks)

    def _put(
        self,
        shelf: str,
        station: Station,
        known: Facts,
        marks: Sequence[EngineMark],
        begun: set[int],
    ) -> set[EngineMark]:
        """Put scenes, some thousand tiles together, and give back those that were put.

        begun: the first tiles of those that may be there in part.
        """
        put: set[EngineMark] = set()
        if not marks:
            return put
        total = sum(mark.tiles for mark in marks)
        with self.progress.task("push tiles", total) as task:
            for group in _groups(self._read(station.number, marks)):
                new = self.source.facts(known)
                now = replace(
                    station, labels=new.labels, first=new.first, last=new.last, placed=new.placed
                )
                if now != station:
                    self._write(shelf, now)
                    station = now
                fresh = begun.isdisjoint(own.scene.mark.first for own in group)
                self._put_group(shelf, group, fresh)
                task.advance(sum(map(len, group)))
                put |= {own.scene.mark for own in group}
        self._write(shelf, station)
        return put

    def _put_group(self, shelf: str, group: Sequence[EngineTiles], fresh: bool) -> None:
        # An interrupted put may be incomplete.
        tries = itertools.count()
        self.patient.ask(lambda: self.backend.put(shelf, group, fresh and next(tries) == 0))

    def _read(self, number: int, marks: Sequence[EngineMark]) -> Iterator[EngineTiles]:
        """The scenes of marks that are there still; damaged ones are set aside."""
        for start in range(0, len(marks), SCENES_AT_ONCE):
            some = marks[start : start + SCENES_AT_ONCE]
            rows = [station_and_row(mark.first)[1] for mark in some]
            for found in self.source.read(rows):
                if isinstance(found, ScenehashError):
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


def _same_rows(here: EngineMark | None, there: EngineMark) -> bool:
    """Whether what the engine has in some rows is replaced by what the store has in the same."""
    return here is not None and here.tiles == there.tiles


def _groups(scenes: Iterable[EngineTiles]) -> Iterator[list[EngineTiles]]:
    """Scenes together, as many as have some thousand tiles."""
    group: list[EngineTiles] = []
    for scene in scenes:
        if group and sum(map(len, group)) + len(scene) > TILES_A_BATCH:
            yield group
            group = []
        group.append(scene)
    if group:
        yield group
