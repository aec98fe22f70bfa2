"""Events of a station in blocks, and as events of the receiving store."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from scenehash.errors import BundleError
from scenehash.store import MOST_EVENT

from .wire import Reader, Writer

MOST_IN_BLOCK = 1000


def put_events(events: Sequence[tuple[int, str]]) -> bytes:
    """A block of events, number and JSON text, ascending."""
    out, before = Writer(), 0
    out.number(len(events))
    for number, body in events:
        out.number(number - before)
        out.text(body)
        before = number
    return out.data()


def take_events(data: bytes) -> list[tuple[int, str]]:
    """The events of a block; BundleError."""
    found, events, before = Reader(data), [], 0
    for _ in range(found.number(min(MOST_IN_BLOCK, found.left // 2))):
        before += found.number(MOST_EVENT)
        events.append((before, found.text()))
    found.done()
    return events


def thin_event(body: str) -> str:
    """An event for the link: only the tiles that an alert matches, without their nearest stored
    tiles.

    Coordinates are rounded to a millionth of a degree, 0.1 m; `matches_left_out` counts the other
    tiles. An event that is not a JSON object does not change.
    """
    try:
        event = json.loads(body)
    except (ValueError, RecursionError):
        return body
    if not isinstance(event, dict):
        return body
    matches = event.get("matches")
    if isinstance(matches, list):
        matched = [one for one in matches if isinstance(one, dict) and one.get("alerts")]
        event["matches"] = [_thin_tile(one) for one in matched]
        if len(matched) < len(matches):
            event["matches_left_out"] = len(matches) - len(matched)
    if isinstance(event.get("tile"), dict):
        event["tile"] = _thin_tile(event["tile"])
    event["bbox"] = _rounded(event.get("bbox"))
    return json.dumps(event, separators=(",", ":"))


def station_event(station: str, number: int, body: str) -> str:
    """The receiving store's event about a station's event.

    `report` has the station's event, with the station's own rows. BundleError when that is not a
    JSON object.
    """
    try:
        report = json.loads(body, parse_float=_finite, parse_constant=_finite)
    except (ValueError, RecursionError) as error:
        raise BundleError(f"event {number} is not JSON") from error
    if not isinstance(report, dict):
        raise BundleError(f"event {number} is not a JSON object")
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
    """Whether an event is about an alert."""
    try:
        return bool(alerts_of(json.loads(body)))
    except (AttributeError, ValueError, RecursionError):
        return False


def alerts_of(event: Mapping[str, Any]) -> list[Any]:
    """The alerts in a scene's or a tile's event."""
    tile = event.get("tile")
    found = tile.get("alerts") if isinstance(tile, Mapping) else event.get("alerts")
    return found if isinstance(found, list) else []


def _thin_tile(tile: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in tile.items() if name != "nearest" and value is not None}
    return kept | {"footprint": _rounded(tile.get("footprint"))}


def _finite(text: str) -> float | None:
    """A number of JSON text; None for a value such as NaN, which other readers would refuse."""
    number = float(text)
    return number if math.isfinite(number) else None


def _rounded(value: Any) -> Any:
    if isinstance(value, list):
        return [_rounded(one) for one in value]
    return round(value, 6) if isinstance(value, float) else value
