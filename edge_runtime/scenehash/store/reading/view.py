"""The committed state that an open store sees until it refreshes."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from scenehash.errors import LineageError, StoreDamagedError, StoreError

from ..catalog.catalog import Catalog, Restoration
from ..files.earlier import Earlier, earlier_of
from ..files.folder import INDEX
from ..files.model_file import sound_model
from ..files.thumbnails import Thumbnails
from ..files.vectors import Vectors
from ..search.filters import Filter
from ..search.resolving import InCatalog, resolve
from ..search.searchable import check_codes
from ..search.snapshot import Snapshot

Answer = TypeVar("Answer")


class StoreView:
    """The committed state of a store, read-only."""

    def __init__(self, path: Path, catalog: Catalog) -> None:
        self.path = path
        self._catalog = catalog
        self._indexing: threading.Thread | None = None
        # By their ids: what was compared with its checksum, or was not there.
        self._sound_models: dict[str, Path | None] = {}
        self._snapshot = Snapshot.of(path, catalog)
        self.thumbnails = Thumbnails(path, catalog)
        self.vectors = Vectors(path, catalog)

    def __len__(self) -> int:
        """The number of searchable tiles."""
        return len(self._snapshot)

    @property
    def address(self) -> str:
        """The store's folder, as text."""
        return str(self.path)

    @property
    def uuid(self) -> str:
        """The store's id, which its copies have, too: 32 hexadecimal digits."""
        return self._snapshot.state.uuid

    @property
    def lineage(self) -> str:
        """Id of the training run that made the store's codes."""
        return self._snapshot.state.lineage

    @property
    def bits(self) -> int:
        """Width K of a code."""
        return self._snapshot.state.bits

    @property
    def model(self) -> str:
        """Name of the model that made the codes, for people."""
        return self._snapshot.state.model

    @property
    def station(self) -> str | None:
        """The name of the store's station; None until name_station sets it."""
        return self._catalog.station()

    @property
    def rows(self) -> int:
        """The number of the next tile: one more than the highest row so far."""
        return self._snapshot.state.rows

    @property
    def deleted(self) -> int:
        """The number of deleted tiles whose codes are still on the disk, until compact."""
        return self._snapshot.dead.total()

    @property
    def indexed(self) -> int:
        """The number of codes in the index on the disk; a search scans the others."""
        return self._snapshot.index.covered

    def check(self, lineage: str, bits: int) -> None:
        """Raise LineageError unless the store has codes of this lineage and width."""
        check_codes(self, lineage, bits)

    @property
    def trouble(self) -> str | None:
        """A problem with thumbnails or vectors, in a line for a person; None: there is none."""
        return self.thumbnails.trouble or self.vectors.trouble

    def notes(self) -> list[str]:
        """Notes for a person about a search, one line each."""
        notes = [str(one) for one in self.earlier()]
        return notes if self.trouble is None else [*notes, self.trouble]

    def refresh(self) -> None:
        """Read the data that was committed since.

        Raises LineageError when the store now has another model's codes: open it again.
        """
        if self._catalog.checksum() != self._snapshot.committed.checksum:
            fresh = Snapshot.of(self.path, self._catalog, self._snapshot)
            state = fresh.state
            if (state.lineage, state.bits) != (self.lineage, self.bits):
                raise LineageError(
                    f"{self.path}: was rehashed in the meantime: it holds {state.bits}-bit codes "
                    f"of model {state.model} (lineage {state.lineage}) now; start again, with "
                    "that model"
                )
            self._snapshot = fresh

    def model_file(self) -> Path | None:
        """The file of the model of these codes, if the store keeps it; otherwise None.

        Its content is checked.
        """
        identity = self._catalog.model_id()
        if identity is not None and identity not in self._sound_models:
            self._sound_models[identity] = sound_model(self.path, identity)
        return None if identity is None else self._sound_models[identity]

    @property
    def keeps_model(self) -> bool:
        """Whether the store keeps the file of the model of these codes."""
        return self._catalog.model_id() is not None

    def earlier(self) -> list[Earlier]:
        """The stores of earlier models in this store: see Earlier."""
        return earlier_of(self.path)

    def restorations(self) -> list[Restoration]:
        """The restorations of this store from backups, the newest last."""
        return self._catalog.restorations()

    def counts(self) -> tuple[int, int]:
        """The numbers of stored scenes and tiles."""
        return self._catalog.scenes.count()

    def resolve(self, where: Filter) -> Filter:
        """The filter, with the full path of a scene that it names by the end of its path.

        Raises StoreError when no tile can meet it: no stored scene has the label or the path, or
        any time or footprint; or when several paths end so.
        """
        with self._catalog.database.snapshot():
            return resolve(InCatalog(self._catalog), where, str(self.path))

    def warm(self) -> None:
        """Read the index and load its fastest loops now, if there is one; otherwise this happens
        when searches have taken as long.
        """
        if self.indexed:
            self._snapshot.index.warm()

    def build_index(self) -> None:
        """Bring the index up to date now; a writer does so by itself as scenes arrive.

        Raises StoreError when it cannot be written; searches then scan the other codes.
        """
        if self._indexing is not None:
            self._indexing.join()
        try:
            self._snapshot.index.build()
        except OSError as error:
            raise StoreError(
                f"{self.path / INDEX}: the index cannot be written ({error.strerror})"
            ) from error

    def close(self) -> None:
        """Close the files."""
        if self._indexing is not None:
            self._indexing.join()
        self.thumbnails.close()
        self.vectors.close()
        self._catalog.close()

    def _renew(self) -> None:
        """Read the present committed state."""
        self._snapshot = Snapshot.of(self.path, self._catalog, self._snapshot)

    @contextlib.contextmanager
    def _pinned(self) -> Iterator[None]:
        """All reads inside see the present committed state; other threads wait."""
        while True:
            self.refresh()
            with self._catalog.database.snapshot():
                if self._catalog.checksum() == self._snapshot.committed.checksum:
                    yield
                    return

    def _settled(self, ask: Callable[[], Answer]) -> Answer:
        """A result from the snapshot, or, if that fails, from the present committed state.

        The data may have been deleted or changed since the snapshot: only damage in one consistent
        state is real damage.
        """
        try:
            return ask()
        except StoreDamagedError as damage:
            if self._catalog.database.is_changing:
                raise StoreError(
                    f"{self.path}: a transaction that has changed the store must be committed "
                    "before the store is read"
                ) from damage
            if self._catalog.checksum() == self._snapshot.committed.checksum:
                raise
        with self._pinned():
            return ask()


@contextlib.contextmanager
def remedy() -> Iterator[None]:
    """Add the remedy for a damaged scene to its error."""
    try:
        yield
    except StoreDamagedError as damage:
        raise StoreDamagedError(
            f"{damage}; ingest that scene again, or delete the damaged scenes: "
            "scenehash store delete --damaged"
        ) from damage
