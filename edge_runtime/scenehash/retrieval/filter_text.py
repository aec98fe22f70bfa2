"""Filters and names of scenes, as they are shown."""

import dataclasses
from datetime import datetime
from pathlib import Path

from scenehash.store import Area, Filter
from scenehash.tiling import Window


def filter_document(where: Filter | None) -> dict[str, object]:
    """The given conditions by name, for JSON."""
    if where is None:
        return {}
    values = {field.name: getattr(where, field.name) for field in dataclasses.fields(where)}
    return {name: _value(value) for name, value in values.items() if value is not None}


def filter_text(where: Filter | None) -> str:
    """The conditions as one line; an area is shown by its bounding box."""
    shown = filter_document(where)
    if where is not None and where.area is not None:
        shown["area"] = tuple(where.area.box())
    return "; ".join(f"{name} {_plain(value)}" for name, value in shown.items())


def named(path: str | Path) -> str:
    """The name of a scene in tables and pages: its folder's name and its own name."""
    return "/".join(Path(path).parts[-2:])


def window_text(window: Window) -> str:
    """A window in tables, pages and sheets: its size and its corner, 256x256+512+0."""
    return f"{window.width}x{window.height}+{window.x}+{window.y}"


def _value(value: object) -> object:
    match value:
        case datetime():
            return value.isoformat()
        case Area():
            return value.geojson()
    return value


def _plain(value: object) -> str:
    if not isinstance(value, tuple):
        return str(value)
    return ",".join(part if isinstance(part, str) else f"{part:g}" for part in value)
