"""Where a scene is, as far as that is known; georeference.py finds it out for rasters."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt

from scenehash.geo import Box
from scenehash.tiling import PixelSize, Window

Floats = npt.NDArray[np.float64]
Footprints = Floats


class Georeference(Protocol):
    """How pixels of a scene and places on the Earth correspond."""

    def footprints(self, windows: Sequence[Window], /) -> Footprints | None:
        """Corners of windows, float64 [N, 4, 2]; None where one of them has no place."""

    def lonlat(self, columns: Floats, rows: Floats, /) -> Floats:
        """Longitudes and latitudes of places in the scene, float64 [N, 2]; NaN: there is none."""

    def positions(self, longitudes: Floats, latitudes: Floats, /) -> Floats:
        """Column and row of places in degrees, float64 [N, 2]; NaN where there is none."""


class BoxGeoreference:
    """Of a scene of which a box is known in which it lies: every window has that box."""

    def __init__(self, box: Box) -> None:
        self._corners = np.array(
            [
                (box.west, box.north),
                (box.east, box.north),
                (box.east, box.south),
                (box.west, box.south),
            ]
        )

    def footprints(self, windows: Sequence[Window], /) -> Footprints:
        """See Georeference."""
        return np.tile(self._corners, (len(windows), 1, 1))

    def lonlat(self, columns: Floats, rows: Floats, /) -> Floats:
        """See Georeference: which pixel is where is not known."""
        del rows
        return np.full((len(columns), 2), np.nan)

    def positions(self, longitudes: Floats, latitudes: Floats, /) -> Floats:
        """See Georeference: which pixel is where is not known."""
        del latitudes
        return np.full((len(longitudes), 2), np.nan)


@dataclass(frozen=True)
class Place:
    """Where a scene is.

    georeference: None for a scene that has no place. box: where nothing else is known, that of its
    STAC item. pixel_size: in its middle, where it is known; sizes_differ: how many times larger
    pixels are at one edge than at another. warnings: why there is no place, though the file tells
    something.
    """

    georeference: Georeference | None = None
    pixel_size: PixelSize | None = None
    sizes_differ: float = 1.0
    warnings: tuple[str, ...] = ()
    box: Box | None = None

    def or_within(self, box: Box | None) -> "Place":
        """The place itself; of a scene without one, that it lies in a box."""
        if self.georeference is not None or box is None:
            return self
        note = "it is not georeferenced: each of its tiles gets the box of its STAC item"
        warnings = (*self.warnings, note)
        return replace(self, georeference=BoxGeoreference(box), warnings=warnings, box=box)
