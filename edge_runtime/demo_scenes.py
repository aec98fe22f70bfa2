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

from .drawing import (
    Canvas,
    Colour,
    blank,
    boat,
    box,
    car,
    dashes,
    ground,
    house,
    jitter,
    lay,
    noise,
    scattered,
    shade,
    strip,
    trees,
)

OVERSAMPLING = 2
NATIVE = 256


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
    small = cv2.resize(cut, (size, size), interpolation=cv2.INTER_AREA)
    return _photograph(rng, small.astype(np.float32))


def archive(per_kind: int, seed: int = 0) -> Iterator[tuple[str, npt.NDArray[np.uint8]]]:
    """Draw per_kind scenes of each kind: a file name, such as harbor_03.png, and pixels of each."""
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
    photograph: npt.NDArray[np.uint8] = np.clip(np.rint(noisy), 0, 255).astype(np.uint8)
    return photograph


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
        field = ground(rng, side, dark, light, side // 3)
        pitch = rng.uniform(9, 20)
        wobble = 5 * noise(rng, side, side // 2, 2)
        down = np.arange(side, dtype=np.float32)[:, np.newaxis]
        rows = np.sin((down + wobble) * (2 * np.pi / pitch))
        canvas[top:bottom] = (field * (1 + 0.13 * rows)[:, :, np.newaxis])[top:bottom]
    strip(
        canvas,
        border,
        rng.uniform(12, 26),
        ground(rng, side, (150, 132, 104), (184, 168, 138), 60),
    )
    return canvas


def _forest(rng: np.random.Generator, side: int) -> Canvas:
    canvas = ground(rng, side, (34, 48, 32), (58, 70, 44), side // 4)
    trees(rng, canvas, scattered(rng, side, rng.uniform(24, 32)), rng.uniform(17, 23))
    return canvas


def _river(rng: np.random.Generator, side: int) -> Canvas:
    """A bend of open water between wooded banks."""
    canvas = ground(rng, side, (78, 92, 58), (132, 130, 92), side // 3)
    trees(rng, canvas, scattered(rng, side, 34, 0.75), 18)
    x = np.arange(side)
    bend = side * 0.13 * np.sin(2 * np.pi * x / side * rng.uniform(0.6, 1.1) + rng.uniform(0, 6))
    distance = np.abs(np.arange(side)[:, np.newaxis] - side / 2 - bend)
    edge = distance + 40 * (noise(rng, side, 90, 3) - 0.5)
    half = rng.uniform(70, 115)
    bank = (edge < half + 12).astype(np.uint8)
    lay(canvas, bank, ground(rng, side, (138, 124, 98), (170, 156, 128), 50))
    water = ground(rng, side, (54, 74, 68), (78, 98, 88), side // 2)
    lay(canvas, (edge < half).astype(np.uint8), water)
    return canvas


def _beach(rng: np.random.Generator, side: int) -> Canvas:
    """Sea, surf and sand, one behind the other."""
    down = np.arange(side, dtype=np.float32)[:, np.newaxis]
    shore = down - side * rng.uniform(0.45, 0.6) + 70 * (noise(rng, side, side // 2, 3) - 0.5)
    canvas = ground(rng, side, (196, 178, 146), (226, 212, 184), 160)
    depth = np.clip(-shore / (side * 0.45), 0, 1)[:, :, np.newaxis]
    sea = (
        np.array((92, 150, 150), np.float32) * (1 - depth)
        + np.array((34, 86, 112), np.float32) * depth
    )
    sea = sea + 9 * np.sin((down + 26 * noise(rng, side, 120, 3)) / 5)[:, :, np.newaxis] * depth
    lay(canvas, ((shore > 0) & (shore < 26)).astype(np.uint8), (164, 146, 118))
    lay(canvas, (shore <= 0).astype(np.uint8), sea.astype(np.float32))
    ragged = shore + 46 * (noise(rng, side, 44, 4) - 0.5)
    for start, width in ((-4, 13), (-54, 8), (-104, 6)):
        foam = ((ragged > start - width) & (ragged < start + width)).astype(np.uint8)
        lay(canvas, foam, ground(rng, side, (206, 216, 216), (246, 248, 246), 20))
    return canvas


def _houses(rng: np.random.Generator, side: int) -> Canvas:
    """Streets with houses on both sides, gardens and trees."""
    canvas = ground(rng, side, (92, 104, 66), (148, 146, 100), 90)
    asphalt = ground(rng, side, (112, 112, 112), (136, 134, 130), 120)
    block = rng.uniform(225, 260)
    for street in np.arange(rng.uniform(0.1, 0.9) * block, side + block, block):
        strip(canvas, street, 52, (172, 168, 160))
        strip(canvas, street, 42, asphalt)
        for facing in (-1, 1):
            for x in np.arange(rng.uniform(20, 80), side, rng.uniform(98, 116)):
                y = street + facing * rng.uniform(70, 80)
                drive = box(x + 30, street + facing * 40, 16, 40, 0)
                cv2.fillPoly(canvas, [drive], (176, 172, 166))
                house(rng, canvas, x, y, rng.normal(0, 3))
                if rng.random() < 0.5:
                    car(rng, canvas, x + 30, street + facing * 42, 90 + rng.normal(0, 4))
    gardens = scattered(rng, side, 62, 0.7)
    offset = np.min(
        [np.abs(gardens[:, 1] - s) for s in np.arange(-block, side + block, block)], axis=0
    )
    trees(rng, canvas, gardens[offset > 30], 12)
    return canvas


def _runway(rng: np.random.Generator, side: int) -> Canvas:
    """A runway with its markings and tyre marks, between mown grass and a taxiway."""
    canvas = ground(rng, side, (118, 120, 74), (160, 154, 104), side // 3)
    middle = side * rng.uniform(0.4, 0.6)
    width = rng.uniform(150, 190)
    tarmac = ground(rng, side, (118, 118, 120), (150, 148, 146), side // 2)
    strip(canvas, middle, width + 36, tarmac * 0.86)
    strip(canvas, middle, width, tarmac)
    rubber = blank(canvas)
    for _ in range(40):
        y = middle + rng.normal(0, 13)
        x = rng.uniform(-0.3, 0.7) * side
        length = rng.uniform(0.2, 0.7) * side
        cv2.line(rubber, (int(x), int(y)), (int(x + length), int(y)), 255, int(rng.integers(1, 4)))
    shade(canvas, cv2.GaussianBlur(rubber, (0, 0), 3).astype(np.uint8), 0.6)
    white = (232, 230, 224)
    dashes(canvas, middle, white, 92, 62, 5)
    for edge in (-1, 1):
        dashes(canvas, middle + edge * (width / 2 - 7), white, side, 0, 4)
    if rng.random() < 0.6:
        start = int(rng.uniform(0.25, 0.4) * side)
        for bar in np.linspace(-0.4, 0.4, 10):
            y = int(middle + bar * width)
            cv2.line(canvas, (start, y), (start + 92, y), white, 7)
    taxiway = middle + (width / 2 + 150) * rng.choice([-1, 1])
    strip(canvas, taxiway, 62, tarmac * 0.95)
    dashes(canvas, taxiway, (206, 176, 60), side, 0, 2)
    return canvas


def _harbor(rng: np.random.Generator, side: int) -> Canvas:
    """Boats side by side along floating jetties."""
    canvas = ground(rng, side, (28, 46, 54), (46, 66, 70), side // 2)
    length = rng.uniform(72, 112)
    pitch = length * 0.42
    for jetty in np.arange(rng.uniform(0.3, 1.0) * length, side + length, 2.9 * length):
        strip(canvas, jetty + 5, 14, (20, 30, 36))
        strip(canvas, jetty, 13, (176, 168, 152))
        for x in np.arange(rng.uniform(0, pitch), side, pitch):
            for bow in (-1, 1):
                berth = jetty + bow * (0.62 * length + 6)
                finger = int(x - pitch / 2)
                cv2.line(canvas, (finger, int(jetty)), (finger, int(berth)), (150, 144, 132), 3)
                if rng.random() < 0.86:
                    boat(rng, canvas, x, berth, length * rng.uniform(0.82, 1.05), bow)
    return canvas


def _storage_tanks(rng: np.random.Generator, side: int) -> Canvas:
    """White tanks with shadows, in rows, with pipes between them."""
    canvas = ground(rng, side, (142, 130, 108), (178, 166, 142), 120)
    radius = rng.uniform(46, 78)
    pitch = radius * rng.uniform(2.6, 3.0)
    starts = np.arange(rng.uniform(0.3, 0.9) * pitch, side + radius, pitch)
    for y in starts:
        strip(canvas, y + pitch / 2, 20, (128, 124, 118))
        for pipe in (-16, -11):
            dashes(canvas, y + pitch / 2 + pipe, (196, 194, 188), side, 0, 2)
    for y in starts:
        for x in starts + rng.uniform(-8, 8):
            if rng.random() < 0.12:
                continue
            r = int(radius * rng.choice([1.0, 1.0, 0.72]))
            centre = (int(x), int(y))
            shadow = blank(canvas)
            for step in range(0, int(r * 0.5), 6):
                cv2.circle(shadow, (centre[0] + step, centre[1] + step), r, 255, -1)
            shade(canvas, shadow)
            top = jitter(rng, (222, 220, 214), 8)
            cv2.circle(canvas, centre, r, tuple(0.74 * c for c in top), -1)
            cv2.circle(canvas, (centre[0] - 2, centre[1] - 2), r - 4, top, -1)
            cv2.circle(canvas, centre, r - 9, tuple(0.9 * c for c in top), 2)
            rim = (centre[0] + int(0.7 * r), centre[1] - int(0.6 * r))
            cv2.line(canvas, centre, rim, (150, 148, 144), 3)
    return canvas


def _parking_lot(rng: np.random.Generator, side: int) -> Canvas:
    """Rows of parked cars, back to back, with lanes between them."""
    canvas = ground(rng, side, (100, 100, 102), (126, 124, 122), 160)
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
                    car(rng, canvas, x + bay / 2, y, 90 + rng.normal(0, 2))
    return canvas


def _freeway(rng: np.random.Generator, side: int) -> Canvas:
    """Two carriageways with traffic, a median, and verges with bushes."""
    canvas = ground(rng, side, (112, 112, 72), (160, 148, 108), 130)
    trees(rng, canvas, scattered(rng, side, 58, 0.5), 13)
    concrete = ground(rng, side, (150, 148, 142), (178, 174, 166), side // 2)
    lane, lanes = 30.0, int(rng.integers(3, 5))
    half = lane * lanes / 2
    middle = side * rng.uniform(0.46, 0.54)
    for direction in (-1, 1):
        centre = middle + direction * (half + rng.uniform(14, 30))
        strip(canvas, centre, 2 * half + 30, concrete * 0.9)
        strip(canvas, centre, 2 * half, concrete)
        for edge in (-1, 1):
            dashes(canvas, centre + edge * half, (236, 232, 216), side, 0, 2)
        for number in range(lanes):
            place = centre - half + (number + 0.5) * lane
            if number:
                dashes(canvas, place - lane / 2, (240, 240, 234), 24, 40, 2)
            for x in np.arange(rng.uniform(0, 160), side, rng.uniform(90, 230)):
                car(rng, canvas, x + rng.uniform(-30, 30), place, rng.normal(0, 1))
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
