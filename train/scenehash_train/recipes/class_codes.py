"""A code for each class, far from the others at each width."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

CANDIDATES = 512
PASSES = 4
# Crowding is a sum of exponentials: the sharper, the more the nearest class decides.
SHARPNESS = 8


def draw_class_codes(classes: int, widths: Sequence[int], seed: int) -> npt.NDArray[np.float32]:
    """Codes of -1 and 1, float32 [C, K] with K = widths[-1], far apart at each of the widths.

    The bits from one width to the next are chosen class by class, in a few passes over all classes:
    each time the best of many random candidates, given the earlier bits and the other classes.
    There may be more classes than bits, unlike with orthogonal codes.
    """
    rng = np.random.default_rng(seed)
    codes = np.empty((classes, 0), np.float32)
    for width in widths:
        block = _signs(rng, classes, width - codes.shape[1])
        before = codes @ codes.T
        for _ in range(PASSES):
            for label in range(classes):
                others = np.arange(classes) != label
                candidates = np.concatenate(
                    [block[label : label + 1], _signs(rng, CANDIDATES, block.shape[1])]
                )
                likeness = before[label, others] + candidates @ block[others].T
                crowding = np.exp(likeness * (SHARPNESS / width)).sum(axis=1)
                block[label] = candidates[crowding.argmin()]
        codes = np.concatenate([codes, block], axis=1)
    return codes


def _signs(rng: np.random.Generator, count: int, width: int) -> npt.NDArray[np.float32]:
    return np.where(rng.random((count, width)) < 0.5, -1, 1).astype(np.float32)
