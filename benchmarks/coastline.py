"""Make the coastline that maps of hits show, from Natural Earth's land at 1:110 million.

    npm pack world-atlas@2.0.2 && tar xzf world-atlas-2.0.2.tgz
    python benchmarks/coastline.py package/land-110m.json

Natural Earth (naturalearthdata.com) is in the public domain; the npm package world-atlas has its
land as TopoJSON, of which the arcs are decoded here by the specification, section 2.1.4. Written is
edge_runtime/scenehash/report/coastline.txt: lines that begin with # say what it is; each other line
is a ring, its first point and then steps, as x and y in twentieths of a degree.
"""

import argparse
import itertools
import json
from pathlib import Path
from typing import Any

OUT = Path(__file__).parents[1] / "edge_runtime" / "scenehash" / "report" / "coastline.txt"
STEPS_A_DEGREE = 20
HEAD = """\
# Land at 1:110 million by Natural Earth (naturalearthdata.com), public domain, from the npm package
# world-atlas 2.0.2. A line is a ring: x and y of its first point, then steps, in twentieths of a
# degree. Made by benchmarks/coastline.py.
"""

Points = list[tuple[int, int]]


def rings(topology: dict[str, Any]) -> list[Points]:
    """The rings of the land, in steps of a degree; longitudes may go on past 180 degrees."""
    (scale_x, scale_y), (left, bottom) = (
        topology["transform"][key] for key in ("scale", "translate")
    )
    arcs: list[Points] = []
    for arc in topology["arcs"]:
        x = y = 0
        points = []
        for step_x, step_y in arc:
            x, y = x + step_x, y + step_y
            longitude, latitude = x * scale_x + left, y * scale_y + bottom
            points.append((round(longitude * STEPS_A_DEGREE), round(latitude * STEPS_A_DEGREE)))
        arcs.append(points)
    found = []
    for geometry in topology["objects"]["land"]["geometries"]:
        polygons = geometry["arcs"] if geometry["type"] == "MultiPolygon" else [geometry["arcs"]]
        for polygon in polygons:
            for ring in polygon:
                points = []
                for number in ring:
                    # The complement of a number is that arc backwards.
                    points += arcs[number] if number >= 0 else arcs[~number][::-1]
                found.append(unrolled(points))
    return found


def unrolled(points: Points) -> Points:
    """A ring without a leap at the antimeridian; one around the South Pole is closed along it."""
    whole = points[:1]
    for x, y in points[1:]:
        turns = round((whole[-1][0] - x) / (360 * STEPS_A_DEGREE))
        whole.append((x + 360 * STEPS_A_DEGREE * turns, y))
    if whole[-1][0] != whole[0][0]:
        pole = -90 * STEPS_A_DEGREE
        whole += [(whole[-1][0], pole), (whole[0][0], pole)]
    return whole


def line(points: Points) -> str:
    """A ring as text; points that are alike in these steps come once."""
    kept = [point for point, last in zip(points, [None, *points], strict=False) if point != last]
    words = [f"{kept[0][0]} {kept[0][1]}"]
    for (x0, y0), (x1, y1) in itertools.pairwise(kept):
        words.append(f"{x1 - x0} {y1 - y0}")
    return " ".join(words)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("topology", type=Path)
    found = rings(json.loads(parser.parse_args().topology.read_text()))
    lines = [line(points) for points in found]
    # What is smaller than a step is a point.
    OUT.write_text(HEAD + "\n".join(text for text in lines if text.count(" ") > 5) + "\n")
    print(f"{OUT}: {len(lines)} rings, {OUT.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
