"""Footprints on maps, as SVG: an overview with coastlines, and groups of neighbours close up."""

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

from scenehash.geo import Box

from .geojson import Ring, unrolled

COASTLINE, STEPS_A_DEGREE = "coastline.txt", 20
OVERVIEW, DETAIL = (1000, 440), (490, 300)
# Room for the names of parallels and meridians.
LEFT, TOP, RIGHT, BOTTOM = 58, 4, 8, 24
# The minimum width of the overview in degrees, so that it shows coasts.
LEAST_HEIGHT = 24.0
# A group is at most so many times as wide as its largest footprint: smaller ones would be dots.
GROUP_WIDTH = 40
GROUPS_SHOWN = 6
# Marks nearer than this on the page, in pixels, share a label.
LABEL_ROOM = 22
LABELS_SHOWN = 6
# Below this width, in degrees, the coastline is too coarse to be true.
COAST_WIDTH = 4.0

STYLE = """
.maps { display: flex; flex-wrap: wrap; gap: 1rem; }
.maps figcaption { color: #5c5c5c; margin-left: 58px; }
.maps svg { max-width: 100%; height: auto; font: 11px system-ui, sans-serif; fill: #555; }
.maps .paper { fill: #f1f0eb; } .maps .sea { fill: #dce6ec; } .maps .land { fill: #f7f4ea; }
.maps .grid { stroke: #b9c6cd; stroke-width: .6; fill: none; }
.maps .mark { fill: #b3321f; stroke: #fff; stroke-width: 1; }
.maps .footprint { fill: #b3321f33; stroke: #b3321f; stroke-width: 1.5; }
.maps .label { fill: #1e1e1e; font-weight: 600; paint-order: stroke; stroke: #fffc;
       stroke-width: 3; }
"""


@dataclass(frozen=True)
class Mark:
    """A footprint on a map. label: short, such as a rank. title: shown under the pointer.

    ring: its corners as (longitude, latitude) in degrees.
    """

    label: str
    title: str
    ring: Ring


class Place(NamedTuple):
    """A mark, with the corners of its footprint in the longitudes of its map."""

    mark: Mark
    ring: Ring
    x: float
    y: float


def footprint_maps(marks: Sequence[Mark]) -> str:
    """SVG elements: an overview of the marks, and up to six close-ups of groups; "" without marks.

    A footprint across the antimeridian stays in one piece.
    """
    if not marks:
        return ""
    places = _on_one_map(marks)
    groups = _groups(places)
    maps = [_overview(places)]
    maps += [_detail(group) for group in groups[:GROUPS_SHOWN]]
    left = len(groups) - GROUPS_SHOWN
    note = f"<p>{left} more groups are not shown close up.</p>" if left > 0 else ""
    land = (
        "<svg width=0 height=0 style='position: absolute' aria-hidden=true>"
        f"<defs><path id=land d='{land_path()}' /></defs></svg>"
    )
    return f"{land}<div class=maps>{''.join(maps)}</div>{note}"


def _on_one_map(marks: Sequence[Mark]) -> list[Place]:
    """The marks on longitudes that begin in the middle of the widest gap between them."""
    rings = [unrolled(mark.ring) for mark in marks]
    middles = [_middle(ring) for ring in rings]
    turned = sorted(x % 360 for x, _ in middles)
    gaps = [
        ((after - before) % 360 or 360, after)
        for before, after in zip(turned, [*turned[1:], turned[0]], strict=True)
    ]
    width, first = max(gaps)
    start = first - width / 2
    # As near to the usual longitudes as possible.
    start -= 360 * round((start + 180) / 360)
    places = []
    for mark, ring, (x, y) in zip(marks, rings, middles, strict=True):
        shift = 360 * math.floor((x - start) / 360)
        places.append(Place(mark, [(a - shift, b) for a, b in ring], x - shift, y))
    return places


def _groups(places: Sequence[Place]) -> list[list[Place]]:
    """Neighbours together, in the order of the first of each group."""
    groups: list[list[Place]] = []
    for place in places:
        for group in groups:
            box = _box([*group, place])
            largest = max(max(_size(_box([other]))) for other in [*group, place])
            if max(_size(box)) <= GROUP_WIDTH * largest:
                group.append(place)
                break
        else:
            groups.append([place])
    return groups


def _overview(places: Sequence[Place]) -> str:
    frame = _Frame.around(_box(places), OVERVIEW, LEAST_HEIGHT)
    shapes = [frame.coast(), frame.grid()]
    for group in _labelled(places, frame):
        x, y = frame.at(group[0].x, group[0].y)
        title = html.escape("\n".join(place.mark.title for place in group))
        end = x > frame.width - 150
        shapes.append(
            f"<g><title>{title}</title><circle cx={x:.1f} cy={y:.1f} r=4 class=mark />"
            f"<text x={x - 7 if end else x + 7:.1f} y={y + 4:.1f} class=label "
            f"text-anchor={'end' if end else 'start'}>{_label(group)}</text></g>"
        )
    return frame.svg("".join(shapes), "all hits that have a footprint")


def _detail(group: Sequence[Place]) -> str:
    frame = _Frame.around(_box(group), DETAIL)
    coast = frame.coast() if frame.box.east - frame.box.west > COAST_WIDTH else ""
    shapes = [coast, frame.grid()]
    for place in reversed(group):
        points = " ".join("{:.1f},{:.1f}".format(*frame.at(*corner)) for corner in place.ring)
        shapes.append(
            f"<g><title>{html.escape(place.mark.title)}</title>"
            f"<polygon points='{points}' class=footprint /></g>"
        )
    for near in _labelled(group, frame):
        x, y = frame.at(near[0].x, near[0].y)
        shapes.append(
            f"<text x={x:.1f} y={y + 4:.1f} class=label text-anchor=middle>{_label(near)}</text>"
        )
    names = ", ".join(place.mark.label for place in group)
    return frame.svg("".join(shapes), f"close-up of {names}")


def _label(group: Sequence[Place]) -> str:
    labels = [place.mark.label for place in group]
    more = f" +{len(labels) - LABELS_SHOWN}" if len(labels) > LABELS_SHOWN else ""
    return html.escape(", ".join(labels[:LABELS_SHOWN])) + more


def _labelled(places: Sequence[Place], frame: "_Frame") -> list[list[Place]]:
    """Groups of places that are so near on the page that their labels would overlap."""
    groups: list[list[Place]] = []
    for place in places:
        x, y = frame.at(place.x, place.y)
        for group in groups:
            other_x, other_y = frame.at(group[0].x, group[0].y)
            if abs(x - other_x) < 3 * LABEL_ROOM and abs(y - other_y) < LABEL_ROOM:
                group.append(place)
                break
        else:
            groups.append([place])
    return groups


class _Frame(NamedTuple):
    """A map's box in degrees, and its size in pixels. Longitudes may exceed 180."""

    box: Box
    width: int
    height: int

    @classmethod
    def around(cls, box: Box, size: tuple[int, int], least: float = 0.0) -> "_Frame":
        """The map of a box with room around it; a degree of latitude is as long as one east."""
        x, y = (box.west + box.east) / 2, (box.south + box.north) / 2
        shrink = max(0.2, math.cos(math.radians(min(80.0, abs(y)))))
        ratio = (size[0] - LEFT - RIGHT) / (size[1] - TOP - BOTTOM)
        height = max(box.north - box.south, (box.east - box.west) * shrink / ratio, 1e-5) * 1.25
        height = max(height, least)
        width = height * ratio / shrink
        if least and (height > 170 or width > 340):
            # The whole Earth, two degrees to one.
            width, height = 360.0, 360.0 / ratio
            y = max(box.north + 2 - height / 2, min(0.0, box.south - 2 + height / 2))
        box = Box(x - width / 2, y - height / 2, x + width / 2, y + height / 2)
        return cls(box, *size)

    def at(self, longitude: float, latitude: float) -> tuple[float, float]:
        """The position of a place on the page."""
        scale_x, scale_y = self._scales()
        across = LEFT + (longitude - self.box.west) * scale_x
        return across, TOP + (self.box.north - latitude) * scale_y

    def coast(self) -> str:
        """The land in the box."""
        scale_x, scale_y = (scale / STEPS_A_DEGREE for scale in self._scales())
        left, top = self.at(0.0, 0.0)
        # Land may continue beyond 180 degrees: draw one more turn on either side.
        first = math.floor((self.box.west + 180) / 360) - 1
        last = math.floor((self.box.east + 180) / 360) + 1
        copies = "".join(
            f"<use href='#land' x={360 * STEPS_A_DEGREE * turn} />"
            for turn in range(first, last + 1)
        )
        sea = f"<rect width={self.width} height={self.height} class=sea />"
        return (
            f"{sea}<g transform='matrix({scale_x:.6g} 0 0 {-scale_y:.6g} {left:.3f} {top:.3f})' "
            f"class=land>{copies}</g>"
        )

    def grid(self) -> str:
        """Meridians and parallels at round degrees."""
        meridians, parallels, _ = self._degrees()
        lines = [f"M{self.at(degree, 0)[0]:.1f} 0v{self.height}" for degree in meridians]
        lines += [f"M0 {self.at(0, degree)[1]:.1f}h{self.width}" for degree in parallels]
        return f"<path d='{''.join(lines)}' class=grid />"

    def svg(self, shapes: str, name: str) -> str:
        """The map as an element, with a name for screen readers."""
        width, height = self.width - LEFT - RIGHT, self.height - TOP - BOTTOM
        meridians, parallels, digits = self._degrees()
        names = [
            f"<text x={self.at(degree, 0)[0]:.1f} y={self.height - BOTTOM + 15} "
            f"text-anchor=middle>{_usual(degree):.{digits}f}°</text>"
            for degree in meridians
        ]
        names += [
            f"<text x={LEFT - 4} y={self.at(0, degree)[1] + 4:.1f} text-anchor=end>"
            f"{degree:.{digits}f}°</text>"
            for degree in parallels
        ]
        return (
            f"<figure><svg width={self.width} height={self.height} role=img "
            f"viewBox='0 0 {self.width} {self.height}' aria-label='{html.escape(name)}'>"
            f"{''.join(names)}<svg x={LEFT} y={TOP} width={width} height={height} "
            f"viewBox='{LEFT} {TOP} {width} {height}'>"
            f"<rect width={self.width} height={self.height} class=paper />{shapes}</svg></svg>"
            f"<figcaption>{html.escape(name)}</figcaption></figure>"
        )

    def _degrees(self) -> tuple[list[float], list[float], int]:
        """Which meridians and parallels are drawn, and how many digits their names have."""
        span = (self.box.east - self.box.west) / 6
        power = 10 ** math.floor(math.log10(span))
        step = next((power * times for times in (1, 2, 5) if power * times >= span), 10 * power)
        step = {50.0: 45.0, 100.0: 60.0}.get(step, step)
        west, east = math.ceil(self.box.west / step), math.floor(self.box.east / step)
        south = math.ceil(max(self.box.south, -90.0) / step)
        north = math.floor(min(self.box.north, 90.0) / step)
        digits = max(0, -math.floor(math.log10(step) + 1e-9))
        return (
            [number * step for number in range(west, east + 1)],
            [number * step for number in range(south, north + 1)],
            digits,
        )

    def _scales(self) -> tuple[float, float]:
        """Pixels a degree of longitude, and of latitude."""
        return (
            (self.width - LEFT - RIGHT) / (self.box.east - self.box.west),
            (self.height - TOP - BOTTOM) / (self.box.north - self.box.south),
        )


@cache
def land_path() -> str:
    """The land as an SVG path in steps of a degree, north upwards: see coastline.txt."""
    text = Path(__file__).with_name(COASTLINE).read_text(encoding="utf-8")
    parts = []
    for line in text.splitlines():
        if not line.startswith("#"):
            x, y, steps = line.split(" ", 2)
            parts.append(f"M{x} {y}l{steps}z")
    return "".join(parts)


def _usual(longitude: float) -> float:
    """A longitude from -180 to 180, and 180 itself as 180."""
    return (longitude + 180) % 360 - 180 if abs(longitude) != 180 else 180.0


def _middle(ring: Ring) -> tuple[float, float]:
    box = _ring_box(ring)
    return (box.west + box.east) / 2, (box.south + box.north) / 2


def _box(places: Sequence[Place]) -> Box:
    boxes = [_ring_box(place.ring) for place in places]
    return Box(
        min(box.west for box in boxes),
        min(box.south for box in boxes),
        max(box.east for box in boxes),
        max(box.north for box in boxes),
    )


def _ring_box(ring: Ring) -> Box:
    longitudes, latitudes = [x for x, _ in ring], [y for _, y in ring]
    return Box(min(longitudes), min(latitudes), max(longitudes), max(latitudes))


def _size(box: Box) -> tuple[float, float]:
    return box.east - box.west, box.north - box.south
