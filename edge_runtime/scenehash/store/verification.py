"""A folder of a store checked as a whole: codes, what is derived of tiles, earlier models."""

from collections.abc import Sequence
from dataclasses import dataclass

from .earlier import Earlier
from .store import CodeStore


@dataclass(frozen=True)
class Verification:
    """What was found in a store's folder.

    damage: what is damaged, a line each, in the stores of earlier models too. thumbnails_missing,
    vectors_missing: how many tiles have no sound one, where the store keeps them; no damage.
    """

    store: str
    scenes: int
    tiles: int
    damage: Sequence[str]
    thumbnails_missing: int
    vectors_missing: int
    earlier: Sequence[Earlier]

    def document(self) -> dict[str, object]:
        """The same as plain values, as JSON has them."""
        earlier = [one.document() for one in self.earlier]
        return {**vars(self), "damage": list(self.damage), "earlier": earlier}


def verify_folder(store: CodeStore) -> Verification:
    """Read all of a store's folder back, and compare it with its checksums."""
    scenes, tiles = store.counts()
    damage, earlier = store.verify(), store.earlier()
    for one in earlier:
        with CodeStore.open(one.path) as left:
            damage += [f"{one.path}: {line}" for line in left.verify()]
    pictures = store.thumbnails_by_scene() if store.thumbnails.kept else ()
    return Verification(
        str(store.path),
        scenes,
        tiles,
        damage,
        sum(own.count(None) for _, own in pictures),
        store.vectors_missing() if store.vectors.kept else 0,
        earlier,
    )
