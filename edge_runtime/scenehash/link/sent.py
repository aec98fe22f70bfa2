"""The data sent to a peer, its acknowledged part, and the next data to send.

A link may be one-way: then nothing is acknowledged, and all data is sent a number of times. If
receipts come back, only missing data is sent again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from .bundle import MOST_NUMBER
from .facts import Receipt
from .spans import Spans

# Items sent to a store that was then restored from an older backup.
BEFORE = "before:"
# The numbered data by its name in the state; changes are of annotations.
ROWS, GONE, EVENTS, PICTURES, CHANGES = "rows", "gone", "events", "thumbnails", "changes"
TOPICS = (ROWS, GONE, EVENTS, PICTURES, CHANGES)


@dataclass(frozen=True)
class Carried:
    """The contents of a block: numbers of rows or events, and items by their names."""

    topic: str = ""
    spans: Spans = field(default_factory=Spans)
    items: tuple[str, ...] = ()


@dataclass
class Sent:
    """The progress of the link to a peer.

    number: of the last bundle. codes: the lineage and the width of the codes that were sent.
    settled: by topic, the data that need not be sent again, since it has arrived or was sent often
    enough. acknowledged: the part of it that has arrived for certain. items: settled letters, by
    name. under_way: by number, the contents of each unacknowledged block of a bundle. has_receipts:
    whether a receipt has come.
    """

    number: int = 0
    codes: str = ""
    settled: dict[str, Spans] = field(default_factory=dict)
    acknowledged: dict[str, Spans] = field(default_factory=dict)
    items: list[str] = field(default_factory=list)
    under_way: dict[int, list[Carried]] = field(default_factory=dict)
    has_receipts: bool = False

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> "Sent":
        """Read the state from the store."""
        under_way = {
            int(number): [Carried(topic, Spans(spans), tuple(items)) for topic, spans, items in one]
            for number, one in state.get("under_way", {}).items()
        }
        settled, acknowledged = (
            {topic: Spans(spans) for topic, spans in state.get(name, {}).items()}
            for name in ("settled", "acknowledged")
        )
        return cls(
            state.get("number", 0),
            state.get("codes", ""),
            settled,
            acknowledged,
            list(state.get("items", [])),
            under_way,
            state.get("has_receipts", False),
        )

    def state(self) -> dict[str, Any]:
        """The state for the store."""
        return {
            "number": self.number,
            "codes": self.codes,
            "settled": {topic: spans.pairs() for topic, spans in self.settled.items()},
            "acknowledged": {topic: spans.pairs() for topic, spans in self.acknowledged.items()},
            "items": self.items,
            "under_way": {
                str(number): [[one.topic, one.spans.pairs(), list(one.items)] for one in blocks]
                for number, blocks in self.under_way.items()
            },
            "has_receipts": self.has_receipts,
        }

    def begin(self, codes: str) -> None:
        """After a change of model, all codes are sent again."""
        if self.codes not in ("", codes):
            for known in (self.settled, self.acknowledged):
                known.pop(ROWS, None)
            self.under_way.clear()
        self.codes = codes

    def due(self, topic: str, wanted: Spans, times: int) -> list[Spans]:
        """The data of a topic to send: first data that was never sent, then data that was sent
        once, and so on.
        """
        left = wanted - self.settled.get(topic, Spans())
        levels = self._levels(topic, times)
        upper = [wanted, *levels[:-1]]
        return [left & (more - fewer) for more, fewer in zip(upper, levels, strict=True)]

    def due_items(self, wanted: Sequence[str], times: int) -> list[str]:
        """The items to send; those that were sent least come first."""
        went = {
            item: sum(item in one.items for blocks in self.under_way.values() for one in blocks)
            for item in wanted
            if item not in self.items
        }
        return sorted((item for item in went if went[item] < times), key=lambda item: went[item])

    def went(self, item: str) -> bool:
        """Whether an item was ever sent."""
        under_way = (one.items for blocks in self.under_way.values() for one in blocks)
        return item in self.items or any(item in items for items in under_way)

    def never_went(self, topic: str, wanted: Spans) -> Spans:
        """The data of a topic that was never sent."""
        (due,) = self.due(topic, wanted, 1)
        return due

    def settle(self, topic: str, spans: Spans) -> None:
        """Record that data is settled: it is not sent again."""
        self._settle(topic, spans)

    def again(self, topic: str, spans: Spans) -> None:
        """Send data again, as if it were new."""
        for known in (self.settled, self.acknowledged):
            known[topic] = known.get(topic, Spans()) - spans
        for number, blocks in self.under_way.items():
            self.under_way[number] = [
                replace(one, spans=one.spans - spans) if one.topic == topic else one
                for one in blocks
            ]

    def note(self, number: int, blocks: Iterable[Carried], times: int) -> None:
        """Record a bundle under way; data that was sent often enough is settled."""
        self.number = number
        self.under_way[number] = list(blocks)
        for topic in TOPICS:
            self._settle(topic, self._levels(topic, times)[-1])
        every = [item for one in self.under_way.values() for block in one for item in block.items]
        self._settle_items(item for item in set(every) if every.count(item) >= times)
        self._prune()

    def take(self, receipt: Receipt) -> None:
        """Apply a receipt of the peer that is newer than its others."""
        self.has_receipts, waits = True, False
        for bundle, blocks in list(self.under_way.items()):
            arrived = set(range(len(blocks))) if bundle in receipt.whole else set()
            arrived |= set(receipt.partial.get(bundle, ()))
            for position, block in enumerate(blocks):
                if position in arrived:
                    self._settle(block.topic, block.spans, acknowledged=True)
                    self._settle_items(block.items)
                elif block.topic == GONE:
                    waits = True
            if bundle <= receipt.newest:
                # The rest of it is lost, and is sent again as new.
                del self.under_way[bundle]
        for known in (self.settled, self.acknowledged):
            # A missing deletion may be the cause of different rows, so it is sent first.
            for topic in () if waits else (ROWS, GONE):
                known[topic] = known.get(topic, Spans()) - receipt.missing
            known[EVENTS] = known.get(EVENTS, Spans()) - receipt.events
        # A store from a backup counts on from before what the peer has seen of it; a number that
        # leaves no room for others is none that it had.
        if receipt.newest <= MOST_NUMBER // 2:
            self.number = max(self.number, receipt.newest)

    def begin_again(self) -> None:
        """The peer was restored from an older backup, or is a new store of its name: it may lack
        every item that was sent to it.

        Its receipts tell about tiles and events.
        """
        self.items = [f"{BEFORE}{item.removeprefix(BEFORE)}" for item in self.items]
        self.under_way.clear()

    def _levels(self, topic: str, times: int) -> list[Spans]:
        """The data of a topic that was sent at least once, at least twice, and so on."""
        levels = [Spans() for _ in range(times)]
        for blocks in self.under_way.values():
            carried = Spans(
                span for block in blocks if block.topic == topic for span in block.spans
            )
            if not carried:
                continue
            for level in range(times - 1, 0, -1):
                levels[level] |= levels[level - 1] & carried
            levels[0] |= carried
        return levels

    def _settle(self, topic: str, spans: Spans, acknowledged: bool = False) -> None:
        if spans:
            self.settled[topic] = self.settled.get(topic, Spans()) | spans
            if acknowledged:
                self.acknowledged[topic] = self.acknowledged.get(topic, Spans()) | spans

    def _settle_items(self, items: Iterable[str]) -> None:
        self.items += [item for item in items if item not in self.items]

    def _prune(self) -> None:
        """Forget old bundles, for which no receipt can come."""
        if self.has_receipts:
            return
        for number, blocks in list(self.under_way.items()):
            open_spans = any(
                block.spans - self.settled.get(block.topic, Spans()) for block in blocks
            )
            if not open_spans and all(item in self.items for one in blocks for item in one.items):
                del self.under_way[number]
