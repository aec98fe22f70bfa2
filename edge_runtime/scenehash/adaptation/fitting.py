"""Code bits fitted on an archive's own tiles, without labels.

A tile and its nearest neighbours are assumed to be of one kind. Fisher's discriminant finds the
directions of the representation in which neighbourhoods differ most from each other, relative to
the differences within them (Fisher, "The use of multiple measurements in taxonomic problems",
Annals of Eugenics 1936). Labels, if there are any, decide which tiles may be neighbours. The
directions are then rotated so that their signs lose least (ITQ: Gong, Lazebnik, "Iterative
Quantization: A Procrustean Approach to Learning Binary Codes", CVPR 2011), each nested width within
itself, so that leading bits are also codes.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from scenehash.model.linear_code import LinearCode, Vectors
from scenehash.store import unit

Floats = npt.NDArray[np.float32]

# Neighbours of a tile that are taken for the same kind, and of how many tiles each at least.
NEIGHBOURS = 20
TILES_A_NEIGHBOUR = 20
# Share of the mean variance that is added to each direction within neighbourhoods.
DAMPING = 0.1
ROUNDS = 3
ROTATIONS = 40
# Bits beyond the first width come from further rotations of this many directions: those after them
# tell scenes apart little.
MOST_DIRECTIONS = 64
# Rows per step of a matrix of similarities.
ROWS_AT_ONCE = 512


def fit(
    vectors: Vectors,
    widths: Sequence[int],
    labels: npt.NDArray[np.int64] | None = None,
    seed: int = 0,
) -> LinearCode:
    """Fit a code of widths[-1] bits on vectors int8 [N, D], N at least 2.

    widths: numbers of leading bits that are also codes, ascending. labels: int64 [N], the class of
    each tile, -1 if not known.
    """
    floats = vectors.astype(np.float32)
    mean = floats.mean(axis=0)
    centred = floats - mean
    directions, middles = _directions(centred, labels)
    matrix = _rotated(middles, directions, widths, seed)
    return LinearCode.of(matrix, mean @ matrix)


def _directions(centred: Floats, labels: npt.NDArray[np.int64] | None) -> tuple[Floats, Floats]:
    """Directions float32 [D, D], those that separate neighbourhoods best first.

    Also the means of neighbourhoods [N, D] that were used.
    """
    count = min(NEIGHBOURS, max(1, len(centred) // TILES_A_NEIGHBOUR))
    space = centred
    for _ in range(ROUNDS):
        middles = neighbourhood_means(space, centred, count, labels)
        spread = centred - middles
        within = spread.T @ spread / len(spread)
        damping = DAMPING * np.trace(within) / len(within) + 1e-6
        values, axes = np.linalg.eigh(within + damping * np.eye(len(within), dtype=np.float32))
        whitening = axes / np.sqrt(values)
        whitened = middles @ whitening
        _, order = np.linalg.eigh(whitened.T @ whitened / len(whitened))
        directions: Floats = (whitening @ order[:, ::-1]).astype(np.float32)
        space = centred @ directions[:, : max(16, len(directions) // 2)]
    return directions, middles


def neighbourhood_means(
    space: Floats, values: Floats, count: int, labels: npt.NDArray[np.int64] | None = None
) -> Floats:
    """The mean of values [N, D] over each tile and its nearest by the cosine in space [N, P].

    labels: int64 [N]: tiles of another class are not neighbours, those of the same class come
    first.
    """
    units = unit(space)
    result = np.empty_like(values)
    for start in range(0, len(units), ROWS_AT_ONCE):
        stop = start + ROWS_AT_ONCE
        likeness = units[start:stop] @ units.T
        if labels is not None:
            own = labels[start:stop, None]
            known = (own >= 0) & (labels >= 0)
            likeness += np.where(known, np.where(own == labels, 2, -4), 0)
        nearest = np.argpartition(-likeness, min(count, len(units) - 1), axis=1)[:, : count + 1]
        result[start:stop] = values[nearest].mean(axis=1)
    return result


def _rotated(middles: Floats, directions: Floats, widths: Sequence[int], seed: int) -> Floats:
    """A matrix [D, K]: for each width, the best directions rotated so that signs keep most.

    The bits of the first width are one rotation of as many directions; the bits from one width to
    the next are another rotation of the best MOST_DIRECTIONS, as often as necessary.
    """
    rng = np.random.default_rng(seed)
    blocks: list[Floats] = []
    made = 0
    for width in widths:
        while made < width:
            some = directions[:, : MOST_DIRECTIONS if made else width]
            rotation = _rotation(middles @ some, rng)[:, : width - made]
            blocks.append(some @ rotation)
            made += rotation.shape[1]
    return np.concatenate(blocks, axis=1)


def _rotation(values: Floats, rng: np.random.Generator) -> Floats:
    """A rotation [P, P] that moves values [N, P] near their signs."""
    size = values.shape[1]
    rotation: Floats = np.linalg.qr(rng.standard_normal((size, size)))[0].astype(np.float32)
    for _ in range(ROTATIONS):
        left, _, right = np.linalg.svd(values.T @ np.sign(values @ rotation))
        rotation = left @ right
    return rotation
