"""The numbers to XOR a substring with, to visit all near substrings, nearest first."""

from functools import cache

import numpy as np
import numpy.typing as npt


@cache
def masks(bits: int) -> npt.NDArray[np.uint32]:
    """All 2^bits numbers with that many bits, by their number of set bits."""
    numbers = np.arange(1 << bits, dtype=np.uint32)
    ordered = numbers[np.argsort(np.bitwise_count(numbers), kind="stable")]
    ordered.flags.writeable = False
    return ordered


@cache
def within(bits: int) -> tuple[int, ...]:
    """The number of masks(bits) with at most r set bits, for r = 0 to bits."""
    weights = np.bincount(np.bitwise_count(np.arange(1 << bits, dtype=np.uint32)))
    return tuple(int(count) for count in np.cumsum(weights))


def radii(distance: int, substrings: int, bits: int) -> list[int]:
    """The smallest radius around each substring that misses no code within a distance.

    If a code's i-th substring were farther than radii[i] for every i, its distance would be at
    least the sum of radii[i] + 1. That sum is distance + 1 here, the tight form of the pigeonhole
    argument (Norouzi, Punjani, Fleet, "Fast exact search in Hamming space with multi-index
    hashing", 2014, section 3.1). -1: the substring's table need not be read.
    """
    total = distance + 1
    return [
        min((total + substrings - 1 - number) // substrings - 1, bits)
        for number in range(substrings)
    ]
