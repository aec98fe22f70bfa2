"""The checked scenes of a codes file that a process remembers while the file only grows."""

import uuid
from pathlib import Path

from .codes_file import CodesFile

# The maximum number of remembered scenes.
MOST_CHECKED = 100_000

# Where and how each file of codes was when this process last read it, and what it knows of it.
_known: "dict[Path, tuple[tuple[int, ...], Origin]]" = {}


class Origin:
    """The results of checks of codes, valid while only new codes are appended.

    It outlives the opened store, because a watch opens the store at every step. But another program
    may have changed the file meanwhile, for example copied a backup over it; its codes then have a
    new origin without results.
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
        """Whether a file is the same as at the last check, and not another file of that name."""
        seen, origin = _known.get(file.path.absolute(), ((), None))
        return origin is self and seen[:2] == file.identity()[:2]

    def note(self, file: CodesFile) -> None:
        """Record the present state of the file."""
        _known[file.path.absolute()] = file.identity(), self

    def sound_rows(self, scene: int, checksum: object) -> range | None:
        """The rows of a scene that was sound when it had this checksum; else None."""
        known, rows = self._sound.get(scene, (None, None))
        return rows if known == checksum else None

    def note_sound(self, scene: int, checksum: object, rows: range) -> None:
        """Record that a scene with this checksum is sound, and its rows."""
        if len(self._sound) >= MOST_CHECKED:
            self._sound.clear()
        self._sound[scene] = checksum, rows
