"""The options of a bundle: its size, its receiver, and data to send again."""

from dataclasses import dataclass
from pathlib import Path

from scenehash.errors import ConfigurationError

# The size of a bundle without room for any block.
LEAST_BYTES = 512
# How often unacknowledged data is sent.
TIMES = 3


@dataclass(frozen=True)
class PackOptions:
    """The options of a bundle.

    max_bytes: its maximum size; None: no limit. times: how often unacknowledged data is sent. down:
    for a station, without tiles: receipts, queries, and the store's alerts. files: models and
    adaptations for a station, in as many pieces as there is room for. letters_only: only queries or
    answers, and requested data. again, again_events: ranges (first, last) of rows and of events to
    send as if they were new; link_status at the other end lists them, for a link without receipts.
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
