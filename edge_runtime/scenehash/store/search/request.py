"""The parameters of a search in a store."""

from dataclasses import dataclass

from scenehash.codes import Codes

from .filters import Filter


@dataclass(frozen=True)
class SearchRequest:
    """The k tiles nearest to codes uint8 [Q, K/8].

    radius: leave out tiles with a larger distance, in bits. where: search only rows that meet the
    filter. unlike: uint8 [U, K/8]; leave out tiles that are at least as near to one of these.
    """

    codes: Codes
    k: int
    radius: int | None = None
    where: Filter | None = None
    unlike: Codes | None = None
    threads: int = 1
