"""What a store is searched for."""

from dataclasses import dataclass

from scenehash.codes import Codes

from .filters import Filter


@dataclass(frozen=True)
class SearchRequest:
    """The k tiles nearest to codes uint8 [Q, K/8].

    radius: leave out tiles that are farther, in bits. where: search only the rows for which the
    filter holds. unlike: uint8 [U, K/8]; a tile that is as near to one of these, or nearer, is left
    out.
    """

    codes: Codes
    k: int
    radius: int | None = None
    where: Filter | None = None
    unlike: Codes | None = None
    threads: int = 1
