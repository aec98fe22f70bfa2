"""The manifest of an archive: finished and failed scenes, with reasons.

The process of the run writes it every few seconds. The names of parts give the same information:
even without the manifest nothing is hashed again.
"""

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from scenehash.errors import ArchiveError
from scenehash.scenes.files import content_id

from .storage import MANIFEST, Storage

KIND = "scenehash archive"
MOST_BYTES = 4 << 30
# Writing a manifest of a million scenes takes seconds: wait ten times as long in between.
SECONDS_BETWEEN, SHARE = 5.0, 10

State = Literal["waiting", "done", "failed"]
# Names as part_name gives them; beyond any count of tiles, bits and dimensions.
IS_PART = re.compile(r"parts/[0-9a-f]{2}/[0-9a-f]{32}(-\d{4,}-of-\d{4,})?\.parquet")
MOST = 1 << 31
_RECIPE: dict[str, set[type]] = {
    "lineage": {str}, "model": {str}, "bits": {int}, "dims": {int}, "thumbnails": {bool},
    "frame": {str, type(None)},
}  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """The result of a scene.

    state: waiting, done or failed; reason: for a failure. file: the size and time of its file, so
    that a run need not open it again. parts: in their order.
    """

    scene: str
    state: State = "waiting"
    file: str = ""
    content: str = ""
    parts: tuple[str, ...] = ()
    tiles: int = 0
    skipped: int = 0
    reason: str = ""

    def checked(self) -> "Entry":
        """The entry itself; ValueError unless it is one that a run writes.

        Its parts lie in the archive, since they are read, and deleted when their scene changes.
        """
        texts = self.scene, self.file, self.content, self.reason, *self.parts
        counts = self.tiles, self.skipped
        if (
            not all(isinstance(text, str) for text in texts)
            or not all(type(count) is int and 0 <= count < MOST for count in counts)
            or self.state not in get_args(State)
            or (self.state == "done" and not self.parts)
        ):
            raise ValueError("an entry with other values")
        if other := [part for part in self.parts if not IS_PART.fullmatch(part)]:
            raise ValueError(f"{ascii(other[0])[:60]} is not the name of a part")
        return self

    def document(self) -> dict[str, Any]:
        """The entry as plain values for JSON."""
        return vars(self) | {"parts": list(self.parts)}


@dataclass
class Manifest:
    """The scenes of an archive, in the order of an ingest.

    recipe: the settings that determine its parts, see Recipe.document. ended: the scenes that this
    run did.
    """

    recipe: dict[str, Any]
    entries: dict[str, Entry] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries.values())

    def set(self, entry: Entry) -> None:
        """Record the result of a scene; a new scene comes last."""
        self.entries[entry.scene] = entry
        if entry.state != "waiting":
            self.ended.add(entry.scene)

    def add_others(self, other: "Manifest") -> None:
        """Add what other runs did since; ArchiveError when they have other options."""
        if other.recipe != self.recipe:
            raise ArchiveError(f"{MANIFEST}: another run began this archive with other options")
        for scene, entry in other.entries.items():
            if scene not in self.ended:
                self.entries[scene] = entry

    def data(self) -> bytes:
        """The manifest as JSON, a line a scene."""
        head = json.dumps({"kind": KIND, "recipe": self.recipe})[:-1]
        lines = ",\n".join(json.dumps(entry.document()) for entry in self)
        return f'{head}, "scenes": [\n{lines}\n]}}\n'.encode()

    @classmethod
    def read(cls, storage: Storage) -> "Manifest | None":
        """The manifest of an archive; None if there is none yet. ArchiveError on damage."""
        if not storage.exists(MANIFEST):
            return None
        return cls.parsed(storage.read(MANIFEST, MOST_BYTES), storage)

    @classmethod
    def parsed(cls, data: bytes, storage: Storage) -> "Manifest":
        """The manifest in the bytes of its file; ArchiveError on damage."""
        try:
            document = json.loads(data)
            if document["kind"] != KIND:
                raise ValueError("it is of another kind")
            entries = [
                Entry(**{**entry, "parts": tuple(entry["parts"])}).checked()
                for entry in document["scenes"]
            ]
            recipe = _checked_recipe(document["recipe"])
            return cls(recipe, {entry.scene: entry for entry in entries})
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise ArchiveError(
                f"{storage}: {MANIFEST} is not the manifest of an archive ({error}); delete it, "
                "and hash again: finished parts are kept"
            ) from error


def _checked_recipe(recipe: dict[str, Any]) -> dict[str, Any]:
    """The recipe itself; ValueError unless the values that are read from it are of their types."""
    for name, kinds in _RECIPE.items():
        value = recipe[name]
        if type(value) not in kinds or (isinstance(value, int) and not 0 <= value < MOST):
            raise ValueError(f"{name} in its recipe is {ascii(value)[:60]}")
    return recipe


class Keeper:
    """Writes a manifest while it changes, in at most a tenth of the time."""

    def __init__(self, manifest: Manifest, storage: Storage) -> None:
        self._manifest, self._storage = manifest, storage
        self._due = time.monotonic()
        self._written = ""

    def keep_when_due(self) -> None:
        """Write it, if it was not written for a while."""
        if time.monotonic() >= self._due:
            self.keep()

    def keep(self) -> None:
        """Write it, with what other runs wrote since; ArchiveError when it cannot be written."""
        began = time.monotonic()
        with self._storage.alone():
            if self._storage.exists(MANIFEST):
                there = self._storage.read(MANIFEST, MOST_BYTES)
                if content_id(there) != self._written:
                    self._manifest.add_others(Manifest.parsed(there, self._storage))
            data = self._manifest.data()
            self._storage.write(MANIFEST, data)
            self._written = content_id(data)
        ended = time.monotonic()
        self._due = ended + max(SECONDS_BETWEEN, SHARE * (ended - began))
