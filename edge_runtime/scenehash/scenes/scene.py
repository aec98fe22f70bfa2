"""A scene: one image or raster as it was delivered, read a few tiles at a time."""

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from math import ceil, sqrt
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from scenehash.errors import InputError, ScenehashError
from scenehash.geo import on_footprint_steps
from scenehash.printable import printable
from scenehash.tiles import Image, resized
from scenehash.tiling import Tiling, Window, rows_of

from .decoding import Decoding, read_rgb
from .files import content_id
from .parts import Identity
from .place import Footprints, Place
from .source import Source, Valid
from .times import Acquired

# Pixels read at once: few enough for what is made of them to stay in a processor's cache. A window
# of more comes shrunk by GDAL, from overviews where there are any, to at least half as many.
READ_PIXELS = 1 << 20
# The difference of tile sizes in metres between the edges of a scene that gives a warning.
SIZES_MAY_DIFFER = 1.1
# The minimum side of a useful tile, in pixels.
LEAST_SIDE = 8
NO_FOOTPRINTS = "its tiles get no footprints"


class Tile(NamedTuple):
    """A window and its tile, uint8 RGB [S, S, 3]; None if it has too few valid pixels."""

    window: Window
    image: Image | None


class Scene:
    """An open scene.

    time: its acquisition time, if known. time_beside: the same if it is not in the file itself, see
    times.Acquired. height and width in pixels. pixel_size: on the ground, if known. reading: how
    its file becomes pixels, as plain values, to get the same pixels later. warnings: for a person.
    is_large: whether reading all its bytes takes a while.
    """

    def __init__(
        self,
        path: Path,
        source: Source,
        decoding: Decoding,
        identity: Identity,
        acquired: Acquired,
        place: Place,
        asked: Mapping[str, object],
        is_large: bool = False,
    ) -> None:
        self.path, self.is_large = path, is_large
        self.height, self.width = source.height, source.width
        self.pixel_size = place.pixel_size
        self.time: datetime | None = acquired.time
        self.time_beside: datetime | None = acquired.beside
        self.reading: Mapping[str, object] = decoding.document() | (
            {"asked": asked} if asked else {}
        )
        self.warnings: Sequence[str] = (*place.warnings, *decoding.warnings, *acquired.warnings)
        self._source, self._decoding, self._identity = source, decoding, identity
        self._place, self._asked = place, asked

    @property
    def digest(self) -> str:
        """The id of all bytes of its pixels and its place; InputError.

        It reads all of them: the file, and the companion files that count, see parts.
        """
        return self._identity.digest

    @property
    def stamp(self) -> str | None:
        """A value that changes with those bytes, found without reading them; None if unknown."""
        return self._identity.stamp

    @property
    def content(self) -> str:
        """The id of the scene: two scenes with one id are the same; InputError.

        It is the digest, except if the time or the place does not come from the file, or if bands,
        nodata or stretch differ from the file's own: the same bytes of another day, at another
        place, or in other bands, are another scene.
        """
        apart = dict(self._asked)
        if self._place.box is not None:
            apart["box"] = list(self._place.box)
        if self.time_beside is not None:
            apart["time"] = self.time_beside.isoformat()
        if not apart:
            return self.digest
        return content_id(json.dumps([self.digest, apart], sort_keys=True).encode())

    @property
    def origin(self) -> dict[str, str]:
        """The data to check later whether the file still has the present pixels; see shows."""
        stamp = self.stamp
        return {"digest": self.digest} if stamp is None else {"digest": self.digest, "stamp": stamp}

    def shows(self, origin: Mapping[str, object]) -> bool:
        """Whether its pixels are the same as when an origin was recorded; InputError."""
        if "digest" not in origin:
            return True
        stamp = self.stamp
        return (stamp is not None and stamp == origin.get("stamp")) or (
            self.digest == origin["digest"]
        )

    def windows(self, tiling: Tiling, tile_size: int) -> list[Window]:
        """The windows of all tiles; InputError when their size on the ground is not known."""
        sides = tiling.sides(tile_size, self.pixel_size)
        if sides is None:
            raise InputError(
                "a tile size in metres needs the size of the file's pixels on the ground, which is "
                "not known; give the tile size in pixels"
            )
        if tiling.metres is not None and min(sides) < LEAST_SIDE:
            raise InputError(
                f"tiles of {tiling.metres:g} m would be {sides[0]}x{sides[1]} of its pixels, too "
                "few to show anything; give larger tiles"
            )
        if tiling.metres is not None and self._place.sizes_differ > SIZES_MAY_DIFFER:
            self.warnings = (
                *self.warnings,
                f"its pixels differ in size by {self._place.sizes_differ:.2g} times between its "
                "edges: tiles have the given size in its middle",
            )
        windows = tiling.windows(self.height, self.width, sides)
        if len(windows) > 1 and min(self.height, self.width) < LEAST_SIDE <= min(sides):
            raise InputError(
                f"{self.width}x{self.height} pixels are too narrow for useful tiles; "
                "take one tile of it with --whole"
            )
        return windows

    def tiles(
        self, windows: Sequence[Window], tile_size: int, min_valid: float = 0.0
    ) -> Iterator[list[Tile]]:
        """Yields the tiles of windows in groups, in their order; InputError on damage.

        This is the only place where the pixels of a file become tiles, for any use. min_valid: the
        minimum share of valid pixels in a window.
        """
        for row in rows_of(list(windows)):
            for some in _together(row):
                with only_input_errors():
                    tiles = self._tiles(some, tile_size, min_valid)
                yield tiles

    def pixels(self, window: Window, side: int) -> Image:
        """The tile of a window with any number of valid pixels, uint8 RGB [side, side, 3]."""
        ((tile,),) = self.tiles([window], side)
        assert tile.image is not None  # without a minimum share, no window is left out
        return tile.image

    def overview(self, side: int) -> Image:
        """The whole scene, uint8 RGB, at most side pixels high and wide."""
        return self.picture(Window(0, 0, self.width, self.height), side)[0]

    def picture(self, window: Window, side: int) -> tuple[Image, Valid | None]:
        """A window as uint8 RGB [H, W, 3], shrunk to at most side pixels high and wide; and its
        valid pixels, bool [H, W], or None for all. InputError when it is not inside.
        """
        x, y, width, height = window.x, window.y, window.width, window.height
        inside = min(x, y) >= 0 and x + width <= self.width and y + height <= self.height
        if not inside or min(width, height) < 1:
            raise InputError(
                f"window {x},{y},{width},{height} is not inside the scene, which has "
                f"{self.width}x{self.height} pixels"
            )
        scale = min(1.0, side / max(window.height, window.width))
        shape = max(1, round(window.height * scale)), max(1, round(window.width * scale))
        with only_input_errors():
            return read_rgb(self._source, self._decoding, window, shape)

    def footprints(self, windows: Sequence[Window]) -> Footprints | None:
        """Corners float64 [N, 4, 2] of windows, longitude and latitude, clockwise from the upper
        left, rounded to 3 mm; None for a scene that is not georeferenced.
        """
        if self._place.georeference is None:
            return None
        with only_input_errors():
            found = self._place.georeference.footprints(windows)
        if found is None and not any(NO_FOOTPRINTS in line for line in self.warnings):
            self.warnings = (
                *self.warnings,
                f"a tile reaches around half the Earth, or is not on the Earth: {NO_FOOTPRINTS}",
            )
        return None if found is None else on_footprint_steps(found)

    def position(self, longitude: float, latitude: float) -> tuple[float, float] | None:
        """Column and row of a place in the scene; None for a scene that is not georeferenced."""
        found = self.positions(np.array([longitude]), np.array([latitude]))
        if found is None or np.isnan(found).any():
            return None
        return float(found[0, 0]), float(found[0, 1])

    def positions(self, longitudes: Footprints, latitudes: Footprints) -> Footprints | None:
        """Columns and rows of places, float64 [N, 2], NaN if there is none; None for a scene that
        is not georeferenced.
        """
        if self._place.georeference is None:
            return None
        with only_input_errors():
            return self._place.georeference.positions(longitudes, latitudes)

    def lonlat(self, columns: Footprints, rows: Footprints) -> Footprints | None:
        """Longitudes and latitudes of columns and rows, float64 [N, 2], NaN if there is none; None
        for a scene that is not georeferenced.
        """
        if self._place.georeference is None:
            return None
        with only_input_errors():
            return self._place.georeference.lonlat(columns, rows)

    def close(self) -> None:
        """Close the file."""
        self._source.close()

    def __enter__(self) -> "Scene":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _tiles(self, windows: Sequence[Window], tile_size: int, min_valid: float) -> list[Tile]:
        """The tiles of neighbours in a row, with one read."""
        first, last = windows[0], windows[-1]
        strip = Window(first.x, first.y, last.x + last.width - first.x, first.height)
        shape = strip.height, strip.width
        if len(windows) == 1 and first.width * first.height > READ_PIXELS:
            shrunk = ceil(sqrt(first.width * first.height / READ_PIXELS))
            shape = ceil(first.height / shrunk), ceil(first.width / shrunk)
        image, valid = read_rgb(self._source, self._decoding, strip, shape)
        if len(windows) == 1:
            return [_tile(first, image, valid, tile_size, min_valid)]
        return [
            _tile(
                window,
                image[:, window.x - first.x :][:, : window.width],
                None if valid is None else valid[:, window.x - first.x :][:, : window.width],
                tile_size,
                min_valid,
            )
            for window in windows
        ]


@contextlib.contextmanager
def only_input_errors() -> Iterator[None]:
    """Every error of one file becomes an InputError, without the path."""
    try:
        yield
    except ScenehashError:
        raise
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror or error})") from error
    except MemoryError as error:
        raise InputError("it needs more memory than is free") from error
    except Exception as error:  # a hostile file may cause any error
        text = printable(" ".join(str(error).split()))[:200]
        raise InputError(f"cannot be read ({type(error).__name__}: {text})") from error


def _together(row: Sequence[Window]) -> Iterator[list[Window]]:
    """Windows of a row in groups for one read each: neighbours, with a maximum total of pixels."""
    some: list[Window] = []
    for window in row:
        if some:
            width = window.x + window.width - some[0].x
            same = (window.width, window.height) == (some[0].width, some[0].height)
            if not same or width < window.width or width * window.height > READ_PIXELS:
                yield some
                some = []
        some.append(window)
    if some:
        yield some


def _tile(
    window: Window, image: Image, valid: Valid | None, tile_size: int, min_valid: float
) -> Tile:
    if valid is not None:
        # OpenCV's count is ten times faster than numpy's mean.
        held = cv2.countNonZero(np.ascontiguousarray(valid).view(np.uint8)) / valid.size
        if held < min_valid:
            return Tile(window, None)
    tile = resized(image, tile_size)
    # A view would keep all pixels of a read in memory as long as one tile exists.
    return Tile(window, tile.copy() if np.may_share_memory(tile, image) else tile)
