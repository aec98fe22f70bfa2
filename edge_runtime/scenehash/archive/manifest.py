"""The manifest of an archive: finished and failed scenes, with reasons.

The process of the run writes it every few seconds. The names of parts give the same information:
even without the manifest nothing is hashed again.
"""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from scenehash.errors import ArchiveError

from .storage import MANIFEST, Storage

KIND = "scenehash archive"
MOST_BYTES = 4 << 30
# Writing a manifest of a million scenes takes seconds: wait ten times as long in between.
SECONDS_BETWEEN, SHARE = 5.0, 10

State = Literal["waiting", "done", "failed"]


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

    def document(self) -> dict[str, Any]:
        """The entry as plain values for JSON."""
        return vars(self) | {"parts": list(self.parts)}


@dataclass
class Manifest:
    """The scenes of an archive, in the order of an ingest.

    recipe: the settings that determine its parts, see Recipe.document.
    """

    recipe: dict[str, Any]
    entries: dict[str, Entry] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries.values())

    def set(self, entry: Entry) -> None:
        """Record the result of a scene; a new scene comes last."""
        self.entries[entry.scene] = entry

    def change(self, scene: str, **fields: Any) -> Entry:
        """Change fields of an entry."""
        self.entries[scene] = replace(self.entries[scene], **fields)
        return self.entries[scene]

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
        try:
            document = json.loads(storage.read(MANIFEST, MOST_BYTES))
            if document["kind"] != KIND:
                raise ValueError("it is of another kind")
            entries = [
                Entry(**{**entry, "parts": tuple(entry["parts"])}) for entry in document["scenes"]
            ]
            return cls(dict(document["recipe"]), {entry.scene: entry for entry in entries})
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise ArchiveError(
                f"{storage}: {MANIFEST} is not the manifest of an archive ({error}); delete it, "
                "and hash again: finished parts are kept"
            ) from error


class Keeper:
    """Writes a manifest while it changes, in at most a tenth of the time."""

    def __init__(self, manifest: Manifest, storage: Storage) -> None:
        self._manifest, self._storage = manifest, storage
        self._due = time.monotonic()

    def keep_when_due(self) -> None:
        """Write it, if it was not written for a while."""
        if time.monotonic() >= self._due:
            self.keep()

    def keep(self) -> None:
        """Write it; ArchiveError when it cannot be written."""
        began = time.monotonic()
        self._storage.write(MANIFEST, self._manifest.data())
        ended = time.monotonic()
        self._due = ended + max(SECONDS_BETWEEN, SHARE * (ended - began))
