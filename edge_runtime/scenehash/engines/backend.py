"""The interface of an engine; Milvus and PostgreSQL implement it in their modules."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from scenehash.codes import Codes
from scenehash.geo import Box

from .tiles import EngineMark, EngineScene, EngineTiles, Numbers, Span, StoredTile

Document = dict[str, object]


@dataclass(frozen=True)
class Conditions:
    """Conditions of a search.

    stations: the numbers of the stations to search, by name: of tiles at one distance, those of an
    earlier station come first. rows: by the number of a station, one more than its highest row.
    all_stations: whether these are all stations. after: only rows after this one. scenes: only
    tiles of these scenes, by the numbers of their first tiles. others: only tiles of other scenes
    than these. since, until: seconds since 1970. boxes: only tiles that meet one of these, which do
    not cross the antimeridian.
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
    """Found tiles: distances int32 [N] and numbers int64 [N], nearest first; and the number of
    requests.
    """

    distances: npt.NDArray[np.int32]
    numbers: Numbers
    requests: int


class Backend(Protocol):
    """An open connection to a collection of an engine.

    A collection has documents by key, and shelves: one shelf for the codes of each lineage and
    width, with scenes and tiles. A repeated write has no effect. Every method raises EngineError,
    and EngineUnreachableError if another try may help.
    """

    @property
    def name(self) -> str:
        """The engine's name and version, for people."""

    @property
    def plan(self) -> str:
        """How it compares codes, for people."""

    def read(self, key: str) -> Document | None:
        """A document; None if there is none."""

    def documents(self, prefix: str) -> dict[str, Document]:
        """The documents whose keys have this beginning."""

    def write(self, key: str, document: Document) -> None:
        """Write a document; replaces an existing one."""

    def erase(self, keys: Sequence[str]) -> None:
        """Remove documents."""

    def make(self, shelf: str, bits: int) -> None:
        """Make a shelf if it does not exist."""

    def drop(self, shelf: str) -> None:
        """Remove a shelf with all its contents."""

    def marks(self, shelf: str, station: int, rows: int) -> Iterator[EngineMark]:
        """The scenes of a station that begin in the first rows, this many."""

    def put(self, shelf: str, scenes: Sequence[EngineTiles], fresh: bool = False) -> None:
        """Store scenes with their tiles; replaces existing data in these rows.

        After an interruption, marks shows which scenes are incomplete. fresh: there is no such
        data, and nobody else writes any, so that an engine need not check. If that was wrong,
        there are too many tiles.
        """

    def count_in(self, shelf: str, span: Span) -> int:
        """The number of tiles in a span of numbers, after all that was written."""

    def remove(self, shelf: str, scenes: Sequence[EngineMark]) -> None:
        """Remove scenes with their tiles."""

    def settle(self, shelf: str) -> None:
        """Return when every search sees all written data."""

    def count(self, shelf: str) -> int:
        """The number of tiles."""

    def nearest(
        self, shelf: str, codes: Codes, k: int, radius: int | None, where: Conditions
    ) -> Found:
        """The k tiles nearest to any of codes uint8 [Q, K/8], within a radius.

        Ordered by distance, then by station in the order of the conditions, then by row; always
        exact.
        """

    def count_within(self, shelf: str, codes: Codes, radius: int, where: Conditions) -> int | None:
        """The number of tiles within a radius of any of the codes; None: too many to count."""

    def tiles_at(self, shelf: str, numbers: Sequence[int]) -> dict[int, StoredTile]:
        """The tiles with these numbers; missing ones are left out."""

    def scenes_at(self, shelf: str, firsts: Sequence[int]) -> dict[int, EngineScene]:
        """The scenes whose first tiles have these numbers; missing ones are left out."""

    def scenes_of_path(self, shelf: str, path: str) -> list[int]:
        """The numbers of the first tiles of the scenes with a path."""

    def paths_ending(self, shelf: str, ending: str, most: int) -> list[str]:
        """The paths with this end, by name; at most this many. ending: from a / on."""

    def close(self) -> None:
        """Close the connection."""
