"""What an engine must be able to do: Milvus and PostgreSQL each do it in a module of their own."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from scenehash.codes import Codes
from scenehash.geo import Box

from .tiles import EngineMark, EngineScene, EngineTiles, Numbers, StoredTile

Document = dict[str, object]


@dataclass(frozen=True)
class Conditions:
    """Which tiles are searched.

    stations: the numbers of those that may have them, by their names: of tiles at one distance
    those of an earlier station come first. rows: by the number of a station one more than its
    highest row. all_stations: whether these are all that there are. after: only rows after this
    one. scenes: only tiles of these, by the numbers of their first tiles. others: only tiles of
    others than these. since, until: seconds since 1970. boxes: only tiles that meet one of these,
    which cross no antimeridian.
    """

    stations: tuple[int, ...]
    rows: Mapping[int, int]
    all_stations: bool = True
    after: int | None = None
    scenes: tuple[int, ...] | None = None
    since: float | None = None
    until: float | None = None
    label: str | None = None
    boxes: tuple[Box, ...] = ()
    others: tuple[int, ...] = ()


class Found(NamedTuple):
    """Tiles that were found: distances int32 [N] and numbers int64 [N], nearest first; and how many
    requests that took."""

    distances: npt.NDArray[np.int32]
    numbers: Numbers
    requests: int


class Backend(Protocol):
    """An open connection to a collection of an engine.

    A collection has documents by key, and shelves: one for the codes of each lineage and width,
    with scenes and tiles. Whatever is written may be written again: nothing is there twice. Every
    method raises EngineError, and EngineUnreachableError where trying again may help.
    """

    @property
    def name(self) -> str:
        """The engine's name and version, for people."""

    @property
    def plan(self) -> str:
        """How it compares codes, for people."""

    def read(self, key: str) -> Document | None:
        """A document; None when there is none."""

    def documents(self, prefix: str) -> dict[str, Document]:
        """The documents whose keys begin so."""

    def write(self, key: str, document: Document) -> None:
        """Write a document in the place of the one that is there."""

    def erase(self, keys: Sequence[str]) -> None:
        """Remove documents."""

    def make(self, shelf: str, bits: int) -> None:
        """Make a shelf, unless it is there."""

    def drop(self, shelf: str) -> None:
        """Remove a shelf with all that is in it."""

    def marks(self, shelf: str, station: int, rows: int) -> Iterator[EngineMark]:
        """The scenes of a station that begin in the first so many rows."""

    def put(self, shelf: str, scenes: Sequence[EngineTiles], fresh: bool = False) -> None:
        """Keep scenes with their tiles, in the place of what is there in these rows.

        When it is interrupted, marks says which scenes have not all of their tiles. fresh: nothing
        is there, and nobody else puts anything there: an engine need not look. Where that was not
        so, doubled says which scenes to put again.
        """

    def doubled(self, shelf: str, marks: Sequence[EngineMark]) -> list[EngineMark]:
        """Those of the scenes of a station, all of them by first row, that have too many tiles."""

    def remove(self, shelf: str, scenes: Sequence[EngineMark]) -> None:
        """Remove scenes with their tiles."""

    def settle(self, shelf: str) -> None:
        """Return when every search sees what has been written."""

    def count(self, shelf: str) -> int:
        """How many tiles there are."""

    def nearest(
        self, shelf: str, codes: Codes, k: int, radius: int | None, where: Conditions
    ) -> Found:
        """The k tiles nearest to any of codes uint8 [Q, K/8], at most a radius away.

        By distance, then by station as the conditions order them, then by row: exactly those.
        """

    def count_within(self, shelf: str, codes: Codes, radius: int, where: Conditions) -> int | None:
        """How many tiles are within a radius of any of the codes; None: too many to count."""

    def tiles_at(self, shelf: str, numbers: Sequence[int]) -> dict[int, StoredTile]:
        """The tiles of these numbers; one that is not there is left out."""

    def scenes_at(self, shelf: str, firsts: Sequence[int]) -> dict[int, EngineScene]:
        """The scenes whose first tiles have these numbers; one that is not there is left out."""

    def scenes_of_path(self, shelf: str, path: str) -> list[int]:
        """The numbers of the first tiles of the scenes that have a path."""

    def paths_ending(self, shelf: str, ending: str, most: int) -> list[str]:
        """The paths that end so, by name; at most so many. ending: from a / on."""

    def close(self) -> None:
        """End the connection."""
