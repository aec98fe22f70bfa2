"""Drawn scenes for the demo and for golden tiles: nadir views at about 0.4 m, made up by a program.

They are drawings, not data: nothing is trained on them, and no figure of quality rests on them. A
scene is painted at twice its size on a canvas that is larger still, turned by any angle, cut out,
and shrunk, so that edges are smooth and nothing lies along the axes.
"""

import zlib
from collections.abc import Callable, Iterator

import cv2
import numpy as np
import numpy.typing as npt

Canvas = npt.NDArray[np.float32]
Mask = npt.NDArray[np.uint8]
Colour = tuple[float, float, float]

OVERSAMPLING = 2
NATIVE = 256
SHADOW = 0.42


def draw(kind: str, seed: int, size: int = NATIVE) -> npt.NDArray[np.uint8]:
    """Draw a scene of a kind: uint8 RGB [size, size, 3], the same for the same arguments.

    Raises ValueError on a kind that is not in KINDS.
    """
    if kind not in _PAINTERS:
        raise ValueError(f"unknown kind {kind!r}; known are {', '.join(KINDS)}")
    rng = np.random.default_rng((zlib.crc32(kind.encode()), seed))
    inner = NATIVE * OVERSAMPLING
    side = int(inner * 1.42)
    canvas = _PAINTERS[kind](rng, side)
    turn = cv2.getRotationMatrix2D((side / 2, side / 2), float(rng.uniform(0, 360)), 1.0)
    turned = cv2.warpAffine(canvas, turn, (side, side), flags=cv2.INTER_LINEAR)
    margin = (side - inner) // 2
    cut = turned[margin : margin + inner, margin : margin + inner]
    return _photograph(rng, cv2.resize(cut, (size, size), interpolation=cv2.INTER_AREA))


def archive(per_kind: int, seed: int = 0) -> Iterator[tuple[str, npt.NDArray[np.uint8]]]:
    """Draw per_kind scenes of every kind: pairs of a file name, such as harbor_03.png, and pixels."""
    for kind in KINDS:
        for number in range(per_kind):
            yield f"{kind}_{number:02d}.png", draw(kind, seed * 1000 + number)


def _photograph(rng: np.random.Generator, scene: Canvas) -> npt.NDArray[np.uint8]:
    """What the air and the camera add: haze, a cast, a little blur, noise."""
    haze = rng.uniform(0.02, 0.14)
    cast = np.array([1.0, 1.0, 1.0]) + rng.uniform(-0.04, 0.04, 3)
    lit = scene * rng.uniform(0.88, 1.1) * cast
    hazy = lit * (1 - haze) + np.array([168.0, 178.0, 190.0]) * haze
    sharp = cv2.GaussianBlur(hazy.astype(np.float32), (0, 0), float(rng.uniform(0.4, 0.7)))
    noisy = sharp + rng.normal(0, 2.2, sharp.shape)
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8)


def _noise(rng: np.random.Generator, side: int, cell: int, octaves: int = 4) -> Canvas:
    """Fractal value noise [side, side], about 0 to 1; cell is the size of its largest feature."""
    total = np.zeros((side, side), np.float32)
    weight = 0.0
    for octave in range(octaves):
        grid = max(2, side * 2**octave // cell)
        coarse = rng.random((grid, grid), np.float32)
        amplitude = 0.55**octave
        total += amplitude * cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC)
        weight += amplitude
    return np.clip(total / weight, 0, 1)


def _ground(rng: np.random.Generator, side: int, dark: Colour, light: Colour, cell: int) -> Canvas:
    """A surface that varies between two colours."""
    shade = np.clip((_noise(rng, side, cell, 6) - 0.5) * 1.9 + 0.5, 0, 1)[:, :, np.newaxis]
    grain = 5 * rng.standard_normal((side, side, 1), np.float32)
    mixed: Canvas = np.float32(dark) * (1 - shade) + np.float32(light) * shade + grain
    return mixed


def _lay(canvas: Canvas, mask: Mask, surface: Canvas | Colour) -> None:
    """Lay a surface over a canvas where a mask is set."""
    where = mask > 0
    canvas[where] = surface[where] if isinstance(surface, np.ndarray) else surface


def _shade(canvas: Canvas, mask: Mask, factor: float = SHADOW) -> None:
    """Darken a canvas where a mask, 0 to 255, is set; soft masks give soft shadows."""
    x, y, width, height = cv2.boundingRect(mask)
    place = slice(y, y + height), slice(x, x + width)
    strength = mask[place].astype(np.float32)[:, :, np.newaxis] * ((1 - factor) / 255)
    canvas[place] *= 1 - strength


def _blank(canvas: Canvas) -> Mask:
    return np.zeros(canvas.shape[:2], np.uint8)


def _box(x: float, y: float, length: float, width: float, angle: float) -> npt.NDArray[np.int32]:
    """The corners of a rectangle about (x, y), turned by an angle in degrees."""
    return np.rint(cv2.boxPoints(((x, y), (length, width), angle))).astype(np.int32)


def _jitter(rng: np.random.Generator, colour: Colour, spread: float) -> Colour:
    # Mostly lighter or darker, hardly another hue: paint and roofs fade, they do not turn pink.
    red, green, blue = np.float32(colour) + rng.normal(0, 0.3 * spread, 3) + rng.normal(0, spread)
    return float(red), float(green), float(blue)


def _trees(
    rng: np.random.Generator, canvas: Canvas, points: npt.NDArray[np.float64], radius: float
) -> None:
    """Crowns with a lit side and a shadow on the ground, at points [N, 2]."""
    shadows = _blank(canvas)
    crowns = []
    for x, y in points:
        r = radius * rng.uniform(0.55, 1.25)
        crowns.append((x, y, r, _jitter(rng, (62, 84, 48), 7)))
        cv2.circle(shadows, (int(x + 0.75 * r), int(y + 0.75 * r)), int(r), 255, -1)
    _shade(canvas, shadows, 0.5)
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


def _car(rng: np.random.Generator, canvas: Canvas, x: float, y: float, angle: float) -> None:
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
    paint = _jitter(rng, paints[rng.integers(len(paints))], 6)
    length, width = 22 * rng.uniform(0.9, 1.1), 10.5
    cv2.fillPoly(canvas, [_box(x + 3, y + 3, length, width, angle)], (38, 38, 40))
    cv2.fillPoly(canvas, [_box(x, y, length, width, angle)], paint)
    along = np.deg2rad(angle)
    for place in (-0.26, 0.2):
        at_x, at_y = x + place * length * np.cos(along), y + place * length * np.sin(along)
        cv2.fillPoly(canvas, [_box(at_x, at_y, 3.4, width * 0.74, angle)], (44, 50, 58))


def _house(rng: np.random.Generator, canvas: Canvas, x: float, y: float, angle: float) -> None:
    """A hipped roof of two slopes, one in the sun, sometimes with a wing."""
    roofs = [(150, 128, 112), (128, 118, 112), (168, 108, 84), (186, 178, 168), (104, 98, 96)]
    roof = _jitter(rng, roofs[rng.integers(len(roofs))], 8)
    parts = [(x, y, rng.uniform(62, 84), rng.uniform(42, 52), angle)]
    if rng.random() < 0.6:
        offset = np.deg2rad(angle) + rng.choice([0.6, 2.5])
        wing = (x + 30 * np.cos(offset), y + 30 * np.sin(offset), 50.0, 34.0, angle + 90)
        parts.append(wing)
    shadow = _blank(canvas)
    for part in parts:
        cv2.fillPoly(shadow, [_box(part[0] + 11, part[1] + 11, *part[2:])], 255)
    _shade(canvas, shadow)
    for part in parts:
        corners = _box(*part)
        cv2.fillPoly(canvas, [corners], roof)
        ridge = (corners[[0, 2]].sum(axis=0) // 2).astype(np.int32)
        ends = (corners[0] + corners[1]) // 2, (corners[2] + corners[3]) // 2
        inner = [(3 * end + 2 * ridge) // 5 for end in ends]
        lit = np.array([corners[1], corners[2], inner[1], inner[0]])
        dim = np.array([corners[0], corners[1], inner[0]])
        cv2.fillPoly(canvas, [lit], tuple(1.18 * c for c in roof))
        cv2.fillPoly(canvas, [dim], tuple(0.8 * c for c in roof))
        cv2.line(canvas, inner[0].tolist(), inner[1].tolist(), tuple(1.3 * c for c in roof), 1)


def _strip(canvas: Canvas, at: float, width: float, surface: Canvas | Colour) -> None:
    """A straight band along the canvas's x axis."""
    mask = _blank(canvas)
    mask[int(at - width / 2) : int(at + width / 2)] = 255
    _lay(canvas, mask, surface)


def _dashes(canvas: Canvas, at: float, colour: Colour, dash: int, gap: int, thickness: int) -> None:
    for x in range(0, canvas.shape[1], dash + gap):
        cv2.line(canvas, (x, int(at)), (x + dash, int(at)), colour, thickness)


def _scattered(
    rng: np.random.Generator, side: int, apart: float, keep: float = 1.0
) -> npt.NDArray[np.float64]:
    """Points [N, 2] about as far apart as said, without rows that the eye would find."""
    steps = np.arange(apart / 2, side, apart)
    grid = np.stack(np.meshgrid(steps, steps), axis=2).reshape(-1, 2)
    points = grid + rng.uniform(-0.48, 0.48, grid.shape) * apart
    kept: npt.NDArray[np.float64] = points[rng.random(len(points)) < keep]
    return kept[rng.permutation(len(kept))]


def _fields(rng: np.random.Generator, side: int) -> Canvas:
    """Rows of crops, one or two fields, with a track between them."""
    crops: list[tuple[Colour, Colour]] = [
        ((74, 96, 52), (128, 148, 84)),
        ((104, 112, 60), (156, 150, 92)),
        ((118, 98, 74), (168, 146, 112)),
        ((64, 88, 60), (108, 134, 84)),
    ]
    canvas = np.empty((side, side, 3), np.float32)
    border = int(side * rng.uniform(0.35, 0.65))
    for top, bottom in ((0, border), (border, side)):
        dark, light = crops[rng.integers(len(crops))]
        field = _ground(rng, side, dark, light, side // 3)
        pitch = rng.uniform(9, 20)
        wobble = 5 * _noise(rng, side, side // 2, 2)
        down = np.arange(side, dtype=np.float32)[:, np.newaxis]
        rows = np.sin((down + wobble) * (2 * np.pi / pitch))
        canvas[top:bottom] = (field * (1 + 0.13 * rows)[:, :, np.newaxis])[top:bottom]
    _strip(
        canvas,
        border,
        rng.uniform(12, 26),
        _ground(rng, side, (150, 132, 104), (184, 168, 138), 60),
    )
    return canvas


def _forest(rng: np.random.Generator, side: int) -> Canvas:
    canvas = _ground(rng, side, (34, 48, 32), (58, 70, 44), side // 4)
    _trees(rng, canvas, _scattered(rng, side, rng.uniform(24, 32)), rng.uniform(17, 23))
    return canvas


def _river(rng: np.random.Generator, side: int) -> Canvas:
    """A bend of open water between wooded banks."""
    canvas = _ground(rng, side, (78, 92, 58), (132, 130, 92), side // 3)
    _trees(rng, canvas, _scattered(rng, side, 34, 0.75), 18)
    x = np.arange(side)
    bend = side * 0.13 * np.sin(2 * np.pi * x / side * rng.uniform(0.6, 1.1) + rng.uniform(0, 6))
    distance = np.abs(np.arange(side)[:, np.newaxis] - side / 2 - bend)
    edge = distance + 40 * (_noise(rng, side, 90, 3) - 0.5)
    half = rng.uniform(70, 115)
    bank = (edge < half + 12).astype(np.uint8)
    _lay(canvas, bank, _ground(rng, side, (138, 124, 98), (170, 156, 128), 50))
    water = _ground(rng, side, (54, 74, 68), (78, 98, 88), side // 2)
    _lay(canvas, (edge < half).astype(np.uint8), water)
    return canvas


def _beach(rng: np.random.Generator, side: int) -> Canvas:
    """Sea, surf and sand, one behind the other."""
    down = np.arange(side, dtype=np.float32)[:, np.newaxis]
    shore = down - side * rng.uniform(0.45, 0.6) + 70 * (_noise(rng, side, side // 2, 3) - 0.5)
    canvas = _ground(rng, side, (196, 178, 146), (226, 212, 184), 160)
    depth = np.clip(-shore / (side * 0.45), 0, 1)[:, :, np.newaxis]
    sea = np.float32((92, 150, 150)) * (1 - depth) + np.float32((34, 86, 112)) * depth
    sea = sea + 9 * np.sin((down + 26 * _noise(rng, side, 120, 3)) / 5)[:, :, np.newaxis] * depth
    _lay(canvas, ((shore > 0) & (shore < 26)).astype(np.uint8), (164, 146, 118))
    _lay(canvas, (shore <= 0).astype(np.uint8), sea.astype(np.float32))
    ragged = shore + 46 * (_noise(rng, side, 44, 4) - 0.5)
    for start, width in ((-4, 13), (-54, 8), (-104, 6)):
        foam = ((ragged > start - width) & (ragged < start + width)).astype(np.uint8)
        _lay(canvas, foam, _ground(rng, side, (206, 216, 216), (246, 248, 246), 20))
    return canvas


def _houses(rng: np.random.Generator, side: int) -> Canvas:
    """Streets with houses on both sides, gardens and trees."""
    canvas = _ground(rng, side, (92, 104, 66), (148, 146, 100), 90)
    asphalt = _ground(rng, side, (112, 112, 112), (136, 134, 130), 120)
    block = rng.uniform(225, 260)
    for street in np.arange(rng.uniform(0.1, 0.9) * block, side + block, block):
        _strip(canvas, street, 52, (172, 168, 160))
        _strip(canvas, street, 42, asphalt)
        for facing in (-1, 1):
            for x in np.arange(rng.uniform(20, 80), side, rng.uniform(98, 116)):
                y = street + facing * rng.uniform(70, 80)
                drive = _box(x + 30, street + facing * 40, 16, 40, 0)
                cv2.fillPoly(canvas, [drive], (176, 172, 166))
                _house(rng, canvas, x, y, rng.normal(0, 3))
                if rng.random() < 0.5:
                    _car(rng, canvas, x + 30, street + facing * 42, 90 + rng.normal(0, 4))
    gardens = _scattered(rng, side, 62, 0.7)
    offset = np.min(
        [np.abs(gardens[:, 1] - s) for s in np.arange(-block, side + block, block)], axis=0
    )
    _trees(rng, canvas, gardens[offset > 30], 12)
    return canvas


def _runway(rng: np.random.Generator, side: int) -> Canvas:
    """A runway with its markings and tyre marks, between mown grass and a taxiway."""
    canvas = _ground(rng, side, (118, 120, 74), (160, 154, 104), side // 3)
    middle = side * rng.uniform(0.4, 0.6)
    width = rng.uniform(150, 190)
    tarmac = _ground(rng, side, (118, 118, 120), (150, 148, 146), side // 2)
    _strip(canvas, middle, width + 36, tarmac * 0.86)
    _strip(canvas, middle, width, tarmac)
    rubber = _blank(canvas)
    for _ in range(40):
        y = middle + rng.normal(0, 13)
        x = rng.uniform(-0.3, 0.7) * side
        length = rng.uniform(0.2, 0.7) * side
        cv2.line(rubber, (int(x), int(y)), (int(x + length), int(y)), 255, int(rng.integers(1, 4)))
    _shade(canvas, cv2.GaussianBlur(rubber, (0, 0), 3), 0.6)
    white = (232, 230, 224)
    _dashes(canvas, middle, white, 92, 62, 5)
    for edge in (-1, 1):
        _dashes(canvas, middle + edge * (width / 2 - 7), white, side, 0, 4)
    if rng.random() < 0.6:
        start = int(rng.uniform(0.25, 0.4) * side)
        for bar in np.linspace(-0.4, 0.4, 10):
            y = int(middle + bar * width)
            cv2.line(canvas, (start, y), (start + 92, y), white, 7)
    taxiway = middle + (width / 2 + 150) * rng.choice([-1, 1])
    _strip(canvas, taxiway, 62, tarmac * 0.95)
    _dashes(canvas, taxiway, (206, 176, 60), side, 0, 2)
    return canvas


def _boat(
    rng: np.random.Generator, canvas: Canvas, x: float, y: float, length: float, bow: int
) -> None:
    """A boat along the y axis, its bow up (-1) or down (1)."""
    width = length * rng.uniform(0.26, 0.33)
    hull = np.float32([(-0.5, -0.5), (0.5, -0.5), (0.5, 0.15), (0.0, 0.55), (-0.5, 0.15)])
    outline = np.rint(hull * (width, bow * length) + (x, y)).astype(np.int32)
    cv2.fillPoly(canvas, [outline + 4], (22, 34, 40))
    cv2.fillPoly(canvas, [outline], _jitter(rng, (232, 232, 228), 7))
    deck = np.rint(hull * (width * 0.68, bow * length * 0.7) + (x, y)).astype(np.int32)
    cv2.fillPoly(canvas, [deck], _jitter(rng, (196, 190, 178), 12))
    cabin = _box(x, y - bow * length * 0.1, width * 0.56, length * 0.26, 0)
    cv2.fillPoly(canvas, [cabin], _jitter(rng, (98, 118, 142), 24))


def _harbor(rng: np.random.Generator, side: int) -> Canvas:
    """Boats side by side along floating jetties."""
    canvas = _ground(rng, side, (28, 46, 54), (46, 66, 70), side // 2)
    length = rng.uniform(72, 112)
    pitch = length * 0.42
    for jetty in np.arange(rng.uniform(0.3, 1.0) * length, side + length, 2.9 * length):
        _strip(canvas, jetty + 5, 14, (20, 30, 36))
        _strip(canvas, jetty, 13, (176, 168, 152))
        for x in np.arange(rng.uniform(0, pitch), side, pitch):
            for bow in (-1, 1):
                berth = jetty + bow * (0.62 * length + 6)
                cv2.line(canvas, (int(x - pitch / 2), int(jetty)), (int(x - pitch / 2), int(berth)), (150, 144, 132), 3)  # fmt: skip
                if rng.random() < 0.86:
                    _boat(rng, canvas, x, berth, length * rng.uniform(0.82, 1.05), bow)
    return canvas


def _storage_tanks(rng: np.random.Generator, side: int) -> Canvas:
    """White tanks with shadows, in rows, with pipes between them."""
    canvas = _ground(rng, side, (142, 130, 108), (178, 166, 142), 120)
    radius = rng.uniform(46, 78)
    pitch = radius * rng.uniform(2.6, 3.0)
    starts = np.arange(rng.uniform(0.3, 0.9) * pitch, side + radius, pitch)
    for y in starts:
        _strip(canvas, y + pitch / 2, 20, (128, 124, 118))
        for pipe in (-16, -11):
            _dashes(canvas, y + pitch / 2 + pipe, (196, 194, 188), side, 0, 2)
    for y in starts:
        for x in starts + rng.uniform(-8, 8):
            if rng.random() < 0.12:
                continue
            r = int(radius * rng.choice([1.0, 1.0, 0.72]))
            centre = (int(x), int(y))
            shadow = _blank(canvas)
            for step in range(0, int(r * 0.5), 6):
                cv2.circle(shadow, (centre[0] + step, centre[1] + step), r, 255, -1)
            _shade(canvas, shadow)
            top = _jitter(rng, (222, 220, 214), 8)
            cv2.circle(canvas, centre, r, tuple(0.74 * c for c in top), -1)
            cv2.circle(canvas, (centre[0] - 2, centre[1] - 2), r - 4, top, -1)
            cv2.circle(canvas, centre, r - 9, tuple(0.9 * c for c in top), 2)
            cv2.line(canvas, centre, (centre[0] + int(0.7 * r), centre[1] - int(0.6 * r)), (150, 148, 144), 3)  # fmt: skip
    return canvas


def _parking_lot(rng: np.random.Generator, side: int) -> Canvas:
    """Rows of parked cars, back to back, with lanes between them."""
    canvas = _ground(rng, side, (100, 100, 102), (126, 124, 122), 160)
    bay, deep = 14.5, 27
    lane = rng.uniform(40, 52)
    full = rng.uniform(0.7, 0.96)
    for row in np.arange(rng.uniform(-40, 0), side, 2 * deep + lane):
        for x in np.arange(0, side, bay):
            for half in (0.5, 1.5):
                top = int(row + (half - 0.5) * deep)
                cv2.line(canvas, (int(x), top), (int(x), top + deep), (206, 204, 198), 1)
                if rng.random() < full:
                    y = row + half * deep + rng.normal(0, 1)
                    _car(rng, canvas, x + bay / 2, y, 90 + rng.normal(0, 2))
    return canvas


def _freeway(rng: np.random.Generator, side: int) -> Canvas:
    """Two carriageways with traffic, a median, and verges with bushes."""
    canvas = _ground(rng, side, (112, 112, 72), (160, 148, 108), 130)
    _trees(rng, canvas, _scattered(rng, side, 58, 0.5), 13)
    concrete = _ground(rng, side, (150, 148, 142), (178, 174, 166), side // 2)
    lane, lanes = 30.0, int(rng.integers(3, 5))
    half = lane * lanes / 2
    middle = side * rng.uniform(0.46, 0.54)
    for direction in (-1, 1):
        centre = middle + direction * (half + rng.uniform(14, 30))
        _strip(canvas, centre, 2 * half + 30, concrete * 0.9)
        _strip(canvas, centre, 2 * half, concrete)
        for edge in (-1, 1):
            _dashes(canvas, centre + edge * half, (236, 232, 216), side, 0, 2)
        for number in range(lanes):
            place = centre - half + (number + 0.5) * lane
            if number:
                _dashes(canvas, place - lane / 2, (240, 240, 234), 24, 40, 2)
            for x in np.arange(rng.uniform(0, 160), side, rng.uniform(90, 230)):
                _car(rng, canvas, x + rng.uniform(-30, 30), place, rng.normal(0, 1))
    return canvas


_PAINTERS: dict[str, Callable[[np.random.Generator, int], Canvas]] = {
    "beach": _beach,
    "fields": _fields,
    "forest": _forest,
    "freeway": _freeway,
    "harbor": _harbor,
    "houses": _houses,
    "parking_lot": _parking_lot,
    "river": _river,
    "runway": _runway,
    "storage_tanks": _storage_tanks,
}
KINDS = tuple(_PAINTERS)
