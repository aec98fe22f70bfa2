"""Places on the Earth: footprints, their bounding boxes, and intersections of boxes.

Longitudes and latitudes are degrees in WGS 84. A box is (west, south, east, north); a box that
crosses the antimeridian has west > east, as in GeoJSON (RFC 7946, section 5.2).
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .errors import ConfigurationError

EARTH_KILOMETRES = 6371.0088  # mean radius, IUGG
# WGS 84: the equator's radius in metres, and the square of the first eccentricity.
EQUATOR_METRES, ECCENTRICITY_SQUARED = 6_378_137.0, 0.00669437999014
# Corners of footprints are multiples of this step in degrees, at most 7 mm.
FOOTPRINT_STEP = 2.0**-24
# Footprints around the whole Earth may leave this many degrees by rounding.
LEAST_GAP = 1e-6
Floats = npt.NDArray[np.float64]


class Box(NamedTuple):
    """A bounding box in degrees; west > east when it crosses the antimeridian."""

    west: float
    south: float
    east: float
    north: float

    def checked(self) -> "Box":
        """The box itself; ConfigurationError if it is not valid."""
        longitudes = -180 <= self.west <= 180 and -180 <= self.east <= 180
        if not (longitudes and -90 <= self.south <= self.north <= 90):
            raise ConfigurationError(
                f"{','.join(f'{side:g}' for side in self)}: not a box WEST,SOUTH,EAST,NORTH in "
                f"degrees (-180 to 180, -90 to 90, south at most north){self._hint()}"
            )
        return self

    def _hint(self) -> str:
        west, south, east, north = self
        if -90 <= west <= east <= 90 and max(abs(south), abs(north)) <= 180:
            return f"; longitudes come first: {south:g},{west:g},{north:g},{east:g}?"
        return ""

    def pieces(self) -> list["Box"]:
        """The box cut at the antimeridian: one or two boxes with west <= east."""
        if self.west <= self.east:
            return [self]
        west, south, east, north = self
        return [Box(west, south, 180.0, north), Box(-180.0, south, east, north)]


class Point(NamedTuple):
    """A place, in degrees."""

    latitude: float
    longitude: float

    def checked(self) -> "Point":
        """The point itself; ConfigurationError when it is not on the Earth."""
        if -90 <= self.latitude <= 90 and -180 <= self.longitude <= 180:
            return self
        raise ConfigurationError(
            f"{self.latitude:g},{self.longitude:g}: not LATITUDE,LONGITUDE in degrees (-90 to 90, "
            f"-180 to 180){swapped(self.latitude, self.longitude)}"
        )


class Near(NamedTuple):
    """All places within a distance, in kilometres, of a point with latitude and longitude in
    degrees.
    """

    latitude: float
    longitude: float
    kilometres: float

    def checked(self) -> "Near":
        """The same object; ConfigurationError if it is not valid."""
        there = -90 <= self.latitude <= 90 and -180 <= self.longitude <= 180
        if not (there and self.kilometres > 0):
            raise ConfigurationError(
                f"{','.join(f'{part:g}' for part in self)}: not LATITUDE,LONGITUDE,KILOMETRES"
                f"{swapped(self.latitude, self.longitude)}"
            )
        return self

    def box(self) -> Box:
        """A box that contains the whole circle."""
        degrees = np.degrees(self.kilometres / EARTH_KILOMETRES)
        south, north = self.latitude - degrees, self.latitude + degrees
        if south <= -90 or north >= 90:
            return Box(-180.0, max(south, -90.0), 180.0, min(north, 90.0))
        # The circle's widest longitudes lie a little polewards of its middle.
        ratio = np.sin(np.radians(degrees)) / np.cos(np.radians(self.latitude))
        across = float(np.degrees(np.arcsin(min(1.0, ratio))))
        west, east = self.longitude - across, self.longitude + across
        return Box(west + 360 * (west < -180), south, east - 360 * (east > 180), north)


def swapped(latitude: float, longitude: float) -> str:
    """A hint for an error, if latitude and longitude seem to be in the wrong order."""
    if 90 < abs(latitude) <= 180 and abs(longitude) <= 90:
        return f"; the latitude comes first: {longitude:g},{latitude:g}?"
    return ""


def bounding_boxes(rings: Floats) -> Floats:
    """The boxes float64 [N, 4] of footprints float64 [N, V, 2], rings of (longitude, latitude).

    An edge goes the short way round, so a ring may cross the antimeridian. A ring around a pole has
    a box of all longitudes, up to that pole.
    """
    longitudes, latitudes = rings[..., 0], rings[..., 1]
    steps = (np.diff(longitudes, append=longitudes[:, :1]) + 180) % 360 - 180
    unrolled = longitudes[:, :1] + np.cumsum(steps, axis=1) - steps
    # Without unrolling, keep the given numbers without rounding.
    unrolled = np.where(np.abs(unrolled - longitudes) < 180, longitudes, unrolled)
    west, east = unrolled.min(axis=1), unrolled.max(axis=1)
    south, north = latitudes.min(axis=1), latitudes.max(axis=1)
    around = np.abs(steps.sum(axis=1)) > 180
    northern = latitudes.mean(axis=1) > 0
    whole = around | (east - west >= 360)
    return np.stack(
        [
            np.where(whole, -180.0, _on_the_map(west)),
            np.where(around & ~northern, -90.0, south),
            np.where(whole, 180.0, _on_the_map(east)),
            np.where(around & northern, 90.0, north),
        ],
        axis=1,
    )


def box_around(footprints: Floats) -> Box:
    """The smallest box around footprints float64 [N, V, 2], at least one; see bounding_boxes.

    It leaves out the widest range of longitudes that has none of them.
    """
    boxes = bounding_boxes(footprints)
    boxes = boxes[np.argsort(boxes[:, 0], kind="stable")]
    west, south, east, north = boxes.T
    ends = np.where(west <= east, east, east + 360)
    # The footprint that reaches farthest, of each one and those that begin west of it.
    reach = np.maximum.accumulate(ends)
    gaps = np.append(west[1:], west[0] + 360) - np.maximum(reach, reach[-1] - 360)
    after = int(np.argmax(gaps))
    first, last = -180.0, 180.0
    if gaps[after] > LEAST_GAP:
        farthest = max(reach[after], reach[-1] - 360)
        first = float(west[(after + 1) % len(west)])
        last = float(east[np.argmax((ends == farthest) | (ends - 360 == farthest))])
    return Box(first, float(south.min()), last, float(north.max()))


def meeting(boxes: Floats, box: Box) -> npt.NDArray[np.bool_]:
    """Which of boxes float64 [N, 4] share at least a point with a box: bool [N]."""
    west, south, east, north = boxes.T
    crossing = west > east
    longitudes = np.zeros(len(boxes), np.bool_)
    for piece in box.pieces():
        after, before = piece.east >= west, piece.west <= east
        longitudes |= np.where(crossing, after | before, after & before)
    result: npt.NDArray[np.bool_] = longitudes & (south <= box.north) & (north >= box.south)
    return result


def overlap(boxes: Floats, box: Floats) -> Floats:
    """Intersection over union, in degrees, of boxes float64 [N, 4] with one float64 [4]: [N].

    A box is (west, south, east, north), west > east when it crosses the antimeridian.
    """
    west, south, east, north = boxes.T
    width, height = (east - west) % 360, north - south
    own_width, own_height = (box[2] - box[0]) % 360, box[3] - box[1]
    # Degrees from the west side of box eastwards to that of each other box, -180 to 180.
    step = (west - box[0] + 180) % 360 - 180
    across = np.minimum(own_width, step + width) - np.maximum(0.0, step)
    along = np.minimum(box[3], north) - np.maximum(box[1], south)
    common = np.maximum(0.0, across) * np.maximum(0.0, along)
    union = width * height + own_width * own_height - common
    result: Floats = np.divide(common, union, out=np.zeros_like(union), where=union > 0)
    return result


def within(boxes: Floats, near: Near) -> npt.NDArray[np.bool_]:
    """Which of boxes float64 [N, 4] have a point within a distance: bool [N].

    On a sphere, by the haversine formula. Source for the nearest point of a meridian: the foot of
    the perpendicular on a great circle, tan(latitude) = tan(latitude of the point) / cos(difference
    of longitudes).
    """
    west, south, east, north = boxes.T
    width = (east - west) % 360
    width = np.where((width == 0) & (east > west), 360.0, width)
    past = (near.longitude - west) % 360
    aside = np.radians(np.where(past <= width, 0.0, np.minimum(past - width, 360 - past)))
    here = np.radians(near.latitude)
    foot = np.degrees(np.arctan2(np.sin(here), np.cos(here) * np.cos(aside)))
    latitude = np.radians(np.clip(foot, south, north))
    rise = np.sin((latitude - here) / 2) ** 2
    swing = np.cos(latitude) * np.cos(here) * np.sin(aside / 2) ** 2
    kilometres = 2 * EARTH_KILOMETRES * np.arcsin(np.sqrt(np.clip(rise + swing, 0, 1)))
    nearby: npt.NDArray[np.bool_] = kilometres <= near.kilometres
    return nearby


def ground_metres(here: tuple[float, float], there: tuple[float, float]) -> float:
    """Metres on the ground between two nearby places, (longitude, latitude).

    The straight line between their positions on the ellipsoid of WGS 84, so that it is right across
    a pole, too.
    """
    longitudes, latitudes = np.radians([here, there]).T
    prime = EQUATOR_METRES / np.sqrt(1 - ECCENTRICITY_SQUARED * np.sin(latitudes) ** 2)
    radius, height = prime * np.cos(latitudes), prime * np.sin(latitudes)
    points = radius * np.cos(longitudes), radius * np.sin(longitudes)
    steps = np.diff([*points, height * (1 - ECCENTRICITY_SQUARED)])
    return float(np.linalg.norm(steps))


def on_footprint_steps(degrees: Floats) -> Floats:
    """Degrees rounded to multiples of FOOTPRINT_STEP, which moves them by at most 3 mm."""
    return np.rint(degrees / FOOTPRINT_STEP) * FOOTPRINT_STEP + 0.0  # never -0.0


def wrapped(longitudes: Floats) -> Floats:
    """Longitudes of any number of turns, as -180 to 180 degrees; 180 stays 180."""
    return np.where(np.abs(longitudes) <= 180, longitudes, (longitudes + 180) % 360 - 180)


def _on_the_map(longitudes: Floats) -> Floats:
    shifted = np.where(longitudes > 180, longitudes - 360, longitudes)
    return np.where(shifted < -180, shifted + 360, shifted)
