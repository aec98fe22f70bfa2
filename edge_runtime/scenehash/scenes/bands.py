"""The choice of three bands of a file as red, green and blue."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import NamedTuple

from scenehash.errors import InputError
from scenehash.printable import printable

from .band_names import (
    COLOURS,
    are_only_numbers,
    find_colour,
    find_mission_band,
    find_name,
    is_no_colour,
    mission_band,
    mission_colours,
)

# GDAL's words for other colours; see Bands.colours.
UNKNOWN_COLOURS = frozenset({"gray", "undefined", "red", "green", "blue", "alpha"})
INKS = frozenset({"cyan", "magenta", "yellow", "black"})
# Colours to show for a band without a name.
SAID = (*COLOURS, "alpha")
SHOWN_BANDS, SHOWN_NAME = 16, 40
_NUMBER = re.compile("[0-9]{1,5}")


class Preset(NamedTuple):
    """A mission's red, green and blue.

    names: the mission's band numbers; None if its names are colours. stacks: positions in files
    without band names, by the number of bands.
    """

    names: tuple[str, str, str] | None
    stacks: Mapping[int, tuple[int, int, int]]


# Sources: as band_names.mission_colours; USDA NAIP, whose files are red, green, blue, near IR;
# Planet's imagery product specifications: 4 bands begin with blue, and so do RapidEye's 5. A stack
# of Sentinel-2 has all 13 bands, 12 without cirrus, 10 without those of 60 m, or 4 of 10 m.
PRESETS: dict[str, Preset] = {
    "sentinel2": Preset(
        ("b4", "b3", "b2"), {13: (4, 3, 2), 12: (4, 3, 2), 10: (3, 2, 1), 4: (3, 2, 1)}
    ),
    "landsat8": Preset(("b4", "b3", "b2"), dict.fromkeys(range(7, 12), (4, 3, 2)) | {6: (3, 2, 1)}),
    "landsat7": Preset(("b3", "b2", "b1"), dict.fromkeys(range(6, 10), (3, 2, 1))),
    "naip": Preset(None, {3: (1, 2, 3), 4: (1, 2, 3)}),
    "planetscope": Preset(None, {4: (3, 2, 1), 5: (3, 2, 1), 8: (6, 4, 2)}),
}


@dataclass(frozen=True)
class Bands:
    """The bands of a file: their names and colours in the file.

    colours: GDAL's words, in lower case.
    """

    names: Sequence[str | None]
    colours: Sequence[str]

    def __str__(self) -> str:
        shown: list[str] = []
        for name, colour in zip(self.names[:SHOWN_BANDS], self.colours, strict=False):
            text = name or (colour if colour in SAID else "-")
            shown.append(f"{len(shown) + 1} {printable(text[:SHOWN_NAME])[:SHOWN_NAME]}")
        more = len(self.names) - len(shown)
        return ", ".join([*shown, f"and {more} more"] if more else shown)

    @property
    def alpha(self) -> int | None:
        """The number, from 1, of the band for transparency.

        GDAL calls the fourth band of 8 bits alpha by default: a band with another name is not
        alpha.
        """
        for number, (name, colour) in enumerate(zip(self.names, self.colours, strict=True), 1):
            if colour == "alpha" and not (is_no_colour(name) or mission_band(name)):
                return number
        return None

    @property
    def data(self) -> list[int]:
        """The numbers, from 1, of all bands but the alpha band."""
        alpha = self.alpha
        return [number for number in range(1, len(self.names) + 1) if number != alpha]

    def without_alpha(self) -> "Bands":
        """The same bands, without an alpha band among the colours."""
        colours = tuple("undefined" if colour == "alpha" else colour for colour in self.colours)
        return Bands(tuple(self.names), colours)


class Choice(NamedTuple):
    """Numbers, from 1, of the red, green and blue band, or of one grey band.

    is_guess: the file does not tell the colours. by_position: positions from a preset, for bands
    without names.
    """

    numbers: tuple[int, ...]
    is_guess: bool = False
    by_position: bool = False


def choose(bands: Bands, wanted: str | None) -> Choice:
    """Choose the bands for red, green and blue.

    wanted: as DecodeParams.bands: a preset, or three bands (or one) by number or name, such as
    "4,3,2", "B04,B03,B02" or "nir,red,green". Without it: the bands with the names red, green and
    blue; else those with a mission's numbers; else the file's own colours, unless its names
    contradict them; else the only band; else, as a guess, the first three of three or four bands
    with meaningless names. Raises InputError, with the bands and the option, when none of these
    applies, and when a wanted band does not exist.
    """
    return _choose(Bands(tuple(bands.names), tuple(bands.colours)), wanted)


def is_preset(wanted: str | None) -> bool:
    """Whether wanted is the name of a preset."""
    return wanted is not None and wanted.lower() in PRESETS


# For the images of a folder the answer is the same, and costs a tenth of reading one.
@lru_cache(256)
def _choose(bands: Bands, wanted: str | None) -> Choice:
    if wanted is not None:
        by_position = is_preset(wanted) and are_only_numbers(bands.names)
        return Choice(_wanted(bands, wanted), by_position=by_position and len(bands.data) > 3)
    by_name = by_names(bands)
    if by_name is not None:
        return Choice(by_name)
    contradicted = False
    if all(colour in bands.colours for colour in COLOURS):
        chosen = tuple(bands.colours.index(colour) + 1 for colour in COLOURS)
        contradicted = any(_contradicts(bands.names[at - 1], at, bands) for at in chosen)
        if not contradicted:
            return Choice(chosen)
    data = bands.data
    if set(bands.colours) >= INKS:
        raise InputError(
            "its bands are inks (cyan, magenta, yellow, black); convert it to red, green and blue"
        )
    if len(data) == 1:
        return Choice((data[0],))
    tells_nothing = are_only_numbers([bands.names[number - 1] for number in data])
    plain = UNKNOWN_COLOURS.issuperset(bands.colours)
    if tells_nothing and plain and not contradicted and len(data) in (3, 4):
        return Choice(tuple(data[:3]), is_guess=True)
    presets = [name for name, preset in PRESETS.items() if _of_preset(bands, preset) is not None]
    offered = f", or a preset ({', '.join(presets)})" if presets else ""
    raise InputError(
        f"no red, green and blue among its bands ({bands}); choose three (or one) with --bands, "
        f"such as --bands {','.join(map(str, data[: 3 if len(data) > 2 else 1]))}{offered}"
    )


def by_names(bands: Bands) -> tuple[int, ...] | None:
    """Bands by their names, in words or by a mission's numbers; None if the names do not tell."""
    named = _all_found(find_colour(bands.names, colour) for colour in COLOURS)
    if named is not None or are_only_numbers(bands.names):
        return named
    mission = mission_colours(bands.names)
    if mission is None:
        return None
    return _all_found(find_mission_band(bands.names, band) for band in mission)


def _contradicts(name: str | None, number: int, bands: Bands) -> bool:
    """Whether a band's name contradicts its colour in the file."""
    if is_no_colour(name):
        return True
    colour = bands.colours[number - 1]
    if any(find_colour([name], other) for other in COLOURS if other != colour):
        return True
    return mission_band(name) is not None and not are_only_numbers(bands.names)


def _wanted(bands: Bands, wanted: str) -> tuple[int, ...]:
    if is_preset(wanted):
        found = _of_preset(bands, PRESETS[wanted.lower()])
        if found is None:
            raise InputError(
                f"--bands {wanted}: not the bands of that preset ({bands}); choose three by number "
                "or name"
            )
        return found
    chosen = []
    for part in (part.strip() for part in wanted.split(",")):
        number = int(part) if _NUMBER.fullmatch(part) else _find(bands, part)
        if number is None or not 1 <= number <= len(bands.names):
            hint = f"; or a preset: {', '.join(PRESETS)}" if "," not in wanted else ""
            near = get_close_matches(wanted.lower(), PRESETS, 1) if hint else []
            hint = f"; did you mean {near[0]}?{hint[1:]}" if near else hint
            raise InputError(f"--bands {wanted}: {part} is not one of its bands ({bands}){hint}")
        chosen.append(number)
    return tuple(chosen)


def _find(bands: Bands, name: str) -> int | None:
    """The band with a name; without names, the band with that colour in the file."""
    colour = name.lower()
    if not any(bands.names) and bands.colours.count(colour) == 1:
        return list(bands.colours).index(colour) + 1
    return find_name(bands.names, name)


def _of_preset(bands: Bands, preset: Preset) -> tuple[int, ...] | None:
    """The bands of a mission, by their names or positions; None if they do not exist."""
    if not are_only_numbers(bands.names):
        found = None
        if preset.names is not None:
            found = _all_found(find_mission_band(bands.names, name) for name in preset.names)
        return found or _all_found(find_colour(bands.names, colour) for colour in COLOURS)
    data = bands.data
    if len(data) == 3 and all(colour in bands.colours for colour in COLOURS):
        # The picture already has red, green and blue.
        return tuple(bands.colours.index(colour) + 1 for colour in COLOURS)
    if len(data) not in preset.stacks:
        return None
    return tuple(data[position - 1] for position in preset.stacks[len(data)])


def _all_found(numbers: Iterable[int | None]) -> tuple[int, ...] | None:
    found = tuple(number for number in numbers if number is not None)
    return found if len(set(found)) == 3 else None
