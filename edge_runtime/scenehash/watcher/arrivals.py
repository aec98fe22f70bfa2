"""Which files are complete."""

from dataclasses import dataclass, field
from typing import NamedTuple

from scenehash.store import Arrival

from .listing import Listing


class Now(NamedTuple):
    """A moment: on a clock that never goes back, and in seconds since 1970, which may go back."""

    elapsed: float
    clock: float


@dataclass
class Arrivals:
    """Finds the files that became complete between two scans; each state of a file only once.

    A file is complete when its size and mtime were the same for settle seconds of scans, or when it
    was last written at least settle seconds ago (for example written elsewhere and then renamed).
    trust_clock: whether mtimes come from this machine's clock, which is not so for a network
    folder. marks: a file is complete only when its mark exists.
    """

    settle: float
    trust_clock: bool = True
    marks: bool = False
    _settling: dict[str, tuple[Arrival, float]] = field(default_factory=dict)
    _returned: dict[str, Arrival] = field(default_factory=dict)

    @property
    def settling(self) -> int:
        """The number of files that are not complete yet."""
        return len(self._settling)

    def complete(self, listing: Listing, now: Now) -> list[Arrival]:
        """The files that are complete now and were not returned before, the oldest first."""
        before, self._settling = self._settling, {}
        returned, self._returned = self._returned, {}
        complete = []
        for file in listing.files:
            if returned.get(file.path) == file:
                self._returned[file.path] = file
                continue
            seen, since = before.get(file.path, (file, now.elapsed))
            if seen != file:
                since = now.elapsed
            if self._is_complete(file, since, listing, now):
                self._returned[file.path] = file
                complete.append(file)
            else:
                self._settling[file.path] = (file, since)
        return sorted(complete, key=lambda file: (file.modified, file.path))

    def _is_complete(self, file: Arrival, since: float, listing: Listing, now: Now) -> bool:
        if self.marks:
            return file.path in listing.marked
        age = now.clock - file.modified / 1e9
        return now.elapsed - since >= self.settle or (self.trust_clock and age >= self.settle)
