"""The data received from a station: the state of the link from it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from scenehash.store import CodeStore

from .facts import Facts
from .spans import Spans, span

# Bundles whose ids are known, and the hexadecimal digits of these.
MOST_IDS, BUNDLE_ID_DIGITS = 300, 8


@dataclass
class Received:
    """The progress of the link from a store.

    store: its id. name: its station's. newest: the highest received number of a bundle. facts: the
    sender's facts in its bundle with number facts_of. whole: the numbers of completely applied
    bundles. partial: the applied blocks of others. gone: rows that no longer have a tile. events:
    the numbers of the received events. events_before: those from before the sender was restored
    from a backup, which may be numbers of other events since. alerts: by name, the number of the
    bundle that brought them. ids: the beginnings of the ids of the newest bundles. heard: the
    number of the bundle with the newest receipt.
    """

    store: str
    name: str = ""
    newest: int = 0
    facts: Facts | None = None
    facts_of: int = 0
    whole: Spans = field(default_factory=Spans)
    partial: dict[int, list[int]] = field(default_factory=dict)
    gone: Spans = field(default_factory=Spans)
    events: Spans = field(default_factory=Spans)
    events_before: Spans = field(default_factory=Spans)
    alerts: dict[str, int] = field(default_factory=dict)
    ids: dict[int, str] = field(default_factory=dict)
    heard: int = 0

    @classmethod
    def of(cls, store: str, state: Mapping[str, Any]) -> "Received":
        """Read the state from the store."""
        facts = state.get("facts")
        return cls(
            store,
            state.get("name", ""),
            state.get("newest", 0),
            None if facts is None else Facts.of_block(bytes.fromhex(facts)),
            state.get("facts_of", 0),
            Spans(state.get("whole", [])),
            {int(number): list(blocks) for number, blocks in state.get("partial", {}).items()},
            Spans(state.get("gone", [])),
            Spans(state.get("events", [])),
            Spans(state.get("events_before", [])),
            dict(state.get("alerts", {})),
            {int(number): one for number, one in state.get("ids", {}).items()},
            state.get("heard", 0),
        )

    def state(self) -> dict[str, Any]:
        """The state for the store."""
        return {
            "name": self.name,
            "newest": self.newest,
            "facts": None if self.facts is None else self.facts.block().hex(),
            "facts_of": self.facts_of,
            "whole": self.whole.pairs(),
            "partial": {str(number): blocks for number, blocks in self.partial.items()},
            "gone": self.gone.pairs(),
            "events": self.events.pairs(),
            "events_before": self.events_before.pairs(),
            "alerts": self.alerts,
            "ids": {str(number): one for number, one in self.ids.items()},
            "heard": self.heard,
        }

    def has(self, number: int, block: int) -> bool:
        """Whether a block of a bundle was applied."""
        return number in self.whole or block in self.partial.get(number, ())

    def contradicts(self, number: int, bundle: str) -> bool:
        """Whether another bundle with that number has come: the sender comes from a backup."""
        return self.ids.get(number, bundle[:BUNDLE_ID_DIGITS]) != bundle[:BUNDLE_ID_DIGITS]

    def begin_anew(self) -> None:
        """Forget the received bundles: the sender counts again from an earlier number."""
        self.newest = self.facts_of = self.heard = 0
        self.whole, self.partial, self.ids = Spans(), {}, {}
        self.events_before |= self.events
        self.gone, self.events = Spans(), Spans()
        self.alerts = dict.fromkeys(self.alerts, 0)

    def note(self, number: int, bundle: str, block: int, blocks: int) -> None:
        """Record an applied block of a bundle with this many blocks."""
        done = self.partial.setdefault(number, [])
        done.append(block)
        if len(done) == blocks:
            self.whole |= span(number, number + 1)
            del self.partial[number]
        self.ids[number] = bundle[:BUNDLE_ID_DIGITS]
        for old in sorted(self.ids)[:-MOST_IDS]:
            del self.ids[old]


def namesakes(store: CodeStore, station: str) -> list[Received]:
    """The data received from each store of a station: more than one if it was made anew."""
    return [one for one in received_data(store) if one.name == station]


def received_data(store: CodeStore) -> list[Received]:
    """The data received from each store."""
    states = store.links.states
    return [Received.of(one, states.get("from", one)) for one in states.peers("from")]
