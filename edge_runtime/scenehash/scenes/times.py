"""When a scene was acquired: by a STAC item beside it, by its tags, or by its name."""

import contextlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

TAGS = ("ACQUISITIONDATETIME", "ACQUISITION_DATE", "DATE_ACQUIRED", "DATETIME", "TIFFTAG_DATETIME")
# By the length of the text: strptime would take 2015122 for the second of December.
FORMATS = {19: "%Y:%m:%d %H:%M:%S", 15: "%Y%m%dT%H%M%S", 14: "%Y%m%d%H%M%S", 8: "%Y%m%d", 7: "%Y%j"}

_DATE = r"(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
_CLOCK = r"(?:[01]\d|2[0-3])[0-5]\d[0-5]\d"
_IN_NAMES = (
    # Landsat scene ids before 2017: sensor, satellite, path, row, year and day of the year.
    re.compile(r"L[COTEM]\d\d{6}((?:19|20)\d{2}[0-3]\d{2})"),
    re.compile(rf"(?<!\d)({_DATE})[T_-]?({_CLOCK})?(?!\d)"),
    re.compile(r"(?<!\d)((?:19|20)\d{2})[-_](0[1-9]|1[0-2])[-_](0[1-9]|[12]\d|3[01])(?!\d)"),
)


def time_of(path: Path, tags: Mapping[str, str]) -> datetime | None:
    """When the scene in a file was acquired, in UTC; None when nothing says it.

    A STAC item is a JSON file beside it, of the same name (https://stacspec.org). A name may hold
    20261124, 20261124T083000, 2026-11-24 or a Landsat scene id.
    """
    return _from_stac(path) or _from_tags(tags) or _from_name(path.stem)


def _from_stac(path: Path) -> datetime | None:
    for item in (path.with_suffix(".json"), path.with_name(path.name + ".json")):
        try:
            document = json.loads(item.read_text())
            properties = document["properties"]
            return _parsed(properties.get("datetime") or properties["start_datetime"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue
    return None


def _from_tags(tags: Mapping[str, str]) -> datetime | None:
    upper = {name.upper(): value for name, value in tags.items()}
    for name in TAGS:
        if name in upper and (time := _parsed(upper[name])):
            return time
    return None


def _from_name(stem: str) -> datetime | None:
    for pattern in _IN_NAMES:
        found = pattern.search(stem)
        if found and (time := _parsed("".join(part for part in found.groups() if part))):
            return time
    return None


def _parsed(text: str) -> datetime | None:
    with contextlib.suppress(ValueError, KeyError):
        return datetime.strptime(text, FORMATS[len(text)]).replace(tzinfo=UTC)
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
