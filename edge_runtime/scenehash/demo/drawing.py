"""What drawn scenes are made of: grounds, shadows, trees, cars, houses, boats, tanks.

A canvas is float32 RGB [side, side, 3], 0 to 255, changed in place; lengths are in its pixels.
"""

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

Canvas = npt.NDArray[np.float32]
Mask = npt.NDArray[np.uint8]
Colour = tuple[float, float, float]
Points = npt.NDArray[np.float64]

# Things with edges are drawn at so many times the photograph's resolution.
OVERSAMPLING = 2
SHADOW = 0.42
# The light parts of a ground are warmer than the dark ones.
WARMTH = np.array((0.42, 0.36, 0.3), np.float32)


def noise(rng: np.random.Generator, side: int, cell: int, octaves: int = 4) -> Canvas:
    """Fractal value noise [side, side], about 0 to 1; cell is the size of its largest feature."""
    total = np.zeros((side, side), np.float32)
    weight = 0.0
    for octave in range(octaves):
        grid = max(2, side * 2**octave // cell)
        coarse = rng.random((grid, grid), np.float32)
        amplitude = 0.55**octave
        total += amplitude * cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC)
        weight += amplitude
    scaled: Canvas = np.clip(total / weight, 0, 1)
    return scaled


def ground(rng: np.random.Generator, side: int, palette: Sequence[Colour], cell: int) -> Canvas:
    """Mottled ground [side, side, 3] of one of several colours; cell as in noise."""
    colour = np.array(palette[int(rng.integers(len(palette)))], np.float32)
    share = np.clip(1.7 * noise(rng, side, cell, 4) - 0.85, -0.5, 0.5)[:, :, np.newaxis]
    mottle = np.float32(rng.uniform(0.8, 1)) + 0.2 * noise(rng, side, 8, 2)
    surface: Canvas = (colour * WARMTH * share + colour) * mottle[:, :, np.newaxis]
    return surface


def doubled(surface: Canvas) -> Canvas:
    """The same at twice the resolution, for things with edges to be drawn upon."""
    size = (OVERSAMPLING * len(surface),) * 2
    return cv2.resize(surface, size, interpolation=cv2.INTER_LINEAR).astype(np.float32, copy=False)


def halved(canvas: Canvas) -> Canvas:
    """The same at the photograph's resolution, for trees to be set among things with edges."""
    size = (len(canvas) // OVERSAMPLING,) * 2
    return cv2.resize(canvas, size, interpolation=cv2.INTER_AREA).astype(np.float32, copy=False)


def blend(canvas: Canvas, surface: Canvas | Colour, share: Canvas) -> None:
    """Move a canvas towards a surface by a share [side, side], 0 to 1."""
    canvas += (np.asarray(surface, np.float32) - canvas) * share[:, :, np.newaxis]


def band(
    canvas: Canvas, at: float, width: float, surface: Canvas | Colour, gain: float = 1.0
) -> None:
    """A straight band along the canvas's x axis, lighter or darker than its surface by a gain."""
    rows = slice(max(0, int(at - width / 2)), max(0, int(at + width / 2)))
    laid = surface[rows] if isinstance(surface, np.ndarray) else np.array(surface, np.float32)
    canvas[rows] = laid * np.float32(gain)


def dashes(canvas: Canvas, at: float, colour: Colour, dash: int, gap: int, thickness: int) -> None:
    for x in range(0, canvas.shape[1], dash + gap):
        cv2.line(canvas, (x, int(at)), (x + dash, int(at)), colour, thickness)


def blank(canvas: Canvas) -> Mask:
    return np.zeros(canvas.shape[:2], np.uint8)


def shade(canvas: Canvas, mask: Mask, factor: float = SHADOW) -> None:
    """Darken a canvas where a mask, 0 to 255, is set; soft masks give soft shadows."""
    x, y, width, height = cv2.boundingRect(mask)
    place = slice(y, y + height), slice(x, x + width)
    strength = mask[place].astype(np.float32)[:, :, np.newaxis] * ((1 - factor) / 255)
    canvas[place] *= 1 - strength


def box(x: float, y: float, length: float, width: float, angle: float) -> npt.NDArray[np.int32]:
    """The corners of a rectangle about (x, y), turned by an angle in degrees."""
    return np.rint(cv2.boxPoints(((x, y), (length, width), angle))).astype(np.int32)


def jitter(rng: np.random.Generator, colour: Colour, spread: float) -> Colour:
    # Mostly lighter or darker, hardly another hue: paint and roofs fade, they do not turn pink.
    red, green, blue = (
        np.array(colour, np.float32) + rng.normal(0, 0.3 * spread, 3) + rng.normal(0, spread)
    )
    return float(red), float(green), float(blue)


def scattered(rng: np.random.Generator, side: int, apart: float, keep: float = 1.0) -> Points:
    """Points [N, 2] about as far apart as said, without rows that the eye would find."""
    steps = np.arange(apart / 2, side, apart)
    grid = np.stack(np.meshgrid(steps, steps), axis=2).reshape(-1, 2)
    points = grid + rng.uniform(-0.48, 0.48, grid.shape) * apart
    kept: Points = points[rng.random(len(points)) < keep]
    return kept[rng.permutation(len(kept))]


def canopy(rng: np.random.Generator, canvas: Canvas, points: Points, radius: float) -> None:
    """Crowns at points [N, 2]: rough bumps that shade each other and the ground."""
    side = len(canvas)
    places = np.rint(points).astype(np.intp)
    places = places[np.all((places >= 0) & (places < side), axis=1)]
    if len(places) == 0:
        return
    stems = np.full((side, side), 255, np.uint8)
    stems[places[:, 1], places[:, 0]] = 0
    away, owner = cv2.distanceTransformWithLabels(
        stems, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    leaves = noise(rng, side, 6, 2)
    # Without this the borders between crowns are straight, like cells.
    x, y = np.meshgrid(np.arange(side, dtype=np.float32), np.arange(side, dtype=np.float32))
    x, y = x + 9 * (noise(rng, side, 9, 2) - 0.5), y + 9 * (leaves - 0.5)
    away = cv2.remap(away, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    owner = cv2.remap(owner.astype(np.float32), x, y, cv2.INTER_NEAREST).astype(np.intp)
    reach = (rng.uniform(0.6, 1.25, len(places) + 1) * radius).astype(np.float32)[owner]
    height = np.sqrt(np.clip(1 - np.square(away / reach), 0, 1)) * reach * (0.6 + 0.8 * leaves)
    lit = height - np.roll(height, (1, 1), (0, 1))
    cast = np.zeros_like(height)
    for step in (2, 4, 6):
        above = np.roll(height, (step, step), (0, 1)) - 0.8 * step
        np.maximum(cast, np.clip((above - height) / 2, 0, 1), out=cast)
    tone = rng.normal(1, 0.14, len(places) + 1).astype(np.float32)[owner]
    bright = tone * np.clip(0.78 + 0.22 * lit, 0.3, 1.6) * (0.55 + 0.9 * leaves)
    crowns = bright[:, :, np.newaxis] * np.array(jitter(rng, (70, 86, 54), 9), np.float32)
    shown = 1 - 0.55 * cv2.GaussianBlur(cast, (3, 3), 0)
    cover = cv2.GaussianBlur((height > 0).astype(np.float32), (3, 3), 0)
    blend(canvas, crowns, cover)
    canvas *= shown[:, :, np.newaxis]


def car(rng: np.random.Generator, canvas: Canvas, x: float, y: float, angle: float) -> None:
    paints = [
        (232, 232, 230),
        (226, 226, 226),
        (196, 198, 202),
        (150, 152, 156),
        (92, 96, 102),
        (44, 46, 52),
        (36, 38, 44),
        (132, 40, 38),
        (52, 68, 104),
    ]
    paint = jitter(rng, paints[rng.integers(len(paints))], 6)
    length, width = 22 * rng.uniform(0.9, 1.1), 10.5
    cv2.fillPoly(canvas, [box(x + 3, y + 3, length, width, angle)], (38, 38, 40))
    cv2.fillPoly(canvas, [box(x, y, length, width, angle)], paint)
    along = np.deg2rad(angle)
    for place in (-0.26, 0.2):
        at_x, at_y = x + place * length * np.cos(along), y + place * length * np.sin(along)
        cv2.fillPoly(canvas, [box(at_x, at_y, 3.4, width * 0.74, angle)], (44, 50, 58))


def lorry(rng: np.random.Generator, canvas: Canvas, x: float, y: float) -> None:
    length = rng.uniform(36, 66)
    cv2.fillPoly(canvas, [box(x + 5, y + 5, length, 13, 0)], (46, 46, 48))
    cv2.fillPoly(canvas, [box(x, y, length, 13, 0)], jitter(rng, (208, 206, 200), 14))
    cv2.fillPoly(canvas, [box(x + length / 2 + 5, y, 9, 12, 0)], jitter(rng, (120, 110, 108), 30))


def house(rng: np.random.Generator, canvas: Canvas, x: float, y: float, angle: float) -> None:
    """A hipped roof of two slopes, one in the sun, sometimes with a wing."""
    roofs = [(150, 128, 112), (128, 118, 112), (168, 108, 84), (186, 178, 168), (104, 98, 96)]
    roof = jitter(rng, roofs[rng.integers(len(roofs))], 8)
    parts = [(x, y, rng.uniform(62, 84), rng.uniform(42, 52), angle)]
    if rng.random() < 0.6:
        offset = np.deg2rad(angle) + rng.choice([0.6, 2.5])
        wing = (x + 30 * np.cos(offset), y + 30 * np.sin(offset), 50.0, 34.0, angle + 90)
        parts.append(wing)
    shadow = blank(canvas)
    for part in parts:
        cv2.fillPoly(shadow, [box(part[0] + 11, part[1] + 11, *part[2:])], 255)
    shade(canvas, shadow)
    for part in parts:
        corners = box(*part)
        cv2.fillPoly(canvas, [corners], roof)
        ridge = (corners[[0, 2]].sum(axis=0) // 2).astype(np.int32)
        ends = (corners[0] + corners[1]) // 2, (corners[2] + corners[3]) // 2
        inner = [(3 * end + 2 * ridge) // 5 for end in ends]
        lit = np.array([corners[1], corners[2], inner[1], inner[0]])
        dim = np.array([corners[0], corners[1], inner[0]])
        cv2.fillPoly(canvas, [lit], tuple(1.18 * c for c in roof))
        cv2.fillPoly(canvas, [dim], tuple(0.8 * c for c in roof))
        cv2.line(canvas, inner[0].tolist(), inner[1].tolist(), tuple(1.3 * c for c in roof), 1)


def garden(
    rng: np.random.Generator, canvas: Canvas, x: float, y: float, width: float, depth: float
) -> None:
    """One lot, kept in its own way: greener or drier, a patio, perhaps a pool or a shed."""
    left, top = max(0, int(x - width / 2)), max(0, int(y - depth / 2))
    place = slice(top, max(0, int(y + depth / 2))), slice(left, int(x + width / 2))
    tint = rng.normal(1, 0.07) + np.array((1, 0, -0.4)) * rng.normal(0, 0.05)
    canvas[place] *= tint.astype(np.float32)
    cv2.line(canvas, (left, top), (left, top + int(depth)), (112, 104, 92), 2)
    spot = (int(x + rng.uniform(-30, 30)), int(y + rng.uniform(-8, 8)))
    luck = rng.random()
    if luck < 0.12:
        cv2.ellipse(canvas, spot, (19, 12), 0, 0, 360, (186, 182, 172), -1)
        cv2.ellipse(canvas, spot, (14, 8), 0, 0, 360, (96, 168, 178), -1)
    elif luck < 0.4:
        shed = box(*spot, 20, 15, 0)
        cv2.fillPoly(canvas, [shed + 4], (52, 54, 46))
        cv2.fillPoly(canvas, [shed], jitter(rng, (170, 166, 160), 22))


def boat(
    rng: np.random.Generator, canvas: Canvas, x: float, y: float, length: float, bow: int
) -> None:
    """A boat along the y axis, its bow up (-1) or down (1)."""
    width = length * rng.uniform(0.26, 0.33)
    hull = np.array([(-0.5, -0.5), (0.5, -0.5), (0.5, 0.15), (0.0, 0.55), (-0.5, 0.15)], np.float32)
    outline = np.rint(hull * np.array((width, bow * length)) + np.array((x, y))).astype(np.int32)
    cv2.fillPoly(canvas, [outline + 4], (22, 34, 40))
    cv2.fillPoly(canvas, [outline], jitter(rng, (232, 232, 228), 7))
    deck = np.rint(hull * np.array((width * 0.68, bow * length * 0.7)) + np.array((x, y))).astype(
        np.int32
    )
    cv2.fillPoly(canvas, [deck], jitter(rng, (196, 190, 178), 12))
    cabin = box(x, y - bow * length * 0.1, width * 0.56, length * 0.26, 0)
    cv2.fillPoly(canvas, [cabin], jitter(rng, (98, 118, 142), 24))


def cover(rng: np.random.Generator, canvas: Canvas, x: float, y: float, length: float) -> None:
    """What lies over a boat: a tarpaulin, or a mast and its shadow."""
    luck = rng.random()
    if luck < 0.25:
        tarpaulin = box(x, y + rng.uniform(-0.2, 0.2) * length, 0.2 * length, 0.3 * length, 0)
        paint = jitter(rng, [(44, 74, 128), (92, 96, 100), (206, 202, 192)][rng.integers(3)], 10)
        cv2.fillPoly(canvas, [tarpaulin], paint)
    elif luck < 0.5:
        foot, reach = (int(x), int(y)), int(length * 0.3)
        cv2.line(canvas, foot, (foot[0] + reach, foot[1] + reach), (60, 66, 70), 2)
        cv2.line(canvas, (foot[0], foot[1] - reach), (foot[0], foot[1] + reach), (232, 230, 224), 2)


def tank(
    rng: np.random.Generator,
    canvas: Canvas,
    centre: tuple[int, int],
    radius: int,
    height: float,
    paint: Colour,
) -> None:
    """A tank under a cone or a floating roof, as tall as a share of its radius."""
    x, y = centre
    shadow = blank(canvas)
    for step in range(0, int(radius * height), 4):
        cv2.circle(shadow, (x + step, y + step), radius, 255, -1)
    shade(canvas, shadow, 0.36)
    top = jitter(rng, paint, 6)
    rim, lit, shaded, dark = (tuple(light * c for c in top) for light in (1, 0.93, 0.72, 0.5))
    cv2.circle(canvas, centre, radius, shaded, -1)
    cv2.circle(canvas, (x - 2, y - 2), radius - 3, rim, -1)
    inner = radius - 6
    if rng.random() < 0.35:
        sunk = radius // 12
        cv2.circle(canvas, centre, inner, dark, -1)
        cv2.circle(canvas, (x + sunk, y + sunk), inner - sunk, lit, -1)
    else:
        for panel in range(0, 360, 30):
            light = 0.96 + 0.08 * np.cos(np.deg2rad(panel + 15 - 225))
            tone = tuple(float(light * c) for c in top)
            cv2.ellipse(canvas, centre, (inner, inner), 0, panel, panel + 30, tone, -1)
        cv2.circle(canvas, centre, max(3, radius // 12), shaded, -1)
    bearing = rng.uniform(0, 2 * np.pi)
    end = (int(x + radius * np.cos(bearing)), int(y + radius * np.sin(bearing)))
    cv2.line(canvas, centre, end, shaded, 2)
