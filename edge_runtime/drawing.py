"""What drawn scenes are made of: surfaces, shadows, trees, cars, houses, boats.

A canvas is float32 RGB [side, side, 3], 0 to 255, changed in place; lengths are in its pixels.
"""

import cv2
import numpy as np
import numpy.typing as npt

Canvas = npt.NDArray[np.float32]
Mask = npt.NDArray[np.uint8]
Colour = tuple[float, float, float]

SHADOW = 0.42


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


def ground(rng: np.random.Generator, side: int, dark: Colour, light: Colour, cell: int) -> Canvas:
    """A surface that varies between two colours."""
    light_share = np.clip((noise(rng, side, cell, 6) - 0.5) * 1.9 + 0.5, 0, 1)[:, :, np.newaxis]
    grain = 5 * rng.standard_normal((side, side, 1), np.float32)
    mixed: Canvas = (
        np.array(dark, np.float32) * (1 - light_share)
        + np.array(light, np.float32) * light_share
        + grain
    )
    return mixed


def lay(canvas: Canvas, mask: Mask, surface: Canvas | Colour) -> None:
    """Lay a surface over a canvas where a mask is set."""
    where = mask > 0
    canvas[where] = surface[where] if isinstance(surface, np.ndarray) else surface


def shade(canvas: Canvas, mask: Mask, factor: float = SHADOW) -> None:
    """Darken a canvas where a mask, 0 to 255, is set; soft masks give soft shadows."""
    x, y, width, height = cv2.boundingRect(mask)
    place = slice(y, y + height), slice(x, x + width)
    strength = mask[place].astype(np.float32)[:, :, np.newaxis] * ((1 - factor) / 255)
    canvas[place] *= 1 - strength


def blank(canvas: Canvas) -> Mask:
    return np.zeros(canvas.shape[:2], np.uint8)


def box(x: float, y: float, length: float, width: float, angle: float) -> npt.NDArray[np.int32]:
    """The corners of a rectangle about (x, y), turned by an angle in degrees."""
    return np.rint(cv2.boxPoints(((x, y), (length, width), angle))).astype(np.int32)


def jitter(rng: np.random.Generator, colour: Colour, spread: float) -> Colour:
    # Mostly lighter or darker, hardly another hue: paint and roofs fade, they do not turn pink.
    red, green, blue = (
        np.array(colour, np.float32) + rng.normal(0, 0.3 * spread, 3) + rng.normal(0, spread)
    )
    return float(red), float(green), float(blue)


def trees(
    rng: np.random.Generator, canvas: Canvas, points: npt.NDArray[np.float64], radius: float
) -> None:
    """Crowns with a lit side and a shadow on the ground, at points [N, 2]."""
    shadows = blank(canvas)
    crowns = []
    for x, y in points:
        r = radius * rng.uniform(0.55, 1.25)
        crowns.append((x, y, r, jitter(rng, (62, 84, 48), 7)))
        cv2.circle(shadows, (int(x + 0.75 * r), int(y + 0.75 * r)), int(r), 255, -1)
    shade(canvas, shadows, 0.5)
    for x, y, r, colour in crowns:
        cv2.circle(canvas, (int(x), int(y)), int(r), tuple(0.68 * c for c in colour), -1)
        for _ in range(9):
            away, bearing = r * rng.uniform(0, 0.62), rng.uniform(0, 2 * np.pi)
            at = (
                int(x - 0.2 * r + away * np.cos(bearing)),
                int(y - 0.2 * r + away * np.sin(bearing)),
            )
            light = rng.uniform(0.75, 1.35)
            cv2.circle(canvas, at, max(1, int(0.3 * r)), tuple(light * c for c in colour), -1)


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


def strip(canvas: Canvas, at: float, width: float, surface: Canvas | Colour) -> None:
    """A straight band along the canvas's x axis."""
    mask = blank(canvas)
    mask[int(at - width / 2) : int(at + width / 2)] = 255
    lay(canvas, mask, surface)


def dashes(canvas: Canvas, at: float, colour: Colour, dash: int, gap: int, thickness: int) -> None:
    for x in range(0, canvas.shape[1], dash + gap):
        cv2.line(canvas, (x, int(at)), (x + dash, int(at)), colour, thickness)


def scattered(
    rng: np.random.Generator, side: int, apart: float, keep: float = 1.0
) -> npt.NDArray[np.float64]:
    """Points [N, 2] about as far apart as said, without rows that the eye would find."""
    steps = np.arange(apart / 2, side, apart)
    grid = np.stack(np.meshgrid(steps, steps), axis=2).reshape(-1, 2)
    points = grid + rng.uniform(-0.48, 0.48, grid.shape) * apart
    kept: npt.NDArray[np.float64] = points[rng.random(len(points)) < keep]
    return kept[rng.permutation(len(kept))]


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
