"""The code store as others use it: what opens it, and what changes it.

The commit rule: codes are appended to codes.bin and flushed to the disk, then the catalog commits
the rows, the row count and the checksums in one SQLite transaction. Whatever was not committed is
not there, and the next writer overwrites it.
"""

import contextlib
import threading
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO, Protocol

from scenehash.codes import check_bits, check_width, default_width
from scenehash.errors import StoreDamagedError, StoreError
from scenehash.files import PARTIAL

from .added import Added
from .catalog.alerts import Alerts
from .catalog.catalog import Catalog, is_vacant
from .catalog.entry import check_derived, read_record
from .catalog.outbox import Outbox
from .catalog.quarantine import Quarantine
from .catalog.state import State
from .catalog.station import check_station_name
from .changing.changes import add_labels, change_labels, mark_replaced, update_scene
from .changing.merge import groups_of
from .changing.switch import Switch
from .changing.transaction import Transaction
from .files.folder import CATALOG
from .files.model_file import PATTERN, model_path, write_model
from .files.opening import make_files, open_files
from .labels import check_labels, label_of_folder
from .links.links import Links
from .reading.reader import StoreReader
from .reading.verify import find_damage
from .records import HashedScene, SceneRecord, record_of
from .search.filters import Filter

# Codes not in the index that are worth starting to index while scenes still come in.
INDEX_EVERY = 250_000


class Hasher(Protocol):
    """What a store must know of a model whose codes it keeps; a HashModel is one."""

    @property
    def lineage(self) -> str:
        """Id of the training run."""

    @property
    def widths(self) -> tuple[int, ...]:
        """The widths that its codes may have, ascending."""

    @property
    def name(self) -> str:
        """Its name, for people."""


class CodeStore(StoreReader):
    """An open store. Any number may read it; one at a time may write.

    A store sees what was committed when it was opened, or last refreshed; it refreshes itself
    rather than show a tile that has been deleted since. Threads may share it: they take turns at
    the catalog, and search side by side. A process that is forked opens its own.

    alerts: what a watch matches new scenes against. outbox: its events until they are delivered.
    quarantine: inputs that could not be ingested. links: what it knows of other stations.
    thumbnails, vectors: small pictures of tiles, and their representations, where the store keeps
    them.
    """

    def __init__(self, path: Path, catalog: Catalog, lock: IO[bytes] | None) -> None:
        super().__init__(path, catalog)
        self._lock = lock
        self._transaction: Transaction | None = None
        self.alerts = Alerts(catalog.database, self.transaction, self.bits)
        self.outbox = Outbox(catalog.database, self.transaction)
        self.quarantine = Quarantine(catalog.database, self.transaction)
        self.links = Links(catalog.database, self.transaction)

    def __enter__(self) -> "CodeStore":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"CodeStore({str(self.path)!r}, tiles={len(self)}, bits={self.bits})"

    @classmethod
    def open(cls, path: str | Path, writable: bool = False, wait: bool = False) -> "CodeStore":
        """Open the store in a folder.

        Raises StoreError when there is none or it cannot be read (or written, if writable), and
        StoreBusyError when this one wants to write and another process does; with wait, it waits
        until that has finished.
        """
        path = Path(path)
        with contextlib.ExitStack() as undo:
            catalog, held = open_files(path, writable, wait, undo)
            store = cls(path, catalog, held)
            if writable:
                store._sweep()
            undo.pop_all()
        return store

    @classmethod
    def create(cls, path: str | Path, lineage: str, bits: int, model: str) -> "CodeStore":
        """Make an empty store in a folder that is new or empty, and open it for writing.

        Codes of that lineage and width alone can be added; model is a name for people. Raises
        StoreError when the folder holds something else, or cannot be written to.
        """
        path, state = Path(path), State(uuid.uuid4().hex, lineage, check_bits(bits), model)
        with contextlib.ExitStack() as undo:
            made = make_files(path, state, False, undo)
            if made is None:
                raise StoreError(f"{path}: there is a store here already")
            store = cls(path, *made)
            undo.pop_all()
        return store

    @classmethod
    def open_or_create(
        cls, path: str | Path, lineage: str, bits: int, model: str, wait: bool = False
    ) -> "CodeStore":
        """Open the store in a folder for writing, or make one where there is none.

        Raises LineageError when the store holds codes of another lineage or width.
        """
        path, state = Path(path), State(uuid.uuid4().hex, lineage, check_bits(bits), model)
        with contextlib.ExitStack() as undo:
            made = make_files(path, state, wait, undo)
            store = cls(path, *made) if made else undo.enter_context(cls.open(path, True, wait))
            store.check(lineage, bits)
            undo.pop_all()
        return store

    @classmethod
    def for_model(
        cls, path: str | Path, model: Hasher, bits: int | None = None, wait: bool = False
    ) -> "CodeStore":
        """Open the store of a model's codes in a folder for writing, or make one.

        bits: the width of the codes; None: that of the store, or of a new one 64 where the model
        has codes of that width, and all that it has elsewhere. Raises ConfigurationError when the
        model has no codes of the width asked for, and LineageError as open_or_create.
        """
        width = default_width(model.widths) if bits is None else check_width(bits, model.widths)
        if bits is not None or is_vacant(Path(path) / CATALOG):
            return cls.open_or_create(path, model.lineage, width, model.name, wait)
        with contextlib.ExitStack() as undo:
            store = undo.enter_context(cls.open(path, writable=True, wait=wait))
            store.check(model.lineage, store.bits if store.bits in model.widths else width)
            undo.pop_all()
        return store

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is changed inside is durable together when it ends, or nothing of it is.

        Scenes, alerts, events and the quarantine alike; inside another transaction this one is
        part of that. Other threads that use the store wait meanwhile. Raises StoreError when the
        disk refuses; what was stored before is intact.
        """
        self._check_writable()
        with self._catalog.database.lock:
            if self._transaction is not None:
                with self._transaction.joined():
                    yield
                return
            with self._catalog.database.transaction():
                # What SQLite's lock says is committed counts, not what this store saw last.
                self.refresh()
                self._transaction = Transaction(self._snapshot)
                try:
                    yield
                    changed = self._transaction.finish()
                finally:
                    self._transaction = None
            if changed:
                self._renew()
                self._index_behind()

    def add(self, scenes: Sequence[HashedScene]) -> Added:
        """Store scenes: all of them, durable when this returns, or none; see also transaction.

        A scene whose content is stored already is left out, but for its labels; where what is
        stored of it is damaged, it is repaired. Raises StoreError when the disk refuses; what was
        stored before is intact.
        """
        labelled = 0
        with self._changing() as transaction:
            stored = self._catalog.scenes.find([scene.content for scene in scenes])
            beside = self._catalog.scenes.at_paths([scene.path for scene in scenes])
            fresh: dict[str, tuple[HashedScene, SceneRecord]] = {}
            repaired = 0
            for scene in scenes:
                record = record_of(scene, 0, self.bits)
                if scene.content in stored and transaction.has_added(scene.content):
                    continue
                damaged = self._damaged(stored.get(scene.content), beside.get(scene.path, ()))
                if damaged is not None:
                    self._keep_derived_of([scene], [transaction.repair(damaged, scene)])
                    repaired += 1
                elif scene.content not in stored:
                    fresh[scene.content] = scene, record
                elif scene.labels:
                    labelled += add_labels(self._catalog, stored[scene.content], scene.labels)
            records = transaction.append(list(fresh.values())) if fresh else []
            # Of rows that are not committed after all, no thumbnail shows, and no vector counts.
            self._keep_derived_of([scene for scene, _ in fresh.values()], records)
        rows = tuple(record.first_row for record in records)
        duplicates = len(scenes) - len(fresh) - repaired
        return Added(len(fresh), duplicates, repaired, labelled, first_rows=rows)

    def label(self, where: Filter, labels: Sequence[str], remove: bool = False) -> list[str]:
        """Add or remove labels of the scenes with a tile that meets a filter, durably.

        Returns the paths of the scenes whose labels that has changed. ConfigurationError on a label
        of no word, StoreDamagedError on a scene whose entry is damaged.
        """
        if not remove:
            check_labels(labels)
        with self.transaction():
            records = self._records_where(where)
            return [
                record.path
                for number, record in records
                if change_labels(self._catalog, number, record, labels, remove)
            ]

    def label_by_folder(self, where: Filter) -> list[str]:
        """The same with the name of the folder that each scene's file is in."""
        with self.transaction():
            return [
                record.path
                for number, record in self._records_where(where)
                if change_labels(self._catalog, number, record, label_of_folder(Path(record.path)))
            ]

    def update_scene(
        self,
        content: str,
        path: str | None = None,
        labels: Sequence[str] = (),
        file: Mapping[str, object] | None = None,
        without: Sequence[str] = (),
    ) -> bool:
        """Change what is stored of a scene besides its tiles, durably; whether it is there.

        path: where it is now. labels: added to those that it has; without: removed from them.
        file: the state of its file, see HashedScene. Raises StoreDamagedError when its entry is
        damaged.
        """
        with self.transaction():
            return update_scene(self._catalog, content, path, labels, file, without)

    def take_paths(self, contents: Mapping[str, str]) -> None:
        """Note, durably, that a path has the file of a scene now, by its content id.

        Others that were stored from that path, of other bytes, have been replaced there: their file
        is not read any more, see scenes.reopen_scene.
        """
        with self.transaction():
            mark_replaced(self._catalog, contents)

    def delete(self, where: Filter) -> int:
        """Delete the scenes with a tile that meets a filter, durably; returns how many there were.

        Their rows are never given again. Their codes stay in codes.bin until compact. Raises
        StoreDamagedError on one whose entry is damaged; see delete_damaged.
        """
        with self.transaction():
            scenes = self._records_where(where)
            for scene, record in scenes:
                self._catalog.scenes.remove(scene, record)
                self._catalog.mark_deleted(record.first_row, record.tiles)
        return len(scenes)

    def delete_damaged(self) -> int:
        """Delete the scenes that are damaged, durably; returns how many there were.

        For those that cannot be repaired, since their files are gone.
        """
        with self._changing() as transaction:
            damaged = self._damaged_scenes()
            transaction.give_up(damaged)
        return len(damaged)

    def remove_scenes(self, contents: Sequence[str]) -> int:
        """Delete the scenes of these content ids, durably; returns how many there were.

        StoreDamagedError on one whose entry is damaged.
        """
        with self._changing() as transaction:
            return transaction.remove(contents)

    def compact(self) -> int:
        """Drop the codes of deleted rows from the disk; returns how many there were.

        Rows keep their numbers. Readers that have the store open go on with the old file until they
        refresh. Killed at any instant, the store is as it was before, or as it is afterwards.
        """
        with self._catalog.database.lock:
            if self._transaction is not None:
                raise StoreError(f"{self.path}: compact cannot run inside another transaction")
            with self._changing() as transaction:
                if count := self.deleted:
                    transaction.compact(self.path)
        if not count:
            return 0
        self._sweep()
        self._drop_derived()
        # The codes are dropped; a disk without room to rewrite the catalog takes nothing from that.
        with contextlib.suppress(StoreError):
            self._catalog.shrink()
        return count

    def switch(self, to: Switch) -> None:
        """Change to another model's codes, in one transaction of its own.

        Rows keep their numbers; events, the quarantine and what a watch has seen stay as they are.
        Readers that have the store open go on with the old codes until they refresh, which is a
        LineageError then. Killed at any instant, the store is as it was before, or as it is
        afterwards. Raises StoreDamagedError when a scene's entry is damaged.
        """
        with self._catalog.database.lock:
            if self._transaction is not None:
                raise StoreError(f"{self.path}: switch cannot run inside another transaction")
            with self._changing() as transaction:
                transaction.switch(self.path, to)
                self._catalog.keep_vectors(to.space)
                self._catalog.keep_model(None)
                if to.model_file is not None:
                    self.keep_model(to.model_file)
                self.alerts.clear()
                alerts = Alerts(self._catalog.database, self.transaction, to.bits)
                for alert in to.alerts:
                    alerts.add(alert)
            self.alerts = alerts
        self._sweep()
        self._drop_derived()

    def merge(self, other: "CodeStore") -> Added:
        """Store what another store of the same lineage has; the same content is kept once, with
        the labels that it has in either.

        Scenes are taken in groups, each durable: interrupted, give the same call again. A damaged
        scene of the other store is set aside. Thumbnails and vectors come along where this store
        keeps them; an empty one does when the other does. Raises LineageError when the other
        store's codes are of another lineage or width.
        """
        self.check(other.lineage, other.bits)
        if not self.rows and other.thumbnails.kept:
            self.keep_thumbnails()
        if not self.rows and other.vectors.frame is not None:
            self.keep_vectors(other.vectors.frame, other.vectors.dims)
        if not self.keeps_model and (file := other.model_file()) is not None:
            self.keep_model(file.read_bytes())
        total = Added()
        thumbnails = other.thumbnails if self.thumbnails.kept else None
        vectors = other.vectors if self.vectors.kept else None
        for group, damaged in groups_of(other._each_scene(), thumbnails, vectors):
            added = self.add(group)
            total += replace(added, set_aside=damaged, first_rows=())
        return total

    def keep_thumbnails(self, kept: bool = True) -> None:
        """Keep thumbnails of what is added from now on, durably; or keep none, and remove those.

        Damage in their file is put right as far as that can be. StoreError when the disk refuses.
        """
        if kept != self.thumbnails.kept:
            with self.transaction():
                self._catalog.keep_thumbnails(kept)
        if kept:
            self.thumbnails.make()
        else:
            self.thumbnails.remove()

    def keep_vectors(self, frame: str, dims: int) -> None:
        """Keep the representations of what is added from now on, durably: int8 [dims] a tile.

        frame: the id of the space that they lie in; of another than before, those that are there do
        not count any more. Damage in their file is put right as far as that can be. StoreError
        when the disk refuses.
        """
        if self._catalog.vector_space() != (frame, dims):
            with self.transaction():
                self._catalog.keep_vectors((frame, dims))
        self.vectors.make()

    def drop_vectors(self) -> None:
        """Keep no representations, and remove those that there are; StoreError as keep_vectors."""
        if self.vectors.kept:
            with self.transaction():
                self._catalog.keep_vectors(None)
        self.vectors.remove()

    def name_station(self, name: str) -> None:
        """Give the store the name of its station, durably; ConfigurationError on one of no sense.

        Other stations know its tiles by that name.
        """
        check_station_name(name)
        with self.transaction():
            self._catalog.name_station(name)

    def keep_model(self, data: bytes) -> None:
        """Keep the file of the model whose codes these are, durably; StoreError."""
        with self.transaction():
            try:
                self._catalog.keep_model(write_model(self.path, data))
                self._sound_models.clear()
            except OSError as error:
                raise StoreError(
                    f"{self.path}: the model file cannot be stored ({error.strerror}); all data "
                    "stored before is intact"
                ) from error

    def verify(self) -> list[str]:
        """Read everything back; what is damaged, a line each, by scene. An empty list is good."""
        with self._pinned():
            try:
                damage = list(find_damage(self._snapshot))
            except StoreDamagedError as error:
                damage = [str(error)]
            others = [*self.outbox.damage(), *self.alerts.damage(), *self.links.damage()]
        return [*damage, *(f"{CATALOG}: {line}" for line in others)]

    def close(self) -> None:
        """Close the files, and let another process write."""
        try:
            super().close()
        finally:
            if self._lock is not None:
                self._lock.close()

    def _check_writable(self) -> None:
        if self._lock is None:
            raise StoreError(f"{self.path}: the store was opened for reading only")

    @contextlib.contextmanager
    def _changing(self) -> Iterator[Transaction]:
        """The transaction that is open, or else one of its own."""
        with self.transaction():
            assert self._transaction is not None
            yield self._transaction

    def _keep_derived_of(
        self, scenes: Sequence[HashedScene], records: Sequence[SceneRecord]
    ) -> None:
        """Keep the thumbnails and vectors that scenes bring, under the rows of their records."""
        pairs = list(zip(scenes, records, strict=True))
        if self.thumbnails.kept:
            pictured = [(record, scene.thumbnails) for scene, record in pairs if scene.thumbnails]
            self.thumbnails.put([record for record, _ in pictured], [own for _, own in pictured])
        if self.vectors.kept:
            self.vectors.put_scenes(records, [scene.vectors for scene in scenes])

    def _drop_derived(self) -> None:
        """Forget what was derived of rows that are dropped."""
        dropped = self._snapshot.row_map.dropped
        self.thumbnails.drop(dropped)
        self.vectors.drop(dropped)

    def _index_behind(self) -> None:
        """Index in a thread what has come in, when that has become much."""
        busy = self._indexing is not None and self._indexing.is_alive()
        if busy or self._snapshot.state.positions < INDEX_EVERY:
            return
        index = self._snapshot.index
        if index.pending >= INDEX_EVERY:

            def build() -> None:
                # A disk too full for an index takes nothing from the scenes that were stored.
                with contextlib.suppress(OSError):
                    index.build()

            self._indexing = threading.Thread(target=build, daemon=True)
            self._indexing.start()

    def _damaged(self, stored: int | None, beside: Sequence[int]) -> int | None:
        """Of the scene of the same content, or else those of the same path, one that is damaged."""
        if stored is not None:
            return None if self._snapshot.is_sound(stored) else stored
        for scene in beside:
            try:
                check_derived(self._catalog, scene, read_record(self._catalog, scene))
            except StoreDamagedError:
                return scene
        return None

    def _sweep(self) -> None:
        """Remove files of codes, and of models, that the catalog does not name."""
        if not self._strays():
            return
        # Under SQLite's lock, so that a compaction is either committed or not begun.
        with self.transaction():
            for path in self._strays():
                path.unlink(missing_ok=True)

    def _strays(self) -> list[Path]:
        found = {
            path
            for pattern in ("codes*.bin", f".codes*{PARTIAL}", PATTERN, f".model*{PARTIAL}")
            for path in self.path.glob(pattern)
        }
        identity = self._catalog.model_id()
        named = {self._snapshot.file.path}
        return sorted(found - named - ({model_path(self.path, identity)} if identity else set()))
