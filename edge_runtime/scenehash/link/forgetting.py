"""scenehash link forget: a peer that is no more, or is to count as new."""

from dataclasses import dataclass
from pathlib import Path

from scenehash.errors import NotStoredError
from scenehash.store import CodeStore

from .received import Received
from .sent import Sent

# So many digits of its id tell a store from others whose station has the same name.
STORE_ID_DIGITS = 8


@dataclass(frozen=True)
class Forgotten:
    """What a store no longer knows of a peer.

    peer: as it was named. stores: the ids of its stores from which something came, or that asked
    something. bundles: how many were sent to it. scenes: how many of those in this store came from
    it; they stay.
    """

    peer: str
    stores: tuple[str, ...]
    bundles: int
    scenes: int

    def document(self) -> dict[str, object]:
        """The same as plain values, as JSON has them."""
        return {**vars(self), "stores": list(self.stores)}


def forget_peer(store: str | Path, peer: str, wait: bool = False) -> Forgotten:
    """Forget what was sent to a peer, and what has come from it.

    peer: its name, or the first 8 digits or more of its store's id, which means that store alone.
    Its scenes, events and alerts stay in the store; what waits for other parts goes. A bundle from
    it that comes later is as one of a new station, and all is sent to it again. Raises
    NotStoredError when there is no such peer, StoreError.
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
            known = sorted({*states.peers("to"), *named.values()})
            there = f"its peers are {', '.join(known)}" if known else "it has no peers"
            raise NotStoredError(f"{store}: no link to or from {peer!a}; {there}")
        bundles = Sent.of(states.get("to", peer)).number if is_sent_to else 0
        scenes = sum(len(links.scenes.of_store(one)) for one in stores)
        for one in stores:
            links.forget_store(one)
        states.forget_peer(peer)
        return Forgotten(peer, tuple(stores), bundles, scenes)


def _name(store: CodeStore, peer: str) -> str:
    asked = str(store.links.states.get("asked", peer).get("name", ""))
    return Received.of(peer, store.links.states.get("from", peer)).name or asked
