"""Hits and footprints as GeoJSON (RFC 7946), for QGIS and other maps."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scenehash.files import write_text

if TYPE_CHECKING:
    from scenehash.store import Hit

Ring = Sequence[tuple[float, float]]


def write_geojson(path: Path, features: Iterable[dict[str, Any]]) -> None:
    """Write a feature collection; InputError when the file cannot be written."""
    write_text(path, json.dumps(feature_collection(features), ensure_ascii=False) + "\n")


def feature_collection(features: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Features as one document."""
    return {"type": "FeatureCollection", "features": list(features)}


def hit_feature(hit: "Hit") -> dict[str, Any]:
    """A hit as a feature; without a geometry when its scene is not georeferenced."""
    properties = hit.document()
    del properties["footprint"]
    return feature(hit.footprint, **properties)


def feature(ring: Ring | None, **properties: object) -> dict[str, Any]:
    """A footprint with its properties; without a ring, no geometry."""
    geometry = None if ring is None else polygon(ring)
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def polygon(ring: Ring) -> dict[str, Any]:
    """A footprint as a geometry, counterclockwise; cut in two at the antimeridian.

    A footprint around a pole reaches up to it. RFC 7946, sections 3.1.6 and 3.1.9.
    """
    whole = unrolled(ring)
    if round((whole[-1][0] - whole[0][0]) / 360):
        whole = _around_a_pole(ring)
    if _area(whole) < 0:
        whole = whole[::-1]
    pieces = [
        [(longitude - shift, latitude) for longitude, latitude in _clipped(whole, low, high)]
        for low, high, shift in ((-180, 180, 0), (180, 540, 360), (-540, -180, -360))
    ]
    # What only touches the antimeridian leaves a line on its other side.
    wide = [piece for piece in pieces if len({longitude for longitude, _ in piece}) > 1]
    closed = [[*piece, piece[0]] for piece in wide or pieces if len(piece) > 2]
    if len(closed) == 1:
        return {"type": "Polygon", "coordinates": closed}
    return {"type": "MultiPolygon", "coordinates": [[piece] for piece in closed]}


def unrolled(ring: Ring) -> list[tuple[float, float]]:
    """The ring with longitudes that may exceed 180 instead of starting again at -180."""
    points = [ring[0]]
    for longitude, latitude in ring[1:]:
        turns = round((points[-1][0] - longitude) / 360)
        points.append((longitude + 360 * turns, latitude))
    return points


def _around_a_pole(ring: Ring) -> list[tuple[float, float]]:
    """A ring around a pole as a ring on the map, from -180 to 180 degrees and up to the pole."""
    points = sorted(((longitude + 180) % 360 - 180, latitude) for longitude, latitude in ring)
    (west, y1), (east, y0) = points[0], points[-1]
    edge = y0 + (y1 - y0) * (180 - east) / (west + 360 - east)
    pole = 90.0 if sum(latitude for _, latitude in points) > 0 else -90.0
    return [(-180.0, edge), *points, (180.0, edge), (180.0, pole), (-180.0, pole)]


def _clipped(ring: Ring, low: float, high: float) -> list[tuple[float, float]]:
    """The part of a ring with longitudes from low to high. Source: Sutherland, Hodgman, 1974."""
    return _beyond(_beyond(ring, low, 1), high, -1)


def _beyond(ring: Ring, edge: float, side: int) -> list[tuple[float, float]]:
    """The part of a ring east (1) or west (-1) of a meridian."""
    kept: list[tuple[float, float]] = []
    for (x0, y0), (x1, y1) in zip([*ring[-1:], *ring[:-1]], ring, strict=True):
        if ((x0 - edge) * side >= 0) != ((x1 - edge) * side >= 0):
            kept.append((edge, y0 + (y1 - y0) * (edge - x0) / (x1 - x0)))
        if (x1 - edge) * side >= 0:
            kept.append((x1, y1))
    return kept


def _area(ring: Ring) -> float:
    """Twice the signed area; positive when counterclockwise."""
    turned = [*ring[1:], ring[0]]
    return sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in zip(ring, turned, strict=True))
