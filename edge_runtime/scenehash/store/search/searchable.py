"""The interface of holders of tiles for a search: a store here, or an engine elsewhere."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from scenehash.codes import Codes
from scenehash.errors import LineageError
from scenehash.geo import Box

from ..records import PlacedTile, Tile
from ..rows import Rows
from .filters import Filter
from .hit import Hit
from .request import SearchRequest
from .sample import TileSample

if TYPE_CHECKING:
    from scenehash.index import Explanation


class Pictures(Protocol):
    """Thumbnails of tiles, if the holder keeps them."""

    @property
    def kept(self) -> bool:
        """Whether the holder keeps them."""

    def of(self, rows: Sequence[int]) -> Mapping[int, bytes]:
        """A JPEG by row, for the rows that have one."""


class Representations(Protocol):
    """Vectors of tiles, if the holder keeps them."""

    @property
    def frame(self) -> str | None:
        """The frame of the stored vectors; None if there are none."""

    def read(self, rows: Rows) -> tuple[Rows, npt.NDArray[np.int8]]:
        """Those of rows int64 [N] with a vector, and the vectors: int8 [M, D]."""


class HoldsCodes(Protocol):
    """A holder of codes of one lineage and one width."""

    @property
    def address(self) -> str:
        """The folder of a store, or the address of an engine."""

    @property
    def lineage(self) -> str:
        """Id of the training run that made these codes."""

    @property
    def bits(self) -> int:
        """Width K of a code."""

    @property
    def model(self) -> str:
        """Name of the model that made the codes, for people."""


def check_codes(held: HoldsCodes, lineage: str, bits: int, kind: str = "store") -> None:
    """Raise LineageError unless the holder has codes of this lineage and width.

    kind: the kind of holder, in a word.
    """
    if (lineage, bits) == (held.lineage, held.bits):
        return
    if lineage == held.lineage:
        raise LineageError(
            f"{held.address}: holds codes of {held.bits} bits, not of {bits}; leave out --bits, "
            f"or choose another {kind}"
        )
    raise LineageError(
        f"{held.address}: holds {held.bits}-bit codes of model {held.model} (lineage "
        f"{held.lineage}), not {bits}-bit codes of lineage {lineage}; name that model with "
        f"--model, or choose another {kind}"
    )


class Searchable(HoldsCodes, Protocol):
    """Searchable tiles of one lineage and one width: CodeStore, or an engine.

    Hits always have the same order: by distance, then by station and row.
    """

    @property
    def thumbnails(self) -> Pictures:
        """Small pictures of tiles."""

    @property
    def vectors(self) -> Representations:
        """Representations of tiles."""

    def __len__(self) -> int:
        """The number of searchable tiles."""

    def check(self, lineage: str, bits: int) -> None:
        """Raise LineageError unless the codes have this lineage and width."""

    def resolve(self, where: Filter) -> Filter:
        """The filter with full names; StoreError when no tile can meet it."""

    def search_any(self, request: SearchRequest) -> "tuple[list[Hit], Explanation]":
        """The k tiles nearest to any of the codes, and an explanation of the search."""

    def count_within(self, request: SearchRequest) -> int | None:
        """The number of tiles that meet a request with a radius, for any k; None: too many to
        count.
        """

    def stored_tile(self, row: int, station: str | None = None) -> tuple[Codes, Tile]:
        """The code uint8 [1, K/8] and the tile in a row of a station.

        station: None for the only one. NotStoredError when there is no such tile.
        """

    def tiles_meeting(self, box: Box) -> list[PlacedTile]:
        """The tiles whose bounding box meets a box, by station and row."""

    def codes_of(self, hits: Sequence[Hit]) -> Codes:
        """The codes uint8 [N, K/8] of hits of this store."""

    def sample(self) -> TileSample:
        """A random sample of tiles with a vector."""

    def model_file(self) -> Path | None:
        """The file of the model of these codes, if it is kept here."""

    def notes(self) -> list[str]:
        """Notes for a person about a search in it, one line each."""
