"""The meaning of band names: colours in words, and the band numbers of missions."""

import re
from collections.abc import Sequence

COLOURS = ("red", "green", "blue")
# Names as they stand, of one letter: NAIP in Earth Engine, drones.
LETTERS = {"r": "red", "g": "green", "b": "blue"}
# A band whose name has one of these beside a colour is not that colour: red edge, coastal blue,
# SuperDove's first green.
OTHER_WORDS = frozenset({
    "edge", "coastal", "near", "nir", "ir", "infrared", "swir", "mir", "lwir", "tir", "thermal",
    "i", "ii", "iii", "deep", "dark", "mask", "ratio", "index", "nd", "diff", "minus", "over",
})  # fmt: skip
# Words that mean that a band is not one of the three colours.
NOT_COLOURS = frozenset({
    "nir", "swir", "mir", "lwir", "tir", "thermal", "infrared", "rededge", "edge", "coastal",
    "aerosol", "yellow", "cirrus", "pan", "panchromatic", "vv", "vh", "hh", "hv", "ndvi", "ndwi",
    "qa", "scl", "dem", "elevation", "cyan", "magenta",
})  # fmt: skip
# Words that may stand beside a colour and add nothing to it, besides those with digits.
PLAIN_WORDS = frozenset({
    "band", "b", "sr", "toa", "boa", "dn", "reflectance", "refl", "radiance", "surface", "light",
    "channel", "ch", "nm", "um", "visible", "vis", "mean", "median", "mosaic",
})  # fmt: skip

# A name is read so far; a file may have thousands of bands with names of any length.
MOST_READ = 200

_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_WORD = re.compile(r"[0-9a-z]+")
_COUNTED = re.compile(r"(?:[Bb]and|BAND|[Ll]ayer|[Cc]hannel|b)?[ _-]?([1-9][0-9]{0,3})")
_TWO_DIGITS = re.compile("b0[1-9]")
_NUMBERED = re.compile(r"(?:b|band)?0*([0-9]{1,3})(a?)")


def words_of(name: str | None) -> list[str]:
    """The words of a band's name in lower case: "CoastalBlue_1" has coastal, blue and 1."""
    return _WORD.findall(_CAMEL.sub(" ", (name or "")[:MOST_READ]).lower())


def mission_band(name: str | None) -> str | None:
    """A mission's number of a band, as b4 or b8a, from "B04", "SR_B4" or "Band 4 (red)".

    None for a name without such a number, or with two of them.
    """
    words = words_of(name)
    found = []
    for position, word in enumerate(words):
        match = _NUMBERED.fullmatch(word)
        is_band = match and (word[0] == "b" or words[:position][-1:] == ["band"] or len(words) == 1)
        if match and is_band:
            found.append(f"b{match[1]}{match[2]}")
    return found[0] if len(found) == 1 else None


def find_colour(names: Sequence[str | None], colour: str) -> int | None:
    """The number, from 1, of the only band with the name of a colour; None for none or several."""
    return _single([_colour_rank(name, colour) for name in names])


def find_mission_band(names: Sequence[str | None], band: str) -> int | None:
    """The number, from 1, of the only band with a mission's number such as b4; None for none or
    several.
    """
    return _single([0 if mission_band(name) == band else None for name in names])


def find_name(names: Sequence[str | None], wanted: str) -> int | None:
    """The number, from 1, of the only band with a name from the user; None for none or several."""
    if wanted.lower() in COLOURS:
        return find_colour(names, wanted.lower())
    number, words = mission_band(wanted), set(words_of(wanted))
    return _single([_name_rank(name, wanted, number, words) for name in names])


def is_no_colour(name: str | None) -> bool:
    """Whether a name says that a band is not red, green or blue."""
    words = words_of(name)
    return not NOT_COLOURS.isdisjoint(words)


def are_only_numbers(names: Sequence[str | None]) -> bool:
    """Whether names have no meaning: there are none, or they only count the bands, as "Band 1".

    "b1" only counts, too, in exports of Earth Engine, while a mission writes "B1".
    """
    if not any(names):
        return True
    counted = [_COUNTED.fullmatch(name or "") for name in names]
    return [match and int(match[1]) for match in counted] == list(range(1, len(names) + 1))


def mission_colours(names: Sequence[str | None]) -> tuple[str, str, str] | None:
    """The mission's numbers of red, green and blue, if the names show the mission; None if unsure.

    Bands 4, 3, 2 of Sentinel-2 and Landsat 8 and 9, bands 3, 2, 1 of Landsat 4 to 7, and bands 1,
    4, 3 of MODIS. Sources: ESA Sentinel-2 User Handbook; USGS Landsat 8-9 and 4-7 data users
    handbooks; MOD09 user's guide; the catalogue of Earth Engine for the names there.
    """
    there = {band for name in names if (band := mission_band(name))}
    by_words = [set(words_of(name)) for name in names]
    words = set().union(*by_words)
    if {"sur", "refl"} <= words:
        return ("b1", "b4", "b3")
    if "vcid" in words:
        return ("b3", "b2", "b1")
    newer = {"b8a", "b9", "b10", "b11", "b12"} & there or any(map(_TWO_DIGITS.fullmatch, words))
    if newer or "b1" not in there:
        return ("b4", "b3", "b2")
    if "sr" in words:
        # Landsat's surface reflectance: band 6 is in it from Landsat 8 on.
        return ("b4", "b3", "b2") if {"sr", "b6"} in by_words else ("b3", "b2", "b1")
    return None


def _single(ranks: Sequence[int | None]) -> int | None:
    known = [rank for rank in ranks if rank is not None]
    if not known or known.count(min(known)) > 1:
        return None
    return ranks.index(min(known)) + 1


def _colour_rank(name: str | None, colour: str) -> int | None:
    """How clearly a name means a colour, 0 the clearest; None if it does not."""
    words = words_of(name)
    if words == [colour]:
        return 0
    if len(words) == 1 and LETTERS.get(words[0]) == colour:
        return 1
    others = [word for word in words if word != colour]
    if len(others) == len(words) or not OTHER_WORDS.isdisjoint(others):
        return None
    plain = all(word in PLAIN_WORDS or word[-1:].isdigit() for word in others)
    return 2 if plain else 3


def _name_rank(name: str | None, wanted: str, number: str | None, words: set[str]) -> int | None:
    if (name or "").lower() == wanted.lower():
        return 0
    if words and words_of(name) == words_of(wanted):
        return 1
    if number is not None:
        return 2 if mission_band(name) == number else None
    return 3 if words and words <= set(words_of(name)) else None
