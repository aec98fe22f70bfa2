"""What a bundle may be: its size, whom it is for, and what goes again."""

from dataclasses import dataclass
from pathlib import Path

from scenehash.errors import ConfigurationError

# The bytes of a bundle in which no block fits any more.
LEAST_BYTES = 512
# How often all is sent that nobody acknowledges.
TIMES = 3


@dataclass(frozen=True)
class PackOptions:
    """What a bundle may be.

    max_bytes: it is never larger; None: everything. times: how often what nobody acknowledges is
    sent. down: it is for a station, and has no tiles: receipts, queries, and the store's alerts.
    files: models and adaptations that a station is to have, in as many pieces as there is room for.
    letters_only: it has queries or answers, and what was asked for, and nothing else. again,
    again_events: ranges (first, last) of rows and of events that go as if they never had, which
    link_status lists at the other end of a link without receipts.
    """

    max_bytes: int | None = None
    times: int = TIMES
    down: bool = False
    letters_only: bool = False
    files: tuple[Path, ...] = ()
    again: tuple[tuple[int, int], ...] = ()
    again_events: tuple[tuple[int, int], ...] = ()

    def __post_init__(self) -> None:
        if self.max_bytes is not None and self.max_bytes < LEAST_BYTES:
            raise ConfigurationError(f"a bundle of {self.max_bytes} bytes: give {LEAST_BYTES}")
        if any(not 0 <= first <= last for first, last in (*self.again, *self.again_events)):
            raise ConfigurationError("a range is FIRST-LAST, such as 120-180")
        if self.times < 1:
            raise ConfigurationError("times: give 1 or more")
