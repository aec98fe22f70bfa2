"""earlier/: stores of scenes and alerts without codes of the store's present model.

Scenes whose files are gone cannot get codes of a new model, nor can alerts whose examples are gone.
They keep their old codes, each lineage in an ordinary store of its own in the store's folder, which
can be searched with the old model.
"""

import contextlib
import re
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from ..catalog.catalog import Catalog, is_vacant
from .folder import CATALOG

EARLIER = "earlier"
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class Earlier:
    """A store of an earlier model, and the number of its scenes and tiles."""

    path: Path
    lineage: str
    bits: int
    model: str
    scenes: int
    tiles: int

    def __str__(self) -> str:
        scenes = "1 scene" if self.scenes == 1 else f"{self.scenes:,} scenes"
        return (
            f"{scenes} ({self.tiles:,} tiles) have only codes of an earlier model ({self.model}, "
            f"lineage {self.lineage}); search them with: "
            f"scenehash search QUERY --store {self.path}"
        )

    def document(self) -> dict[str, object]:
        """The fields as plain values for JSON."""
        return {
            "store": str(self.path),
            "lineage": self.lineage,
            "bits": self.bits,
            "model": self.model,
            "scenes": self.scenes,
            "tiles": self.tiles,
        }


def earlier_path(folder: Path, lineage: str, bits: int) -> Path:
    """The path of the store for an earlier lineage, in a store's folder."""
    named = f"{lineage}-{bits}"
    # A lineage comes from a model file, which may be untrusted.
    safe = named if _PLAIN.fullmatch(named) else blake2b(named.encode(), digest_size=8).hexdigest()
    return folder / EARLIER / safe


def earlier_paths(folder: Path) -> list[Path]:
    """The stores of earlier models in a store's folder."""
    try:
        found = sorted((folder / EARLIER).iterdir())
    except OSError:
        return []
    # An incomplete store holds nothing.
    return [path for path in found if path.name[:1] != "." and not is_vacant(path / CATALOG)]


def earlier_of(folder: Path) -> list[Earlier]:
    """The stores of earlier models in a store's folder, with their counts.

    Raises StoreError when one of these stores cannot be read.
    """
    found = []
    for path in earlier_paths(folder):
        with contextlib.closing(Catalog.open(path / CATALOG, writable=False)) as catalog:
            state = catalog.committed().state
            scenes, tiles = catalog.scenes.count()
        found.append(Earlier(path, state.lineage, state.bits, state.model, scenes, tiles))
    return found
