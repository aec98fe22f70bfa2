"""A code for each class, far from those of the others, in its first bits as in all."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

CANDIDATES = 512
PASSES = 4
# Crowding is a sum of exponentials: the sharper, the more the nearest of the others decides.
SHARPNESS = 8


def draw_class_codes(classes: int, widths: Sequence[int], seed: int) -> npt.NDArray[np.float32]:
    """Codes of -1 and 1, float32 [C, K] with K = widths[-1], far apart in each of the widths.

    The bits from one width to the next are chosen class by class, each time the best of many random
    ones, given the bits before and the other classes; a few passes over all classes. Works for more
    classes than bits, where orthogonal codes would run out.
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
