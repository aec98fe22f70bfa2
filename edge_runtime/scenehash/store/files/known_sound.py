"""What a process knows of the codes of a store, for as long as they have only been appended to."""

import uuid
from pathlib import Path

from .codes_file import CodesFile

# Scenes that are known to be sound, at most.
MOST_CHECKED = 100_000

# Where and how each file of codes was when this process last read it, and what it knows of it.
_known: "dict[Path, tuple[tuple[int, ...], Origin]]" = {}


class Origin:
    """What was found of codes, and of those that have been appended to them since.

    It outlives the store that was opened: a watch opens it at every step. But a file that was
    changed by others meanwhile may be a backup that was copied over what was there; its codes have
    a new origin, of which nothing is known.
    """

    def __init__(self) -> None:
        self.name = uuid.uuid4().hex
        self._sound: dict[int, tuple[object, range]] = {}

    @classmethod
    def of(cls, file: CodesFile) -> "Origin":
        """The origin of the codes in a file."""
        seen, origin = _known.get(file.path.absolute(), ((), None))
        return cls() if origin is None or seen != file.identity() else origin

    def is_of(self, file: CodesFile) -> bool:
        """Whether a file is the one that was known last, and not another of its name."""
        seen, origin = _known.get(file.path.absolute(), ((), None))
        return origin is self and seen[:2] == file.identity()[:2]

    def note(self, file: CodesFile) -> None:
        """Know the file again as it is now."""
        _known[file.path.absolute()] = file.identity(), self

    def sound_rows(self, scene: int, checksum: object) -> range | None:
        """The rows of a scene that was found to be sound when it had this checksum; else None."""
        known, rows = self._sound.get(scene, (None, None))
        return rows if known == checksum else None

    def note_sound(self, scene: int, checksum: object, rows: range) -> None:
        """Remember that a scene of this checksum is sound, and which rows are its own."""
        if len(self._sound) >= MOST_CHECKED:
            self._sound.clear()
        self._sound[scene] = checksum, rows
