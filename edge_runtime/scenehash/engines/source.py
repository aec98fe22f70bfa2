"""The source of a push: the scenes of a station, each with the rows of its tiles."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from scenehash.codes import Codes
from scenehash.errors import ConfigurationError, ScenehashError, StoreDamagedError
from scenehash.store import CodeStore, SceneRecord
from scenehash.store.records import SceneMark


@dataclass(frozen=True)
class Facts:
    """Facts about a station's scenes, for filters: all labels, by name; the first and the last
    time, in seconds since 1970; whether any is georeferenced.
    """

    labels: tuple[str, ...] = ()
    first: float | None = None
    last: float | None = None
    placed: bool = False

    @classmethod
    def of(cls, scene: SceneRecord) -> "Facts":
        """The facts about one scene."""
        return cls(scene.labels, scene.time, scene.time, scene.footprints is not None)

    def joined(self, other: "Facts") -> "Facts":
        """The facts about the scenes of both."""
        firsts = [time for time in (self.first, other.first) if time is not None]
        lasts = [time for time in (self.last, other.last) if time is not None]
        return Facts(
            tuple(sorted({*self.labels, *other.labels})),
            min(firsts, default=None),
            max(lasts, default=None),
            self.placed or other.placed,
        )


class SceneRead(NamedTuple):
    """A scene to push: its record, its codes uint8 [T, K/8], and its changing seal."""

    record: SceneRecord
    codes: Codes
    seal: str


class Source(Protocol):
    """The scenes of a station. Marks and facts are those of one moment.

    text: its name, for people. id: different for each source. station: its station's name. rename:
    the command that renames it. rows: one more than its highest row.
    """

    text: str
    id: str
    station: str
    rename: str
    lineage: str
    bits: int
    model: str
    rows: int

    def marks(self) -> Iterator[SceneMark]:
        """The first row, the number of tiles and the seal of every scene, by first row."""

    def read(self, first_rows: Sequence[int]) -> Iterator[SceneRead | ScenehashError]:
        """The scenes that begin in rows, in that order, or their errors. Skips missing scenes."""

    def facts(self, known: Facts) -> Facts:
        """The facts about its scenes. known: those about the scenes that were pushed before."""


class StoreSource:
    """The scenes of an open store; see Source. ConfigurationError when it has no station name."""

    def __init__(self, store: CodeStore) -> None:
        if store.station is None:
            raise ConfigurationError(
                f"{store.path}: the store has no station name, which an engine needs; set one "
                f"with: scenehash store station NAME --store {store.path}"
            )
        self._store = store
        self.text, self.id, self.station = str(store.path), store.uuid, store.station
        self.rename = f"scenehash store station NAME --store {store.path}"
        self.lineage, self.bits, self.model = store.lineage, store.bits, store.model
        self.rows = store.rows
        first, last = store.times() or (None, None)
        labels = tuple(label for label, _ in store.label_counts())
        self._facts = Facts(labels, first, last, store.has_footprints())

    def marks(self) -> Iterator[SceneMark]:
        """See Source."""
        return self._store.scene_marks()

    def read(self, first_rows: Sequence[int]) -> Iterator[SceneRead | ScenehashError]:
        """See Source."""
        for found in self._store.scenes_from(first_rows):
            if isinstance(found, StoreDamagedError):
                yield found
            else:
                record, codes = found
                yield SceneRead(record, codes, record.checksum().hex())

    def facts(self, known: Facts) -> Facts:
        """See Source."""
        del known
        return self._facts
