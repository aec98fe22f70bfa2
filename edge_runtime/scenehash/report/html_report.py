"""A search as one HTML file that needs nothing else: pictures, a map of footprints, distances."""

import base64
import html
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2

from scenehash.files import write_text
from scenehash.geo import Box
from scenehash.retrieval.query import tile_pixels
from scenehash.store import Hit
from scenehash.tiles import Image, to_tile

THUMBNAIL = 192
MAP_WIDTH, MAP_HEIGHT, MAP_MARGIN = 720, 420, 46

STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; color: #1e1e1e; background: #fafaf8;
       margin: 2rem auto; max-width: 76rem; padding: 0 1rem; }
h1 { font-size: 1.4rem; margin: 0 0 .2rem; } h2 { font-size: 1.05rem; margin: 2rem 0 .6rem; }
.facts { color: #666; margin: 0 0 1.2rem; }
.hits { display: grid; grid-template-columns: repeat(auto-fill, minmax(13rem, 1fr)); gap: 1.1rem; }
figure { margin: 0; } figure img, .gone { width: 100%; aspect-ratio: 1; display: block;
       border: 1px solid #bbb; box-sizing: border-box; image-rendering: auto; }
.query img { border: 3px solid #c43c28; } .gone { display: grid; place-items: center; color: #777;
       background: #e6e6e2; }
figcaption { font-size: .86rem; margin-top: .3rem; overflow-wrap: anywhere; }
figcaption b { font-size: 1rem; } .faint { color: #777; }
.bar { height: .45rem; background: #c43c28; margin: .25rem 0; min-width: 1px; }
svg { background: #fff; border: 1px solid #ccc; max-width: 100%; height: auto; }
svg text { font: 11px system-ui, sans-serif; fill: #777; } .grid { stroke: #e4e4e0; }
"""


def write_page(
    path: Path,
    title: str,
    queries: Sequence[tuple[str, Image | None]],
    hits: Sequence[Hit],
    bits: int,
    thumbnails: Mapping[int, Image],
) -> None:
    """Write a search as a page; InputError when the file cannot be written.

    queries: name and pixels of each example, None where its scene is gone. bits: width of a code,
    the longest distance there is. thumbnails: by row, uint8 RGB, shown of hits whose scene is gone.
    """
    farthest = max((hit.distance for hit in hits), default=0) or bits
    examples = "".join(_figure(pixels, html.escape(name), "query") for name, pixels in queries)
    found = "".join(_hit(hit, farthest, thumbnails) for hit in hits)
    page = (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{html.escape(title)}</title>"
        f"<style>{STYLE}</style><h1>{html.escape(title)}</h1>"
        f"<h2>Searched with</h2><div class=hits>{examples}</div>"
        f"<h2>{len(hits)} hits, nearest first</h2><div class=hits>{found}</div>"
        f"{_map(hits)}</html>\n"
    )
    write_text(path, page)


def _hit(hit: Hit, farthest: int, thumbnails: Mapping[int, Image]) -> str:
    thumbnail = thumbnails.get(hit.row)
    pixels = tile_pixels(Path(hit.scene), hit.window, hit.decode_params, THUMBNAIL, thumbnail)
    window = hit.window
    lines = [
        f"<b>#{hit.rank}</b> {hit.distance} bit{'' if hit.distance == 1 else 's'}"
        f"{', same place' if hit.same_place else ''}"
        f"<div class=bar style='width:{100 * hit.distance / farthest:.0f}%'></div>",
        html.escape("/".join(Path(hit.scene).parts[-2:])),
        f"<span class=faint>row {hit.row}, {window.width}x{window.height}+{window.x}+{window.y}",
    ]
    if hit.time is not None:
        lines.append(f"{hit.time:%Y-%m-%d %H:%M}Z")
    if hit.footprint is not None:
        longitude, latitude = hit.footprint[0]
        lines.append(f"{abs(latitude):.4f}°{'N' if latitude >= 0 else 'S'} "
                     f"{abs(longitude):.4f}°{'E' if longitude >= 0 else 'W'}")  # fmt: skip
    return _figure(pixels, "<br>".join(lines) + "</span>", "hit")


def _figure(pixels: Image | None, caption: str, kind: str) -> str:
    picture = "<div class=gone>scene not found</div>"
    if pixels is not None:
        square = cv2.cvtColor(to_tile(pixels, THUMBNAIL), cv2.COLOR_RGB2BGR)
        data = base64.b64encode(cv2.imencode(".jpg", square)[1].tobytes()).decode("ascii")
        picture = f"<img alt='' src='data:image/jpeg;base64,{data}'>"
    return f"<figure class={kind}>{picture}<figcaption>{caption}</figcaption></figure>"


def _map(hits: Sequence[Hit]) -> str:
    """The footprints of hits, drawn by longitude and latitude with their ranks; none: nothing."""
    rings = [(hit, _shifted(hit)) for hit in hits if hit.footprint is not None]
    if not rings:
        return ""
    corners = [corner for _, ring in rings for corner in ring]
    box = _room(corners)
    shapes = [_grid(box)]
    for hit, ring in reversed(rings):
        points = " ".join("{:.1f},{:.1f}".format(*_on_page(corner, box)) for corner in ring)
        x, y = _on_page(ring[0], box)
        shapes.append(
            f"<polygon points='{points}' fill='#c43c2833' stroke='#c43c28' stroke-width=1.5>"
            f"<title>#{hit.rank}, {hit.distance} bits</title></polygon>"
            f"<circle cx={x:.1f} cy={y:.1f} r=2.5 fill='#c43c28' />"
            f"<text x={x + 4:.1f} y={y - 3:.1f} style='fill:#1e1e1e'>#{hit.rank}</text>"
        )
    return (
        f"<h2>Where they are</h2><svg width={MAP_WIDTH} height={MAP_HEIGHT} "
        f"viewBox='0 0 {MAP_WIDTH} {MAP_HEIGHT}'>{''.join(shapes)}</svg>"
        "<p class=facts>Longitude and latitude in degrees, WGS 84.</p>"
    )


def _shifted(hit: Hit) -> list[tuple[float, float]]:
    """A footprint without a leap at the antimeridian."""
    ring = list(hit.footprint or ())
    crossing = max(x for x, _ in ring) - min(x for x, _ in ring) > 180
    return [(x + 360 if crossing and x < 0 else x, y) for x, y in ring]


def _room(corners: Sequence[tuple[float, float]]) -> Box:
    """A box around corners, as wide as the page is for its height, with some room."""
    west, east = min(x for x, _ in corners), max(x for x, _ in corners)
    south, north = min(y for _, y in corners), max(y for _, y in corners)
    shrink = max(0.1, math.cos(math.radians((south + north) / 2)))
    ratio = (MAP_WIDTH - 2 * MAP_MARGIN) / (MAP_HEIGHT - 2 * MAP_MARGIN)
    height = max(north - south, (east - west) * shrink / ratio, 1e-4) * 1.1
    width = height * ratio / shrink
    x, y = (west + east) / 2, (south + north) / 2
    return Box(x - width / 2, y - height / 2, x + width / 2, y + height / 2)


def _on_page(corner: tuple[float, float], box: Box) -> tuple[float, float]:
    across = (corner[0] - box.west) / (box.east - box.west)
    down = (box.north - corner[1]) / (box.north - box.south)
    return (
        MAP_MARGIN + across * (MAP_WIDTH - 2 * MAP_MARGIN),
        MAP_MARGIN + down * (MAP_HEIGHT - 2 * MAP_MARGIN),
    )


def _grid(box: Box) -> str:
    """Meridians and parallels at round degrees, with their names."""
    lines = []
    step = 10 ** math.floor(math.log10((box.east - box.west) / 2))
    step *= 1 if (box.east - box.west) / step < 8 else 2 if (box.east - box.west) / step < 16 else 5
    digits = max(0, -math.floor(math.log10(step)))
    for number in range(math.ceil(box.west / step), math.floor(box.east / step) + 1):
        x, _ = _on_page((number * step, box.south), box)
        name = f"{(number * step + 180) % 360 - 180:.{digits}f}°"
        lines.append(
            f"<path d='M{x:.1f} {MAP_MARGIN}V{MAP_HEIGHT - MAP_MARGIN}' stroke='#e4e4e0'/>"
        )
        lines.append(f"<text x={x:.1f} y={MAP_HEIGHT - 26} text-anchor=middle>{name}</text>")
    for number in range(math.ceil(box.south / step), math.floor(box.north / step) + 1):
        _, y = _on_page((box.west, number * step), box)
        lines.append(f"<path d='M{MAP_MARGIN} {y:.1f}H{MAP_WIDTH - MAP_MARGIN}' class=grid />")
        lines.append(f"<text x=4 y={y + 4:.1f}>{number * step:.{digits}f}°</text>")
    return "".join(lines)
