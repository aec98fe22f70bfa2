"""Which three bands of a raster are its red, green and blue."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from scenehash.errors import ConfigurationError, InputError

# Red, green and blue by the names that a mission gives its bands, and by their number in a file
# that names none. Sources: ESA Sentinel-2 User Handbook; USGS Landsat 8-9 and 4-7 data users
# handbooks; USDA NAIP, whose files are red, green, blue, near infrared.
PRESETS: dict[str, tuple[tuple[str, str, str], tuple[int, int, int]]] = {
    "sentinel2": (("b04", "b03", "b02"), (4, 3, 2)),
    "landsat8": (("b4", "b3", "b2"), (4, 3, 2)),
    "landsat7": (("b3", "b2", "b1"), (3, 2, 1)),
    "naip": (("red", "green", "blue"), (1, 2, 3)),
}
COLOURS = ("red", "green", "blue")


@dataclass(frozen=True)
class Bands:
    """The bands of a raster: how each is named in the file, and which colour it is said to be."""

    names: Sequence[str | None]
    colours: Sequence[str]

    def __str__(self) -> str:
        return ", ".join(f"{number} {name or '-'}" for number, name in enumerate(self.names, 1))


def choose(bands: Bands, wanted: str | None) -> tuple[int, ...]:
    """Numbers, from 1, of the red, green and blue band; of one band alone when it is grey.

    wanted: a preset, or three bands by number or name such as "4,3,2", "B04,B03,B02" or
    "nir,red,green". Without it: the file's own colours; else bands named red, green and blue; else
    those of Sentinel-2 by their names; else the only band, or the first three of three or four that
    have no names. Raises InputError, naming the bands and the option, when that does not settle it,
    and when a wanted band is not there; ConfigurationError when what is wanted makes no sense.
    """
    if wanted is not None:
        return _wanted(bands, wanted)
    colours = [colour.lower() for colour in bands.colours]
    if all(colour in colours for colour in COLOURS):
        return tuple(colours.index(colour) + 1 for colour in COLOURS)
    for names in (COLOURS, PRESETS["sentinel2"][0]):
        found = [_find(bands, name) for name in names]
        if None not in found:
            return tuple(number for number in found if number)
    data = [number for number, colour in enumerate(colours, 1) if colour != "alpha"]
    nameless = all(bands.names[number - 1] is None for number in data)
    if len(data) == 1:
        return (data[0],)
    if nameless and len(data) in (3, 4):
        return tuple(data[:3])
    raise InputError(
        f"no red, green and blue among its bands ({bands}); choose three with --bands, such as "
        f"--bands {','.join(str(number) for number in data[:3])}, or a preset "
        f"({', '.join(PRESETS)})"
    )


def _wanted(bands: Bands, wanted: str) -> tuple[int, ...]:
    if wanted.lower() in PRESETS:
        names, numbers = PRESETS[wanted.lower()]
        found = [_find(bands, name) for name in names]
        if None in found and any(bands.names):
            found = [_find(bands, colour) for colour in COLOURS]
        chosen = [number for number in found if number] if None not in found else list(numbers)
    else:
        parts = [part.strip() for part in wanted.split(",")]
        if len(parts) not in (1, 3) or not all(parts):
            raise ConfigurationError(
                f"--bands {wanted}: give three bands (or one) by number or name, or one of "
                f"{', '.join(PRESETS)}"
            )
        chosen = [int(part) if part.isdigit() else _find(bands, part) or 0 for part in parts]
    if not all(1 <= number <= len(bands.names) for number in chosen):
        raise InputError(f"--bands {wanted}: not among its bands ({bands})")
    return tuple(chosen)


def _find(bands: Bands, name: str) -> int | None:
    """The band with a word in its name, such as "red" or "B4" in "B4 red"."""
    for number, full in enumerate(bands.names, 1):
        words = re.split(r"[^0-9a-z]+", (full or "").lower())
        if name.lower() in words or name.lower() == (full or "").lower():
            return number
    return None
