"""What is committed, as an open store sees that until it refreshes."""

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
    """What is committed in a store; it changes nothing."""

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
        """How many tiles can be found."""
        return len(self._snapshot)

    @property
    def address(self) -> str:
        """The store's folder, as text."""
        return str(self.path)

    @property
    def uuid(self) -> str:
        """The store's id, which copies of it share: 32 hexadecimal digits."""
        return self._snapshot.state.uuid

    @property
    def lineage(self) -> str:
        """Id of the training run whose codes the store holds."""
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
        """The name of the station whose store this is; None until name_station gives it one."""
        return self._catalog.station()

    @property
    def rows(self) -> int:
        """The number that the next tile gets: one more than the highest row that ever was."""
        return self._snapshot.state.rows

    @property
    def deleted(self) -> int:
        """How many deleted tiles still have their codes on the disk, until compact."""
        return self._snapshot.dead.total()

    @property
    def indexed(self) -> int:
        """How many codes the index on the disk covers; the others are scanned."""
        return self._snapshot.index.covered

    def check(self, lineage: str, bits: int) -> None:
        """Raise LineageError unless codes of this lineage and width belong in the store."""
        check_codes(self, lineage, bits)

    @property
    def trouble(self) -> str | None:
        """What is wrong with what is derived of tiles, in a line for a person; None: nothing is."""
        return self.thumbnails.trouble or self.vectors.trouble

    def notes(self) -> list[str]:
        """What a person should know of a search in the store, a line each."""
        left = [str(one) for one in self.earlier()]
        return left if self.trouble is None else [*left, self.trouble]

    def refresh(self) -> None:
        """Take over what has been committed since.

        Raises LineageError when the store has another model's codes by now: open it again.
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
        """The file of the model whose codes these are, where the store keeps it; otherwise None.

        It is as it was when it was kept.
        """
        identity = self._catalog.model_id()
        if identity is not None and identity not in self._sound_models:
            self._sound_models[identity] = sound_model(self.path, identity)
        return None if identity is None else self._sound_models[identity]

    @property
    def keeps_model(self) -> bool:
        """Whether the store keeps the file of the model whose codes these are."""
        return self._catalog.model_id() is not None

    def earlier(self) -> list[Earlier]:
        """What could not follow the store to the model whose codes it holds: see Earlier."""
        return earlier_of(self.path)

    def restorations(self) -> list[Restoration]:
        """When this store was restored from a backup, the newest last."""
        return self._catalog.restorations()

    def counts(self) -> tuple[int, int]:
        """How many scenes and tiles are stored."""
        return self._catalog.scenes.count()

    def resolve(self, where: Filter) -> Filter:
        """The filter, with the whole path of a scene that it names by its last parts.

        Raises StoreError when it can meet no tile: no stored scene has the label or the path, or
        any time or footprint; or when several scenes end in that path.
        """
        with self._catalog.database.snapshot():
            return resolve(InCatalog(self._catalog), where, str(self.path))

    def warm(self) -> None:
        """Read the index and load its fastest loops now, where there is one: searches do so by
        themselves once they have taken as long."""
        if self.indexed:
            self._snapshot.index.warm()

    def build_index(self) -> None:
        """Bring the index up to date now; a writer does so by itself as scenes come in.

        Raises StoreError when it cannot be written; searches do without what is missing.
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
        """Take over what is committed now."""
        self._snapshot = Snapshot.of(self.path, self._catalog, self._snapshot)

    @contextlib.contextmanager
    def _pinned(self) -> Iterator[None]:
        """All that is read inside is what is committed now; other threads wait meanwhile."""
        while True:
            self.refresh()
            with self._catalog.database.snapshot():
                if self._catalog.checksum() == self._snapshot.committed.checksum:
                    yield
                    return

    def _settled(self, ask: Callable[[], Answer]) -> Answer:
        """An answer from the snapshot; where that fails, from what is committed now.

        What is read may have been deleted or changed since the snapshot was taken: damage is only
        what is damaged at one moment.
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
    """Say what to do about a scene that is damaged."""
    try:
        yield
    except StoreDamagedError as damage:
        raise StoreDamagedError(
            f"{damage}; ingest that scene again, or delete the damaged scenes: "
            "scenehash store delete --damaged"
        ) from damage
