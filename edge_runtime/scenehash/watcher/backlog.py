"""Files that wait to be hashed."""

from collections.abc import Iterable

from scenehash.store import Arrival

# Files that are hashed together: few, so that an event waits for few scenes.
FILES_AT_ONCE, BYTES_AT_ONCE = 16, 32 << 20


class Backlog:
    """A queue of files.

    Without a limit: the oldest first. With a limit: the newest first, and when more than limit
    files wait, the oldest are dropped, because new scenes matter most.
    """

    def __init__(self, limit: int | None = None) -> None:
        self._limit = limit
        self._files: dict[str, Arrival] = {}

    def __len__(self) -> int:
        return len(self._files)

    def add(self, files: Iterable[Arrival]) -> list[Arrival]:
        """Queue files, the oldest first; returns the dropped files.

        A file that changed while it waited keeps its place with its new state.
        """
        for file in files:
            self._files.pop(file.path, None)
            self._files[file.path] = file
        excess = 0 if self._limit is None else max(0, len(self._files) - self._limit)
        return [self._files.pop(path) for path in list(self._files)[:excess]]

    def take(self) -> list[Arrival]:
        """The next files to hash together; at least one if any file waits."""
        taken: list[Arrival] = []
        size = 0
        for path in list(self._files if self._limit is None else reversed(self._files)):
            size += self._files[path].size
            if len(taken) == FILES_AT_ONCE or (taken and size > BYTES_AT_ONCE):
                break
            taken.append(self._files.pop(path))
        return taken

    def put_back(self, files: Iterable[Arrival]) -> None:
        """Put taken files back at the front of the queue."""
        taken = {file.path: file for file in files if file.path not in self._files}
        if self._limit is None:
            self._files = {**taken, **self._files}
        else:
            self._files.update(reversed(taken.items()))
