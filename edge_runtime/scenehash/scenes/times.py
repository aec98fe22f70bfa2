"""The acquisition time of a scene: from a STAC item, from its tags, or from its name."""

import contextlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from scenehash.errors import InputError
from scenehash.files import read_regular

from .size_limits import MOST_NOTE_BYTES

# The range of years of acquisition times.
EARLIEST, LATEST = 1800, 2200

ACQUIRED_TAGS = ("ACQUISITIONDATETIME", "ACQUISITION_DATE", "DATE_ACQUIRED")
# The time when a file was made: with some missions the acquisition time, with others a later edit.
MADE_TAGS = ("DATETIME", "TIFFTAG_DATETIME")
# By the length of the text: strptime would read 2015122 as the second of December.
FORMATS = {19: "%Y:%m:%d %H:%M:%S", 15: "%Y%m%dT%H%M%S", 14: "%Y%m%d%H%M%S", 8: "%Y%m%d", 7: "%Y%j"}

_DATE = r"(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
_CLOCK = r"(?:[01]\d|2[0-3])[0-5]\d[0-5]\d"
_IN_NAMES = (
    # Landsat scene ids before 2017: sensor, satellite, path, row, year and day of the year.
    re.compile(r"L[COTEM]\d\d{6}((?:19|20)\d{2}[0-3]\d{2})"),
    re.compile(rf"(?<!\d)({_DATE})[T_-]?({_CLOCK})?(?!\d)"),
    re.compile(r"(?<!\d)((?:19|20)\d{2})[-_](0[1-9]|1[0-2])[-_](0[1-9]|[12]\d|3[01])(?!\d)"),
)


class Acquired(NamedTuple):
    """The acquisition time of a scene, in UTC; None if not known.

    beside: the same if it comes from a companion file or the name, not from the file itself: two
    files of the same bytes are then two scenes. warnings: why a companion file is not used.
    """

    time: datetime | None
    beside: datetime | None
    warnings: tuple[str, ...]


def time_of(path: Path, tags: Mapping[str, str], stated: datetime | None = None) -> Acquired:
    """The acquisition time of the scene in a file: from a STAC item, its tags, or its name.

    stated: from the item that has the file as an asset. Otherwise an item may be a JSON file with
    the same name (https://stacspec.org). A name may hold 20261124, 20261124T083000, 2026-11-24 or a
    Landsat scene id. The name takes precedence over the time when the file was made, if that was on
    a later day: no file is made before its acquisition.
    """
    noted, warnings = (stated, ()) if stated is not None else _from_stac(path)
    made, named = _from_tags(tags, MADE_TAGS), _from_name(path.stem)
    if made is not None and named is not None and named.date() < made.date():
        made = None
    tagged = _from_tags(tags, ACQUIRED_TAGS) or made
    time = noted or tagged or named
    return Acquired(time, None if time == tagged else time, warnings)


def _from_stac(path: Path) -> tuple[datetime | None, tuple[str, ...]]:
    warnings: list[str] = []
    text = os.fspath(path)
    for name in (os.path.splitext(text)[0] + ".json", text + ".json"):  # noqa: PTH122 - each file
        if not os.path.lexists(name):
            continue
        item = Path(name)
        try:
            if time := time_in(_document(read_regular(item, MOST_NOTE_BYTES))):
                return time, ()
        except InputError as error:
            warnings.append(f"{item.name} beside it is not used: {error.reason}")
        except RecursionError:
            warnings.append(f"{item.name} beside it is not used: nested too deeply")
        except ValueError as error:
            warnings.append(f"{item.name} beside it is not used: {error}")
    return None, tuple(warnings)


def _document(data: bytes) -> object:
    """The value of a JSON text; text that is not Unicode, as RFC 8259 requires, is read as Latin-1.

    Raises ValueError and RecursionError.
    """
    try:
        return json.loads(data)
    except UnicodeDecodeError:
        return json.loads(data.decode("latin-1"))
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON ({error})") from error


def time_in(document: object) -> datetime | None:
    """The time in a STAC item; None in another document. ValueError on an invalid time."""
    properties = document.get("properties") if isinstance(document, dict) else None
    if not isinstance(properties, dict):
        return None
    text = properties.get("datetime") or properties.get("start_datetime")
    if text is None:
        return None
    if not isinstance(text, str) or (time := _parsed(text)) is None:
        raise ValueError(f"{ascii(text)[:40]} is not a time between {EARLIEST} and {LATEST}")
    return time


def _from_tags(tags: Mapping[str, str], names: Sequence[str]) -> datetime | None:
    upper = {name.upper(): value for name, value in tags.items()}
    for name in names:
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
    try:
        if len(text) in FORMATS:
            with contextlib.suppress(ValueError):
                time = datetime.strptime(text, FORMATS[len(text)]).replace(tzinfo=UTC)
                # It takes day 366 of a year of 365 for the first day of the next.
                return _plausible(time) if time.year == int(text[:4]) else None
        time = datetime.fromisoformat(text.upper())  # RFC 3339 allows t and z
        return _plausible(time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        return None


def _plausible(time: datetime) -> datetime | None:
    """The time itself; None for a year that means "no end" or "not known", such as 9999 and 1."""
    return time if EARLIEST <= time.year < LATEST else None
