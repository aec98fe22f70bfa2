"""Drawn scenes for the demo and for golden tiles: nadir views at about 0.4 m, made up by a program.

They are drawings, not data: nothing is trained on them, and no figure of quality rests on them. A
scene is painted on a canvas that is larger than the view, at twice its resolution where there are
things with edges, turned by any angle, cut out, and shrunk, so that edges are smooth and nothing
lies along the axes.
"""

import zlib
from collections.abc import Callable, Iterator

import cv2
import numpy as np
import numpy.typing as npt

from .drawing import (
    OVERSAMPLING,
    Canvas,
    band,
    blank,
    blend,
    boat,
    box,
    canopy,
    car,
    cover,
    dashes,
    doubled,
    garden,
    ground,
    halved,
    house,
    jitter,
    lorry,
    noise,
    scattered,
    shade,
    tank,
)

NATIVE = 256
# A view that is turned by any angle stays on a canvas that is larger by the square root of two.
ROOM_TO_TURN = 1.42

GRASS = [(93, 108, 65), (122, 120, 80), (145, 132, 99)]
EARTH = [(150, 132, 107), (158, 152, 138), (116, 118, 85), (119, 109, 95)]
PAVED = [(83, 85, 88), (119, 118, 118), (161, 157, 148)]
RIVER = [(48, 64, 60), (81, 84, 67), (90, 87, 73)]
HARBOR = [(32, 51, 51), (34, 73, 67), (76, 81, 78), (23, 30, 36)]
WOOD = [(50, 56, 39), (83, 77, 59)]
SAND = [(201, 186, 160), (182, 168, 150)]
DEEP_SEA = [(44, 112, 116), (62, 90, 98), (38, 74, 104)]
SHALLOWS = np.array((62, 66, 48), np.float32)


def draw(kind: str, seed: int, size: int = NATIVE) -> npt.NDArray[np.uint8]:
    """Draw a scene of a kind: uint8 RGB [size, size, 3], the same for the same arguments.

    The view is the same at any size. Raises ValueError on a kind that is not in KINDS.
    """
    if kind not in _PAINTERS:
        raise ValueError(f"unknown kind {kind!r}; known are {', '.join(KINDS)}")
    rng = np.random.default_rng((zlib.crc32(kind.encode()), seed))
    inner = NATIVE * OVERSAMPLING
    canvas = _PAINTERS[kind](rng, int(NATIVE * ROOM_TO_TURN))
    half = len(canvas) / 2
    scale = ROOM_TO_TURN * inner / len(canvas)
    turn = cv2.getRotationMatrix2D((half, half), float(rng.uniform(0, 360)), scale)
    turn = turn + np.array((0, 0, inner / 2 - half))
    turned = cv2.warpAffine(canvas, turn, (inner, inner), flags=cv2.INTER_LINEAR)
    small = cv2.resize(turned, (size, size), interpolation=cv2.INTER_AREA)
    return _photograph(rng, small.astype(np.float32))


def archive(per_kind: int, seed: int = 0) -> Iterator[tuple[str, npt.NDArray[np.uint8]]]:
    """Draw per_kind scenes of each kind: a file name, such as harbor_03.png, and pixels of each."""
    for kind in KINDS:
        for number in range(per_kind):
            yield f"{kind}_{number:02d}.png", draw(kind, seed * 1000 + number)


def _photograph(rng: np.random.Generator, scene: Canvas) -> npt.NDArray[np.uint8]:
    """What the air and the camera add: faded colours, haze, a cast, a little blur, noise."""
    haze, contrast, colourful = rng.uniform((0.02, 1.0, 0.65), (0.16, 1.3, 1.0))
    cast = rng.uniform(0.9, 1.12) + rng.uniform(-0.035, 0.035, 3)
    fade = colourful * np.eye(3) + (1 - colourful) / 3
    gain = (1 - haze) * contrast * cast
    offset = (1 - haze) * (1 - contrast) * 110 + haze * np.array((168, 178, 190))
    hazy = cv2.transform(scene, np.column_stack([gain[:, np.newaxis] * fade, offset]))
    blurred = cv2.GaussianBlur(hazy, (0, 0), float(rng.uniform(0.4, 0.65)))
    grain = rng.standard_normal(blurred.shape, np.float32) * np.float32(rng.uniform(1.5, 4.0))
    photograph: npt.NDArray[np.uint8] = np.clip(np.rint(blurred + grain), 0, 255).astype(np.uint8)
    return photograph


def _in_view(canvas: Canvas, x: float, y: float, reach: float) -> bool:
    """Whether a thing that reaches so far from (x, y) can be seen when the canvas has turned."""
    middle = len(canvas) / 2
    return bool(np.hypot(x - middle, y - middle) < NATIVE * OVERSAMPLING * 2**-0.5 + reach)


def _furrows(rng: np.random.Generator, side: int) -> Canvas:
    """Crop rows as a share of leaves [side, side], 0 to 1, with gaps and thin places."""
    down = np.arange(side, dtype=np.float32)[:, np.newaxis]
    wander = float(rng.choice([3, 10, 120], p=[0.5, 0.3, 0.2]))
    bend = down + wander * noise(rng, side, side, 2) + 1.5 * noise(rng, side, 12, 2)
    ridge = 0.5 + 0.75 * np.sin(bend * (2 * np.pi / rng.uniform(4, 10)))
    rows = np.clip(ridge * (0.4 + 1.2 * noise(rng, side, 45, 5)), 0, 1).astype(np.float32)
    return rows if rng.random() < 0.65 else np.ascontiguousarray(rows.T)


def _fields(rng: np.random.Generator, side: int) -> Canvas:
    """Rows of crops, one or two fields, tyre tracks, sometimes a farm track between them."""
    crops = [(70, 92, 50), (112, 122, 70), (170, 156, 120), (58, 82, 62), (84, 72, 60)]
    canvas = ground(rng, side, EARTH, side // 3)
    border = int(side * (rng.uniform(0.3, 0.7) if rng.random() < 0.6 else 1))
    for field in (canvas[:border], canvas[border:]):
        leaves = rng.uniform(0.6, 1) * _furrows(rng, side)[: len(field)]
        blend(field, jitter(rng, crops[rng.integers(len(crops))], 10), leaves)
    wheel = blank(canvas)
    for track in np.arange(rng.uniform(0, 75), side, rng.uniform(55, 120)):
        for tyre in (-3, 3):
            cv2.line(wheel, (0, int(track + tyre)), (side, int(track + tyre)), 255, 1)
    shade(canvas, wheel, rng.uniform(0.7, 0.95))
    if border < side:
        band(canvas, border, rng.uniform(4, 15), jitter(rng, EARTH[0], 6))
    return canvas


def _forest(rng: np.random.Generator, side: int) -> Canvas:
    canvas = ground(rng, side, WOOD, 75)
    apart = rng.uniform(9, 16)
    canopy(rng, canvas, scattered(rng, side, apart, rng.uniform(0.8, 1)), apart * 0.95)
    canvas *= 0.75 + 0.5 * noise(rng, side, 90, 2)[:, :, np.newaxis]
    return canvas


def _river(rng: np.random.Generator, side: int) -> Canvas:
    """A bend of open water between wooded banks."""
    canvas = ground(rng, side, GRASS, side // 3)
    x = np.arange(side, dtype=np.float32)
    bend = side * rng.uniform(0.06, 0.14) * np.sin(x / side * rng.uniform(4, 7) + rng.uniform(0, 6))
    offset = x[:, np.newaxis] - side / 2 - bend
    offset += 34 * (noise(rng, side, 75, 5) - 0.5)
    shore = rng.uniform(24, 44) - np.abs(offset)
    sand = rng.uniform(2, 13) * (0.3 + 1.4 * noise(rng, side, 100, 2))
    blend(canvas, jitter(rng, EARTH[0], 6), np.clip((shore + sand) / 3, 0, 0.9))
    water = ground(rng, side, RIVER, side // 3)
    water *= (1.22 - 0.3 * np.clip(shore / 25, 0, 1))[:, :, np.newaxis]
    blend(canvas, water, np.clip(shore / 2, 0, 1))
    points = scattered(rng, side, rng.uniform(10, 15))
    column, row = np.clip(points, 0, side - 1).astype(np.intp).T
    wooded = noise(rng, side, 120, 3)[row, column] > rng.uniform(0.1, 0.3)
    canopy(rng, canvas, points[wooded & (shore[row, column] < -2)], 12)
    return canvas


def _beach(rng: np.random.Generator, side: int) -> Canvas:
    """Sea, surf and sand, one behind the other."""
    down = np.arange(side, dtype=np.float32)[:, np.newaxis]
    swing = 55 * (noise(rng, side, side // 2, 2) - 0.5)
    shore = down - np.float32(side * rng.uniform(0.42, 0.6)) + swing
    canvas = ground(rng, side, SAND, 80)
    wet = rng.uniform(12, 35) * (0.6 + 0.8 * noise(rng, side, 85, 2))
    canvas *= (1 - 0.24 * np.clip((wet - shore) / 4, 0, 1)).astype(np.float32)[:, :, np.newaxis]
    deep = np.array(DEEP_SEA[rng.integers(len(DEEP_SEA))], np.float32)
    depth = np.clip(-shore / np.float32(side * 0.4), 0, 1)[:, :, np.newaxis]
    swell = np.sin((down + 25 * noise(rng, side, 80, 4)) / np.float32(rng.uniform(2.5, 4.5)))
    sea = deep + SHALLOWS * (1 - depth) + 7 * swell[:, :, np.newaxis] * (0.2 + depth)
    blend(canvas, sea, np.clip((2 - shore) / 4, 0, 1))
    ragged = shore + 34 * (noise(rng, side, 60, 5) - 0.5)
    veins = 1 - 2.6 * np.abs(noise(rng, side, 13, 3) - 0.5)
    foam = np.zeros_like(shore)
    for line in np.cumsum(rng.uniform(18, 35, rng.integers(2, 5))) - 22:
        behind = -(ragged + np.float32(line))
        # A wave is steep towards the land, and leaves a fading lace of foam towards the sea.
        wave = np.exp(-np.clip(behind, 0, 90) / np.float32(rng.uniform(7, 18))) * (behind > -2)
        np.maximum(foam, 3 * wave * (veins - 0.7 + 0.4 * wave), out=foam)
    blend(canvas, (236, 240, 238), np.minimum(foam, 0.95))
    if rng.random() < 0.45:
        dunes = scattered(rng, side, 11, 0.7)
        canopy(rng, canvas, dunes[dunes[:, 1] > side * rng.uniform(0.76, 0.86)], 8)
    return canvas


def _houses(rng: np.random.Generator, side: int) -> Canvas:
    """Streets with houses on both sides, gardens and trees."""
    canvas = doubled(ground(rng, side, GRASS, 35))
    asphalt = doubled(ground(rng, side, PAVED[:2], 60))
    side = len(canvas)
    block = rng.uniform(225, 265)
    streets = np.arange(rng.uniform(0.1, 0.9) * block, side + block, block)
    lot = rng.uniform(96, 116)
    for street in streets:
        for facing in (-1, 1):
            for x in np.arange(rng.uniform(20, 80), side, lot):
                y = street + facing * rng.uniform(70, 80)
                if not _in_view(canvas, x, y, 80):
                    continue
                garden(rng, canvas, x, street + facing * block / 4, lot, block / 2)
                drive = box(x + 30, street + facing * 40, 15, 42, 0)
                cv2.fillPoly(canvas, [drive], jitter(rng, (166, 162, 154), 8))
                house(rng, canvas, x, y, rng.normal(0, 3))
                if rng.random() < 0.5:
                    car(rng, canvas, x + 30, street + facing * 42, 90 + rng.normal(0, 4))
        band(canvas, street, 54, (158, 154, 146))
        band(canvas, street, 42, asphalt)
        for x in np.arange(rng.uniform(0, 200), side, rng.uniform(70, 260)):
            car(rng, canvas, x, street + rng.choice([-15, 15]), rng.normal(0, 1))
    gardens = scattered(rng, side, rng.uniform(40, 56), rng.uniform(0.4, 0.75))
    offset = np.abs(gardens[:, 1, np.newaxis] - streets).min(axis=1)
    free = gardens[(offset > 30) & ((offset < 52) | (offset > 92))]
    canvas = halved(canvas)
    canopy(rng, canvas, free / OVERSAMPLING, 9.5)
    return canvas


def _runway(rng: np.random.Generator, side: int) -> Canvas:
    """A runway with its markings and tyre marks, between verges and often a taxiway."""
    canvas = doubled(ground(rng, side, [*GRASS, EARTH[0]], side // 3))
    tarmac = doubled(ground(rng, side, PAVED, side // 2))
    side = len(canvas)
    middle = side * rng.uniform(0.4, 0.6)
    width = rng.uniform(150, 210)
    band(canvas, middle, width + rng.uniform(20, 60), tarmac, rng.uniform(0.8, 0.95))
    band(canvas, middle, width, tarmac)
    white, yellow = (226, 224, 216), (206, 176, 70)
    taxiway = middle + (width / 2 + rng.uniform(90, 190)) * rng.choice([-1, 1])
    if rng.random() < 0.7:
        band(canvas, taxiway, 62, tarmac, 0.95)
        dashes(canvas, taxiway, yellow, side, 0, 2)
    joints = blank(canvas)
    for across in np.arange(0, side, rng.uniform(34, 60)):
        cv2.line(joints, (int(across), 0), (int(across), side), 255, 1)
    joints[: max(0, int(middle - width / 2))] = 0
    joints[int(middle + width / 2) :] = 0
    for place in np.linspace(-0.5, 0.5, 7)[1:-1] * width:
        cv2.line(joints, (0, int(middle + place)), (side, int(middle + place)), 255, 1)
    shade(canvas, joints, rng.uniform(0.72, 0.95))
    dashes(canvas, middle, white, 92, 62, 5)
    for edge in (-1, 1):
        dashes(canvas, middle + edge * (width / 2 - 7), white, side, 0, 4)
    start = int(rng.uniform(0.2, 0.6) * side)
    marking = rng.random()
    for bar in np.linspace(-0.4, 0.4, 12):
        y = int(middle + bar * width)
        if marking < 0.35:
            cv2.line(canvas, (start, y), (start + 92, y), white, 6)
        elif marking < 0.65 and 0.1 < abs(bar) < 0.3:
            cv2.line(canvas, (start, y), (start + 70, y), white, 8)
    rubber = blank(canvas)
    for _ in range(int(rng.integers(15, 70))):
        touch = rng.uniform(-0.3, 0.8) * side, middle + rng.normal(0, 0.11 * width)
        begin = (int(touch[0]), int(touch[1]))
        end = (int(touch[0] + rng.uniform(0.15, 0.7) * side), int(touch[1] + rng.normal(0, 3)))
        cv2.line(rubber, begin, end, int(rng.integers(60, 200)), int(rng.integers(2, 6)))
    shade(canvas, cv2.GaussianBlur(rubber, (0, 0), 2.5).astype(np.uint8), 0.5)
    return canvas


def _harbor(rng: np.random.Generator, side: int) -> Canvas:
    """Boats of many kinds side by side along floating jetties."""
    canvas = doubled(ground(rng, side, HARBOR, side // 2))
    side = len(canvas)
    deck = jitter(rng, (170, 160, 144), 14)
    length = rng.uniform(60, 112)
    pitch = length * rng.uniform(0.38, 0.46)
    gap = length * rng.uniform(2.75, 3.3)
    for jetty in np.arange(rng.uniform(0.3, 1.0) * length, side + length, gap):
        size = length * rng.uniform(0.85, 1.1)
        band(canvas, jetty + 5, 14, (20, 26, 30))
        band(canvas, jetty, rng.uniform(10, 16), deck)
        for x in np.arange(rng.uniform(0, pitch), side, pitch):
            for bow in (-1, 1):
                berth = jetty + bow * (0.6 * length + 6)
                finger = int(x - pitch / 2)
                cv2.line(canvas, (finger, int(jetty)), (finger, int(berth)), deck, 3)
                if rng.random() < 0.84 and _in_view(canvas, x, jetty, 1.2 * length):
                    moored = size * rng.uniform(0.68, 1.0)
                    head = bow if rng.random() < 0.6 else -bow
                    y = jetty + bow * (0.55 * moored + 9)
                    boat(rng, canvas, x, y, moored, head)
                    cover(rng, canvas, x, y, moored)
    return canvas


def _storage_tanks(rng: np.random.Generator, side: int) -> Canvas:
    """White tanks with shadows, in rows, with roads, pipes and bunds between them."""
    canvas = doubled(ground(rng, side, EARTH, 60))
    paved = doubled(ground(rng, side, PAVED[1:], 60))
    side = len(canvas)
    radius = rng.uniform(44, 92)
    pitch = radius * rng.uniform(2.6, 3.1)
    starts = np.arange(rng.uniform(0.2, 0.9) * pitch, side + radius, pitch)
    for y in starts:
        band(canvas, y + pitch / 2, 18, paved)
        for pipe in np.arange(-20, -20 + 5 * rng.integers(1, 4), 5):
            dashes(canvas, y + pitch / 2 + pipe, (188, 186, 180), side, 0, 2)
    bunds = rng.random() < 0.5
    height, paint = rng.uniform(0.25, 0.6), jitter(rng, (216, 214, 208), 12)
    for y in starts:
        for x in starts + rng.uniform(-8, 8):
            if rng.random() < 0.14:
                continue
            if bunds:
                wall = box(x, y, 0.86 * pitch, 0.86 * pitch, 0)
                cv2.polylines(canvas, [wall + 2], True, (84, 78, 66), 3)
                cv2.polylines(canvas, [wall], True, (184, 172, 150), 3)
            cv2.line(canvas, (int(x), int(y)), (int(x), int(y + pitch / 2)), (168, 166, 160), 3)
            size = int(radius * rng.choice([1, 1, 0.7]))
            tank(rng, canvas, (int(x), int(y)), size, height, paint)
    return canvas


def _parking_lot(rng: np.random.Generator, side: int) -> Canvas:
    """Rows of parked cars, back to back, with lanes and planted islands between them."""
    canvas = doubled(ground(rng, side, PAVED, 80))
    side = len(canvas)
    bay, deep = 14.5, 27
    lane = rng.uniform(36, 54)
    slant = float(rng.choice([90, 90, rng.uniform(58, 72)]))
    islands, planted = rng.uniform(120, 320), rng.random() < 0.5
    trees: list[tuple[float, float]] = []
    for row in np.arange(rng.uniform(-40, 0), side, 2 * deep + lane):
        full = rng.uniform(0.45, 1)
        for x in np.arange(0, side, bay):
            if planted and x % islands < bay:
                island = box(x + bay / 2, row + deep, bay, 2 * deep, 0)
                cv2.fillPoly(canvas, [island], (104, 108, 72))
                trees += [(x + bay / 2, row + deep * half) for half in (0.4, 1.6)]
                continue
            for half in (0.5, 1.5):
                top = int(row + (half - 0.5) * deep)
                cv2.line(canvas, (int(x), top), (int(x), top + deep), (200, 198, 190), 1)
                y = row + half * deep + rng.normal(0, 1.4)
                if rng.random() < full and _in_view(canvas, x, y, 30):
                    car(rng, canvas, x + bay / 2, y, slant + rng.normal(0, 2))
        for x in np.arange(rng.uniform(0, 600), side, 600):
            car(rng, canvas, x, row + 2 * deep + lane * rng.uniform(0.3, 0.7), rng.normal(0, 4))
    canvas = halved(canvas)
    canopy(rng, canvas, np.array(trees).reshape(-1, 2) / OVERSAMPLING, 7)
    return canvas


def _freeway(rng: np.random.Generator, side: int) -> Canvas:
    """Two carriageways with traffic, a median, and verges with bushes."""
    verge = ground(rng, side, [*GRASS, EARTH[0]], 65)
    bushes = scattered(rng, side, rng.uniform(15, 30), rng.uniform(0.2, 0.6))
    canopy(rng, verge, bushes[rng.random(len(bushes)) < bushes[:, 1] / side], 10)
    canvas = doubled(verge)
    paved = doubled(ground(rng, side, PAVED, side // 2))
    side = len(canvas)
    lane, lanes = rng.uniform(23, 29), int(rng.integers(3, 5))
    half = lane * lanes / 2
    middle = side * rng.uniform(0.44, 0.56)
    apart = half + rng.uniform(14, 46)
    traffic = rng.uniform(90, 260)
    for direction in (-1, 1):
        centre = middle + direction * apart
        band(canvas, centre, 2 * half + 34, paved, 0.86)
        band(canvas, centre, 2 * half, paved)
        worn = blank(canvas)
        for wheels in np.arange(0.25, lanes, 0.5) * lane + centre - half:
            cv2.line(worn, (0, int(wheels)), (side, int(wheels)), 255, 5)
        shade(canvas, worn, 0.88)
        for edge in (-1, 1):
            dashes(canvas, centre + edge * half, (222, 214, 186), side, 0, 2)
        for number in range(lanes):
            place = centre - half + (number + 0.5) * lane
            if number:
                dashes(canvas, place - lane / 2, (228, 228, 222), 15, 45, 2)
            for x in np.arange(rng.uniform(0, traffic), side, traffic):
                vehicle = x + rng.uniform(-0.4, 0.4) * traffic
                if rng.random() < 0.1:
                    lorry(rng, canvas, vehicle, place)
                else:
                    car(rng, canvas, vehicle, place, rng.normal(0, 1))
    if apart - half < 30:
        band(canvas, middle + 3, 6, (70, 70, 68))
        band(canvas, middle, 5, (190, 186, 178))
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
