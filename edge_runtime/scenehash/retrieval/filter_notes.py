"""Filters in words: as plain values, and why one matches nothing."""

import dataclasses
from datetime import datetime
from pathlib import Path

from scenehash.geo import Box
from scenehash.store import CodeStore, Filter

WHOLE_EARTH = (-180.0, -90.0, 180.0, 90.0)


def filter_document(where: Filter | None) -> dict[str, object]:
    """The conditions that are given, by name, as JSON has them."""
    if where is None:
        return {}
    values = dataclasses.asdict(where).items()
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in values
        if value is not None
    }


def why_nothing_matches(store: CodeStore, where: Filter) -> list[str]:
    """A line for each condition that no stored tile meets; one for all where they exclude each
    other; none where tiles meet the filter."""
    if store.meets(where):
        return []
    alone = {name: part for name, part in where.parts().items() if not store.meets(part)}
    if not alone:
        return ["no stored tile meets all conditions together"]
    return [_reason(store, name, part) for name, part in alone.items()]


def _reason(store: CodeStore, name: str, part: Filter) -> str:
    match name:
        case "scene":
            return f"no stored scene has the path {part.scene}, nor one that ends so"
        case "label":
            return f"no stored scene has the label {part.label}"
        case "since" | "until":
            if not store.meets(Filter(until=datetime.max)):
                return "no stored scene has an acquisition time"
            side = "at or after" if name == "since" else "at or before"
            return f"no stored scene was acquired {side} {getattr(part, name).isoformat()}"
        case "newer_than":
            return f"no row is newer than {part.newer_than}: the highest is {store.rows - 1}"
    if not store.meets(Filter(bbox=WHOLE_EARTH)):
        return "no stored tile has a footprint: its scene is not georeferenced"
    if name == "bbox":
        box = ",".join(f"{side:g}" for side in Box(*(part.bbox or WHOLE_EARTH)))
        return f"no stored footprint meets the box {box} (west, south, east, north)"
    latitude, longitude, kilometres = part.near or (0.0, 0.0, 0.0)
    return (
        f"no stored footprint is within {kilometres:g} km of latitude {latitude:g}, "
        f"longitude {longitude:g}"
    )


def named(path: str | Path) -> str:
    """A scene as tables and pages name it: its folder's name and its own."""
    return "/".join(Path(path).parts[-2:])
