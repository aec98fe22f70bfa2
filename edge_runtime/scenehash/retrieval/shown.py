"""Filters and names of scenes, as they are shown."""

import dataclasses
from datetime import datetime
from pathlib import Path

from scenehash.store import Filter
from scenehash.windows import Window


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


def filter_text(where: Filter | None) -> str:
    """The same as one line."""
    return "; ".join(f"{name} {_plain(value)}" for name, value in filter_document(where).items())


def named(path: str | Path) -> str:
    """A scene as tables and pages name it: its folder's name and its own."""
    return "/".join(Path(path).parts[-2:])


def window_text(window: Window) -> str:
    """A window as tables, pages and sheets show it: 256x256+512+0, its size and its corner."""
    return f"{window.width}x{window.height}+{window.x}+{window.y}"


def _plain(value: object) -> str:
    return ",".join(f"{part:g}" for part in value) if isinstance(value, tuple) else str(value)
