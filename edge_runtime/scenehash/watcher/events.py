"""Events: JSON objects, described in docs/watch.md."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from scenehash.geo import box_around
from scenehash.store import HashedScene

from .bursts import group_bursts
from .matching import AlertMatch, Match
from .novelty import Repeat
from .options import Per

# Tiles in the event of one scene, whatever the scene's size.
TILES_AN_EVENT = 100
# The fields of a hit in an event.
NEAR_FIELDS = ("row", "distance", "scene")
# Every line of an events file begins so.
BEGINNING = '{"event": '
# Numbers that every reader of JSON keeps exactly (RFC 8259, section 6).
LARGEST_NUMBER = 2**53 - 1


def scene_events(
    scene: HashedScene,
    first_row: int,
    matches: Sequence[Match],
    per: Per,
    at: datetime,
    group: bool = False,
) -> list[str]:
    """The events of a scene that is being stored: one event, or one per tile.

    group: a burst counts as one tile; see group_bursts.
    """
    about = _about(scene, first_row, matches, at)
    finds = group_bursts(scene, matches) if group else matches
    if per == "tile":
        tiles = [_tile(scene, first_row, match) for match in finds]
        return [_text({"kind": "tile", **about, "tile": tile}) for tile in tiles]
    shown = sorted(finds, key=_importance)[:TILES_AN_EVENT]
    summary = {
        "novelty": max((match.novelty for match in matches if match.novelty is not None),
                       default=None),
        "alerts": _summary(matches, finds if group else None),
        "repeats": sum(match.repeat is not None for match in matches),
        "changed": sum(match.repeat is not None and match.repeat.changed for match in matches),
        "matches": [_tile(scene, first_row, match) for match in shown],
    }  # fmt: skip
    return [_text({"kind": "scene", **about, **summary})]


def set_aside_event(path: str, reason: str, at: datetime) -> str:
    """The event of a file that could not be stored."""
    return _text({"kind": "set_aside", "at": _time(at), "scene": path, "reason": reason})


def restored_event(at: datetime) -> str:
    """The event that explains a jump in numbers: the store is older than the delivered events."""
    return _text({"kind": "restored", "at": _time(at)})


def numbered(event: int, body: str, store: str) -> str:
    """An event as one line of JSON, without its end: its number, the store's id, and its fields."""
    return _text({"event": event, "store": store, **json.loads(body)})


def number_of(line: str, store: str) -> int | None:
    """The number of an event of this store; None if the line is not such an event."""
    try:
        document = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict) or document.get("store") != store:
        return None
    number = document.get("event")
    if type(number) is not int or not 0 < number <= LARGEST_NUMBER:
        return None
    return number


def now() -> datetime:
    """The time that an event states, in UTC."""
    return datetime.now(UTC)


def _about(
    scene: HashedScene, first_row: int, matches: Sequence[Match], at: datetime
) -> dict[str, object]:
    box = None
    if scene.footprints is not None:
        box = list(box_around(scene.footprints))
    return {
        "at": _time(at),
        "scene": scene.path,
        "content": scene.content,
        "time": None if scene.time is None else _time(scene.time),
        "bbox": box,
        "labels": list(scene.labels),
        "tiles": len(matches),
        "skipped": scene.decode_params.get("skipped", 0),
        "rows": [first_row, first_row + len(matches) - 1],
    }


def _tile(scene: HashedScene, first_row: int, match: Match) -> dict[str, object]:
    window = scene.windows[match.position]
    footprint = None if scene.footprints is None else scene.footprints[match.position].tolist()
    others = [first_row + position for position in match.others or ()]
    return {
        "row": first_row + match.position,
        "window": [window.x, window.y, window.width, window.height],
        "footprint": footprint,
        "novelty": match.novelty,
        "alerts": [
            {
                "name": own.alert.name,
                "distance": own.distance,
                "radius": own.alert.radius,
                **_by_rule(own),
            }
            for own in match.alerts
        ],
        "repeat": None if match.repeat is None else _repeat(match.repeat),
        "nearest": [_near(hit.document()) for hit in match.nearest],
        **({} if match.others is None else {"others": others}),
    }


def _near(hit: Mapping[str, object]) -> dict[str, object]:
    return {name: hit[name] for name in NEAR_FIELDS}


def _by_rule(match: AlertMatch) -> dict[str, object]:
    """The fields that a rule adds to a match: the score, and the expected error rates."""
    rule = match.alert.rule
    if rule is None or match.score is None:
        return {}
    expected = rule.expected.document()
    return {
        "score": round(match.score, 5),
        "threshold": round(rule.threshold, 5),
        "expected": {name: expected[name] for name in ("false_alarms_per_1000", "recall")},
    }


def _summary(matches: Sequence[Match], finds: Sequence[Match] | None) -> list[dict[str, object]]:
    """Each alert that a tile of the scene matches: the number of tiles, and the smallest distance.

    finds: the number of finds, if bursts are grouped.
    """
    found: dict[str, list[int]] = {}
    for match in matches:
        for own in match.alerts:
            found.setdefault(own.alert.name, []).append(own.distance)
    count = Counter(own.alert.name for match in finds or () for own in match.alerts)
    return [
        {
            "name": name,
            "tiles": len(distances),
            **({} if finds is None else {"finds": count[name]}),
            "distance": min(distances),
        }
        for name, distances in sorted(found.items())
    ]


def _importance(match: Match) -> tuple[object, ...]:
    """The order of tiles: with alerts, the nearest first; then with changes; then by novelty."""
    closest = min((own.distance for own in match.alerts), default=1 << 20)
    changed = match.repeat is not None and match.repeat.changed
    return closest, not changed, -(match.novelty or 0), match.position


def _repeat(repeat: Repeat) -> dict[str, object]:
    return {
        "row": repeat.row,
        "scene": repeat.scene,
        "time": _time(repeat.time),
        "distance": repeat.distance,
        "overlap": round(repeat.overlap, 3),
        "changed": repeat.changed,
    }


def _text(document: Mapping[str, object]) -> str:
    # Only ASCII: a name may contain control characters or bytes that are not text.
    return json.dumps(document)


def _time(time: datetime) -> str:
    return time.astimezone(UTC).isoformat() if time.tzinfo else time.isoformat() + "+00:00"
