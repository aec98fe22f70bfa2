"""The place of a scene, as far as it is known; georeference.py finds it for rasters."""

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
    """The mapping between pixels of a scene and places on the Earth."""

    def footprints(self, windows: Sequence[Window], /) -> Footprints | None:
        """Corners of windows, float64 [N, 4, 2]; None if one of them has no place."""

    def lonlat(self, columns: Floats, rows: Floats, /) -> Floats:
        """Longitudes and latitudes of places in the scene, float64 [N, 2]; NaN: there is none."""

    def positions(self, longitudes: Floats, latitudes: Floats, /) -> Floats:
        """Column and row of places in degrees, float64 [N, 2]; NaN where there is none."""


class BoxGeoreference:
    """The georeference of a scene with only a known bounding box: every window has that box."""

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
        """See Georeference; not known for single pixels."""
        del rows
        return np.full((len(columns), 2), np.nan)

    def positions(self, longitudes: Floats, latitudes: Floats, /) -> Floats:
        """See Georeference; not known for single pixels."""
        del latitudes
        return np.full((len(longitudes), 2), np.nan)


@dataclass(frozen=True)
class Place:
    """The place of a scene.

    georeference: None for a scene that is not georeferenced. box: the box of its STAC item, if
    nothing else is known. pixel_size: in its middle, if known; sizes_differ: how many times larger
    the largest pixel is than the smallest, of those in the middle, at the upper and at the lower
    edge. warnings: why there is no georeference, though the file has data about it.
    """

    georeference: Georeference | None = None
    pixel_size: PixelSize | None = None
    sizes_differ: float = 1.0
    warnings: tuple[str, ...] = ()
    box: Box | None = None

    def or_within(self, box: Box | None) -> "Place":
        """The place itself; if it is not georeferenced, a place within a box."""
        if self.georeference is not None or box is None:
            return self
        if (box.east - box.west) % 360 >= 180 or box.east - box.west >= 360:
            note = (
                "it is not georeferenced: the box of its STAC item reaches around half the Earth "
                "or more, and is not used"
            )
            return replace(self, warnings=(*self.warnings, note))
        note = "it is not georeferenced: each of its tiles gets the box of its STAC item"
        warnings = (*self.warnings, note)
        return replace(self, georeference=BoxGeoreference(box), warnings=warnings, box=box)
