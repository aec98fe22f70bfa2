"""Events of a station as a block has them, and as the store that they reach shows them."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from scenehash.errors import BundleError

from .wire import Reader, Writer

MOST_EVENT = 1 << 40


def put_events(events: Sequence[tuple[int, str]]) -> bytes:
    """A block of events, number and JSON text, ascending."""
    out, before = Writer(), 0
    out.number(len(events))
    for number, body in events:
        out.number(number - before)
        out.text(body)
        before = number
    return out.bytes()


def take_events(data: bytes) -> list[tuple[int, str]]:
    """The events of a block; BundleError."""
    found, events, before = Reader(data), [], 0
    for _ in range(found.count(3)):
        before += found.number(MOST_EVENT)
        events.append((before, found.text()))
    found.done()
    return events


def station_event(station: str, number: int, body: str) -> str:
    """The event by which a store tells that a station has sent one.

    What the station said stands in it whole, with the station's own rows; BundleError when that is
    no JSON object.
    """
    try:
        report = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BundleError(f"event {number} is not JSON") from error
    if not isinstance(report, dict):
        raise BundleError(f"event {number} is no JSON object")
    scene = report.get("scene")
    return json.dumps(
        {
            "kind": "station",
            "at": report.get("at"),
            "station": station,
            "station_event": number,
            "scene": f"{station}:{scene}" if isinstance(scene, str) else None,
            "time": report.get("time"),
            "bbox": report.get("bbox"),
            "alerts": alerts_of(report),
            "report": report,
        }
    )


def is_urgent(body: str) -> bool:
    """Whether an event tells of an alert."""
    return '"alerts": []' not in body and bool(alerts_of(json.loads(body)))


def alerts_of(event: Mapping[str, Any]) -> list[Any]:
    """The alerts that a scene's or a tile's event tells of."""
    tile = event.get("tile")
    found = tile.get("alerts") if isinstance(tile, Mapping) else event.get("alerts")
    return found if isinstance(found, list) else []
