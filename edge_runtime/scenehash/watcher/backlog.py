"""Files that wait to be hashed."""

from collections.abc import Iterable

from scenehash.store import Arrival

# Hashed together before their events are delivered: few, so that an event waits for few scenes.
FILES_AT_ONCE, BYTES_AT_ONCE = 16, 32 << 20


class Backlog:
    """A queue of files.

    Without a limit: the oldest first, however many. With one: the newest first, and when more than
    limit wait, the oldest are dropped: what is new matters most when there is no time for all.
    """

    def __init__(self, limit: int | None = None) -> None:
        self._limit = limit
        self._files: dict[str, Arrival] = {}

    def __len__(self) -> int:
        return len(self._files)

    def add(self, files: Iterable[Arrival]) -> list[Arrival]:
        """Queue files, the oldest first; returns those that are dropped.

        A file that was written to again while it waited waits as it is now.
        """
        for file in files:
            self._files.pop(file.path, None)
            self._files[file.path] = file
        excess = 0 if self._limit is None else max(0, len(self._files) - self._limit)
        return [self._files.pop(path) for path in list(self._files)[:excess]]

    def take(self) -> list[Arrival]:
        """The next files to be hashed together; at least one, when any wait."""
        taken: list[Arrival] = []
        size = 0
        for path in list(self._files if self._limit is None else reversed(self._files)):
            size += self._files[path].size
            if len(taken) == FILES_AT_ONCE or (taken and size > BYTES_AT_ONCE):
                break
            taken.append(self._files.pop(path))
        return taken

    def put_back(self, files: Iterable[Arrival]) -> None:
        """Queue files again that were taken, in front of those that came later."""
        taken = {file.path: file for file in files if file.path not in self._files}
        if self._limit is None:
            self._files = {**taken, **self._files}
        else:
            self._files.update(reversed(taken.items()))
