"""An area of the Earth, as polygons in degrees, and its intersection with tiles."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from scenehash.errors import ConfigurationError, InputError
from scenehash.files import check_regular, path_text
from scenehash.geo import Box, Floats, wrapped

# Each corner is compared with each tile in reach.
MOST_CORNERS = 10_000
# Longitudes may go on past the antimeridian, by a turn.
FARTHEST = 540.0
# Corners times boxes per step: 8 MB per array.
TOGETHER = 1 << 20
LARGEST_FILE = 4_000_000
HINT = "give GeoJSON with a Polygon or a MultiPolygon in degrees (RFC 7946)"

Ring = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Area:
    """Polygons, each as its rings: first the outer ring, then the rings of its holes.

    A ring has its corners as (longitude, latitude) in degrees, WGS 84; it need not repeat the first
    corner. Its edges are straight lines of longitude and latitude, as in RFC 7946. Longitudes may
    exceed 180: a polygon from 179 to 181 is the same as two polygons that are cut at the
    antimeridian.
    """

    polygons: tuple[tuple[Ring, ...], ...]

    @classmethod
    def from_geojson(cls, document: object) -> "Area":
        """The polygons of a GeoJSON geometry, feature or collection; ConfigurationError if it has
        none.
        """
        polygons = tuple(_polygons(document))
        if not polygons:
            raise ConfigurationError(f"area: no polygon; {HINT}")
        corners = sum(len(ring) for rings in polygons for ring in rings)
        if corners > MOST_CORNERS:
            raise ConfigurationError(
                f"area: {corners} corners, and at most {MOST_CORNERS} are taken; simplify it"
            )
        return cls(polygons)

    @classmethod
    def from_file(cls, path: Path) -> "Area":
        """The polygons in a GeoJSON file; InputError when it cannot be read, or has no polygon."""
        try:
            check_regular(path)
            if path.stat().st_size > LARGEST_FILE:
                raise InputError("an area of more than 4 MB; simplify it")
            return cls.from_geojson(json.loads(path.read_bytes()))
        except (OSError, ValueError, RecursionError) as error:
            raise InputError(f"not GeoJSON ({error})", path_text(path)) from error
        except ConfigurationError as error:
            raise InputError(str(error), path_text(path)) from error
        except InputError as error:
            raise InputError(error.reason, path_text(path)) from error

    def geojson(self) -> dict[str, object]:
        """The area as a GeoJSON MultiPolygon."""
        coordinates = [
            [[list(corner) for corner in (*ring, ring[0])] for ring in rings]
            for rings in self.polygons
        ]
        return {"type": "MultiPolygon", "coordinates": coordinates}

    def box(self) -> Box:
        """The bounding box; it has all longitudes if the polygons lie around the whole Earth."""
        corners = np.array([corner for rings in self.polygons for corner in rings[0]])
        (west, south), (east, north) = corners.min(axis=0), corners.max(axis=0)
        if east - west >= 360:
            return Box(-180.0, float(south), 180.0, float(north))
        west, east = wrapped(np.array([west, east])).tolist()
        # A box from 180 to 180 has no width; the same place is also -180.
        return Box(-180.0 if west == 180.0 else west, float(south), east, float(north))

    def meeting(self, boxes: Floats) -> npt.NDArray[np.bool_]:
        """Which of boxes float64 [N, 4], see geo.Box, share at least a point with the area: bool
        [N].
        """
        found = np.zeros(len(boxes), np.bool_)
        for rings in self.polygons:
            left = np.flatnonzero(~found)
            found[left] = _meeting(boxes[left], [np.array(ring) for ring in rings])
        return found


def _meeting(boxes: Floats, rings: Sequence[Floats]) -> npt.NDArray[np.bool_]:
    west, south, east, north = boxes.T
    width = (east - west) % 360
    width = np.where((width == 0) & (east > west), 360.0, width)
    (least, lowest), (most, highest) = rings[0].min(axis=0), rings[0].max(axis=0)
    found = np.zeros(len(boxes), np.bool_)
    beside = (south <= highest) & (north >= lowest)
    for turn in (-360.0, 0.0, 360.0):
        begin = west + turn
        here = np.flatnonzero(beside & ~found & (begin <= most) & (begin + width >= least))
        step = max(1, TOGETHER // sum(map(len, rings)))
        for start in range(0, len(here), step):
            some = here[start : start + step]
            flat = np.stack([begin[some], south[some], begin[some] + width[some], north[some]])
            found[some] = _touching(flat, rings)
    return found


def _touching(flat: Floats, rings: Sequence[Floats]) -> npt.NDArray[np.bool_]:
    """Which of flat boxes float64 [4, N] touch an edge or lie completely inside."""
    west, south, east, north = (side[:, None] for side in flat)
    touched = np.zeros(flat.shape[1], np.bool_)
    inside = np.zeros(flat.shape[1], np.bool_)
    for ring in rings:
        x, y = ring.T
        x_next, y_next = np.roll(x, -1), np.roll(y, -1)
        # By the separating axis theorem: an edge and a box are apart along an axis, or across the
        # edge. Source: Gottschalk, Lin, Manocha, "OBBTree", SIGGRAPH 1996, section 5.
        apart = (np.maximum(x, x_next) < west) | (np.minimum(x, x_next) > east)
        apart |= (np.maximum(y, y_next) < south) | (np.minimum(y, y_next) > north)
        along, up = x_next - x, y_next - y
        across = along * ((south + north) / 2 - y) - up * ((west + east) / 2 - x)
        apart |= (
            np.abs(across) > np.abs(along) * (north - south) / 2 + np.abs(up) * (east - west) / 2
        )
        touched |= ~apart.all(axis=1)
        # By the even-odd rule, for a corner of the box; a hole turns it once more.
        above = (y > south) != (y_next > south)
        slope = np.divide(along, up, out=np.zeros_like(along), where=up != 0)
        crossing = above & (west < x + (south - y) * slope)
        inside ^= crossing.sum(axis=1) % 2 == 1
    return touched | inside


def _polygons(document: object, depth: int = 0) -> Iterator[tuple[Ring, ...]]:
    if not isinstance(document, Mapping) or depth > 4:
        raise ConfigurationError(f"area: not GeoJSON; {HINT}")
    for key in ("features", "geometries"):
        for part in _listed(document.get(key, [])):
            yield from _polygons(part, depth + 1)
    if document.get("geometry") is not None:
        yield from _polygons(document["geometry"], depth + 1)
    if document.get("type") == "Polygon":
        yield _rings(document.get("coordinates"))
    if document.get("type") == "MultiPolygon":
        for part in _listed(document.get("coordinates")):
            yield _rings(part)


def _rings(coordinates: object) -> tuple[Ring, ...]:
    rings = tuple(_ring(ring) for ring in _listed(coordinates))
    if not rings:
        raise ConfigurationError(f"area: a polygon without corners; {HINT}")
    return rings


def _ring(coordinates: object) -> Ring:
    corners = [_corner(corner) for corner in _listed(coordinates)]
    if len(corners) > 1 and corners[0] == corners[-1]:
        corners.pop()
    if len(corners) < 3:
        raise ConfigurationError(f"area: a ring of {len(corners)} corners; {HINT}")
    longitudes = [longitude for longitude, _ in corners]
    if max(longitudes) - min(longitudes) > 360:
        raise ConfigurationError("area: a ring is wider than 360 degrees")
    return tuple(corners)


def _corner(corner: object) -> tuple[float, float]:
    match corner:
        case [int() | float() as longitude, int() | float() as latitude, *_]:
            if abs(longitude) <= FARTHEST and abs(latitude) <= 90:
                return float(longitude), float(latitude)
    raise ConfigurationError(
        f"area: {str(corner)[:60]} is not [LONGITUDE, LATITUDE] in degrees; {HINT}"
    )


def _listed(value: object) -> Sequence[object]:
    if not isinstance(value, list | tuple) or len(value) > MOST_CORNERS + 1:
        raise ConfigurationError(f"area: not GeoJSON, or too much of it; {HINT}")
    return value
