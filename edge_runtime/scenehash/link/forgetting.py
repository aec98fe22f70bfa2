"""scenehash link forget: a peer that no longer exists, or must count as new."""

from dataclasses import dataclass
from pathlib import Path

from scenehash.errors import NotStoredError
from scenehash.store import CodeStore

from .received import Received
from .sent import Sent

# The number of digits that identify a store among stores with the same name.
STORE_ID_DIGITS = 8


@dataclass(frozen=True)
class Forgotten:
    """The data that a store forgot about a peer.

    peer: the given name. stores: the ids of its stores that sent or asked something. bundles: the
    number of bundles sent to it. scenes: the number of its scenes in this store; they stay.
    """

    peer: str
    stores: tuple[str, ...]
    bundles: int
    scenes: int

    def document(self) -> dict[str, object]:
        """The result as plain values for JSON."""
        return {**vars(self), "stores": list(self.stores)}


def forget_peer(store: str | Path, peer: str, wait: bool = False) -> Forgotten:
    """Forget the progress of the link to a peer and from it.

    peer: its name, or at least the first 8 digits of its store's id, which means only that store.
    Its scenes, events and alerts stay in the store; waiting parts are removed. A later bundle from
    it counts as from a new station, and all data is sent to it again. Raises NotStoredError when
    there is no such peer, StoreError.
    """
    with CodeStore.open(store, writable=True, wait=wait) as opened, opened.transaction():
        links, states = opened.links, opened.links.states
        named = {one: _name(opened, one) for one in (*states.peers("from"), *states.peers("asked"))}
        stores = sorted(
            one
            for one, name in named.items()
            if peer == name or (len(peer) >= STORE_ID_DIGITS and one.startswith(peer))
        )
        is_sent_to = peer in states.peers("to")
        if not stores and not is_sent_to:
            raise unknown_peer(opened, peer)
        bundles = Sent.of(states.get("to", peer)).number if is_sent_to else 0
        scenes = sum(len(links.scenes.of_store(one)) for one in stores)
        for one in stores:
            links.forget_store(one)
        states.forget_peer(peer)
        return Forgotten(peer, tuple(stores), bundles, scenes)


def unknown_peer(store: CodeStore, peer: str) -> NotStoredError:
    """The error for a peer that a store has no link to or from; it names the known ones."""
    states = store.links.states
    known = {_name(store, one) for one in (*states.peers("from"), *states.peers("asked"))}
    names = ", ".join(sorted({*states.peers("to"), *known}))
    there = f"its peers are {names}" if names else "it has no peers"
    return NotStoredError(f"{store.path}: no link to or from {peer!a}; {there}")


def _name(store: CodeStore, peer: str) -> str:
    asked = str(store.links.states.get("asked", peer).get("name", ""))
    return Received.of(peer, store.links.states.get("from", peer)).name or asked
