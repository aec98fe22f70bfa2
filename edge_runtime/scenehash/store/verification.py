"""All of a store compared with its checksums: what is left of earlier models in it, too."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .earlier import Earlier
from .store import CodeStore


@dataclass(frozen=True)
class Verification:
    """What was found.

    damage: a line each; none is good. thumbnails_missing, vectors_missing: how many tiles have no
    sound one though the store keeps them; no code is affected. earlier: what has only codes of an
    earlier model.
    """

    store: Path
    scenes: int
    tiles: int
    damage: Sequence[str]
    thumbnails_missing: int
    vectors_missing: int
    earlier: Sequence[Earlier]

    def document(self) -> dict[str, object]:
        """The same as plain values, as JSON has them."""
        return {
            "store": str(self.store),
            "scenes": self.scenes,
            "tiles": self.tiles,
            "damage": list(self.damage),
            "thumbnails_missing": self.thumbnails_missing,
            "vectors_missing": self.vectors_missing,
            "earlier": [one.document() for one in self.earlier],
        }


def verify_store(store: CodeStore) -> Verification:
    """Read a store back, what it has derived of tiles, and the stores of earlier models in it."""
    scenes, tiles = store.counts()
    damage = store.verify()
    earlier = store.earlier()
    for one in earlier:
        with CodeStore.open(one.path) as left:
            damage += [f"{one.path}: {line}" for line in left.verify()]
    thumbnails = 0
    if store.thumbnails.kept:
        thumbnails = sum(own.count(None) for _, own in store.thumbnails_by_scene())
    vectors = store.vectors_missing() if store.vectors.kept else 0
    return Verification(store.path, scenes, tiles, damage, thumbnails, vectors, earlier)
