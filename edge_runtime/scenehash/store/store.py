"""The code store for other packages: opening and changing it.

The commit rule: codes are appended to codes.bin and flushed to the disk, then the catalog commits
the rows, the row count and the checksums in one SQLite transaction. Uncommitted data has no effect,
and the next writer overwrites it.
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

# The number of new codes that starts indexing while scenes still arrive.
INDEX_EVERY = 250_000


class Hasher(Protocol):
    """The facts about a model that a store of its codes needs; a HashModel has them."""

    @property
    def lineage(self) -> str:
        """Id of the training run."""

    @property
    def widths(self) -> tuple[int, ...]:
        """The possible widths of its codes, ascending."""

    @property
    def name(self) -> str:
        """The model's name, for people."""


class CodeStore(StoreReader):
    """An open store. Many processes may read it; one process at a time may write.

    A store shows the state at its opening, or at its last refresh; it refreshes itself instead of
    showing a tile that was deleted since. Threads may share a store: they take turns at the
    catalog, and search in parallel. A forked process must open its own.

    alerts: the alerts that a watch matches with new scenes. outbox: events until their delivery.
    quarantine: inputs that could not be ingested. links: the state of links to other stations.
    thumbnails, vectors: small pictures and representations of tiles, if the store keeps them.
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

        Raises StoreError when there is no store, or it cannot be read (or written, if writable),
        and StoreBusyError when writable is set and another process writes; with wait, it waits for
        that process instead.
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

        Only codes of this lineage and width can be added; model is a name for people. Raises
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
        """Open the store in a folder for writing, or make one if there is none.

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

        bits: the width of the codes; None: the width of the store, and for a new store 64 if the
        model has codes of that width, otherwise all its bits. Raises ConfigurationError when the
        model has no codes of the given width, and LineageError as open_or_create.
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
        """Make all changes inside durable together at the end, or none of them.

        This holds for scenes, alerts, events and the quarantine. Inside another transaction, this
        one is a part of it. Other threads that use the store wait. Raises StoreError on a disk
        error; all data stored before is intact.
        """
        self._check_writable()
        with self._catalog.database.lock:
            if self._transaction is not None:
                with self._transaction.joined():
                    yield
                return
            with self._catalog.database.transaction():
                # The committed state under SQLite's lock counts, not this store's last state.
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
        """Store all the scenes, durable when this returns, or none of them; see also transaction.

        A scene whose content is already stored is left out, except for its labels; if its stored
        data is damaged, it is repaired. Raises StoreError on a disk error; all data stored before
        is intact.
        """
        labelled = 0
        with self._changing() as transaction:
            stored = self._catalog.scenes.find([scene.content for scene in scenes])
            beside = self._catalog.scenes.at_paths([scene.path for scene in scenes])
            fresh: dict[str, tuple[HashedScene, SceneRecord]] = {}
            repaired: set[str] = set()
            for scene in scenes:
                record = record_of(scene, 0, self.bits)
                if scene.content in stored and transaction.has_added(scene.content):
                    continue
                damaged = self._damaged(stored.get(scene.content), beside.get(scene.path, ()))
                if damaged is not None:
                    self._keep_derived_of([scene], [transaction.repair(damaged, scene)])
                    repaired.add(scene.content)
                elif scene.content not in stored:
                    fresh[scene.content] = scene, record
                elif scene.labels:
                    labelled += add_labels(self._catalog, stored[scene.content], scene.labels)
            records = transaction.append(list(fresh.values())) if fresh else []
            # Without a commit of these rows, their thumbnails and vectors have no effect.
            self._keep_derived_of([scene for scene, _ in fresh.values()], records)
        rows = tuple(record.first_row for record in records)
        changed = fresh.keys() | repaired
        left_out = frozenset(scene.content for scene in scenes) - changed
        return Added(
            len(fresh),
            len(scenes) - len(changed),
            len(repaired),
            labelled,
            first_rows=rows,
            left_out=left_out,
        )

    def label(self, where: Filter, labels: Sequence[str], remove: bool = False) -> list[str]:
        """Add or remove labels of the scenes with a tile that meets a filter, durably.

        Returns the paths of the scenes whose labels changed. Raises ConfigurationError on an empty
        label, and StoreDamagedError on a scene whose entry is damaged.
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
        """As label, with the name of the folder of each scene's file."""
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
        """Change the stored data of a scene besides its tiles, durably; returns whether it is
        stored.

        path: its present path. labels: labels to add; without: labels to remove. file: the state of
        its file, see HashedScene. Raises StoreDamagedError when its entry is damaged.
        """
        with self.transaction():
            return update_scene(self._catalog, content, path, labels, file, without)

    def take_paths(self, contents: Mapping[str, str]) -> None:
        """Record, durably, which content each path has now. contents: content ids by path.

        A scene that was stored from such a path with another content keeps its codes, but the store
        no longer reads its file: another file is at that path. See scenes.reopen_scene.
        """
        with self.transaction():
            mark_replaced(self._catalog, contents)

    def delete(self, where: Filter) -> int:
        """Delete the scenes with a tile that meets a filter, durably; returns the number of scenes.

        Their rows are never used again. Their codes stay in codes.bin until compact. Raises
        StoreDamagedError on a scene whose entry is damaged; see delete_damaged.
        """
        with self.transaction():
            scenes = self._records_where(where)
            for scene, record in scenes:
                self._catalog.scenes.remove(scene, record)
                self._catalog.mark_deleted(record.first_row, record.tiles)
        return len(scenes)

    def delete_damaged(self) -> int:
        """Delete the damaged scenes, durably; returns the number of scenes.

        Use it for scenes that cannot be repaired, since their files are gone.
        """
        with self._changing() as transaction:
            damaged = self._damaged_scenes()
            transaction.give_up(damaged)
        return len(damaged)

    def remove_scenes(self, contents: Sequence[str]) -> int:
        """Delete the scenes with these content ids, durably; returns the number of scenes.

        Raises StoreDamagedError on a scene whose entry is damaged.
        """
        with self._changing() as transaction:
            return transaction.remove(contents)

    def compact(self) -> int:
        """Drop the codes of deleted rows from the disk; returns the number of rows.

        Rows keep their numbers. Readers that have the store open use the old file until they
        refresh. After a kill at any instant, the store is either unchanged or completely changed.
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
        # The codes are dropped, even if the disk has no room to rewrite the catalog.
        with contextlib.suppress(StoreError):
            self._catalog.shrink()
        return count

    def switch(self, to: Switch) -> None:
        """Change to another model's codes, in one transaction of its own.

        Rows keep their numbers. Events, the quarantine and the state of a watch do not change.
        Readers that have the store open use the old codes until they refresh, which then raises
        LineageError. After a kill at any instant, the store is either unchanged or completely
        changed. Raises StoreDamagedError when a scene's entry is damaged.
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
        """Copy the scenes of another store of the same lineage.

        A scene that both stores hold is kept once, with the labels of both. Scenes are copied in
        groups, each durable, so a second call continues an interrupted one. A damaged scene of the
        other store is set aside. Thumbnails and vectors are copied if this store keeps them; an
        empty store keeps them if the other store does. Raises LineageError when the other store has
        codes of another lineage or width.
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
        """Keep thumbnails of all scenes that are added from now on, durably.

        kept: False: keep none, and remove the present ones. Repairs damage in their file as far as
        possible. Raises StoreError on a disk error.
        """
        if kept != self.thumbnails.kept:
            with self.transaction():
                self._catalog.keep_thumbnails(kept)
        if kept:
            self.thumbnails.make()
        else:
            self.thumbnails.remove()

    def keep_vectors(self, frame: str, dims: int) -> None:
        """Keep the representations of all scenes that are added from now on, durably: int8 [dims]
        per tile.

        frame: the id of their vector space; representations of another frame become invalid.
        Repairs damage in their file as far as possible. Raises StoreError on a disk error.
        """
        if self._catalog.vector_space() != (frame, dims):
            with self.transaction():
                self._catalog.keep_vectors((frame, dims))
        self.vectors.make()

    def drop_vectors(self) -> None:
        """Keep no representations, and remove the present ones; StoreError as keep_vectors."""
        if self.vectors.kept:
            with self.transaction():
                self._catalog.keep_vectors(None)
        self.vectors.remove()

    def name_station(self, name: str) -> None:
        """Set the name of the store's station, durably; ConfigurationError if the name is not
        valid.

        Other stations know the store's tiles by this name.
        """
        check_station_name(name)
        with self.transaction():
            self._catalog.name_station(name)

    def keep_model(self, data: bytes) -> None:
        """Store the file of the model that made these codes, durably; raises StoreError."""
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
        """Read all data back; returns a line for each damage, by scene. An empty list is good."""
        with self._pinned():
            try:
                damage = list(find_damage(self._snapshot))
            except StoreDamagedError as error:
                damage = [str(error)]
            others = [*self.outbox.damage(), *self.alerts.damage(), *self.links.damage()]
        return [*damage, *(f"{CATALOG}: {line}" for line in others)]

    def close(self) -> None:
        """Close the files, so that another process can write."""
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
        """The open transaction, or else a new one."""
        with self.transaction():
            assert self._transaction is not None
            yield self._transaction

    def _keep_derived_of(
        self, scenes: Sequence[HashedScene], records: Sequence[SceneRecord]
    ) -> None:
        """Store the thumbnails and vectors of scenes, under the rows of their records."""
        pairs = list(zip(scenes, records, strict=True))
        if self.thumbnails.kept:
            pictured = [(record, scene.thumbnails) for scene, record in pairs if scene.thumbnails]
            self.thumbnails.put([record for record, _ in pictured], [own for _, own in pictured])
        if self.vectors.kept:
            self.vectors.put_scenes(records, [scene.vectors for scene in scenes])

    def _drop_derived(self) -> None:
        """Remove derived data of dropped rows."""
        dropped = self._snapshot.row_map.dropped
        self.thumbnails.drop(dropped)
        self.vectors.drop(dropped)

    def _index_behind(self) -> None:
        """Index new codes in a thread when there are enough of them."""
        busy = self._indexing is not None and self._indexing.is_alive()
        if busy or self._snapshot.state.positions < INDEX_EVERY:
            return
        index = self._snapshot.index
        if index.pending >= INDEX_EVERY:

            def build() -> None:
                # A full disk may prevent an index, but the scenes are stored.
                with contextlib.suppress(OSError):
                    index.build()

            self._indexing = threading.Thread(target=build, daemon=True)
            self._indexing.start()

    def _damaged(self, stored: int | None, beside: Sequence[int]) -> int | None:
        """The damaged scene with the same content, or else a damaged scene with the same path."""
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
        # Under SQLite's lock, so that no compaction is in progress.
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
