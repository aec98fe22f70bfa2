"""Footprints in a few bits per tile, without loss: neighbours share corners, and corners are
smooth.

The corners of all windows are listed once, by row and column of pixels. Longitudes and latitudes
are whole numbers of the step that scenes use (geo.py): a polynomial of the place in the scene, with
a few coefficients, predicts them, and the differences from the true numbers are stored. An
implementation of docs/link.md gets the same numbers on every machine: each step is one IEEE
operation.
"""

import zlib

import numpy as np
import numpy.typing as npt

from scenehash.errors import BundleError
from scenehash.geo import FOOTPRINT_STEP, on_footprint_steps

from .wire import Integers, Reader, Writer

Floats = npt.NDArray[np.float64]

NONE, RAW, POLYNOMIAL = 0, 1, 2  # POLYNOMIAL + d: of degree d
MOST_DEGREE = 8
# The search for a better degree ends after this many degrees without a gain.
ENOUGH = 2
# Whole numbers up to here are exact as float64.
MOST_EXACT = 2.0**52
# Corners of a window, beginning with the one at its x and y, as the store has them.
ACROSS, DOWN = np.array([0, 1, 1, 0]), np.array([0, 0, 1, 1])


def put_footprints(out: Writer, windows: Integers, footprints: Floats | None) -> None:
    """Write footprints float64 [T, 4, 2] of windows int64 [T, 4]."""
    if footprints is None:
        out.byte(NONE)
        return
    out.raw(_by_polynomial(windows, footprints) or _raw(footprints))


def take_footprints(found: Reader, windows: Integers) -> Floats | None:
    """Read the footprints float64 [T, 4, 2] of windows int64 [T, 4]; None when there are none."""
    way = found.byte()
    if way == NONE:
        return None
    if way == RAW:
        data = found.raw(64 * len(windows))
        footprints = np.frombuffer(data, "<f8").reshape(-1, 4, 2).astype(np.float64)
    else:
        degree = way - POLYNOMIAL
        if degree > MOST_DEGREE:
            raise BundleError(f"footprints of kind {way}, which this scenehash does not know")
        corners, index = _corners(windows)
        count = (degree + 1) * (degree + 2) // 2
        columns = []
        for _ in range(2):
            near = _predicted(corners, found.signeds(count), degree)
            columns.append((near + found.signeds(len(corners))) * FOOTPRINT_STEP)
        footprints = np.stack(columns, axis=1)[index].reshape(-1, 4, 2)
    if not np.isfinite(footprints).all() or np.abs(footprints).max(initial=0) > 540:
        raise BundleError("a footprint is not on the Earth")
    return footprints


def _corners(windows: Integers) -> tuple[Integers, Integers]:
    """The corners of windows, int64 [C, 2] as (y, x), ascending; and the corners of each window: [4
    T].
    """
    x = windows[:, :1] + windows[:, 2:3] * ACROSS
    y = windows[:, 1:2] + windows[:, 3:] * DOWN
    places = np.stack([y.ravel(), x.ravel()], axis=1)
    corners, index = np.unique(places, axis=0, return_inverse=True)
    return corners, index.reshape(-1)


def _by_polynomial(windows: Integers, footprints: Floats) -> bytes | None:
    """The polynomial with the fewest bytes after compression; None: none is possible.

    None is for a scene whose windows do not share corners, or whose corners are not whole steps.
    """
    corners, index = _corners(windows)
    values = np.zeros((len(corners), 2))
    values[index] = footprints.reshape(-1, 2)
    is_whole = on_footprint_steps(values).tobytes() == values.tobytes()
    if not is_whole or values[index].tobytes() != footprints.tobytes():
        return None
    whole, ways, weights = values / FOOTPRINT_STEP, list[bytes](), list[int]()
    for degree in range(MOST_DEGREE + 1):
        if (degree + 1) * (degree + 2) // 2 > len(corners):
            break
        ways.append(_polynomial(corners, whole, degree))
        weights.append(len(zlib.compress(ways[-1])))
        if min(weights[-ENOUGH:]) > min(weights):
            break
    return ways[weights.index(min(weights))]


def _raw(footprints: Floats) -> bytes:
    return bytes([RAW]) + footprints.astype("<f8").tobytes()


def _polynomial(corners: Integers, values: Floats, degree: int) -> bytes:
    out = Writer()
    out.byte(POLYNOMIAL + degree)
    across, down = _scaled(corners)
    terms = [across**i * down**j for i in range(degree, -1, -1) for j in range(degree - i, -1, -1)]
    matrix = np.stack(terms, axis=1)
    for wanted in values.T:
        fitted = np.linalg.lstsq(matrix, wanted, rcond=None)[0]
        coefficients = np.rint(np.clip(fitted, -MOST_EXACT, MOST_EXACT)).astype(np.int64)
        out.signeds(coefficients)
        out.signeds((wanted - _predicted(corners, coefficients, degree)).astype(np.int64))
    return out.data()


def _predicted(corners: Integers, coefficients: Integers, degree: int) -> Floats:
    """The polynomial at each corner as whole numbers, by Horner's rule: see docs/link.md."""
    across, down = _scaled(corners)
    values, at = coefficients.astype(np.float64), 0
    total = np.zeros(len(corners))
    with np.errstate(over="ignore", invalid="ignore"):
        for i in range(degree, -1, -1):
            inner = np.zeros(len(corners))
            for _ in range(degree - i + 1):
                inner = inner * down + values[at]
                at += 1
            total = total * across + inner
    return np.rint(total)


def _scaled(corners: Integers) -> tuple[Floats, Floats]:
    """Columns and rows of corners, from -1 to 1."""
    scaled = []
    for places in (corners[:, 1], corners[:, 0]):
        first, last = int(places.min()), int(places.max())
        scaled.append((2 * places - (first + last)).astype(np.float64) / float(last - first))
    return scaled[0], scaled[1]
