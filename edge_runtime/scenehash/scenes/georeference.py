"""The place of a raster: by its transform, by ground control points, or by rational polynomials."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import rasterio
from rasterio import Affine
from rasterio.control import GroundControlPoint
from rasterio.crs import CRS
from rasterio.rpc import RPC
from rasterio.transform import GCPTransformer, RPCTransformer
from rasterio.warp import transform

from scenehash.errors import InputError
from scenehash.geo import ground_metres, wrapped
from scenehash.tiling import PixelSize, Window

from .gdal_access import gdal
from .place import Place

Floats = npt.NDArray[np.float64]

WGS84 = "EPSG:4326"
# Grids of the whole Earth whose pixels stand on the poles reach half a pixel beyond them.
BEYOND_THE_POLES = 1.0
# The limit of longitudes beyond 180.
MOST_LONGITUDE = 540.0
# The maximum error of a coordinate after a conversion to the globe and back.
SAME_PLACE, LEAST_APART = 1e-3, 1e-6
# If nominal and ground size of a pixel differ less than this, the nominal size counts.
SAME_SIZE = 0.005
# Thin plates go through each point; below, a polynomial does as well, and above they take long.
THIN_PLATE_POINTS, MOST_POINTS = 10, 400
LEAST_SPREAD = 1e-3
# Coordinates that begin anew differ by more: by 360 degrees, or by the way around the Earth.
LEAST_TURN = 100.0
# Steps along a row of pixels, and degrees by which what goes around half the Earth may seem longer.
STEPS, AROUND = 16, 1.0


class Mapping(Protocol):
    """From columns and rows of pixels to coordinates, and back; raises GDAL's errors."""

    def coordinates(self, columns: Floats, rows: Floats) -> tuple[Floats, Floats]:
        """Eastings and northings, or longitudes and latitudes, of places in the raster."""

    def places(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Columns and rows of coordinates."""


@dataclass(frozen=True)
class AffineMapping:
    """Columns and rows by an invertible transform."""

    affine: Affine

    def coordinates(self, columns: Floats, rows: Floats) -> tuple[Floats, Floats]:
        t = self.affine
        return t.a * columns + t.b * rows + t.c, t.d * columns + t.e * rows + t.f

    def places(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        t = ~self.affine
        return t.a * x + t.b * y + t.c, t.d * x + t.e * y + t.f


class FittedMapping:
    """Columns and rows by GDAL's fit to control points, or by rational polynomials."""

    def __init__(self, transformer: GCPTransformer | RPCTransformer) -> None:
        self._transformer = transformer

    def coordinates(self, columns: Floats, rows: Floats) -> tuple[Floats, Floats]:
        x, y = self._transformer.xy(rows, columns, offset="ul")
        return np.asarray(x, np.float64), np.asarray(y, np.float64)

    def places(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        rows, columns = self._transformer.rowcol(x, y, op=lambda values: values)
        return np.asarray(columns, np.float64), np.asarray(rows, np.float64)


@dataclass(frozen=True)
class Georeference:
    """The place of a raster's pixels in degrees of WGS 84; width: the number of pixels in a row."""

    mapping: Mapping
    crs: CRS
    width: int

    def lonlat(self, columns: Floats, rows: Floats) -> Floats:
        """Longitude and latitude of places, float64 [N, 2].

        NaN where there is none: off the Earth, or outside what a projection can tell.
        """
        try:
            with gdal():
                x, y = self.mapping.coordinates(columns, rows)
                found = transform(self.crs, WGS84, x.tolist(), y.tolist())
                back = transform(WGS84, self.crs, *found)
        except InputError:
            # One invalid place makes the whole call fail.
            if len(columns) == 1:
                return np.full((1, 2), np.nan)
            half = len(columns) // 2
            parts = (slice(half), slice(half, None))
            return np.concatenate([self.lonlat(columns[part], rows[part]) for part in parts])
        longitudes, latitudes = (np.array(values, np.float64) for values in found)
        nowhere = ~(np.isfinite(longitudes) & np.isfinite(latitudes))
        # What a projection cannot tell it may put on a pole.
        apart = LEAST_APART + np.ptp(y) * SAME_PLACE
        nowhere |= ~np.isclose(back[1], y, rtol=SAME_PLACE, atol=apart)
        nowhere |= np.abs(latitudes) > 90 + BEYOND_THE_POLES
        nowhere |= np.abs(longitudes) > MOST_LONGITUDE
        longitudes[nowhere] = latitudes[nowhere] = np.nan
        return np.stack([wrapped(longitudes), np.clip(latitudes, -90, 90)], axis=1)

    def footprints(self, windows: Sequence[Window]) -> Floats | None:
        """Corners float64 [N, 4, 2] of windows; None when one of them has no place.

        Nor have they where a window goes around half the Earth: its corners do not tell which half.
        """
        if not windows:
            return np.zeros((0, 4, 2), np.float64)
        across, down = np.array([0, 1, 1, 0]), np.array([0, 0, 1, 1])
        boxes = np.array([(w.x, w.y, w.width, w.height) for w in windows], np.float64)
        columns = boxes[:, :1] + boxes[:, 2:3] * across
        rows = boxes[:, 1:2] + boxes[:, 3:] * down
        middles = np.stack([columns[:, :2].mean(axis=1), rows[:, :2].mean(axis=1)], axis=1)
        corners = self.lonlat(columns.ravel(), rows.ravel()).reshape(-1, 4, 2)
        if not np.isfinite(corners).all():
            return None
        if self.crs.is_geographic:
            upper = self.lonlat(middles[:, 0], middles[:, 1])
            if _around(corners, upper):
                return None
        elif self._is_long(float(boxes[:, 1].mean()), 0, self.width) and any(
            self._is_long(y + height / 2, x, x + width) for x, y, width, height in boxes
        ):
            return None
        return corners

    def _is_long(self, row: float, first: float, last: float) -> bool:
        """Whether a row of pixels goes around more than half the Earth; through a pole is half."""
        columns = np.linspace(first, last, STEPS + 1)
        longitudes = self.lonlat(columns, np.full(len(columns), row))[:, 0]
        steps = (np.diff(longitudes) + 180) % 360 - 180
        return bool(abs(np.nansum(steps)) > 180 + AROUND)

    def positions(self, longitudes: Floats, latitudes: Floats) -> Floats:
        """Columns and rows of places, float64 [N, 2]; NaN where the raster's coordinates have no
        such place."""
        try:
            with gdal():
                found = transform(WGS84, self.crs, longitudes.tolist(), latitudes.tolist())
                x, y = (np.array(values, np.float64) for values in found)
                places = np.stack(self.mapping.places(x, y), axis=1)
                for turn in self._turns(places[:, 1]):
                    others = np.stack(self.mapping.places(x + turn, y), axis=1)
                    better = ~self._across(places) & self._across(others)
                    places[better] = others[better]
        except InputError:
            # One invalid place makes the whole call fail.
            if len(longitudes) == 1:
                return np.full((1, 2), np.nan)
            half = len(longitudes) // 2
            parts = (slice(half), slice(half, None))
            every = [self.positions(longitudes[part], latitudes[part]) for part in parts]
            return np.concatenate(every)
        places[~np.isfinite(places).all(axis=1)] = np.nan
        return places

    def _turns(self, rows: Floats) -> set[float]:
        """By how much coordinates are counted on where those of the Earth begin anew.

        As longitudes are past 180, or from -360, and metres of a cylinder past its edge. rows: some
        on which that is looked for.
        """
        row = rows[np.isfinite(rows)][:1]
        if not len(row):
            return set()
        columns, row = np.array([0.0, self.width]), np.repeat(row, 2)
        places = self.lonlat(columns, row)
        on_earth = np.isfinite(places).all(axis=1)
        x, _ = self.mapping.coordinates(columns, row)
        again, _ = transform(WGS84, self.crs, *places[on_earth].T.tolist())
        turns: list[float] = (x[on_earth] - np.array(again, np.float64)).tolist()
        return {turn for turn in turns if abs(turn) > LEAST_TURN}

    def _across(self, places: Floats) -> npt.NDArray[np.bool_]:
        """Which of columns and rows [N, 2] are of a column of the raster."""
        known = np.isfinite(places).all(axis=1)
        return np.asarray(known & (places[:, 0] >= 0) & (places[:, 0] <= self.width), np.bool_)


def place(file: rasterio.DatasetReader) -> Place:
    """Find the place of an open raster. Every problem is a warning."""
    warnings: list[str] = []
    try:
        with gdal():
            found, is_exact = _georeference(file, warnings)
    except InputError as error:
        return Place(None, None, warnings=(f"it is not georeferenced: {error.reason}",))
    if found is None:
        return Place(None, None, warnings=tuple(warnings))
    nominal = _nominal_size(file, found) if is_exact else None
    columns, rows = _probes(file.width, file.height)
    known = np.isfinite(found.lonlat(columns, rows)).all(axis=1)
    if not known.any():
        warnings.append(
            "it is not georeferenced: its coordinates are not on the Earth, or outside the area of "
            "its coordinate system"
        )
        return Place(None, nominal, warnings=tuple(warnings))
    if not known.all():
        warnings.append("parts of it are not on the Earth: its tiles get no footprints")
    sizes = [_ground_size(found, file.width / 2, file.height * at) for at in (0.5, 0.02, 0.98)]
    size = _preferred(sizes[0], nominal)
    measured = [value for one in sizes if one is not None for value in [one.across * one.down]]
    differ = float(np.sqrt(max(measured) / min(measured))) if measured else 1.0
    return Place(found, size, differ, tuple(warnings))


def _georeference(
    file: rasterio.DatasetReader, warnings: list[str]
) -> tuple[Georeference | None, bool]:
    """The georeference, and whether a transform gives it exactly."""
    affine, (points, points_crs) = file.transform, file.gcps
    if not affine.is_identity and file.crs is not None:
        if affine.is_degenerate or not np.isfinite(tuple(affine)[:6]).all():
            warnings.append("it is not georeferenced: its transform has no area")
            return None, False
        if file.crs.is_projected or file.crs.is_geographic:
            return Georeference(AffineMapping(affine), file.crs, file.width), True
        warnings.append("it is not georeferenced: its coordinate system is local")
        return None, False
    crs = points_crs or file.crs
    if points and crs is not None:
        return _by_points(points, crs, file.width, warnings), False
    if file.rpcs is not None:
        return _by_polynomials(file.rpcs, file.width, warnings), False
    if points:
        warnings.append("it is not georeferenced: its control points have no coordinate system")
    elif file.crs is not None:
        warnings.append("it is not georeferenced: it has a coordinate system, but no transform")
    elif not affine.is_identity:
        warnings.append("it is not georeferenced: it has a transform, but no coordinate system")
    return None, False


def _by_points(
    points: Sequence[GroundControlPoint], crs: CRS, width: int, warnings: list[str]
) -> Georeference | None:
    some = [points[at] for at in _evenly(len(points), MOST_POINTS)]
    pixels = np.array([(point.col, point.row) for point in some], np.float64)
    ground = np.array([(point.x, point.y) for point in some], np.float64)
    choices = [ground]
    if crs.is_geographic and np.isfinite(ground).all():
        choices.append(_without_a_jump(ground))
    choices = [choice for choice in choices if _spread(pixels) and _spread(choice)]
    if not choices:
        warnings.append("it is not georeferenced: its control points do not span an area")
        return None
    placed = [
        GroundControlPoint(point.row, point.col, x, y)
        for point, (x, y) in zip(
            some, min(choices, key=lambda choice: _misfit(pixels, choice)).tolist(), strict=True
        )
    ]
    fitted = FittedMapping(GCPTransformer(placed, tps=len(placed) >= THIN_PLATE_POINTS))
    return Georeference(fitted, crs, width)


def _without_a_jump(ground: Floats) -> Floats:
    """Longitudes and latitudes [N, 2], with longitudes that continue past the meridian of a jump.

    The jump is at 180 degrees, or at 0 for longitudes from 0 to 360. They continue from the widest
    gap between them.
    """
    longitudes = ground[:, 0]
    around = np.sort(longitudes % 360)
    gaps = np.diff(around, append=around[0] + 360)
    first = around[(int(np.argmax(gaps)) + 1) % len(around)]
    return np.column_stack([first + (longitudes - first) % 360, ground[:, 1]])


def _misfit(pixels: Floats, ground: Floats) -> tuple[float, bool]:
    """How far longitudes are from an affine map of columns and rows, in degrees, to a thousandth;
    and whether the scene would be mirrored, as hardly any is."""
    design = np.column_stack([np.ones(len(pixels)), pixels])
    map_, *_ = np.linalg.lstsq(design, ground, rcond=None)
    error = np.sqrt(np.square(design @ map_ - ground)[:, 0].mean())
    return round(float(error), 3), bool(np.linalg.det(map_[1:]) > 0)


def _by_polynomials(rpcs: RPC, width: int, warnings: list[str]) -> Georeference:
    height = float(rpcs.height_off or 0.0)
    warnings.append(
        f"georeferenced by its rational polynomials (RPC) at a height of {height:.0f} m, without "
        "the terrain: the error of footprints may be as large as the height of the terrain"
    )
    transformer = RPCTransformer(rpcs, RPC_HEIGHT=height)
    return Georeference(FittedMapping(transformer), CRS.from_user_input(WGS84), width)


def _spread(points: Floats) -> bool:
    """Whether points [N, 2] are finite and span an area."""
    if len(points) < 3 or not np.isfinite(points).all():
        return False
    wide, narrow = np.linalg.svd(points - points.mean(axis=0), compute_uv=False)
    return bool(narrow > LEAST_SPREAD * wide)


def _evenly(count: int, most: int) -> list[int]:
    at: list[int] = np.linspace(0, count - 1, min(count, most)).astype(int).tolist()
    return sorted(set(at))


def _probes(width: int, height: int) -> tuple[Floats, Floats]:
    across, down = np.meshgrid(np.linspace(0, width, 5), np.linspace(0, height, 5))
    return across.ravel(), down.ravel()


def _nominal_size(file: rasterio.DatasetReader, found: Georeference) -> PixelSize | None:
    """The size of a pixel in the units of a projection; None for degrees."""
    if not found.crs.is_projected:
        return None
    try:
        with gdal():
            metres = float(found.crs.linear_units_factor[1])
    except InputError:
        return None
    t = file.transform
    return PixelSize(float(np.hypot(t.a, t.d)) * metres, float(np.hypot(t.b, t.e)) * metres)


def _ground_size(found: Georeference, column: float, row: float) -> PixelSize | None:
    """The size of a pixel on the ground; None if it is not on the Earth."""
    columns = np.array([column - 0.5, column + 0.5, column, column])
    rows = np.array([row, row, row - 0.5, row + 0.5])
    places = found.lonlat(columns, rows)
    if not np.isfinite(places).all():
        return None
    left, right, upper, lower = [(float(lon), float(lat)) for lon, lat in places]
    size = PixelSize(ground_metres(left, right), ground_metres(upper, lower))
    return size if min(size) > 0 else None


def _preferred(size: PixelSize | None, nominal: PixelSize | None) -> PixelSize | None:
    """The size on the ground, or the nominal size if almost equal, or the only known size."""
    if size is None or nominal is None:
        return size or nominal
    off = max(abs(one / other - 1) for one, other in zip(size, nominal, strict=True))
    return nominal if off < SAME_SIZE else size


def _around(corners: Floats, upper: Floats) -> bool:
    """Whether an upper edge is longer than half the Earth, by its middle."""
    there = (corners[:, 1, 0] - corners[:, 0, 0] + 180) % 360 - 180
    half = (upper[:, 0] - corners[:, 0, 0] + 180) % 360 - 180
    return bool((np.abs(2 * half - there) > 1).any())
