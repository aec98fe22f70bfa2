"""Map tiles of a scene: tiles of the Web Mercator map with the scene's pixels.

Pixels come from the same code as for ingest and search: bands, stretch and nodata are the same.
Source of the numbering: OGC Two Dimensional Tile Matrix Set 2.0, annex D.1 (WebMercatorQuad).
"""

from math import sqrt

import cv2
import numpy as np
import numpy.typing as npt

from scenehash.errors import ConfigurationError
from scenehash.scenes import Scene, Window
from scenehash.tiles import Image

SIDE = 256
DEEPEST = 24
# Nodes of the grid, a side, whose places are asked for exactly; between them all is straight.
NODES = 33
# Points of each edge of a scene by which the part of a map tile is found that it may cover.
EDGE = 17
# The maximum side of the scene's pixels for a map tile.
MOST_READ = 1024

Floats = npt.NDArray[np.float64]


def map_tile(scene: Scene, zoom: int, column: int, row: int) -> Image | None:
    """A tile of the map, uint8 RGBA [256, 256, 4]; None if the scene is not in it.

    zoom: 0 to 24; column, row: counted from the map's upper left corner. Transparent outside the
    scene and its valid pixels. Raises ConfigurationError on impossible numbers, InputError on
    damage.
    """
    if not (0 <= zoom <= DEEPEST and 0 <= column < 1 << zoom and 0 <= row < 1 << zoom):
        raise ConfigurationError(
            f"map tile {zoom}/{column}/{row}: give a zoom of 0 to {DEEPEST}, and a column and row "
            f"of 0 to 2^zoom - 1"
        )
    part = _part(scene, zoom, column, row)
    if part is None:
        return None
    across, down = _positions(scene, zoom, column, row, part)
    inside = np.isfinite(across) & np.isfinite(down)
    inside &= (across >= 0) & (across <= scene.width) & (down >= 0) & (down <= scene.height)
    if not inside.any():
        return None
    window = _window(scene, across[inside], down[inside])
    image, valid = scene.picture(window, _side(window, int(inside.sum())))
    height, width = image.shape[:2]
    columns = ((across - window.x) * (width / window.width) - 0.5).astype(np.float32)
    rows = ((down - window.y) * (height / window.height) - 0.5).astype(np.float32)
    columns[~inside] = rows[~inside] = -9.0
    tile = np.zeros((SIDE, SIDE, 4), np.uint8)
    left, top, right, bottom = part
    tile[top:bottom, left:right, :3] = cv2.remap(
        image, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    opaque = inside.astype(np.uint8)
    if valid is not None:
        mask = np.ascontiguousarray(valid).view(np.uint8)
        nearest = cv2.remap(mask, columns, rows, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
        opaque &= np.asarray(nearest, np.uint8)
    tile[top:bottom, left:right, 3] = 255 * opaque
    tile[tile[..., 3] == 0] = 0
    return tile


def _part(scene: Scene, zoom: int, column: int, row: int) -> tuple[int, int, int, int] | None:
    """Left, top, right, bottom pixel of a map tile around what the scene may cover of it."""
    along = np.linspace(0, 1, EDGE)
    zeros, ones = np.zeros(EDGE), np.ones(EDGE)
    columns = scene.width * np.concatenate([along, along, zeros, ones, along])
    rows = scene.height * np.concatenate([zeros, ones, along, along, along])
    places = scene.lonlat(columns, rows)
    if places is None:
        return None
    places = places[np.isfinite(places).all(axis=1)]
    if not len(places):
        return None
    x, y = _on_map(places, zoom)
    # A scene across the antimeridian is on both ends of the map: all of a row is asked for then.
    around = np.ptp(x) > SIDE << max(0, zoom - 1)
    left, right = (
        (0.0, float(SIDE)) if around else (x.min() - SIDE * column, x.max() - SIDE * column)
    )
    top, bottom = y.min() - SIDE * row, y.max() - SIDE * row
    margin = 2
    sides = (
        max(0, int(np.floor(left)) - margin),
        max(0, int(np.floor(top)) - margin),
        min(SIDE, int(np.ceil(right)) + margin),
        min(SIDE, int(np.ceil(bottom)) + margin),
    )
    return sides if sides[0] < sides[2] and sides[1] < sides[3] else None


def _positions(
    scene: Scene, zoom: int, column: int, row: int, part: tuple[int, int, int, int]
) -> tuple[Floats, Floats]:
    """Columns and rows in the scene of the middles of a map tile's pixels, each float64 [H, W]."""
    left, top, right, bottom = part
    xs, ys = np.linspace(left, right, NODES), np.linspace(top, bottom, NODES)
    x, y = np.meshgrid(SIDE * column + xs, SIDE * row + ys)
    size = float(SIDE << zoom)
    longitudes = 360 * x / size - 180
    latitudes = np.degrees(np.arctan(np.sinh(np.pi * (1 - 2 * y / size))))
    found = scene.positions(longitudes.ravel(), latitudes.ravel())
    assert found is not None  # _part has found a place
    nodes = found.reshape(NODES, NODES, 2)
    at_x = (np.arange(left, right) + 0.5 - left) / (right - left) * (NODES - 1)
    at_y = (np.arange(top, bottom) + 0.5 - top) / (bottom - top) * (NODES - 1)
    return _between(nodes[..., 0], at_x, at_y), _between(nodes[..., 1], at_x, at_y)


def _between(nodes: Floats, at_x: Floats, at_y: Floats) -> Floats:
    """Bilinear values [H, W] between nodes [N, N], at fractions of their numbers."""
    x0, y0 = np.minimum(at_x.astype(int), NODES - 2), np.minimum(at_y.astype(int), NODES - 2)
    x, y = at_x - x0, (at_y - y0)[:, np.newaxis]
    upper = nodes[y0][:, x0] * (1 - x) + nodes[y0][:, x0 + 1] * x
    lower = nodes[y0 + 1][:, x0] * (1 - x) + nodes[y0 + 1][:, x0 + 1] * x
    result: Floats = upper * (1 - y) + lower * y
    return result


def _window(scene: Scene, across: Floats, down: Floats) -> Window:
    """The part of a scene that positions lie in, with a pixel around it."""
    left, top = max(0, int(across.min()) - 1), max(0, int(down.min()) - 1)
    right = min(scene.width, int(np.ceil(across.max())) + 1)
    bottom = min(scene.height, int(np.ceil(down.max())) + 1)
    return Window(left, top, right - left, bottom - top)


def _side(window: Window, pixels: int) -> int:
    """Pixels a side that a window is shrunk to, to be shown on so many: some more than those."""
    scale = min(1.0, sqrt(1.5 * pixels / (window.width * window.height)))
    return min(MOST_READ, max(1, round(scale * max(window.width, window.height))))


def _on_map(places: Floats, zoom: int) -> tuple[Floats, Floats]:
    """Pixels of the map, from its left upper corner, of places float64 [N, 2]."""
    size = SIDE << zoom
    latitudes = np.radians(np.clip(places[:, 1], -85.06, 85.06))
    x = (places[:, 0] + 180) / 360 * size
    y = (1 - np.arcsinh(np.tan(latitudes)) / np.pi) / 2 * size
    return x, y
