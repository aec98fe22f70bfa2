"""scenehash link status: the data of each side, the missing data, and the digests of both sides."""

from pathlib import Path
from typing import Any

from scenehash.store import CodeStore

from .completeness import Completeness, completeness
from .forgetting import unknown_peer
from .own import kept_events, living_rows
from .received import Received, received_data
from .sent import EVENTS, ROWS, Sent
from .spans import Spans

# The maximum number of ranges to list.
GAPS_SHOWN = 20


def link_status(store: str | Path, peer: str | None = None) -> dict[str, Any]:
    """The data sent to each peer, and received from each, as plain values.

    peer: only this one. For received data, `complete` says whether the digest trees of both sides
    are equal, as of the station's newest bundle; `missing` lists ranges of the station's rows,
    [first, last], that have not arrived. Raises NotStoredError when there is no such peer,
    StoreError.
    """
    with CodeStore.open(store) as opened:
        to = [one for one in opened.links.states.peers("to") if peer in (None, one)]
        came = [one for one in received_data(opened) if peer in (None, one.name)]
        if peer is not None and not to and not came:
            raise unknown_peer(opened, peer)
        return {
            "store": str(opened.path),
            "station": opened.station,
            "sent": [_sent_document(opened, one) for one in to],
            "received": [_received_document(opened, one) for one in came],
        }


def _sent_document(store: CodeStore, peer: str) -> dict[str, object]:
    sent = Sent.of(store.links.states.get("to", peer))
    document: dict[str, object] = {
        "peer": peer,
        "bundles": sent.number,
        "receipts": sent.has_receipts,
    }
    for name, topic, every in (
        ("tiles", ROWS, living_rows(store)),
        ("events", EVENTS, kept_events(store)),
    ):
        went = Spans(
            span
            for blocks in sent.under_way.values()
            for block in blocks
            if block.topic == topic
            for span in block.spans
        )
        settled = sent.settled.get(topic, Spans())
        document[name] = {
            "all": every.total(),
            "acknowledged": (every & sent.acknowledged.get(topic, Spans())).total(),
            "sent": (every & (went | settled)).total(),
            "never_sent": (every - went - settled).total(),
        }
    return document


def _received_document(store: CodeStore, received: Received) -> dict[str, object]:
    document: dict[str, object] = {
        "station": received.name,
        "store": received.store,
        "newest_bundle": received.newest,
        "as_of_bundle": received.facts_of,
        "bundles_missing": _gaps(Spans([(1, received.newest + 1)]) - received.whole),
    }
    if received.facts is None:
        return document | {"complete": False}
    return document | _completeness_document(completeness(store, received))


def _completeness_document(found: Completeness) -> dict[str, object]:
    return {
        "complete": found.is_complete,
        "rows": found.rows,
        "tiles": found.held,
        "deleted_here": found.deleted_here,
        "cut_otherwise": found.cut_otherwise,
        "missing_rows": found.missing.total(),
        "missing": _gaps(found.missing),
        "waiting": _gaps(found.waiting),
        "differing": _gaps(found.differing),
        "annotations_differing": _gaps(found.annotations),
        "events_missing": _gaps(found.events_missing),
        "digest": found.own_root,
        "digest_of_station": found.root,
    }


def _gaps(spans: Spans) -> list[list[int]]:
    """The first ranges, as [first, last]."""
    return [[start, end - 1] for start, end in spans.pairs()[:GAPS_SHOWN]]
