"""What a search needs of whatever holds tiles: a store here, or an engine elsewhere."""

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
    """Thumbnails of tiles, where they are kept."""

    @property
    def kept(self) -> bool:
        """Whether they are."""

    def of(self, rows: Sequence[int]) -> Mapping[int, bytes]:
        """A JPEG by row, of rows that have one."""


class Representations(Protocol):
    """Vectors of tiles, where they are kept."""

    @property
    def frame(self) -> str | None:
        """The frame of the vectors that are kept; None when none are."""

    def read(self, rows: Rows) -> tuple[Rows, npt.NDArray[np.int8]]:
        """Those of rows int64 [N] of which there is a vector, and these: int8 [M, D]."""


class HoldsCodes(Protocol):
    """What holds codes of one lineage and one width."""

    @property
    def address(self) -> str:
        """The folder of a store, or the address of an engine."""

    @property
    def lineage(self) -> str:
        """Id of the training run whose codes these are."""

    @property
    def bits(self) -> int:
        """Width K of a code."""

    @property
    def model(self) -> str:
        """Name of the model that made the codes, for people."""


def check_codes(held: HoldsCodes, lineage: str, bits: int, kind: str = "store") -> None:
    """Raise LineageError unless codes of this lineage and width are as those that are held.

    kind: what holds them, in a word.
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
    """Tiles of one lineage and one width, which can be searched: CodeStore, or an engine.

    Hits come in one order whatever answers: by distance, then by station and row.
    """

    @property
    def thumbnails(self) -> Pictures:
        """Small pictures of tiles."""

    @property
    def vectors(self) -> Representations:
        """Representations of tiles."""

    def __len__(self) -> int:
        """How many tiles can be found."""

    def check(self, lineage: str, bits: int) -> None:
        """Raise LineageError unless these are codes of this lineage and width."""

    def resolve(self, where: Filter) -> Filter:
        """The filter with whole names; StoreError when it can meet no tile."""

    def search_any(self, request: SearchRequest) -> "tuple[list[Hit], Explanation]":
        """The k tiles nearest to any of the codes, and what the search did."""

    def count_within(self, request: SearchRequest) -> int | None:
        """How many tiles meet a request with a radius, whatever its k; None: too many to count."""

    def stored_tile(self, row: int, station: str | None = None) -> tuple[Codes, Tile]:
        """The code uint8 [1, K/8] and the tile in a row of a station.

        station: None for the only one. NotStoredError where there is none.
        """

    def tiles_meeting(self, box: Box) -> list[PlacedTile]:
        """The tiles whose bounding box meets a box, by station and row."""

    def codes_of(self, hits: Sequence[Hit]) -> Codes:
        """The codes uint8 [N, K/8] of hits of this store."""

    def sample(self) -> TileSample:
        """Some tiles that have a vector, drawn at random."""

    def model_file(self) -> Path | None:
        """The file of the model whose codes these are, where it is kept here."""

    def notes(self) -> list[str]:
        """What a person should know of a search in it, a line each."""
